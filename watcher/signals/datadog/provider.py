"""The provider: questions to calls, and their answers to readings."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict

from deploy.model import Finding, Level
from rules.duration import duration_text
from rules.model import Indicator
from rules.sample import Invalid, NoData, Reading, Who
from watcher.signals.arms import ArmUnnamed
from watcher.signals.budget import Budget
from watcher.signals.datadog import count, names
from watcher.signals.datadog.answer import Failed, Row, Timeseries, Trouble
from watcher.signals.datadog.count import Asked
from watcher.signals.datadog.fetch import SCOPE, TIMESERIES, Fetch, Grid, body_of
from watcher.signals.datadog.limits import Limits
from watcher.signals.datadog.monitors import Monitor, Monitors, reading, wanted_tags
from watcher.signals.datadog.plan import Call, Family, Part, Unit, arm_of, planned
from watcher.signals.datadog.query import FITS, MINUTE, Query, bucket, mistake, parsed
from watcher.signals.datadog.server import Server
from watcher.signals.datadog.settings import SETTLE, Settings
from watcher.signals.doubts import Doubts, heard
from watcher.signals.provider import Kind, Opening, Provider, Question, Spending, Window
from watcher.signals.remedies import remedy_of

MARGIN = timedelta(milliseconds=500)  # before the deadline, so that what came is not lost with what did not
LOOK = timedelta(seconds=3)
NOTICED = timedelta(seconds=5)  # of a clock that is wrong
VALIDATE = "/api/v1/validate"


class Datadog:
    """One connection."""

    def __init__(self, server: Server, now: Callable[[], datetime], monotonic: Callable[[], float]) -> None:
        self._server = server
        self._now = now
        self._fetch = Fetch(server, now, monotonic)
        self._monitors = Monitors(server, now)
        self._doubts = Doubts(now)

    async def read(self, questions: Sequence[Question], window: Window) -> Mapping[str, Reading]:
        """All *questions* over *window*, in as few calls as may be; a fault touches what it was asked with alone."""
        readings: dict[str, Reading] = {}
        states: list[Question] = []
        asked: dict[str, Asked] = {}
        for question in questions:
            prepared = self._prepared(question, window)
            if isinstance(prepared, Asked):
                asked[question.id] = prepared
            elif prepared is None:
                states.append(question)
            else:
                readings[question.id] = prepared
        async with asyncio.TaskGroup() as tasks:
            counted = tasks.create_task(self._counted(asked, questions, window))
            stated = tasks.create_task(self._stated(states, window))
        return readings | counted.result() | stated.result()

    def _prepared(self, question: Question, window: Window) -> Asked | Reading | None:
        """What has to be asked of metrics; ``None``: of monitors; or why nothing can be asked."""
        indicator, settings = question.indicator, self._server.settings
        wrong = mistake(indicator)
        if wrong is not None:
            return Invalid(Who.AUTHOR, f"{wrong[0]}: {wrong[1]}")
        query = parsed(indicator.query)
        beside = question.baseline if indicator.compares_arms else None
        try:
            if query.monitors is not None:
                wanted_tags(query, question.canary)
                return None
            canary = arm_of(indicator, query, question.canary)
            baseline = () if beside is None else arm_of(indicator, query, beside)
        except ArmUnnamed as unnamed:
            return Invalid(Who.AUTHOR, f"{unnamed}: {unnamed.remedy}")
        if query.bucket < settings.flush:
            return Invalid(
                Who.AUTHOR,
                f"a bucket of {duration_text(query.bucket)} may have no point in it, for metrics are sent every "
                f"{duration_text(settings.flush)}: write `bucket: 1m`, or the connection's true `flush`",
            )
        return Asked(
            indicator,
            canary,
            # Datadog keeps tags in lower case: two names may be one tag, and what is counted then is of both.
            baseline if baseline != canary else (),
            query.bucket,
            max(window.start, question.since or window.start),
            window.end,
            self._now() - settings.settle,
        )

    # --------------------------------------------------------------------------------------------------------- metrics

    async def _counted(
        self, asked: Mapping[str, Asked], questions: Sequence[Question], window: Window
    ) -> dict[str, Reading]:
        found: dict[Unit, Sequence[Row] | Trouble] = {}
        for length in sorted({each.bucket for each in asked.values()}):
            units = [unit for each in asked.values() if each.bucket == length for unit in each.units]
            grid = Grid.of(window.start, window.end, length)
            found |= await self._fetch.all(units, grid, window.deadline - self._now() - MARGIN)
        readings = {name: count.read(each, found) for name, each in asked.items()}
        keys = {
            question.id: (question.indicator.query, frozenset(question.canary.items()))
            for question in questions
            if question.id in asked
        }
        silent = {
            name: key
            for name, key in keys.items()
            if isinstance(readings[name], NoData) and count.is_silent(asked[name], found)
        }
        meant = {key: asked[name] for name, key in silent.items()}
        return readings | await self._doubts.of(
            silent,
            heard(keys, silent, readings),
            lambda key: self._unknown(meant[key]),
            lambda: window.deadline - self._now() > LOOK + MARGIN,
        )

    async def _unknown(self, asked: Asked) -> str | None:
        return await names.unknown(self._server, asked.indicator, asked.canary, self._now(), LOOK)

    # -------------------------------------------------------------------------------------------------------- monitors

    async def _stated(self, questions: Sequence[Question], window: Window) -> dict[str, Reading]:
        queries = {question.id: parsed(question.indicator.query) for question in questions}
        ids = {number for query in queries.values() for number in query.monitors or ()}
        patience = window.deadline - self._now() - MARGIN
        read = await self._monitors.read(ids, window.end, patience) if ids else {}
        readings: dict[str, Reading] = {}
        for question in questions:
            query = queries[question.id]
            each = [read[number] for number in dict.fromkeys(query.monitors or ())]
            faults = [one for one in each if not isinstance(one, Monitor)]
            readings[question.id] = (
                faults[0]
                if faults
                else reading(
                    question.indicator.id,
                    query,
                    [one for one in each if isinstance(one, Monitor)],
                    wanted_tags(query, question.canary),
                    max(window.start, question.since or window.start),
                    window.end,
                    self._now(),
                )
            )
        return readings

    # ---------------------------------------------------------------------------------------------------------- doctor

    async def unknown(self, indicator: Indicator, arm: Mapping[str, str]) -> str | None:
        """What Datadog does not know of what *indicator* asks for; ``None``: all is there, or nobody says."""
        query = parsed(indicator.query)
        for number in query.monitors or ():
            told = await self._monitors.ask(number, LOOK)
            if isinstance(told, Invalid):
                return told.words
        if query.monitors is not None:
            return None
        try:
            wanted = arm_of(indicator, query, arm)
        except ArmUnnamed as unnamed:
            return f"{unnamed}: {unnamed.remedy}"
        unknown = await names.unknown(self._server, indicator, wanted, self._now(), LOOK)
        return unknown or await names.misspelt(self._server, wanted, LOOK)

    def spends(self, questions: Sequence[Question], window: Window) -> Sequence[Spending]:
        """Of metrics, by their own limit; and a call for each monitor."""
        prepared = [(each, self._prepared(each, window)) for each in questions]
        calls = planned(unit for _, one in prepared if isinstance(one, Asked) for unit in one.units)
        states = (each for each, one in prepared if one is None)
        monitors = {number for each in states for number in parsed(each.indicator.query).monitors or ()}
        limit = self._server.limits.of(TIMESERIES)
        found = (Spending(len(calls), limit.name, limit.allowed, limit.period), Spending(len(monitors)))
        return [each for each in found if each.calls]

    async def examine(self) -> Sequence[Finding]:
        """Is the key of this site, may the application key ask for metrics, how often, and is our clock right?"""
        server = self._server
        valid = await server.get(VALIDATE, {}, _Valid, "", LOOK)
        if isinstance(valid, Failed):
            return [Finding(Level.FAIL, valid.trouble.words, remedy_of(valid.trouble, _REMEDIES))]
        findings = [Finding(Level.OK, f"{server.where} knows the API key")]
        family = Family("avg", "datadog.estimated_usage.hosts", (), (), "", MINUTE)
        call = Call((Part(family, (Unit(family),)),))
        grid = Grid.of(self._now() - 5 * MINUTE, self._now(), MINUTE)
        asked = await server.post(TIMESERIES, body_of(call, grid), Timeseries, SCOPE, LOOK)
        if isinstance(asked, Failed):
            return [*findings, Finding(Level.FAIL, asked.trouble.words, remedy_of(asked.trouble, _REMEDIES))]
        left = "".join(f"; {words}" for words in server.limits.left())
        findings.append(Finding(Level.OK, f"the application key may ask for metrics ({SCOPE}){left}"))
        if server.skew is not None and abs(server.skew) > NOTICED:
            findings.append(Finding(Level.WARN, server.skew_words, "synchronise the clock of this machine"))
        return findings


class _Valid(BaseModel):
    model_config = ConfigDict(extra="ignore")

    valid: Literal[True]


_REMEDIES = {
    Who.OPERATOR: "correct the connection: its site, its two keys, the scopes of the application key; or the clock of this machine",
    Who.AUTHOR: "is `site` right, or `url`?",
    Who.PROVIDER: "try again",
    Who.SERVICE: "try again",
}


@contextlib.asynccontextmanager
async def open_datadog(settings: BaseModel | None, opening: Opening) -> AsyncIterator[Provider]:
    """The provider of one connection. Nothing is asked yet. Connections with one key share its limits."""
    if not isinstance(settings, Settings):
        raise TypeError("a connection to Datadog needs its settings")
    key = ("datadog", settings.base, settings.api_key)
    limits = opening.shared(key, lambda: Limits(opening.now))
    budget = Budget(opening.metrics, "datadog", opening.connection)
    yield Datadog(Server(settings, opening.http, opening.now, limits, budget), opening.now, opening.monotonic)


def settle(settings: BaseModel | None) -> timedelta:
    """How long after its end a bucket of a connection is final."""
    return settings.settle if isinstance(settings, Settings) else SETTLE


KIND = Kind(
    query=Query,
    fits=FITS,
    bucket=bucket,
    settle=SETTLE,
    settles_at=settle,
    open=open_datadog,
    settings=Settings,
    mistake=mistake,
)
