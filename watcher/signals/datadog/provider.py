"""The provider: questions to calls, and their answers to readings."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict

from deploy.model import About, Finding, Level
from rules.duration import duration_text
from rules.errors import Malformed
from rules.model import Indicator
from rules.model import Kind as IndicatorKind
from rules.sample import Invalid, NoData, Reading, Unavailable, Who
from watcher.signals import clocks
from watcher.signals.arms import ArmUnnamed
from watcher.signals.budget import Budget
from watcher.signals.datadog import count, names, scalar, slo_history
from watcher.signals.datadog.answer import Failed, Row, Trouble
from watcher.signals.datadog.count import Asked
from watcher.signals.datadog.fetch import SCOPE, TIMESERIES, Fetch, Grid
from watcher.signals.datadog.limits import Limit, Limits
from watcher.signals.datadog.monitors import Monitor, Monitors, reading, wanted_tags
from watcher.signals.datadog.plan import Unit, arm_of, planned
from watcher.signals.datadog.query import FITS, MINUTE, Query, bucket, mistake, parsed
from watcher.signals.datadog.server import Server
from watcher.signals.datadog.settings import SETTLE, Settings
from watcher.signals.datadog.slo import Definition
from watcher.signals.datadog.slo_history import Stood
from watcher.signals.datadog.slos import HISTORY, Slos
from watcher.signals.datadog.vouched import Vouched
from watcher.signals.doubts import Doubts, heard
from watcher.signals.provider import Kind, Opening, Promise, Provider, Question, Spending, Window
from watcher.signals.remedies import failing
from watcher.signals.unknown import Unknown, words_of

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
        self._slos = Slos(server, now)
        self._doubts = Doubts(now)
        self._vouched = Vouched(server, now)

    async def read(self, questions: Sequence[Question], window: Window) -> Mapping[str, Reading]:
        """All *questions* over *window*, in as few calls as may be; a fault touches what it was asked with alone."""
        unread = {name for name in map(_counted_slo, questions) if name and not self._slos.is_known(name)}
        known = [question for question in questions if _counted_slo(question) not in unread]
        async with asyncio.TaskGroup() as tasks:
            told = [tasks.create_task(self._told(known, window))]
            if unread:  # what they are made of is asked first: nobody else waits for that
                rest = [question for question in questions if _counted_slo(question) in unread]
                told.append(tasks.create_task(self._told(rest, window)))
        return {name: reading for task in told for name, reading in task.result().items()}

    async def _told(self, questions: Sequence[Question], window: Window) -> Mapping[str, Reading]:
        readings: dict[str, Reading] = {}
        states: list[Question] = []
        asked: dict[str, Asked] = {}
        slos = {name for name in map(_counted_slo, questions) if name}
        definitions = await self._slos.defined(slos, window.deadline - self._now() - MARGIN) if slos else {}
        for question in questions:
            prepared = self._prepared(question, window, definitions)
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

    def _prepared(
        self, question: Question, window: Window, definitions: Mapping[str, Definition | Trouble]
    ) -> Asked | Reading | None:
        """What has to be asked of metrics; ``None``: of monitors, or of an SLO's history; or why nothing can be asked."""
        indicator, settings = question.indicator, self._server.settings
        wrong = mistake(indicator)
        if wrong is not None:
            return Invalid(Who.AUTHOR, f"{wrong[0]}: {wrong[1]}")
        query = parsed(indicator.query)
        beside = question.baseline if indicator.compares_arms else None
        try:
            if indicator.kind is IndicatorKind.STATE:
                wanted_tags(query, question.canary)
                return None
            definition = definitions[query.slo] if query.slo is not None else None
            if isinstance(definition, Trouble):
                return definition
            canary = arm_of(indicator, query, question.canary, definition)
            baseline = () if beside is None else arm_of(indicator, query, beside, definition)
        except (ArmUnnamed, Malformed) as unfit:
            return Invalid(Who.AUTHOR, f"{unfit}: {unfit.remedy}")
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

        def may_look() -> bool:
            return window.deadline - self._now() > LOOK + MARGIN

        readings |= await self._vouched.of(asked, readings, found, may_look, LOOK)
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
            may_look,
        )

    async def _unknown(self, asked: Asked) -> str | None:
        return words_of(await names.unknown(self._server, asked.indicator, asked.canary, self._now(), LOOK))

    # -------------------------------------------------------------------------------------------------------- monitors

    async def _stated(self, questions: Sequence[Question], window: Window) -> dict[str, Reading]:
        queries = {question.id: parsed(question.indicator.query) for question in questions}
        afters = {question.id: max(window.start, question.since or window.start) for question in questions}
        ids = {number for query in queries.values() for number in query.monitors or ()}
        since: dict[str, datetime] = {}
        for name, query in queries.items():
            if query.slo is not None:
                since[query.slo] = min(since.get(query.slo, afters[name]), afters[name])
        patience = window.deadline - self._now() - MARGIN
        async with asyncio.TaskGroup() as tasks:
            read = tasks.create_task(self._monitors.read(ids, window.end, patience))
            stood = tasks.create_task(self._slos.stood(since, window.end, patience))
        readings: dict[str, Reading] = {}
        for question in questions:
            query, after = queries[question.id], afters[question.id]
            if query.slo is not None:
                readings[question.id] = self._of_slo(question, stood.result()[query.slo], after, window.end)
                continue
            each = [read.result()[number] for number in dict.fromkeys(query.monitors or ())]
            faults = [one for one in each if not isinstance(one, Monitor)]
            readings[question.id] = (
                faults[0]
                if faults
                else reading(
                    question.indicator.id,
                    query,
                    [one for one in each if isinstance(one, Monitor)],
                    wanted_tags(query, question.canary),
                    after,
                    window.end,
                    self._now(),
                )
            )
        return readings

    def _of_slo(
        self, question: Question, told: tuple[Definition, Stood] | Trouble, after: datetime, end: datetime
    ) -> Reading:
        if isinstance(told, Trouble):
            return told
        definition, stood = told
        query = parsed(question.indicator.query)
        if definition.slice > query.bucket:  # until one is over, nobody knows how it was
            length = duration_text(definition.slice)
            return Invalid(
                Who.AUTHOR,
                f"the SLO {definition.title} has slices of {length}, and buckets of {duration_text(query.bucket)} "
                f"are asked for: write `bucket: {length}`",
            )
        tags = wanted_tags(query, question.canary)
        return slo_history.reading(
            question.indicator.id, stood, tags, query.bucket, after, end, self._server.where
        )

    # ---------------------------------------------------------------------------------------------------------- doctor

    async def unknown(self, indicator: Indicator, arm: Mapping[str, str]) -> Unknown | None:
        """What Datadog does not know of what *indicator* asks for; ``None``: all is there, or nobody says."""
        query = parsed(indicator.query)
        for number in query.monitors or ():
            told = await self._monitors.ask(number, LOOK)
            if isinstance(told, Invalid):
                return Unknown(About.MONITOR, told.words)
        definition = None if query.slo is None else await self._slos.define(query.slo, LOOK)
        if isinstance(definition, Trouble):
            return Unknown(About.SLO, definition.words) if isinstance(definition, Invalid) else None
        if indicator.kind is IndicatorKind.STATE:
            return None
        try:
            wanted = arm_of(indicator, query, arm, definition)
        except (ArmUnnamed, Malformed) as wrong:
            return Unknown(About.RELEASE, f"{wrong}: {wrong.remedy}")
        unknown = await names.unknown(self._server, indicator, wanted, self._now(), LOOK)
        unknown = unknown or await self._vouched.unknown(indicator, wanted, LOOK)
        return unknown or await names.misspelt(self._server, wanted, LOOK)

    async def promise(self, indicator: Indicator) -> Promise | None:
        """What the SLO that *indicator* asks for promises itself, and how it stands; ``None``: it asks for none, or nobody says."""
        name = parsed(indicator.query).slo
        return None if name is None else await self._slos.promise(name, LOOK)

    def spends(self, questions: Sequence[Question], window: Window) -> Sequence[Spending]:
        """Of metrics, by their own limit; and a call for each monitor, and for each SLO whose states are read."""
        known = {
            name: self._slos.known(name) or Unavailable(Who.PROVIDER, "it was not read yet")
            for question in questions
            if (name := parsed(question.indicator.query).slo) is not None
        }
        prepared = [(each, self._prepared(each, window, known)) for each in questions]
        calls = planned(unit for _, one in prepared if isinstance(one, Asked) for unit in one.units)
        states = [parsed(each.indicator.query) for each, one in prepared if one is None]
        monitors = {number for each in states for number in each.monitors or ()}
        slos = {each.slo for each in states if each.slo is not None}
        limits = self._server.limits
        found = (
            *(
                _spending(many, limits.of(way))
                for many, way in ((len(calls), TIMESERIES), (len(slos), HISTORY))
            ),
            Spending(len(monitors)),
        )
        return [each for each in found if each.calls]

    async def examine(self) -> Sequence[Finding]:
        """Is the key of this site, may the application key ask for metrics, how often, and is our clock right?"""
        server = self._server
        valid = await server.get(VALIDATE, {}, _Valid, "", LOOK)
        if isinstance(valid, Failed):
            return [_failing(valid), *self._site(valid)]
        findings = [
            *self._site(None),
            Finding(Level.OK, f"{server.where} knows the API key", about=About.KEY),
        ]
        now = self._now()
        body = scalar.body_of(_HOSTS, "avg", now - 5 * MINUTE, now)
        asked = await server.post(scalar.PATH, body, scalar.Scalar, SCOPE, LOOK)
        if isinstance(asked, Failed):
            findings.append(_failing(asked))
        else:
            left = "".join(f"; {words}" for words in server.limits.left())
            words = f"the application key may ask for metrics ({SCOPE}){left}"
            findings.append(Finding(Level.OK, words, about=About.SCOPE))
        if isinstance(asked, Failed) and asked.about is About.CLOCK:
            return findings
        return [*findings, *clocks.findings(server.skew, f"that of {server.where}", _CLOCK)]

    def _site(self, refused: Failed | None) -> Sequence[Finding]:
        """Keys are of one site: whoever knows one is the right site; who knows it not may be the wrong one."""
        where = self._server.where
        if refused is None:
            words = f"{where} is the site of the API key, which is known to one site alone"
            return [Finding(Level.OK, words, about=About.SITE)]
        if refused.about is not About.KEY:
            return []
        words = (
            f"whether {where} is the organisation's site cannot be told: no other site's keys are known to it"
        )
        return [Finding(Level.WARN, words, _SITE, about=About.SITE, untold=True)]


def _failing(failed: Failed) -> Finding:
    return failing(failed.trouble, failed.about, _REMEDIES, _MENDS)


_CLOCK = "synchronise the clock of this machine"
_SITE = (
    "compare `site` with the address at which people open Datadog: behind its first `app.` stands the site"
)


def _counted_slo(question: Question) -> str | None:
    """The SLO whose counts are asked for; ``None``: none, or not so that it can be asked."""
    indicator = question.indicator
    if indicator.kind is IndicatorKind.STATE or mistake(indicator) is not None:
        return None
    return parsed(indicator.query).slo


def _spending(calls: int, limit: Limit) -> Spending:
    return Spending(calls, limit.name, limit.allowed, limit.period)


_HOSTS = (
    "avg:datadog.estimated_usage.hosts{*}"  # cheap, and of every organisation; that it is empty is no mistake
)


class _Valid(BaseModel):
    model_config = ConfigDict(extra="ignore")

    valid: Literal[True]


_MENDS = {
    About.SITE: "correct `site`: what stands behind `app.` in the address of Datadog; or `url`, up to where `/api` begins",
    About.KEY: "correct `api_key`, or `site`: a key is known to its own site alone",
    About.SCOPE: "give the application key that scope, or correct `application_key`",
    About.CLOCK: _CLOCK,
}
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
