from math import log

import numpy as np
import pytest

from rules.model import Kind, Slo, Statistics
from rules.objectives import slo
from rules.verdict import Because, Outcome
from tests.rules.building import (
    INDEPENDENT,
    a_bucket,
    a_case,
    a_rule,
    a_watch,
    an_indicator,
    counts,
    noon,
    series,
)


def test_a_release_that_fails_is_found_within_two_buckets():
    watch = a_watch(a_rule(Slo(0.999)))

    first = watch.sees([(counts(300, 600), None)])
    second = watch.sees([(counts(300, 600), None)], first=1)

    assert first.outcome is not Outcome.BREACHED
    assert second.outcome is Outcome.BREACHED
    assert watch.verdict().because is Because.EVIDENCE
    assert watch.verdict().words == "600 of 1,200 requests failed (50 %), 0.1 % is acceptable"


def test_a_burn_rate_raises_the_ceiling():
    assert a_case(Slo(0.999, 10)).ceiling == pytest.approx(0.01)


@pytest.mark.parametrize(("objective", "least", "most"), [(1.0, 0.0, 1e-6), (0.0, 0.999, 1.0)])
def test_an_objective_at_either_end_stays_testable(objective, least, most):
    ceiling = a_case(Slo(objective)).ceiling

    assert ceiling is not None
    assert least < ceiling < most


def test_without_a_history_it_says_that_it_assumes_independent_errors():
    watch = a_watch(a_rule(Slo(0.999)))
    watch.sees([(counts(0, 600), None)])

    assert watch.brief.cases["errors"].phi == 1.0
    assert "independent" in watch.verdict().promise


def test_with_a_history_it_assumes_nothing():
    case = a_case(Slo(0.999), history=INDEPENDENT)

    assert case.assumes == ""
    assert case.phi == 1.0
    assert case.usual == pytest.approx(8 / 6000)


def test_sticky_routing_is_said_to_need_users():
    statistics = Statistics(routing="sticky")

    assert "count users" in a_case(Slo(0.999), statistics=statistics, history=INDEPENDENT).assumes
    assert (
        a_case(Slo(0.999), statistics=Statistics(routing="sticky", unit="users"), history=INDEPENDENT).assumes
        == ""
    )


@pytest.mark.parametrize(
    ("correlation", "phi"), [("independent", 1.0), ("robust", None), (7.5, 7.5), (0.5, 1.0), ("auto", 1.0)]
)
def test_how_errors_clump_is_as_the_rule_says(correlation, phi):
    assert a_case(Slo(0.999), statistics=Statistics(correlation=correlation)).phi == phi


def test_it_would_have_seen_five_per_cent_after_about_sixty_requests_at_a_ceiling_of_a_thousandth():
    watch = a_watch(a_rule(Slo(0.999), statistics=Statistics(min_buckets=1)), at_least=noon(2) - noon(0))

    early = watch.sees([(counts(0, 55), None)])
    wanted = watch.verdict().seen.wanted
    late = watch.sees([(counts(0, 10), None)], first=1)

    assert early.outcome is Outcome.UNDECIDED
    assert wanted == pytest.approx(60, abs=2)
    assert late.outcome is Outcome.HEALTHY


def test_it_would_have_seen_five_per_cent_after_about_210_requests_at_a_ceiling_of_a_hundredth():
    watch = a_watch(a_rule(Slo(0.99)))
    watch.sees([(counts(0, 50), None)])

    assert watch.verdict().seen.wanted == pytest.approx(215, abs=8)
    assert watch.verdict().words == "50 of about 220 requests seen"


def test_where_nobody_asks_anything_nothing_is_learned():
    watch = a_watch(a_rule(Slo(0.999)))
    judgement = watch.sees([(counts(0, 0), None)] * 5)

    assert judgement.outcome is Outcome.UNDECIDED
    assert watch.verdict().because is Because.NOT_SEEN_ENOUGH
    assert watch.verdict().words == "0 requests seen"
    assert watch.verdict().seen.wanted is None
    assert watch.verdict().can_see is None
    assert watch.verdict().estimate is None


@pytest.mark.parametrize("kind", [Kind.LATENCY, Kind.PROBE])
def test_more_bad_than_there_was_is_counted_as_all_and_said(kind):
    watch = a_watch(a_rule(Slo(0.9)), indicators=[an_indicator(kind=kind)])
    watch.sees([(counts(7, 5), None)])

    assert watch.verdict().seen.bad == 5
    assert "counted as all" in watch.verdict().words or watch.verdict().outcome is Outcome.UNDECIDED
    assert watch.evidence.memories["errors"].tally.clamped == 1


def test_a_ratio_whose_vendor_counts_more_errors_than_requests_is_judged_as_events():
    watch = a_watch(a_rule(Slo(0.9)))
    watch.sees([(counts(7, 5), None)])

    assert watch.verdict().seen.bad == 7


def test_the_other_arm_is_not_looked_at():
    case = a_case(Slo(0.999))

    alone = slo.advance(case, slo.start(case), a_bucket(0, counts(3, 600)))
    beside = slo.advance(case, slo.start(case), a_bucket(0, counts(3, 600), counts(500, 600)))
    only = slo.advance(case, slo.start(case), a_bucket(0, None, counts(500, 600)))

    assert alone == beside
    assert only == slo.start(case)


def test_a_robust_ceiling_still_finds_a_total_failure():
    watch = a_watch(a_rule(Slo(0.999), statistics=Statistics(correlation="robust")))
    judgement = watch.sees([(counts(600, 600), None)] * 3)

    assert judgement.outcome is Outcome.BREACHED
    assert watch.estimate().low is None  # any interval would assume something about clumps


def test_it_says_what_it_can_still_see():
    watch = a_watch(a_rule(Slo(0.999)))
    watch.sees([(counts(0, 600), None)] * 3)

    sight = watch.verdict().can_see
    assert sight is not None
    assert 0.001 < sight.level < 0.002
    assert sight.within == noon(24 * 60) - noon(3)


def test_towards_the_end_it_sees_less_and_at_the_end_nothing():
    watch = a_watch(a_rule(Slo(0.999)))
    watch.sees([(counts(0, 6), None)] * 3)
    early = watch.verdict().can_see
    watch.reads(noon(24 * 60 - 30), errors=(series(a_bucket(24 * 60 - 31, counts(0, 6))),))
    late = watch.verdict().can_see
    watch.reads(noon(24 * 60 - 0.5))

    assert early is not None
    assert late is not None
    assert late.level > early.level
    assert watch.verdict().can_see is None


def test_on_the_ceiling_itself_it_is_wrong_no_more_often_than_it_says():
    """At a level of 5 %, where that can be seen; 300 watches of 120 buckets at exactly the acceptable share."""
    case, rng, wrong = (
        a_case(Slo(0.99), alpha=0.05, statistics=Statistics(correlation="independent")),
        np.random.default_rng(5),
        0,
    )
    for _ in range(300):
        memory = slo.start(case)
        for minute, bad in enumerate(rng.binomial(200, 0.01, 120)):
            memory = slo.advance(case, memory, a_bucket(minute, counts(bad, 200)))
            if memory.process.log_e >= log(1 / 0.05):
                wrong += 1
                break

    assert wrong <= 26  # 15 at most are to be expected; three standard deviations more
