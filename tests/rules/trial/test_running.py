"""Tests of rules, played: what holds, what does not, and in which words."""

from datetime import timedelta

import pytest

from rules.model import CanaryVsBaseline, Consequence, InState, Kind, RuleSet, Slo, Statistics
from rules.trial import read_trials, run
from rules.verdict import Outcome
from tests.rules.building import a_rule, an_indicator

SURE = Statistics("independent")
COMPARED = "errors: {canary: {total: 600x30, bad: %s}, baseline: {total: 5400x30, bad: %s}}"
WORSE = COMPARED % ("30x30", "0x30")
GOOD = COMPARED % ("0x30", "0x30")
ALONE = "errors: {total: 600x30, bad: %s}"


COMPARES = CanaryVsBaseline()


def rules(*more, judge=COMPARES, consequence=Consequence.ROLLBACK):
    alarm = an_indicator("alarm", Kind.STATE)
    return RuleSet((an_indicator(), alarm), (a_rule(judge, consequence=consequence, statistics=SURE), *more))


CONTROL = a_rule(InState(), "alarm", consequence=Consequence.DOUBT)


def failures(series, expect, tested=None):
    lines = "\n".join(f"      - {each}" for each in (expect if isinstance(expect, list) else [expect]))
    text = f"version: 1\ntests:\n  - name: it\n    series:\n      {series}\n    expect:\n{lines}"
    tested = tested or rules()
    (trial,) = read_trials(text, "web.test.yaml", tested)
    failed, _ = run(trial, tested)
    return [each.words for each in failed]


@pytest.mark.parametrize(
    ("series", "expect"),
    [
        (WORSE, "{by: 5m, says: breached, then: rollback}"),
        (WORSE, "{by: 5m, says: breached, rule: errors}"),
        (WORSE, "{at: 1m, says: undecided}"),
        (WORSE, "{at: 90s, says: undecided}"),
        (GOOD, "{never: breached}"),
        (GOOD, "{at: 30m, says: healthy}"),
        (GOOD, "{at: 45m, says: blind, rule: errors}"),
    ],
)
def test_what_holds(series, expect):
    assert failures(series, expect) == []


@pytest.mark.parametrize(
    ("series", "expect", "words"),
    [
        (WORSE, "{at: 5m, says: healthy}", "expected healthy at 5m, and it was breached: errors: "),
        (WORSE, "{at: 1m, says: breached}", "expected breached at 1m, and it was undecided: errors: "),
        (WORSE, "{by: 1m, says: breached}", "expected breached by 1m, and it was so only at 2m; then it was undecided: errors: "),
        (GOOD, "{by: 9m, says: breached, rule: errors}", "expected breached by 9m, and it never was; then it was healthy: "),
        (WORSE, "{never: breached}", "expected never breached, and it was at 2m: errors: "),
        (WORSE, "{by: 5m, says: breached, then: ask}", "expected a question at 2m, and the rollback starts by itself"),
    ],
)  # fmt: skip
def test_what_does_not_hold(series, expect, words):
    (found,) = failures(series, expect)

    assert found.startswith(words)


def test_every_expectation_that_does_not_hold_is_told():
    assert (
        len(failures(WORSE, ["{never: breached}", "{at: 5m, says: healthy}", "{at: 5m, says: breached}"]))
        == 2
    )


def test_a_control_that_is_worse_too_asks():
    tested = rules(CONTROL)
    both = f"{WORSE}\n      alarm: OKx1 ALARM!x29"

    assert failures(both, "{by: 10m, says: breached, then: ask}", tested) == []
    (words,) = failures(both, "{at: 10m, says: breached, then: rollback}", tested)
    assert (
        words
        == "expected a rollback at 2m, and a person is asked: something else is worse too (alarm are well)"
    )


def test_what_a_breach_starts_it_starts_when_it_comes():
    tested = rules(CONTROL)
    later = f"{WORSE}\n      alarm: OKx5 ALARM!x25"

    assert failures(later, "{at: 20m, says: breached, then: rollback}", tested) == []


def test_where_what_breached_only_tells_nothing_is_started():
    tested = rules(consequence=Consequence.TELL)

    (words,) = failures(WORSE, "{by: 5m, says: breached, rule: errors, then: rollback}", tested)

    assert words == "expected a rollback at 2m, and nothing is started: no rule that can act breached"


@pytest.mark.parametrize(("alarm", "then"), [("OKx30", "rollback"), ("OKx1 _x29", "ask")])
def test_what_begins_minutes_after_the_switch_asks_unless_a_control_is_well(alarm, then):
    tested = rules(CONTROL, judge=Slo(0.99))
    series = f"{ALONE % '0x3 300x27'}\n      alarm: {alarm}"

    assert failures(series, f"{{by: 20m, says: breached, then: {then}}}", tested) == []


def test_a_release_is_blamed_from_when_it_has_all_its_traffic():
    tested = rules(judge=Slo(0.99))
    text = (
        "version: 1\ntests:\n  - name: it\n    complete: 20m\n"
        f"    series:\n      {ALONE % '0x20 300x10'}\n"
        "    expect:\n      - {by: 30m, says: breached, then: rollback}"
    )
    (trial,) = read_trials(text, "web.test.yaml", tested)

    assert run(trial, tested)[0] == ()


def test_a_rule_that_asks_asks():
    tested = rules(consequence=Consequence.ASK)

    (words,) = failures(WORSE, "{at: 5m, says: breached, then: rollback}", tested)

    assert words.endswith("a person is asked: the rules that breached ask")


ISSUES = a_rule(InState(), "alarm", consequence=Consequence.ASK)


@pytest.mark.parametrize(
    ("errors", "alarm", "minutes", "then"),
    [
        ("0x3 30x96", "OKx1 ALARM!x98", 9, "rollback"),  # a question first, and then what rolls back
        ("0x90 300x9", "OKx1 ALARM!x98", 99, "ask"),  # the question was over before
    ],
)
def test_a_question_of_a_rule_that_asks_is_outgrown_by_one_that_rolls_back_as_long_as_it_stands(
    errors, alarm, minutes, then
):
    series = f"errors: {{canary: {{total: 600x99, bad: {errors}}}, baseline: {{total: 5400x99, bad: 0x99}}}}\n      alarm: {alarm}"
    first = "{by: 4m, says: breached, rule: alarm, then: ask}"
    later = f"{{by: {minutes}m, says: breached, rule: errors, then: {then}}}"

    assert failures(series, [first, later], rules(ISSUES)) == []


def test_a_question_that_was_asked_for_more_than_its_rule_stands():
    """A control was worse as well when it was asked, and is not any more."""
    control = a_rule(InState(), "control", "other", consequence=Consequence.DOUBT)
    tested = RuleSet((*rules().indicators, an_indicator("other", Kind.STATE)), rules(ISSUES, control).rules)
    asks = "alarm: OKx1 ALARM!x29\n      other: OKx1 ALARM!x6 OKx23"
    series = f"{COMPARED % ('0x10 30x20', '0x30')}\n      {asks}"

    assert failures(series, "{by: 14m, says: breached, rule: errors, then: ask}", tested) == []


def test_what_begins_long_after_the_switch_and_was_compared_with_nothing_asks():
    tested = rules(judge=Slo(0.99))

    (words,) = failures(ALONE % "0x20 300x10", "{by: 30m, says: breached, then: rollback}", tested)

    assert words.endswith("it began long after the switch, and nothing was compared at the same time")
    assert failures(ALONE % "300x30", "{by: 30m, says: breached, then: rollback}", tested) == []


def test_what_serves_beside_the_release_and_fails_alike_asks():
    tested = rules(a_rule(Slo(0.99), "promise", "errors"))

    (words,) = failures(COMPARED % ("300x30", "2700x30"), "{by: 5m, says: breached, then: rollback}", tested)

    assert words.endswith("what serves beside the release fails alike")


def test_what_was_said_is_told_as_it_changed():
    text = f"version: 1\ntests:\n  - name: it\n    series:\n      {WORSE}\n    expect:\n      - {{never: healthy}}"
    (trial,) = read_trials(text, "web.test.yaml", rules())

    _, told = run(trial, rules())

    assert [(each.after, each.rule, each.outcome) for each in told] == [
        (timedelta(minutes=1), None, Outcome.UNDECIDED),
        (timedelta(minutes=1), "errors", Outcome.UNDECIDED),
        (timedelta(minutes=2), None, Outcome.BREACHED),
        (timedelta(minutes=2), "errors", Outcome.BREACHED),
    ]
    assert all(each.words for each in told)
