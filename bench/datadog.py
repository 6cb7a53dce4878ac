"""What Datadog is asked: calls of a tick, their queries and the longest of them, as the provider compiles them. No server.

N indicators of the kind `ratio`, each of a service of its own with a release of its own beside the one before, all due at once.
"""

import json
from collections.abc import Sequence

from bench.figure import Figure
from rules.model import Indicator
from rules.model import Kind as IndicatorKind
from watcher.signals.datadog.plan import Call, arm_of, planned
from watcher.signals.datadog.query import parsed

SIZES = (10, 100, 1_000, 10_000)


def figures() -> list[Figure]:
    """All of them."""
    found = []
    for size in SIZES:
        calls = _calls(size)
        longest = max(sum(len(part.text) for part in call.parts) for call in calls)
        found += [
            Figure(f"calls of Datadog a tick, {size:,} ratios", "calls", [len(calls)]),
            Figure(f"the longest of these, {size:,} ratios", "bytes", [longest]),
        ]
    return found


def _calls(size: int) -> Sequence[Call]:
    units = []
    for number in range(size):
        tags = f"env:prod,service:service-{number:05},version:${{arm.version}}"
        query = {
            "bad": f"sum:trace.http.request.errors{{{tags}}}.as_count()",
            "total": f"sum:trace.http.request.hits{{{tags}}}.as_count()",
        }
        indicator = Indicator("errors", IndicatorKind.RATIO, "datadog", json.dumps(query))
        for version in (f"1.{number % 40}.0", f"1.{number % 40}.1"):
            pairs = arm_of(indicator, parsed(indicator.query), {"version": version})
            units += [unit for pair in pairs for unit in pair.units]
    return planned(units)
