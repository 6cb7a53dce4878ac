"""One flag of a profile in one environment as a target."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from deploy.errors import AwsRefused
from deploy.model import (
    About,
    Beginning,
    Begun,
    Finding,
    Foretold,
    Gone,
    Level,
    Live,
    Move,
    Progress,
    Recalled,
    Refused,
    Release,
    Standing,
    Unreadable,
)
from deploy.ports import World
from deploy.target import Place
from deploy.targets.appconfig.acting import OnAppConfig
from deploy.targets.appconfig.flag import foretelling, keeping, progressing
from deploy.targets.appconfig.flag.document import Document, giving
from deploy.targets.appconfig.flag.examining import examine
from deploy.targets.appconfig.flag.looking import FlagReader, FlagView, live_of, look
from deploy.targets.appconfig.flag.moving import Write, back, decide, found_in, unwritten
from deploy.targets.appconfig.flag.resolving import resolve
from deploy.targets.appconfig.foretelling import KEY
from deploy.targets.appconfig.moving import CONFLICT, REFUSED, SOON, Order, with_key_of
from deploy.targets.appconfig.settings import Settings
from deploy.targets.aws.acting import forbidden
from deploy.targets.aws.timing import BEGINS, EXAMINES, READS, RECALLS, ends, within
from deploy.targets.aws.wording import refusal

# What serves, and what it says: some reads one after the other. What is left is for two calls, of which the second moves.
LOOKS = timedelta(seconds=3.5)
STARTS = timedelta(seconds=1.5)  # at least
VERSIONS = 20  # that are looked through for how the flag was


class FlagTarget(OnAppConfig):
    """A flag in its environment. See `deploy.target.Target`, `Keeper` and `Examined` there."""

    def __init__(self, settings: Settings, place: Place, world: World) -> None:
        super().__init__(settings, place, world)
        self._flags = FlagReader(self._reader, settings)

    # ------------------------------------------------------------------------------------------------------- looking

    async def resolve(self, hints: Mapping[str, str]) -> Release | Unreadable | Gone:
        """The release that *hints* (``deployment``, ``tag``, ``fingerprint``, ``version``) mean. See `resolving`."""
        view = await within(READS, self._view())
        return view if isinstance(view, Unreadable) else resolve(view, self._settings, hints)

    async def observe(self) -> Live | Unreadable:
        """What the flag gives now. In steady state its share of one ListDeployments for the environment, and nothing else."""
        view = await within(READS, self._view())
        return view if isinstance(view, Unreadable) else live_of(view)

    async def progress(self, move: Move, key: str) -> Progress | Unreadable:
        """How far the move is. Reads only."""
        return await within(READS, self._progress(move, key))

    async def _progress(self, move: Move, key: str) -> Progress | Unreadable:
        view = await self._view(deep=True)
        if isinstance(view, Unreadable):
            return view
        now = self._now()
        ordered = self._ordered.get(key) or self._ordered.keep(key, now)
        line = foretelling.by_hand(view, self._settings, self._account, move)
        found = progressing.progress(view, move, key, ordered, now, line)
        return await self._with_reason(found, view.found.last.number if view.found.last else None)

    async def foretell(self, move: Move) -> Foretold:
        """What `begin` would do now. Reads only."""
        found = await within(READS, self._foretell(move))
        if isinstance(found, Unreadable):
            return foretelling.unseen(self._settings, self._account, move, found.words)
        return found

    async def _foretell(self, move: Move) -> Foretold | Unreadable:
        view = await self._view(deep=True)
        if isinstance(view, Unreadable):
            return view
        decided = decide(view, self._settings, move, KEY, self._now())
        document = await self._wanted(view, move)
        return await foretelling.foretell(
            self._reader, view, self._settings, self._account, move, decided, document, self._now()
        )

    async def examine(self) -> Sequence[Finding]:
        """Whether the flag is there, can be written, and how it would be deployed. Reads only."""
        found = await within(EXAMINES, self._examine())
        if isinstance(found, Unreadable):
            return [
                Finding(
                    Level.FAIL,
                    found.words,
                    "may it be read? else correct `runs_on`, or the flag",
                    about=About.LIVE,
                )
            ]
        return found

    async def _examine(self) -> Sequence[Finding] | Unreadable:
        view = await self._view(deep=True)
        return view if isinstance(view, Unreadable) else await examine(self._reader, view, self._settings)

    async def _view(self, *, deep: bool = False) -> FlagView | Unreadable:
        return await look(self._flags, self._account, self._tagged, deep=deep)

    # -------------------------------------------------------------------------------------------------------- moving

    async def begin(self, move: Move, key: str) -> Beginning:
        """Look, decide, and send at most one call that moves; before that a version is written, if one is needed. See `moving`."""
        denied = forbidden(self._account)
        if denied is not None:
            return denied
        until = ends(BEGINS)
        found = await within(LOOKS, self._decided(move, key))
        if isinstance(found, Unreadable):
            return Refused(f"nothing was sent: {found.words}", again_in=SOON)
        if isinstance(found, Order):
            return await self._send(found, move, key, await self._leave(found, until), until)
        return await self._change(found, move, key, until) if isinstance(found, tuple) else found

    async def _decided(self, move: Move, key: str) -> Order | tuple[FlagView, Write] | Beginning | Unreadable:
        view = await self._view(deep=True)
        if isinstance(view, Unreadable):
            return view
        decided = decide(view, self._settings, move, key, self._now())
        if decided is not None:
            return decided
        document = await self._wanted(view, move)
        if isinstance(document, str):
            return Refused(document)
        return view, back(document, move, key, self._now())

    async def _wanted(self, view: FlagView, move: Move) -> Document | str:
        """The version that serves, with the flag giving ``move.to``; or why there is none."""
        newest = view.newest
        if newest is None:
            return "nothing was deployed yet"
        document = await self._flags.document(newest)
        if isinstance(document, str):
            return document
        made = giving(document, self._settings, move.to, None)
        if made is None:
            made = giving(document, self._settings, move.to, await self._older(view, move.to))
        return made or (
            f"{self._settings.flag_called} cannot be put back to {move.to.tag}: none of the last {VERSIONS} versions that were deployed has it"
        )

    async def _older(self, view: FlagView, to: Release) -> Document | None:
        """The newest version that was deployed with the flag giving *to* to everybody."""
        newest = {each.version: each for each in reversed(view.found.past)}
        for deployment in sorted(newest.values(), key=lambda each: each.number, reverse=True)[:VERSIONS]:
            found = await self._flags.split(deployment)
            alone = None if isinstance(found, str) else found.alone
            if alone is not None and alone.is_same_as(to):
                document = await self._flags.document(deployment)
                return None if isinstance(document, str) else document
        return None

    async def _change(self, decided: tuple[FlagView, Write], move: Move, key: str, until: float) -> Beginning:
        """Write the version, unless it was written before; and deploy it."""
        view, write = decided
        try:
            async with asyncio.timeout_at(until - STARTS.total_seconds()):
                told = (
                    await self._reader.deployment(self._settings, view.newest.number) if view.newest else None
                )
                written = await self._written(write)
        except TimeoutError:
            words = "whether the version was written is looked up, and nothing was moved"
            return Refused(f"AppConfig did not answer in time: {words}", again_in=SOON)
        except AwsRefused as refused:
            return Refused(f"nothing was moved: {refusal(refused)}", again_in=SOON)
        if isinstance(written, Refused):
            return written
        order = with_key_of(write.start(self._settings, view.found.numbers, str(written)), told)
        answer = await self._send(order, move, key, "", until)
        if isinstance(answer, Begun):
            return replace(answer, words=f"version {written} ({write.label}) was written; {answer.words}")
        return answer

    async def _written(self, write: Write) -> int | Refused:
        """The number of the version, which is there then. May raise `AwsRefused` where something could not be read."""
        versions = await self._reader.versions(self._settings)
        if versions is None:
            return Refused(
                f"{self._settings.profile} has too many versions to read them all: delete those that nobody needs"
            )
        before = found_in(versions, write)
        if before is not None:
            content = await self._flags.version(str(before))
            if isinstance(content, Document) and _same(content, write):
                return before
            return Refused(
                f"version {before} has the label {write.label}, and says something else: delete it"
            )
        return await self._new(write, max(versions, default=0))

    async def _new(self, write: Write, newest: int) -> int | Refused:
        try:
            return await self._create(write.create(self._settings, newest))
        except AwsRefused as refused:
            if refused.may_have_happened or refused.code not in {CONFLICT, REFUSED}:
                return unwritten(refused, overtaken=False)
            if newest != max(await self._reader.versions(self._settings) or {}, default=0):
                return unwritten(refused, overtaken=True)
        # The newest that there is was named, and there was a newer one, which was deleted: whose number that had, nobody tells.
        try:
            return await self._create(write.create(self._settings, None))
        except AwsRefused as refused:
            return unwritten(refused, overtaken=False)

    async def _create(self, order: Order) -> int:
        told = await self._aws.act(self._account.name, order.service, order.operation, **order.parameters)
        return int(told["VersionNumber"])

    # ------------------------------------------------------------------------------------------------------- keeping

    async def recall(self, now: datetime) -> Recalled | Unreadable:
        """What AppConfig remembers of the flag, and what our marks say. Reads only."""
        return await within(RECALLS, self._recall(now))

    async def _recall(self, now: datetime) -> Recalled | Unreadable:
        view = await self._view(deep=True)
        if isinstance(view, Unreadable):
            return view
        return await keeping.recall(self._flags, view, self._account, self._key, now)

    async def mark(self, standings: Sequence[Standing]) -> str:
        """Write how releases stand onto the deployments that brought them. Without a role to act it writes nothing."""
        if not self._account.may_act:
            return ""
        wanted = await within(READS, self._to_mark(standings))
        if isinstance(wanted, Unreadable):
            return f"the deployments could not be marked: {wanted.words}"
        return await self._mark_all(wanted)

    async def _to_mark(self, standings: Sequence[Standing]) -> Mapping[str, Standing] | Unreadable:
        view = await self._view(deep=True)
        if isinstance(view, Unreadable):
            return view
        return await keeping.writing(self._flags, view, standings, self._account)


def _same(document: Document, write: Write) -> bool:
    """AppConfig has written into it when each flag was made and changed, and nothing else."""
    return replace(write, content=document.written()).fingerprint == write.fingerprint
