"""Looking at subjects on a beat."""

import asyncio
from datetime import datetime, timedelta
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.world import SECOND, START, Clock, World
from watcher.signals import sampling
from watcher.signals.sampling import Pace, Sampler, Track, boundary_after, real_pace


class Subject:
    """Remembers when it was looked at; may be made to hang or to fail."""

    def __init__(self, clock: Clock, hang: asyncio.Event | None = None, weight: int = 1) -> None:
        self.looks: list[datetime] = []
        self.moments: list[datetime] = []
        self.anew = 0
        self.under_way = self.most_under_way = 0
        self.fails = False
        self._clock, self._hang, self._weight = clock, hang, weight

    async def look(self, at: datetime) -> int:
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        self.looks.append(at)
        self.moments.append(self._clock.now())
        try:
            if self._hang:
                await self._hang.wait()
            if self.fails:
                raise LookupError("a bug")
        finally:
            self.under_way -= 1
        return len(self.looks)

    def begin_anew(self) -> None:
        self.anew += 1

    def weight(self, seen: object) -> int:
        return self._weight


@pytest.fixture
def clock() -> Clock:
    return Clock(World())


def paced(clock: Clock) -> Pace:
    return Pace(clock.now, clock.monotonic, clock.until)


def seconds(looks: list[datetime]) -> list[float]:
    return [(at - START).total_seconds() for at in looks]


async def test_a_subject_is_looked_at_once_a_beat_at_the_boundaries_of_the_grid(clock):
    subject = Subject(clock)
    async with Sampler[int].open(paced(clock)) as sampler:
        sampler.follow("a", 5 * SECOND, lambda: subject)
        sampler.follow("a", 5 * SECOND, lambda: pytest.fail("it is known already"))
        await clock.advance(START + 21 * SECOND)

    assert seconds(subject.looks) == [5, 10, 15, 20]
    assert all(
        timedelta(0) <= moment - at <= sampling.SPREAD
        for at, moment in zip(subject.looks, subject.moments, strict=True)
    )


async def test_the_same_subject_on_two_beats_is_two(clock):
    slow, fast = Subject(clock), Subject(clock)
    async with Sampler[int].open(paced(clock)) as sampler:
        sampler.follow("a", 10 * SECOND, lambda: slow)
        sampler.follow("a", 5 * SECOND, lambda: fast)
        await clock.advance(START + 21 * SECOND)

    assert (len(slow.looks), len(fast.looks)) == (2, 4)


async def test_a_subject_that_hangs_delays_itself_alone_and_is_never_looked_at_twice_at_once():
    hang = asyncio.Event()
    hanging, other = Subject(Clock(World()), hang), Subject(Clock(World()))
    time = asyncio.get_running_loop().time
    pace = real_pace(lambda: START + SECOND * time(), time)
    async with Sampler[int].open(pace) as sampler:
        stuck = sampler.follow("stuck", SECOND / 10, lambda: hanging)
        well = sampler.follow("well", SECOND / 10, lambda: other)
        await asyncio.sleep(0.55)

    assert len(other.looks) >= 4
    assert len(hanging.looks) == hanging.most_under_way == 1
    assert hanging.under_way == 0
    assert stuck is not None
    assert well is not None
    assert len(well.beats) == len(other.looks)
    assert not stuck.is_done(hanging.looks[0])


async def test_what_began_later_has_nothing_to_say_of_before(clock):
    async with Sampler[int].open(paced(clock)) as sampler:
        await clock.advance(START + 12 * SECOND)
        track = sampler.follow("a", 5 * SECOND, lambda: Subject(clock))
        assert track is not None

        assert track.is_done(START + 10 * SECOND)
        assert not track.is_done(START + 15 * SECOND)


async def test_a_bug_in_a_look_is_a_hole_and_not_the_end(clock):
    subject, other = Subject(clock), Subject(clock)
    async with Sampler[int].open(paced(clock)) as sampler:
        track = sampler.follow("a", 5 * SECOND, lambda: subject)
        sampler.follow("b", 5 * SECOND, lambda: other)
        assert track is not None
        await clock.advance(START + 6 * SECOND)
        subject.fails = True
        await clock.advance(START + 11 * SECOND)
        subject.fails = False
        await clock.advance(START + 16 * SECOND)

        assert seconds([beat.end for beat in track.beats]) == [5, 15]
        assert track.is_done(START + 10 * SECOND)
        assert len(other.looks) == 3


async def test_what_nobody_asks_about_is_forgotten(clock):
    async with Sampler[int].open(paced(clock)) as sampler:
        sampler.follow("a", 60 * SECOND, lambda: Subject(clock))
        sampler.follow("b", 60 * SECOND, lambda: Subject(clock))
        await clock.advance(START + timedelta(minutes=10))
        sampler.follow("a", 60 * SECOND, lambda: Subject(clock))
        await clock.advance(START + timedelta(minutes=20))

        assert [track.key for track in sampler.tracks] == ["a"]


async def test_there_is_an_end_to_what_is_followed(clock):
    async with Sampler[int].open(paced(clock)) as sampler:
        followed = [
            sampler.follow(number, SECOND, lambda: Subject(clock))
            for number in range(sampling.MOST_SUBJECTS + 5)
        ]

    assert followed[-6] is not None
    assert followed[-5:] == [None] * 5


async def test_a_thousand_subjects_are_not_looked_at_in_the_same_moment(clock):
    subjects = {number: Subject(clock) for number in range(200)}
    async with Sampler[int].open(paced(clock)) as sampler:
        for number in subjects:
            sampler.follow(number, 10 * SECOND, partial(subjects.__getitem__, number))
        await clock.advance(START + 11 * SECOND)

    assert len({subject.moments[0] for subject in subjects.values()}) > 100


async def test_memory_ends_with_time_and_with_weight(clock):
    async with Sampler[int].open(paced(clock)) as sampler:
        light = sampler.follow("light", 30 * SECOND, lambda: Subject(clock))
        heavy = sampler.follow("heavy", 30 * SECOND, lambda: Subject(clock, weight=20_000))
        for minute in range(20):
            sampler.follow("light", 30 * SECOND, lambda: Subject(clock))
            sampler.follow("heavy", 30 * SECOND, lambda: Subject(clock))
            await clock.advance(START + timedelta(minutes=minute + 1))

        assert light is not None
        assert heavy is not None
        assert light.beats[-1].end - light.beats[0].end == sampling.MEMORY
        assert len(heavy.beats) == 2


@pytest.mark.parametrize("step", [timedelta(hours=1), timedelta(hours=-1)])
async def test_when_the_clock_is_set_everything_begins_anew_at_once(step):
    jumped = timedelta(0)
    subject = Subject(Clock(World()))
    time = asyncio.get_running_loop().time

    def now() -> datetime:
        return START + SECOND * time() + jumped

    async def until(at: datetime) -> None:
        del at
        await asyncio.sleep(0.11)

    async with Sampler[int].open(Pace(now, time, until)) as sampler:
        track = sampler.follow("a", SECOND / 10, lambda: subject)
        await asyncio.sleep(0.4)
        jumped = step
        await asyncio.sleep(0.4)

        assert track is not None
        assert subject.anew == 1
        assert len(track.beats) >= 2
        assert all(abs(beat.end - now()) < SECOND for beat in track.beats)


async def test_a_clock_that_goes_a_little_wrong_is_no_reason_to_forget():
    track = Track("a", Subject(Clock(World())), 10 * SECOND, START)

    assert track.follows_on(START, 0)
    assert track.follows_on(START + 10 * SECOND, 10.2)
    assert track.follows_on(START + 24 * SECOND, 20.2)
    assert not track.follows_on(START + 40 * SECOND, 30.2)


@given(st.integers(0, 10**9), st.sampled_from([100, 1000, 5000, 10_000, 60_000, 300_000]))
def test_a_boundary_lies_on_the_grid_and_after_the_moment(milliseconds, every):
    beat = timedelta(milliseconds=every)
    moment = START + timedelta(milliseconds=milliseconds)

    boundary = boundary_after(moment, beat)

    assert timedelta(0) < boundary - moment <= beat
    assert boundary.timestamp() * 1000 % every == 0


async def test_a_subject_that_is_gone_is_looked_at_no_more_and_holds_nobody_up(clock):
    subject = Subject(clock)
    async with Sampler[int].open(paced(clock)) as sampler:
        track = sampler.follow("a", 10 * SECOND, lambda: subject)
        assert track is not None
        await clock.advance(START + 25 * SECOND)
        sampler.leave(track)
        sampler.leave(track)
        await clock.advance(START + 60 * SECOND)

        assert seconds(subject.looks) == [10, 20]
        assert [beat.end for beat in track.beats] == [START + 10 * SECOND, START + 20 * SECOND]
        assert track.is_done(START + 50 * SECOND)
        assert sampler.tracks == ()
        assert not sampler._following


async def test_what_a_look_under_way_sees_of_a_subject_that_is_gone_is_told_nobody(clock):
    hang = asyncio.Event()
    subject = Subject(clock, hang)
    async with Sampler[int].open(paced(clock)) as sampler:
        track = sampler.follow("a", 10 * SECOND, lambda: subject)
        assert track is not None
        moving = asyncio.create_task(clock.advance(START + 11 * SECOND))
        for _ in range(50):  # until it looks
            await asyncio.sleep(0)
        sampler.leave(track)
        hang.set()
        await moving

        assert seconds(subject.looks) == [10]
        assert not track.beats
        assert track.is_done(START + 10 * SECOND)


async def test_a_subject_that_was_left_may_be_followed_again(clock):
    subject = Subject(clock)
    async with Sampler[int].open(paced(clock)) as sampler:
        left = sampler.follow("a", 10 * SECOND, lambda: subject)
        assert left is not None
        sampler.leave(left)
        again = sampler.follow("a", 10 * SECOND, lambda: subject)
        await clock.advance(START + 25 * SECOND)

        assert again is not left
        assert sampler.tracks == (again,)
        assert seconds(subject.looks) == [10, 20]
