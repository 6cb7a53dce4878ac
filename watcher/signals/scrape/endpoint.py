"""One page that is scraped again and again, and what its counters counted between two looks.

A counter says how many since its process began, so what counts is the difference to the look before:

* A value below the one before: the counter began again from 0, and what it says now is all new. The buckets of one
  histogram begin again together.
* A series that was not there before, on a page that was: it was born at 0 since, and what it says now is all new. So the
  first errors of a new release are seen. (A series that was away for a while is not new: its last value is remembered.)
* A page seen for the first time says nothing yet, unless its process began after we last tried to see it, or it is of a
  task that is known from its beginning (`born`).
* Another process than before, born in between: all that it says is new. Another one that is older: several answer at one
  address, and no difference means anything.

How old a process is comes from ``process_start_time_seconds`` and the ``Date`` of the same answer: both are its own
clock, so that ours need not agree with it.
"""

import email.utils
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from rules.sample import Invalid, NoData, Unavailable, Who
from watcher.http import Answer, Fault, Http, HttpRefused, Request
from watcher.signals.late import were_late
from watcher.signals.scrape.page import MOST_SERIES, Labels, NotAPage, Page, read_page

ACCEPT = "text/plain;version=0.0.4;q=1, application/openmetrics-text;version=1.0.0;q=0.5"
PAGES = frozenset({"", "text/plain", "application/openmetrics-text"})
SAME = 1.0  # seconds within which two beginnings of a process are one
Series = Mapping[str, Mapping[Labels, float]]  # by name and labels
Trouble = NoData | Unavailable | Invalid


@dataclass(frozen=True, slots=True)
class Scraped:
    """What one look saw.

    Attributes:
        since: The boundary that the increments count from; ``None`` where this look is only a reference.
        increments: What each counter counted since, by name; names that were not looked for before are missing.
        values: What it said now; kept for gauges alone.
        broken: Names that cannot be used, and why.
        missing: Names that were looked for and are not on the page.
        names: What is on it instead, if something is missing.
        words: Why it is only a reference.
    """

    since: datetime | None
    increments: Series = field(default_factory=dict)
    values: Series = field(default_factory=dict)
    broken: Mapping[str, str] = field(default_factory=dict)
    missing: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    words: str = ""


Seen = Scraped | Trouble


@dataclass(frozen=True, slots=True)
class _Reference:
    """What the next look is compared with."""

    boundary: datetime
    taken: datetime
    values: Series
    looked_for: frozenset[str]
    started: float | None


class Endpoint:
    """One page of metrics.

    Attributes:
        counters: The names that somebody asked for; they only grow. `gauges` likewise.
        born: A boundary before which nothing was counted there; ``None`` where nobody knows.
    """

    def __init__(
        self,
        url: str,
        timeout: timedelta,
        http: Http,
        now: Callable[[], datetime],
        born: datetime | None = None,
    ) -> None:
        self.url = url
        self.born = born
        self.counters: set[str] = set()
        self.gauges: set[str] = set()
        # A connection of its own each time: one that is kept may lead to a process that is on its way out.
        self._request = Request(
            "scrape", url, headers={"Accept": ACCEPT}, timeout=timeout, far=Who.SERVICE, fresh=True
        )
        self._http = http
        self._now = now
        self._before: _Reference | None = None
        self._since_birth = born
        self._tried: tuple[datetime, datetime] | None = (
            None  # boundary and moment of the last look that failed
        )
        self._known: dict[Labels, Labels] = {}

    async def look(self, at: datetime) -> Seen:
        """Read the page. One request, within the timeout."""
        moment = self._now()
        try:
            answer = await self._http.fetch(self._request)
            page = read_page(_text(answer), frozenset(self.counters | self.gauges))
        except HttpRefused as refused:
            self._tried = (at, moment)
            return _trouble(refused)
        except NotAPage as error:
            return Invalid(Who.AUTHOR, f"{self._request.origin}: {error}")
        return self._compared(page, at, _age(page, answer, self._now()))

    def begin_anew(self) -> None:
        """What was seen is no reference any more."""
        self._before = self._tried = self._since_birth = None

    def weight(self, seen: object) -> int:
        """How many numbers *seen* holds."""
        if not isinstance(seen, Scraped):
            return 0
        return sum(map(len, (*seen.increments.values(), *seen.values.values())))

    def _compared(self, page: Page, at: datetime, age: timedelta | None) -> Scraped:
        moment, before = self._now(), self._before
        samples = {name: self._interned(page.samples.get(name, {})) for name in sorted(page.looked_for)}
        counters = {name: samples[name] for name in samples if name in self.counters}
        since, words = self._since(page, moment, age)
        if before is None or since is None or _other_process(before, page):
            increments = counters
            remembered: Series = counters
        else:
            increments = {
                n: grown(before.values.get(n, {}), now)
                for n, now in counters.items()
                if n in before.looked_for
            }
            remembered = {name: _together(before.values.get(name, {}), now) for name, now in counters.items()}
        self._before = _Reference(at, moment, remembered, page.looked_for, page.started)
        gauges = {name: samples[name] for name in samples if name in self.gauges}
        broken = {**page.broken, **_below_zero(counters)}
        missing = page.looked_for - page.samples.keys() - broken.keys()
        return Scraped(since, increments if since else {}, gauges, broken, missing, page.names, words)

    def _since(self, page: Page, moment: datetime, age: timedelta | None) -> tuple[datetime | None, str]:
        """The boundary from which on everything is counted, or why there is none."""
        before = self._before
        if before is not None and not _other_process(before, page):
            return before.boundary, ""
        if before is None and self._since_birth is not None:
            return self._since_birth, ""
        last = (before.boundary, before.taken) if before is not None else self._tried
        if last is not None and age is not None and age <= moment - last[1]:
            return last[0], ""
        if before is None:
            return None, "seen for the first time; counting begins"
        return None, "several processes answer at one address in turn: name the page of each"

    def _interned(self, values: Mapping[Labels, float]) -> dict[Labels, float]:
        if len(self._known) > 4 * MOST_SERIES:
            self._known.clear()
        return {self._known.setdefault(labels, labels): value for labels, value in values.items()}


def grown(before: Mapping[Labels, float], now: Mapping[Labels, float]) -> dict[Labels, float]:
    """What each series counted since *before*: new ones and those that began again count from 0."""
    again = {_group(labels) for labels, value in now.items() if value < before.get(labels, 0.0)}
    return {
        labels: value if _group(labels) in again else value - before.get(labels, 0.0)
        for labels, value in now.items()
    }


def _below_zero(counters: Series) -> dict[str, str]:
    return {
        name: f"{name} is below 0, which no counter can be"
        for name, values in counters.items()
        if min(values.values(), default=0.0) < 0
    }


def _group(labels: Labels) -> Labels:
    """The series without its bucket: the buckets of one histogram are one process's."""
    return tuple(pair for pair in labels if pair[0] != "le")


def _together(before: Mapping[Labels, float], now: Mapping[Labels, float]) -> Mapping[Labels, float]:
    """The newest value of each series, also of one that is not there now; unless they come and go without end."""
    if before.keys() <= now.keys() or len(before) > 2 * MOST_SERIES:
        return now
    return {**before, **now}


def _other_process(before: _Reference, page: Page) -> bool:
    if before.started is None or page.started is None:
        return False
    return abs(page.started - before.started) > SAME


def _age(page: Page, answer: Answer, now: datetime) -> timedelta | None:
    """How long the process had been running when it answered, by its own clock where it tells the time."""
    if page.started is None:
        return None
    try:
        told = email.utils.parsedate_to_datetime(answer.headers.get("date", ""))
    except (ValueError, OverflowError):
        told = now
    told = told if told.tzinfo else told.replace(tzinfo=UTC)
    return timedelta(seconds=min(max(told.timestamp() - page.started, 0.0), 1e9))


def _text(answer: Answer) -> str:
    if answer.media_type not in PAGES:
        raise NotAPage(f"{answer.media_type[:40]!r}, not metrics in text")
    return answer.body.decode("utf-8", "replace")


_NO_PAGE = (
    "correct the url in the rule file: something answers there, and has no page of metrics at that path"
)


def _trouble(refused: HttpRefused) -> Trouble:
    if refused.late:
        return were_late(refused.late)
    if refused.fault in {Fault.BAD_URL, Fault.TOO_LARGE} or refused.who is Who.AUTHOR:
        return Invalid(refused.who, refused.words, _NO_PAGE if refused.fault is Fault.STATUS else "")
    return Unavailable(refused.who, refused.words, refused.retry_at, refused.way)
