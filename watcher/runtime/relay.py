"""A sidecar's one loop of its own: reads its task, and tells the central daemon what it counted. Nothing is judged here.

What was read waits until the central daemon has taken it, and is sent again until then: each sample is known there by the
instance and its bucket, so that nothing is counted twice. The queue is bounded; the oldest is dropped, and that is said.
"""

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from rules.model import Indicator
from rules.sample import Counts, Reading, Series
from watcher.core.relayed import KEPT, MOST_SAMPLES, Counted, Sample, Trouble
from watcher.core.service import Service
from watcher.runtime.central import Accepted, Identity, Refused, Unnamed
from watcher.runtime.inquiry import Asked, Inquiry
from watcher.runtime.rounds import Boundary, Loop
from watcher.runtime.untold import Key, Marked, Untold
from watcher.signals.provider import Question
from watcher.signals.relay.query import inner, mark
from watcher.telemetry.metrics import Metrics

RELAY = "relay"
SPEAKS_UP = 10.0  # seconds: so often it says that it lives, though it has nothing to tell
AT_ONCE = 20  # tellings in one round, so that reading is not kept waiting by what was missed
LONGEST_PAUSE = 30.0  # seconds between two tries
LONGEST_WAIT = timedelta(minutes=1)  # that the central daemon may ask for
WORDS = 200  # characters of why something cannot be read
log = structlog.stdlib.get_logger("rollbackd.relay")


class Tells(Protocol):
    """The central daemon."""

    async def tell(
        self,
        key: Key,
        who: Identity,
        samples: Sequence[Marked],
        troubles: Mapping[str, Trouble],
        now: datetime,
        *,
        leaves: bool = False,
    ) -> Accepted | Refused:
        """See `Central`."""


@dataclass(frozen=True, slots=True)
class _Subject:
    """One indicator that this sidecar reads, as the rule file has it and as it is asked here."""

    key: Key
    relayed: Indicator
    read: Indicator

    @property
    def id(self) -> str:
        return f"{'/'.join(self.key)}/{self.relayed.id}"


@dataclass
class Relay:
    """What goes round.

    Attributes:
        services: That are configured now.
        identify: Says who this is; asked until it is known.
    """

    services: Callable[[], Mapping[Key, Service]]
    inquiry: Inquiry
    central: Tells
    identify: Callable[[], Awaitable[Identity | Unnamed]]
    metrics: Metrics
    boundary: Boundary
    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    untold: Untold = field(default_factory=Untold)
    _who: Identity | None = field(default=None, init=False)
    _since: dict[str, datetime] = field(default_factory=dict, init=False)
    _troubles: dict[Key, dict[str, Trouble]] = field(default_factory=dict, init=False)
    _told_at: dict[Key, float] = field(default_factory=dict, init=False)
    # In a row, and when it is tried again; of no service: to find out who this is.
    _failures: dict[Key | None, int] = field(default_factory=dict, init=False)
    _again_at: dict[Key | None, float] = field(default_factory=dict, init=False)
    _said: dict[str, object] = field(default_factory=dict, init=False)

    async def go_round(self) -> bool:
        """Read what is new, and tell it. Never raises for the central daemon: it is told again later."""
        await self._read(self.now())
        self._drop(self.now())
        await self._tell()
        self.metrics.relay_waiting.set(len(self.untold))
        return False

    async def leave(self) -> None:
        """Tell what is left, and that this is the end. One try: whoever stops this process does not wait."""
        if self._who is None:
            return
        for key in self._keys():
            if not await self._leave(key, self._who):
                return

    async def _leave(self, key: Key, who: Identity) -> bool:
        """``False``: it was not heard, and nothing more will be."""
        leaves = False
        while not leaves:
            samples = self.untold.first(key, MOST_SAMPLES)
            leaves = len(samples) == self.untold.many(key)
            outcome = await self.central.tell(key, who, samples, {}, self.now(), leaves=leaves)
            if isinstance(outcome, Refused):
                log.warning("relay.left_untold", samples=len(self.untold), words=outcome.words)
                return False
            self._accepted(key, samples, outcome)
        return True

    # -- reading

    async def _read(self, now: datetime) -> None:
        subjects = list(self._subjects())
        questions = {
            each.id: Question(
                each.id, each.read, {}, None, self._since.setdefault(each.id, now - KEPT), each.key
            )
            for each in subjects
        }
        asked = self.inquiry.ask(list(questions.values()), now)
        await self.boundary.each(asked.reads)
        for each in subjects:
            await self._take_in(each, questions[each.id], asked)

    async def _take_in(self, subject: _Subject, question: Question, asked: Asked) -> None:
        reading = (await asked.to([question])).get(subject.relayed.id)
        if reading is None:
            return
        troubles = self._troubles.setdefault(subject.key, {})
        samples = sorted(_samples(subject.relayed.id, reading), key=lambda sample: sample.end)
        if samples:
            troubles.pop(subject.relayed.id, None)
            self._since[subject.id] = samples[-1].end
            self.untold.add(subject.key, [Marked(each, mark(subject.relayed)) for each in samples])
        elif not isinstance(reading, tuple):
            trouble = Trouble.of(reading)
            troubles[subject.relayed.id] = replace(trouble, words=_clean(trouble.words))

    def _subjects(self) -> Iterator[_Subject]:
        for key, service in self.services().items():
            for indicator in service.policy.rules.indicators:
                if indicator.provider == RELAY:
                    yield _Subject(key, indicator, inner(indicator))

    def _keys(self) -> list[Key]:
        return list(dict.fromkeys(subject.key for subject in self._subjects()))

    def _drop(self, now: datetime) -> None:
        dropped = self.untold.drop(now)
        if dropped:
            self.metrics.relay_samples.labels("dropped").inc(dropped)
            if self._is_news("dropped", "once"):
                log.warning("samples.dropped", many=dropped)

    # -- telling

    async def _tell(self) -> None:
        who = await self._identity()
        if who is None:
            return
        left = AT_ONCE
        for key in self._keys():  # what is refused of one service keeps no other back
            while left and self._may_try(key) and self._has_news(key):
                left -= 1
                await self._tell_some(key, who)

    def _may_try(self, key: Key | None) -> bool:
        return self.monotonic() >= self._again_at.get(key, 0.0)

    async def _identity(self) -> Identity | None:
        if self._who is None and self._may_try(None):
            who = await self.identify()
            if isinstance(who, Unnamed):
                self._failed(None, who.words, None)
                return None
            self._who = who
            log.info("relay.named", instance=who.instance, names=dict(who.names))
        return self._who

    def _has_news(self, key: Key) -> bool:
        heard = self._told_at.get(key)
        return bool(self.untold.first(key, 1)) or heard is None or self.monotonic() - heard >= SPEAKS_UP

    async def _tell_some(self, key: Key, who: Identity) -> None:
        samples = self.untold.first(key, MOST_SAMPLES)
        outcome = await self.central.tell(key, who, samples, self._troubles.get(key, {}), self.now())
        if isinstance(outcome, Accepted):
            self._accepted(key, samples, outcome)
            return
        if outcome.for_good:
            self.untold.taken(key, len(samples))
            self.metrics.relay_samples.labels("refused").inc(len(samples))
        self._failed(key, outcome.words, outcome.retry_at)

    def _accepted(self, key: Key, samples: Sequence[Marked], outcome: Accepted) -> None:
        self.untold.taken(key, len(samples))
        self._told_at[key] = self.monotonic()
        self.metrics.relay_told_at.set(self.now().timestamp())
        self.metrics.relay_samples.labels("told").inc(outcome.new + outcome.known)
        self.metrics.relay_samples.labels("refused").inc(max(len(samples) - outcome.new - outcome.known, 0))
        failures = self._failures.pop(key, 0) + self._failures.pop(None, 0)
        if failures:
            log.info("relay.recovered", failures=failures)
            for subject in (_failing(key), _failing(None), "dropped", _unasked(key)):
                self._said.pop(subject, None)
        if self._is_news(_unasked(key), tuple(outcome.unasked)) and outcome.unasked:
            log.warning("samples.unasked", why=outcome.unasked)

    def _failed(self, key: Key | None, words: str, retry_at: datetime | None) -> None:
        """Try again later: sooner at first, and not all sidecars in the same moment."""
        self._failures[key] = failures = self._failures.get(key, 0) + 1
        phase = (zlib.crc32((self._who.instance if self._who else "").encode()) % 1000) / 1000
        pause = min(LONGEST_PAUSE, 2.0 ** min(failures, 10)) * (0.5 + phase / 2)
        if retry_at is not None:
            asked = min(retry_at - self.now(), LONGEST_WAIT).total_seconds()
            pause = max(pause, asked)
        self._again_at[key] = self.monotonic() + pause
        if self._is_news(_failing(key), words):
            log.warning("relay.failed", words=words, waiting=len(self.untold))

    def _is_news(self, subject: str, what: object) -> bool:
        """It was not said before, or something else was."""
        before = self._said.get(subject)
        self._said[subject] = what
        return before != what


@dataclass(frozen=True, slots=True)
class Relaying:
    """The loop, which at its end says so, so that nobody waits for this instance."""

    loop: Loop
    relay: Relay

    @property
    def name(self) -> str:
        """For the log."""
        return self.loop.name

    async def run(self, stop: asyncio.Event) -> None:
        """See `Runs`."""
        await self.loop.run(stop)
        await self.relay.leave()


def _samples(indicator: str, reading: Reading) -> Iterator[Sample]:
    """What was counted, bucket by bucket; of a latency with all of its bounds."""
    counted: dict[tuple[datetime, datetime], list[Counted]] = {}
    for series in reading if isinstance(reading, tuple) else ():
        for span, of_bound in _counts(series):
            counted.setdefault(span, []).append(of_bound)
    for (start, end), counts in counted.items():
        yield Sample(indicator, start, end, tuple(counts))


def _counts(series: Series) -> Iterator[tuple[tuple[datetime, datetime], Counted]]:
    for bucket in series.buckets:
        if isinstance(bucket.canary, Counts) and not bucket.incomplete:
            counted = Counted(bucket.canary.bad, bucket.canary.total, series.bound)
            yield (bucket.start, bucket.end), counted


def _failing(key: Key | None) -> str:
    return f"failed {key}"


def _unasked(key: Key) -> str:
    return f"unasked {key}"


def _clean(words: str) -> str:
    """In one line, of signs that can be read."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in words).split())[:WORDS]
