"""What Prometheus is asked: calls of a tick, and the longest of their queries, as the provider compiles them. No server.

N indicators of the kind `ratio`, each of a service of its own with a release of its own beside the one before, all due at once.
"""

import json
from collections.abc import Sequence
from datetime import timedelta

from bench.figure import Figure
from rules.model import Indicator
from rules.model import Kind as IndicatorKind
from watcher.signals.prometheus.plan import Call, arm_of, planned
from watcher.signals.prometheus.query import parsed

SIZES = (10, 100, 1_000)
SCRAPE = timedelta(seconds=15)


def figures() -> list[Figure]:
    """All of them."""
    found = []
    for size in SIZES:
        calls = _calls(size)
        longest = max(len(call.text(SCRAPE)) for call in calls)
        found += [
            Figure(f"calls of Prometheus a tick, {size:,} ratios", "calls", [len(calls)]),
            Figure(f"the longest query of these, {size:,} ratios", "bytes", [longest]),
        ]
    return found


def _calls(size: int) -> Sequence[Call]:
    units = []
    for number in range(size):
        query = {
            "counter": "http_requests_total",
            "where": {"service": f"service-{number:04}", "version": "${arm.version}"},
            "bad": {"code": "5.."},
        }
        indicator = Indicator("errors", IndicatorKind.RATIO, "prometheus", json.dumps(query))
        for version in (f"1.{number % 40}.0", f"1.{number % 40}.1"):
            units += arm_of(indicator, parsed(indicator.query), {"version": version}).units
    return planned(units, SCRAPE)
