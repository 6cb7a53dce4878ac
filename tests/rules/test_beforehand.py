"""A release that is put into an outage is not blamed for it: the hotfix above all."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from rules.evaluate import prepare
from rules.model import (
    BeforeAfter,
    BurnRate,
    BurnWindow,
    CanaryVsBaseline,
    Consequence,
    Kind,
    RuleSet,
    Slo,
    Statistics,
    Threshold,
)
from rules.objectives.history import Past
from rules.sample import Value
from rules.verdict import Outcome
from tests.rules.building import (
    HOUR,
    MINUTE,
    NOON,
    a_bucket,
    a_rule,
    a_setting,
    a_watch,
    an_indicator,
    counts,
    noon,
    series,
)
from tests.rules.objectives.test_before_after import case_of, of
from tests.rules.objectives.test_history import a_past

OBJECTIVE = Slo(objective=0.999, burn_rate=10)  # 1 % may fail
PAST = BeforeAfter(plus=0.0)
INDEPENDENTLY = Statistics(correlation="independent")
LIMIT = Threshold(above=0.05, bad=3, of=5)
BUDGET = BurnRate(0.999, (BurnWindow(30 * MINUTE, 5 * MINUTE, 14.4),))
FAILS = [(counts(60, 600), None)] * 5
REQUESTS = 3000.0  # in five minutes; of which 3 fail


def with_outage(since, until=0.0, bad=300.0):
    """Three days, the last minutes of which are bad: ``[since, until)`` in minutes from noon."""
    return a_past(3, lambda at: bad if noon(since) <= at < noon(until) else 3.0, REQUESTS)


def watched(past, judge, consequence=Consequence.ROLLBACK):
    rule = a_rule(judge, statistics=INDEPENDENTLY, consequence=consequence)
    return a_watch(rule, indicators=[an_indicator()], histories=of(past))


def only_asks(past, judge=OBJECTIVE):
    return case_of(watched(past, judge)).only_asks


@pytest.mark.parametrize("judge", [OBJECTIVE, PAST], ids=["slo", "before_after"])
def test_what_failed_as_much_before_is_asked_about_and_the_message_has_the_count(judge):
    watch = watched(with_outage(-25), judge)

    judgement = watch.sees(FAILS)

    assert judgement.outcome is Outcome.BREACHED
    assert judgement.asks
    assert watch.verdict().only_asks == "it was so before: 1,200 of 12,000 in 20 min before the deployment"
    assert watch.verdict().promise == f"no promise: {watch.verdict().only_asks}"


@pytest.mark.parametrize("judge", [OBJECTIVE, PAST], ids=["slo", "before_after"])
def test_what_was_well_before_lets_the_rule_act(judge):
    watch = watched(a_past(3), judge)

    judgement = watch.sees(FAILS)

    assert judgement.outcome is Outcome.BREACHED
    assert not judgement.asks


@pytest.mark.parametrize(("since", "until"), [(-240, -60), (-60, -20)])
@pytest.mark.parametrize("judge", [OBJECTIVE, PAST], ids=["slo", "before_after"])
def test_an_outage_that_was_over_is_no_excuse(judge, since, until):
    assert "it was so before" not in only_asks(with_outage(since, until), judge)


@pytest.mark.parametrize("correlation", ["independent", "robust"])
def test_it_is_no_excuse_at_a_request_a_second_either(correlation):
    """Five minutes of the quarter of an hour were bad, and then 600 requests were well."""
    past = a_past(1.5, lambda at: 18.0 if noon(-60) <= at < noon(-15) else 0.0, 60.0, length=MINUTE)
    rule = a_rule(OBJECTIVE, statistics=Statistics(correlation=correlation))

    assert case_of(a_watch(rule, indicators=[an_indicator()], histories=of(past))).only_asks == ""


def test_an_outage_that_flaps_is_not_over_in_the_minute_in_which_nothing_fails():
    past = a_past(1.5, lambda at: 18.0 if at >= noon(-60) and at.minute % 3 else 0.0, 60.0, length=MINUTE)

    assert "it was so before" in only_asks(past)


def test_too_few_requests_do_not_tell_that_an_outage_is_over():
    past = a_past(1.5, lambda at: 1.0 if noon(-60) <= at < noon(-10) else 0.0, 2.0, length=MINUTE)

    assert "it was so before" in only_asks(past)


def test_where_errors_may_have_one_cause_a_minute_without_any_tells_as_little_as_one_with_many():
    past = a_past(1.5, lambda at: 12.0 if noon(-60) <= at < noon(-9) else 0.0, 40.0, length=MINUTE)
    rule = a_rule(OBJECTIVE, statistics=Statistics(correlation="robust"))

    watch = a_watch(rule, indicators=[an_indicator()], histories=of(past))

    assert "it was so before" in case_of(watch).only_asks


@pytest.mark.parametrize(("lasted", "says"), [(30 * MINUTE, "it was so before"), (24 * HOUR, "")])
def test_what_was_before_a_suspected_release_is_soon_too_long_ago(lasted, says):
    """A fix that fixed nothing, and the next one: the outage goes on. A day later nothing is known of it."""
    since = NOON - lasted
    past = a_past(3, lambda at: 300.0 if at >= since - 25 * MINUTE else 3.0, REQUESTS)
    rules = RuleSet((an_indicator(),), (a_rule(OBJECTIVE, statistics=INDEPENDENTLY),))
    setting = replace(a_setting(rules), suspects=((since, NOON), (NOON, None)))

    (case,) = prepare(rules, setting, of(past)).cases.values()

    assert case.only_asks.startswith(says)
    assert bool(case.only_asks) is bool(says)


def test_events_of_which_nobody_knows_of_how_many_are_bad_too():
    past = a_past(3, lambda at: 500.0 if at >= noon(-30) else 3.0, REQUESTS)
    unknown = Past(tuple(each._replace(requests=0.0) if each.bad > 3 else each for each in past.spans))
    rule = a_rule(OBJECTIVE, statistics=INDEPENDENTLY)

    watch = a_watch(rule, indicators=[an_indicator(kind=Kind.EVENTS)], histories=of(unknown))

    assert "it was so before" in case_of(watch).only_asks


def test_news_that_come_late_do_not_excuse_the_release():
    """It has served for five minutes when it is heard of."""
    assert only_asks(with_outage(-5)) == ""
    assert only_asks(with_outage(-10)) != ""


def test_one_bucket_is_enough_for_a_question_where_buckets_are_long():
    past = a_past(3, lambda at: 3000.0 if at >= NOON - HOUR else 30.0, 30_000.0, length=HOUR)

    assert "in 4 h before the deployment" in only_asks(past)


def test_a_little_more_than_acceptable_is_not_said_of_chance():
    """Each of 300 pasts is just as bad as it may be; of those one in a hundred may be said to have been bad before."""
    rng = np.random.default_rng(5)
    pasts = [a_past(0.05, lambda _at: float(rng.poisson(30.0)), REQUESTS) for _ in range(300)]

    assert sum(only_asks(past) != "" for past in pasts) <= 7  # 3 expected at most; more than 7 once in 80


def test_what_is_compared_at_the_same_time_needs_no_excuse():
    assert only_asks(with_outage(-20), CanaryVsBaseline()) == ""


def test_without_a_past_nothing_is_excused():
    rule = a_rule(OBJECTIVE)
    watch = a_watch(rule, indicators=[an_indicator()], histories={})

    assert case_of(watch).only_asks == ""


def test_counts_of_events_may_be_more_than_their_exposure():
    rule = a_rule(PAST, statistics=INDEPENDENTLY)
    past = a_past(3, lambda at: 3e6 if at >= NOON - 20 * MINUTE else 3.0, REQUESTS)

    watch = a_watch(rule, indicators=[an_indicator(kind=Kind.EVENTS)], histories=of(past))

    assert "it was so before" in case_of(watch).only_asks


def test_a_day_without_its_season_is_looked_at_against_what_came_before():
    """A day and a half: the whole past has one rate, and what is looked at is no part of it."""
    past = a_past(1.5, lambda at: 60.0 if at >= NOON - 20 * MINUTE else 3.0, REQUESTS)

    assert "it was so before" in only_asks(past, PAST)


def test_what_is_usual_is_no_older_than_the_rule_looks_back():
    """Another rule looks at the same indicator for a week, most of which was as bad as the outage."""
    past = a_past(7, lambda at: 60.0 if at < NOON - 30 * HOUR or at >= noon(-20) else 3.0, REQUESTS)

    assert "it was so before" in only_asks(past, BeforeAfter(timedelta(days=1), plus=0.0))


def test_a_rule_that_asks_anyway_is_told_why_too():
    watch = watched(with_outage(-20), OBJECTIVE, Consequence.ASK)

    assert case_of(watch).only_asks.startswith("it was so before")


def test_the_fix_itself_passes():
    watch = watched(with_outage(-20), OBJECTIVE)

    judgement = watch.sees([(counts(0, 600), None)] * 40)

    assert judgement.outcome is Outcome.HEALTHY


def test_a_longer_look_back_where_buckets_are_short():
    past = a_past(0.1, lambda at: 60.0 if at >= NOON - timedelta(minutes=20) else 0.0, 600.0, length=MINUTE)

    assert "in 15 min before the deployment" in only_asks(past)


def test_a_past_of_minutes_says_nothing():
    past = a_past(10 / (24 * 60), lambda _at: 300.0, REQUESTS, length=5 * MINUTE)

    assert only_asks(Past(past.spans[-1:])) == ""


# ------------------------------------------------------------------------------------------- judges that promise nothing


def minutes_of(bad, requests=600.0, days=0.5):
    """Minutes; *bad* says of each, by its minutes from noon, how many fail."""
    return a_past(days, lambda at: bad((at - NOON) / MINUTE), requests, length=MINUTE)


@pytest.mark.parametrize(
    ("judge", "told"),
    [
        (LIMIT, "it was so before: 5 of the last 5 data points above 5 % (the newest 10 %) before the deployment"),
        (BUDGET, "it was so before: 1,200 of 21,000 in 35 min before the deployment"),
    ],
    ids=["threshold", "burn_rate"],
)  # fmt: skip
def test_a_limit_that_was_broken_before_only_asks(judge, told):
    watch = watched(minutes_of(lambda at: 60.0 if at >= -25 else 0.0), judge)

    judgement = watch.sees(FAILS * 2)

    assert judgement.outcome is Outcome.BREACHED
    assert judgement.asks
    assert watch.verdict().only_asks == told


@pytest.mark.parametrize("judge", [LIMIT, BUDGET], ids=["threshold", "burn_rate"])
@pytest.mark.parametrize(
    "bad",
    [lambda _at: 1.0, lambda at: 60.0 if -60 <= at < -20 else 0.0, lambda at: 60.0 if at >= -5 else 0.0],
    ids=["well", "over", "late news"],
)
def test_a_limit_that_was_kept_when_the_release_came_lets_the_rule_act(judge, bad):
    watch = watched(minutes_of(bad), judge)

    judgement = watch.sees(FAILS * 2)

    assert judgement.outcome is Outcome.BREACHED
    assert not judgement.asks


def test_a_limit_that_is_broken_two_minutes_in_three_is_broken():
    past = minutes_of(lambda at: 60.0 if at >= -25 and at % 3 else 0.0)

    assert "3 of the last 5 data points" in only_asks(past, LIMIT)


def test_data_points_that_are_far_apart_are_looked_for_as_far_back():
    past = a_past(3, lambda at: 300.0 if at >= NOON - 40 * MINUTE else 0.0, REQUESTS)

    assert "it was so before" in only_asks(past, LIMIT)


@pytest.mark.parametrize(("value", "asks"), [(9.0, True), (2.0, False)])
def test_a_gauge_that_was_beyond_its_limit_before_only_asks(value, asks):
    past = [a_bucket(at, Value(value if at >= -30 else 2.0)) for at in range(-120, 0)]
    rule = a_rule(Threshold(above=5.0), consequence=Consequence.ROLLBACK)
    watch = a_watch(rule, indicators=[an_indicator(kind=Kind.VALUE)], histories={"errors": (series(*past),)})

    judgement = watch.sees([(Value(9.0), None)] * 5)

    assert judgement.outcome is Outcome.BREACHED
    assert judgement.asks is asks
    assert ("above 5 (the newest 9)" in watch.verdict().only_asks) is asks
