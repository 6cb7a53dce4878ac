"""What a watch can see, said in advance: held against the judges themselves, on a hundred streams each."""

from dataclasses import replace
from datetime import timedelta
from math import log
from statistics import median

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.brief import Refusal
from rules.evaluate import Timing, evaluate, start
from rules.evidence import Alone
from rules.foresight import (
    ASSUMED,
    Flow,
    Outlook,
    Source,
    by_the_past,
    by_what_was_seen,
    foresee,
    needs,
    rates,
)
from rules.model import (
    BeforeAfter,
    CanaryVsBaseline,
    Consequence,
    Kind,
    Slo,
    Statistics,
    Threshold,
    TrafficDrop,
)
from rules.objectives.eprocess import FIRST
from rules.objectives.registry import judge_of
from rules.sample import Bucket, Counts, NoData, Series, Value
from rules.verdict import Because
from tests.rules.building import (
    HOUR,
    INDEPENDENT,
    MINUTE,
    NOON,
    a_brief,
    a_bucket,
    a_history,
    a_rule,
    an_indicator,
    counts,
    noon,
)
from tests.rules.objectives.test_before_after import of
from tests.rules.objectives.test_history import a_past

COMPARED = CanaryVsBaseline()
DAY = timedelta(days=1)
RUNS = 100
LONGEST = 150  # buckets of a run
FACTOR = 1.3  # by which the time that is told may miss the median of the judges
WIDE = 1.5  # the same, where the errors of a bucket count as one
SHORT, LONG = 30 * MINUTE, 24 * HOUR


def told(judge=COMPARED, flow=None, kind=Kind.RATIO, most=LONG, bounds=(), **setting):
    """What is foretold of one rule with this traffic."""
    statistics = setting.pop("statistics", Statistics(correlation="independent"))
    rule = a_rule(judge, statistics=statistics)
    brief = a_brief(rule, indicators=[an_indicator(kind=kind, bounds=bounds)], **setting)
    key = next(iter(brief.cases))
    return brief, foresee(brief, {key: flow or a_flow()}, NOON, SHORT, most)[0]


def a_flow(mine=1.2, beside=10.8, usual=0.001, phi=1.0, **more):
    return Flow(mine, beside, usual, phi, **more)


def within(sight, level):
    return next(rung.within for rung in sight.rungs if rung.level == pytest.approx(level))


# --------------------------------------------------------------------------------------------- as the judges are it


def found_by_the_judge(case, flow, level, seed):
    """How many buckets the judge itself takes, on one stream of chance."""
    rng, judge, seconds = np.random.default_rng(seed), judge_of(case), case.bucket.total_seconds()
    memory, enough = judge.start(case), log(1 / (case.alpha * (case.weight or 1.0)))
    for place in range(LONGEST):
        mine, beside = rng.poisson(flow.mine * seconds), rng.poisson(flow.beside * seconds)
        canary = counts(rng.binomial(mine, level), mine)
        baseline = counts(rng.binomial(beside, flow.usual), beside) if flow.beside else None
        memory = judge.advance(case, memory, a_bucket(place, canary, baseline, length=case.bucket))
        if memory.process.log_e >= enough:
            return place + 1
    return LONGEST


ROBUST, CLUMPS = Statistics(correlation="robust"), Statistics(correlation=4.0)
INDEPENDENTLY, AT_ONCE = Statistics(correlation="independent"), Statistics("independent", min_buckets=1)


@pytest.mark.parametrize(
    ("judge", "kind", "flow", "statistics", "levels"),
    [
        (COMPARED, Kind.RATIO, a_flow(), INDEPENDENTLY, (0.01, 0.05, 1.0)),
        (COMPARED, Kind.RATIO, a_flow(50, 50), INDEPENDENTLY, (0.005, 0.01)),
        (COMPARED, Kind.LATENCY, a_flow(1.2, 10.8, 0.01), INDEPENDENTLY, (0.1, 1.0)),
        (COMPARED, Kind.PROBE, a_flow(0.5, 0.5, 0.01), INDEPENDENTLY, (0.2, 1.0)),
        (COMPARED, Kind.EVENTS, a_flow(12, 108, 0.001, 4.0), CLUMPS, (0.01, 0.05)),
        (COMPARED, Kind.RATIO, a_flow(12, 108, 0.001, None), ROBUST, (0.01, 0.05)),
        (COMPARED, Kind.RATIO, a_flow(1.2, 10.8, 0.001, None), ROBUST, (0.01,)),
        (COMPARED, Kind.LATENCY, a_flow(12, 108, 0.01, None), ROBUST, (0.05, 1.0)),
        (COMPARED, Kind.RATIO, a_flow(0.01, 0.1), INDEPENDENTLY, (0.5, 1.0)),
        (Slo(0.999), Kind.RATIO, a_flow(10, 0, 0.0002), INDEPENDENTLY, (0.005, 0.01, 1.0)),
        (Slo(0.999), Kind.RATIO, a_flow(10, 0, 0.0002), AT_ONCE, (0.005, 0.01, 1.0)),
        (Slo(0.99), Kind.PROBE, a_flow(0.1, 0, 0.001), INDEPENDENTLY, (0.05, 1.0)),
        (Slo(0.999), Kind.RATIO, a_flow(10, 0, 0.0002, None), ROBUST, (0.01, 1.0)),
    ],
    ids=lambda value: getattr(value, "kind", None) or getattr(value, "value", None),
)
def test_the_time_that_is_foretold_is_that_of_the_judges(judge, kind, flow, statistics, levels):
    brief, _ = told(judge, flow, kind, statistics=statistics)
    case = brief.cases["errors"]

    for level in levels:
        delay = Outlook(case, flow, NOON).delay(level, LONG)
        real = median(found_by_the_judge(case, flow, level, seed) for seed in range(RUNS))
        assert delay is not None, level
        factor = WIDE if flow.phi is None else FACTOR
        assert real / factor <= delay / case.bucket <= real * factor, (level, delay, real)


def test_the_smallest_effect_of_a_bake_is_found_in_about_that_bake():
    brief, sight = told(most=60 * MINUTE)

    real = median(
        found_by_the_judge(brief.cases["errors"], a_flow(), sight.most, seed) for seed in range(RUNS)
    )

    assert 60 / FACTOR <= real <= 60 * FACTOR


def test_what_is_not_foretold_is_not_found_either():
    brief, sight = told(most=30 * MINUTE)

    assert within(sight, 0.005) is None
    found = [found_by_the_judge(brief.cases["errors"], a_flow(), 0.005, seed) <= 30 for seed in range(RUNS)]
    assert sum(found) < RUNS / 4


# ----------------------------------------------------------------------------------------------------------- properties

traffics = st.floats(0.05, 500)
levels_ = st.sampled_from([0.005, 0.01, 0.05, 1.0])
judges = st.sampled_from([COMPARED, Slo(0.999)])
kinds = st.sampled_from([Kind.RATIO, Kind.LATENCY])
LATE = timedelta.max


def times(sight):
    return {round(rung.level, 6): rung.within or LATE for rung in sight.rungs}


@settings(max_examples=20, deadline=None)
@given(traffics, st.floats(1, 20), judges, kinds)
def test_more_traffic_never_sees_later_nor_less(traffic, times_more, judge, kind):
    little = told(judge, a_flow(traffic, 9 * traffic), kind)[1]
    much = told(judge, a_flow(traffic * times_more, 9 * traffic * times_more), kind)[1]

    assert all(times(much)[level] <= time for level, time in times(little).items())
    assert (much.most or 2) <= (little.most or 2) * 1.02


@settings(max_examples=20, deadline=None)
@given(traffics, st.sampled_from([0.0001, 0.001, 0.01]), judges, kinds)
def test_a_stricter_level_never_sees_earlier(traffic, alpha, judge, kind):
    strict = told(judge, a_flow(traffic, 9 * traffic), kind, alpha=alpha / 5)[1]
    loose = told(judge, a_flow(traffic, 9 * traffic), kind, alpha=alpha)[1]

    assert all(times(loose)[level] <= time for level, time in times(strict).items())
    assert (loose.most or 2) <= (strict.most or 2)


@settings(max_examples=20, deadline=None)
@given(traffics, st.integers(2, 600), st.integers(0, 600), judges, kinds)
def test_more_time_never_sees_less_and_larger_effects_are_never_found_later(
    traffic, minutes, more, judge, kind
):
    short = told(judge, a_flow(traffic, 9 * traffic), kind, most=minutes * MINUTE)[1]
    long_ = told(judge, a_flow(traffic, 9 * traffic), kind, most=(minutes + more) * MINUTE)[1]

    assert all(time in (LATE, times(long_)[level]) for level, time in times(short).items())
    assert (long_.most or 2) <= (short.most or 2)
    found = [rung.within or LATE for rung in long_.rungs]
    assert found == sorted(found, reverse=True)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(
        [
            COMPARED,
            CanaryVsBaseline(1.0, 0.0),
            CanaryVsBaseline(40, 0.5),
            Slo(1.0),
            Slo(0.5),
            Slo(0.9, 20),
            TrafficDrop(1.0),
        ]
    ),
    st.sampled_from([Kind.RATIO, Kind.EVENTS, Kind.LATENCY, Kind.PROBE]),
    st.floats(0, 1e7),
    st.floats(0, 1e7),
    st.sampled_from([0.0, 1e-12, 0.001, 0.5, 0.9999, 1.0, 3.0]),
    st.sampled_from([None, 1.0, 7.5, 1e4]),
    st.sampled_from([1e-12, 0.001, 0.5]),
)
def test_whatever_is_configured_and_measured_it_has_an_answer(judge, kind, mine, beside, usual, phi, alpha):
    rule = a_rule(judge)
    brief = a_brief(rule, indicators=[an_indicator(kind=kind)], alpha=alpha)
    flows = {"errors": Flow(mine, beside, usual, phi, 0.5)}

    for sight in foresee(brief, flows, NOON, SHORT, LONG):
        assert sight.most is None or sight.most > 0
        assert all(rung.within is None or rung.within <= LONG for rung in sight.rungs)
        assert sight.useful == (
            Outlook(brief.cases["errors"], flows["errors"], NOON).delay(sight.worth, LONG) is not None
        )


@given(
    st.lists(st.floats(-5, 50), min_size=13, max_size=13),
    st.floats(1, 20),
    st.floats(0.5, 20),
    st.integers(0, 500),
)
def test_the_buckets_that_are_needed_are_the_fewest_that_reach_it(adds, needed, cap, most):
    found = needs(adds, needed, cap, most)

    assert found is None or 1 <= found <= most
    if found is not None:
        assert found * cap + log(FIRST) >= needed - 1e-6
        assert needs(adds, needed, cap, found) == found
        assert needs(adds, needed, cap, found - 1) is None


# ------------------------------------------------------------------------------------------------------- what it counts


def test_settle_warmup_and_min_buckets_are_part_of_the_time():
    plain = told()[1]
    later = told(settle=3 * MINUTE)[1]
    warm = told(statistics=Statistics("independent", warmup=10 * MINUTE))[1]
    five = told(statistics=Statistics("independent", min_buckets=5))[1]

    assert within(plain, 1.0) == 2 * MINUTE
    assert within(later, 1.0) == 5 * MINUTE
    assert within(warm, 1.0) == 12 * MINUTE
    assert within(five, 1.0) == 5 * MINUTE


def test_the_bounds_of_a_latency_and_the_weight_in_the_group_share_the_level():
    history = {"errors": (a_history(INDEPENDENT),), "slow": (a_history(INDEPENDENT),)}
    rules = (a_rule(COMPARED), a_rule(COMPARED, "slow"))
    two = a_brief(*rules, histories=history)
    one = a_brief(rules[0], histories=history)
    flow = a_flow(phi=1.0)

    (alone,) = foresee(one, {"errors": flow}, NOON, SHORT, LONG)
    both = foresee(two, {"errors": flow, "slow": flow}, NOON, SHORT, LONG)
    bounded = told(kind=Kind.LATENCY, bounds=(0.3, 1.0))[1]

    assert [sight.rule for sight in both] == ["errors", "slow"]
    assert within(both[0], 0.01) > within(alone, 0.01)
    assert bounded.bound == 0.3
    assert within(bounded, 0.01) > within(told(kind=Kind.LATENCY)[1], 0.01)


def test_a_healthy_rule_must_be_able_to_see_what_is_worth_seeing():
    useful, useless = told()[1], told(flow=a_flow(0.0004, 0.0036))[1]

    assert (useful.useful, useful.worth) == (True, 0.05)
    assert (useless.useful, useless.most, useless.least) == (False, None, None)
    assert {rung.within for rung in useless.rungs} == {None}


def test_where_the_smaller_arm_has_no_request_in_five_minutes_nothing_is_compared():
    assert told(flow=a_flow(1 / 299, 1))[1].most is not None
    assert told(flow=a_flow(1 / 301, 1))[1].most is None
    assert told(flow=a_flow(1.0, 0.0))[1].most is None
    assert told(flow=a_flow(0.001, 1), bucket=15 * MINUTE)[1].most is None
    assert told(flow=a_flow(0.002, 1), bucket=15 * MINUTE)[1].most is not None


def test_events_have_no_largest_rate():
    sight = told(kind=Kind.EVENTS, flow=a_flow(usual=0.9))[1]

    assert next(rung.level for rung in sight.rungs) == pytest.approx(1.8)
    assert sight.most > 1


def test_the_rungs_are_worse_than_acceptable_and_apart():
    sight = told(flow=a_flow(usual=0.01))[1]

    assert [rung.level for rung in sight.rungs] == pytest.approx([0.02, 0.05, 0.1, 1.0])
    assert sight.allowed == pytest.approx(0.0155)


def test_a_ceiling_of_the_time_of_day_is_what_is_acceptable():
    history = [(600.0, 0.6 if place < 720 else 6.0) for place in range(4 * 1440)]
    brief = a_brief(a_rule(BeforeAfter()), histories={"errors": (a_history(history),)})
    flows = by_the_past(brief, 0.5, rates(brief, {"errors": (a_history(history),)}))

    (sight,) = foresee(brief, flows, NOON, SHORT, LONG)

    assert brief.cases["errors"].ceilings
    assert flows["errors"].usual == pytest.approx(0.01, rel=0.2)
    assert flows["errors"].mine == pytest.approx(5.0)
    assert 0.01 < sight.allowed < 0.02


def test_a_loss_of_traffic_is_foretold_by_the_part_that_is_lost():
    brief, sight = told(TrafficDrop(), a_flow(0.05, 0.45, 0.0, due=0.1), Kind.REQUESTS)
    sticky = Flow(1, 9, 0.0, None, 0.1)
    robust = a_brief(a_rule(TrafficDrop(), statistics=ROBUST), indicators=[an_indicator(kind=Kind.REQUESTS)])

    assert [rung.level for rung in sight.rungs] == [0.75, 1.0]
    assert sight.allowed == 0.5
    assert within(sight, 1.0) < within(sight, 0.75)
    assert foresee(robust, {"errors": sticky}, NOON, SHORT, LONG) == ()
    case, judge = brief.cases["errors"], judge_of(brief.cases["errors"])

    def real(seed):
        rng, memory = np.random.default_rng(seed), judge.start(case)
        for place in range(LONGEST):
            mine, beside = rng.poisson(3 * 0.25), rng.poisson(29.25)
            bucket = replace(a_bucket(place, counts(0, mine), counts(0, beside)), share=0.1)
            memory = judge.advance(case, memory, bucket)
            if memory.process.log_e >= log(1000):
                return place + 1
        return LONGEST

    middle = median(real(seed) for seed in range(RUNS)) * MINUTE
    assert middle / FACTOR <= within(sight, 0.75) <= middle * FACTOR


def test_only_what_can_be_judged_with_a_promise_and_acts_is_foretold():
    tells = a_rule(COMPARED, "tells", "errors", Consequence.TELL)
    fixed = a_rule(Threshold(above=0.1), "fixed", "errors")
    part = a_rule(COMPARED, "part", "errors", Consequence.TELL)
    whole = a_rule(None, "whole", all_of=("part", "fixed"))
    brief = a_brief(a_rule(COMPARED), tells, fixed, part, whole)
    flows = dict.fromkeys(brief.cases, a_flow())
    blind = replace(brief.cases["errors"], refusal=Refusal(Because.NOT_COMPARABLE, "both are called alike"))
    refused = replace(brief, cases={**brief.cases, "errors": blind})

    assert [sight.rule for sight in foresee(brief, flows, NOON, SHORT, LONG)] == ["errors", "part"]
    assert [sight.rule for sight in foresee(refused, flows, NOON, SHORT, LONG)] == ["part"]
    assert foresee(brief, {}, NOON, SHORT, LONG) == ()


# --------------------------------------------------------------------------------------------------------- the traffic


def test_the_traffic_of_the_past_is_that_while_there_was_any():
    history = a_history([(600.0, 3.0)] * 60 + [(0.0, 0.0)] * 60)
    brief = a_brief(a_rule(COMPARED), histories={"errors": (history,)})
    measured = rates(brief, {"errors": (history,)})

    assert measured == {"errors": pytest.approx(10.0)}
    known = by_the_past(brief, 0.25, measured)["errors"]
    assert (known.due, known.assumed, known.source) == (0.25, False, Source.PAST)
    assert (known.mine, known.beside, known.usual) == pytest.approx((2.5, 7.5, 0.005))
    assumed = by_the_past(brief, None, measured)["errors"]
    assert assumed.assumed
    assert assumed.mine == pytest.approx(10 * ASSUMED)


def test_where_one_does_not_know_how_long_it_was_measured_it_is_at_least_so_much():
    history = a_history([(600.0, 3.0)] * 60)
    brief = a_brief(a_rule(COMPARED), histories={"errors": (history,)})

    flow = by_the_past(brief, 0.5)["errors"]

    assert flow.source is Source.AT_LEAST
    assert flow.mine + flow.beside == pytest.approx(36000 / DAY.total_seconds())


def test_a_week_that_another_rule_asked_for_is_not_taken_for_a_day():
    """Ten requests a second for seven days, of which the comparison of the same indicator is told too."""
    rules = (a_rule(COMPARED), a_rule(BeforeAfter(), "past", "errors"))
    brief = a_brief(*rules, histories=of(a_past(7)))

    flow = by_the_past(brief, 0.5)["errors"]

    assert flow.mine + flow.beside == pytest.approx(10.0)


def test_a_history_of_readings_of_counters_and_of_both_releases_is_understood():
    buckets = [
        Bucket(noon(place - 60), noon(place - 59), Counts(place, 120.0 * place), Counts(place, 60.0 * place))
        for place in range(60)
    ]
    brief = a_brief(a_rule(COMPARED))

    assert rates(brief, {"errors": (Series("errors", tuple(buckets), cumulative=True),)}) == {
        "errors": pytest.approx(3.0)
    }


@pytest.mark.parametrize(
    "reading",
    [
        NoData("none"),
        (),
        (Series("errors", (a_bucket(-1, Value(1.0)),)),),
        (a_history([(0.0, 0.0)]),),
        (a_history([(9.0, 0.0)], bound=0.3),),
    ],
    ids=["no data", "no series", "no counts", "no traffic", "of another bound"],
)
def test_without_traffic_in_the_past_there_is_no_rate(reading):
    brief = a_brief(a_rule(COMPARED))

    assert rates(brief, {"errors": reading}) == {}
    assert by_the_past(brief, 0.1) == {}


def test_of_a_release_that_has_all_the_traffic_nothing_is_compared():
    histories = {"errors": (a_history(INDEPENDENT),)}
    compared = a_brief(a_rule(COMPARED), histories=histories)
    ceiling = a_brief(a_rule(Slo(0.99)), histories=histories)

    assert by_the_past(compared, 1.0) == {}
    assert by_the_past(ceiling, 1.0)["errors"].due == 1.0


def test_a_ceiling_over_the_whole_service_sees_all_its_traffic():
    histories = {"errors": (a_history(INDEPENDENT),)}
    blind_to_arms = replace(an_indicator(), compares_arms=False)
    whole = a_brief(a_rule(Slo(0.99)), indicators=[blind_to_arms], histories=histories)
    own = a_brief(a_rule(Slo(0.99)), histories=histories)

    assert by_the_past(whole, 0.1)["errors"].due == 1.0
    assert by_the_past(own, 0.1)["errors"].due == 0.1
    assert by_the_past(own, None)["errors"].due == 1.0


def seen(brief, *buckets):
    """The evidence after these buckets."""
    readings = {"errors": (Series("errors", buckets),)}
    return evaluate(brief, start(brief), readings, Timing(noon(60), NOON, NOON)).evidence


def test_what_the_watch_saw_overrules_the_past():
    brief = a_brief(a_rule(COMPARED), histories={"errors": (a_history(INDEPENDENT),)})
    evidence = seen(brief, *(a_bucket(place, counts(1, 60), counts(6, 540)) for place in range(5)))

    flow = by_what_was_seen(brief, evidence, NOON)["errors"]
    assert (flow.mine, flow.beside, flow.usual) == pytest.approx((1.0, 9.0, 6 / 540))
    assert (flow.source, flow.phi) == (Source.SEEN, 1.0)
    assert by_what_was_seen(brief, start(brief), NOON) == {}


def test_a_ceiling_has_what_is_usual_from_the_past_or_takes_it_for_nothing():
    with_past = a_brief(a_rule(Slo(0.99)), histories={"errors": (a_history(INDEPENDENT),)})
    without = a_brief(a_rule(Slo(0.99)))
    bucket = a_bucket(0, counts(6, 60))

    assert by_what_was_seen(with_past, seen(with_past, bucket), NOON)["errors"].usual == pytest.approx(
        8 / 6000
    )
    assert by_what_was_seen(without, seen(without, bucket), NOON)["errors"].usual == 0.0


def test_the_share_that_is_due_is_known_from_what_was_seen():
    brief = a_brief(a_rule(TrafficDrop()), indicators=[an_indicator(kind=Kind.REQUESTS)])
    evidence = seen(brief, replace(a_bucket(0, counts(0, 60), counts(0, 540)), share=0.1))

    assert by_what_was_seen(brief, evidence, NOON)["errors"].due == pytest.approx(0.1)


def test_a_comparison_without_company_sees_nothing_more():
    brief = a_brief(a_rule(COMPARED))
    evidence = seen(brief, a_bucket(0, counts(0, 60), counts(0, 540)))
    alone = seen(brief, a_bucket(0, counts(0, 60), counts(0, 0)))
    memory = evidence.memories["errors"]

    def left_for(minutes):
        left = memory._replace(alone=Alone(NOON, noon(minutes), 100.0))
        return by_what_was_seen(brief, replace(evidence, memories={"errors": left}), NOON)

    assert by_what_was_seen(brief, alone, NOON) == {}
    assert left_for(5) == {}
    assert "errors" in left_for(4)
