"""What is usual at a time of day: the past of an indicator, and the most that it makes acceptable.

From `SEASONED` days on, each half hour of the day (UTC) has a rate of its own, from that half hour and its neighbours on
all days: from as many as there can be before it is worse than they are. From less, the whole past has one rate. One day
that stands out in a half hour is an outage, and no part of what is usual.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import inf, log, sqrt
from typing import NamedTuple, overload

from rules.brief import Spell
from rules.objectives.dispersion import Block

SLOT = timedelta(minutes=30)
SLOTS = 48  # a day
DAY = timedelta(days=1)
SEASONED = 3  # days; from fewer a half hour's rate is that of one or two mornings
_REACH = (3, 1, 0)  # neighbours on either side, the most first: seasons are smooth, jobs at night are not
_WORSE = log(1e3)  # nats: a half hour is worse than those around it, and no accident
_STANDS_OUT = 3.0  # times the rate of the other days
_BEYOND_CHANCE = log(1e4)  # nats: of a week's half hours, none stands out by chance
_EPOCH = datetime.fromtimestamp(0, UTC)
_STEPS = 8  # Newton's, from above
_CLOSE = 1e-9  # where counts are so large, the first guess is as near as a float can tell
_NONE = 1e-9  # bad ones; extrapolation leaves such crumbs


class Span(NamedTuple):
    """What was counted in ``[start, end)``, of all releases together; or of a gauge, its *value*."""

    start: datetime
    end: datetime
    requests: float
    bad: float
    value: float | None = None

    @property
    def middle(self) -> datetime:
        """By which it belongs to a time of day."""
        return self.start + (self.end - self.start) / 2


@dataclass(frozen=True, slots=True)
class Past(Sequence[Block]):
    """The past of one series, oldest first; where only counts matter it is a sequence of (requests, bad)."""

    spans: tuple[Span, ...] = ()

    @overload
    def __getitem__(self, place: int) -> Block: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Block]: ...
    def __getitem__(self, place: int | slice) -> Block | Sequence[Block]:
        """One block, or several."""
        if isinstance(place, slice):
            return [(span.requests, span.bad) for span in self.spans[place]]
        return self.spans[place].requests, self.spans[place].bad

    def __iter__(self) -> Iterator[Block]:
        """The blocks, oldest first."""
        return ((span.requests, span.bad) for span in self.spans)

    def __len__(self) -> int:
        """How many buckets came."""
        return len(self.spans)

    def since(self, moment: datetime) -> "Past":
        """Only what began at *moment* or later."""
        if not self.spans or self.spans[0].start >= moment:
            return self
        return Past(tuple(span for span in self.spans if span.start >= moment))

    def without(self, spells: Sequence[Spell]) -> "Past":
        """Only what touches none of *spells*."""
        if not spells:
            return self
        return Past(tuple(span for span in self.spans if not any(_touches(each, span) for each in spells)))

    @property
    def lasted(self) -> timedelta:
        """How long it was measured, with traffic; holes do not count."""
        return sum((span.end - span.start for span in self.spans if span.requests > 0), timedelta(0))

    def coarse(self, length: timedelta) -> "Past":
        """The same in spans of at least *length* (on the calendar), where it is finer."""
        found: list[Span] = []
        border = _EPOCH
        for span in self.spans:
            if found and span.end <= border:
                last = found[-1]
                found[-1] = Span(last.start, span.end, last.requests + span.requests, last.bad + span.bad)
            else:
                found.append(span)
                border = _begins(span.start, length) + length
        return Past(tuple(found))


def _touches(spell: Spell, span: Span) -> bool:
    since, until = spell
    return span.end > since and (until is None or span.start < until)


def slot_of(moment: datetime) -> int:
    """Which half hour of the day (UTC) *moment* is in: 0..47."""
    return ((moment - _EPOCH) % DAY) // SLOT


def _begins(moment: datetime, length: timedelta) -> datetime:
    """When the stretch of the calendar began that *moment* is in; they are all of this *length*."""
    return moment - (moment - _EPOCH) % length


class Season:
    """The past by day and half hour.

    Args:
        past: What was counted.
        until: When it ended; days are counted back from there.
        clump: The largest number of errors that one cause makes.
    """

    def __init__(self, past: Past, until: datetime, clump: float) -> None:
        self._clump = clump
        self._days: dict[int, list[list[float]]] = {}
        counted, begins, ends = [0.0, 0.0], _EPOCH, _EPOCH
        for span in past.spans:
            if span.end > ends or span.start < begins:
                counted, begins, ends = self._half_hour(span, until)
            counted[0] += span.requests
            counted[1] += span.bad
        self.by_time_of_day = past.lasted >= SEASONED * DAY
        self._known: dict[tuple[int, int | None], Block] = {}
        self._by_day: dict[range, dict[int, Block]] = {}

    def _half_hour(self, span: Span, until: datetime) -> tuple[list[float], datetime, datetime]:
        """What is counted of the half hour of the day that *span* belongs to; from when to when all belongs there."""
        number, begins = (until - span.end) // DAY, _begins(span.middle, SLOT)
        day = self._days.setdefault(number, [[0.0, 0.0] for _ in range(SLOTS)])
        ends = until - number * DAY  # of the day, which is counted back and need not begin with a half hour
        return day[slot_of(begins)], begins, min(begins + SLOT, ends)

    def usual(self, slot: int, without: int | None = None) -> Block:
        """Requests and bad from which the rate of a half hour is known; *without* one day (0 is the newest)."""
        key = (slot if self.by_time_of_day else 0, without)
        if key not in self._known:
            self._known[key] = self._counted(*key)
        return self._known[key]

    def _counted(self, slot: int, without: int | None) -> Block:
        if not self.by_time_of_day:
            return _sum(self._days_of(range(SLOTS), without))
        own = self._around(slot, 0, without)
        around = [self._around(slot, reach, without) for reach in _REACH]
        return next(
            (block for block in around if self._surprise(own, block) <= _WORSE * self._clump), around[-1]
        )

    def _around(self, slot: int, reach: int, without: int | None) -> Block:
        slots = range(slot - reach, slot + reach + 1)
        return self._without_outage(self._days_of(slots, without))

    def _days_of(self, slots: range, without: int | None) -> list[Block]:
        """What each day counted in these half hours (of the day before and after, where they reach over midnight)."""
        if slots not in self._by_day:
            of_day = [slot % SLOTS for slot in slots]
            self._by_day[slots] = {
                number: (sum([day[each][0] for each in of_day]), sum([day[each][1] for each in of_day]))
                for number, day in self._days.items()
            }
        return [block for number, block in self._by_day[slots].items() if number != without]

    def _without_outage(self, days: Sequence[Block]) -> Block:
        requests, bad = _sum(days)
        worst = max(days, key=lambda day: day[1] / day[0] if day[0] > 0 else 0.0, default=(0.0, 0.0))
        others = requests - worst[0], bad - worst[1]
        if others[0] <= 0 or worst[1] <= 0:
            return requests, bad
        others = others[0], others[1] + self._clump  # none was ever bad: one may have been
        stands_out = worst[1] / worst[0] > _STANDS_OUT * others[1] / others[0]
        if stands_out and self._surprise(worst, others) > _BEYOND_CHANCE * self._clump:
            return others
        return requests, bad

    def _surprise(self, some: Block, usual: Block) -> float:
        """By how many nats *some* are worse than *usual* explains."""
        if some[1] <= 0 or usual[0] <= 0 or usual[1] <= 0:
            return 0.0
        expected = max(some[0] * usual[1] / usual[0], _NONE)  # of no request none can be expected
        return some[1] * log(some[1] / expected) - (some[1] - expected) if some[1] > expected else 0.0

    def at_most(self, slot: int, chance: float, without: int | None = None) -> float:
        """The rate of a half hour is above this with a probability of at most *chance*; ∞ if nothing was counted."""
        requests, bad = self.usual(slot, without)
        return highest(bad / self._clump, requests / self._clump, chance)


def _sum(days: Sequence[Block]) -> Block:
    return sum(day[0] for day in days), sum(day[1] for day in days)


def highest(bad: float, requests: float, chance: float) -> float:
    """The smallest rate beside which *bad* or fewer of *requests* have at most the probability *chance*.

    By Chernoff's bound: the u above bad / requests with requests * u - bad - bad log(requests * u / bad) = log(1 / chance).
    It holds for shares too, and for clumps once the counts are divided by the largest.
    """
    enough = log(1 / chance)
    if requests <= 0:
        return inf
    if bad < _NONE:
        return enough / requests
    goal = enough / bad
    times = 1 + sqrt(2 * goal) + goal  # above the solution: the steps come down to it
    for _ in range(_STEPS if goal > _CLOSE else 0):
        times -= (times - 1 - log(times) - goal) / (1 - 1 / times)
    return times * bad / requests
