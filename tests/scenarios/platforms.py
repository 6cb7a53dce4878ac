"""A platform in virtual time: it moves one part of a service from release to release, and a move takes its time.

It is the target too: what it is asked and told stands in ``calls``, and how it answers is said by the test.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from deploy.model import (
    AlreadyThere,
    Beginning,
    Begun,
    Drifted,
    Failed,
    Foretold,
    Live,
    Move,
    Moving,
    Progress,
    Recalled,
    Refused,
    Release,
    Serving,
    Standing,
    Unclear,
    Unreadable,
)
from deploy.target import with_hints
from tests.scenarios.traffic import LONG_AGO, Traffic

ANSWERS_IN = 0.3  # seconds for a call
RECALLS_IN = 5.0  # seconds for all that it remembers


@dataclass(frozen=True, slots=True)
class Refuses:
    """It says no to a move; *again_in*: only that it cannot just now."""

    words: str
    again_in: timedelta | None = None


@dataclass(frozen=True, slots=True)
class LosesTheAnswer:
    """The answer to a move never comes; whether the move *happens* is another question."""

    happens: bool = True


@dataclass(frozen=True, slots=True)
class GivesUp:
    """It begins a move, and does not finish it."""

    words: str


@dataclass(frozen=True, slots=True)
class Hangs:
    """It takes the call, and never answers."""


Mood = Refuses | LosesTheAnswer | GivesUp | Hangs


@dataclass(frozen=True, slots=True)
class _Stand:
    """What is so from *at* on (seconds)."""

    at: float
    live: Release
    shares: Mapping[str, float]
    in_flight: Release | None = None
    key: str | None = None


@dataclass
class Platform:
    """One part of a service.

    Attributes:
        takes: Seconds that a move takes.
        moods: How it takes the next moves, one after the other; then it is well again.
        unreadable: Why nothing can be read of it now.
        obstacles: What forbids that the machine moves it by itself.
        releases: All that it knows, by tag.
    """

    part: str
    time: Callable[[], float]
    calls: list[str]
    traffic: Traffic | None = None
    takes: float = 20.0
    moods: list[Mood] = field(default_factory=list)
    unreadable: str = ""
    obstacles: tuple[str, ...] = ()
    hangs: bool = False
    releases: dict[str, Release] = field(default_factory=dict)
    _stands: list[_Stand] = field(default_factory=list)
    _gave_up: str = ""

    def knows(self, release: Release) -> Release:
        return self.releases.setdefault(release.tag, release)

    def has_always_served(self, release: Release) -> None:
        self.knows(release)
        self._stand(_Stand(LONG_AGO, release, {release.tag: 1.0}))

    def goes_to(
        self, release: Release, *, share: float = 1.0, takes: float | None = None, key: str | None = None
    ) -> None:
        """Whoever's hand it is: from now on it moves to *release*, which gets *share* of the traffic; the rest stays where it is."""
        now, before = self.time(), self.now
        lasting = self.takes if takes is None else takes
        self._gave_up = ""
        if lasting > 0:
            self._stand(replace(before, at=now, in_flight=release, key=key))
        rest = {} if share >= 1 else {before.live.tag: 1 - share}
        self._stand(_Stand(now + lasting, self.knows(release), {**rest, release.tag: share}, None, key))

    def is_half_way_to(self, release: Release) -> None:
        """Whoever's hand it is: *release* has half of the traffic, and is on its way until somebody moves on from there."""
        now = self.now
        shares = {now.live.tag: 0.5, self.knows(release).tag: 0.5}
        self._stand(_Stand(self.time(), now.live, shares, release))

    @property
    def now(self) -> _Stand:
        now = self.time()
        return next(each for each in reversed(self._stands) if each.at <= now)

    def _stand(self, stand: _Stand) -> None:
        self._stands = [*(each for each in self._stands if each.at < stand.at), stand]
        if self.traffic is not None:
            self.traffic.serves(stand.at, stand.shares)

    # ------------------------------------------------------------------------------------------------- what is asked of it

    async def resolve(self, hints: Mapping[str, str]) -> Release | Unreadable:
        live = await self.observe()
        if isinstance(live, Unreadable):
            return live
        found = self.releases.get(hints["tag"]) if "tag" in hints else live.in_flight or live.release
        return with_hints(found, hints) if found else Unreadable(f"there is no release {hints['tag']}")

    async def observe(self) -> Live | Unreadable:
        await self._answer()
        if self.unreadable:
            return Unreadable(self.unreadable)
        now = self.now
        shares = {self.releases[tag].fingerprint: share for tag, share in now.shares.items()}
        if now.in_flight is not None:
            shares.setdefault(now.in_flight.fingerprint, 0.0)
        return Live(now.live, now.in_flight, shares, now.key, obstacles=self.obstacles)

    async def begin(self, move: Move, key: str) -> Beginning:
        mood = self.moods.pop(0) if self.moods else None
        self.calls.append(f"UpdateService {move.to.tag}")
        await self._answer()
        match mood:
            case Refuses(words, again_in):
                return Refused(words, again_in=again_in)
            case LosesTheAnswer(happens=False):
                return Unclear("the connection was reset")
            case _:
                pass
        answer = self._begun(move, key)
        match mood:
            case LosesTheAnswer():
                return Unclear("the connection was reset")
            case Hangs():
                await asyncio.Event().wait()
            case GivesUp(words):
                self._gives_up(words)
            case _:
                pass
        return answer

    def _begun(self, move: Move, key: str) -> Beginning:
        ahead = self.now.in_flight or self.now.live
        if ahead.is_same_as(move.to):
            return AlreadyThere()
        if not ahead.is_same_as(move.expect):
            return Refused(f"{ahead.tag} runs, not {move.expect.tag}", third_tag=ahead.tag)
        self.goes_to(move.to, key=key)
        return Begun(key)

    def _gives_up(self, words: str) -> None:
        """The move that it has just begun comes to nothing."""
        self._gave_up = words
        self._stand(replace(self.now, at=self.time(), in_flight=None))

    async def progress(self, move: Move, key: str) -> Progress | Unreadable:
        await self._answer()
        now = self.now
        if self.unreadable:
            return Unreadable(self.unreadable)
        if self._gave_up:
            return Failed(self._gave_up)
        if now.in_flight is not None and now.in_flight.is_same_as(move.to):
            return Moving()
        if now.in_flight is None and now.live.is_same_as(move.to):
            return Serving()
        other = now.in_flight or now.live
        if other.is_same_as(move.expect):
            return Moving("not begun yet")
        return Drifted(f"{other.tag} runs", other.tag)

    async def foretell(self, move: Move) -> Foretold:
        await self._answer()
        call = f"UpdateService {move.to.tag}"
        return Foretold((call,), takes=f"{self.takes:g} s", by_hand=f"update-service --tag {move.to.tag}")

    async def _answer(self) -> None:
        await asyncio.sleep(ANSWERS_IN)
        if self.hangs:
            await asyncio.Event().wait()


@dataclass
class Remembering(Platform):
    """A platform that knows since when what it runs is deployed, remembers what served, and keeps marks on releases.

    Attributes:
        epoch: When time began.
        marks: How releases stand, by fingerprint, as it was written.
        marked: What was written, and when: (seconds, tag, grade), all that was ever sent.
        forgets: Why what it remembers cannot be read the next times, one after the other; empty: it never answers.
        refuses_marks: Why no mark can be written.
    """

    epoch: datetime = field(kw_only=True)
    marks: dict[str, Standing] = field(default_factory=dict)
    marked: list[tuple[float, str, str]] = field(default_factory=list)
    forgets: list[str] = field(default_factory=list)
    refuses_marks: str = ""
    recalls: int = 0
    _deployed: list[tuple[float, Release, str | None]] = field(default_factory=list)

    def goes_to(
        self, release: Release, *, share: float = 1.0, takes: float | None = None, key: str | None = None
    ) -> None:
        self._deployed.append((self.time(), release, key))
        super().goes_to(release, share=share, takes=takes, key=key)

    async def observe(self) -> Live | Unreadable:
        live = await super().observe()
        if isinstance(live, Unreadable) or not self._deployed:
            return live
        return replace(live, since=self._at(self._deployed[-1][0]))

    async def recall(self, now: datetime) -> Recalled | Unreadable:
        self.recalls += 1
        await asyncio.sleep(RECALLS_IN)
        if self.forgets:
            words = self.forgets.pop(0)
            await (asyncio.sleep(0) if words else asyncio.Event().wait())
            return Unreadable(words)
        marks = self.marks.items()
        proven = {of: mark.since for of, mark in marks if mark.grade == "proven"}
        quarantined = {of: (mark.since, mark.why) for of, mark in marks if mark.grade == "quarantined"}
        served = self._served()
        if self._is_young(served, now) and served[-1][0].fingerprint not in proven:
            served.pop()
        return Recalled(tuple(served), proven, self._undone() | quarantined)

    def _served(self) -> list[tuple[Release, datetime]]:
        """What served from when on."""
        served: list[tuple[Release, datetime]] = []
        for stand in self._stands:
            is_new = not served or not served[-1][0].is_same_as(stand.live)
            if stand.at <= self.time() and stand.in_flight is None and is_new:
                served.append((stand.live, self._at(stand.at)))
        return served

    def _is_young(self, served: Sequence[tuple[Release, datetime]], now: datetime) -> bool:
        """What serves was deployed a while ago, and not by us: it may be under watch still."""
        if not self._deployed or self._deployed[-1][2] is not None or self.now.in_flight is not None:
            return False
        return served[-1][1] > now - timedelta(days=1)

    def _undone(self) -> dict[str, tuple[datetime, str]]:
        """What the last rollback of ours left."""
        if len(self._deployed) < 2 or self._deployed[-1][2] is None:
            return {}
        return {
            self._deployed[-2][1].fingerprint: (self._at(self._deployed[-1][0]), "rollbackd rolled it back")
        }

    async def mark(self, standings: Sequence[Standing]) -> str:
        await self._answer()
        if self.refuses_marks:
            return self.refuses_marks
        for standing in standings:
            self.marks[standing.release.fingerprint] = standing
            self.marked.append((self.time(), standing.release.tag, standing.grade))
        return ""

    def _at(self, seconds: float) -> datetime:
        return self.epoch + timedelta(seconds=seconds)
