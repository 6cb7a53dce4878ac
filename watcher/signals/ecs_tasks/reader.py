"""Reads the tasks of services, in as few calls as ECS allows; all who ask about one service share one reading.

A reading of a service is two lists (those that shall run, those that shall not; a hundred a page). Described are only
those that are new or may have changed, a hundred a call for all services of a cluster together: a task that has stopped
never changes again, and one that runs is in the other list as soon as that changes. So a service at rest costs two calls,
however many tasks it has. What is remembered saves calls and nothing else: another reader, asked now, says the same.

ECS keeps a task for an hour after it stopped, and the control plane is eventually consistent.

Source:
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListTasks.html
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTasks.html
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import structlog
from pydantic import ValidationError

from deploy.errors import AwsRefused
from deploy.ports import Aws
from rules.sample import Invalid, Unavailable, Who
from watcher.aws.codes import Result, result_of
from watcher.signals.ecs_tasks.task import Task, read_task
from watcher.signals.on_aws import NotAsked

KEPT = timedelta(
    minutes=55
)  # ECS says "at least one hour"; the rest is for clocks, and for the reading itself
FORGOTTEN = timedelta(minutes=75)  # after its end nobody asks for a task
MOST_PAGES = 10  # of each list: a thousand tasks that run, and a thousand that stopped within the hour
MOST_DESCRIBED = 100  # in a call; ECS allows no more
AT_ONCE = 5  # calls under way for one cluster
_RUNNING, _STOPPED = "RUNNING", "STOPPED"
_NEVER = datetime.min.replace(tzinfo=UTC)
log = structlog.stdlib.get_logger("rollbackd.signals")


@dataclass(frozen=True, slots=True, order=True)
class ServiceAt:
    """A service, and where it is. *account* is the name of it in the configuration."""

    account: str
    cluster: str
    service: str


@dataclass(frozen=True, slots=True)
class Tasks:
    """The tasks of a service, as ECS told them.

    Attributes:
        taken: When the reading began: what happened later may be missing.
        is_whole: All that ECS still knows are there. There is an end to what is read.
    """

    taken: datetime
    tasks: Sequence[Task]
    is_whole: bool = True


Trouble = Unavailable | Invalid
Told = Tasks | Trouble


UNREAD = Unavailable(Who.PROVIDER, "ECS has not been read yet")


@dataclass
class _Book:
    """What is known of the tasks of one service; what was told of them last, and by a reading that began when.

    *read*: when one began that was answered.
    """

    tasks: dict[str, Task] = field(default_factory=dict)
    told: Told = UNREAD
    taken: datetime | None = None
    read: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Listed:
    running: Sequence[str]
    stopped: Sequence[str]
    is_whole: bool


class Reader:
    """Of all accounts. Made once, shared by all who ask."""

    def __init__(self, aws: Aws, now: Callable[[], datetime]) -> None:
        self._aws = aws
        self._now = now
        self._books: dict[ServiceAt, _Book] = {}
        self._turns: dict[tuple[str, str], asyncio.Lock] = {}

    async def read(self, services: Collection[ServiceAt], not_before: datetime) -> Mapping[ServiceAt, Told]:
        """The tasks of *services*, from readings that began at *not_before* or later; or why they cannot be had.

        A service's trouble is its own. Raises nothing for what AWS says.
        """
        clusters: dict[tuple[str, str], list[ServiceAt]] = {}
        for service in sorted(set(services), key=self._waited):
            clusters.setdefault((service.account, service.cluster), []).append(service)
        async with asyncio.TaskGroup() as group:
            reading = [group.create_task(self._cluster(asked, not_before)) for asked in clusters.values()]
        return {service: told for each in reading for service, told in each.result().items()}

    def _waited(self, service: ServiceAt) -> tuple[datetime, ServiceAt]:
        """Where AWS does not answer all of them, those come first that have waited longest."""
        book = self._books.get(service)
        return _NEVER if book is None or book.read is None else book.read, service

    async def _cluster(self, services: Sequence[ServiceAt], not_before: datetime) -> dict[ServiceAt, Told]:
        turn = self._turns.setdefault((services[0].account, services[0].cluster), asyncio.Lock())
        async with turn:  # who comes while another one reads finds its reading
            books = {service: self._books.setdefault(service, _Book()) for service in services}
            await self._renew(
                {
                    service: book
                    for service, book in books.items()
                    if book.taken is None or book.taken < not_before
                }
            )
            return {service: book.told for service, book in books.items()}

    async def _renew(self, books: Mapping[ServiceAt, _Book]) -> None:
        """Read the tasks of services of one cluster anew. A trouble is remembered too: it is not asked again at once."""
        taken, gate = self._now(), asyncio.Semaphore(AT_ONCE)
        async with asyncio.TaskGroup() as group:
            listing = {service: group.create_task(self._listed(service, gate)) for service in books}
        listed = {service: task.result() for service, task in listing.items()}
        found = {service: each for service, each in listed.items() if isinstance(each, _Listed)}
        whole = {service for service, each in found.items() if each.is_whole}
        trouble = await self._describe(found, books, gate) if found else None
        for service, each in listed.items():
            book, failed = books[service], trouble if isinstance(each, _Listed) else each
            if failed is None:
                book.tasks = {arn: task for arn, task in book.tasks.items() if not _is_past(task, taken)}
                book.read = taken
            book.taken = taken
            book.told = failed or Tasks(taken, tuple(book.tasks.values()), service in whole)

    async def _listed(self, service: ServiceAt, gate: asyncio.Semaphore) -> _Listed | Trouble:
        try:
            # In this order: a task that stops in between is in both, and never in neither.
            running, all_running = await self._list(service, _RUNNING, gate)
            stopped, all_stopped = await self._list(service, _STOPPED, gate)
        except AwsRefused as refused:
            return refusal(refused, service)
        if not (all_running and all_stopped):
            log.warning("tasks.too_many", cluster=service.cluster, service=service.service)
        return _Listed(running, stopped, all_running and all_stopped)

    async def _list(self, service: ServiceAt, status: str, gate: asyncio.Semaphore) -> tuple[list[str], bool]:
        arns: list[str] = []
        more: dict[str, str] = {}
        for _ in range(MOST_PAGES):
            async with gate:
                page = await self._aws.read(
                    service.account,
                    "ecs",
                    "list_tasks",
                    cluster=service.cluster,
                    serviceName=service.service,
                    desiredStatus=status,
                    **more,
                )
            arns += page.get("taskArns", ())
            if not page.get("nextToken"):
                return arns, True
            more = {"nextToken": page["nextToken"]}
        return arns, False

    async def _describe(
        self, listed: Mapping[ServiceAt, _Listed], books: Mapping[ServiceAt, _Book], gate: asyncio.Semaphore
    ) -> Trouble | None:
        """Describe what may have changed, and enter each into its book. All services are of one cluster."""
        changed = {arn: books[at] for at, each in listed.items() for arn in _changed(books[at], each)}
        one = next(iter(listed))

        async def describe(arns: Sequence[str]) -> Trouble | None:
            try:
                async with gate:
                    answer = await self._aws.read(
                        one.account, "ecs", "describe_tasks", cluster=one.cluster, tasks=list(arns)
                    )
                _enter(answer, changed)
            except AwsRefused as refused:
                return refusal(refused, one)
            except ValidationError as error:
                return Invalid(Who.PROVIDER, f"not an answer of DescribeTasks: {error.errors()[0]['msg']}")
            return None

        async with asyncio.TaskGroup() as group:
            calls = [group.create_task(describe(arns)) for arns in _by_hundreds(changed)]
        return next((trouble for call in calls if (trouble := call.result()) is not None), None)


def _by_hundreds(arns: Iterable[str]) -> Iterator[Sequence[str]]:
    left = iter(arns)
    while some := tuple(islice(left, MOST_DESCRIBED)):
        yield some


def _changed(book: _Book, listed: _Listed) -> Iterator[str]:
    """What has to be described: what is new, what has not started yet, what stops, and what is in no list any more."""
    known = book.tasks
    for arn in listed.running:
        if arn not in known or known[arn].started is None:
            yield arn
    for arn in listed.stopped:
        if arn not in known or not known[arn].is_over:
            yield arn
    if listed.is_whole:
        gone = known.keys() - set(listed.running) - set(listed.stopped)
        yield from (arn for arn in gone if not known[arn].is_over)


def _enter(answer: Mapping[str, Any], books: Mapping[str, _Book]) -> None:
    """Enter the tasks of *answer* into the books from which they were asked for."""
    for each in answer.get("tasks", ()):
        task = read_task(each)
        if task.arn in books:
            books[task.arn].tasks[task.arn] = task
    for failure in answer.get("failures", ()):
        arn = failure.get("arn", "")
        if arn in books:  # it is not there any more, and how it ended nobody can tell
            books[arn].tasks.pop(arn, None)


def _is_past(task: Task, now: datetime) -> bool:
    """It ended so long ago that nobody asks for it."""
    return task.is_over and task.ended is not None and task.ended < now - FORGOTTEN


# --------------------------------------------------------------------------------------------------- what AWS refuses

_MISSING = {"ClusterNotFoundException": "cluster", "ServiceNotFoundException": "service"}
_AUTHORS = frozenset({"InvalidParameterException", "ClientException"})
_WORDS = 200  # characters of AWS's own


def refusal(refused: AwsRefused, service: ServiceAt) -> Trouble:
    """What AWS refused, as a reading: who has to act, and what is wrong."""
    if isinstance(refused, NotAsked):
        return refused.trouble
    missing, words = _MISSING.get(refused.code), refused.words[:_WORDS]
    if missing is not None:
        where = f" in the cluster {service.cluster}" if missing == "service" else ""
        name = getattr(service, missing)
        return Invalid(Who.AUTHOR, f"there is no {missing} {name}{where} (account {service.account})")
    if refused.code in _AUTHORS:
        return Invalid(Who.AUTHOR, f"ECS refuses the query: {words}")
    match result_of(refused.code):
        case Result.DENIED:
            needs = "it needs ecs:ListTasks and ecs:DescribeTasks"
            return Unavailable(Who.OPERATOR, f"tasks may not be read in {service.account}: {words}; {needs}")
        case Result.CREDENTIALS:
            return Unavailable(Who.OPERATOR, f"no credentials for the account {service.account}: {words}")
        case _:
            return Unavailable(Who.PROVIDER, f"ECS in {service.account}: {refused.code}: {words}")
