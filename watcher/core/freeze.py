"""Freezes: spans of time in which no deployment passes the gate. The safety net stays on all the while.

Somebody orders one (`Freeze`), or the configuration says that it comes again (`Window`). Pure: a time zone is a value here.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

ALL = "*"
LONGEST = timedelta(days=62)  # a freeze that is meant for longer is a window of the configuration
_WEEK = 7
_LINKED = 64  # freezes that follow on each other without a gap: more than anybody writes


@dataclass(frozen=True, slots=True)
class Freeze:
    """What somebody ordered. A service or an environment that is ``*`` is any.

    Attributes:
        start: From then on, inclusive.
        end: Until then, exclusive.
    """

    id: str
    service: str
    environment: str
    by: str
    reason: str
    start: datetime
    end: datetime

    def covers(self, service: str, environment: str) -> bool:
        """It is of this service."""
        return self.service in {service, ALL} and self.environment in {environment, ALL}


@dataclass(frozen=True, slots=True)
class Weekly:
    """From one moment of the week (0: Monday) to another, by the clock on the wall."""

    start_day: int
    start: time
    end_day: int
    end: time


@dataclass(frozen=True, slots=True)
class Window:
    """A freeze that comes again.

    Attributes:
        zone: By whose clocks its times are meant.
        dates: Whole days.
    """

    name: str
    reason: str
    zone: tzinfo
    weekly: tuple[Weekly, ...] = ()
    dates: frozenset[date] = frozenset()


@dataclass(frozen=True, slots=True)
class Frozen:
    """Why nothing passes at a moment, and until when: what follows without a gap is one.

    Attributes:
        by: A person; or ``window:NAME``.
        start: When the first of them began.
    """

    by: str
    reason: str
    start: datetime
    until: datetime


def frozen(
    freezes: Iterable[Freeze], windows: Iterable[Window], service: str, environment: str, now: datetime
) -> Frozen | None:
    """What keeps a service from being deployed *now*; ``None``: nothing does."""
    spans = sorted(
        (
            *(
                Frozen(each.by, each.reason, each.start, each.end)
                for each in freezes
                if each.covers(service, environment)
            ),
            *(span for window in windows for span in around(window, now)),
        ),
        key=lambda span: (span.start, span.until, span.by),
    )
    holding = [span for span in spans if span.start <= now < span.until]
    if not holding:
        return None
    first = max(holding, key=lambda span: span.until)
    until = first.until
    for _ in range(_LINKED):
        further = max((span.until for span in spans if span.start <= until < span.until), default=until)
        if further == until:
            break
        until = further
    return Frozen(first.by, first.reason, first.start, until)


def around(window: Window, now: datetime) -> Iterator[Frozen]:
    """The spans of *window* that are about *now*: those of this week, of the one before and of the next two."""
    today = now.astimezone(window.zone).date()
    days = [today + timedelta(days=many) for many in range(-2 * _WEEK, 2 * _WEEK + 1)]
    for weekly in window.weekly:
        lasts = (weekly.end_day - weekly.start_day) % _WEEK
        if not lasts and weekly.end <= weekly.start:
            lasts = _WEEK
        for day in days:
            if day.weekday() == weekly.start_day:
                start = _at(day, weekly.start, window.zone, min)
                yield _span(window, start, _at(day + timedelta(days=lasts), weekly.end, window.zone, max))
    for day in sorted(window.dates.intersection(days)):
        midnight = time()
        yield _span(
            window,
            _at(day, midnight, window.zone, min),
            _at(day + timedelta(days=1), midnight, window.zone, max),
        )


def _at(day: date, clock: time, zone: tzinfo, which: Callable[[list[datetime]], datetime]) -> datetime:
    """That moment, as the start of a span or its end. Where clocks are changed just then, it is the longer span."""
    either = [datetime.combine(day, clock.replace(fold=fold), zone).astimezone(UTC) for fold in (0, 1)]
    return which(either)


def _span(window: Window, start: datetime, end: datetime) -> Frozen:
    return Frozen(f"window:{window.name}", window.reason, start, end)
