"""The provider: which pages a question needs, and what was seen on them."""

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from pydantic import BaseModel

from rules.model import Indicator
from rules.model import Kind as IndicatorKind
from rules.sample import Invalid, Reading, Unavailable, Who
from watcher.signals.arms import ArmUnnamed, filled
from watcher.signals.discovery import Discovery, TasksAt, needs_account, placed
from watcher.signals.provider import Kind, Opening, Provider, Question, Window
from watcher.signals.sampling import Pace, Sampler, real_pace
from watcher.signals.scrape.count import Arm, Span, read
from watcher.signals.scrape.endpoint import Endpoint, Seen
from watcher.signals.scrape.query import Query, mistake, parsed

MOST_ASKED = 4096  # questions whose beginning is remembered; beyond, mistakes are found five minutes later
LONGEST_LOOK = timedelta(seconds=5)
SETTLE = timedelta(
    seconds=1
)  # a look begins at most 0.4 s after its boundary, and a page is read in milliseconds


class Scrape:
    """Answers from what its looks have seen; asks nobody while it is asked."""

    def __init__(self, sampler: Sampler[Seen], discovery: Discovery[Seen], opening: Opening) -> None:
        self._sampler = sampler
        self._discovery = discovery
        self._opening = opening
        self._asked: dict[tuple[str, frozenset[tuple[str, str]]], datetime] = {}

    async def read(self, questions: Sequence[Question], window: Window) -> Mapping[str, Reading]:
        """What was seen of all *questions* in *window*. The first time, looking begins."""
        return {question.id: self._read(question, window) for question in questions}

    def _read(self, question: Question, window: Window) -> Reading:
        wrong = mistake(question.indicator)
        if wrong is not None:
            return Invalid(Who.AUTHOR, f"{wrong[0]}: {wrong[1]}")
        query = parsed(question.indicator.query)
        try:
            canary = self._arm(query, question.canary)
            baseline = None if question.baseline is None else self._arm(query, question.baseline)
        except ArmUnnamed as unnamed:
            return Invalid(Who.AUTHOR, f"{unnamed}: {unnamed.remedy}")
        if canary is None or (question.baseline is not None and baseline is None):
            return Unavailable(Who.OPERATOR, "too many endpoints are scraped already")
        if canary.trouble is not None and not (canary.pages or (baseline and baseline.pages)):
            return canary.trouble
        beside = baseline if question.indicator.compares_arms else None
        after = max(window.start, question.since or window.start)
        return read(question.indicator, canary, beside, Span(after, window.end, self._first_asked(question)))

    def _first_asked(self, question: Question) -> datetime:
        """Since when this is asked of this release: pages may have been looked at for long, about another one."""
        if len(self._asked) > MOST_ASKED:
            self._asked.clear()
        key = question.indicator.query, frozenset(question.canary.items())
        return self._asked.setdefault(key, self._opening.now())

    def _arm(self, query: Query, names: Mapping[str, str]) -> Arm | None:
        for matcher in (*query.where.values(), *(query.bad or {}).values()):
            filled(matcher if isinstance(matcher, str) else matcher.not_, names)
        found = query.discover
        arm = self._found(found.ecs_tasks, query, names) if found else self._named(query, names)
        for track in arm.pages if arm else ():
            if isinstance(track.subject, Endpoint):
                (track.subject.gauges if query.gauge else track.subject.counters).add(query.metric)
        return arm

    def _named(self, query: Query, names: Mapping[str, str]) -> Arm | None:
        """The pages that the query names; ``None`` if there are too many."""
        urls = [filled(url, names) for url in query.addresses]
        tracks = [self._sampler.follow(url, query.every, partial(self._endpoint, query, url)) for url in urls]
        return Arm([track for track in tracks if track], query, names) if all(tracks) else None

    def _found(self, where: TasksAt, query: Query, names: Mapping[str, str]) -> Arm:
        """The pages of the tasks that run, or ran not long ago."""
        found = self._discovery.find(
            where, query.account or "", names, query.every, "page", partial(self._endpoint, query)
        )
        return Arm(found.tracks, query, names, found.trouble)

    def _endpoint(self, query: Query, url: str, born: datetime | None = None) -> Endpoint:
        timeout = min(query.every / 2, LONGEST_LOOK)
        return Endpoint(url, timeout, self._opening.http, self._opening.now, born)


@contextlib.asynccontextmanager
async def open_scrape(
    _settings: BaseModel | None, opening: Opening, pace: Pace | None = None
) -> AsyncIterator[Provider]:
    """The provider, looking until it is closed. *pace* is the clock's, unless a test brings its own."""
    pace = pace or real_pace(opening.now, opening.monotonic, opening.until)
    async with (
        Sampler[Seen].open(pace) as sampler,
        Discovery[Seen].open(sampler, opening, pace) as discovery,
    ):
        yield Scrape(sampler, discovery, opening)


def bucket(indicator: Indicator) -> timedelta:
    """Length of a bucket: the beat of the query."""
    return parsed(indicator.query).every


KIND = Kind(
    query=Query,
    fits=frozenset({IndicatorKind.RATIO, IndicatorKind.LATENCY, IndicatorKind.REQUESTS, IndicatorKind.VALUE}),
    bucket=bucket,
    settle=SETTLE,
    open=open_scrape,
    mistake=mistake,
    looks_itself=True,
    needs_account=needs_account,
    placed=placed,
)
