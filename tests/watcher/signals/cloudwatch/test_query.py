"""What a query may say, and what is wrong with one that may not; before anything is asked."""

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest

from rules.document import read_document
from rules.model import Indicator, Kind
from tests.watcher.signals.cloudwatch.balancer import DIMENSIONS, ELB, LATENCY, RATIO, an_indicator
from watcher.signals.cloudwatch.query import Query, bucket, mistake, settle

ALARMS = {"alarms": ["db"]}
VALUE = {"namespace": ELB, "metric": "TargetResponseTime", "stat": "p99"}


def problem(query):
    """What is wrong with it, as `check` says it."""
    node = read_document(json.dumps(query), "rules.yaml")
    found = node.read_as(Query)
    assert isinstance(found, tuple), found
    return f"{found[0].path}: {found[0].message} | {found[0].remedy}".removeprefix(": ")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({**RATIO, "bad": {"p99": ["RequestCount"]}}, "bad: p99 is no count: it can be neither added up nor divided | write {sum: […]} or {sample_count: […]}; a percentile is a `value`, or a `latency` with `over`"),
        ({**RATIO, "bad": {"Average": ["RequestCount"]}}, "bad: Average is no count: it can be neither added up nor divided | write {sum: […]} or {sample_count: […]}; a percentile is a `value`, or a `latency` with `over`"),
        ({**RATIO, "bad": {"sun": ["RequestCount"]}}, 'bad.sun: unknown key "sun" | did you mean "sum"?'),
        ({**RATIO, "bad": {}}, "bad: nothing is counted | write {sum: [METRIC]}"),
        ({**VALUE, "stat": "p101"}, "stat: not a statistic of CloudWatch | write Average, Maximum, Sum or a percentile such as p99"),
        ({**RATIO, "period": "90s"}, "period: CloudWatch has periods of whole minutes that divide a day | write 1m, 5m, 15m or 1h; 1s, 5s, 10s, 20s or 30s with `high_resolution: true`"),
        ({**RATIO, "period": "0s"}, "period: CloudWatch has periods of whole minutes that divide a day | write 1m, 5m, 15m or 1h; 1s, 5s, 10s, 20s or 30s with `high_resolution: true`"),
        ({**RATIO, "period": "10s"}, "a period of 10s needs a metric of high resolution | write `period: 10s` and `high_resolution: true` together, or neither"),
        ({**RATIO, "high_resolution": True}, "a period of 1m does not need a metric of high resolution | write `period: 10s` and `high_resolution: true` together, or neither"),
        ({**RATIO, "period": "10s", "high_resolution": True}, "AWS publishes its own metrics once a minute at most | write `period: 1m`"),
        ({**RATIO, "dimensions": {f"d{n}": "v" for n in range(31)}}, "dimensions: a metric has at most 30 dimensions | leave some out"),
        ({**RATIO, **ALARMS}, "expected metrics or alarms | write `namespace: …` with its metrics, or `alarms: […]`"),
        ({}, "expected metrics or alarms | write `namespace: …` with its metrics, or `alarms: […]`"),
        ({**ALARMS, "total": {"sum": ["x"]}}, "`total` has no meaning here | leave `total` out, or write what it belongs to"),
        ({**ALARMS, "bad": {"sum": ["x"]}}, "`bad` has no meaning here | leave `bad` out, or write what it belongs to"),
        ({**RATIO, "bad": ["ALARM"]}, "`bad` has no meaning here | leave `bad` out, or write what it belongs to"),
        ({**RATIO, "good": ["OK"]}, "`good` has no meaning here | leave `good` out, or write what it belongs to"),
        ({**VALUE, "over": ["1s"]}, "`over` has no meaning here | leave `over` out, or write what it belongs to"),
        ({**RATIO, "metric": "x"}, "`metric` has no meaning here | leave `metric` out, or write what it belongs to"),
        ({**RATIO, "stat": "p99"}, "`stat` has no meaning here | leave `stat` out, or write what it belongs to"),
        ({**VALUE, "unit": "seconds"}, "`unit` has no meaning here | leave `unit` out, or write what it belongs to"),
        ({**ALARMS, "period": "5m"}, "`period` has no meaning here | leave `period` out, or write what it belongs to"),
        ({**ALARMS, "dimensions": {"a": "b"}}, "`dimensions` has no meaning here | leave `dimensions` out, or write what it belongs to"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_remedy(query, expected):
    assert problem(query) == expected


@pytest.mark.parametrize(
    "more",
    [
        {"namespace": ":x"},
        {"namespace": "a" * 256},
        {"dimensions": {":x": "v"}},
        {"dimensions": {"x": ""}},
        {"dimensions": {"x": "v" * 1025}},
        {"dimensions": {"x": "line\nbreak"}},
        {"total": {"sum": [""]}},
        {"total": {"sum": ["ü"]}},
        {"total": {"sum": []}},
        {"total": {"sum": ["x"] * 21}},
    ],
)
def test_names_are_of_cloudwatch_s_grammar(more):
    assert problem({**RATIO, **more})


def test_alarms_have_states_of_cloudwatch():
    assert problem({**ALARMS, "bad": ["CRITICAL"]})


@pytest.mark.parametrize(
    ("query", "kind", "expected"),
    [
        (RATIO, Kind.RATIO, None),
        (RATIO, Kind.EVENTS, None),
        (LATENCY, Kind.LATENCY, None),
        (VALUE, Kind.VALUE, None),
        (ALARMS, Kind.STATE, None),
        ({"namespace": ELB, "total": {"sum": "x"}}, Kind.REQUESTS, None),
        (VALUE, Kind.RATIO, "it needs namespace, bad and total"),
        (VALUE, Kind.LATENCY, "it needs namespace, metric and over"),
        (RATIO, Kind.REQUESTS, "it needs namespace and total, without bad"),
        (RATIO, Kind.STATE, "it needs alarms"),
        (ALARMS, Kind.VALUE, "it needs namespace, metric and stat"),
        ({"namespace": ELB, "bad": {"sum": "x"}}, Kind.RATIO, "it needs namespace, bad and total"),
        ({"namespace": ELB, "metric": "x"}, Kind.VALUE, "it needs namespace, metric and stat"),
        (
            {**LATENCY, "namespace": "Shop"},
            Kind.LATENCY,
            "add `unit:` with one of seconds, milliseconds, microseconds",
        ),
        ({**LATENCY, "namespace": "Shop", "unit": "seconds"}, Kind.LATENCY, None),
    ],
)
def test_what_a_query_lacks_for_its_kind(query, kind, expected):
    found = mistake(an_indicator(query, kind))

    assert (found and found[1]) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (RATIO, (60, 180)),
        ({**RATIO, "period": "5m"}, (300, 600)),
        ({**RATIO, "namespace": "Shop", "period": "10s", "high_resolution": True}, (10, 180)),
        (ALARMS, (60, 0)),
    ],
)
def test_how_long_a_bucket_is_and_when_it_is_final(query, expected):
    indicator = an_indicator(query)

    assert (bucket(indicator), settle(indicator)) == tuple(timedelta(seconds=seconds) for seconds in expected)


def test_the_query_of_the_paper_is_understood():
    query = {**RATIO, "account": "shop"}

    assert mistake(Indicator("errors", Kind.RATIO, "cloudwatch", json.dumps(query))) is None
    assert Query.model_validate(query).dimensions == DIMENSIONS


def test_the_examples_of_the_documentation_are_understood():
    page = Path("docs/aws.md").read_text(encoding="utf-8")
    text = next(
        each for each in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if each.startswith("indicators:")
    )
    section = read_document(text, "docs/aws.md").get("indicators")
    assert section is not None

    kinds = []
    for _, entry in section.entries():
        ((kind, written),) = entry.node.entries()
        query = written.node.get("cloudwatch")
        assert query is not None
        assert isinstance(query.read_as(Query), Query)
        assert mistake(an_indicator(query.plain(), Kind(kind))) is None
        kinds.append(kind)

    assert kinds == ["ratio", "latency", "value", "state"]
