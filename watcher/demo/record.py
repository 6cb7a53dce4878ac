"""What the client saw: the ground truth that all figures of the demo come from. Pure.

Times are Unix times in seconds, as the client's own clock told them; durations are seconds.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

TOO_SLOW = 0.3  # seconds; the bound of the demo's latency rule
SERVER_ERROR = 500


@dataclass(frozen=True, slots=True)
class Answer:
    """One request: when it was sent, how long it took, what came (0: nothing), and which release answered."""

    at: float
    took: float
    status: int
    release: str

    @property
    def failed(self) -> bool:
        """The service's fault: no answer, or a 5xx."""
        return self.status == 0 or self.status >= SERVER_ERROR

    @property
    def slow(self) -> bool:
        """It was answered, and too late."""
        return not self.failed and self.took > TOO_SLOW

    @property
    def bad(self) -> bool:
        """A user would have noticed."""
        return self.failed or self.slow


@dataclass(frozen=True, slots=True)
class Tally:
    """*failed* and *slow* of *total* requests sent in ``[start, end)``; the slow ones only where they were to be counted."""

    start: float
    end: float
    total: int = 0
    failed: int = 0
    slow: int = 0

    @property
    def bad(self) -> int:
        """Failed, or too slow."""
        return self.failed + self.slow

    @property
    def share(self) -> float | None:
        """The share that was bad; none without requests."""
        return self.bad / self.total if self.total else None


class Record:
    """All answers, in the order in which they came."""

    def __init__(self, answers: Iterable[Answer] = ()) -> None:
        self._answers = list(answers)

    def add(self, answer: Answer) -> None:
        """One more."""
        self._answers.append(answer)

    def __len__(self) -> int:
        return len(self._answers)

    def between(self, start: float, end: float, release: str | None = None) -> list[Answer]:
        """Those that were sent in ``[start, end)``; to one release only, if it is named."""
        return [
            each
            for each in self._answers
            if start <= each.at < end and (release is None or each.release == release)
        ]

    def tally(self, start: float, end: float, release: str | None = None, *, late: bool = False) -> Tally:
        """How many, and how many were bad. *late*: an answer that came too late is bad, too."""
        return _tally(start, end, self.between(start, end, release), late=late)

    def tallies(
        self, start: float, end: float, step: float, release: str | None = None, *, late: bool = False
    ) -> list[Tally]:
        """The whole steps of ``[start, end)``, oldest first."""
        steps = max(0, int((end - start) / step + 1e-9))
        sorted_in: list[list[Answer]] = [[] for _ in range(steps)]
        for each in self.between(start, start + steps * step, release):
            sorted_in[min(steps - 1, int((each.at - start) / step))].append(each)
        return [
            _tally(start + n * step, start + (n + 1) * step, found, late=late)
            for n, found in enumerate(sorted_in)
        ]

    def last(self, release: str) -> float | None:
        """When the last request was sent that *release* answered."""
        return max((each.at for each in self._answers if each.release == release), default=None)

    def first(self, release: str) -> float | None:
        """When the first request was sent that *release* answered."""
        return min((each.at for each in self._answers if each.release == release), default=None)


def _tally(start: float, end: float, answers: Sequence[Answer], *, late: bool) -> Tally:
    failed = sum(each.failed for each in answers)
    slow = sum(each.slow for each in answers) if late else 0
    return Tally(start, end, len(answers), failed, slow)
