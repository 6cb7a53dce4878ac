"""Buckets on the grid of Unix time, where providers begin theirs."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Grid:
    """The buckets that are wanted: they begin at *first*, each *step* further, and end at *end*; seconds since 1970."""

    first: int
    end: int
    step: int

    @classmethod
    def of(cls, start: datetime, end: datetime, bucket: timedelta) -> "Grid":
        """All whole buckets in ``[start, end)``, on the grid of Unix time."""
        step = int(bucket.total_seconds())
        return cls(-(-int(start.timestamp()) // step) * step, int(end.timestamp()) // step * step, step)

    @property
    def many(self) -> int:
        """How many."""
        return max((self.end - self.first) // self.step, 0)

    def slices(self, most: int) -> "list[Grid]":
        """In parts of at most *most* buckets."""
        length = most * self.step
        return [Grid(at, min(at + length, self.end), self.step) for at in range(self.first, self.end, length)]
