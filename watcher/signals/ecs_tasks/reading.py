"""One reading of one cluster: service by service, or its whole lists; then what may have changed is described.

Running tasks are listed first: one that stops in between is in both lists, and never in neither. One that is in neither though it
ran before (a page may miss it while others come and go) is asked for by its name. A service none of whose tasks runs is asked for by
its name as well: the lists of its cluster cannot tell whether there is such a service.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

import structlog

from deploy.errors import AwsRefused
from watcher.aws.codes import Result, result_of
from watcher.signals.ecs_tasks.asking import RUNNING, STOPPED, Asking, Described, Listed
from watcher.signals.ecs_tasks.cluster import DENIED_FOR, IN_VAIN, NEVER, Cluster, Found
from watcher.signals.ecs_tasks.plan import MOST_PAGES, Size, planned
from watcher.signals.ecs_tasks.services import NO_CLUSTER, Trouble

log = structlog.stdlib.get_logger("rollbackd.signals")
TOGETHER = 50  # services that are listed one by one, and described together
Lists = dict[str, Found | Trouble]  # by the names of services


class Reading:
    """It begins at *taken*: what happened later may be missing."""

    def __init__(self, asking: Asking, cluster: Cluster, taken: datetime) -> None:
        self._asking = asking
        self._cluster = cluster
        self._taken = taken
        self._denied: AwsRefused | None = None  # of the whole cluster's lists
        # Of tasks, by service; of ``None`` are those of which nobody knows whose they are.
        self._troubles: dict[str | None, Trouble] = {}

    async def go(self, asked: Sequence[str], not_before: datetime) -> None:
        """Read the services *asked*, and what others will ask for at once where that costs nothing. Raises nothing for what AWS says.

        A cancellation loses nothing of the services that are done, nor of the tasks that were described.
        """
        self._cluster.forget(self._taken)
        names = self._cluster.due_with(asked, not_before, self._taken)
        lists = await self._whole(names, self._most(names))
        if lists is not None:
            self._close(lists)
            return
        for first in range(0, len(asked), TOGETHER):
            self._close(await self._singly(asked[first : first + TOGETHER]))

    def _close(self, lists: Lists) -> None:
        for name, found in lists.items():
            trouble = self._troubles.get(name) or self._troubles.get(None)
            self._cluster.books[name].close(self._taken, found, trouble)
        self._troubles.clear()
        if self._denied is not None and any(isinstance(found, Found) for found in lists.values()):
            self._remember(self._denied)

    def _remember(self, denied: AwsRefused) -> None:
        """Its services may be listed, and the whole cluster may not."""
        if self._cluster.denied_until is NEVER:
            log.warning(
                "tasks.listed_singly",
                account=self._cluster.account,
                cluster=self._cluster.name,
                words=denied.words[:200],
            )
        self._cluster.denied_until = self._taken + DENIED_FOR

    def _most(self, names: Iterable[str]) -> int:
        """Pages of the whole cluster that are worth it; 0: service by service."""
        cluster = self._cluster
        if self._taken < max(cluster.denied_until, cluster.late_until):
            return 0
        if cluster.in_vain >= IN_VAIN:  # rather some services, and others the next time, than none
            cluster.in_vain = 0
            return 0
        return planned([cluster.books[name].lengths for name in names], cluster.size, self._taken).most

    # -------------------------------------------------------------------------------------------------- service by service

    async def _singly(self, names: Iterable[str]) -> Lists:
        async with asyncio.TaskGroup() as group:
            listing = {name: group.create_task(self._listed(name)) for name in names}
        lists = {name: task.result() for name, task in listing.items()}
        owners = {
            arn: name
            for name, found in lists.items()
            if isinstance(found, Found)
            for arn in self._cluster.books[name].changed(found)
        }
        await self._asking.describe(owners, lambda told: self._enter(told, owners))
        return lists

    async def _listed(self, name: str) -> Found | Trouble:
        try:
            running = await self._asking.list(RUNNING, MOST_PAGES, name)
            stopped = await self._asking.list(STOPPED, MOST_PAGES, name)
        except AwsRefused as refused:
            return self._asking.refused(refused, name)
        is_whole = running.is_whole and stopped.is_whole
        if not is_whole:
            log.warning("tasks.too_many", cluster=self._cluster.name, service=name)
        return Found(running.arns, stopped.arns, is_whole)

    # -------------------------------------------------------------------------------------------------- the whole cluster

    async def _whole(self, names: Collection[str], most: int) -> Lists | None:
        """By the lists of the whole cluster; ``None``: it is done service by service, for they are too long, or denied."""
        if not most:
            return None
        cluster = self._cluster
        cluster.in_vain += 1
        try:
            running = await self._asking.list(RUNNING, most - 1)
            stopped = await self._asking.list(STOPPED, most - running.pages) if running.is_whole else None
        except AwsRefused as refused:
            result = result_of(refused.code)
            # Of its services nothing else would be told. Any other fault may be that of these lists alone.
            if result in {Result.DENIED, Result.CREDENTIALS} or refused.code == NO_CLUSTER:
                cluster.in_vain = 0
            if result is Result.DENIED:
                self._denied = refused
                return None
            return dict.fromkeys(names, self._asking.refused(refused))
        except asyncio.CancelledError:
            cluster.is_late(self._taken)
            raise
        cluster.in_vain = cluster.late = 0
        if stopped is None or not stopped.is_whole:
            cluster.size = Size(most + 1, self._taken, is_all=False)
            return None
        cluster.size = Size(running.pages + stopped.pages, self._taken)
        return await self._shared_out(running, stopped, names)

    async def _shared_out(self, running: Listed, stopped: Listed, names: Collection[str]) -> Lists:
        cluster = self._cluster
        cluster.know_owners()
        listed = dict.fromkeys((*running.arns, *stopped.arns))
        known = cluster.shared_out(running.arns, stopped.arns, names)
        strangers = [arn for arn in listed if arn not in cluster.owners]
        changed = [arn for name, found in known.items() for arn in cluster.books[name].changed(found)]
        await self._asking.describe(dict.fromkeys((*changed, *strangers)), self._enter_any)
        found = cluster.shared_out(running.arns, stopped.arns, names)
        silent = [name for name, each in found.items() if not each.running]
        if None in self._troubles:  # it is everybody's, and who is silent may be so for that
            silent = []
        cluster.owners = {arn: cluster.owners[arn] for arn in listed if arn in cluster.owners}
        return {**found, **await self._silent(silent, found)}

    async def _silent(self, names: Collection[str], found: Mapping[str, Found]) -> Lists:
        """*names*, of which the cluster's lists have no task that runs: asked for by name, for they may not be there at all."""
        async with asyncio.TaskGroup() as group:
            asking = {name: group.create_task(self._runs(name)) for name in names}
        lists: Lists = {}
        late: dict[str, str] = {}
        for name, task in asking.items():
            told = task.result()
            lists[name] = (
                Found(told.arns, found[name].stopped, told.is_whole) if isinstance(told, Listed) else told
            )
            if isinstance(told, Listed):
                late |= dict.fromkeys(set(told.arns) - self._cluster.books[name].tasks.keys(), name)
        await self._asking.describe(late, lambda told: self._enter(told, late))
        return lists

    async def _runs(self, name: str) -> Listed | Trouble:
        try:
            return await self._asking.list(RUNNING, MOST_PAGES, name)
        except AwsRefused as refused:
            return self._asking.refused(refused, name)

    # ------------------------------------------------------------------------------------------------------ what is told

    def _enter_any(self, told: Described) -> None:
        """Of tasks whose services are told with them."""
        self._cluster.owners |= told.owners
        self._enter(told, self._cluster.owners)

    def _enter(self, told: Described, owners: Mapping[str, str]) -> None:
        """Into the books of the services that *owners* tells by ARN."""
        books = self._cluster.books
        for task in told.tasks:
            if owners[task.arn] in books:
                books[owners[task.arn]].tasks[task.arn] = task
        for arn in told.missing:  # it is not there any more, and how it ended nobody can tell
            if owners.get(arn) in books:
                books[owners[arn]].tasks.pop(arn, None)
        for arn, trouble in told.troubles.items():
            self._troubles.setdefault(owners.get(arn), trouble)
