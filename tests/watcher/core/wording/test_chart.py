"""The picture of a breach: shares of both releases, and what happened when."""

import pytest

from rules.sample import Bucket, Counts, Series, Value
from rules.verdict import Onset
from tests.builders import ERRORS, NOON, a_breach, a_judgement, a_watch, minutes
from watcher.core.watch import Breach, State
from watcher.core.wording.chart import MOST, Line, Mark, chart


def a_bucket(minute, canary=Counts(1.0, 20.0), baseline=Counts(0.0, 80.0)):  # noqa: B008 - values
    start = NOON + minutes(minute)
    return Bucket(start, start + minutes(1), canary, baseline)


def series(*buckets, indicator=ERRORS.id, bound=None):
    return Series(indicator, buckets, bound)


def breached(judgement=a_breach(onset=None), **changes):  # noqa: B008 - a value
    usual = {"breach": Breach(NOON, judgement), "traffic_at": NOON, "decided_at": None}
    return a_watch(State.ROLLING_BACK, **{**usual, **changes})


def test_each_release_has_its_share_in_the_middle_of_each_bucket():
    found = chart(breached(), [series(a_bucket(1), a_bucket(2, Counts(2.0, 20.0)))])

    assert found is not None
    assert found.new == Line("v43", ((NOON + minutes(1.5), 0.05), (NOON + minutes(2.5), 0.1)))
    assert found.old == Line("v42", ((NOON + minutes(1.5), 0.0), (NOON + minutes(2.5), 0.0)))
    assert (found.title, found.unit) == (
        "checkout · production: failed requests by release",
        "share of failed requests",
    )


def test_what_happened_is_marked_in_its_order():
    onset = Onset(NOON + minutes(1), NOON, NOON + minutes(2))
    watch = breached(
        a_breach(onset=onset),
        traffic_at=NOON - minutes(1),
        decided_at=NOON + minutes(4),
        back_at=NOON + minutes(7),
    )

    found = chart(watch, [series(a_bucket(1), a_bucket(2))])

    assert found is not None
    assert found.marks == (
        Mark("deployed", NOON - minutes(1)),
        Mark("began", NOON, NOON + minutes(2)),
        Mark("decided", NOON + minutes(4)),
        Mark("back", NOON + minutes(7)),
    )


def test_what_was_not_decided_is_marked_as_breached():
    found = chart(breached(), [series(a_bucket(1), a_bucket(2))])

    assert found is not None
    assert [mark.what for mark in found.marks] == ["deployed", "breached"]


def test_a_bucket_without_requests_or_with_another_measure_has_no_point():
    buckets = (a_bucket(1), a_bucket(2, Counts(0.0, 0.0)), a_bucket(3, None, Value(1.0)), a_bucket(4))

    found = chart(breached(), [series(*buckets)])

    assert found is not None
    assert [at for at, _ in found.new.points] == [NOON + minutes(1.5), NOON + minutes(4.5)]
    assert len(found.old.points) == 3


def test_of_several_bounds_the_first_is_drawn_and_of_many_buckets_the_newest():
    long_ago, many = a_bucket(-11), [a_bucket(minute) for minute in range(MOST + 5)]

    found = chart(breached(), [series(long_ago, *many, bound=0.3), series(*many, bound=1.0)])

    assert found is not None
    assert len(found.new.points) == MOST
    assert found.new.points[-1][0] == many[-1].start + minutes(0.5)


@pytest.mark.parametrize(
    ("watch", "stored"),
    [
        (a_watch(), [series(a_bucket(1), a_bucket(2))]),
        (breached(a_judgement()), [series(a_bucket(1), a_bucket(2))]),
        (breached(), [series(a_bucket(1))]),
        (breached(), [series(a_bucket(1), a_bucket(2), indicator="another")]),
        (breached(), []),
    ],
    ids=[
        "nothing breached",
        "nothing is blamed",
        "one point is no line",
        "of another indicator",
        "nothing stored",
    ],
)
def test_where_there_is_nothing_to_draw_there_is_no_picture(watch, stored):
    assert chart(watch, stored) is None
