"""The provider: questions to requests, and rows to readings."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime, timedelta

from pydantic import BaseModel

from deploy.model import About, Finding, Level
from rules.model import Indicator
from rules.sample import Invalid, NoData, Reading, Who
from watcher.http import Request
from watcher.signals import clocks
from watcher.signals.arms import ArmUnnamed
from watcher.signals.doubts import Doubts, heard
from watcher.signals.gate import ServerGate
from watcher.signals.newrelic import count, names, nrql
from watcher.signals.newrelic.answer import Failed
from watcher.signals.newrelic.count import Asked
from watcher.signals.newrelic.fetch import Found, fetched
from watcher.signals.newrelic.line import UNTOLD, WHOSE, Line
from watcher.signals.newrelic.plan import Unit, planned, unit_of
from watcher.signals.newrelic.query import FITS, SETTLE, Query, bucket, mistake, parsed
from watcher.signals.newrelic.settings import Settings
from watcher.signals.provider import Kind, Opening, Provider, Question, Spending, Window
from watcher.signals.remedies import failing
from watcher.signals.unknown import Unknown, words_of

MARGIN = timedelta(milliseconds=500)  # before the deadline, so that what came is not lost with what did not
LOOK = timedelta(seconds=3)
MOST_LOOKED_UP = 2  # in one reading


class NewRelic:
    """One connection."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._doubts = Doubts(line.now, MOST_LOOKED_UP)
        self._now: Callable[[], datetime] = line.now

    async def read(self, questions: Sequence[Question], window: Window) -> Mapping[str, Reading]:
        """All *questions* over *window*, in as few requests as may be; a fault touches what it was asked with alone."""
        readings: dict[str, Reading] = {}
        asked: dict[str, Asked] = {}
        for question in questions:
            prepared = self._prepared(question, window)
            if isinstance(prepared, Asked):
                asked[question.id] = prepared
            else:
                readings[question.id] = prepared
        calls = planned((unit for each in asked.values() for unit in each.units), window.start, window.end)
        patience = max(window.deadline - self._now() - MARGIN, MARGIN)
        found = await fetched(self._line, calls, patience)
        readings |= {name: count.read(each, found) for name, each in asked.items()}
        return readings | await self._doubted(asked, readings, found, window)

    def _prepared(self, question: Question, window: Window) -> Asked | Reading:
        indicator = question.indicator
        wrong = mistake(indicator)
        if wrong is not None:
            return Invalid(Who.AUTHOR, f"{wrong[0]}: {wrong[1]}")
        query = parsed(indicator.query)
        beside = question.baseline if indicator.compares_arms else None
        try:
            canary = unit_of(indicator, query, question.canary)
            baseline = None if beside is None else unit_of(indicator, query, beside)
        except ArmUnnamed as unnamed:
            return Invalid(Who.AUTHOR, f"{unnamed}: {unnamed.remedy}")
        after = max(window.start, question.since or window.start)
        return Asked(indicator, canary, baseline, after, window.end, self._now() - SETTLE)

    # ----------------------------------------------------------------------------------------------------------- names

    async def _doubted(
        self, asked: Mapping[str, Asked], readings: Mapping[str, Reading], found: Found, window: Window
    ) -> dict[str, Reading]:
        """For what was silent for long: what is wrong with its name, if anything is."""
        silent = {
            name: each.canary
            for name, each in asked.items()
            if isinstance(readings[name], NoData) and count.is_silent(each, found)
        }
        return await self._doubts.of(
            silent,
            heard({name: each.canary for name, each in asked.items()}, silent, readings),
            self._wrong,
            lambda: window.deadline - self._now() > LOOK + MARGIN,
        )

    async def _wrong(self, unit: Unit) -> str | None:
        return words_of(await self._unknown(unit, {}))

    async def _unknown(self, unit: Unit, asked: Mapping[str, str]) -> Unknown | None:
        until = self._line.monotonic() + LOOK.total_seconds()
        try:
            async with asyncio.timeout(LOOK.total_seconds()):
                return await names.unknown(self._line, unit, asked, self._now(), until)
        except TimeoutError:
            return None

    # ---------------------------------------------------------------------------------------------------------- doctor

    async def unknown(self, indicator: Indicator, arm: Mapping[str, str]) -> Unknown | None:
        """What New Relic does not know of what *indicator* asks for; ``None``: all is there, or nobody says."""
        try:
            unit = unit_of(indicator, parsed(indicator.query), arm)
        except ArmUnnamed as unnamed:
            return Unknown(About.RELEASE, f"{unnamed}: {unnamed.remedy}")
        return await self._unknown(unit, parsed(indicator.query).where)

    def spends(self, questions: Sequence[Question], window: Window) -> Sequence[Spending]:
        """Requests. New Relic says nothing of its limits before they are reached."""
        asked = [self._prepared(each, window) for each in questions]
        units = (unit for one in asked if isinstance(one, Asked) for unit in one.units)
        return [Spending(len(calls))] if (calls := planned(units, window.start, window.end)) else []

    async def examine(self) -> Sequence[Finding]:
        """Is the account there, may the key see it, does it hold anything, and is it the same time there?"""
        until = self._line.monotonic() + 2 * LOOK.total_seconds()
        now = int(self._now().timestamp())
        text = nrql.select("Transaction, Span", (now - 3600, now))
        body = nrql.body(self._line.settings.account, {"q0": text})
        told = await self._line.ask(body, until)
        one = told if isinstance(told, Failed) else told.get("q0")
        if isinstance(one, Failed):
            return self._failing(one)
        settings, where = self._line.settings, self._line.where
        site = "by the configured `url`" if settings.url else f"the key is of the region {settings.region}"
        findings = [
            Finding(Level.OK, f"{where} answers: {site}", about=About.SITE),
            Finding(Level.OK, f"the key may read the account {settings.account}", about=About.KEY),
        ]
        if one is not None and not any(row.get("total") for row in one.results):
            words = "the account had neither transactions nor spans in the last hour"
            findings.append(Finding(Level.WARN, words, "is `account` right?", about=About.ACCOUNT))
        return [
            *findings,
            *clocks.findings(self._line.skew, WHOSE, "set the clock: buckets are New Relic's"),
        ]

    def _failing(self, failed: Failed) -> Sequence[Finding]:
        settings = self._line.settings
        found = [failing(failed.trouble, failed.about, _REMEDIES, _MENDS)]
        if failed.about is About.KEY and settings.url is None:
            words = f"whether the account is of the region {settings.region} cannot be told: a key is known in its own alone"
            found.append(Finding(Level.WARN, words, _REGION, about=About.SITE, untold=True))
        return found


_REGION = "people of the EU region sign in at one.eu.newrelic.com: write `region: eu` then, else `us`"
_MENDS = {
    About.SITE: "correct `region`, or `url`: up to where `/graphql` begins",
    About.KEY: "make the key of a user (NRAK-…) who may see the account, in its region, and write it to `key`",
    About.ACCOUNT: "correct `account`, or use the key of a user who may see it",
    About.CLOCK: "set the clock: buckets are New Relic's",
}
_REMEDIES = {
    Who.OPERATOR: "correct the connection: its account, its region, whose key it is; or `daemon.reach`",
    Who.AUTHOR: "correct the connection's url",
    Who.PROVIDER: "is it up? Try again",
    Who.SERVICE: "is it up?",
}


@contextlib.asynccontextmanager
async def open_newrelic(settings: BaseModel | None, opening: Opening) -> AsyncIterator[Provider]:
    """The provider of one connection. Nothing is asked yet. Connections with one key wait together."""
    if not isinstance(settings, Settings):
        raise TypeError("a connection to New Relic needs its settings")
    where = Request("newrelic", settings.address).origin
    key = ("newrelic", settings.address, settings.key)
    gate = opening.shared(key, lambda: ServerGate(where, opening.now, UNTOLD))
    yield NewRelic(Line(settings, opening.http, opening.now, opening.monotonic, gate))


KIND = Kind(
    query=Query,
    fits=FITS,
    bucket=bucket,
    settle=SETTLE,
    open=open_newrelic,
    settings=Settings,
    mistake=mistake,
)
