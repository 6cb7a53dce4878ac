"""The provider: what sidecars told a question's service, summed over their instances."""

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta

from pydantic import BaseModel

from rules.model import Indicator
from rules.model import Kind as IndicatorKind
from rules.sample import Invalid, Reading, Unavailable, Who
from watcher.core.relayed import KEPT, Relayed
from watcher.signals.arms import ArmUnnamed, filled
from watcher.signals.provider import AskRelayed, Kind, Opening, Provider, Question, Window
from watcher.signals.relay.count import Asked, read
from watcher.signals.relay.query import Query, mistake, parsed

# A sidecar reads a page a second after its boundary, looks once a second for what to tell, and tells it then.
SETTLE = timedelta(seconds=3)
Whose = tuple[str, str]


class Summing:
    """Answers from the store; asks no sidecar anything."""

    def __init__(self, ask: AskRelayed, opening: Opening) -> None:
        self._ask = ask
        self._now = opening.now

    async def read(self, questions: Sequence[Question], window: Window) -> Mapping[str, Reading]:
        """What was told of all *questions*: once a service for all of its indicators."""
        now = self._now()
        after = {each.id: max(window.start, each.since or window.start, now - KEPT) for each in questions}
        told = {
            service: await self._told(
                service, [each for each in questions if each.of == service], after, window.end, now
            )
            for service in dict.fromkeys(each.of for each in questions)
            if service is not None
        }
        return {each.id: _read(each, told, after[each.id], now) for each in questions}

    async def _told(
        self,
        service: Whose,
        questions: Sequence[Question],
        after: Mapping[str, datetime],
        until: datetime,
        now: datetime,
    ) -> Relayed:
        # From a bucket earlier on, for where the first one begins.
        since = min(after[each.id] - bucket(each.indicator) for each in questions)
        indicators = {each.indicator.id for each in questions}
        return await self._ask(*service, indicators, since, until, now)


def _read(question: Question, told: Mapping[Whose, Relayed], after: datetime, now: datetime) -> Reading:
    wrong = mistake(question.indicator)
    if wrong is not None:
        return Invalid(Who.AUTHOR, f"{wrong[0]}: {wrong[1]}")
    if question.of is None:
        return Unavailable(Who.OPERATOR, "what sidecars tell is known to the daemon that they tell it")
    query = parsed(question.indicator.query)
    compared = question.baseline if question.indicator.compares_arms else None
    try:
        canary = _names(query, question.canary)
        baseline = None if compared is None else _names(query, compared)
    except ArmUnnamed as unnamed:
        return Invalid(Who.AUTHOR, f"{unnamed}: {unnamed.remedy}")
    every = bucket(question.indicator)
    asked = Asked(question.indicator, canary, baseline, every, SETTLE, after, now, "/".join(question.of))
    return read(asked, _of(told[question.of], question.indicator.id))


def _of(told: Relayed, indicator: str) -> Relayed:
    return Relayed(told.instances, tuple(each for each in told.sums if each.indicator == indicator))


def _names(query: Query, arm: Mapping[str, str]) -> Mapping[str, str]:
    return {system: filled(name, arm) for system, name in query.where.items()}


@contextlib.asynccontextmanager
async def open_relay(_settings: BaseModel | None, opening: Opening) -> AsyncIterator[Provider]:
    """The provider; where there is no store to ask, nobody was heard."""

    async def nobody(*_asked: object) -> Relayed:
        return Relayed()

    yield Summing(opening.relayed or nobody, opening)


def bucket(indicator: Indicator) -> timedelta:
    """Length of a bucket: the beat of what a sidecar reads."""
    return parsed(indicator.query).inside.every


KIND = Kind(
    query=Query,
    fits=frozenset({IndicatorKind.RATIO, IndicatorKind.LATENCY, IndicatorKind.REQUESTS, IndicatorKind.PROBE}),
    bucket=bucket,
    settle=SETTLE,
    open=open_relay,
    mistake=mistake,
    looks_itself=True,
)
