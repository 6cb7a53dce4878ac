"""Test files: what they say, and what is wrong with them, with line and column."""

from datetime import timedelta

import pytest

from rules.errors import InvalidRules
from rules.model import CanaryVsBaseline, Consequence, InState, Kind, RuleSet, Slo, Threshold, TrafficDrop
from rules.sample import Bucket, Counts, Series, State, Value
from rules.trial import read_trials, rules_named
from rules.trial.values import DEPLOYED, Expectation
from rules.verdict import Outcome
from tests.rules.building import MINUTE, a_rule, an_indicator

RULES = RuleSet(
    (
        an_indicator("errors"),
        an_indicator("slow", Kind.LATENCY, (0.3, 1.0)),
        an_indicator("slower", Kind.LATENCY, (1.0,)),
        an_indicator("requests", Kind.REQUESTS),
        an_indicator("cpu", Kind.VALUE),
        an_indicator("alarm", Kind.STATE),
    ),
    (
        a_rule(CanaryVsBaseline(), "errors"),
        a_rule(Slo(0.99), "slow"),
        a_rule(Slo(0.99), "slower"),
        a_rule(TrafficDrop(), "requests"),
        a_rule(Threshold(above=90.0), "cpu"),
        a_rule(InState(), "alarm", consequence=Consequence.DOUBT),
    ),
)


def read(series: str = "errors: {total: 1, bad: 0}", *, expect: str = "{never: breached}", more: str = ""):
    text = f"version: 1\ntests:\n  - name: it\n    series:\n      {series}\n    expect:\n      - {expect}\n{more}"
    (trial,) = read_trials(text, "web.test.yaml", RULES)
    return trial


def problems(*given: str, **named: str) -> list[str]:
    with pytest.raises(InvalidRules) as caught:
        read(*given, **named)
    return [str(problem) for problem in caught.value.problems]


def a_bucket(place, canary=None, baseline=None, share=None, length=MINUTE):
    start = DEPLOYED + place * length
    return Bucket(start, start + length, canary, baseline, share)


def test_counts_of_both_arms():
    trial = read(
        "errors: {canary: {total: 600x2, bad: 1 2}, baseline: {total: 5400x2, bad: 0x2}, share: 10%x1}"
    )

    assert trial.series == {
        "errors": (
            Series(
                "errors",
                (
                    a_bucket(0, Counts(1, 600), Counts(0, 5400), 0.1),
                    a_bucket(1, Counts(2, 600), Counts(0, 5400)),
                ),
            ),
        )
    }


def test_one_arm_is_the_release_under_watch_and_a_bucket_that_never_came_is_not_there():
    trial = read("errors: {total: 5 _ 5, bad: 1 _ 0}")

    assert trial.series["errors"][0].buckets == (a_bucket(0, Counts(1, 5)), a_bucket(2, Counts(0, 5)))


def test_arms_of_different_lengths():
    trial = read("errors: {canary: {total: 5x2, bad: 0x2}, baseline: {total: 7, bad: 0}}")

    assert trial.series["errors"][0].buckets == (
        a_bucket(0, Counts(0, 5), Counts(0, 7)),
        a_bucket(1, Counts(0, 5)),
    )


def test_the_second_arm_alone():
    assert read("errors: {baseline: {total: 7, bad: 0}}").series["errors"][0].buckets == (
        a_bucket(0, None, Counts(0, 7)),
    )


def test_latencies_have_a_series_a_bound():
    trial = read("slow: {total: 10x2, bad: {300ms: 5 6, 1s: 1x2}}")

    assert [
        (series.bound, [bucket.canary for bucket in series.buckets]) for series in trial.series["slow"]
    ] == [
        (0.3, [Counts(5, 10), Counts(6, 10)]),
        (1.0, [Counts(1, 10), Counts(1, 10)]),
    ]
    assert read("slower: {total: 10, bad: 4}").series["slower"][0].buckets[0].canary == Counts(4, 10)


def test_requests_values_and_states():
    assert read("requests: {canary: {total: 5}, baseline: {total: 9}}").series["requests"][0].buckets[
        0
    ] == a_bucket(0, Counts(0, 5), Counts(0, 9))
    assert [bucket.canary for bucket in read("cpu: -3+2x2").series["cpu"][0].buckets] == [
        Value(-3),
        Value(-1),
    ]
    assert [bucket.canary for bucket in read("alarm: OKx2 _ ALARM!x2").series["alarm"][0].buckets] == [
        State("OK", DEPLOYED),
        State("OK", DEPLOYED),
        State("ALARM", DEPLOYED + 3 * MINUTE, bad=True),
        State("ALARM", DEPLOYED + 3 * MINUTE, bad=True),
    ]


def test_what_is_not_said_is_as_the_daemon_has_it():
    trial = read()

    assert (trial.at_least, trial.at_most) == (timedelta(minutes=30), timedelta(hours=24))
    assert (trial.traffic, trial.complete, trial.settle) == (timedelta(0),) * 3
    assert set(trial.buckets.values()) == {MINUTE}
    assert trial.false_rollback_probability == 0.001


def test_everything_that_can_be_said():
    trial = read(
        more="""\
    bucket: {errors: 10s}
    settle: 3m
    bake: {at_least: 5m, at_most: 1h}
    false_rollback_probability: 1%
    traffic: 2m
    complete: 4m
    history:
      errors: {total: 8x2, bad: 1x2}
"""
    )

    assert trial.buckets["errors"] == timedelta(seconds=10)
    assert trial.buckets["slow"] == MINUTE
    assert (trial.settle, trial.traffic, trial.complete) == (3 * MINUTE, 2 * MINUTE, 4 * MINUTE)
    assert (trial.at_least, trial.at_most, trial.false_rollback_probability) == (
        5 * MINUTE,
        60 * MINUTE,
        0.01,
    )
    assert [bucket.end for bucket in trial.history["errors"][0].buckets] == [
        DEPLOYED - timedelta(seconds=10),
        DEPLOYED,
    ]


def test_the_release_has_all_of_its_traffic_at_once_unless_more_is_said():
    assert read(more="    traffic: 2m\n    bucket: 5m\n").complete == 2 * MINUTE


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("{never: breached}", (Outcome.BREACHED, None, None, None, None)),
        ("{at: 5m, says: healthy, rule: errors}", (Outcome.HEALTHY, 5 * MINUTE, None, "errors", None)),
        (
            "{at: 5m, says: healthy, rule: errors are well}",
            (Outcome.HEALTHY, 5 * MINUTE, None, "errors", None),
        ),
        ("{by: 5m, says: breached, then: ask}", (Outcome.BREACHED, None, 5 * MINUTE, None, "ask")),
    ],
)
def test_expectations(written, meant):
    trial = read(expect=written)

    (found,) = trial.expectations
    assert (found.says, found.at, found.by, found.rule, found.then) == meant
    assert isinstance(found, Expectation)
    assert found.place.line == 7


@pytest.mark.parametrize(
    ("series", "words"),
    [
        ("error: {total: 1, bad: 0}", '5:7: tests[0].series.error: unknown indicator "error"'),
        ("errors: {total: 1 x, bad: 0}", "5:23: tests[0].series.errors.total: 'x' is no number of a series"),
        ("errors: {total: 1x3, bad: 0x2}", "3 buckets of `total`, and 2 of `bad`"),
        ("errors: {total: 1x3, bad: 0x2 2}", "bucket 3 has 2 bad of 1"),
        ("errors: {total: 1}", "`bad` is missing"),
        ("errors: {total: 1, bad: 0, good: 1}", '5:34: tests[0].series.errors.good: unknown key "good"'),
        ("errors: {canary: {total: 1, bad: 0}, other: 1}", '"other"'),
        ("errors: {total: [1, 2], bad: 0}", "expected text"),
        ("slow: {total: 1, bad: {300ms: 0}}", "nothing is said of the bound 1 s"),
        ("slow: {total: 1, bad: {300ms: 0, 1s: 0, 2s: 0}}", "a bound that the rules do not ask for"),
        ("slow: {total: 1, bad: {abc: 0, 1s: 0}}", "not a duration"),
        ("alarm: 5", "'5' is no state of a series"),
        ("errors: {canary: {total: 1, bad: 0}, share: lots}", "'lots' is no share"),
    ],
)
def test_a_series_that_is_wrong(series, words):
    found = problems(series)

    assert any(words in problem for problem in found), found
    assert all("    try: " in problem for problem in found)


@pytest.mark.parametrize(
    ("expect", "words"),
    [
        ("{at: 5m}", "an expectation says when, and what"),
        ("{says: healthy}", "an expectation says when, and what"),
        ("{at: 5m, by: 5m, says: healthy}", "an expectation says when, and what"),
        ("{at: 5m, never: breached}", "an expectation says when, and what"),
        ("{never: breached, says: breached}", "an expectation says when, and what"),
        ("{at: 5m, says: healthy, then: ask}", "`then` is of a breach"),
        ("{never: breached, then: rollback}", "`then` is of a breach"),
        ("{at: 5m, says: fine}", "fine"),
        ("{at: 5, says: healthy}", "a duration needs its unit"),
        ("{at: 5m, says: healthy, rule: error}", 'unknown rule "error"'),
        ("{at: 5m, says: healthy, rule: []}", "rule"),
        ("{sometime: 5m}", "sometime"),
    ],
)
def test_an_expectation_that_is_wrong(expect, words):
    assert any(words in problem for problem in problems(expect=expect))


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("    bucket: 0s\n", "a bucket lasts longer than 0 s"),
        ("    bucket: {error: 1m}\n", 'unknown indicator "error"'),
        ("    bucket: {errors: 1}\n", "not a duration"),
        ("    bake: {at_least: 1}\n", "needs its unit"),
        ("    false_rollback_probability: 0\n", "false_rollback_probability"),
        ("    colour: red\n", "colour"),
        ("with: 5\n", "with"),
        ("version: 2\n", "version"),
    ],
)
def test_a_test_that_is_wrong(more, words):
    assert any(words in problem for problem in problems(more=more))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "version: 1",
        "version: 1\ntests: []",
        "version: 1\ntests: 5",
        "- 1",
        "a: [",
        "tests: [5]\nversion: 1",
    ],
)
def test_a_text_that_is_no_test_file(text):
    with pytest.raises(InvalidRules):
        read_trials(text, "web.test.yaml", RULES)


def test_the_rules_that_are_tested_are_named():
    name, given = rules_named("version: 1\nrules: ../web.yaml\nwith: {a: b}\ntests: [{}]", "web.test.yaml")
    nothing, empty = rules_named("version: 1\ntests: [{}]", "web.test.yaml")

    assert (name, given.plain()) == ("../web.yaml", {"a": "b"})
    assert (nothing, empty.plain()) == (None, {})
    with pytest.raises(InvalidRules):
        rules_named("version: 1", "web.test.yaml")


def test_a_bake_whose_least_is_longer_than_its_most_is_refused():
    (problem,) = problems(more="    bake: {at_least: 3h, at_most: 1h}\n")

    assert "tests[0].bake: at_least is longer than at_most" in problem


def test_a_series_that_cannot_be_read_is_told_once():
    (problem,) = problems("errors: {total: 600x5, bad: -1x5}")

    assert "'-1x5' is below 0, and a count is 0 or more" in problem
