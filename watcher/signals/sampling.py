"""Looks at instant sources on a beat of its own, and remembers what it saw; providers answer from that.

A page of metrics and a health check say what is now, not what was: somebody has to look at regular times. Each subject
(an endpoint, a check) has one task that looks at it, at the boundaries of its grid: `k * every` since 1970. The look at
a boundary ends a bucket: what it sees is counted into ``[boundary - every, boundary)``, a little late rather than early,
so that nothing from before a moment is ever found in a bucket that starts after it.

One look at a time for each subject, and no subject waits for another: one that hangs delays itself. What was seen lives
in this process alone: after a restart there is a hole, and no look is counted twice. Subjects that nobody asked about for
a quarter of an hour are forgotten.
"""

import asyncio
import contextlib
import zlib
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Generic, Protocol, TypeVar

import structlog

Seen_co = TypeVar("Seen_co", covariant=True)
Seen = TypeVar("Seen")

MEMORY = timedelta(minutes=15)  # long enough to outlast a store that is away for a while
FORGOTTEN = timedelta(minutes=15)
MOST_SUBJECTS = 1000
MOST_WEIGHT = 50_000  # numbers remembered of one subject: some MB
STEP = 1.0  # seconds that the clock may be moved without anything being forgotten
SPREAD = timedelta(milliseconds=400)  # so that a thousand endpoints are not asked in the same moment
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
log = structlog.stdlib.get_logger("rollbackd.signals")


class Subject(Protocol[Seen_co]):
    """Something that is looked at, and may remember between two looks."""

    async def look(self, at: datetime) -> Seen_co:
        """Look at it for the boundary *at*, in less than a beat. Faults of the far end are values."""

    def begin_anew(self) -> None:
        """Time was lost or the clock was set: what was seen before is no reference any more."""

    def weight(self, seen: object) -> int:
        """How many numbers *seen* holds."""


@dataclass(frozen=True, slots=True)
class Beat(Generic[Seen]):
    """What was seen at the boundary *end*."""

    end: datetime
    seen: Seen


@dataclass(frozen=True, slots=True)
class Pace:
    """The time, and how it is waited for. Tests bring a clock of their own."""

    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    until: Callable[[datetime], Awaitable[None]]


def real_pace(
    now: Callable[[], datetime],
    monotonic: Callable[[], float],
    until: Callable[[datetime], Awaitable[None]] | None = None,
) -> Pace:
    """Waits by sleeping, unless *until* waits otherwise."""

    async def sleep(at: datetime) -> None:
        await asyncio.sleep(max(0.0, (at - now()).total_seconds()))

    return Pace(now, monotonic, until or sleep)


class Track(Generic[Seen]):
    """What is remembered of one subject."""

    def __init__(self, key: Hashable, subject: Subject[Seen], every: timedelta, begun: datetime) -> None:
        self.subject = subject
        self.every = every
        self.begun = begun  # the first boundary that is looked at
        self.done: datetime | None = None  # the last one
        self.ended: datetime | None = None  # the last one that there will be: the subject is gone
        self.beats: deque[Beat[Seen]] = deque()
        self.asked_at = 0.0
        self.key = key
        self.phase = min(SPREAD, every / 10) * ((zlib.crc32(repr(key).encode()) % 1000) / 1000)
        self._weight = 0
        self._clocks: tuple[datetime, float] | None = None

    def is_done(self, boundary: datetime) -> bool:
        """Nothing more will be seen for *boundary*."""
        if self.ended is not None and boundary > self.ended:
            return True
        return boundary < self.begun or (self.done is not None and boundary <= self.done)

    def keep(self, beat: Beat[Seen]) -> None:
        """Remember *beat*, and forget the oldest."""
        self.beats.append(beat)
        self._weight += self.subject.weight(beat.seen)
        while len(self.beats) > 1 and (self.beats[0].end < beat.end - MEMORY or self._weight > MOST_WEIGHT):
            self._weight -= self.subject.weight(self.beats.popleft().seen)

    def follows_on(self, now: datetime, monotonic: float) -> bool:
        """Since the last look both clocks went on alike: nobody set the time."""
        before, self._clocks = self._clocks, (now, monotonic)
        if before is None:
            return True
        apart = (now - before[0]).total_seconds() - (monotonic - before[1])
        return abs(apart) < max(STEP, self.every.total_seconds() / 2)

    def begin_anew(self, boundary: datetime) -> None:
        """Forget everything: the buckets would lie at other times than what happened in them."""
        self.beats.clear()
        self.begun, self.done, self._weight = boundary, None, 0
        self.subject.begin_anew()


class Sampler(Generic[Seen]):
    """Looks at subjects, each on its beat, for as long as somebody asks about them."""

    def __init__(self, pace: Pace, tasks: asyncio.TaskGroup) -> None:
        self._pace = pace
        self._tasks = tasks
        self._tracks: dict[Hashable, Track[Seen]] = {}
        self._following: set[asyncio.Task[None]] = set()

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, pace: Pace) -> AsyncIterator["Sampler[Seen]"]:
        """A sampler; no task of it is left at the end."""
        failure: Exception | None = None
        async with asyncio.TaskGroup() as tasks:
            sampler: Sampler[Seen] = cls(pace, tasks)
            try:
                yield sampler
            except Exception as error:  # noqa: BLE001 - raised again below: the group would wrap it, and its name would be lost
                failure = error
            finally:
                for task in sampler._following:
                    task.cancel()
        if failure is not None:
            raise failure

    @property
    def tracks(self) -> tuple[Track[Seen], ...]:
        """All that are followed."""
        return tuple(self._tracks.values())

    def follow(
        self, key: Hashable, every: timedelta, subject: Callable[[], Subject[Seen]]
    ) -> Track[Seen] | None:
        """The track of *key*, begun now if it is new; ``None`` if there are too many.

        Args:
            key: Says which subject it is.
            every: The beat. The same subject on two beats is looked at twice.
            subject: Makes it, if it is new.
        """
        track = self._tracks.get((key, every))
        if track is None:
            if len(self._tracks) >= MOST_SUBJECTS:
                return None
            track = Track(key, subject(), every, boundary_after(self._pace.now(), every))
            self._tracks[key, every] = track
            task = self._tasks.create_task(self._follow(track))
            self._following.add(task)
            task.add_done_callback(self._following.discard)
        track.asked_at = self._pace.monotonic()
        return track

    def leave(self, track: Track[Seen]) -> None:
        """The subject of *track* is gone: it is looked at no more, and what was seen of it stays with whoever holds the track."""
        if track.ended is None:
            track.ended = track.done or track.begun - track.every
            self._tracks.pop((track.key, track.every), None)

    async def _follow(self, track: Track[Seen]) -> None:
        while self._pace.monotonic() - track.asked_at < FORGOTTEN.total_seconds() and track.ended is None:
            boundary = boundary_after(self._pace.now(), track.every)
            await self._pace.until(boundary + track.phase)
            if track.ended is None:
                await self._take(track)
        if track.ended is None:
            del self._tracks[track.key, track.every]

    async def _take(self, track: Track[Seen]) -> None:
        """One look, at the boundary that has just passed; none if it was looked at before."""
        now = self._pace.now()
        boundary = boundary_after(now, track.every) - track.every
        if not track.follows_on(now, self._pace.monotonic()):
            log.warning("clock.set", beat=track.every.total_seconds())
            track.begin_anew(boundary)
        if boundary < track.begun or (track.done is not None and boundary <= track.done):
            return
        try:
            seen = await track.subject.look(boundary)
            if track.ended is None:  # what comes after the end was told nobody
                track.keep(Beat(boundary, seen))
        except Exception:
            log.exception("look.failed")
        track.done = boundary


def boundary_after(moment: datetime, every: timedelta) -> datetime:
    """The first boundary of the grid that lies after *moment*."""
    return _EPOCH + ((moment - _EPOCH) // every + 1) * every
