"""SLOs of a world's requests, in the shapes that were recorded: of counts, of a monitor, of slices of a minute."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.fakes.datadog.metrics import Metrics, asked
from tests.fakes.datadog.monitors import EVERY, Monitor
from tests.fakes.world import START, World

MINUTE, FIVE = timedelta(minutes=1), timedelta(minutes=5)
UP, DOWN, SILENT = 0, 1, 2
TYPES = {"monitor": 0, "metric": 1, "time_slice": 2}
# By the length of what is asked for. Two hours of a day, and one of a week, are as recorded; the rest is ours: nobody documents it.
_INTERVALS = ((timedelta(hours=4), 300), (timedelta(days=2), 7200), (timedelta(days=90), 3600))
_ZERO = {"error_type": "ZERO_VALUED_DENOMINATOR", "error_message": "The denominator is zero valued"}


@dataclass
class Slo:
    """One. Of counts it has *good* and *total*; of *monitor* that; else it is down in slices (a minute, or five) of which more than *above* fail.

    Attributes:
        formula: Of counts: the good ones and all, of queries by their names; `good` and `total` are not told then.
        trouble: What its history says that is not known.
    """

    name: str
    good: str = ""
    total: str = ""
    formula: tuple[str, str, Mapping[str, str]] | None = None
    monitor: Monitor | None = None
    above: float = 0.1
    slice: timedelta = MINUTE
    targets: Mapping[str, float] | None = None
    trouble: str = ""

    @property
    def type(self) -> str:
        if self.good or self.formula:
            return "metric"
        return "monitor" if self.monitor else "time_slice"

    @property
    def _thresholds(self) -> list[dict[str, Any]]:
        return [{"timeframe": of, "target": target} for of, target in (self.targets or {"30d": 99.9}).items()]

    def defined(self, name: str) -> dict[str, Any]:
        """As ``/api/v1/slo/{id}`` tells it."""
        told: dict[str, Any] = {
            "id": name,
            "name": self.name,
            "type": self.type,
            "tags": [],
            "monitor_tags": [],
            "thresholds": self._thresholds,
        }
        if self.formula:
            good, total, queries = self.formula
            told["sli_specification"] = {
                "count": {
                    "good_events_formula": {"formula": good},
                    "total_events_formula": {"formula": total},
                    "queries": [
                        {"data_source": "metrics", "name": each, "query": text}
                        for each, text in queries.items()
                    ],
                }
            }
        elif self.good:
            told["query"] = {"numerator": self.good, "denominator": self.total}
        elif self.monitor:
            told["monitor_ids"] = [7]
        else:
            told["sli_specification"] = {"time_slice": self._condition()}
        return {"data": told}

    def _condition(self) -> dict[str, Any]:
        """That a slice is good, as far as it is told: one of five minutes says nothing of how long it is."""
        queries = [
            {
                "data_source": "metrics",
                "name": name,
                "query": f"sum:trace.http.request.{name}{{*}}.as_count()",
            }
            for name in ("errors", "hits")
        ]
        told = {
            "comparator": "<=",
            "threshold": self.above,
            "query": {"formulas": [{"formula": "errors / hits"}], "queries": queries},
        }
        return told if self.slice == FIVE else {**told, "query_interval_seconds": 60}

    def history(self, world: World, metrics: Metrics, start: int, end: int) -> dict[str, Any]:
        """As ``/api/v1/slo/{id}/history`` tells it, of ``[start, end)``: seconds since 1970."""
        data: dict[str, Any] = {
            "from_ts": start,
            "to_ts": end,
            "type": self.type,
            "type_id": TYPES[self.type],
            "thresholds": {each["timeframe"]: each for each in self._thresholds},
        }
        if self.type == "metric":
            data |= self._counted(metrics, start, end) | {"group_by": []}
        else:
            until = min(datetime.fromtimestamp(end, UTC), world.now)
            data["overall"] = self._turned(self._states(world, None, until), start, until)
            if self.monitor and self.monitor.multi:
                data["groups"] = [
                    {
                        "group": f"version:{each}",
                        **self._turned(self._states(world, each, until), start, until),
                    }
                    for each in sorted({each.version for each in world.log if each.at < until})
                ]
        if self.trouble:
            data["overall"]["errors"] = [{"error_type": "UNKNOWN", "error_message": self.trouble}]
        return {"data": data, "errors": None}

    def _counted(self, metrics: Metrics, start: int, end: int) -> dict[str, Any]:
        """Sums over spans that nobody has chosen, in which silence is zero."""
        span = timedelta(seconds=end - start)
        interval = next(each for longest, each in _INTERVALS if span <= longest)
        first = start // 300 * 300
        times = [first, *range(first // interval * interval + interval, end, interval)]
        good, total, queries = self.formula or (self.good, self.total, {})
        sums = [self._series(metrics, text, queries, times, end) for text in (good, total)]
        every = sum(sums[1])
        series = {
            "res_type": "time_series",
            "resp_version": 2,
            "interval": interval,
            "query": f"default_zero({good}), default_zero({total})",
            "times": [float(at * 1000) for at in times],
            "numerator": {"count": len(times), "sum": sum(sums[0]), "values": sums[0]},
            "denominator": {"count": len(times), "sum": every, "values": sums[1]},
        }
        overall: dict[str, Any] = {"sli_value": 100 * sum(sums[0]) / every if every else None}
        return {"series": series, "overall": overall if every else overall | {"errors": [_ZERO]}}

    def _series(
        self, metrics: Metrics, text: str, queries: Mapping[str, str], times: Sequence[int], end: int
    ) -> list[float]:
        points: dict[int, float] = {}
        for sign, term in re.findall(r"(?:^|(?<= )([+-]) )([^ +-][^{} ]*(?:\{[^}]*\}[^ ]*)?)", text):
            query = asked(queries.get(term, term))
            for each in metrics.answer(query, metrics.sent(query.metric), times[0], end, 300).values():
                for at, x in each.items():
                    points[at] = points.get(at, 0.0) + (-x if sign == "-" else x)
        bounds = [*times[1:], end]
        return [
            sum(x for at, x in points.items() if begins <= at < ends)
            for begins, ends in zip(times, bounds, strict=True)
        ]

    def _states(self, world: World, version: str | None, until: datetime) -> Iterator[tuple[datetime, int]]:
        if self.monitor:
            states = {"OK": UP, "Alert": DOWN, "No Data": SILENT}
            at = START - MINUTE
            while at <= until:
                yield at, states[self.monitor._state(world, version, at)]
                at += EVERY
        else:
            at = START - self.slice
            while at + self.slice <= until:  # one that is not over is not known
                came = world.between(at, at + self.slice)
                failed = sum(each.status >= 500 for each in came)
                yield at, SILENT if not came else DOWN if failed > self.above * len(came) else UP
                at += self.slice

    def _turned(self, states: Iterator[tuple[datetime, int]], start: int, until: datetime) -> dict[str, Any]:
        """The last turn before *start*, and all that came after it."""
        turns: list[tuple[int, int]] = []
        down = 0.0
        for at, state in states:
            if not turns or turns[-1][1] != state:
                turns.append((int(at.timestamp()), state))
        ends = [second for second, _ in turns[1:]] + [int(until.timestamp())]
        for (begins, state), ends_at in zip(turns, ends, strict=True):
            down += max(ends_at - max(begins, start), 0) if state == DOWN else 0
        known = [turn for turn in turns if turn[0] <= start][-1:] + [
            turn for turn in turns if turn[0] > start
        ]
        return {
            "name": self.name,
            "history": [list(turn) for turn in known],
            "sli_value": 100 * (1 - down / max(until.timestamp() - start, 1)),
        }
