"""Keeps the leases of a round alive while it lasts, and gives them back when it ends.

Whoever cannot renew stops by itself: a lease is believed in until `Terms.valid_until`, by the monotonic clock of this process,
which is earlier than any other replica can have it.
"""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Self

import structlog

from watcher.errors import StoreUnavailable
from watcher.runtime.timing import TERMS, Terms
from watcher.store.store import Store
from watcher.telemetry.metrics import Metrics

LEASE = TERMS.lease
log = structlog.stdlib.get_logger("rollbackd.tenure")


class Tenure:
    """Leases (watch → fence) of one owner, renewed every 3 s. One that is lost is not held any more: stop working on it.

    Args:
        store: Where they are.
        held: What was claimed.
        owner: By whom.
        metrics: Where losses are counted.
        sent: When it was asked for them, by the clock of the event loop: before the request left. Nothing: just now.
        timing: What is kept to.
    """

    def __init__(
        self,
        store: Store,
        held: Mapping[str, int],
        owner: str,
        metrics: Metrics,
        sent: float | None = None,
        timing: Terms = TERMS,
    ) -> None:
        self._timing = timing
        self._until = timing.valid_until(_time() if sent is None else sent, timing.lease)
        self._store = store
        self._held = dict(held)
        self._owner = owner
        self._metrics = metrics
        self._stack = AsyncExitStack()

    def holds(self, watch: str) -> bool:
        """Whether the lease of *watch* is still ours, for all we know."""
        return watch in self._held and _time() < self._until

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
        await self._store.rest(dict(self._held), self._owner)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(self._timing.renew.total_seconds())
            try:
                await self._renew()
            except StoreUnavailable as error:
                log.warning("lease.unrenewed", words=str(error))

    async def _renew(self) -> None:
        asked, began = dict(self._held), _time()
        kept = await self._store.renew(asked, self._owner, self._timing.lease)
        self._until = self._timing.valid_until(began, self._timing.lease)
        self._metrics.lease_seconds.observe(_time() - began)
        for lost in asked.keys() - kept:
            self._held.pop(lost, None)
            self._metrics.leases_lost.inc()
            log.warning("lease.lost", watch=lost)


def _time() -> float:
    return asyncio.get_running_loop().time()
