"""What a rule file may say."""

from datetime import timedelta

import pytest

from rules import model
from rules.model import Consequence, Kind, WhenBlind
from rules.rulefile.promises import slug
from tests.rules.rulefile.sample import (
    a_rule,
    read,
    the_rule,
)


def test_a_rule_file_as_the_documentation_shows_it_is_read():
    text = """\
version: 1
parameters:
  base_url: {}
  objective: {default: 99.9%}
indicators:
  errors:
    ratio:
      scrape: {connection: app, url: "${base_url}/${arm.version}", bad: 5xx}
  health:
    probe: {http: {url: "${base_url}/ready", every: 10s}}
rules:
  - name: No more errors (5xx) than before!
    indicator: errors
    judge: {slo: {objective: "${objective}", burn_rate: 10}}
    on_breach: rollback
    weight: 2
    must_have_seen: 6%
    when_blind: ask
    statistics: {unit: users, correlation: 4, min_buckets: 3, warmup: 1m, routing: sticky}
  - {name: ready, indicator: health, judge: {threshold: {bad: 3, of: 5}}, on_breach: ask}
  - {name: both, id: together, all_of: [ready, no-more-errors-5xx-than-before], on_breach: tell}
"""
    file = read(text, "{base_url: 'https://shop.example/x?y=1'}")

    errors, health = file.rules.indicators
    assert errors == model.Indicator(
        id="errors",
        kind=Kind.RATIO,
        provider="scrape",
        query='{"bad":"5xx","url":"https://shop.example/x?y=1/${arm.version}"}',
        connection="app",
        compares_arms=True,
    )
    assert not health.compares_arms
    assert file.rules.rules == (
        model.Rule(
            id="no-more-errors-5xx-than-before",
            name="No more errors (5xx) than before!",
            on_breach=Consequence.ROLLBACK,
            indicator="errors",
            judge=model.Slo(0.999, 10),
            weight=2,
            must_have_seen=0.06,
            when_blind=WhenBlind.ASK,
            statistics=model.Statistics(4, "users", "sticky", 3, timedelta(minutes=1)),
        ),
        model.Rule(
            id="ready",
            name="ready",
            on_breach=Consequence.ASK,
            indicator="health",
            judge=model.Threshold(bad=3, of=5),
        ),
        model.Rule(
            id="together",
            name="both",
            on_breach=Consequence.TELL,
            all_of=("ready", "no-more-errors-5xx-than-before"),
        ),
    )


def test_queries_come_back_with_their_lines_so_that_whoever_knows_the_provider_can_read_them():
    file = read(a_rule("{slo: {objective: 99%}}"))
    query = file.queries["errors"]

    assert query.plain() == {"url": "${arm.url}", "bad": "5xx"}
    bad = query.get("bad")
    assert bad is not None
    assert (bad.at.line, bad.at.path) == (3, "indicators.errors.ratio.scrape.bad")
    assert file.promises["it"].at.path == "rules[0]"


@pytest.mark.parametrize(
    ("judge", "indicator", "value"),
    [
        ("{canary_vs_baseline: {ratio: 2, plus: 0.1%}}", "errors", model.CanaryVsBaseline(2, 0.001)),
        ("{canary_vs_baseline: {}}", "both", model.CanaryVsBaseline()),
        ("{slo: {objective: 0.99, burn_rate: 2}}", "slow", model.Slo(0.99, 2)),
        (
            "{before_after: {history: 2d, ratio: 3, plus: 1%}}",
            "crashes",
            model.BeforeAfter(timedelta(days=2), 3, 0.01),
        ),
        ("{traffic_drop: {drop: 30%}}", "traffic", model.TrafficDrop(0.3)),
        ("{threshold: {above: 300}}", "queue", model.Threshold(above=300)),
        ("{threshold: {above: 5%, bad: 1, of: 1}}", "errors", model.Threshold(above=0.05, bad=1, of=1)),
        ("{threshold: {below: 50%}}", "health", model.Threshold(below=0.5)),
        ("{threshold: {}}", "health", model.Threshold()),
        (
            "{burn_rate: {objective: 99.9%, windows: [{long: 1h, short: 5m, burn: 14.4}]}}",
            "errors",
            model.BurnRate(0.999, (model.BurnWindow(timedelta(hours=1), timedelta(minutes=5), 14.4),)),
        ),
        ("{state: {for: 5m}}", "alarm", model.InState(timedelta(minutes=5))),
    ],
)
def test_every_judge_can_be_written(judge, indicator, value):
    assert the_rule(a_rule(judge, indicator)).judge == value


def test_a_rank_may_ask():
    assert the_rule(
        a_rule("{percentile_rank: {history: 2d}}", "queue", on_breach="ask")
    ).judge == model.PercentileRank(timedelta(days=2))


def test_the_bounds_of_a_latency_are_seconds_in_ascending_order():
    assert read(a_rule("{slo: {objective: 99%}}")).rules.indicator("slow").bounds == (0.3, 1.0)


def test_one_bound_needs_no_list():
    text = a_rule("{slo: {objective: 99%}}").replace("[1s, 300ms]", "250ms")

    assert read(text).rules.indicator("slow").bounds == (0.25,)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("p95 is well", "p95-is-well"),
        ("5xx stay low", "r-5xx-stay-low"),
        ("  --  ", ""),
        ("ÜBER", "ber"),
        ("x" * 100, "x" * 64),
        ("a" * 63 + " b", "a" * 63),
    ],
)
def test_the_id_of_a_rule_is_made_of_its_name(name, expected):
    assert slug(name) == expected
