from math import exp, log

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rules.evidence import decode_brief, decode_evidence, encode_brief, encode_evidence
from rules.model import BeforeAfter, Kind, Statistics
from rules.objectives import before_after
from rules.objectives.before_after import SPENT
from rules.objectives.eprocess import placed
from rules.objectives.registry import judge_of
from rules.verdict import Because, Outcome
from tests.rules.building import (
    DEFAULT,
    HOUR,
    MINUTE,
    NOON,
    a_bucket,
    a_rule,
    a_watch,
    an_indicator,
    counts,
    series,
)
from tests.rules.objectives.test_history import DAY, a_past

INDEPENDENTLY = Statistics(correlation="independent")


def of(past, bound=None):
    """The past as a provider gives it."""
    buckets = [
        a_bucket(
            (span.start - NOON) / (span.end - span.start),
            counts(span.bad, span.requests),
            length=span.end - span.start,
        )
        for span in past.spans
    ]
    return {"errors": (series(*buckets, bound=bound),)}


JUDGE = BeforeAfter(plus=0.0)


def a_watched(past, judge=JUDGE, kind=Kind.RATIO, statistics=DEFAULT, **setting):
    indicator = an_indicator(kind=kind)
    return a_watch(
        a_rule(judge, statistics=statistics), indicators=[indicator], histories=of(past), **setting
    )


def case_of(watch):
    return watch.brief.cases["errors"]


# ---------------------------------------------------------------------------------------------------------- what it says


def test_a_release_that_is_worse_than_the_days_before_is_found_within_two_buckets():
    watch = a_watched(a_past(7))

    first = watch.sees([(counts(30, 600), None)])
    second = watch.sees([(counts(30, 600), None)], first=1)

    assert first.outcome is not Outcome.BREACHED
    assert second.outcome is Outcome.BREACHED
    assert watch.verdict().because is Because.EVIDENCE
    assert watch.verdict().words == "60 of 1,200 requests failed (5 %), 0.17 % is acceptable"
    assert watch.estimate().baseline == pytest.approx(0.001)


def test_one_that_is_as_good_as_the_days_before_is_healthy_and_says_what_that_rests_on():
    watch = a_watched(a_past(7))

    judgement = watch.sees([(counts(1, 600), None)] * 30)

    assert judgement.outcome is Outcome.HEALTHY
    assert "if the days before foretell this one" in watch.verdict().promise
    assert not judgement.compared


def test_it_knows_the_time_of_day():
    """What is usual at noon is a breach at midnight, and not the other way round."""
    past = a_past(7, lambda at: 60.0 if 8 <= at.hour < 20 else 3.0)
    watch = a_watched(past)

    noon = watch.sees([(counts(14, 600), None)] * 30)
    night = watch.sees([(counts(14, 600), None)] * 30, first=12 * 60)

    assert noon.outcome is Outcome.HEALTHY
    assert night.outcome is Outcome.BREACHED


def test_the_part_of_the_level_that_is_spent_on_what_is_usual_is_taken_from_the_evidence():
    watch = a_watched(a_past(7))
    watch.sees([(counts(1, 600), None)] * 3)

    process = watch.evidence.memories["errors"].process
    plain = 1 - placed(case_of(watch).horizon, 3) + sum(process.weights)
    assert exp(process.log_e) == pytest.approx((1 - SPENT) * plain)


def test_bounds_share_the_chance_that_what_is_usual_was_more():
    """Else the promise of a latency with five bounds would be broken a fifth more often than it says."""
    past = a_past(7, lambda _: 600.0)

    def ceilings(bounds, alpha):
        readings = {"errors": tuple(of(past, bound)["errors"][0] for bound in bounds)}
        indicator = an_indicator(kind=Kind.LATENCY, bounds=bounds)
        watch = a_watch(a_rule(JUDGE), indicators=[indicator], histories=readings, alpha=alpha)
        return next(iter(watch.brief.cases.values())).ceilings

    assert ceilings((0.1, 0.3), 0.002) == ceilings((0.1,), 0.001)


def test_a_latency_is_judged_in_the_exact_form():
    """Three in five are slow where one in five is usual: as events that would be hardly worth seeing."""
    past = a_past(7, lambda _: 600.0)
    indicator = an_indicator(kind=Kind.LATENCY, bounds=(0.3,))
    watch = a_watch(
        a_rule(BeforeAfter(plus=0.0), must_have_seen=0.5), indicators=[indicator], histories=of(past, 0.3)
    )
    for minute in range(3):
        watch.reads(
            NOON + (minute + 1) * MINUTE, errors=(series(a_bucket(minute, counts(360, 600)), bound=0.3),)
        )

    assert watch.verdict().outcome is Outcome.BREACHED
    assert case_of(watch).ceilings[24] == pytest.approx(0.31, abs=0.01)


def test_a_share_that_nothing_can_exceed_is_no_ceiling_but_stays_finite():
    watch = a_watch(
        a_rule(BeforeAfter(ratio=3.0)),
        indicators=[an_indicator(kind=Kind.LATENCY)],
        histories=of(a_past(7, lambda _: 2000.0)),
    )

    judgement = watch.sees([(counts(600, 600), None)] * 9)

    assert judgement.outcome is not Outcome.BREACHED
    assert max(case_of(watch).ceilings) < 1


def test_events_may_be_more_than_requests():
    past = a_past(7, lambda _: 9000.0)
    watch = a_watched(past, kind=Kind.EVENTS, statistics=INDEPENDENTLY)

    assert watch.sees([(counts(1800, 600), None)] * 9).outcome is not Outcome.BREACHED
    assert watch.sees([(counts(9000, 600), None)] * 4, first=9).outcome is Outcome.BREACHED


# ------------------------------------------------------------------------------------------------------------- the past


@pytest.mark.parametrize(("days", "words"), [(0, "nothing"), (0.125, "3 h")])
def test_too_little_past_is_refused_with_words_and_never_passes(days, words):
    watch = a_watched(a_past(days))

    judgement = watch.sees([(counts(600, 600), None)] * 40)

    assert judgement.outcome is Outcome.BLIND
    assert watch.verdict().because is Because.SHORT_HISTORY
    assert watch.verdict().words == f"there is too little history to compare with: {words} of at least a day"


def test_no_further_back_is_looked_than_the_rule_says():
    worse_before = a_past(7, lambda at: 3.0 if at >= NOON - 3 * DAY else 300.0)

    assert case_of(a_watched(worse_before, BeforeAfter(3 * DAY))).usual == pytest.approx(0.001)
    assert case_of(a_watched(worse_before, BeforeAfter(7 * DAY))).usual == pytest.approx(0.0576, abs=0.001)


def test_robust_takes_the_ceilings_from_what_the_past_shows_of_clumps():
    watch = a_watched(a_past(7), statistics=Statistics(correlation="robust"))

    assert case_of(watch).phi is None
    assert watch.sees([(counts(600, 600), None)] * 9).outcome is Outcome.BREACHED


def test_later_half_hours_have_higher_ceilings_for_less_of_the_level_is_left_to_them():
    ceilings = case_of(a_watched(a_past(7))).ceilings

    order = [ceilings[(24 + number) % 48] for number in range(48)]
    assert order == sorted(order)
    assert order[0] < order[-1] < 1.2 * order[0]


def test_all_half_hours_together_are_above_their_ceilings_as_seldom_as_a_twentieth_of_the_level():
    assert sum(1 / ((order + 1) * (order + 2)) for order in range(48)) < 1
    assert SPENT == 0.05


def test_a_brief_and_evidence_survive_being_written_down():
    watch = a_watched(a_past(7))
    watch.sees([(counts(2, 600), None)] * 5)

    assert decode_brief(encode_brief(watch.brief)) == watch.brief
    assert decode_evidence(encode_evidence(watch.evidence)) == watch.evidence


# ---------------------------------------------------------------------------------------------------------- the promise


@pytest.mark.parametrize("rate", [0.03, 0.015])
def test_on_its_margin_it_is_wrong_no_more_often_than_it_says(rate):
    """At a level of 5 %; 100 watches of an hour, each with a past of its own, exactly 1.5 times as bad as usual."""
    rng, wrong = np.random.default_rng(7), 0
    plain = case_of(a_watched(a_past(1), statistics=INDEPENDENTLY, alpha=0.05))
    flat = a_past(4, requests=18000.0, length=30 * MINUTE)
    for _ in range(100):
        case = before_after.prepare(plain, drawn(flat, rate / 1.5, rng))
        memory = before_after.start(case)
        for minute, bad in enumerate(rng.binomial(600, rate, 60)):
            memory = before_after.advance(case, memory, a_bucket(minute, counts(bad, 600)))
            if memory.process.log_e >= log(1 / 0.05):
                wrong += 1
                break

    assert wrong <= 11  # 5 at most are to be expected; three standard deviations more


def drawn(past, rate, rng):
    bad = rng.binomial(int(past.spans[0].requests), rate, len(past))
    return type(past)(
        tuple(span._replace(bad=float(each)) for span, each in zip(past.spans, bad, strict=True))
    )


huge = st.floats(0, 1e15)


@settings(max_examples=50)
@example([(0.0, 1.0)], [(1e15, 1e-300)] * 48, Kind.RATIO)
@given(
    st.lists(st.tuples(huge, huge), min_size=1, max_size=6),
    st.lists(st.tuples(huge, huge), min_size=24, max_size=48),
    st.sampled_from((Kind.RATIO, Kind.LATENCY)),
)
def test_whatever_is_counted_the_evidence_stays_finite(seen, before, kind):
    past = a_past(4, length=2 * HOUR)
    spans = [
        span._replace(requests=total, bad=bad) for span, (bad, total) in zip(past.spans, before, strict=False)
    ]
    watch = a_watched(type(past)(tuple(spans)), kind=kind)
    assert decode_brief(encode_brief(watch.brief)) == watch.brief  # which knows no infinity
    case = case_of(watch)
    memory = judge_of(case).start(case)
    for minute, (bad, total) in enumerate(seen):
        memory = judge_of(case).advance(case, memory, a_bucket(minute, counts(bad, total)))

        assert np.isfinite(memory.process.log_e)
        assert np.isfinite(memory.process.information)


def test_without_counts_nothing_is_learned():
    case = case_of(a_watched(a_past(7)))
    memory = before_after.start(case)

    assert before_after.advance(case, memory, a_bucket(0, None, counts(1, 2))) == memory
