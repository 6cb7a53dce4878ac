"""The provider: which checks a question needs, and what they came to."""

import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta

from pydantic import BaseModel, ValidationError

from rules.model import Indicator
from rules.model import Kind as IndicatorKind
from rules.sample import Invalid, Reading, Unavailable, Who
from watcher.signals.arms import ArmUnnamed, filled, filled_all
from watcher.signals.discovery import EVERY, LAG, Discovery, Life, TasksAt, needs_account, placed
from watcher.signals.probe.check import Check, Probed, Reason, Seen
from watcher.signals.probe.count import Arm, Span, read
from watcher.signals.probe.query import Query, parsed
from watcher.signals.provider import Kind, Opening, Provider, Question, Window
from watcher.signals.sampling import Pace, Sampler, Track, real_pace

# A probe that times out with the usual 2 s is done by then. One that may take longer is counted a beat later.
SETTLE = timedelta(milliseconds=2500)


# A probe of a task that was found is counted once ECS has told whether the task was to answer: asked every 15 s, and 5 s late.
SETTLE_FOUND = SETTLE + EVERY + LAG


class Probe:
    """Answers from what its probes came to; asks nobody while it is asked.

    Attributes:
        failures: How many probes failed, by reason, since the start.
    """

    def __init__(self, sampler: Sampler[Seen], discovery: Discovery[Seen], opening: Opening) -> None:
        self._sampler = sampler
        self._discovery = discovery
        self._opening = opening
        self.failures: Counter[Reason] = Counter()

    async def read(self, questions: Sequence[Question], window: Window) -> Mapping[str, Reading]:
        """What all *questions* came to in *window*. The first time, probing begins."""
        return {question.id: self._read(question, window) for question in questions}

    def _read(self, question: Question, window: Window) -> Reading:
        query = parsed(question.indicator.query)
        compared = question.baseline if question.indicator.compares_arms else None
        try:
            canary = self._arm(query, question.indicator.query, question.canary)
            baseline = None if compared is None else self._arm(query, question.indicator.query, compared)
        except ArmUnnamed as unnamed:
            return Invalid(Who.AUTHOR, f"{unnamed}: {unnamed.remedy}")
        except ValidationError as error:
            return Invalid(Who.AUTHOR, f"with the release's names filled in: {error.errors()[0]['msg']}")
        if canary is None or (compared is not None and baseline is None):
            return Unavailable(Who.OPERATOR, "too many addresses are probed already")
        after = max(window.start, question.since or window.start)
        return read(question.indicator.id, canary, baseline, self._sampler.tracks, after, window.end)

    def _arm(self, query: Query, text: str, names: Mapping[str, str]) -> Arm | None:
        version, written = query.expect.version, json.loads(text)
        if version is not None:  # whose answer it is, is asked when it is counted: one probe serves both arms
            written["expect"]["version"]["equals"] = "-"
        own = Query.model_validate(filled_all(written, names))
        expected = None if version is None else filled(version.equals, names)
        if query.discover is not None:
            return self._found(query.discover.ecs_tasks, own, names, expected)
        tracks = [self._track(url, own) for url in own.addresses]
        followed = [track for track in tracks if track]
        return Arm(followed, expected, own.start_takes) if len(followed) == len(tracks) else None

    def _found(self, where: TasksAt, query: Query, names: Mapping[str, str], expected: str | None) -> Arm:
        """The tasks that run, or ran not long ago."""

        def check(url: str, _born: datetime | None) -> Check:
            return self._check(url, query.model_copy(update={"url": url, "discover": None}))

        alone = repr(query.model_copy(update={"discover": None}))
        found = self._discovery.find(where, query.account or "", names, query.every, alone, check)
        spans = {id(life.track): _span(life, query.start_takes) for life in found.lives}
        return Arm(found.tracks, expected, query.start_takes, spans, found.until, found.trouble)

    def _track(self, url: str, query: Query) -> Track[Seen] | None:
        alone = query.model_copy(update={"url": url, "urls": None})
        return self._sampler.follow(repr(alone), query.every, lambda: self._check(url, alone))

    def _check(self, url: str, query: Query) -> Check:
        return Check(url, query, self._opening.http, self._opening.now, self._count)

    def _count(self, reason: Reason) -> None:
        self.failures[reason] += 1
        self._opening.metrics.probe_failures.labels(reason.value).inc()


def _span(life: Life[Seen], grace: timedelta) -> Span:
    well = (
        beat.end for beat in life.track.beats if isinstance(beat.seen, Probed) and beat.seen.reason is None
    )
    late = (life.member.task.started or life.member.task.created) + grace
    return Span(min(next(well, late), late), life.member.ended)


@contextlib.asynccontextmanager
async def open_probe(
    _settings: BaseModel | None, opening: Opening, pace: Pace | None = None
) -> AsyncIterator[Provider]:
    """The provider, probing until it is closed. *pace* is the clock's, unless a test brings its own."""
    pace = pace or real_pace(opening.now, opening.monotonic)
    async with (
        Sampler[Seen].open(pace) as sampler,
        Discovery[Seen].open(sampler, opening, pace) as discovery,
    ):
        yield Probe(sampler, discovery, opening)


def bucket(indicator: Indicator) -> timedelta:
    """Length of a bucket: the beat of the query."""
    return parsed(indicator.query).every


def settle(indicator: Indicator) -> timedelta:
    """How long after its end a bucket is final."""
    return SETTLE if parsed(indicator.query).discover is None else SETTLE_FOUND


KIND = Kind(
    query=Query,
    fits=frozenset({IndicatorKind.PROBE}),
    bucket=bucket,
    settle=SETTLE,
    settles=settle,
    open=open_probe,
    looks_itself=True,
    needs_account=needs_account,
    placed=placed,
)
