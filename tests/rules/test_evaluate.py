from dataclasses import replace
from datetime import timedelta
from math import inf, isfinite, log10, nan

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.evaluate import Timing, evaluate, start, wanted_since
from rules.evidence import decode_brief, decode_evidence, encode_brief, encode_evidence
from rules.model import (
    CanaryVsBaseline,
    Consequence,
    Indicator,
    Kind,
    PercentileRank,
    Slo,
    Statistics,
    Threshold,
    WhenBlind,
)
from rules.sample import Counts, Invalid, NoData, Series, Unavailable, Value, Who
from rules.verdict import Because, Outcome
from tests.rules.building import (
    INDEPENDENT,
    MINUTE,
    NOON,
    Played,
    a_brief,
    a_bucket,
    a_history,
    a_rule,
    a_watch,
    an_indicator,
    counts,
    noon,
    series,
)

WELL = (counts(0, 600), None)
BAD = (counts(300, 600), None)
ROLLBACK, ASK, TELL, DOUBT = Consequence.ROLLBACK, Consequence.ASK, Consequence.TELL, Consequence.DOUBT


def an_slo(**more):
    return a_rule(Slo(0.999), **more)


# ------------------------------------------------------------------------------------------------ what healthy means


def test_healthy_is_not_breached_fresh_covered_and_would_have_seen():
    watch = a_watch(an_slo())
    judgement = watch.sees([WELL] * 5)

    assert judgement.outcome is Outcome.HEALTHY
    assert watch.verdict().because is Because.WITHIN
    assert watch.verdict().words == "0 of 3,000 requests failed (0 %), 0.1 % is acceptable"


def test_before_the_traffic_comes_nothing_has_started():
    watch = a_watch(an_slo())
    watch.traffic_at = watch.complete_at = None
    watch.sees([BAD] * 5)

    assert (watch.verdict().outcome, watch.verdict().because) == (Outcome.UNDECIDED, Because.NOT_STARTED)
    assert watch.buckets == []


def test_before_the_first_bucket_is_final_nothing_has_started():
    watch = a_watch(an_slo(), settle=2 * MINUTE)
    watch.sees([WELL])

    assert (watch.verdict().outcome, watch.verdict().because) == (Outcome.UNDECIDED, Because.NOT_STARTED)


def test_silence_is_not_health():
    watch = a_watch(an_slo())
    watch.sees([WELL] * 5)
    judgement = watch.reads(noon(20), errors=())

    assert judgement.outcome is Outcome.BLIND
    assert watch.verdict().because is Because.STALE
    assert watch.verdict().words == "nothing new for 15 min"


def test_a_poll_that_is_late_is_not_silence():
    watch = a_watch(an_slo())
    watch.sees([WELL] * 5)

    assert watch.reads(noon(7), errors=()).outcome is Outcome.HEALTHY


def test_data_that_never_came_is_no_data():
    watch = a_watch(an_slo())
    watch.reads(noon(20), errors=())

    assert (watch.verdict().outcome, watch.verdict().because) == (Outcome.BLIND, Because.NO_DATA)


@pytest.mark.parametrize(
    ("reading", "because"),
    [
        (NoData("nothing yet"), Because.NO_DATA),
        (Unavailable(Who.PROVIDER, "HTTP 503"), Because.UNAVAILABLE),
    ],
)
def test_an_absence_makes_blind_once_the_newest_bucket_is_old_and_then_says_why(reading, because):
    watch = a_watch(an_slo())
    watch.sees([WELL] * 5)

    assert watch.reads(noon(6), errors=reading).outcome is Outcome.HEALTHY
    assert watch.reads(noon(20), errors=reading).outcome is Outcome.BLIND
    assert watch.verdict().because is because
    assert reading.words in watch.verdict().words


def test_a_wrong_query_is_said_at_once():
    watch = a_watch(an_slo())
    judgement = watch.reads(noon(0), errors=Invalid(Who.AUTHOR, "no such metric"))

    assert (judgement.outcome, watch.verdict().because) == (Outcome.BLIND, Because.INVALID)
    assert watch.verdict().words == "cannot be judged: no such metric"


def test_nan_is_never_healthy():
    watch = a_watch(an_slo())
    judgement = watch.sees([(Counts(nan, nan), None)] * 60)

    assert (judgement.outcome, watch.verdict().because) == (Outcome.BLIND, Because.NO_DATA)


def test_holes_make_blind():
    watch = a_watch(an_slo())
    for minute in range(0, 60, 2):
        watch.reads(noon(minute + 1), errors=(series(a_bucket(minute, *WELL)),))

    assert (watch.verdict().outcome, watch.verdict().because) == (Outcome.BLIND, Because.HOLES)
    assert watch.verdict().words == "only 15 of 30 buckets came"


def test_old_holes_are_forgotten():
    watch = a_watch(an_slo())
    watch.sees([WELL] * 2)

    assert watch.sees([WELL] * 31, first=40).outcome is Outcome.HEALTHY


def test_a_bucket_longer_than_usual_covers_what_it_spans():
    watch = a_watch(an_slo())
    spans = series(*(a_bucket(place, *WELL, length=5 * MINUTE) for place in range(2)))

    assert watch.reads(noon(10), errors=(spans,)).outcome is Outcome.HEALTHY


@pytest.mark.parametrize(
    ("outcomes", "whole"),
    [
        (("well", "well"), Outcome.HEALTHY),
        (("well", "few"), Outcome.UNDECIDED),
        (("few", "gone"), Outcome.BLIND),
        (("gone", "bad"), Outcome.BREACHED),
    ],
)
def test_the_worst_of_those_that_can_act_decides(outcomes, whole):
    seen = {"well": counts(0, 600), "few": counts(0, 1), "gone": None, "bad": counts(300, 600)}
    watch = a_watch(an_slo(name="one"), an_slo(name="other"))
    for minute in range(5):
        readings = {
            name: (series(a_bucket(minute, seen[each]), name=name),)
            for name, each in zip(("one", "other"), outcomes, strict=True)
        }
        watch.reads(noon(minute + 1), **readings)

    assert watch.last.judgement.outcome is whole


@pytest.mark.parametrize("consequence", [TELL, DOUBT])
def test_what_cannot_act_never_blocks(consequence):
    watch = a_watch(an_slo(), an_slo(name="other", consequence=consequence))

    assert watch.sees([WELL] * 5).outcome is Outcome.HEALTHY


def test_where_nothing_can_act_nothing_is_decided():
    watch = a_watch(an_slo(consequence=TELL))

    assert watch.sees([WELL] * 5).outcome is Outcome.UNDECIDED


def test_a_warm_up_is_not_judged():
    watch = a_watch(an_slo(statistics=Statistics(warmup=3 * MINUTE)))

    assert watch.sees([BAD] * 3 + [WELL] * 5).outcome is Outcome.HEALTHY
    assert watch.verdict().seen.buckets == 5


# -------------------------------------------------------------------------------------------------- rules together


def test_the_group_s_evidence_is_the_weighted_average_of_its_members():
    watch = a_watch(an_slo(name="one", weight=3.0), an_slo(name="other"))
    for minute in range(2):
        watch.reads(noon(minute + 1), one=(series(a_bucket(minute, counts(5, 600)), name="one"),))
    one, other = watch.verdict("one"), watch.verdict("other")

    assert one.log10_e is not None
    assert watch.last.judgement.log10_e is not None
    assert 10**watch.last.judgement.log10_e == pytest.approx(0.75 * 10**one.log10_e + 0.25)
    assert other.log10_e == 0
    assert one.share == pytest.approx(0.75 * 10**one.log10_e / 10**watch.last.judgement.log10_e)
    assert watch.last.judgement.threshold == pytest.approx(3)
    assert one.threshold == pytest.approx(3 - log10(0.75))


def test_a_breach_of_the_group_names_the_most_to_blame_first():
    watch = a_watch(an_slo(name="some"), an_slo(name="much"), an_slo(name="none"))
    for minute in range(4):
        readings = {
            name: (series(a_bucket(minute, counts(bad, 600)), name=name),)
            for name, bad in (("some", 300), ("much", 600), ("none", 0))
        }
        watch.reads(noon(minute + 1), **readings)

    assert watch.last.judgement.outcome is Outcome.BREACHED
    assert set(watch.last.judgement.breached_by) == {"much", "some"}
    assert watch.verdict("none").outcome is Outcome.HEALTHY
    assert (
        watch.verdict("much").promise
        == "a good release would look like this less than once in a million deployments, if its errors are independent (there is no history to tell)"
    )


def test_many_rules_with_a_little_each_still_have_somebody_to_blame():
    """None of twelve has a tenth of the evidence."""
    names = [f"r{place}" for place in range(12)]
    watch = a_watch(*(an_slo(name=name) for name in names))
    for minute in range(3):
        readings = {name: (series(a_bucket(minute, counts(90, 600)), name=name),) for name in names}
        watch.reads(noon(minute + 1), **readings)

    assert watch.last.judgement.outcome is Outcome.BREACHED
    assert len(watch.last.judgement.breached_by) >= 1


@pytest.mark.parametrize(("consequence", "outcome"), [(ASK, Outcome.BREACHED), (TELL, Outcome.UNDECIDED)])
def test_a_rule_outside_the_group_breaches_alone_and_adds_nothing(consequence, outcome):
    watch = a_watch(an_slo(consequence=consequence))
    judgement = watch.sees([BAD] * 3)

    assert watch.verdict().outcome is Outcome.BREACHED
    assert judgement.outcome is outcome
    assert judgement.log10_e is None
    assert watch.verdict().share is None
    assert judgement.asks == (consequence is ASK)


def test_a_rollback_and_a_question_together_are_a_rollback():
    watch = a_watch(an_slo(name="one", consequence=ASK), a_rule(Slo(0.999), "two", "one"))
    watch.sees([BAD] * 3, name="one")

    assert not watch.last.judgement.asks
    assert set(watch.last.judgement.breached_by) == {"one", "two"}


BOTH_FAIL = (counts(180, 600), counts(180, 600))
ONE_FAILS = (counts(180, 600), counts(0, 600))
SERVICE = replace(an_indicator("service"), compares_arms=False)
OTHER = an_indicator("other")


def compared_and(indicator, *pairs):
    """A comparison of `errors`, and an objective over *indicator*, which fails when the canary does."""
    rules = (a_rule(CanaryVsBaseline(), "compared", "errors"), a_rule(Slo(0.99), "objective", indicator.id))
    watch = a_watch(*rules, indicators=[an_indicator(), *([] if indicator.id == "errors" else [indicator])])
    for minute, (canary, baseline) in enumerate(pairs):
        both = series(a_bucket(minute, canary, baseline))
        alone = series(a_bucket(minute, canary), name=indicator.id)
        watch.reads(noon(minute + 1), **({indicator.id: (alone,)} | {"errors": (both,)}))
    return watch.last.judgement


@pytest.mark.parametrize("indicator", [an_indicator(), SERVICE])
def test_an_objective_that_fails_for_both_releases_alike_is_said_to(indicator):
    judgement = compared_and(indicator, *[BOTH_FAIL] * 4)

    assert judgement.breached_by == ("objective",)
    assert (judgement.alike, judgement.compared) == (True, False)


def test_what_fails_of_the_service_as_a_whole_and_of_neither_release_is_alike_too():
    rules = (a_rule(CanaryVsBaseline(), "compared", "errors"), a_rule(Slo(0.99), "objective", "service"))
    watch = a_watch(*rules, indicators=[an_indicator(), SERVICE])
    for minute in range(4):
        both = series(a_bucket(minute, counts(0, 600), counts(0, 600)))
        watch.reads(
            noon(minute + 1),
            errors=(both,),
            service=(series(a_bucket(minute, counts(180, 600)), name="service"),),
        )

    assert watch.last.judgement.alike


def test_a_release_that_fails_beside_one_that_does_not_is_not_alike():
    judgement = compared_and(an_indicator(), *[ONE_FAILS] * 30)

    assert set(judgement.breached_by) >= {"compared"}
    assert not judgement.alike


def test_a_release_that_fails_once_nothing_serves_beside_it_any_more_is_not_alike():
    judgement = compared_and(
        an_indicator(), *[(counts(0, 600), counts(0, 600))] * 2, *[(counts(180, 600), None)] * 4
    )

    assert judgement.breached_by == ("objective",)
    assert not judgement.alike


def test_tasks_that_live_alike_say_nothing_of_requests_that_fail():
    compared = a_rule(
        CanaryVsBaseline(), "compared", "errors", statistics=Statistics(min_buckets=1, unit="tasks")
    )
    watch = a_watch(compared, a_rule(Slo(0.99), "objective", "service"), indicators=[an_indicator(), SERVICE])
    for minute in range(4):
        lives = series(a_bucket(minute, counts(0, 600), counts(0, 600)))
        watch.reads(
            noon(minute + 1),
            errors=(lives,),
            service=(series(a_bucket(minute, counts(180, 600)), name="service"),),
        )

    assert watch.last.judgement.breached_by == ("objective",)
    assert not watch.last.judgement.alike


def test_what_is_compared_says_nothing_of_another_indicator():
    judgement = compared_and(OTHER, *[BOTH_FAIL] * 4)

    assert judgement.breached_by == ("objective",)
    assert not judgement.alike


def beside_one_that_asks(about, judge, errors, *, minutes=4):
    """An objective that rolls back, and one rule more that asks about *about*: both breached."""
    objective = a_rule(Slo(0.99), "objective", "errors")
    compared = a_rule(CanaryVsBaseline(), "compared", "errors", consequence=TELL)
    asks = a_rule(judge, "asks", about.id, consequence=ASK)
    watch = a_watch(asks, objective, compared, indicators=[an_indicator(), about])
    for minute in range(minutes):
        other = series(a_bucket(minute, *ONE_FAILS), name=about.id)
        watch.reads(noon(minute + 1), **{"errors": (series(a_bucket(minute, *errors)),), about.id: (other,)})
    return watch.last.judgement


def test_a_rule_that_asks_does_not_make_a_rollback_of_what_fails_for_both_releases_alike():
    judgement = beside_one_that_asks(OTHER, Slo(0.99), BOTH_FAIL)

    assert judgement.breached_by == ("objective", "asks")
    assert judgement.alike


def test_what_a_rule_that_asks_compares_says_nothing_of_what_rolls_back():
    judgement = beside_one_that_asks(OTHER, CanaryVsBaseline(), BAD, minutes=30)

    assert set(judgement.breached_by) == {"objective", "asks"}
    assert not judgement.compared


def test_of_what_breached_that_comes_first_which_rolls_back():
    limit = a_rule(Threshold(above=0.1), "limit", "errors")
    watch = a_watch(a_rule(Threshold(above=0.1), "asks", "errors", consequence=ASK), limit)

    assert watch.sees([BAD] * 3).breached_by == ("limit", "asks")


def test_a_control_needs_less_evidence_and_is_listed_by_its_name():
    watch = a_watch(an_slo(consequence=DOUBT, statistics=Statistics(min_buckets=1)), an_slo(name="other"))
    judgement = watch.sees([(counts(7, 600), None)])

    assert judgement.doubts == ("errors are well",)
    assert watch.verdict().threshold == pytest.approx(2)
    assert judgement.outcome is not Outcome.BREACHED


def test_a_control_that_recovers_is_no_doubt_any_more():
    watch = a_watch(an_slo(consequence=DOUBT))
    worse = watch.sees([(counts(3, 600), None)] * 4)
    better = watch.sees([WELL] * 60, first=4)

    assert worse.doubts
    assert not better.doubts


def test_a_breach_does_not_go_away():
    watch = a_watch(an_slo())
    watch.sees([(counts(9, 600), None)] * 4)
    judgement = watch.sees([WELL] * 200, first=4)

    assert judgement.log10_e is not None
    assert judgement.log10_e < 0
    assert judgement.outcome is Outcome.BREACHED
    assert watch.evidence.breached["errors"] <= noon(4)


def both(*judges, consequence=ROLLBACK, **more):
    members = [a_rule(judge, f"m{place}", "errors") for place, judge in enumerate(judges)]
    return a_watch(*members, a_rule(None, "both", consequence=consequence, all_of=("m0", "m1"), **more))


def test_all_of_is_bad_if_all_are_bad():
    watch = both(Slo(0.999), Threshold(above=0.05, bad=3, of=5))

    assert watch.sees([BAD] * 2).outcome is not Outcome.BREACHED
    judgement = watch.sees([BAD], first=2)

    assert judgement.breached_by == ("both",)
    assert watch.verdict("both").because is Because.EVIDENCE
    assert " and " in watch.verdict("both").words
    assert watch.verdict("both").log10_e == watch.verdict("m0").log10_e


def test_a_member_speaks_only_through_it():
    watch = both(Slo(0.999), Slo(0.5))
    judgement = watch.sees([(counts(20, 600), None)] * 5)
    m0, m1 = watch.verdict("m0"), watch.verdict("m1")

    assert (m0.because, m1.because) == (Because.PART_OF, Because.PART_OF)
    assert (m0.consequence, m0.outcome) == (TELL, Outcome.BREACHED)
    assert judgement.outcome is Outcome.HEALTHY
    assert judgement.breached_by == ()
    assert watch.verdict("both").because is Because.WITHIN


def test_all_of_without_a_promise_breaches_by_points():
    watch = both(Threshold(above=0.05), Threshold(above=0.1), consequence=ASK, when_blind=WhenBlind.ASK)
    judgement = watch.sees([BAD] * 5)

    assert (judgement.outcome, judgement.log10_e) == (Outcome.BREACHED, None)
    assert watch.verdict("both").because is Because.POINTS
    assert watch.verdict("both").log10_e is None
    assert watch.verdict("both").asks_when_blind


def test_all_of_waits_for_the_member_that_cannot_say():
    watch = both(Slo(0.999), PercentileRank())
    judgement = watch.sees([BAD] * 5)

    assert judgement.outcome is Outcome.BLIND
    assert watch.verdict("both").because is Because.SHORT_HISTORY


def test_all_of_of_a_spent_comparison_and_something_bad_is_spent():
    watch = both(CanaryVsBaseline(), Slo(0.999))
    watch.sees([(counts(0, 600), counts(0, 600))] + [BAD] * 7)

    assert watch.verdict("both").spent
    assert watch.last.judgement.outcome is Outcome.UNDECIDED


def test_members_that_are_all_bad_do_not_breach_while_the_group_does_not():
    """Each alone has 1 : 1,000; the pair has a small part of the group, which has not."""
    watch = a_watch(
        a_rule(Slo(0.999), "m0", "errors"),
        a_rule(Slo(0.9991), "m1", "errors"),
        a_rule(None, "both", all_of=("m0", "m1"), weight=0.01),
        an_slo(name="other", weight=0.99),
    )
    for minute in range(9):
        watch.reads(noon(minute + 1), errors=(series(a_bucket(minute, counts(4, 600))),))
        if watch.verdict("m0").outcome is watch.verdict("m1").outcome is Outcome.BREACHED:
            break

    assert (watch.verdict("m0").outcome, watch.verdict("m1").outcome) == (Outcome.BREACHED, Outcome.BREACHED)
    assert watch.verdict("both").outcome is Outcome.UNDECIDED
    assert watch.last.judgement.outcome is not Outcome.BREACHED


# ----------------------------------------------------------------------------------------------- rounds and restarts


def test_the_patrol_asks_from_the_watermark_on():
    watch = a_watch(an_slo())
    unseen = wanted_since(watch.brief, watch.evidence, "errors", None)
    first = wanted_since(watch.brief, watch.evidence, "errors", noon(0))
    watch.reads(noon(0))
    begun = wanted_since(watch.brief, watch.evidence, "errors", noon(7))
    watch.sees([WELL] * 3)

    assert unseen is None
    assert first == begun == noon(-1)
    assert wanted_since(watch.brief, watch.evidence, "errors", noon(7)) == noon(3)


def test_the_first_moment_of_traffic_is_kept():
    watch = a_watch(an_slo())
    watch.reads(noon(0))
    watch.traffic_at = noon(9)
    watch.sees([WELL] * 3)

    assert watch.evidence.since == NOON
    assert watch.verdict().seen.buckets == 3


def test_an_answer_to_a_question_that_nobody_asked_is_not_looked_at():
    watch = a_watch(an_slo())
    watch.reads(noon(1), weather=(series(a_bucket(0, counts(9, 9)), name="weather"),))

    assert watch.buckets == []


def test_a_series_of_a_bound_that_no_rule_has_is_kept_and_not_judged():
    watch = a_watch(an_slo())
    watch.reads(noon(1), errors=(series(a_bucket(0, counts(9, 9)), bound=0.3),))

    assert len(watch.buckets) == 1
    assert watch.verdict().seen.buckets == 0


def test_the_history_is_of_both_arms_together():
    past = series(a_bucket(-2, counts(1, 100), counts(2, 900)), a_bucket(-1, counts(1, 1000)))
    brief = a_brief(an_slo(), histories={"errors": (past,)})
    other_bound = a_brief(an_slo(), histories={"errors": (replace(past, bound=0.3),)})
    none = a_brief(an_slo(), histories={"errors": NoData("too young")})

    assert brief.cases["errors"].usual == 4 / 2000
    assert other_bound.cases["errors"].usual is None
    assert none.cases["errors"].usual is None


def test_an_indicator_that_no_rule_looks_at_needs_no_beat():
    other = Indicator("other", Kind.RATIO, "fake", "{}")
    watch = a_watch(an_slo(), indicators=[an_indicator(), other])

    assert set(watch.brief.beats) == {"errors"}


def four_rules():
    return a_brief(
        a_rule(CanaryVsBaseline(1.0, 0.0), "errors"),
        a_rule(CanaryVsBaseline(), "slow"),
        a_rule(Slo(0.99), "objective", "errors", ASK),
        a_rule(Threshold(above=0.2, bad=2, of=3), "points", "errors", TELL),
        indicators=[an_indicator(), an_indicator("slow", Kind.LATENCY, (0.3, 1.0))],
        histories={"errors": (a_history(INDEPENDENT),)},
    )


strange = st.sampled_from([0.0, 1.0, 3.0, 600.0, 1e15, 1e16, 1e-12, 0.3, nan, inf, -1.0])
measures = st.none() | st.builds(Counts, strange, strange) | st.builds(Value, strange)
rounds = st.lists(
    st.tuples(
        st.floats(-3, 40).map(lambda minute: round(minute, 1)) | st.integers(0, 40),
        measures,
        measures,
        st.sampled_from([MINUTE, MINUTE, MINUTE, 3 * MINUTE, -MINUTE, timedelta(0)]),
        st.sampled_from(["errors", "slow"]),
        st.booleans(),
    ),
    max_size=40,
)


def readings_of(minute, canary, baseline, length, name, incomplete):
    bucket = a_bucket(minute, canary, baseline, length, incomplete=incomplete)
    bounds = (0.3, 1.0) if name == "slow" else (None,)
    return {name: tuple(Series(name, (bucket,), bound) for bound in bounds)}


BRIEF = four_rules()


@settings(max_examples=60)
@given(rounds, st.integers(0, 40))
def test_whatever_a_provider_answers_every_figure_is_finite_and_a_restart_changes_no_bit(answers, restart):
    through, restarted = start(BRIEF), start(BRIEF)
    for place, answer in enumerate(answers):
        timing = Timing(noon(place + 1), NOON, NOON)
        through = evaluate(BRIEF, through, readings_of(*answer), timing).evidence
        round_ = evaluate(BRIEF, restarted, readings_of(*answer), timing)
        restarted = round_.evidence
        if place == restart:
            restarted = decode_evidence(encode_evidence(restarted))
        for verdict in round_.judgement.verdicts:
            estimate = verdict.estimate
            figures = [verdict.log10_e, verdict.share, verdict.seen.wanted, verdict.seen.requests]
            figures += [estimate.value, estimate.low, estimate.high] if estimate else []
            assert all(figure is None or isfinite(figure) for figure in figures)

    assert encode_evidence(restarted) == encode_evidence(through)


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 30), st.integers(0, 30)), max_size=30),
    st.lists(st.integers(1, 7), min_size=1, max_size=10),
)
def test_how_often_one_looks_changes_nothing(counted, beats):
    buckets = [
        a_bucket(minute, counts(min(bad, total), total), counts(bad, 10 * total))
        for minute, (total, bad, _) in enumerate(counted)
    ]
    often, seldom = Played(BRIEF), Played(BRIEF)
    for minute, bucket in enumerate(buckets):
        often.reads(noon(minute + 1), errors=(series(bucket),))
    rest = list(buckets)
    for beat in [*beats, len(buckets)]:
        now, rest = rest[:beat], rest[beat:]
        if now:
            seldom.reads(now[-1].end, errors=(series(*now),))

    assert encode_evidence(seldom.evidence) == encode_evidence(often.evidence)


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 30)) | st.none(), min_size=1, max_size=12),
    st.lists(st.integers(1, 5), min_size=1, max_size=6),
    st.randoms(use_true_random=False),
)
def test_in_whatever_order_and_however_often_buckets_come_what_is_settled_is_counted_once(
    counted, beats, chance
):
    """Each answer reaches back to the start, out of order; what has settled is told otherwise, and what has not was told wrongly before."""
    true = [
        a_bucket(minute, counts(min(each[1], each[0]), each[0]), counts(each[1], 400))
        for minute, each in enumerate(counted)
        if each is not None  # a gap
    ]
    plain, disturbed = Played(BRIEF), Played(BRIEF)
    for bucket in true:
        plain.reads(bucket.end, errors=(series(bucket),))
    seen = 0
    for beat in [*beats, len(true)]:
        new = true[seen : seen + beat]
        if new:
            wrong = [replace(each, canary=counts(7, 7)) for each in true[: seen + beat]]
            chance.shuffle(wrong)
            right = [*new, *chance.choices(new, k=2)]
            chance.shuffle(right)
            disturbed.reads(new[-1].end, errors=(series(*wrong, *right),))
            seen += beat

    assert encode_evidence(disturbed.evidence) == encode_evidence(plain.evidence)


def test_replaying_what_was_stored_gives_the_same_evidence():
    live, replayed = Played(BRIEF), Played(decode_brief(encode_brief(BRIEF)))
    live.sees([(counts(minute % 3, 60), counts(minute % 7, 540)) for minute in range(50)])
    for stored in live.buckets:
        replayed.reads(stored.buckets[-1].end, errors=(stored,))

    assert replayed.evidence == live.evidence


def test_two_rules_of_one_indicator_are_folded_from_one_reading():
    watch = Played(BRIEF)
    watch.sees([(counts(3, 60), counts(3, 540))] * 3)

    assert watch.verdict("errors").seen == replace(
        watch.verdict("objective").seen, wanted=watch.verdict("errors").seen.wanted
    )


def test_each_verdict_is_of_its_rule():
    watch = Played(BRIEF)
    judgement = watch.sees([(counts(0, 60), counts(0, 540))])

    assert [verdict.rule for verdict in judgement.verdicts] == ["errors", "slow", "objective", "points"]
    assert [verdict.consequence for verdict in judgement.verdicts] == [ROLLBACK, ROLLBACK, ASK, TELL]
    assert judgement.verdict("slow") == watch.verdict("slow")
    assert judgement.verdict("none") is None


# ---------------------------------------------------------------------------------------------------------- controls


def a_controlled_watch():
    return a_watch(
        an_slo(), a_rule(Slo(0.999), "payments", consequence=Consequence.DOUBT), at_least=10 * MINUTE
    )


def with_control(watch, bad, first=0):
    """A minute in which the release is well, and so many of the control's requests are bad."""
    for minute, each in enumerate(bad, start=first):
        watch.reads(
            noon(minute + 1),
            errors=(series(a_bucket(minute, counts(0, 600))),),
            payments=(series(a_bucket(minute, counts(each, 600)), name="payments"),),
        )
    return watch.last.judgement


def test_a_control_that_is_well_is_named_as_such_and_one_that_is_worse_doubts():
    watch = a_controlled_watch()

    well = with_control(watch, [0] * 10)
    worse = with_control(watch, [60] * 5, first=10)

    assert (well.controls, well.doubts) == (("payments are well",), ())
    assert (worse.controls, worse.doubts) == ((), ("payments are well",))


def test_a_control_that_is_on_its_way_to_be_worse_is_not_called_well():
    watch = a_controlled_watch()
    with_control(watch, [0] * 10)

    on_its_way = with_control(watch, [5, 5], first=10)

    log10_e = watch.verdict("payments").log10_e
    assert log10_e is not None
    assert 0.5 < log10_e < 2
    assert (on_its_way.controls, on_its_way.doubts) == ((), ())


def test_a_control_that_sees_nothing_is_not_called_well():
    watch = a_controlled_watch()

    judgement = watch.sees([(counts(0, 600), None)] * 10)

    assert (judgement.controls, judgement.doubts) == ((), ())


def test_a_control_is_as_quick_as_the_rule_that_it_holds_back_however_late_it_begins():
    watch = a_controlled_watch()
    both = [0] * 10 + [300] * 3
    for minute, each in enumerate(both):
        watch.reads(
            noon(minute + 1),
            errors=(series(a_bucket(minute, counts(each, 600))),),
            payments=(series(a_bucket(minute, counts(each, 600)), name="payments"),),
        )
        if watch.last.judgement.outcome is Outcome.BREACHED:
            break

    assert watch.last.judgement.doubts == ("payments are well",)
