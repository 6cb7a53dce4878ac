"""From what sidecars told to buckets: who is waited for, who is missed, and why there is nothing."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from rules.model import Indicator, Kind
from rules.sample import Bucket, Counts, Invalid, NoData, Reading, Unavailable, Who
from tests.fakes.world import SECOND, START
from watcher.core.relayed import GONE, SILENT, Counted, Fault, Instance, Relayed, Summed, Trouble
from watcher.signals.relay.count import PATIENCE, Asked, read

BEAT = SECOND * 10
SETTLED = SECOND * 3
LONG_AGO = START - timedelta(hours=1)


def at(seconds: float) -> datetime:
    return START + SECOND * seconds


def an_instance(name: str, version: str = "v2", **changes: Any) -> Instance:
    number = ord(name)
    return replace(
        Instance(number, name, f"run-{name}", LONG_AGO, at(63), None, {"version": version}), **changes
    )


@dataclass(frozen=True)
class Said:
    """What one instance told."""

    number: int
    start: datetime
    end: datetime
    counts: tuple[Counted, ...]


def a_sample(instance: str, end: float, bad: float, total: float, **changes: Any) -> Said:
    return replace(Said(ord(instance), at(end) - BEAT, at(end), (Counted(bad, total),)), **changes)


def asked(kind: Kind = Kind.RATIO, **changes: Any) -> Asked:
    indicator = Indicator("errors", kind, "relay", "{}")
    question = Asked(
        indicator,
        {"version": "v2"},
        {"version": "v1"},
        BEAT,
        SETTLED,
        LONG_AGO,
        at(63),
        "checkout/production",
    )
    return replace(question, **changes)


def told(instances: Iterable[Instance], *samples: Said) -> Relayed:
    """As the store sums what each release's instances told."""
    heard = tuple(instances)
    names = {each.number: each.names["version"] for each in heard}
    together: dict[tuple[datetime, str], list[Said]] = {}
    for sample in samples:
        together.setdefault((sample.end, names[sample.number]), []).append(sample)
    return Relayed(heard, tuple(_summed(*key, together[key]) for key in sorted(together)))


def _summed(end: datetime, version: str, said: list[Said]) -> Summed:
    bounds = sorted({each.bound or 0.0 for one in said for each in one.counts})
    counted = [
        [each for one in said for each in one.counts if (each.bound or 0.0) == bound] for bound in bounds
    ]
    counts = tuple(
        Counted(sum(each.bad for each in same), sum(each.total for each in same), same[0].bound)
        for same in counted
    )
    start = max(each.start for each in said)
    return Summed("errors", start, end, counts, {"version": version}, frozenset(each.number for each in said))


def buckets(reading: Reading) -> list[tuple[int, int, Any, Any, bool]]:
    assert isinstance(reading, tuple), reading
    return [_plain(bucket) for bucket in reading[0].buckets]


def _plain(bucket: Bucket) -> tuple[int, int, Any, Any, bool]:
    start, end = ((moment - START).total_seconds() for moment in (bucket.start, bucket.end))
    return round(start), round(end), bucket.canary, bucket.baseline, bucket.incomplete


NEW, OLD = an_instance("a"), an_instance("b", "v1")


def test_each_arm_is_the_sum_of_its_own_instances():
    both = [NEW, an_instance("c"), OLD]
    found = read(
        asked(),
        told(both, a_sample("a", 60, 1, 10), a_sample("c", 60, 2, 20), a_sample("b", 60, 0, 5)),
    )

    assert buckets(found) == [(50, 60, Counts(3, 30), Counts(0, 5), False)]


def test_without_names_all_instances_are_summed():
    found = read(
        asked(canary={}, baseline=None), told([NEW, OLD], a_sample("a", 60, 1, 10), a_sample("b", 60, 0, 5))
    )

    assert buckets(found) == [(50, 60, Counts(1, 15), None, False)]


def test_who_was_heard_lately_is_waited_for_until_patience_ends():
    said = told(
        [NEW, an_instance("c")], a_sample("a", 50, 1, 10), a_sample("c", 50, 1, 10), a_sample("a", 60, 2, 20)
    )
    end = at(60) + SETTLED + PATIENCE

    assert buckets(read(asked(), said)) == [(40, 50, Counts(2, 20), None, False)]
    assert buckets(read(asked(now=end - SECOND), said))[-1][1] == 50
    assert buckets(read(asked(now=end), said))[-1] == (50, 60, Counts(2, 20), None, False)


def test_no_bucket_is_shown_before_one_that_is_waited_for():
    said = told(
        [NEW, an_instance("c")],
        a_sample("c", 40, 0, 1),
        a_sample("a", 50, 1, 10),
        a_sample("a", 60, 2, 20),
        a_sample("c", 60, 2, 20),
    )

    assert buckets(
        read(
            asked(now=at(53)),
            told(
                [NEW, an_instance("c")],
                a_sample("c", 40, 0, 1),
                a_sample("a", 40, 0, 1),
                a_sample("a", 50, 1, 10),
            ),
        )
    ) == [(30, 40, Counts(0, 2), None, False)]
    assert [bucket[1] for bucket in buckets(read(asked(now=at(64)), said))] == [40, 50, 60]


def test_who_is_silent_has_left_has_told_later_or_cannot_read_is_not_waited_for():
    trouble = {"errors": Trouble(Fault.UNAVAILABLE, "refused")}
    others = [
        an_instance("c", heard_at=at(63) - SILENT),
        an_instance("c", left_at=at(55)),
        an_instance("c", troubles=trouble),
    ]
    for other in others:
        said = told([NEW, other], a_sample("a", 60, 1, 10))
        assert buckets(read(asked(), said)) == [(50, 60, Counts(1, 10), None, False)]

    later = told(
        [NEW, an_instance("c")], a_sample("a", 60, 1, 10), a_sample("a", 70, 0, 1), a_sample("c", 70, 0, 1)
    )
    assert [bucket[1] for bucket in buckets(read(asked(), later))] == [60, 70]


def test_requests_need_all_who_live_and_a_ratio_does_not():
    silent = an_instance("c", heard_at=at(63) - SILENT)
    said = told([NEW, silent], a_sample("a", 60, 1, 10))

    assert buckets(read(asked(), said))[0][4] is False
    assert buckets(read(asked(Kind.REQUESTS), said))[0][4] is True


def test_nobody_is_missed_who_is_gone_has_left_or_has_just_come():
    nobody = [
        an_instance("c", heard_at=at(63) - GONE),
        an_instance("c", heard_at=at(40), left_at=at(60)),
        an_instance("c", first_at=at(40)),
    ]
    for other in nobody:
        found = read(asked(Kind.REQUESTS), told([NEW, other], a_sample("a", 60, 1, 10)))
        assert buckets(found) == [(50, 60, Counts(1, 10), None, False)]


def test_one_that_leaves_after_a_bucket_is_missed_in_it():
    other = an_instance("c", left_at=at(61))

    assert buckets(read(asked(Kind.REQUESTS), told([NEW, other], a_sample("a", 60, 1, 10))))[0][4] is True


def test_one_that_came_in_time_is_missed():
    other = an_instance("c", first_at=at(39), heard_at=at(63) - SILENT)

    assert buckets(read(asked(Kind.REQUESTS), told([NEW, other], a_sample("a", 60, 1, 10))))[0][4] is True


def test_an_instance_of_neither_release_is_not_missed():
    other = an_instance("c", "v0", heard_at=at(63) - SILENT)

    assert buckets(read(asked(Kind.REQUESTS), told([NEW, other], a_sample("a", 60, 1, 10))))[0][4] is False


def test_what_an_instance_of_neither_release_told_moves_no_bucket():
    other = an_instance("c", "v0")
    said = told(
        [NEW, other], a_sample("a", 60, 1, 10), a_sample("c", 60, 0, 5, start=at(58)), a_sample("c", 55, 0, 5)
    )

    assert buckets(read(asked(), said)) == [(50, 60, Counts(1, 10), None, False)]


def test_counts_over_a_look_that_was_missed_are_in_the_bucket_that_brought_them():
    late = a_sample("c", 60, 5, 50, start=at(30))
    said = told([NEW, an_instance("c")], a_sample("a", 50, 1, 10), a_sample("a", 60, 1, 10), late)

    assert buckets(read(asked(), said)) == [
        (40, 50, Counts(1, 10), None, False),
        (50, 60, Counts(6, 60), None, False),
    ]


def test_where_all_were_missed_the_bucket_reaches_back():
    said = told([NEW], a_sample("a", 30, 1, 10), a_sample("a", 60, 3, 30, start=at(30)))

    assert buckets(read(asked(), said)) == [
        (20, 30, Counts(1, 10), None, False),
        (30, 60, Counts(3, 30), None, False),
    ]


def test_what_is_known_already_is_not_shown_and_bounds_what_follows():
    said = told([NEW], a_sample("a", 50, 1, 10), a_sample("a", 60, 2, 20, start=at(45)))

    assert buckets(read(asked(after=at(50)), said)) == [(50, 60, Counts(2, 20), None, False)]


def test_a_latency_has_a_series_for_each_bound():
    counts = (Counted(3, 10, 0.3), Counted(1, 10, 1.0))
    question = asked(Kind.LATENCY)
    question = replace(question, indicator=replace(question.indicator, bounds=(0.3, 1.0)))
    found = read(question, told([NEW], a_sample("a", 60, 0, 0, counts=counts)))

    assert isinstance(found, tuple)
    assert [(series.bound, series.buckets[0].canary) for series in found] == [
        (0.3, Counts(3, 10)),
        (1.0, Counts(1, 10)),
    ]


def test_a_process_that_came_after_another_one_of_its_name_is_of_its_own_release():
    before = an_instance("a", "v1", left_at=at(41))
    after = an_instance("a", "v2", run="new", number=1000)
    new = a_sample("a", 60, 2, 20, number=1000)
    found = read(asked(), told([before, after], a_sample("a", 40, 1, 10), new))

    assert buckets(found) == [(30, 40, None, Counts(1, 10), False), (50, 60, Counts(2, 20), None, False)]


def test_zero_is_told_and_silence_is_not_zero():
    assert buckets(read(asked(), told([NEW], a_sample("a", 60, 0, 0)))) == [
        (50, 60, Counts(0, 0), None, False)
    ]
    assert isinstance(read(asked(), told([NEW])), NoData)


def test_where_only_the_old_release_told_nothing_is_known_of_the_new_one():
    found = read(asked(), told([OLD], a_sample("b", 60, 0, 5)))

    assert found == NoData("no sidecar is of version v2; those that are heard are of version v1 (1)")


def test_what_most_cannot_read_is_what_is_said():
    refused = Trouble(Fault.UNAVAILABLE, "connection refused")
    wrong = Trouble(Fault.INVALID, "no page has it", Who.AUTHOR)

    def with_trouble(name: str, trouble: Trouble) -> Instance:
        return an_instance(name, troubles={"errors": trouble})

    mostly_refused = [with_trouble("a", refused), with_trouble("b", refused), with_trouble("c", wrong)]
    assert read(asked(), told(mostly_refused)) == Unavailable(
        Who.SERVICE, "2 of 3 sidecars: connection refused"
    )
    assert read(asked(), told([with_trouble("a", wrong)])) == Invalid(
        Who.AUTHOR, "1 of 1 sidecars: no page has it"
    )


def test_who_was_heard_long_ago_cannot_be_asked():
    silent = an_instance("a", heard_at=at(63) - SILENT)

    assert read(asked(), told([silent])) == Unavailable(
        Who.SERVICE, "no sidecar of checkout/production was heard since 12:00:33 UTC"
    )
    assert read(asked(), told([])) == NoData("no sidecar of checkout/production was heard")
