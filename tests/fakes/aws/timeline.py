"""What was, and since when: every value that a thing ever had, so that a stale read tells what was true then."""

from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass
class Timeline(Generic[T]):
    """The values of one thing, in the order of time. A value is never changed, only followed."""

    times: list[datetime] = field(default_factory=list)
    values: list[T] = field(default_factory=list)

    def put(self, at: datetime, value: T) -> None:
        """From *at* on it is *value*. What is told of the past is told in its order."""
        self.times.append(max(at, self.times[-1]) if self.times else at)
        self.values.append(value)

    def at(self, when: datetime) -> T | None:
        """What it was at *when*; none: it was not there yet."""
        index = bisect_right(self.times, when)
        return self.values[index - 1] if index else None

    @property
    def latest(self) -> T:
        """What it is."""
        return self.values[-1]
