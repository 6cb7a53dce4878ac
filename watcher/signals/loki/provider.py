"""The provider: questions to calls, and rows to readings."""

import contextlib
import json
from collections.abc import AsyncIterator, Callable, Hashable, Mapping, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus

from pydantic import BaseModel

from deploy.model import About, Finding, Level
from rules.model import Indicator
from rules.sample import Invalid, NoData, Reading, Who
from watcher.http import Request
from watcher.signals import clocks
from watcher.signals.arms import ArmUnnamed
from watcher.signals.doubts import Doubts, heard
from watcher.signals.gate import ServerGate
from watcher.signals.loki import answer, count, names
from watcher.signals.loki.count import Asked
from watcher.signals.loki.plan import Arm, Call, arm_of, planned
from watcher.signals.loki.query import FITS, Query, bucket, mistake, parsed
from watcher.signals.loki.server import Server
from watcher.signals.loki.settings import USUAL_SETTLE, Settings
from watcher.signals.nowhere import Nowhere
from watcher.signals.provider import Kind, Opening, Provider, Question, Spending, Window
from watcher.signals.remedies import failing
from watcher.signals.rows import Failed, Fetch, Found, Grid, Row, Rows, Trouble
from watcher.signals.unknown import Unknown, words_of

MARGIN = timedelta(milliseconds=500)  # before the deadline, so that what came is not lost with what did not
LOOK = timedelta(seconds=2)
QUERY_RANGE = "/loki/api/v1/query_range"
LABELS = "/loki/api/v1/labels"


class Loki:
    """One connection."""

    def __init__(self, server: Server, now: Callable[[], datetime], monotonic: Callable[[], float]) -> None:
        self._server = server
        self._now = now
        self._fetch = Fetch(self._ask, server.where, monotonic)
        self._doubts = Doubts(now)

    async def read(self, questions: Sequence[Question], window: Window) -> Mapping[str, Reading]:
        """All *questions* over *window*, in as few calls as may be; a fault touches what it was asked with alone."""
        readings: dict[str, Reading] = {}
        asked: dict[str, Asked] = {}
        for question in questions:
            prepared = self._prepared(question, window)
            if isinstance(prepared, Asked):
                asked[question.id] = prepared
            else:
                readings[question.id] = prepared
        found: dict[Hashable, Sequence[Row] | Trouble] = {}
        for length in sorted({each.bucket for each in asked.values()}):
            of_length = [each for each in asked.values() if each.bucket == length]
            found |= await self._found(of_length, window, length)
        readings |= {name: count.read(each, found) for name, each in asked.items()}
        return readings | await self._doubted(questions, asked, readings, found, window)

    async def _found(self, asked: Sequence[Asked], window: Window, length: timedelta) -> Found:
        units = (unit for each in asked for unit in each.units)
        calls = planned(units, self._server.settings.most_series)
        grid = Grid.of(window.start, window.end, length)
        return await self._fetch.all(calls, grid, window.deadline - self._now() - MARGIN)

    async def _ask(self, call: Call, grid: Grid, patience: timedelta) -> Rows | Failed:
        """The counts of *call* in the buckets that end on *grid*: the step is as long as the ranges in the query."""
        form = {
            "query": call.text,
            "start": f"{grid.first}000000000",
            "end": f"{grid.last}000000000",
            "step": f"{grid.step}s",
        }
        return await self._server.ask(QUERY_RANGE, form, patience)

    def _prepared(self, question: Question, window: Window) -> Asked | Reading:
        indicator = question.indicator
        wrong = mistake(indicator)
        if wrong is not None:
            return Invalid(Who.AUTHOR, f"{wrong[0]}: {wrong[1]}")
        query = parsed(indicator.query)
        beside = question.baseline if indicator.compares_arms else None
        try:
            canary = arm_of(query, question.canary)
            baseline = None if beside is None else arm_of(query, beside)
        except ArmUnnamed as unnamed:
            return Invalid(Who.AUTHOR, f"{unnamed}: {unnamed.remedy}")
        return Asked(
            indicator.id,
            canary,
            baseline,
            query.bucket,
            max(window.start, question.since or window.start),
            window.end,
            self._now() - self._server.settings.settle,
        )

    async def _doubted(
        self,
        questions: Sequence[Question],
        asked: Mapping[str, Asked],
        readings: Mapping[str, Reading],
        found: Found,
        window: Window,
    ) -> dict[str, Reading]:
        """For what was silent for long: what is wrong with its labels, if anything is."""
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
        meant = {keys[question.id]: question.indicator for question in questions if question.id in silent}
        arms = {key: asked[name].canary for name, key in silent.items()}
        return await self._doubts.of(
            silent,
            heard(keys, silent, readings),
            lambda key: self._unknown(meant[key], arms[key]),
            lambda: window.deadline - self._now() > LOOK + MARGIN,
        )

    async def _unknown(self, indicator: Indicator, arm: Arm) -> str | None:
        return words_of(await names.unknown(self._server, indicator, arm, self._now(), LOOK))

    # ---------------------------------------------------------------------------------------------------------- doctor

    async def unknown(self, indicator: Indicator, arm: Mapping[str, str]) -> Unknown | None:
        """What the server does not know of what *indicator* asks for; ``None``: all is there, or nobody says."""
        try:
            wanted = arm_of(parsed(indicator.query), arm)
        except ArmUnnamed as unnamed:
            return Unknown(About.RELEASE, f"{unnamed}: {unnamed.remedy}")
        return await names.unknown(self._server, indicator, wanted, self._now(), LOOK)

    def spends(self, questions: Sequence[Question], window: Window) -> Sequence[Spending]:
        """Calls. Loki tells of no limit before it is reached."""
        asked = [self._prepared(each, window) for each in questions]
        units = (unit for one in asked if isinstance(one, Asked) for unit in one.units)
        return [Spending(len(calls))] if (calls := planned(units, self._server.settings.most_series)) else []

    async def examine(self) -> Sequence[Finding]:
        """Is the server there, which one is it, may it be asked, does it hold anything, do the clocks agree?"""
        told = await self._server.get(LABELS, {}, 2 * LOOK)
        if isinstance(told, Failed):
            return [_failing(told)]
        content = answer.content_of(told[1])
        if content is None:
            return [_failing(answer.failed(*told, self._server.where, self._now()))]
        version = await self._version()
        labels = content.get("data")
        if not labels:
            words = f"{version} answers, and had no lines for hours, or they are another tenant's"
            return [Finding(Level.WARN, words, "is `tenant` right?", about=About.TENANT)]
        apart = clocks.findings(self._server.skew, f"that of {self._server.where}")
        words = f"{version} answers; its streams have {len(labels)} labels"
        return [*apart, Finding(Level.OK, words, about=About.ACCESS)]

    async def _version(self) -> str:
        """What the server calls itself; a gateway may not tell."""
        told = await self._server.get("/loki/api/v1/status/buildinfo", {}, LOOK)
        with contextlib.suppress(ValueError, KeyError, TypeError):
            if not isinstance(told, Failed) and told[1].status == HTTPStatus.OK:
                return f"Loki {str(json.loads(told[1].body)['version'])[:40]}"
        return self._server.where


_MENDS = {
    About.KEY: "correct the credentials of the connection: what its server, or the proxy before it, asks for; or its tenant"
}
_REMEDIES = {
    Who.OPERATOR: "correct the connection: its url with the prefix, its credentials, its tenant; or `daemon.reach`",
    Who.AUTHOR: "correct the connection's url",
    Who.PROVIDER: "is it up? Try again",
    Who.SERVICE: "is it up?",
}


def _failing(failed: Failed) -> Finding:
    return failing(failed.trouble, failed.about, _REMEDIES, _MENDS)


@contextlib.asynccontextmanager
async def open_loki(settings: BaseModel | None, opening: Opening) -> AsyncIterator[Provider]:
    """The provider of one connection. Nothing is asked yet. Connections to one tenant of a server wait together."""
    if not isinstance(settings, Settings):
        raise TypeError("a connection to Loki needs its settings")
    whose = ("loki", settings.url, settings.tenant, settings.basic, settings.bearer)
    gate = opening.shared(whose, lambda: ServerGate(Request("loki", settings.url).origin, opening.now))
    server = Server(settings, opening.http, opening.now, gate)
    wrong = server.load()
    yield Nowhere(wrong, _REMEDIES[Who.OPERATOR]) if wrong else Loki(server, opening.now, opening.monotonic)


def settle(settings: BaseModel | None) -> timedelta:
    """How long after its end a bucket of a connection is final."""
    return settings.settle if isinstance(settings, Settings) else USUAL_SETTLE


KIND = Kind(
    query=Query,
    fits=FITS,
    bucket=bucket,
    settle=USUAL_SETTLE,
    settles_at=settle,
    open=open_loki,
    settings=Settings,
    mistake=mistake,
)
