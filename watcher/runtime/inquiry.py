"""Asks the providers: once a provider for all that is due, each with a deadline of its own, so that one that hangs delays nobody."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import structlog

from rules.model import Indicator
from rules.sample import Reading, Unavailable, Who
from watcher.signals.provider import Kind, Provider, Question, Window
from watcher.telemetry.metrics import Metrics

PATIENCE = timedelta(
    seconds=6
)  # below the lease's margin: a round has to end while the watches are still ours
_EPOCH = datetime.fromtimestamp(0, UTC)
_NOWHERE = (timedelta(minutes=1), timedelta(0))  # the beat of what cannot be read: somebody has to look
log = structlog.stdlib.get_logger("rollbackd.inquiry")
_Key = tuple[str, timedelta, timedelta]  # a connection, the length of its buckets, and when they are final


@dataclass(frozen=True, slots=True)
class Connected:
    """An open connection to a provider."""

    kind: Kind
    provider: Provider


Providers = Mapping[str, Connected]  # by the connection's name; a kind that needs no connection by its own


def connection_of(indicator: Indicator) -> str:
    """The name under which an indicator's provider is open."""
    return indicator.connection or indicator.provider


@dataclass
class _Batch:
    """What one provider is asked at once, and what it answered."""

    key: _Key
    questions: Sequence[Question]
    window: Window
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    readings: Mapping[str, Reading] = field(default_factory=dict)

    @property
    def connection(self) -> str:
        """By its name."""
        return self.key[0]


_BatchOf = Callable[[_Key, Sequence[Question]], _Batch | None]


class Asked:
    """Questions that were asked: each is answered when its provider answers, and not when the slowest does.

    Attributes:
        reads: What has to be done so that answers come, by connection and bucket: for `Boundary.each`.
    """

    def __init__(
        self,
        batches: Iterable[_Batch],
        reads: Mapping[str, Coroutine[None, None, None]],
        known: Mapping[str, Reading],
    ) -> None:
        self._batches = {question.id: batch for batch in batches for question in batch.questions}
        self.reads = reads
        self._known = known

    async def to(self, questions: Iterable[Question]) -> dict[str, Reading]:
        """The readings of *questions*, by their indicators, once all of them are answered. One that is not due has none."""
        readings: dict[str, Reading] = {}
        for question in questions:
            reading = await self._to(question)
            if reading is not None:
                readings[question.indicator.id] = reading
        return readings

    async def _to(self, question: Question) -> Reading | None:
        batch = self._batches.get(question.id)
        if batch is None:
            return self._known.get(question.id)
        await batch.answered.wait()
        return batch.readings.get(question.id)


@dataclass(frozen=True, slots=True)
class Inquiry:
    """Reads indicators, batched.

    A connection that is not there any more, though a watch that lives still needs it, can be read by nobody: that is an
    answer like any other.
    """

    providers: Providers
    metrics: Metrics
    _away: dict[_Key, int] = field(default_factory=dict)  # what is not answered, and for how many reads

    def beat(self, indicator: Indicator) -> tuple[timedelta, timedelta]:
        """How long a bucket of *indicator* is, and how long after its end it is final."""
        connected = self.providers.get(connection_of(indicator))
        if connected is None:
            return _NOWHERE
        return connected.kind.bucket(indicator), connected.kind.settle_of(indicator)

    def looks_itself(self, indicator: Indicator) -> bool:
        """Its provider knows only what it has seen itself, from when it was first asked."""
        connected = self.providers.get(connection_of(indicator))
        return connected is not None and connected.kind.looks_itself

    def ask(self, questions: Sequence[Question], now: datetime) -> Asked:
        """Ask for what is final by *now* and newer than what is known."""
        return self._asked(questions, lambda key, batch: self._what_is_due(key, batch, now))

    def recall(self, questions: Sequence[Question], since: datetime, until: datetime, now: datetime) -> Asked:
        """Ask for all of ``[since, until)``: a history."""

        def whole(key: _Key, batch: Sequence[Question]) -> _Batch:
            window = Window(_floor(since, key[1]), _floor(until, key[1]), now + PATIENCE)
            return _Batch(key, [replace(question, since=since) for question in batch], window)

        return self._asked(questions, whole)

    def _asked(self, questions: Sequence[Question], batch_of: _BatchOf) -> Asked:
        together: dict[_Key, list[Question]] = {}
        nobody: dict[str, Reading] = {}
        for question in questions:
            connection = connection_of(question.indicator)
            if connection in self.providers:
                together.setdefault((connection, *self.beat(question.indicator)), []).append(question)
            else:
                nobody[question.id] = _no_connection(connection)
        found = {key: batch_of(key, asked) for key, asked in together.items()}
        batches = {key: batch for key, batch in found.items() if batch is not None}
        reads = {
            f"{connection} every {bucket}, final after {settle}": self._read(
                batches[connection, bucket, settle]
            )
            for connection, bucket, settle in batches
        }
        return Asked(batches.values(), reads, nobody)

    def _what_is_due(self, key: _Key, questions: Sequence[Question], now: datetime) -> _Batch | None:
        connection, bucket, settle = key
        # Who is told may know more than when it was last asked, at any time.
        told = self.providers[connection].kind.pushed is not None
        end = now - settle if told else _floor(now - settle, bucket)
        due = [question for question in questions if question.since is None or question.since < end]
        if not due:
            return None
        start = min(question.since or end - bucket for question in due)
        return _Batch(key, due, Window(_floor(start, bucket), end, now + PATIENCE))

    async def _read(self, batch: _Batch) -> None:
        """Ask one provider. Whatever becomes of it: those who wait for the answer get one."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        batch.readings = _silent(batch, f"{batch.connection} could not be asked; the log says why")
        try:
            async with asyncio.timeout(PATIENCE.total_seconds()):
                read = self.providers[batch.connection].provider.read
                batch.readings = dict(await read(batch.questions, batch.window))
        except TimeoutError:
            words = f"{batch.connection} gave no answer within {PATIENCE.total_seconds():.0f} s"
            batch.readings = _silent(batch, words)
        finally:
            batch.answered.set()
            self._measure(batch, loop.time() - began)
            self._say_whether_it_answers(batch)

    def _say_whether_it_answers(self, batch: _Batch) -> None:
        """That a connection cannot be asked is said once a grid, and then that it can. What one question lacks is its rule's to say."""
        readings = list(batch.readings.values())
        silent = [reading for reading in readings if isinstance(reading, Unavailable)]
        if readings and len(silent) == len(readings):
            reads = self._away[batch.key] = self._away.get(batch.key, 0) + 1
            if reads == 1:
                said = silent[0]
                log.warning(
                    "signal.unavailable", connection=batch.connection, who=said.who.value, words=said.words
                )
        elif readings and (reads := self._away.pop(batch.key, 0)):
            log.info("signal.recovered", connection=batch.connection, reads=reads)

    def _measure(self, batch: _Batch, seconds: float) -> None:
        self.metrics.query_seconds.labels(batch.connection).observe(seconds)
        for result, many in Counter(_result(reading) for reading in batch.readings.values()).items():
            self.metrics.queries.labels(batch.connection, result).inc(many)
        newest = _newest(batch.readings.values())
        if newest is not None:
            age = batch.window.deadline - PATIENCE - newest
            self.metrics.data_age.labels(batch.connection).set(age.total_seconds())


def _floor(moment: datetime, bucket: timedelta) -> datetime:
    return _EPOCH + (moment - _EPOCH) // bucket * bucket


def _newest(readings: Iterable[Reading]) -> datetime | None:
    """The end of the newest bucket among *readings*."""
    series = (each for reading in readings if isinstance(reading, tuple) for each in reading)
    return max((each.buckets[-1].end for each in series if each.buckets), default=None)


def _silent(batch: _Batch, words: str) -> dict[str, Reading]:
    return dict.fromkeys((question.id for question in batch.questions), Unavailable(Who.PROVIDER, words))


def _no_connection(name: str) -> Reading:
    return Unavailable(Who.OPERATOR, f"no connection is called {name} any more")


def _result(reading: Reading) -> str:
    return "counts" if isinstance(reading, tuple) else type(reading).__name__.lower()
