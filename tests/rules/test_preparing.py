"""What a watch is judged by is fixed in slices; what it is fixed to has tests beside the judges, and in ``test_evaluate``."""

from dataclasses import replace
from math import nan

from rules.evaluate import prepare, preparing
from rules.model import BeforeAfter, RuleSet, Slo
from rules.sample import Value
from tests.rules.building import NOON, a_bucket, a_rule, a_setting, an_indicator, counts, series
from tests.rules.objectives.test_before_after import of
from tests.rules.objectives.test_history import DAY, a_past


def slices_of(rules, histories):
    """What comes of it, and in how many slices but the last."""
    work, slices = preparing(rules, a_setting(rules), histories), 0
    while True:
        try:
            next(work)
        except StopIteration as done:
            return done.value, slices
        slices += 1


def test_it_comes_to_the_same_in_slices_and_a_past_that_rules_share_is_looked_at_once():
    rules = RuleSet(
        (an_indicator(),),
        (a_rule(BeforeAfter(), "a", "errors"), a_rule(Slo(0.99), "b", "errors")),
    )

    brief, slices = slices_of(rules, of(a_past(7)))

    assert brief == prepare(rules, a_setting(rules), of(a_past(7)))
    assert slices == 1 + 2 + 2  # the past; for each rule the judge, and the gate


def test_what_served_while_it_was_suspected_is_no_past():
    """Of two days one is left: enough for the judge, and its rate is that of the day alone."""
    rules = RuleSet((an_indicator(),), (a_rule(BeforeAfter(), "a", "errors"),))
    history = of(a_past(2, lambda at: 30.0 if at < NOON - DAY else 3.0))
    setting = replace(a_setting(rules), suspects=((NOON - 3 * DAY, NOON - DAY),))

    (case,) = prepare(rules, setting, history).cases.values()

    assert (case.usual, case.usual_total) == (0.001, 288 * 3000.0)


def test_a_bucket_that_held_nothing_to_judge_is_no_past():
    odd = series(a_bucket(-3, counts(1, 100)), a_bucket(-2, counts(nan, 100)), a_bucket(-1, Value(1.0)))
    rules = RuleSet((an_indicator(),), (a_rule(Slo(0.99)),))

    (case,) = prepare(rules, a_setting(rules), {"errors": (odd,)}).cases.values()

    assert (case.usual, case.usual_total) == (0.01, 100.0)


def test_rules_that_measure_nothing_take_no_slice():
    brief, slices = slices_of(RuleSet((), ()), {})

    assert (brief.cases, slices) == ({}, 0)
