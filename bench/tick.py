"""What signal systems are asked in one tick, as the providers compile it; what they answer; and how old what is judged is.

*A tick*: N indicators of the kind `ratio`, each of a service of its own with a release of its own beside the one before, all due
at once, over one bucket. Bytes are those of bodies (Sentry: of the query), without headers; answers are told as `answers` says, where
each release had an error. *At least*: what the system's own limits leave for so
many services and both their releases, in however clever a question (reference: the vendors' limits, in docs of each provider).
CloudWatch's calls are counted at the wire by the measure `aws`.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any
from urllib.parse import urlencode

from bench import ages, answers, tick_aws, tick_looks
from bench.figure import Figure
from bench.said import Tick, told
from rules.model import Indicator
from rules.model import Kind as IndicatorKind
from watcher.signals import cloudwatch_logs, datadog, loki, newrelic, prometheus, sentry
from watcher.signals.cloudwatch_logs import plan as logs_plan
from watcher.signals.cloudwatch_logs.plan import MOST_ROWS
from watcher.signals.datadog import plan as datadog_plan
from watcher.signals.loki import plan as loki_plan
from watcher.signals.newrelic import plan as newrelic_plan
from watcher.signals.prometheus import plan as prometheus_plan
from watcher.signals.sentry import plan as sentry_plan

SIZES = (10, 100, 1_000, 10_000)
SCRAPE = timedelta(seconds=15)
START = datetime(2025, 6, 2, 12, tzinfo=UTC)
END = START + timedelta(minutes=1)
Query = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class System:
    """One of them.

    Attributes:
        kind: Its name in the registry.
        tick: Of so many indicators.
        least: The least number of calls for them.
    """

    kind: str
    tick: Callable[[int], Tick]
    least: Callable[[int], int]


def figures() -> list[Figure]:
    """All of them."""
    found = []
    for system in SYSTEMS:
        for size in SIZES:
            found += told(system.kind, "a tick", f"{size:,} ratios", system.least(size), system.tick(size))
    return found + tick_aws.figures() + tick_looks.figures() + ages.figures()


def _versions(number: int) -> tuple[dict[str, str], dict[str, str]]:
    old, new = (f"1.{number % 40}.{patch}" for patch in (0, 1))
    return (
        {"version": old, "sentry": f"shop-{number}@{old}"},
        {"version": new, "sentry": f"shop-{number}@{new}"},
    )


def _town(name: str = "version") -> answers.Town:
    """Releases are called *name* there."""

    def called(number: int) -> tuple[str, str]:
        old, new = _versions(number)
        return old[name], new[name]

    return answers.Town(START, called)


# --------------------------------------------------------------------------------------------------------------- the systems


def _datadog(number: int) -> Query:
    tags = f"env:prod,service:shop-{number},version:${{arm.version}}"
    return {
        "bad": f"sum:trace.http.request.errors{{{tags}}}.as_count()",
        "total": f"sum:trace.http.request.hits{{{tags}}}.as_count()",
    }


def _of_datadog(size: int) -> Tick:
    units = []
    for number in range(1, size + 1):
        one = Indicator("errors", IndicatorKind.RATIO, "datadog", json.dumps(_datadog(number)))
        for names in _versions(number):
            pairs = datadog_plan.arm_of(one, datadog.query.parsed(one.query), names)
            units += [unit for pair in pairs for unit in pair.units]
    calls = datadog_plan.planned(units)
    asked = [sum(len(part.text) for part in call.parts) for call in calls]
    return Tick(asked, asyncio.run(answers.of_datadog(_town(), calls)))


def _prometheus(number: int) -> Query:
    where = {"service": f"shop-{number}", "version": "${arm.version}"}
    return {"counter": "http_requests_total", "where": where, "bad": {"code": "5.."}}


def _of_prometheus(size: int) -> Tick:
    units: list[prometheus_plan.Unit] = []
    for number in range(1, size + 1):
        one = Indicator("errors", IndicatorKind.RATIO, "prometheus", json.dumps(_prometheus(number)))
        for names in _versions(number):
            units += prometheus_plan.arm_of(one, prometheus.query.parsed(one.query), names).units
    texts = [call.text(SCRAPE) for call in prometheus_plan.planned(units, SCRAPE)]
    return Tick(
        [len(text) for text in texts], asyncio.run(answers.of_prometheus(_town(), size, SCRAPE, texts))
    )


def _newrelic(number: int) -> Query:
    where = {"appName": f"shop-{number}", "tags.version": "${arm.version}"}
    return {"from": "Transaction", "where": where, "bad": "error IS true"}


def _of_newrelic(size: int) -> Tick:
    units = []
    for number in range(1, size + 1):
        one = Indicator("errors", IndicatorKind.RATIO, "newrelic", json.dumps(_newrelic(number)))
        units += [
            newrelic_plan.unit_of(one, newrelic.query.parsed(one.query), names) for names in _versions(number)
        ]
    calls = newrelic_plan.planned(units, START, END)
    asked = [len(call.body(1234567)) for call in calls]
    return Tick(asked, asyncio.run(answers.of_newrelic(_town(), calls)))


SENTRY = {"project": "shop", "release": "${arm.sentry}", "requests": "failed"}


def _of_sentry(size: int) -> Tick:
    query = sentry.query.Query.model_validate(SENTRY)
    units = [
        unit
        for number in range(1, size + 1)
        for names in _versions(number)
        for unit in sentry_plan.arm_of(query, names, number, "spans").units
    ]
    calls = sentry_plan.planned(units, START, END)
    asked = [len(urlencode(call.params, safe=sentry_plan.SAFE)) for call in calls]
    return Tick(asked, asyncio.run(answers.of_sentry(_town("sentry"), calls)))


def _loki(number: int) -> Query:
    stream = {"app": f"shop-{number}", "version": "${arm.version}"}
    return {"stream": stream, "parser": "json", "bad": {"labels": {"level": "error"}}}


def _of_loki(size: int) -> Tick:
    units = [
        unit
        for number in range(1, size + 1)
        for names in _versions(number)
        for unit in loki_plan.arm_of(loki.query.Query.model_validate(_loki(number)), names).units
    ]
    texts = [call.text for call in loki_plan.planned(units, 500)]
    return Tick([len(text) for text in texts], asyncio.run(answers.of_loki(_town(), texts)))


LOGS = "/ecs/all"
LINES = 4  # that differ, of each service: one that is well and one that is not, of both releases


def _cloudwatch_logs(number: int) -> Query:
    fields = {"service": f"shop-{number}", "version": "${arm.version}"}
    return {
        "groups": [LOGS],
        "total": {"contains": "handled", "fields": fields},
        "bad": {"contains": "failed"},
    }


def _of_cloudwatch_logs(size: int) -> Tick:
    questions = [
        [
            logs_plan.arm_of(cloudwatch_logs.query.Query.model_validate(_cloudwatch_logs(number)), names)
            for names in _versions(number)
        ]
        for number in range(1, size + 1)
    ]
    scans = logs_plan.planned(questions)
    return Tick([len(scan.text) for scan in scans], answers.of_cloudwatch_logs(_town(), size, LOGS, scans))


SYSTEMS = (
    System("datadog", _of_datadog, lambda _size: 1),
    System("newrelic", _of_newrelic, lambda _size: 1),
    System("sentry", _of_sentry, lambda size: ceil(2 * size / 100)),
    System("prometheus", _of_prometheus, lambda _size: 1),
    System("loki", _of_loki, lambda size: ceil(4 * size / 500)),
    System("cloudwatch_logs", _of_cloudwatch_logs, lambda size: ceil(LINES * size / MOST_ROWS)),
)
