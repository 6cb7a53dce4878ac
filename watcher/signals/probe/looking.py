"""The provider of all kinds of probes: which a question needs, and what they came to. A kind brings its `Way`."""

import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from rules.sample import Invalid, Reading, Unavailable, Who
from watcher.signals.arms import ArmUnnamed, filled, filled_all
from watcher.signals.discovery import EVERY, LAG, Discovery, Life, TasksAt
from watcher.signals.probe.check import Probed, Reason, Seen
from watcher.signals.probe.count import Arm, Span, looked, read
from watcher.signals.probe.query import Probes
from watcher.signals.provider import Looked, Opening, Provider, Question, Window
from watcher.signals.sampling import Pace, Sampler, Subject, Track, real_pace

Q = TypeVar("Q", bound=Probes)
Begin = Callable[[str, Q, Opening, Callable[[Reason], None]], Subject[Seen]]

# A probe of a task that was found is counted once ECS has told whether the task was to answer: asked every 15 s, and 5 s late.
LATER_FOUND = EVERY + LAG
# What is minded when probes are counted: two who differ in it alone share them.
_WEIGHED_LATER: Mapping[str, Any] = {"times": 1, "quorum": None, "grace": None}
SPREAD = timedelta(milliseconds=500)  # a look may begin so late, so that not all begin at once


@dataclass(frozen=True, slots=True)
class Way(Generic[Q]):
    """How one kind probes.

    Attributes:
        parsed: The query in the text of an indicator.
        release: What the answers call a release, as the query writes it; ``None`` where it does not ask.
        anonymous: The query as it is written, for whichever release answers: whose an answer is, is asked when it is
            counted, so that one probe serves both arms.
        begin: What looks at one address.
    """

    parsed: Callable[[str], Q]
    release: Callable[[Q], str | None]
    anonymous: Callable[[dict[str, Any]], dict[str, Any]]
    begin: Begin[Q]


class Probe(Generic[Q]):
    """Answers from what its probes came to; asks nobody while it is asked.

    Attributes:
        failures: How many probes failed, by reason, since the start.
    """

    def __init__(
        self, way: Way[Q], sampler: Sampler[Seen], discovery: Discovery[Seen], opening: Opening
    ) -> None:
        self._way = way
        self._sampler = sampler
        self._discovery = discovery
        self._opening = opening
        self.failures: Counter[Reason] = Counter()

    async def read(self, questions: Sequence[Question], window: Window) -> Mapping[str, Reading]:
        """What all *questions* came to in *window*. The first time, probing begins."""
        return {question.id: self._read(question, window) for question in questions}

    def looked(self, question: Question, end: datetime) -> Sequence[Looked]:
        """What was counted for the release under watch in the bucket that ends at *end*; nothing of what cannot be asked."""
        query = self._way.parsed(question.indicator.query)
        try:
            arm = self._arm(query, question.indicator.query, question.canary)
        except (ArmUnnamed, ValidationError):  # which the reading says
            return ()
        return () if arm is None else looked(arm, self._sampler.tracks, end)

    def _read(self, question: Question, window: Window) -> Reading:
        query = self._way.parsed(question.indicator.query)
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
        return read(
            question.indicator.id,
            canary,
            baseline,
            self._sampler.tracks,
            after,
            window.end,
            query.quorum,
        )

    def _arm(self, query: Q, text: str, names: Mapping[str, str]) -> Arm | None:
        release = self._way.release(query)
        expected = None if release is None else filled(release, names)
        own = type(query).model_validate(filled_all(self._way.anonymous(json.loads(text)), names))
        if query.discover is not None:
            return self._found(query.discover.ecs_tasks, own, names, expected)
        tracks = [self._track(url, own, nth) for url in own.addresses for nth in range(own.times)]
        followed = [track for track in tracks if track]
        return Arm(followed, expected, own.start_takes) if len(followed) == len(tracks) else None

    def _found(self, where: TasksAt, query: Q, names: Mapping[str, str], expected: str | None) -> Arm:
        """The tasks that run, or ran not long ago."""

        def begin(url: str, _born: datetime | None) -> Subject[Seen]:
            return self._begin(url, query.model_copy(update={"url": url, "discover": None}))

        alone = repr(query.model_copy(update={"discover": None, **_WEIGHED_LATER}))
        account, every = query.account or "", query.every
        found = [
            self._discovery.find(where, account, names, every, f"{alone} {nth}", begin)
            for nth in range(query.times)
        ]
        spans = {id(life.track): _span(life, query.start_takes) for each in found for life in each.lives}
        tracks = [track for each in found for track in each.tracks]
        return Arm(tracks, expected, query.start_takes, spans, found[0].until, found[0].trouble)

    def _track(self, url: str, query: Q, nth: int) -> Track[Seen] | None:
        alone = query.model_copy(update={"url": url, "urls": None, **_WEIGHED_LATER})
        return self._sampler.follow((repr(alone), nth), query.every, lambda: self._begin(url, alone))

    def _begin(self, url: str, query: Q) -> Subject[Seen]:
        return self._way.begin(url, query, self._opening, self._count)

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
async def looking(way: Way[Q], opening: Opening, pace: Pace | None = None) -> AsyncIterator[Provider]:
    """The provider, probing until it is closed. *pace* is the clock's, unless a test brings its own."""
    pace = pace or real_pace(opening.now, opening.monotonic, opening.until)
    async with (
        Sampler[Seen].open(pace) as sampler,
        Discovery[Seen].open(sampler, opening, pace) as discovery,
    ):
        yield Probe(way, sampler, discovery, opening)
