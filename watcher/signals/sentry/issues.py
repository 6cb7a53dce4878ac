"""New issues of a release, as a state: bad once one of them has enough events.

Most releases have none, so many are asked about at once. Only where an issue is found in a project, the releases of that
project are asked about one by one: an issue in a list does not say which release was its first.

"No new issue" is believed only of a release that Sentry knows by this name: of any other there is none either.

Source:
    https://docs.sentry.io/api/events/list-an-organizations-issues/
"""

import asyncio
from collections.abc import Awaitable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeVar

from rules.sample import Bucket, Invalid, NoData, Reading, Series, State, Unavailable, Who
from watcher.signals.sentry import answer as answers
from watcher.signals.sentry.answer import Failed, Issue, Next, Trouble
from watcher.signals.sentry.line import Line
from watcher.signals.sentry.names import Names
from watcher.signals.sentry.plan import Params, one_of
from watcher.signals.sentry.query import NewIssues

MOST_ISSUES = 100  # of a page; those with most events come first
MOST_RELEASES = (
    50  # in one search: of 250 signs at most they fit into an address, and are seldom half as long
)
MOST_SPLITS = 20  # in one reading
SETTLED = timedelta(minutes=1)
GOOD, BAD = "QUIET", "NEW"


@dataclass(frozen=True, slots=True)
class Wanted:
    """One question. ``[start, end)`` is the bucket at whose end the state is told."""

    project: int
    release: str
    environment: str | None
    new: NewIssues
    start: datetime
    end: datetime


T = TypeVar("T")
Together = tuple[Wanted, ...]
States = dict[Wanted, State | NoData | Trouble]


def reading(indicator: str, wanted: Wanted, told: State | NoData | Trouble) -> Reading:
    """What is told, as the reading of *indicator*."""
    if not isinstance(told, State):
        return told
    return (Series(indicator, (Bucket(wanted.start, wanted.end, told),)),)


class Issues:
    """Asks about the issues of one reading."""

    def __init__(self, line: Line, names: Names, until: float) -> None:
        self._line = line
        self._names = names
        self._until = until
        self._splits = MOST_SPLITS

    async def of(self, wanted: Iterable[Wanted]) -> States:
        """How each that is *wanted* stands."""
        wanted = tuple(dict.fromkeys(wanted))
        known = await self._known(wanted)
        found = {each: self._unknown(each, told) for each, told in known.items() if told is not True}
        return found | await self._together(calls(each for each in wanted if known[each] is True))

    async def _together(self, asked: Iterable[Together]) -> States:
        """Of all that is *asked* at the same time; what is late spoils nothing of what is not."""
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._states(each)) for each in asked]
        found: States = {}
        for task in tasks:
            found |= task.result()
        return found

    async def _known(self, wanted: Sequence[Wanted]) -> dict[Wanted, bool | Trouble]:
        async with asyncio.TaskGroup() as group:
            tasks = {
                (project, release): group.create_task(
                    self._in_time(self._names.release(project, release, self._until), self._late())
                )
                for project, release in {(each.project, each.release) for each in wanted}
            }
        return {each: tasks[each.project, each.release].result() for each in wanted}

    def _late(self) -> Unavailable:
        return Unavailable(Who.PROVIDER, f"{self._line.where} gave no answer in time")

    async def _in_time(self, asking: Awaitable[T], late: T) -> T:
        try:
            async with asyncio.timeout(max(self._until - self._line.monotonic(), 0.0)):
                return await asking
        except TimeoutError:
            return late

    def _unknown(self, wanted: Wanted, told: Trouble | Literal[False]) -> State | NoData | Trouble:
        if isinstance(told, Trouble):
            return told
        words = f"{self._line.where} knows no release {wanted.release} in this project"
        return NoData(f"{words}: it has told nothing yet, or goes by another name")

    async def _states(self, wanted: Together) -> States:
        """Of all that are *wanted*, which have the same environment and wish."""
        found = await self._found(wanted)
        if isinstance(found, Failed):
            return await self._failed(wanted, found)
        if _is_one(wanted):
            return {each: state(each, found) for each in wanted}
        suspects = _suspects(wanted, found)
        states: States = {each: State(GOOD) for each in wanted if each not in suspects}
        return states | await self._together(_ones(suspects))

    async def _failed(self, wanted: Together, failed: Failed) -> States:
        """One project that is wrong is not the others' trouble; nor is a Sentry that takes no list of releases."""
        helps = failed.next is not Next.NOTHING or isinstance(failed.trouble, Invalid)
        if not helps or _is_one(wanted) or not self._splits:
            return dict.fromkeys(wanted, failed.trouble)
        self._splits -= 1
        ones = list(_ones(wanted))
        halves = ones[: len(ones) // 2], ones[len(ones) // 2 :]
        return await self._together(tuple(each for one in half for each in one) for half in halves)

    async def _found(self, wanted: Together) -> Sequence[Issue] | Failed:
        asking = self._line.ask("issues/", params(wanted), self._until)
        page = await self._in_time(asking, Failed(self._late()))
        if isinstance(page, Failed):
            return page
        checked: Sequence[Issue] | Failed = answers.checked(answers.ISSUES, page.content, self._line.where)
        return checked


def calls(wanted: Iterable[Wanted]) -> Iterator[Together]:
    """*wanted* in as few calls as may be."""
    families: dict[tuple[str | None, bool], list[Wanted]] = {}
    for each in wanted:
        families.setdefault((each.environment, each.new.unhandled), []).append(each)
    for family in families.values():
        ones = list(_ones(family))
        for at in range(0, len(ones), MOST_RELEASES):
            yield tuple(each for one in ones[at : at + MOST_RELEASES] for each in one)


def params(wanted: Together) -> Params:
    """What one call says."""
    first = one_of("firstRelease", sorted({each.release for each in wanted}))
    unhandled = " error.unhandled:true" if wanted[0].new.unhandled else ""
    environment = wanted[0].environment
    return (
        *(("project", str(project)) for project in sorted({each.project for each in wanted})),
        *([("environment", environment)] if environment is not None else []),
        ("query", f"is:unresolved {first}{unhandled}"),
        ("sort", "freq"),
        ("limit", str(MOST_ISSUES)),
    )


def state(wanted: Wanted, issues: Iterable[Issue]) -> State:
    """How the release stands at the end of the bucket.

    Of several issues the newest that is a minute old is named: what was there before the switch says nothing of the
    release (`rules.assemble` sees to it) and must not hide what came after, and where new ones come all the time a
    younger one would begin the time anew.
    """
    counted = sorted(
        (issue.first_seen, issue.short_id)
        for issue in issues
        if issue.project.id == wanted.project
        and issue.count >= wanted.new.events
        and issue.first_seen < wanted.end
    )
    if not counted:
        return State(GOOD)
    settled = [each for each in counted if each[0] <= wanted.end - SETTLED]
    since, name = settled[-1] if settled else counted[0]
    return State(BAD, since, bad=True, of=name)


def _ones(wanted: Iterable[Wanted]) -> Iterator[Together]:
    """By release and project."""
    by: dict[tuple[int, str], list[Wanted]] = {}
    for each in wanted:
        by.setdefault((each.project, each.release), []).append(each)
    return (tuple(by[key]) for key in sorted(by))


def _is_one(wanted: Together) -> bool:
    return len({(each.project, each.release) for each in wanted}) == 1


def _suspects(wanted: Together, issues: Sequence[Issue]) -> Together:
    """Those of whose project there are issues; all, where there may be more than were told."""
    if len(issues) >= MOST_ISSUES:
        return wanted
    least = min(each.new.events for each in wanted)
    projects = {issue.project.id for issue in issues if issue.count >= least}
    return tuple(each for each in wanted if each.project in projects)
