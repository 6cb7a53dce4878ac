"""What a sidecar has counted, and the central daemon has not taken yet: bounded in time and in number, the oldest goes first."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from watcher.core.relayed import KEPT, Sample

MOST = 20_000  # samples: a quarter of an hour of two hundred indicators, some MB
Key = tuple[str, str]  # service, environment


@dataclass(frozen=True, slots=True)
class Marked:
    """A sample, with the mark of what was measured."""

    sample: Sample
    mark: str


def _oldest(waiting: deque[Marked]) -> datetime:
    return waiting[0].sample.end


@dataclass
class Untold:
    """The queue. What was sent stays in it until it is said that it was taken."""

    most: int = MOST
    _waiting: dict[Key, deque[Marked]] = field(default_factory=dict)

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def add(self, key: Key, samples: Iterable[Marked]) -> None:
        """Keep *samples* of a service, in the order of their ends."""
        self._waiting.setdefault(key, deque()).extend(samples)

    def many(self, key: Key) -> int:
        """How many of a service wait."""
        return len(self._waiting.get(key, ()))

    def first(self, key: Key, many: int) -> Sequence[Marked]:
        """The oldest of a service, at most *many*."""
        waiting = self._waiting.get(key, deque[Marked]())
        return [waiting[nth] for nth in range(min(many, len(waiting)))]

    def taken(self, key: Key, many: int) -> None:
        """The *many* oldest of a service are told."""
        for _ in range(many):
            self._waiting[key].popleft()

    def drop(self, now: datetime) -> int:
        """Let go of what nobody would take any more, and of what is too much; how many that were."""
        dropped = 0
        for waiting in self._waiting.values():
            while waiting and waiting[0].sample.end <= now - KEPT:
                waiting.popleft()
                dropped += 1
        while len(self) > self.most:
            min(filter(None, self._waiting.values()), key=_oldest).popleft()
            dropped += 1
        return dropped
