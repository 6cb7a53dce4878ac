"""Several replicas on one real PostgreSQL: how soon another goes on after a kill -9, and what watches cost when they are shared.

Fail-over is of whole daemons, as processes (``rollbackd run``), on the world of ``tests.replicas``: one is killed in the middle of a
round, or between two, and its watches are looked at until each is another's. The share of a core is that of all loops of each
replica in a process of its own, over the watches of ``bench.patrol``; the database and all replicas are on one machine.
"""

import asyncio
import multiprocessing
import os
import signal
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from itertools import islice
from pathlib import Path

from pydantic import SecretStr

from bench.figure import Figure
from bench.patrol import PORTS, RULES, SERVICES, TICK, Tick, deploy, watched
from tests.replicas.house import House, a_house, within
from tests.replicas.promises import A_SAVE
from tests.replicas.town import a_town
from tests.watcher.store.postgresql.server import Server, a_server
from watcher import clock
from watcher.store.postgresql.opening import connected
from watcher.store.postgresql.settings import PostgresqlSettings
from watcher.store.store import Opening

KILLS = 5  # of each sort
AIM = 15.0  # seconds
WATCHES = 200
TICKS = 3
OURS = dict(islice(SERVICES.items(), WATCHES))
FINDS_WITHIN = 60.0  # seconds


def figures() -> list[Figure]:
    """All of them."""
    with a_server(18) as server, tempfile.TemporaryDirectory() as made:
        in_a_round, between = asyncio.run(_failed_over(server, Path(made)))
        shared = [figure for many in (1, 2, 3) for figure in _shared(server, many)]
    return [
        Figure(
            "kill -9 just after a claim, the worst moment → its watches are another's",
            "s",
            in_a_round,
            aim=AIM,
        ),
        Figure("kill -9 between two rounds → its watches are another's", "s", between, aim=AIM),
        *shared,
    ]


# ---------------------------------------------------------------------------------------------------------- fail-over


async def _failed_over(server: Server, folder: Path) -> tuple[Sequence[float], Sequence[float]]:
    services = [f"s{number}" for number in range(6)]
    async with a_town(folder / "town", services) as town, a_house(town, server) as house:
        await house.release(services)
        await within(FINDS_WITHIN, lambda: house.are_judged(services))
        in_a_round = [await _killed(house, in_a_round=True) for _ in range(KILLS)]
        between = [await _killed(house, in_a_round=False) for _ in range(KILLS)]
    return in_a_round, between


async def _killed(house: House, *, in_a_round: bool) -> float:
    """Kill one that has watches; seconds until none is its own any more. Then it is started again."""
    await house.is_whole()
    if in_a_round:
        killing = house.trap(A_SAVE, house.kill, answered=False)
        await within(FINDS_WITHIN, killing.sprung.is_set)
        name, at = killing.whose, killing.at
    else:
        name, at = next(each for each in (await house.owners()).values() if each), clock.monotonic()
        house.named(name).signal(signal.SIGKILL)

    async def is_followed() -> bool:
        return name not in (await house.owners()).values()

    await within(FINDS_WITHIN, is_followed)
    return clock.monotonic() - at


# -------------------------------------------------------------------------------------------------------------- shared


def _shared(server: Server, many: int) -> list[Figure]:
    dsn = server.dsn(server.database())
    asyncio.run(_deployed(dsn))
    before = _cpu_of(server)
    began = clock.monotonic()
    with ProcessPoolExecutor(many, multiprocessing.get_context("spawn")) as apart:
        waiting = [apart.submit(_replica, dsn, f"replica-{number}") for number in range(many)]
        replicas = [each.result() for each in waiting]
    database = (_cpu_of(server) - before) / (clock.monotonic() - began) * 100
    ticks = list(zip(*replicas, strict=True))
    what = f"{WATCHES} watches × {len(RULES.rules)} rules every {TICK.total_seconds():g} s, {_of(many)}"
    second = TICK.total_seconds()
    return [
        Figure(
            f"{what}: share of one core, all together",
            "%",
            [sum(each.cpu for each in tick) / second * 100 for tick in ticks],
        ),
        Figure(f"{what}: the database's", "%", [database]),
        Figure(
            f"{what}: watches of the one that has the most",
            "",
            [max(each.rounds for each in tick) for tick in ticks],
        ),
        Figure(
            f"{what}: the last is judged after",
            "s",
            [max(each.late for each in tick) for tick in ticks],
            aim=second,
        ),
    ]


def _of(many: int) -> str:
    return "1 replica" if many == 1 else f"{many} replicas"


async def _deployed(dsn: str) -> None:
    async with connected(PostgresqlSettings(dsn=SecretStr(dsn)), Opening(PORTS.now)) as store:
        for service in OURS.values():
            await deploy(store, service)


def _replica(dsn: str, owner: str) -> Sequence[Tick]:
    return asyncio.run(_watched(dsn, owner))


async def _watched(dsn: str, owner: str) -> Sequence[Tick]:
    async with connected(PostgresqlSettings(dsn=SecretStr(dsn)), Opening(PORTS.now)) as store:
        return await watched(store, owner, OURS, TICKS, WATCHES)


def _cpu_of(server: Server) -> float:
    """CPU seconds of the server and all that it has started and buried."""
    stat = Path(f"/proc/{server.pid}/stat").read_text(encoding="ascii").rpartition(") ")[2].split()
    ticks = sum(int(each) for each in stat[11:15])  # with children that were waited for: proc(5)
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text(encoding="ascii").split()
    for child in children:
        with suppress(FileNotFoundError):  # it has just ended
            own = Path(f"/proc/{child}/stat").read_text(encoding="ascii").rpartition(") ")[2].split()
            ticks += int(own[11]) + int(own[12])
    return ticks / os.sysconf("SC_CLK_TCK")
