"""Reads the tasks of services, in as few calls as ECS allows; all who ask about one service share one reading.

Listed are services one by one, or their whole cluster, whichever is fewer calls (`plan`). Described are only those tasks that are
new or may have changed, a hundred a call for all services of a cluster together. What is remembered saves calls and nothing
else: another reader, asked now, says the same.

ECS keeps a task for an hour after it stopped, and the control plane is eventually consistent.

Source:
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListTasks.html
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTasks.html
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta

from deploy.ports import Aws
from rules.sample import Unavailable, Who
from watcher.signals.ecs_tasks.asking import Asking
from watcher.signals.ecs_tasks.cluster import NEVER, Cluster
from watcher.signals.ecs_tasks.reading import Reading
from watcher.signals.ecs_tasks.services import ServiceAt, Told

# ECS says "at least one hour"; the rest is for clocks, and for the reading itself.
KEPT = timedelta(minutes=55)


class Reader:
    """Of all accounts. Made once, shared by all who ask."""

    def __init__(self, aws: Aws, now: Callable[[], datetime]) -> None:
        self._aws = aws
        self._now = now
        self._clusters: dict[tuple[str, str], Cluster] = {}

    async def read(
        self, services: Collection[ServiceAt], not_before: datetime, until: float | None = None
    ) -> Mapping[ServiceAt, Told]:
        """The tasks of *services*, from readings that began at *not_before* or later; or why they cannot be had.

        A service's trouble is its own, or that of its cluster. Raises nothing for what AWS says.

        Args:
            services: Of any clusters.
            not_before: What was read earlier is read anew.
            until: On the loop's clock, when nobody waits any longer: what came before that is told. ``None``: it takes as long as it takes.
        """
        now = self._now()
        self._clusters = {at: each for at, each in self._clusters.items() if not each.is_forgotten(now)}
        clusters: dict[tuple[str, str], list[ServiceAt]] = {}
        for service in sorted(set(services), key=self._waited):
            clusters.setdefault((service.account, service.cluster), []).append(service)
        async with asyncio.TaskGroup() as group:
            reading = [
                group.create_task(self._cluster(asked, not_before, until)) for asked in clusters.values()
            ]
        return {service: told for each in reading for service, told in each.result().items()}

    def _waited(self, service: ServiceAt) -> tuple[datetime, ServiceAt]:
        """Where AWS does not answer all of them, those come first that have waited longest."""
        cluster = self._clusters.get((service.account, service.cluster))
        book = cluster.books.get(service.service) if cluster else None
        return NEVER if book is None else book.read, service

    async def _cluster(
        self, services: Sequence[ServiceAt], not_before: datetime, until: float | None
    ) -> dict[ServiceAt, Told]:
        place = services[0].account, services[0].cluster
        cluster = self._clusters.setdefault(place, Cluster(*place))
        names = [service.service for service in services]
        books = cluster.wanted(names, self._now())
        try:
            # Who comes while another one reads finds its reading.
            async with asyncio.timeout_at(until), cluster.turn:
                # Again: who waited while the clock was set on has been forgotten meanwhile.
                books = cluster.wanted(names, self._now())
                due = [name for name, book in books.items() if book.is_due(not_before)]
                if due:
                    reading = Reading(Asking(self._aws, *place), cluster, self._now())
                    await reading.go(due, not_before)
        except TimeoutError:
            words = f"ECS in {place[0]} did not tell all tasks of the cluster {place[1]} in time"
            for book in books.values():
                if book.is_due(not_before):
                    book.told = Unavailable(Who.PROVIDER, words)
        return {service: books[service.service].told for service in services}
