"""The requests of a service: which release answered which share of them, when, and which share of its answers failed.

Nothing is drawn: requests come at an even rate and fail evenly, so that what is counted is exact and the same in every run.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import floor

LONG_AGO = -30 * 86400.0  # seconds; before that there was nothing
Shares = Mapping[str, float]  # of the requests, by release


@dataclass(frozen=True, slots=True)
class Fault:
    """From *start* until *end* (seconds) this share of the answers fails, on top of what is usual; of one release, or of all."""

    start: float
    end: float
    fails: float
    version: str | None = None


@dataclass
class Traffic:
    """Requests a second, and what becomes of them. Times are seconds since the story began; before it lie its days."""

    rate: float = 50.0
    usual: dict[str, float] = field(default_factory=dict)  # the share that fails, by release
    faults: list[Fault] = field(default_factory=list)
    _served: list[tuple[float, Shares]] = field(default_factory=list)
    _sums: dict[str, "_Sums"] = field(default_factory=dict)

    def serves(self, at: float, shares: Shares) -> None:
        """From *at* on the requests go so; what was foreseen for later is forgotten."""
        self._served = [*(each for each in self._served if each[0] < at), (at, shares)]
        self._sums.clear()

    def count(self, version: str | None, start: float, end: float) -> tuple[int, int]:
        """(bad, all) of the requests in ``[start, end)`` that *version* answered, or anybody did."""
        versions = [version] if version else sorted({name for _, shares in self._served for name in shares})
        counted = [self._of(each).between(start, end) for each in versions]
        return sum(bad for bad, _ in counted), sum(every for _, every in counted)

    def _of(self, version: str) -> "_Sums":
        if version not in self._sums:
            self._sums[version] = self._add_up(version)
        return self._sums[version]

    def _add_up(self, version: str) -> "_Sums":
        edges = {at for at, _ in self._served} | {
            edge for each in self.faults for edge in (each.start, each.end)
        }
        sums = _Sums([LONG_AGO], [0.0], [0.0], [], [])
        for at in sorted(edge for edge in edges if edge > LONG_AGO):
            sums.until(at, *self._rates(version, sums.times[-1]))
        sums.for_ever(*self._rates(version, sums.times[-1]))
        return sums

    def _rates(self, version: str, at: float) -> tuple[float, float]:
        """Bad and all requests a second, from *at* on."""
        shares = next((shares for since, shares in reversed(self._served) if since <= at), {})
        every = self.rate * shares.get(version, 0.0)
        faults = sum(
            each.fails
            for each in self.faults
            if each.start <= at < each.end and each.version in {None, version}
        )
        return every * min(1.0, self.usual.get(version, 0.0) + faults), every


@dataclass
class _Sums:
    """All requests up to each moment at which something changed, and how many a second come after it."""

    times: list[float]
    bad: list[float]
    every: list[float]
    bad_rates: list[float]
    rates: list[float]

    def until(self, at: float, bad_rate: float, rate: float) -> None:
        lasting = at - self.times[-1]
        self.for_ever(bad_rate, rate)
        self.times.append(at)
        self.bad.append(self.bad[-1] + bad_rate * lasting)
        self.every.append(self.every[-1] + rate * lasting)

    def for_ever(self, bad_rate: float, rate: float) -> None:
        self.bad_rates.append(bad_rate)
        self.rates.append(rate)

    def between(self, start: float, end: float) -> tuple[int, int]:
        (bad, every), (bad_before, every_before) = self._up_to(end), self._up_to(start)
        return bad - bad_before, every - every_before

    def _up_to(self, at: float) -> tuple[int, int]:
        piece = bisect_right(self.times, at) - 1
        lasting = at - self.times[piece]
        bad = self.bad[piece] + self.bad_rates[piece] * lasting
        every = self.every[piece] + self.rates[piece] * lasting
        return floor(bad + 1e-6), floor(every + 1e-6)  # a request that is nearly there is there
