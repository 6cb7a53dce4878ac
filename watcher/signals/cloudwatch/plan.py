"""From questions to calls of GetMetricData: every metric once, what belongs together in one call. Pure.

Source:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from rules.model import Indicator
from watcher.signals.arms import filled
from watcher.signals.cloudwatch.query import Counted, Query

MOST_QUERIES = 500  # in one call
MOST_POINTS = 100_800  # on one page


@dataclass(frozen=True, slots=True)
class Metric:
    """One statistic of one metric, with all its dimensions: what CloudWatch bills, and what is asked once.

    Attributes:
        owner: The id of the account that it is in; empty: of the one that is asked.
    """

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    stat: str
    period: timedelta
    owner: str = ""

    def query(self, id: str) -> dict[str, Any]:
        """An entry of ``MetricDataQueries``."""
        return {
            "Id": id,
            **({"AccountId": self.owner} if self.owner else {}),
            "MetricStat": {
                "Metric": {
                    "Namespace": self.namespace,
                    "MetricName": self.name,
                    "Dimensions": [{"Name": name, "Value": value} for name, value in self.dimensions],
                },
                "Period": int(self.period.total_seconds()),
                "Stat": self.stat,
            },
        }

    def __str__(self) -> str:
        """As people read it: ``RequestCount in AWS/ApplicationELB (TargetGroup=…)``."""
        of = ", ".join(f"{name}={value}" for name, value in self.dimensions)
        whose = f" of the account {self.owner}" if self.owner else ""
        return f"{self.name} in {self.namespace}{f' ({of})' if of else ''}{whose}"


@dataclass(frozen=True, slots=True)
class Arm:
    """What the measures of one arm are made of.

    Attributes:
        main: Where none of these has a data point, nothing is known of the bucket.
        bad: What is added up as bad.
        within: For a latency, by its bound in seconds: what counts those that were fast enough.
    """

    main: tuple[Metric, ...]
    bad: tuple[Metric, ...] = ()
    within: Mapping[float, Metric] = field(default_factory=dict)

    @property
    def metrics(self) -> frozenset[Metric]:
        """All of them."""
        return frozenset((*self.main, *self.bad, *self.within.values()))


def arm_of(indicator: Indicator, query: Query, names: Mapping[str, str]) -> Arm:
    """The metrics of *indicator* for the release that goes by *names*.

    Raises:
        ArmUnnamed: The release lacks a name that the query asks for.
    """
    dimensions = tuple(sorted((key, filled(value, names)) for key, value in query.dimensions.items()))

    def metric(name: str, stat: str) -> Metric:
        return Metric(query.namespace or "", name, dimensions, stat, query.period, query.owner or "")

    if query.metric is not None and query.over:
        return Arm(
            main=(metric(query.metric, "SampleCount"),),
            within={
                bound: metric(query.metric, f"TC(:{_number(bound * (query.units_in_a_second or 1.0))})")
                for bound in indicator.bounds
            },
        )
    if query.metric is not None:
        return Arm(main=(metric(query.metric, query.stat or ""),))
    bad = query.bad.terms if isinstance(query.bad, Counted) else ()
    return Arm(
        main=tuple(metric(*term) for term in query.total.terms) if query.total else (),
        bad=tuple(metric(*term) for term in bad),
    )


def many_of(indicator: Indicator, query: Query) -> int:
    """How many metrics a round asks for: of both releases, where they are told apart. Alarms cost none."""
    if query.alarms is not None:
        return 0
    if query.metric is not None:
        own = 1 + len(indicator.bounds if query.over else ())
    else:
        counted = [each for each in (query.bad, query.total) if isinstance(each, Counted)]
        own = len({term for each in counted for term in each.terms})
    return own * (2 if indicator.compares_arms else 1)


def _number(value: float) -> str:
    """Without an exponent, which CloudWatch does not read."""
    return f"{value:.9f}".rstrip("0").rstrip(".")


@dataclass
class Batch:
    """Questions that are asked in one call, and what each of them needs."""

    needs: dict[str, frozenset[Metric]] = field(default_factory=dict)
    metrics: dict[Metric, None] = field(default_factory=dict)

    def add(self, question: str, needs: frozenset[Metric]) -> None:
        """Ask this in the same call."""
        self.needs[question] = needs
        self.metrics |= dict.fromkeys(needs)

    def has_room(self, needs: frozenset[Metric]) -> bool:
        """They fit in, those that are asked for already taking no room."""
        return len(self.metrics) + sum(metric not in self.metrics for metric in needs) <= MOST_QUERIES

    def touched_by(self, metrics: Iterable[Metric]) -> "Batch":
        """The part of it that needs any of *metrics*."""
        wanted = frozenset(metrics)
        return _batch({name: needs for name, needs in self.needs.items() if needs & wanted})

    def halves(self) -> "tuple[Batch, Batch]":
        """The same in two calls."""
        items = list(self.needs.items())
        middle = len(items) // 2
        return _batch(dict(items[:middle])), _batch(dict(items[middle:]))


def _batch(needs: Mapping[str, frozenset[Metric]]) -> Batch:
    batch = Batch()
    for question, metrics in needs.items():
        batch.add(question, metrics)
    return batch


_OPEN = 4  # batches that are looked through for room: more would cost time for thousands, and find little


def packed(needs: Mapping[str, frozenset[Metric]]) -> list[Batch]:
    """*needs* in as few calls as may be: what one question needs is in one call, and a metric in one call alone.

    Only where more than 500 metrics hang together by what they share is something asked twice.
    """
    batches: list[Batch] = []
    for together in _related(needs):
        whole = frozenset().union(*(needs[question] for question in together))
        open_ = next((batch for batch in batches[-_OPEN:] if batch.has_room(whole)), None)
        if open_ is None:
            open_ = Batch()
            batches.append(open_)
        for question in together:
            if not open_.has_room(needs[question]):
                open_ = Batch()
                batches.append(open_)
            open_.add(question, needs[question])
    return batches


def _related(needs: Mapping[str, frozenset[Metric]]) -> list[list[str]]:
    """Questions that share metrics, each with those that it shares them with; in the order in which they came."""
    group_of: dict[Metric, list[str]] = {}
    groups: dict[int, list[str]] = {}
    for question, metrics in needs.items():
        met = {id(group_of[metric]): group_of[metric] for metric in metrics if metric in group_of}
        group = max(met.values(), key=len, default=[])
        for other in met.values():
            if other is not group:
                group.extend(other)
                groups.pop(id(other))
                for metric in (metric for name in other for metric in needs[name]):
                    group_of[metric] = group
        group.append(question)
        groups[id(group)] = group
        group_of |= dict.fromkeys(metrics, group)
    return list(groups.values())


@dataclass(frozen=True, slots=True)
class Span:
    """``[start, end)``."""

    start: datetime
    end: datetime

    def points(self, metrics: Iterable[Metric]) -> int:
        """How many data points CloudWatch reckons with: by span and period, whether there are any or not."""
        return sum(-((self.start - self.end) // metric.period) for metric in metrics)


def slices(span: Span, metrics: Sequence[Metric]) -> Iterator[Span]:
    """*span* in parts whose answers fit on one page each; they begin where a period begins, as *span* does."""
    longest = max(metric.period for metric in metrics)
    at_once = max(
        MOST_POINTS // max(span.points(metrics) // max((span.end - span.start) // longest, 1), 1), 1
    )
    start = span.start
    while start < span.end:
        end = min(start + at_once * longest, span.end)
        yield Span(start, end)
        start = end
