"""Finds what is looked at, where addresses come and go: the tasks of an ECS service, each by its own private address.

ECS is asked every 15 s which tasks run; each is looked at for as long as it does. Whose it is, is told by its task
definition, so that the two releases of a rolling deployment are told apart though no page says a word of it. A task that
is gone is looked at no more (its address may soon be another's), and what was seen of it still counts.

Only tasks with a network interface of their own (``awsvpc``) can be found: in the other modes a task shares the address
of its host, which ECS does not tell with it.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from rules.model import Indicator
from rules.sample import Invalid, NoData, Unavailable, Who
from watcher.signals.arms import filled
from watcher.signals.ecs_tasks.provider import shared_reader
from watcher.signals.ecs_tasks.query import TasksOf
from watcher.signals.ecs_tasks.reader import Reader
from watcher.signals.ecs_tasks.services import ServiceAt, Tasks
from watcher.signals.ecs_tasks.task import Task
from watcher.signals.provider import Opening
from watcher.signals.sampling import MEMORY, Pace, Sampler, Subject, Track, boundary_after

Seen = TypeVar("Seen")

EVERY = timedelta(seconds=15)  # the grid of `ecs_tasks`, so that both share one reading
NEWBORN = timedelta(minutes=5)  # what is older was overlooked: its counts would be told all at once, and late
LAG = timedelta(seconds=5)  # ECS may tell a moment late that a task is stopped
PATIENT = 10.0  # seconds that ECS has for an answer: less than a beat, and others wait for the same reading
MOST = 100  # tasks of one release that are looked at
Trouble = NoData | Unavailable | Invalid
Maker = Callable[[str, datetime | None], Subject[Seen]]


class TasksAt(TasksOf):
    """``{ecs_tasks: {cluster, service, port, path, task_definition}}``: where each task of a service answers.

    Attributes:
        port: In the container: with ``awsvpc`` it is the task's own.
        path: Of the address, with what stands after it.
    """

    port: Annotated[int, Field(ge=1, le=65535, strict=True)]
    path: Annotated[str, StringConstraints(pattern=r"^/[A-Za-z0-9._~:/?@%&=+,-]{0,1023}$")]


class Discover(BaseModel):
    """``discover: {ecs_tasks: …}``, in the place of addresses."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ecs_tasks: TasksAt


@dataclass(frozen=True, slots=True)
class Member:
    """A task that runs, or ran not long ago. *ended*: since when it is gone, or about to go, as far as ECS told."""

    task: Task
    ended: datetime | None = None


@dataclass(frozen=True, slots=True)
class Census:
    """Who ran when ECS was asked at *taken*, and who ran in the quarter of an hour before."""

    taken: datetime
    members: Mapping[str, Member]


Counted = Census | Trouble


class Roll:
    """Calls the roll of one service, again and again."""

    def __init__(self, reader: Reader | None, service: ServiceAt) -> None:
        self._reader = reader
        self._service = service
        self._members: dict[str, Member] = {}
        self._taken: datetime | None = None

    async def look(self, at: datetime) -> Counted:
        """Ask ECS which tasks run."""
        if self._reader is None:
            return Invalid(Who.OPERATOR, "no account of AWS is configured to find tasks in")
        until = asyncio.get_running_loop().time() + PATIENT
        told = (await self._reader.read([self._service], at, until))[self._service]
        return self._census(told) if isinstance(told, Tasks) else told

    def begin_anew(self) -> None:
        """The times of tasks are ECS's own: nothing is lost."""

    def weight(self, seen: object) -> int:
        """How many tasks it names."""
        return len(seen.members) if isinstance(seen, Census) else 1

    def _census(self, told: Tasks) -> Census:
        known = {task.arn: task for task in told.tasks}
        last, self._taken = self._taken or told.taken, told.taken
        members = {arn: Member(task) for arn, task in known.items() if task.is_running}
        for arn, member in self._members.items():
            if arn not in members:
                ended = member.ended or (known[arn].ended if arn in known else None) or last
                if ended > told.taken - MEMORY:
                    members[arn] = Member(member.task, ended)
        self._members = members
        return Census(told.taken, members)


@dataclass(frozen=True, slots=True)
class Life(Generic[Seen]):
    """A task of the release, and what was seen of it."""

    member: Member
    track: Track[Seen]


@dataclass(frozen=True, slots=True)
class Found(Generic[Seen]):
    """What is looked at of one release.

    Attributes:
        until: Who runs and who is gone is known until then; ``None`` if ECS never answered.
        trouble: Why nothing is found, or why nothing is known just now.
    """

    lives: Sequence[Life[Seen]] = ()
    until: datetime | None = None
    trouble: Trouble | None = None

    @property
    def tracks(self) -> list[Track[Seen]]:
        """Of all its tasks."""
        return [life.track for life in self.lives]


class Discovery(Generic[Seen]):
    """Finds tasks, and has each of them looked at for as long as it runs."""

    def __init__(
        self,
        rolls: Sampler[Counted],
        sampler: Sampler[Seen],
        reader: Reader | None,
        now: Callable[[], datetime],
    ) -> None:
        self._rolls = rolls
        self._sampler = sampler
        self._reader = reader
        self._now = now
        self._held: dict[Hashable, dict[str, Track[Seen]]] = {}  # by place and way, then by task

    @classmethod
    @contextlib.asynccontextmanager
    async def open(
        cls, sampler: Sampler[Seen], opening: Opening, pace: Pace
    ) -> AsyncIterator["Discovery[Seen]"]:
        """For *sampler*, which does the looking."""
        async with Sampler[Counted].open(pace) as rolls:
            yield cls(rolls, sampler, shared_reader(opening), opening.now)

    def find(
        self,
        where: TasksAt,
        account: str,
        names: Mapping[str, str],
        every: timedelta,
        way: str,
        make: Maker[Seen],
    ) -> Found[Seen]:
        """The tasks of one release.

        Args:
            where: The service, and where its tasks answer.
            account: In which account, by its name.
            names: Of the release.
            every: How often each task is looked at.
            way: In which way; two ways of looking at one address are two subjects.
            make: What looks at an address. Its second argument is a boundary before which nothing was counted there;
                ``None`` where nobody knows the task from its beginning.

        Raises:
            ArmUnnamed: The release has no name that is asked for.
        """
        definition = None if where.task_definition is None else filled(where.task_definition, names)
        service = ServiceAt(account, where.cluster, where.service)
        roll = self._rolls.follow(service, EVERY, lambda: Roll(self._reader, service))
        if roll is None:
            return Found(trouble=Unavailable(Who.OPERATOR, "too many services are followed already"))
        census = next((b.seen for b in reversed(roll.beats) if isinstance(b.seen, Census)), None)
        trouble = roll.beats[-1].seen if roll.beats and not isinstance(roll.beats[-1].seen, Census) else None
        if census is None:
            return Found(trouble=trouble or NoData("ECS is asked which tasks run"))
        held = self._held.setdefault((service, where.port, where.path, way, every), {})
        for arn in held.keys() - census.members.keys():  # gone for so long that nobody asks for it
            del held[arn]
        mine = {
            arn: member
            for arn, member in sorted(census.members.items())
            if definition in {None, member.task.task_definition}
        }
        for arn in _running(mine, held)[:MOST]:
            track = self._followed(mine[arn].task, where, every, way, make, roll.begun)
            if track is not None:
                held[arn] = track
        for arn in held.keys() & mine.keys():
            if mine[arn].ended is not None:
                self._sampler.leave(held[arn])
        lives = [Life(member, held[arn]) for arn, member in mine.items() if arn in held]
        return Found(
            lives, census.taken - LAG, trouble or (None if lives else _nobody(mine, where, definition))
        )

    def _followed(
        self, task: Task, where: TasksAt, every: timedelta, way: str, make: Maker[Seen], begun: datetime
    ) -> Track[Seen] | None:
        """*task* is looked at, from now on if it was not before. *begun*: since when its service is followed."""
        url = f"http://{task.address}:{where.port}{where.path}"
        is_newborn = begun <= task.created and self._now() - task.created < NEWBORN
        born = boundary_after(task.created, every) - every if is_newborn else None
        return self._sampler.follow((task.arn, way, url), every, lambda: make(url, born))


def _running(members: Mapping[str, Member], held: Mapping[str, object]) -> list[str]:
    """Who can be looked at; first those who are, so that they stay."""
    running = [arn for arn, member in members.items() if member.ended is None and member.task.address]
    return sorted(running, key=lambda arn: (arn not in held, arn))


def _nobody(mine: Mapping[str, Member], where: TasksAt, definition: str | None) -> Trouble:
    if mine and all(member.task.address is None for member in mine.values()):
        words = f"the tasks of {where.service} have no address of their own (network mode bridge or host)"
        return Invalid(
            Who.AUTHOR, f"{words}: not in this version; run them with awsvpc, or name the addresses"
        )
    return NoData(f"no task of {definition or where.service} runs")


def placed(indicator: Indicator, account: str | None) -> Indicator:
    """*indicator* with the *account* in its query that its tasks are found in, where it finds any."""
    if account is None or not needs_account(indicator):
        return indicator
    written = {**json.loads(indicator.query), "account": account}
    query = json.dumps(written, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return replace(indicator, query=query)


def needs_account(indicator: Indicator) -> bool:
    """It finds tasks: in the account that its query names, or in that of its service."""
    return "discover" in json.loads(indicator.query)
