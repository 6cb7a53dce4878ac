"""Keeps the leases of a round alive while it lasts, and gives them back when it ends.

Whoever cannot renew stops by itself: a lease is believed in until `Terms.valid_until`, by the monotonic clock of this process,
which is earlier than any other replica can have it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

import structlog

from watcher.errors import StoreUnavailable
from watcher.runtime.timing import TERMS, Terms
from watcher.store.store import Store
from watcher.telemetry.metrics import Metrics

LEASE = TERMS.lease
log = structlog.stdlib.get_logger("rollbackd.tenure")

Held = Mapping[str, int]  # id → fence


@dataclass(frozen=True, slots=True)
class Leases:
    """Those of one kind of work.

    Attributes:
        kind: For the log.
        renew: Prolongs them; the answer is what is still held.
        give_back: What is done with those that are held at the end.
        counted: Hears how many are held.
    """

    kind: str
    renew: Callable[[Held, timedelta], Awaitable[frozenset[str]]]
    give_back: Callable[[Held], Awaitable[None]]
    counted: Callable[[int], None]


def of_watches(store: Store, owner: str, metrics: Metrics) -> Leases:
    """A watch is given back at the end of a round, and rests with its owner."""
    return Leases(
        "watch",
        lambda held, lasting: store.renew(held, owner, lasting),
        lambda held: store.rest(held, owner),
        metrics.leases.set,
    )


def of_actions(store: Store, owner: str) -> Leases:
    """An action is given back by what is recorded of it; where that could not be done, its lease runs out."""
    return Leases(
        "action",
        lambda held, lasting: store.renew_actions(held, owner, lasting),
        _run_out,
        lambda _many: None,
    )


async def _run_out(_held: Held) -> None:
    """Nobody gives them back."""


class Tenure:
    """Leases of one owner, renewed every 3 s. One that is lost is not held any more: stop working on it.

    Args:
        leases: Of which kind they are.
        held: What was claimed.
        metrics: Where losses are counted.
        sent: When it was asked for them, by the clock of the event loop: before the request left. Nothing: just now.
        timing: What is kept to.
    """

    def __init__(
        self,
        leases: Leases,
        held: Held,
        metrics: Metrics,
        sent: float | None = None,
        timing: Terms = TERMS,
    ) -> None:
        self._leases = leases
        self._timing = timing
        self._until = timing.valid_until(_time() if sent is None else sent, timing.lease)
        self._held = dict(held)
        self._metrics = metrics
        self._stack = AsyncExitStack()

    def holds(self, id: str, lasting: timedelta = timedelta(0)) -> bool:
        """Whether the lease of *id* is still ours, for all we know, and will be for so long."""
        return id in self._held and _time() + lasting.total_seconds() < self._until

    async def assures(self, id: str, lasting: timedelta) -> bool:
        """Whether the lease of *id* is ours for so long; it is renewed at once where it would run out before.

        Raises:
            StoreUnavailable: Nobody knows.
        """
        if id in self._held and not self.holds(id, lasting):
            await self._renew()
        return self.holds(id, lasting)

    def set_aside(self, id: str) -> None:
        """Do not keep it, and do not give it back: it is done with, or nobody has to try again until its lease runs out."""
        self._held.pop(id, None)

    async def __aenter__(self) -> Self:
        tasks = await self._stack.enter_async_context(asyncio.TaskGroup())
        keeper = tasks.create_task(self._keep())
        self._stack.callback(keeper.cancel)
        self._leases.counted(len(self._held))
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._stack.aclose()
        self._leases.counted(0)
        await self._leases.give_back(dict(self._held))

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(self._timing.renew.total_seconds())
            try:
                await self._renew()
            except StoreUnavailable as error:
                log.warning("lease.unrenewed", words=str(error))

    async def _renew(self) -> None:
        asked, began = dict(self._held), _time()
        kept = await self._leases.renew(asked, self._timing.lease)
        self._until = max(self._until, self._timing.valid_until(began, self._timing.lease))
        self._metrics.lease_seconds.observe(_time() - began)
        for lost in asked.keys() - kept:
            if self._held.pop(lost, None) is not None:  # and was not set aside meanwhile
                self._metrics.leases_lost.inc()
                log.warning("lease.lost", **{self._leases.kind: lost})


def _time() -> float:
    return asyncio.get_running_loop().time()
