"""What signal systems are asked in one tick, as the providers compile it; and how old what is judged is. No server.

*A tick*: N indicators of the kind `ratio`, each of a service of its own with a release of its own beside the one before, all due
at once, over one bucket. Bytes are those of the questions, without headers. *At least*: what the system's own limits leave for so
many services and both their releases, in however clever a question (reference: the vendors' limits, in docs of each provider).
*Used after*: from a request to the first verdict that may count it: it waits for the end of its bucket, and until that is final.
CloudWatch's calls are counted at the wire by the measure `aws`.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any
from urllib.parse import urlencode

from bench.figure import Figure
from rules.model import Indicator
from rules.model import Kind as IndicatorKind
from watcher.signals import cloudwatch_logs, datadog, loki, newrelic, prometheus, sentry
from watcher.signals.cloudwatch_logs import plan as logs_plan
from watcher.signals.datadog import plan as datadog_plan
from watcher.signals.loki import plan as loki_plan
from watcher.signals.newrelic import plan as newrelic_plan
from watcher.signals.prometheus import plan as prometheus_plan
from watcher.signals.registry import PROVIDERS
from watcher.signals.sentry import plan as sentry_plan

SIZES = (10, 100, 1_000, 10_000)
SCRAPE = timedelta(seconds=15)
START = datetime(2025, 6, 2, 12, tzinfo=UTC)
END = START + timedelta(minutes=1)
EACH = timedelta(seconds=0.25)  # how often the patrol looks
Query = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class System:
    """One of them.

    Attributes:
        kind: Its name in the registry.
        sent: The bytes of each call for so many indicators.
        least: The least number of calls for them.
        query: One of its queries, of the first service.
    """

    kind: str
    sent: Callable[[int], Sequence[int]]
    least: Callable[[int], int]
    query: Query


def figures() -> list[Figure]:
    """All of them."""
    found = []
    for system in SYSTEMS:
        for size in SIZES:
            sent = system.sent(size)
            least = f"at least {system.least(size):,}"
            found += [
                Figure(f"calls of {system.kind} a tick, {size:,} ratios ({least})", "calls", [len(sent)]),
                Figure(f"what these say, {size:,} ratios", "kB", [sum(sent) / 1000]),
            ]
    return found + [_age(system.kind, system.query) for system in (*SYSTEMS, CLOUDWATCH)]


def _age(kind: str, query: Query) -> Figure:
    """From a request at the end, in the middle and at the start of its bucket."""
    one = Indicator("errors", IndicatorKind.RATIO, kind, json.dumps(query))
    bucket, settle = PROVIDERS[kind].bucket(one), PROVIDERS[kind].settle_of(one)
    waits = [part * bucket + settle + part * EACH for part in (0.0, 0.5, 1.0)]
    return Figure(f"a request is used after: {kind}", "s", [wait.total_seconds() for wait in waits])


def _versions(number: int) -> tuple[dict[str, str], dict[str, str]]:
    old, new = f"1.{number % 40}.0", f"1.{number % 40}.1"
    return (
        {"version": old, "sentry": f"service-{number:05}@{old}"},
        {"version": new, "sentry": f"service-{number:05}@{new}"},
    )


# --------------------------------------------------------------------------------------------------------------- the systems


def _datadog(number: int) -> Query:
    tags = f"env:prod,service:service-{number:05},version:${{arm.version}}"
    return {
        "bad": f"sum:trace.http.request.errors{{{tags}}}.as_count()",
        "total": f"sum:trace.http.request.hits{{{tags}}}.as_count()",
    }


def _of_datadog(size: int) -> list[int]:
    units = []
    for number in range(size):
        one = Indicator("errors", IndicatorKind.RATIO, "datadog", json.dumps(_datadog(number)))
        for names in _versions(number):
            pairs = datadog_plan.arm_of(one, datadog.query.parsed(one.query), names)
            units += [unit for pair in pairs for unit in pair.units]
    return [sum(len(part.text) for part in call.parts) for call in datadog_plan.planned(units)]


def _prometheus(number: int) -> Query:
    where = {"service": f"service-{number:05}", "version": "${arm.version}"}
    return {"counter": "http_requests_total", "where": where, "bad": {"code": "5.."}}


def _of_prometheus(size: int) -> list[int]:
    units = []
    for number in range(size):
        one = Indicator("errors", IndicatorKind.RATIO, "prometheus", json.dumps(_prometheus(number)))
        for names in _versions(number):
            units += prometheus_plan.arm_of(one, prometheus.query.parsed(one.query), names).units
    return [len(call.text(SCRAPE)) for call in prometheus_plan.planned(units, SCRAPE)]


def _newrelic(number: int) -> Query:
    where = {"appName": f"service-{number:05}", "tags.version": "${arm.version}"}
    return {"from": "Transaction", "where": where, "bad": "error IS true"}


def _of_newrelic(size: int) -> list[int]:
    units = []
    for number in range(size):
        one = Indicator("errors", IndicatorKind.RATIO, "newrelic", json.dumps(_newrelic(number)))
        units += [
            newrelic_plan.unit_of(one, newrelic.query.parsed(one.query), names) for names in _versions(number)
        ]
    return [len(call.body(1234567)) for call in newrelic_plan.planned(units, START, END)]


SENTRY = {"project": "shop", "release": "${arm.sentry}", "requests": "failed"}


def _of_sentry(size: int) -> list[int]:
    query = sentry.query.Query.model_validate(SENTRY)
    units = [
        unit
        for number in range(size)
        for names in _versions(number)
        for unit in sentry_plan.arm_of(query, names, number + 1, "spans").units
    ]
    return [
        len(urlencode(call.params, safe=sentry_plan.SAFE)) for call in sentry_plan.planned(units, START, END)
    ]


def _loki(number: int) -> Query:
    stream = {"service": f"service-{number:05}", "version": "${arm.version}"}
    return {"stream": stream, "parser": "json", "bad": {"labels": {"level": "error"}}}


def _of_loki(size: int) -> list[int]:
    units = [
        unit
        for number in range(size)
        for names in _versions(number)
        for unit in loki_plan.arm_of(loki.query.Query.model_validate(_loki(number)), names).units
    ]
    return [len(call.text) for call in loki_plan.planned(units, 500)]


def _cloudwatch_logs(number: int) -> Query:
    fields = {"service": f"service-{number:05}", "version": "${arm.version}"}
    return {
        "groups": ["/ecs/all"],
        "total": {"contains": "handled", "fields": fields},
        "bad": {"contains": "failed"},
    }


def _of_cloudwatch_logs(size: int) -> list[int]:
    questions = [
        [
            logs_plan.arm_of(cloudwatch_logs.query.Query.model_validate(_cloudwatch_logs(number)), names)
            for names in _versions(number)
        ]
        for number in range(size)
    ]
    return [len(scan.text) for scan in logs_plan.planned(questions)]


CLOUDWATCH = System(
    "cloudwatch",
    lambda _size: (),
    lambda size: ceil(4 * size / 500),
    {
        "namespace": "AWS/ApplicationELB",
        "dimensions": {"TargetGroup": "${arm.target_group}"},
        "bad": {"sum": ["HTTPCode_Target_5XX_Count"]},
        "total": {"sum": ["RequestCount"]},
    },
)
SYSTEMS = (
    System("datadog", _of_datadog, lambda _size: 1, _datadog(0)),
    System("newrelic", _of_newrelic, lambda _size: 1, _newrelic(0)),
    System("sentry", _of_sentry, lambda size: ceil(2 * size / 100), SENTRY),
    System("prometheus", _of_prometheus, lambda _size: 1, _prometheus(0)),
    System("loki", _of_loki, lambda size: ceil(4 * size / 500), _loki(0)),
    System("cloudwatch_logs", _of_cloudwatch_logs, lambda _size: 1, _cloudwatch_logs(0)),
)
