"""A signal system in virtual time: it counts the requests of the world on a grid of buckets, and has its bad days."""

import asyncio
import json
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import BaseModel

from rules.model import Indicator
from rules.model import Kind as IndicatorKind
from rules.sample import Bucket, Counts, Invalid, NoData, Reading, Series, Unavailable, Who
from tests.scenarios.traffic import Traffic
from watcher.runtime.inquiry import Connected
from watcher.signals.provider import Kind, Question, Window

ANSWERS_IN = 0.2  # seconds for a call
SETTLE = timedelta(seconds=10)

Trouble = Literal["hangs", "unavailable", "invalid", "no data", "nan", "late", "raises"]


@dataclass(frozen=True, slots=True)
class Dark:
    """From *start* until *end* (seconds) the system answers so about one service, or about all."""

    trouble: Trouble
    start: float
    end: float
    service: str | None = None


@dataclass
class Signals:
    """A provider. A query says the service, and how long a bucket is: ``{"of": "checkout", "every": 60}``.

    Attributes:
        asked: When it was asked, and about what: the ids of the questions of each call.
    """

    traffic: Mapping[str, Traffic]
    time: Callable[[], float]
    epoch: datetime
    dark: Sequence[Dark] = ()
    asked: list[tuple[float, list[str]]] = field(default_factory=list)

    async def read(self, questions: Sequence[Question], window: Window) -> Mapping[str, Reading]:
        now = self.time()
        self.asked.append((now, [question.id for question in questions]))
        troubles = {question.id: self._trouble(question, now) for question in questions}
        if "raises" in troubles.values():
            raise RuntimeError("a bug of the provider")
        await (asyncio.Event().wait() if "hangs" in troubles.values() else asyncio.sleep(ANSWERS_IN))
        return {question.id: self._reading(question, window, troubles[question.id]) for question in questions}

    def _trouble(self, question: Question, now: float) -> Trouble | None:
        service = _query(question.indicator)["of"]
        found = (
            each for each in self.dark if each.start <= now < each.end and each.service in {None, service}
        )
        return next((each.trouble for each in found), None)

    def _reading(self, question: Question, window: Window, trouble: Trouble | None) -> Reading:
        match trouble:
            case "unavailable":
                return Unavailable(Who.PROVIDER, "HTTP 503")
            case "invalid":
                return Invalid(Who.AUTHOR, "several series where one was expected")
            case "no data":
                return NoData("no series")
            case _:
                pass
        every = bucket(question.indicator)
        start, end = window.start, window.end
        if question.since is not None and question.since > start:
            start += (
                (question.since - start) // every * every
            )  # its buckets lie on its grid, wherever one asks from
        if trouble == "late":
            end -= timedelta(minutes=2)
        starts = [start + every * number for number in range(max(0, (end - start) // every))]
        buckets = tuple(self._bucket(question, each, each + every, trouble) for each in starts)
        return (Series(question.indicator.id, buckets),) if buckets else NoData("nothing is final yet")

    def _bucket(self, question: Question, start: datetime, end: datetime, trouble: Trouble | None) -> Bucket:
        compares = question.indicator.compares_arms

        def counted(names: Mapping[str, str]) -> Counts:
            if trouble == "nan":
                return Counts(math.nan, math.nan)
            traffic = self.traffic[_query(question.indicator)["of"]]
            version = names["version"] if compares else None
            return Counts(*map(float, traffic.count(version, self._seconds(start), self._seconds(end))))

        beside = counted(question.baseline) if question.baseline is not None else None
        return Bucket(start, end, counted(question.canary), beside)

    def _seconds(self, at: datetime) -> float:
        return (at - self.epoch).total_seconds()


def _query(indicator: Indicator) -> Mapping[str, Any]:
    query: Mapping[str, Any] = json.loads(indicator.query)
    return query


def bucket(indicator: Indicator) -> timedelta:
    return timedelta(seconds=_query(indicator)["every"])


def _not_opened(*_: object) -> AbstractAsyncContextManager[Any]:
    return nullcontext()


KIND = Kind(
    query=BaseModel,
    fits=frozenset({IndicatorKind.RATIO}),
    bucket=bucket,
    settle=SETTLE,
    open=_not_opened,
)


def connected(signals: Signals) -> Connected:
    return Connected(KIND, signals)
