"""A flag of LaunchDarkly as a target."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus

from deploy.errors import Unanswered
from deploy.model import (
    About,
    Beginning,
    Begun,
    Drifted,
    Failed,
    Finding,
    Foretold,
    Level,
    Live,
    Move,
    Moving,
    Progress,
    Refused,
    Release,
    Serving,
    Unclear,
    Unreadable,
)
from deploy.ports import Got, World
from deploy.target import Place, with_hints
from deploy.targets.aws.hinting import NAMES, goes_by, wanted
from deploy.targets.aws.keeping import Kept
from deploy.targets.aws.split import NOBODY, Split
from deploy.targets.launchdarkly.client import Client, said
from deploy.targets.launchdarkly.flag import Flag
from deploy.targets.launchdarkly.moving import EXPERIMENT, SOON, Order, back, decide, key_in, order
from deploy.targets.launchdarkly.settings import Settings
from deploy.targets.launchdarkly.state import release_of, set_to
from deploy.targets.leaving import BEGUN_IS_FINISHED, NONE_AWAY

# An order of which nothing is seen for so long did not arrive: the API shows a change at once. A guess.
LOST_AFTER = timedelta(minutes=2)
BEGINS = timedelta(seconds=6.9)
KEPT = 64


class LaunchDarklyTarget:
    """A flag in one environment. See `deploy.target.Target` and `deploy.target.Examined`."""

    def __init__(self, settings: Settings, place: Place, world: World) -> None:
        if world.send is None:
            raise AssertionError("a target that is spoken with over HTTP is opened with it")
        self.part = place.part
        self._settings = settings
        self._now = world.now
        self._client = Client(settings, world.send, world.now)
        self._keys: Kept[int, str] = Kept(KEPT)
        self._ordered: Kept[str, datetime] = Kept(KEPT)

    # ------------------------------------------------------------------------------------------------------- looking

    async def resolve(self, hints: Mapping[str, str]) -> Release | Unreadable:
        """The release that *hints* (``tag``, ``fingerprint``) mean, if the flag is set so; with none, how it is set."""
        flag = await self._client.flag()
        if isinstance(flag, Unreadable):
            return flag
        found = await self._given(flag)
        if isinstance(found, Unreadable):
            return found
        if not found.parts:
            return Unreadable(f"{self._settings.called} was archived")
        is_hinted = bool(hints.keys() & set(NAMES))
        for release, _ in reversed(found.parts):
            if not is_hinted or goes_by(release, hints, {release.tag, release.names["state"]}, {release.tag}):
                return with_hints(release, hints)
        given = " and ".join(release.tag for release, _ in found.parts)
        return Unreadable(f"the flag is {given}, and not {wanted(hints)}")

    async def observe(self) -> Live | Unreadable:
        """How the flag is set now. One request; and one more for each change, by which our own is recognised."""
        flag = await self._client.flag()
        if isinstance(flag, Unreadable):
            return flag
        found = await self._given(flag)
        if isinstance(found, Unreadable):
            return found
        return Live(
            found.serving,
            found.coming,
            shares=found.shares if found.coming else {},
            key=await self._key(flag),
            since=flag.modified,
            obstacles=_obstacles(flag),
        )

    async def _given(self, flag: Flag) -> Split | Unreadable:
        """What it gives: how it is set, to everybody; nothing, where it was archived."""
        return NOBODY if flag.archived else Split(((release_of(flag, self._settings.flag), 1.0),))

    async def progress(self, move: Move, key: str) -> Progress | Unreadable:
        """How far the move is. Reads only."""
        flag = await self._client.flag()
        if isinstance(flag, Unreadable):
            return flag
        if flag.archived:
            return Failed(f"{self._settings.called} was archived")
        now = self._now()
        return self._progress(flag, move, self._ordered.get(key) or self._ordered.keep(key, now), now)

    def _progress(self, flag: Flag, move: Move, ordered: datetime, now: datetime) -> Progress:
        live = release_of(flag, self._settings.flag)
        if live.is_same_as(move.to):
            return Serving()
        if not live.is_same_as(move.expect):
            return Drifted(f"it is {live.tag}, not {move.to.tag}: somebody else has set it", live.tag)
        if now >= ordered + LOST_AFTER:
            words = f"{move.to.tag} was ordered, and nothing is seen of it: the order was lost"
            return Failed(words, self._by_hand(flag, move))
        return Moving(f"it is {live.tag} still; {move.to.tag} was ordered")

    async def foretell(self, move: Move) -> Foretold:
        """What `begin` would do now. Reads only."""
        flag = await self._client.flag()
        if isinstance(flag, Unreadable):
            calls = (f"PATCH /api/v2/flags/{self._settings.project}/{self._settings.flag}",)
            where = f"set {self._settings.called} to {move.to.tag} at {self._settings.url}"
            return Foretold(calls=calls, by_hand=where, obstacles=(flag.words,))
        role, approvals = await self._allowed()
        decided = self._decide(flag, move, "KEY")
        planned = decided if isinstance(decided, Order) else self._planned(flag, move)
        refused = (decided.words,) if isinstance(decided, Refused) and decided.third_tag is None else ()
        return Foretold(
            calls=(planned.told(self._settings),) if planned else (),
            takes="some seconds: SDKs that stream hear of it at once, those that poll when they ask next",
            capacity=NONE_AWAY,
            sessions=BEGUN_IS_FINISHED,
            by_hand=self._by_hand(flag, move),
            obstacles=(*refused, *_obstacles(flag), *_of_the_token(role), *approvals),
        )

    async def examine(self) -> Sequence[Finding]:
        """Whether a rollback would be let through. Reads only."""
        flag = await self._client.flag()
        if isinstance(flag, Unreadable):
            return [Finding(Level.FAIL, flag.words, "see that the token may read the flag", about=About.LIVE)]
        if flag.archived:
            return [
                Finding(
                    Level.FAIL,
                    f"{self._settings.called} was archived",
                    "remove it from here",
                    about=About.LIVE,
                )
            ]
        role, approvals = await self._allowed()
        stands = [*_obstacles(flag), *_of_the_token(role), *approvals]
        found = [
            Finding(Level.WARN, words, "see to it before it is needed", about=About.LIVE) for words in stands
        ]
        unknown = (
            f"; whether the token may change it is not known: {role.words}"
            if isinstance(role, Unreadable)
            else ""
        )
        words = f"{self._settings.called} is {release_of(flag, '').tag}{unknown}"
        return found or [Finding(Level.OK, words, about=About.LIVE)]

    async def _allowed(self) -> tuple[str | Unreadable, tuple[str, ...]]:
        """By which role the token may change nothing, and what is to be said of approvals."""
        return await asyncio.gather(self._client.reads_only(), self._approvals())

    async def _approvals(self) -> tuple[str, ...]:
        needed = await self._client.needs_approval()
        if isinstance(needed, Unreadable):
            return (f"whether changes need approval is not known: {needed.words}",)
        if not needed:
            return ()
        words = (
            "requires approvals: a rollback is refused, unless the token's role may bypassRequiredApproval"
        )
        return (f"{self._settings.environment} {words}",)

    async def _key(self, flag: Flag) -> str | None:
        """The key of our own move, if the newest change is one; asked once for each version."""
        kept = self._keys.get(flag.version)
        if kept is None:
            comment = await self._client.comment(flag.modified)
            if comment is None:
                return None
            kept = self._keys.keep(flag.version, key_in(comment) or "")
        return kept or None

    def _planned(self, flag: Flag, move: Move) -> Order | None:
        found = set_to(flag, move.to.tag)
        return order(flag, found, self._settings, back(move, "KEY")) if found else None

    def _by_hand(self, flag: Flag, move: Move) -> str:
        decided = self._decide(flag, move, "KEY")
        planned = decided if isinstance(decided, Order) else self._planned(flag, move)
        if planned is None:
            return f"set {self._settings.called} to {move.to.tag} at {self._settings.url}"
        return planned.by_hand(self._settings, move)

    # -------------------------------------------------------------------------------------------------------- moving

    async def begin(self, move: Move, key: str) -> Beginning:
        """Look, decide, and send at most one patch. See `moving`."""
        return await self._send(lambda flag: self._decide(flag, move, key), key)

    def _decide(self, flag: Flag, move: Move, key: str) -> Order | Beginning:
        return decide(flag, self._settings, move, key)

    async def _send(self, decides: Callable[[Flag], Order | Beginning], key: str) -> Beginning:
        ends = asyncio.get_running_loop().time() + BEGINS.total_seconds()
        flag = await self._client.flag()
        if isinstance(flag, Unreadable):
            return Refused(f"nothing was sent: {flag.words}", again_in=SOON)
        decided = decides(flag)
        if not isinstance(decided, Order):
            return decided
        self._ordered.keep(key, self._now())
        try:
            got = await self._client.change(decided.patch, decided.comment)
        except Unanswered as error:
            return (
                Unclear(str(error))
                if error.may_have_happened
                else Refused(f"{error}; {error.remedy}", None, SOON)
            )
        return await self._answered(got, decided, ends)

    async def _is_still(self, version: int, ends: float) -> bool:
        """Nobody has changed the flag since; and that is known for sure."""
        try:
            async with asyncio.timeout_at(ends):
                now = await self._client.flag()
        except TimeoutError:
            return False
        return isinstance(now, Flag) and now.version == version

    async def _answered(self, got: Got, sent: Order, ends: float) -> Beginning:
        if got.status == HTTPStatus.OK:
            return Begun(words=sent.told(self._settings))
        if got.status < HTTPStatus.MULTIPLE_CHOICES:  # none that is documented: what it did is read
            return Unclear(f"{self._settings.called}: HTTP {got.status}")
        words = f"{self._settings.called}: {said(got)}"
        if got.status == HTTPStatus.TOO_MANY_REQUESTS:
            return Refused(words, again_in=self._client.wait(got))
        if got.status >= HTTPStatus.INTERNAL_SERVER_ERROR or got.status == HTTPStatus.REQUEST_TIMEOUT:
            return Unclear(words)
        # With which of the two a test that failed is answered, nobody says; the version does.
        failed = got.status == HTTPStatus.CONFLICT or (
            got.status == HTTPStatus.BAD_REQUEST and not await self._is_still(sent.version, ends)
        )
        if failed:
            return Refused(f"{words}: it was changed meanwhile, and is read again", again_in=SOON)
        return Refused(words)


def _obstacles(flag: Flag) -> tuple[str, ...]:
    if not flag.fallthrough.is_experiment or not flag.on:
        return ()
    return (EXPERIMENT,)


def _of_the_token(role: str | Unreadable) -> tuple[str, ...]:
    """That a rollback would be refused; what is not known stands in nobody's way."""
    if not role or isinstance(role, Unreadable):
        return ()
    return (f"the token has the role {role}, which may change no flag: a rollback is refused",)
