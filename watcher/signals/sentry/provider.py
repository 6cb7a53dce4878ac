"""The provider: questions to calls, and answers to readings."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pydantic import BaseModel

from deploy.model import About, Finding, Level
from rules.model import Indicator
from rules.sample import Invalid, NoData, Reading, Unavailable, Who
from watcher.signals import clocks
from watcher.signals.arms import ArmUnnamed, filled
from watcher.signals.budget import Budget
from watcher.signals.doubts import Doubts, heard
from watcher.signals.nowhere import Nowhere
from watcher.signals.provider import Kind, Opening, Provider, Question, Spending, Window
from watcher.signals.remedies import failing
from watcher.signals.sentry import count, issues, site
from watcher.signals.sentry.answer import Failed, Trouble
from watcher.signals.sentry.count import Asked
from watcher.signals.sentry.fetch import Found, fetched
from watcher.signals.sentry.gate import Gate
from watcher.signals.sentry.issues import Issues, Wanted
from watcher.signals.sentry.line import WHOSE, Line
from watcher.signals.sentry.names import Names
from watcher.signals.sentry.plan import arm_of, planned
from watcher.signals.sentry.query import FITS, LEAST_SETTLE, NewIssues, Query, bucket, mistake, parsed, settle
from watcher.signals.sentry.settings import Settings
from watcher.signals.unknown import Unknown, words_of

MARGIN = timedelta(milliseconds=500)  # before the deadline, so that what came is not lost with what did not
LOOK = timedelta(seconds=2)
MOST_LOOKED_UP = 4  # in one reading
_Key = tuple[int, str]  # a release in a project
_LEAST_PROJECT = 4_500_000_000_000_000  # a number of sixteen digits, as sentry.io gives them


@dataclass(frozen=True, slots=True)
class _Batch:
    """What is asked in one reading, and what was answered without asking."""

    counts: dict[str, Asked] = field(default_factory=dict)
    states: dict[str, Wanted] = field(default_factory=dict)
    readings: dict[str, Reading] = field(default_factory=dict)


class Sentry:
    """One connection."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._doubts = Doubts(line.now, MOST_LOOKED_UP)
        self._now: Callable[[], datetime] = line.now
        self._names = Names(line)

    async def read(self, questions: Sequence[Question], window: Window) -> Mapping[str, Reading]:
        """All *questions* over *window*, in as few calls as may be; a fault touches what it was asked with alone."""
        patience = max(window.deadline - self._now() - MARGIN, MARGIN)
        until = self._line.monotonic() + patience.total_seconds()
        batch = await self._prepared(questions, window, until)
        calls = planned(
            (unit for each in batch.counts.values() for unit in each.units),
            window.start,
            window.end,
            self._line.settings.requests_in,
        )
        left = timedelta(seconds=max(until - self._line.monotonic(), 0.0))
        async with asyncio.TaskGroup() as tasks:
            counting = tasks.create_task(fetched(self._line, calls, left))
            looking = tasks.create_task(Issues(self._line, self._names, until).of(batch.states.values()))
        found, states = counting.result(), looking.result()
        indicators = {question.id: question.indicator.id for question in questions}
        readings = batch.readings
        readings |= {name: count.read(each, found) for name, each in batch.counts.items()}
        readings |= {
            name: issues.reading(indicators[name], each, states[each]) for name, each in batch.states.items()
        }
        return readings | await self._doubted(batch, found, window)

    async def _prepared(self, questions: Sequence[Question], window: Window, until: float) -> _Batch:
        batch = _Batch()
        fit: list[tuple[Question, Query]] = []
        for question in questions:
            wrong = mistake(question.indicator)
            if wrong is None:
                fit.append((question, parsed(question.indicator.query)))
            else:
                batch.readings[question.id] = Invalid(Who.AUTHOR, f"{wrong[0]}: {wrong[1]}")
        projects = await self._projects({query.project for _, query in fit}, until)
        for question, query in fit:
            self._add(batch, question, query, projects[query.project], window)
        return batch

    async def _projects(self, wanted: Iterable[str], until: float) -> Mapping[str, int | Trouble]:
        wanted = set(wanted)
        try:
            async with asyncio.timeout(max(until - self._line.monotonic(), 0.0)):
                return await self._names.projects(wanted, until)
        except TimeoutError:
            late = Unavailable(Who.PROVIDER, f"{self._line.where} gave no answer in time")
            return dict.fromkeys(wanted, late)

    def _add(
        self, batch: _Batch, question: Question, query: Query, project: int | Trouble, window: Window
    ) -> None:
        if isinstance(project, Trouble):
            batch.readings[question.id] = project
            return
        try:
            if query.new_issues is not None:
                batch.states[question.id] = self._wanted(question, query, project, window)
            else:
                batch.counts[question.id] = self._asked(question, query, project, window)
        except ArmUnnamed as unnamed:
            batch.readings[question.id] = Invalid(Who.AUTHOR, f"{unnamed}: {unnamed.remedy}")

    def _asked(self, question: Question, query: Query, project: int, window: Window) -> Asked:
        beside = question.baseline if question.indicator.compares_arms else None
        where = self._line.settings.requests_in
        return Asked(
            question.indicator,
            query,
            arm_of(query, question.canary, project, where),
            None if beside is None else arm_of(query, beside, project, where),
            max(window.start, question.since or window.start),
            window.end,
            self._now() - query.settles,
        )

    def _wanted(self, question: Question, query: Query, project: int, window: Window) -> Wanted:
        """The newest bucket: issues are told as they are now, and not as they were."""
        new = query.new_issues or NewIssues()
        release = filled(query.release, question.canary)
        start = window.end - query.bucket
        return Wanted(project, release, query.environment, new, start, window.end)

    # ----------------------------------------------------------------------------------------------------------- names

    async def _doubted(self, batch: _Batch, found: Found, window: Window) -> dict[str, Reading]:
        """For what was silent for long: that Sentry knows no such release, if so."""
        silent = {name: _key(each) for name, each in batch.counts.items() if count.is_silent(each, found)} | {
            name: (each.project, each.release)
            for name, each in batch.states.items()
            if isinstance(batch.readings[name], NoData)
        }
        return await self._doubts.of(
            silent,
            heard({name: _key(each) for name, each in batch.counts.items()}, silent, batch.readings),
            lambda key: self._wrong(*key),
            lambda: window.deadline - self._now() > LOOK + MARGIN,
        )

    async def _wrong(self, project: int, release: str) -> str | None:
        return words_of(await self._unknown(project, release))

    async def _unknown(self, project: int, release: str) -> Unknown | None:
        until = self._line.monotonic() + LOOK.total_seconds()
        try:
            async with asyncio.timeout(LOOK.total_seconds()):
                return await self._names.unknown(project, release, until)
        except TimeoutError:
            return None

    # ---------------------------------------------------------------------------------------------------------- doctor

    async def unknown(self, indicator: Indicator, arm: Mapping[str, str]) -> Unknown | None:
        """What Sentry does not know of what *indicator* asks for; ``None``: all is there, or nobody says."""
        query = parsed(indicator.query)
        try:
            release = filled(query.release, arm)
        except ArmUnnamed as unnamed:
            return Unknown(About.RELEASE, f"{unnamed}: {unnamed.remedy}")
        until = self._line.monotonic() + LOOK.total_seconds()
        project = (await self._projects({query.project}, until))[query.project]
        if isinstance(project, Invalid):
            return Unknown(About.PROJECT, project.words)
        return None if isinstance(project, Unavailable) else await self._unknown(project, release)

    def spends(self, questions: Sequence[Question], window: Window) -> Sequence[Spending]:
        """Calls, by the endpoints that Sentry limits. Looking at a new issue takes some more."""
        batch = _Batch()
        numbers: dict[str, int] = {}  # projects by stand-ins, as long as those that Sentry gives
        for question in questions:
            if mistake(question.indicator) is None:
                query = parsed(question.indicator.query)
                number = numbers.setdefault(query.project, _LEAST_PROJECT + len(numbers))
                self._add(batch, question, query, number, window)
        units = (unit for each in batch.counts.values() for unit in each.units)
        where = self._line.settings.requests_in
        endpoints = [call.form.value for call in planned(units, window.start, window.end, where)]
        endpoints += ["issues" for _ in issues.calls(dict.fromkeys(batch.states.values()))]
        return [
            Spending(many, endpoint, self._line.allowed(endpoint))
            for endpoint, many in Counter(endpoints).items()
        ]

    async def examine(self) -> Sequence[Finding]:
        """Is the organisation there, may the token read what is asked for, and is it the same time there?"""
        until = self._line.monotonic() + 2 * LOOK.total_seconds()
        first = await self._line.ask("", (), until)
        if isinstance(first, Failed):
            return [_failing(first)]
        settings = self._line.settings
        findings = [
            site.finding(settings.url, settings.organization, first.content),
            Finding(Level.OK, f"{self._line.where} answers, and takes the token", about=About.KEY),
        ]
        refused = []
        for path, params, needed_by in _PROBES:
            page = await self._line.ask(path, params, until)
            if isinstance(page, Failed):
                refused.append(_failing(page, f"{needed_by}: "))
        if not refused:
            *others, last = (needed_by for _, _, needed_by in _PROBES)
            words = f"the token may read {', '.join(others)} and {last}"
            refused = [Finding(Level.OK, words, about=About.SCOPE)]
        return [
            *findings,
            *refused,
            *clocks.findings(self._line.skew, WHOSE, "set the clock: buckets are Sentry's"),
        ]


def _failing(failed: Failed, of: str = "") -> Finding:
    return failing(failed.trouble, failed.about, _REMEDIES, _MENDS, of)


# What the token is needed for, asked for as little of as may be.
_PROBES: Sequence[tuple[str, tuple[tuple[str, str], ...], str]] = (
    ("projects/", (("per_page", "1"),), "projects"),
    ("releases/", (("per_page", "1"),), "names of releases"),
    ("issues/", (("limit", "1"), ("query", "is:unresolved")), "new issues"),
)
_MENDS = {
    About.SITE: "correct `url`: that of the organisation's region, or of your own Sentry, up to where `/api/0` begins",
    About.ORGANIZATION: "correct `organization`: the slug in the addresses of its pages; or `url`, if it lives on another site",
    About.KEY: "make a token of an internal integration, and write it to `token`",
    About.SCOPE: "give the token's integration that permission, and access to the project",
    About.CLOCK: "set the clock: buckets are Sentry's",
}
_REMEDIES = {
    Who.OPERATOR: "correct the connection: its url, its organization, its token and what that may; or `daemon.reach`",
    Who.AUTHOR: "correct the connection's url",
    Who.PROVIDER: "is it up? Try again",
    Who.SERVICE: "is it up?",
}


def _key(asked: Asked) -> _Key:
    return asked.canary.total.project, asked.canary.total.release


@contextlib.asynccontextmanager
async def open_sentry(settings: BaseModel | None, opening: Opening) -> AsyncIterator[Provider]:
    """The provider of one connection. Nothing is asked yet. Connections with one token wait together."""
    if not isinstance(settings, Settings):
        raise TypeError("a connection to Sentry needs its settings")
    key = ("sentry", settings.url, settings.organization, settings.token)
    gates: dict[str, Gate] = opening.shared(key, dict)
    budget = Budget(opening.metrics, "sentry", opening.connection)
    line = Line(settings, opening.http, opening.now, opening.monotonic, gates, budget)
    wrong = line.load()
    yield Nowhere(wrong, _REMEDIES[Who.OPERATOR]) if wrong else Sentry(line)


KIND = Kind(
    query=Query,
    fits=FITS,
    bucket=bucket,
    settle=LEAST_SETTLE,
    settles=settle,
    open=open_sentry,
    settings=Settings,
    mistake=mistake,
)
