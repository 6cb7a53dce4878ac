"""How many announcements and steps a second the store makes durable, and how long one waits. See ``bench.store``.

Beside it what the disk takes for the least that can be made durable: no store is faster.
"""

import asyncio
import os
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median, quantiles

from bench.figure import Figure
from bench.store import Figure as Measured
from bench.store import accepts, saves
from watcher.clock import monotonic, now
from watcher.store.sqlite.opening import SqliteSettings, open_sqlite
from watcher.store.store import Opening, Store

RUNS = 3
CLIENTS = (1, 32)
WRITES, PAGE = 200, 4096


def figures() -> list[Figure]:
    """Announcements and steps of a watch with four rules, in a file."""
    disk = [_fsync() for _ in range(RUNS)]
    store = [
        figure
        for what, measure in (("announcements", accepts), ("steps of a watch", saves))
        for clients in CLIENTS
        for figure in _figures(f"{what} made durable, {clients} at once", measure, clients)
    ]
    return [Figure("the disk alone: 4 KiB made durable", "ms", disk), *store]


def _fsync() -> float:
    """Milliseconds: the median of some."""
    took = []
    with tempfile.TemporaryFile() as file:
        for _ in range(WRITES):
            file.write(bytes(PAGE))
            began = monotonic()
            file.flush()
            os.fsync(file.fileno())
            took.append(monotonic() - began)
    return median(took) * 1000


def _figures(what: str, measure: Callable[[Store, int], Awaitable[Measured]], clients: int) -> list[Figure]:
    runs = [asyncio.run(_measured(measure, clients)) for _ in range(RUNS)]
    return [
        Figure(what, "/s", [len(run.took) / run.lasted for run in runs]),
        Figure(f"{what}: p99", "ms", [quantiles(run.took, n=100)[98] * 1000 for run in runs]),
    ]


async def _measured(measure: Callable[[Store, int], Awaitable[Measured]], clients: int) -> Measured:
    """One run, in a store of its own."""
    with tempfile.TemporaryDirectory() as made:
        settings = SqliteSettings(path=Path(made) / "state.db")
        async with open_sqlite(settings, Opening(now)) as store:
            return await measure(store, clients)
