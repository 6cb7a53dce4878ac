"""The provider: questions to calls, and rows to readings."""

import contextlib
import json
from collections.abc import AsyncIterator, Callable, Hashable, Mapping, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus

from pydantic import BaseModel

from deploy.model import About, Finding, Level
from rules.duration import duration_text
from rules.model import Indicator
from rules.sample import Invalid, NoData, Reading, Who
from watcher.aws import Signs
from watcher.http import Request
from watcher.signals import clocks
from watcher.signals.arms import ArmUnnamed
from watcher.signals.doubts import Doubts, heard
from watcher.signals.gate import ServerGate
from watcher.signals.nowhere import Nowhere
from watcher.signals.prometheus import count, names
from watcher.signals.prometheus.count import Asked
from watcher.signals.prometheus.plan import Call, arm_of, planned
from watcher.signals.prometheus.promql import range_of
from watcher.signals.prometheus.query import FITS, Query, bucket, mistake, parsed
from watcher.signals.prometheus.server import Server
from watcher.signals.prometheus.settings import LEAST_SETTLE, Settings
from watcher.signals.provider import Kind, Opening, Provider, Question, Spending, Window
from watcher.signals.remedies import failing
from watcher.signals.rows import Failed, Fetch, Found, Grid, Row, Rows, Trouble
from watcher.signals.unknown import Unknown, words_of

MARGIN = timedelta(milliseconds=500)  # before the deadline, so that what came is not lost with what did not
LOOK = timedelta(seconds=2)
MOST_LOOKED_UP = 4  # in one reading
QUERY_RANGE = "/api/v1/query_range"


class Prometheus:
    """One connection."""

    def __init__(self, server: Server, now: Callable[[], datetime], monotonic: Callable[[], float]) -> None:
        self._server = server
        self._now = now
        self._doubts = Doubts(now, MOST_LOOKED_UP)
        self._fetch = Fetch(self._ask, server.where, monotonic)

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
        answers: dict[Hashable, Sequence[Row] | Trouble] = {}
        for length in sorted({each.bucket for each in asked.values()}):
            of_length = [each for each in asked.values() if each.bucket == length]
            answers |= await self._found(of_length, window, length)
        readings |= {name: count.read(each, answers) for name, each in asked.items()}
        return readings | await self._doubted(questions, asked, readings, answers, window)

    async def _found(self, asked: Sequence[Asked], window: Window, length: timedelta) -> Found:
        grid = Grid.of(window.start, window.end, length)
        calls = planned(
            (unit for each in asked for unit in each.units), self._server.settings.scrape_interval
        )
        return await self._fetch.all(calls, grid, window.deadline - self._now() - MARGIN)

    async def _ask(self, call: Call, grid: Grid, patience: timedelta) -> Rows | Failed:
        more = {"timeout": f"{max(patience.total_seconds(), 1):.0f}s"}
        text = call.text(self._server.settings.scrape_interval)
        form = range_of(text, grid.first, grid.last, grid.step, more)
        return await self._server.ask(QUERY_RANGE, form, patience)

    def _prepared(self, question: Question, window: Window) -> Asked | Reading:
        indicator = question.indicator
        wrong = mistake(indicator)
        if wrong is not None:
            return Invalid(Who.AUTHOR, f"{wrong[0]}: {wrong[1]}")
        query, scrape = parsed(indicator.query), self._server.settings.scrape_interval
        if query.bucket < 2 * scrape:
            return Invalid(
                Who.AUTHOR,
                f"a bucket of {duration_text(query.bucket)} may have no sample in it, for the server scrapes every "
                f"{duration_text(scrape)}: write `bucket: 1m`, or the connection's true `scrape_interval`",
            )
        beside = question.baseline if indicator.compares_arms else None
        try:
            canary = arm_of(indicator, query, question.canary)
            baseline = None if beside is None else arm_of(indicator, query, beside)
        except ArmUnnamed as unnamed:
            return Invalid(Who.AUTHOR, f"{unnamed}: {unnamed.remedy}")
        return Asked(
            indicator,
            canary,
            baseline,
            query.bucket,
            max(window.start, question.since or window.start),
            window.end,
            self._now() - self._server.settings.settles,
        )

    # ----------------------------------------------------------------------------------------------------------- names

    async def _doubted(
        self,
        questions: Sequence[Question],
        asked: Mapping[str, Asked],
        readings: Mapping[str, Reading],
        found: Found,
        window: Window,
    ) -> dict[str, Reading]:
        """For what was silent for long: what is wrong with its name, if anything is."""
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
        return await self._doubts.of(
            silent,
            heard(keys, silent, readings),
            lambda key: self._unknown(meant[key]),
            lambda: window.deadline - self._now() > LOOK + MARGIN,
        )

    async def _unknown(self, asked: Asked) -> str | None:
        return words_of(await names.unknown(self._server, asked.indicator, asked.canary, self._now(), LOOK))

    # ---------------------------------------------------------------------------------------------------------- doctor

    async def unknown(self, indicator: Indicator, arm: Mapping[str, str]) -> Unknown | None:
        """What the server does not know of what *indicator* asks for; ``None``: all is there, or nobody says."""
        try:
            wanted = arm_of(indicator, parsed(indicator.query), arm)
        except ArmUnnamed as unnamed:
            return Unknown(About.RELEASE, f"{unnamed}: {unnamed.remedy}")
        return await names.unknown(self._server, indicator, wanted, self._now(), LOOK)

    def spends(self, questions: Sequence[Question], window: Window) -> Sequence[Spending]:
        """Calls. Prometheus has no limit of them, and who sells one tells of it when it is reached."""
        asked = [self._prepared(each, window) for each in questions]
        units = (unit for one in asked if isinstance(one, Asked) for unit in one.units)
        scrape = self._server.settings.scrape_interval
        return [Spending(len(calls))] if (calls := planned(units, scrape)) else []

    async def examine(self) -> Sequence[Finding]:
        """Is the server there, which one is it, may it be asked, does it hold anything, do the clocks agree?"""
        asked = await self._server.ask(
            names.QUERY, {"query": "count(up)", "time": f"{self._now().timestamp():.3f}"}, 2 * LOOK
        )
        if isinstance(asked, Failed):
            return [failing(asked.trouble, asked.about, _REMEDIES, _MENDS)]
        version = await self._version()
        many = next((x for row in asked.rows for x in row.points.values()), 0.0)
        if not many:
            words = f"{version} answers, and holds no `up`: nothing is scraped, or it is another tenant's"
            return [Finding(Level.WARN, words, "is `tenant` right?", about=About.TENANT)]
        apart = clocks.findings(self._server.skew, f"that of {self._server.where}")
        words = f"{version} answers; it scrapes {many:g} targets"
        return [*apart, Finding(Level.OK, words, about=About.ACCESS)]

    async def _version(self) -> str:
        """What the server calls itself; some of the family do not tell."""
        answer = await self._server.get("/api/v1/status/buildinfo", LOOK)
        with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):
            if not isinstance(answer, Failed) and answer.status == HTTPStatus.OK:
                data = json.loads(answer.body)["data"]
                return f"{data.get('application', 'Prometheus')} {str(data['version'])[:40]}"
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


@contextlib.asynccontextmanager
async def open_prometheus(settings: BaseModel | None, opening: Opening) -> AsyncIterator[Provider]:
    """The provider of one connection. Nothing is asked yet. Connections to one tenant of a server wait together."""
    if not isinstance(settings, Settings):
        raise TypeError("a connection to Prometheus needs its settings")
    aws: object = opening.aws
    signs = aws if isinstance(aws, Signs) else None
    whose = ("prometheus", settings.url, settings.tenant, settings.basic, settings.bearer, settings.sigv4)
    gate = opening.shared(whose, lambda: ServerGate(Request("prometheus", settings.url).origin, opening.now))
    server = Server(settings, opening.http, opening.now, signs, gate)
    wrong = server.load()
    yield (
        Nowhere(wrong, _REMEDIES[Who.OPERATOR])
        if wrong
        else Prometheus(server, opening.now, opening.monotonic)
    )


def settle(settings: BaseModel | None) -> timedelta:
    """How long after its end a bucket of a connection is final."""
    return settings.settles if isinstance(settings, Settings) else LEAST_SETTLE


KIND = Kind(
    query=Query,
    fits=FITS,
    bucket=bucket,
    settle=LEAST_SETTLE,
    settles_at=settle,
    open=open_prometheus,
    settings=Settings,
    account_at=("sigv4", "account"),
    mistake=mistake,
)
