"""Keeps the leases of a round alive while it lasts, and gives them back when it ends."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Self

import structlog

from watcher.errors import StoreUnavailable
from watcher.store.store import Store
from watcher.telemetry.metrics import Metrics

LEASE = timedelta(seconds=15)
RENEW = timedelta(seconds=3)  # operations.md 2.7: renew + 2 * store timeout + margin <= lease
log = structlog.stdlib.get_logger("rollbackd.tenure")


class Tenure:
    """Leases (watch → fence) of one owner, renewed every 3 s. One that is lost is not held any more: stop working on it."""

    def __init__(self, store: Store, held: Mapping[str, int], owner: str, metrics: Metrics) -> None:
        self._store = store
        self._held = dict(held)
        self._owner = owner
        self._metrics = metrics
        self._stack = AsyncExitStack()

    def holds(self, watch: str) -> bool:
        """Whether the lease of *watch* is still ours, for all we know."""
        return watch in self._held

    def set_aside(self, watch: str) -> None:
        """Do not give it back: nothing came of it, and until its lease runs out nobody has to try again."""
        self._held.pop(watch, None)

    async def __aenter__(self) -> Self:
        tasks = await self._stack.enter_async_context(asyncio.TaskGroup())
        keeper = tasks.create_task(self._keep())
        self._stack.callback(keeper.cancel)
        self._metrics.leases.set(len(self._held))
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._stack.aclose()
        self._metrics.leases.set(0)
        await self._store.let_go(dict(self._held), self._owner)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(RENEW.total_seconds())
            try:
                await self._renew()
            except StoreUnavailable as error:
                log.warning("lease.unrenewed", words=str(error))

    async def _renew(self) -> None:
        asked, loop = dict(self._held), asyncio.get_running_loop()
        began = loop.time()
        kept = await self._store.renew(asked, self._owner, LEASE)
        self._metrics.lease_seconds.observe(loop.time() - began)
        for lost in asked.keys() - kept:
            self._held.pop(lost, None)
            self._metrics.leases_lost.inc()
            log.warning("lease.lost", watch=lost)
