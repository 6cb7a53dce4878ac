"""Quorums: all probes of a beat as one; of instances, and through a balancer."""

from datetime import datetime, timedelta

import pytest
from pydantic import ValidationError

from rules.sample import Counts, NoData, Reading
from tests.fakes.world import START
from tests.watcher.signals.test_probe import BAD, GOOD, a_query, checked
from watcher.signals.probe.check import Probed, Reason, Seen
from watcher.signals.probe.count import Arm, read
from watcher.signals.sampling import Beat, Track

EVERY = timedelta(seconds=10)
END = START + EVERY
STALE = "from a cache: Age 60 s"


class Nothing:
    """What is looked at here, nobody looks at."""

    host = "a"

    async def look(self, _at: datetime) -> Seen:
        raise NotImplementedError

    def begin_anew(self) -> None:
        """Nothing is remembered."""

    def weight(self, _seen: object) -> int:
        return 1


def a_track(seen: Seen) -> Track[Seen]:
    track: Track[Seen] = Track("a", Nothing(), EVERY, END)
    track.keep(Beat(END, seen))
    track.done = END
    return track


def good(version: str | None = None, words: str = "") -> Probed:
    return Probed(None, words, version, answered=True)


def bad(version: str | None = None, reason: Reason = Reason.STATUS) -> Probed:
    return Probed(reason, "", version, answered=True)


def reading_of(*probes: Seen, quorum: float | None = None, version: str | None = None) -> Reading:
    tracks = [a_track(each) for each in probes]
    baseline = None if version is None else Arm(tracks, "v1")
    return read("i", Arm(tracks, version), baseline, tracks, START, END, quorum)


def counted(reading: Reading) -> tuple[object, object]:
    assert isinstance(reading, tuple), reading
    (bucket,) = reading[0].buckets
    return bucket.canary, bucket.baseline


@pytest.mark.parametrize(
    ("quorum", "wells", "of", "expected"),
    [
        (None, 2, 3, Counts(1, 3)),
        (2, 2, 3, GOOD),
        (2, 1, 3, BAD),
        (0.28, 7, 25, GOOD),  # 0.28 * 25 is a little more than 7
        (0.6, 3, 5, GOOD),
        (0.6, 2, 5, BAD),
        (1.0, 4, 5, BAD),
        (1.0, 5, 5, GOOD),
        (0.01, 0, 5, BAD),
    ],
)
def test_with_a_quorum_all_probes_of_a_beat_are_one(quorum, wells, of, expected):
    probes = [good()] * wells + [bad()] * (of - wells)

    assert counted(reading_of(*probes, quorum=quorum)) == (expected, None)


def test_a_quorum_is_counted_of_the_instances_of_one_release():
    probes = [good("v2"), bad("v2"), bad("v2"), good("v1"), good("v1")]

    assert counted(reading_of(*probes, quorum=0.5, version="v2")) == (BAD, GOOD)


def test_of_a_release_that_is_only_just_coming_nothing_is_counted():
    assert reading_of(good(), quorum=2) == NoData("fewer are probed than the quorum names")


async def test_through_a_balancer_it_is_asked_several_times_in_a_beat():
    async with checked() as service:
        health = service.indicator("a", times=3, quorum=2)
        await service.read(health)
        await service.beat()
        await service.beat(a=(503, None))

        assert len(service.provider._sampler.tracks) == 3
        assert await service.counts(health) == [(GOOD, None), (BAD, None)]


async def test_who_counts_in_another_way_shares_the_probes():
    async with checked() as service:
        for way in ({}, {"times": 3, "quorum": 2}, {"times": 3, "quorum": 3}):
            await service.read(service.indicator("a", **way))

        assert len(service.provider._sampler.tracks) == 3


@pytest.mark.parametrize(
    "query",
    [
        {"quorum": 1},
        {"quorum": 3, "times": 2},
        {"quorum": 0, "times": 2},
        {"quorum": "0%", "times": 2},
        {"quorum": 1.5, "times": 2},
        {"quorum": True, "times": 2},
        {"times": 11},
    ],
)
def test_a_quorum_that_nobody_can_reach_or_miss_is_refused(query):
    with pytest.raises(ValidationError):
        a_query(**query)
    assert a_query(quorum="60%", times=5).quorum == 0.6


def test_a_page_of_the_old_release_whose_files_are_gone_counts_against_the_new_one():
    gone = bad("v1", Reason.ASSET)

    assert counted(reading_of(gone, version="v2")) == (BAD, BAD)
    assert counted(reading_of(bad("v2", Reason.ASSET), version="v2")) == (BAD, None)
    assert counted(reading_of(bad("v1"), version="v2")) == (None, BAD)  # other failures are its own


def test_an_old_page_from_a_cache_is_nobodys_and_is_called_so():
    tracks = [a_track(good("v1", STALE))]

    assert read("i", Arm(tracks, "v2"), None, tracks, START, END) == NoData(
        f"the answers are of 'v1' ({STALE}), none of 'v2'"
    )
