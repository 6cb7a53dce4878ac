"""Asks ECS about the tasks of one cluster: pages of lists, and a hundred descriptions a call. Remembers nothing.

Source:
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListTasks.html
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTasks.html
"""

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from pydantic import ValidationError

from deploy.errors import AwsRefused
from deploy.ports import Aws
from rules.sample import Invalid, Who
from watcher.signals.ecs_tasks.services import ServiceAt, Trouble, refusal
from watcher.signals.ecs_tasks.task import Task, read_task, service_of

RUNNING, STOPPED = "RUNNING", "STOPPED"
MOST_DESCRIBED = 100  # in a call; ECS allows no more
AT_ONCE = 5  # calls under way for one cluster


@dataclass(frozen=True, slots=True)
class Listed:
    """A list, or its beginning. *pages*: of it that were read."""

    arns: Sequence[str]
    pages: int
    is_whole: bool


@dataclass(slots=True)
class Described:
    """What one call told of the tasks that it asked for.

    Attributes:
        owners: The service of each, by its ARN; empty where it is no service's.
        missing: Those that ECS knows no more.
        troubles: By ARN, why nothing can be said of it.
    """

    tasks: list[Task] = field(default_factory=list)
    owners: dict[str, str] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)
    troubles: dict[str, Trouble] = field(default_factory=dict)


class Asking:
    """About one cluster, in one round."""

    def __init__(self, aws: Aws, account: str, cluster: str) -> None:
        self._aws = aws
        self._account = account
        self._cluster = cluster
        self._gate = asyncio.Semaphore(AT_ONCE)

    async def list(self, status: str, most: int, service: str | None = None) -> Listed:
        """The ARNs of tasks that are to be in *status*, of *service* or of the whole cluster; *most* pages, one at least.

        Raises:
            AwsRefused: ECS does not say.
        """
        arns: list[str] = []
        more = {} if service is None else {"serviceName": service}
        for page in range(1, max(most, 1) + 1):
            async with self._gate:
                answer = await self._aws.read(
                    self._account, "ecs", "list_tasks", cluster=self._cluster, desiredStatus=status, **more
                )
            arns += answer.get("taskArns", ())
            if not answer.get("nextToken"):
                return Listed(arns, page, is_whole=True)
            more = {**more, "nextToken": answer["nextToken"]}
        return Listed(arns, max(most, 1), is_whole=False)

    async def describe(self, arns: Collection[str], enter: Callable[[Described], None]) -> None:
        """Describe *arns*, and *enter* what each call told as soon as it did. Raises nothing for what AWS says."""

        async def one(some: Sequence[str]) -> None:
            enter(await self._described(some))

        async with asyncio.TaskGroup() as group:
            for some in _by_hundreds(arns):
                group.create_task(one(some))

    async def _described(self, arns: Sequence[str]) -> Described:
        try:
            async with self._gate:
                answer = await self._aws.read(
                    self._account, "ecs", "describe_tasks", cluster=self._cluster, tasks=list(arns)
                )
        except AwsRefused as refused:
            trouble = refusal(refused, ServiceAt(self._account, self._cluster, ""))
            return Described(troubles=dict.fromkeys(arns, trouble))
        return _read(answer, frozenset(arns))

    def refused(self, refused: AwsRefused, service: str = "") -> Trouble:
        """Why there is no list of *service*, or of the cluster."""
        return refusal(refused, ServiceAt(self._account, self._cluster, service))


def _by_hundreds(arns: Collection[str]) -> Iterator[Sequence[str]]:
    left = iter(arns)
    while some := tuple(islice(left, MOST_DESCRIBED)):
        yield some


def _read(answer: Mapping[str, Any], asked: frozenset[str]) -> Described:
    """What *answer* says of those that were *asked* for; one that cannot be read is nobody else's trouble."""
    found, nameless = Described(), list[Trouble]()
    for each in answer.get("tasks", ()):
        arn = each.get("taskArn")
        try:
            task = read_task(each)
        except ValidationError as error:
            words = f"not an answer of DescribeTasks: {error.errors()[0]['msg']}"
            if isinstance(arn, str) and arn in asked:
                found.owners[arn], found.troubles[arn] = service_of(each), Invalid(Who.PROVIDER, words)
            else:
                nameless.append(Invalid(Who.PROVIDER, words))
            continue
        if task.arn in asked:
            found.tasks.append(task)
            found.owners[task.arn] = service_of(each)
    found.missing = {failure.get("arn", "") for failure in answer.get("failures", ())} & asked
    if nameless:  # of which it was to tell
        found.troubles |= dict.fromkeys(asked - found.owners.keys() - found.missing, nameless[0])
    return found
