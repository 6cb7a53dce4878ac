"""An alias of a function as a target."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from deploy.errors import AwsRefused
from deploy.model import (
    About,
    Beginning,
    Begun,
    Drifted,
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
    Shift,
    Standing,
    Unclear,
    Unreadable,
)
from deploy.ports import AwsAccount, World
from deploy.target import Place
from deploy.targets.aws import split
from deploy.targets.aws.keeping import Kept
from deploy.targets.aws.owning import of_a_stack
from deploy.targets.aws.timing import within
from deploy.targets.aws.wording import refusal
from deploy.targets.lambda_alias import foretelling
from deploy.targets.lambda_alias.keeping import Marks, Writing, marks_of, recall, writing
from deploy.targets.lambda_alias.looking import View, live_of, look
from deploy.targets.lambda_alias.moving import SOON, Order, answered, by_hand, decide, decide_shift
from deploy.targets.lambda_alias.reading import Reader
from deploy.targets.lambda_alias.resolving import Missed, resolve, stands_by
from deploy.targets.lambda_alias.settings import Settings

# An operation takes at most 7 s. A move first looks; what remains is for the call.
READS = timedelta(seconds=6.5)
LOOKS = timedelta(seconds=3)
BEGINS = timedelta(seconds=6.9)
RECALLS = timedelta(seconds=60)
MARKS = timedelta(seconds=30)
KEPT_MOVES = 64


class LambdaTarget:
    """An alias of a function. See `Target`, `Staged`, `StandingBy`, `Examined` and `Keeper` in `deploy.target`."""

    def __init__(self, settings: Settings, place: Place, world: World) -> None:
        if world.aws is None or place.account is None:
            raise AssertionError("a target on AWS is opened with an account: its kind says `on_aws`")
        self.part = place.part
        self._settings = settings
        self._account: AwsAccount = place.account
        self._act = world.aws.act
        self._now = world.now
        self._whose = (place.service, place.environment)
        self._missed = Missed()
        self._ordered: Kept[str, datetime] = Kept(KEPT_MOVES)
        name, read = self._account.name, world.aws.read
        self._reader: Reader = world.shared(("lambda", self._account), lambda: Reader(name, read))

    # ------------------------------------------------------------------------------------------------------- looking

    async def resolve(self, hints: Mapping[str, str]) -> Release | Unreadable | Gone:
        """The release that *hints* (``deployment``, ``tag``, ``fingerprint``, ``version``) mean. See `resolving`."""
        view = await self._look(READS)
        return (
            view
            if isinstance(view, Unreadable)
            else resolve(view, self._settings, hints, self._missed, self._now())
        )

    async def stands_by(self, hints: Mapping[str, str]) -> Release | Unreadable | Gone:
        """The version that *hints* mean, called or not."""
        return await within(READS, self._stands_by(hints))

    async def _stands_by(self, hints: Mapping[str, str]) -> Release | Unreadable | Gone:
        view = await look(self._reader, self._settings, self._account)
        if isinstance(view, Unreadable):
            return view
        return await stands_by(self._reader, view, self._settings, hints)

    async def unready(self, release: Release) -> str | Unreadable:
        """Why the version should not be called yet: Lambda prepares it still, or what is kept warm of it. See `foretelling`."""
        return await within(READS, foretelling.cold(self._reader, self._settings, release))

    async def observe(self) -> Live | Unreadable:
        """What is called now. In steady state one GetAlias, and nothing else."""
        view = await self._look(READS)
        return view if isinstance(view, Unreadable) else live_of(view)

    async def progress(self, move: Move, key: str) -> Progress | Unreadable:
        """How far the move is. Reads only."""
        view = await self._look(READS)
        if isinstance(view, Unreadable):
            return view
        trace = view.alias.trace if view.alias else None
        if trace is not None and trace.key == key and view.alias is not None and view.alias.our_move is None:
            words = f"{move.to.tag} had all calls, and somebody has moved the alias since"
            ahead = view.ahead
            return Drifted(words, ahead.tag if ahead else None)
        now = self._now()
        ordered = self._ordered.get(key) or self._ordered.keep(key, now)
        return split.progress(view.split, move, ordered, now, by_hand(self._settings, move, self._account))

    async def foretell(self, move: Move) -> Foretold:
        """What `begin` would do now. Reads only."""
        found = await within(READS, self._foretell(move))
        if isinstance(found, Unreadable):
            return foretelling.unseen(self._settings, move, self._account, found.words)
        return found

    async def _foretell(self, move: Move) -> Foretold | Unreadable:
        view = await look(self._reader, self._settings, self._account)
        if isinstance(view, Unreadable):
            return view
        return await foretelling.foretell(
            self._reader, view, move, self._settings, self._account, self._now()
        )

    async def _look(self, most: timedelta) -> View | Unreadable:
        return await within(most, look(self._reader, self._settings, self._account))

    # -------------------------------------------------------------------------------------------------------- moving

    async def begin(self, move: Move, key: str) -> Beginning:
        """Look, decide, and send at most one call. See `moving`."""
        if not self._account.may_act:
            return Refused(
                f"the account {self._account.name} has no role to act: nothing was tried; configure `act:`"
            )
        ends = asyncio.get_running_loop().time() + BEGINS.total_seconds()
        view = await self._look(LOOKS)
        if isinstance(view, Unreadable):
            return Refused(f"nothing was sent: {view.words}", again_in=SOON)
        order = decide(view, self._settings, self._account, move, key, self._now())
        return await self._send(order, move.to, key, ends) if isinstance(order, Order) else order

    async def shift(self, shift: Shift, key: str) -> Beginning:
        """Look, and share the calls out in one call, with the revision of the alias that was looked at."""
        if not self._account.may_act:
            return Refused(
                f"the account {self._account.name} has no role to act: nothing was tried; configure `act:`"
            )
        ends = asyncio.get_running_loop().time() + BEGINS.total_seconds()
        view = await self._look(LOOKS)
        if isinstance(view, Unreadable):
            return Refused(f"nothing was sent: {view.words}", again_in=SOON)
        order = decide_shift(view, self._settings, self._account, shift)
        return await self._send(order, shift.after, key, ends) if isinstance(order, Order) else order

    async def shifted(self, shift: Shift, key: str) -> Progress | Unreadable:
        """How far that is. Reads only."""
        view = await self._look(READS)
        if isinstance(view, Unreadable):
            return view
        now = self._now()
        return split.shifted(view.split, shift, self._ordered.get(key) or self._ordered.keep(key, now), now)

    async def _send(self, order: Order, to: Release, key: str, until: float) -> Beginning:
        self._ordered.keep(key, self._now())
        try:
            async with asyncio.timeout_at(until):
                await self._act(self._account.name, "lambda", "update_alias", **order.parameters)
        except AwsRefused as refused:
            return answered(to, refused)
        except TimeoutError:
            return Unclear(f"{order.told()} was not answered in time")
        without = "" if order.traced else "; its trace has no room in the alias's description"
        return Begun(f"{self._settings.called}:{to.tag}", f"{order.told()}{without}")

    async def examine(self) -> Sequence[Finding]:
        """Whether somebody else writes the alias too: it has no tags, and its function's say so. Reads only."""
        found = await within(READS, self._tags())
        if isinstance(found, Unreadable):
            return [
                Finding(
                    Level.WARN,
                    f"who else writes it cannot be seen: {found.words}",
                    "may it be read?",
                    untold=True,
                    about=About.OWNER,
                )
            ]
        said = [*of_a_stack(found, self._settings.called)]
        return said or [Finding(Level.OK, "nobody else is known to write it", about=About.OWNER)]

    async def _tags(self) -> Mapping[str, str] | Unreadable:
        view = await look(self._reader, self._settings, self._account)
        if isinstance(view, Unreadable):
            return view
        return await self._reader.tags(view.alias.function) if view.alias else {}

    # ------------------------------------------------------------------------------------------------------- keeping

    async def recall(self, now: datetime) -> Recalled | Unreadable:
        """What our marks and the alias say. Reads only."""
        return await within(RECALLS, self._recall(now))

    async def _recall(self, now: datetime) -> Recalled | Unreadable:
        view = await look(self._reader, self._settings, self._account)
        if isinstance(view, Unreadable):
            return view
        try:
            marks = await self._marks(view)
            return await recall(self._reader, self._settings.function_name, view, marks, now)
        except AwsRefused as refused:
            return Unreadable(refusal(refused))

    async def mark(self, standings: Sequence[Standing]) -> str:
        """Write how versions stand onto their function, where that differs. Without a role to act it writes nothing."""
        if not self._account.may_act or self._settings.alias is None:
            return ""
        view = await self._look(READS)
        if isinstance(view, Unreadable):
            return f"{self._settings.function_name} could not be marked: {view.words}"
        try:
            async with asyncio.timeout(MARKS.total_seconds()):
                await self._write(view, writing(await self._marks(view), standings))
        except AwsRefused as refused:
            return f"{self._settings.function_name} could not be marked: {refusal(refused)}"
        except TimeoutError:
            return "not all marks were written: Lambda did not answer in time"
        return ""

    async def _write(self, view: View, writing: Writing) -> None:
        if view.alias is None:
            return
        account, resource = self._account.name, view.alias.function
        if writing.put:
            await self._act(account, "lambda", "tag_resource", Resource=resource, Tags=dict(writing.put))
        if writing.remove:
            await self._act(
                account, "lambda", "untag_resource", Resource=resource, TagKeys=list(writing.remove)
            )

    async def _marks(self, view: View) -> Marks:
        tags = await self._reader.tags(view.alias.function) if view.alias else {}
        return marks_of(tags, *self._whose)
