"""A flag of Unleash as a target."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from deploy.errors import Unanswered
from deploy.model import (
    AlreadyThere,
    Beginning,
    Drifted,
    Finding,
    Foretold,
    Live,
    Move,
    Progress,
    Recalled,
    Refused,
    Release,
    Standing,
    Unclear,
    Unreadable,
)
from deploy.ports import World
from deploy.target import Place, with_hints
from deploy.targets.aws.hinting import NAMES, goes_by, wanted
from deploy.targets.aws.split import Split
from deploy.targets.leaving import BEGUN_IS_FINISHED, NONE_AWAY
from deploy.targets.unleash.client import Client, answered
from deploy.targets.unleash.examining import examine, in_the_way
from deploy.targets.unleash.flag import Flag
from deploy.targets.unleash.history import Served, past
from deploy.targets.unleash.moving import SOON, Call, by_hand, calls, decide, wanted_of
from deploy.targets.unleash.progressing import Ordered, Sent, progress
from deploy.targets.unleash.settings import Settings
from deploy.targets.unleash.state import release_of

READS = timedelta(seconds=6.5)
YOUNG = timedelta(hours=24)  # what was set since may still be watched
_TAKES = "some seconds: SDKs ask for flags every 15 s, or as they are configured"


class UnleashTarget:
    """A flag in one environment. See `deploy.target.Target`, `deploy.target.Examined` and `deploy.target.Keeper`."""

    def __init__(self, settings: Settings, place: Place, world: World) -> None:
        if world.send is None:
            raise AssertionError("a target that is spoken with over HTTP is opened with it")
        self.part = place.part
        self._settings = settings
        self._now = world.now
        self._client = Client(settings, world.send)
        self._ordered = Ordered()
        self._seen: tuple[str, datetime] | None = None

    # ------------------------------------------------------------------------------------------------------- looking

    async def resolve(self, hints: Mapping[str, str]) -> Release | Unreadable:
        """The release that *hints* (``tag``, ``fingerprint``) mean, if the flag is set so; with none, how it is set."""
        flag = await self._client.flag()
        if isinstance(flag, Unreadable):
            return flag
        if flag.archived:
            return Unreadable(f"{self._settings.called} was archived")
        parts = self._given(flag).parts
        is_hinted = bool(hints.keys() & set(NAMES))
        for release, _ in reversed(parts):
            if not is_hinted or goes_by(release, hints, {release.tag, release.names["state"]}, {release.tag}):
                return with_hints(release, hints)
        given = " and ".join(release.tag for release, _ in parts)
        return Unreadable(f"the flag is {given}, and not {wanted(hints)}")

    async def observe(self) -> Live | Unreadable:
        """How the flag is set now. One request; and one more once it is set otherwise, for when that was."""
        flag = await self._client.flag()
        if isinstance(flag, Unreadable):
            return flag
        if flag.archived:
            return Live(None)
        found = self._given(flag)
        shares = found.shares if found.coming else {}
        return Live(found.serving, found.coming, shares, since=await self._since(flag, found))

    def _given(self, flag: Flag) -> Split:
        """What it gives, of one that was not archived: how it is set, to everybody."""
        return Split(((release_of(flag, self._settings.flag), 1.0),))

    async def progress(self, move: Move, key: str) -> Progress | Unreadable:
        """How far the move is. Reads only."""
        flag = await self._client.flag()
        if isinstance(flag, Unreadable):
            return flag
        now = self._now()
        found = self._progress(flag, move, self._ordered.last(key, now), now)
        return await self._with_whom(flag, found) if isinstance(found, Drifted) else found

    async def foretell(self, move: Move) -> Foretold:
        """What `begin` would do now. Reads only."""
        flag = await self._client.flag()
        if isinstance(flag, Unreadable):
            turned = f"POST {self._settings.here}/{'off' if move.to.tag == 'off' else 'on'}"
            return Foretold(
                (turned,),
                by_hand=by_hand(None, None, self._settings, move),
                obstacles=(flag.words,),
                unread=True,
            )
        decided = self._decide(flag, move)
        aim = self._wanted(flag, move)
        refused = (decided.words,) if isinstance(decided, Refused) and decided.third_tag is None else ()
        return Foretold(
            calls=tuple(str(each) for each in calls(flag, aim, self._settings)) if aim else (),
            takes=_TAKES,
            capacity=NONE_AWAY,
            sessions=BEGUN_IS_FINISHED,
            by_hand=by_hand(flag, aim, self._settings, move),
            obstacles=(*refused, *await in_the_way(self._client, self._settings)),
        )

    async def examine(self) -> Sequence[Finding]:
        """Whether a rollback would be let through. Reads only."""
        return await examine(self._client, self._settings, await self._client.flag())

    async def _since(self, flag: Flag, found: Split) -> datetime | None:
        """Since when it gives what is newest; asked once as long as it does. ``None``: Unleash does not tell."""
        newest = _newest(found)
        if self._seen is not None and self._seen[0] == newest.fingerprint:
            return self._seen[1]
        served = await self._past(flag, lambda then: _newest(self._given(then)))
        self._seen = (newest.fingerprint, served[0].since) if served else None
        return served[0].since if served else None

    async def _past(self, flag: Flag, of: Callable[[Flag], Release | None]) -> Sequence[Served]:
        events = await self._client.events()
        return () if isinstance(events, Unreadable) else past(flag, events, self._settings.environment, of)

    async def _with_whom(self, flag: Flag, found: Drifted) -> Drifted:
        served = await self._past(flag, lambda then: release_of(then, self._settings.flag))
        if not served or not served[0].by:
            return found
        return replace(found, words=f"{found.words} ({served[0].by}, at {served[0].since:%H:%M:%S} UTC)")

    # ------------------------------------------------------------------------------------------------------- keeping

    async def recall(self, now: datetime) -> Recalled | Unreadable:
        """How the flag was set, as far back as Unleash's events tell. What was set within a day may still be watched."""
        flag = await self._client.flag()
        if isinstance(flag, Unreadable):
            return flag
        events = await self._client.events()
        if isinstance(events, Unreadable):
            return events
        served = past(flag, events, self._settings.environment, lambda then: self._given(then).alone)
        is_young = self._given(flag).alone is not None  # what is shared out has not served yet
        settled = [
            each for each in served if each is not served[0] or not is_young or each.since <= now - YOUNG
        ]
        return Recalled(served=tuple((each.release, each.since) for each in reversed(settled)))

    async def mark(self, standings: Sequence[Standing]) -> str:  # noqa: ARG002  (there is no place for it)
        """Nothing is written: Unleash has no place for marks beside how a flag is set."""
        return ""

    # -------------------------------------------------------------------------------------------------------- moving

    async def begin(self, move: Move, key: str) -> Beginning:
        """Look, decide, and send at most one call. See `moving`."""
        return await self._send(lambda flag: self._decide(flag, move), key)

    def _decide(self, flag: Flag, move: Move) -> Call | AlreadyThere | Refused:
        return decide(flag, self._settings, move)

    def _wanted(self, flag: Flag, move: Move) -> Flag | None:
        """*flag* as it is to be; ``None``: it cannot be made of what it is now."""
        return wanted_of(flag, self._settings, move)

    def _progress(self, flag: Flag, move: Move, sent: Sent, now: datetime) -> Progress:
        return progress(flag, self._settings, move, sent, now)

    async def _send(self, decides: Callable[[Flag], Call | AlreadyThere | Refused], key: str) -> Beginning:
        flag = await self._client.flag()
        if isinstance(flag, Unreadable):
            return Refused(f"nothing was sent: {flag.words}", again_in=SOON)
        decided = decides(flag)
        if not isinstance(decided, Call):
            return decided
        now = self._now()
        before = self._ordered.last(key, now)
        self._ordered.note(key, decided, now)
        answer = await self._ask(decided)
        if isinstance(answer, Refused):  # it did nothing: what was sent last is the call before it
            self._ordered.note(key, before.call, now)
        return answer

    async def _ask(self, decided: Call) -> Beginning:
        try:
            got = await self._client.change(decided)
        except Unanswered as error:
            if error.may_have_happened:
                return Unclear(str(error))
            return Refused(f"{error}; {error.remedy}", again_in=SOON)
        return answered(got, decided, self._settings)


def _newest(found: Split) -> Release:
    """Of what a flag gives; it gives something, were it nothing to all."""
    return found.parts[-1][0]
