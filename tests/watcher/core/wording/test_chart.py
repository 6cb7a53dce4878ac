"""The picture of a breach: shares of both releases, and what happened when."""

from dataclasses import replace

import pytest

from rules.model import BeforeAfter, BurnRate, CanaryVsBaseline, Slo, Threshold
from rules.sample import Bucket, Counts, Series, Value
from rules.verdict import Estimate, Onset
from tests.builders import ERRORS, NOON, READY, RULES, a_breach, a_judgement, a_policy, a_watch, minutes
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


def judged_by(judge):
    """The rule that breached has another judge."""
    policy = a_policy(rules=replace(RULES, rules=(replace(ERRORS, judge=judge), READY)))
    return {"policy": policy}


@pytest.mark.parametrize(
    ("judge", "compared", "usual", "limit"),
    [
        (Slo(0.99, burn_rate=2.0), True, None, 0.02),
        (Threshold(above=0.03), False, None, 0.03),
        (CanaryVsBaseline(ratio=2.0, plus=0.01), True, None, 2.0 * 0.1 + 0.01),
        (CanaryVsBaseline(ratio=2.0, plus=0.01), False, 0.2, 2.0 * 0.2 + 0.01),
        (CanaryVsBaseline(ratio=2.0, plus=0.01), False, None, None),
        (BeforeAfter(ratio=3.0, plus=0.0), False, 0.05, 3.0 * 0.05),
        (Threshold(bad=3, of=5), False, None, None),
        (BurnRate(0.99, ()), False, 0.1, None),
    ],
)
def test_the_limit_is_what_the_rule_promises_where_that_is_one_figure(judge, compared, usual, limit):
    stored = [a_bucket(1, baseline=Counts(8.0, 80.0)), a_bucket(2, baseline=Counts(8.0, 80.0))]
    breach = a_breach(onset=None, compared=compared)
    estimate = None if usual is None else Estimate(0.3, baseline=usual)
    verdicts = tuple(replace(each, estimate=estimate) for each in breach.verdicts)

    found = chart(breached(replace(breach, verdicts=verdicts), **judged_by(judge)), [series(*stored)])

    assert found is not None
    assert found.limit == (None if limit is None else pytest.approx(limit))


def test_a_comparison_with_nothing_beside_has_no_limit():
    stored = [a_bucket(1, baseline=None), a_bucket(2, baseline=Counts(0.0, 0.0))]

    found = chart(breached(), [series(*stored)])

    assert found is not None
    assert found.limit is None


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
