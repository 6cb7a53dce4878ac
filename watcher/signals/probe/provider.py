"""The provider: which checks a question needs, and what they came to."""

import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta

from pydantic import BaseModel, ValidationError

from rules.model import Indicator
from rules.model import Kind as IndicatorKind
from rules.sample import Invalid, Reading, Unavailable, Who
from watcher.signals.arms import ArmUnnamed, filled, filled_all
from watcher.signals.probe.check import Check, Reason, Seen
from watcher.signals.probe.count import Arm, read
from watcher.signals.probe.query import Query, parsed
from watcher.signals.provider import Kind, Opening, Provider, Question, Window
from watcher.signals.sampling import Pace, Sampler, Track, real_pace

# A probe that times out with the usual 2 s is done by then. One that may take longer is counted a beat later.
SETTLE = timedelta(milliseconds=2500)


class Probe:
    """Answers from what its probes came to; asks nobody while it is asked.

    Attributes:
        failures: How many probes failed, by reason, since the start.
    """

    def __init__(self, sampler: Sampler[Seen], opening: Opening) -> None:
        self._sampler = sampler
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
        tracks = [self._track(url, own) for url in own.addresses]
        expected = None if version is None else filled(version.equals, names)
        return Arm([track for track in tracks if track], expected) if all(tracks) else None

    def _track(self, url: str, query: Query) -> Track[Seen] | None:
        alone = query.model_copy(update={"url": url, "urls": None})
        return self._sampler.follow(repr(alone), query.every, lambda: self._check(url, alone))

    def _check(self, url: str, query: Query) -> Check:
        return Check(url, query, self._opening.http, self._opening.now, self._count)

    def _count(self, reason: Reason) -> None:
        self.failures[reason] += 1
        self._opening.metrics.probe_failures.labels(reason.value).inc()


@contextlib.asynccontextmanager
async def open_probe(
    _settings: BaseModel | None, opening: Opening, pace: Pace | None = None
) -> AsyncIterator[Provider]:
    """The provider, probing until it is closed. *pace* is the clock's, unless a test brings its own."""
    async with Sampler[Seen].open(pace or real_pace(opening.now, opening.monotonic)) as sampler:
        yield Probe(sampler, opening)


def bucket(indicator: Indicator) -> timedelta:
    """Length of a bucket: the beat of the query."""
    return parsed(indicator.query).every


KIND = Kind(
    query=Query,
    fits=frozenset({IndicatorKind.PROBE}),
    bucket=bucket,
    settle=SETTLE,
    open=open_probe,
    looks_itself=True,
)
