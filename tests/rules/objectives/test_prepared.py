from datetime import timedelta

import pytest

from rules.model import CanaryVsBaseline, Slo, Statistics, Threshold
from rules.objectives.eprocess import UNCAPPED, cap
from rules.verdict import Because, Outcome
from tests.rules.building import (
    HOUR,
    MINUTE,
    NOON,
    a_bucket,
    a_case,
    a_history,
    a_rule,
    a_watch,
    counts,
    series,
)


def test_a_watch_that_ends_before_a_breach_could_be_told_says_so_at_its_start():
    watch = a_watch(a_rule(Slo(0.999)), bucket=20 * MINUTE, at_most=30 * MINUTE)

    watch.sees([(counts(0, 100), None)])
    verdict = watch.verdict()

    assert verdict.outcome is Outcome.BLIND
    assert verdict.because is Because.INVALID
    assert verdict.words == (
        "a breach takes 2 buckets of 20 min, and the watch ends after 30 min: use shorter buckets, or a longer bake.at_most"
    )


def test_what_is_refused_gathers_nothing_that_could_breach_though_the_rollout_takes_longer_than_the_watch():
    watch = a_watch(a_rule(Slo(0.999)), bucket=20 * MINUTE, at_most=30 * MINUTE)

    for place in range(9):
        bucket = a_bucket(place, counts(100, 100), length=20 * MINUTE)
        watch.reads(NOON + (place + 1) * 20 * MINUTE, errors=(series(bucket),))

    assert watch.verdict().outcome is Outcome.BLIND
    assert watch.last.judgement.log10_e == 0


def test_a_warm_up_is_taken_from_the_watch():
    late = Statistics(warmup=timedelta(minutes=59), min_buckets=2)

    refusal = a_case(CanaryVsBaseline(), statistics=late, at_most=HOUR).refusal

    assert refusal is not None
    assert "2 buckets of 60 s after a warm-up of 59 min" in refusal.words


@pytest.mark.parametrize("judge", [Slo(0.999), Threshold()])
def test_what_just_fits_is_judged(judge):
    assert a_case(judge, bucket=30 * MINUTE, at_most=HOUR).refusal is None


def test_a_threshold_has_its_own_number_of_points():
    assert a_case(Threshold(), bucket=2 * HOUR, at_most=HOUR).refusal is None


CALM = [(1000.0, float(minute % 3)) for minute in range(1440)]
STORMY = [(1000.0, 300.0) if minute in (200, 900) else block for minute, block in enumerate(CALM)]


@pytest.mark.parametrize("min_buckets", [2, 4])
def test_where_storms_are_usual_a_breach_takes_a_bucket_more(min_buckets):
    knobs = Statistics(min_buckets=min_buckets)

    calm = a_case(CanaryVsBaseline(), history=CALM, statistics=knobs)
    stormy = a_case(CanaryVsBaseline(), history=STORMY, statistics=knobs)

    assert calm.cap == cap(0.001, 1.0, min_buckets)
    assert stormy.cap * min_buckets == pytest.approx(calm.cap * (min_buckets - 1))


def test_who_lets_one_bucket_decide_is_not_overruled():
    assert a_case(Slo(0.999), history=STORMY, statistics=Statistics(min_buckets=1)).cap == UNCAPPED


def test_two_storms_do_not_blame_a_release_of_a_stormy_service_and_a_defect_still_does():
    healthy, storm = (counts(1, 1000), counts(9, 9000)), (counts(300, 1000), counts(9, 9000))
    watch = a_watch(a_rule(CanaryVsBaseline()), histories={"errors": a_history(STORMY)})
    minutes = [healthy] * 30 + [storm] + [healthy] * 5 + [storm] + [healthy] * 5

    stormed = watch.sees(minutes)
    failing = watch.sees([storm] * 4, first=len(minutes))

    assert stormed.outcome is not Outcome.BREACHED
    assert failing.outcome is Outcome.BREACHED
