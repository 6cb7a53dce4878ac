"""What was measured: raw samples by metric, each readable only some time after it was taken."""

from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, order=True)
class Name:
    """A metric: its dimensions must be told exactly, in any order [D]."""

    namespace: str
    metric: str
    dimensions: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, namespace: str, metric: str, dimensions: Mapping[str, str]) -> "Name":
        """The same metric for dimensions in any order."""
        return cls(namespace, metric, tuple(sorted(dimensions.items())))


@dataclass(frozen=True, slots=True, order=True)
class Sample:
    """*count* times *value*, or a set of statistics of values that nobody knows any more.

    Attributes:
        readable_at: From when on `GetMetricData` counts it.
        summary: (minimum, maximum, sum) where it is a set of statistics; then *count* is its ``SampleCount``.
    """

    at: datetime
    value: float = field(compare=False)
    count: float = field(compare=False)
    readable_at: datetime = field(compare=False)
    summary: tuple[float, float, float] | None = field(default=None, compare=False)


@dataclass
class Series:
    """All samples of one metric, in the order of time.

    Attributes:
        fine: It was put with ``StorageResolution`` 1.
    """

    samples: list[Sample] = field(default_factory=list)
    fine: bool = False
    unit: str = "None"

    def add(self, sample: Sample) -> None:
        """One more; it may be late."""
        insort(self.samples, sample)

    def between(self, start: datetime, end: datetime, seen_at: datetime) -> list[Sample]:
        """Those of ``[start, end)`` that can be read at *seen_at*."""
        first = bisect_left(self.samples, start, key=lambda each: each.at)
        last = bisect_left(self.samples, end, key=lambda each: each.at)
        return [each for each in self.samples[first:last] if each.readable_at <= seen_at]

    def readable(self, seen_at: datetime) -> Iterator[Sample]:
        """All that can be read at *seen_at*."""
        return (each for each in self.samples if each.readable_at <= seen_at)


@dataclass(frozen=True, slots=True)
class Lateness:
    """When the samples of a minute become readable: spread over a span that begins with the end of their minute [U].

    So a minute's values grow until it is settled.
    """

    first: timedelta = timedelta(seconds=30)
    last: timedelta = timedelta(seconds=120)

    def of(self, at: datetime, number: int) -> datetime:
        """For the *number*-th sample: the same in every run."""
        minute_over = at.replace(second=0, microsecond=0) + MINUTE
        return minute_over + self.first + (self.last - self.first) * ((number * 7 % 10) / 9)


PROMPT = Lateness(timedelta(0), timedelta(0))
