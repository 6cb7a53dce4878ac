"""Replicas: ``rollbackd run`` as processes, each with a link of its own to one database; and what is asked of them.

What the database says is read past the replicas, by a connection of the test's own.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import psycopg

from tests.crash.patience import until
from tests.replicas.link import Link, Trap, a_link
from tests.replicas.town import Town
from tests.watcher.store.postgresql.server import Server
from watcher import clock

ROLLBACKD = Path(sys.executable).with_name("rollbackd")
STARTS_WITHIN = 60  # seconds: on a machine that is busy with other tests
NAMES = ("a", "b", "c")


@dataclass
class Replica:
    """One process of the daemon."""

    name: str
    link: Link
    log: Path
    process: asyncio.subprocess.Process
    address: str = ""
    is_frozen: bool = False

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def is_alive(self) -> bool:
        return self.process.returncode is None

    def events(self, name: str = "") -> list[dict[str, Any]]:
        """What it has logged, in order; only *name*, if one is given."""
        lines = self.log.read_text().splitlines()
        found = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]
        return [event for event in found if name in {"", event["event"]}]

    def signal(self, number: signal.Signals) -> None:
        if self.is_alive:
            self.process.send_signal(number)
            self.is_frozen = number is signal.SIGSTOP

    async def has_started(self) -> None:
        async with asyncio.timeout(STARTS_WITHIN):
            await until(lambda: not self.is_alive or bool(self.events("daemon.started")))
        assert self.is_alive, self.log.read_text()[-3000:]
        self.address = f"http://{self.events('daemon.started')[-1]['address']}"


@dataclass
class House:
    """All replicas on one database. What is said on any link may spring a trap of *traps*."""

    town: Town
    server: Server
    database: str
    session: aiohttp.ClientSession
    stack: AsyncExitStack
    traps: list[Trap] = field(default_factory=list)
    replicas: list[Replica] = field(default_factory=list)

    @property
    def living(self) -> list[Replica]:
        return [each for each in self.replicas if each.is_alive]

    def named(self, name: str) -> Replica:
        return next(each for each in reversed(self.replicas) if each.name == name)

    async def start(self, name: str) -> Replica:
        """One more process, which has not necessarily started yet."""
        link = await self.stack.enter_async_context(a_link(self.server.port, name))
        link.traps = self.traps
        log = self.town.root / f"{name}-{len(self.replicas)}.log"
        dsn = self.server.dsn(self.database).replace(f":{self.server.port}/", f":{link.port}/")
        with log.open("wb") as out:
            process = await asyncio.create_subprocess_exec(
                *(ROLLBACKD, "run", "--config", self.town.configuration),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=os.environ | {"DATABASE_URL": dsn},
            )
        self.replicas.append(Replica(name, link, log, process))
        return self.replicas[-1]

    def whose(self, link: Link) -> Replica:
        return next(each for each in self.replicas if each.link is link)

    def trap(self, words: Sequence[str], does: Callable[[Link], None], *, answered: bool = True) -> Trap:
        """Lie in wait, on all links at once, until somebody says these."""
        self.traps.append(Trap(tuple(words), does, answered))
        return self.traps[-1]

    def kill(self, link: Link) -> None:
        """Whoever is at this end of the link is killed, before it hears anything else."""
        self.whose(link).signal(signal.SIGKILL)

    def stop(self, link: Link) -> None:
        """Whoever is at this end of the link stands still."""
        self.whose(link).signal(signal.SIGSTOP)

    # ---------------------------------------------------------------------------------------------- what one can see

    async def say(self, statement: str, *parameters: object) -> list[Any]:
        """What the database answers to us."""
        async with await psycopg.AsyncConnection.connect(self.server.dsn(self.database)) as connection:
            cursor = await connection.execute(statement.encode(), parameters or None)
            return await cursor.fetchall()

    async def is_whole(self) -> "House":
        """Start those anew that have ended, wake and heal the others, and wait until all can work."""
        self.traps.clear()
        for each in self.living:
            each.signal(signal.SIGCONT)
            each.link.heal()
        await start_all(self, [name for name in NAMES if name not in {each.name for each in self.living}])
        await within(60, self.are_ready)
        return self

    async def states(self) -> dict[str, list[str]]:
        """The states of the watches of each service, oldest first."""
        found: dict[str, list[str]] = {name: [] for name in self.town.services}
        for service, state in await self.say("SELECT service, state FROM watches ORDER BY id"):
            found[service].append(state)
        return found

    async def owners(self) -> dict[str, str | None]:
        """Who has the live watch of each service, by the name of the replica."""
        rows = await self.say("SELECT service, owner FROM watches WHERE final = 0")
        names = {each.pid: each.name for each in self.replicas}
        return {service: owner and names[int(owner.split(":")[1])] for service, owner in rows}

    async def is_over(self, of: Sequence[str]) -> bool:
        """Whether nothing more will happen to these services: their watches are final, and everybody was told."""
        rows = await self.say(
            "SELECT w.service, w.final, m.due_at FROM watches w LEFT JOIN messages m ON m.watch = w.id"
        )
        return {row[0] for row in rows} >= set(of) and all(
            final and due_at is None for service, final, due_at in rows if service in of
        )

    async def are_judged(self, of: Sequence[str]) -> bool:
        """Whether each of these services has a watch that was judged."""
        rows = await self.say(
            "SELECT service FROM watches WHERE final = 0 AND document LIKE '%\"judgement\":{%'"
        )
        return {service for (service,) in rows} >= set(of)

    async def are_ready(self) -> bool:
        """Whether all that live say so."""
        return {await self.status(each, "/readyz") for each in self.living} == {200}

    # -------------------------------------------------------------------------------------------------- what one can do

    async def announce(self, replica: Replica, service: str, tag: str = "v2", run: str = "run-1") -> int:
        """The status of the answer."""
        news = {"service": service, "environment": "production", "tag": tag, "id": f"{service}-{run}"}
        async with self.session.post(f"{replica.address}/v1/deployments", json=news) as answer:
            return answer.status

    async def release(self, of: Sequence[str], tag: str = "v2", *, bad: bool = False) -> None:
        """Deploy to services, and tell the replicas in turn, as a load balancer would."""
        awake = [each for each in self.living if not each.is_frozen]
        for number, service in enumerate(of):
            self.town.deploy(service, tag, bad=bad)
            assert await self.announce(awake[number % len(awake)], service, tag) == 202

    async def metric(self, replica: Replica, name: str) -> float:
        """One of its metrics, all labels together."""
        async with self.session.get(f"{replica.address}/metrics") as answer:
            lines = (await answer.text()).splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"rollbackd_{name}"))

    async def order(self, replica: Replica, path: str, **what: str) -> int:
        """The status of the answer to an order."""
        async with self.session.post(f"{replica.address}/v1/services/{path}/orders", json=what) as answer:
            return answer.status

    async def status(self, replica: Replica, path: str) -> int:
        async with self.session.get(f"{replica.address}{path}") as answer:
            return answer.status


@contextlib.asynccontextmanager
async def a_house(town: Town, server: Server, many: int = 3) -> AsyncIterator[House]:
    """*many* replicas that have started, on a new database; none lives afterwards."""
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(10)))
        house = House(town, server, await asyncio.to_thread(server.database), session, stack)
        stack.push_async_callback(_end, house)
        await start_all(house, NAMES[:many])
        await within(30, lambda: _knows_all(house))
        yield house


async def start_all(house: House, names: Sequence[str]) -> None:
    """Start these, at once."""
    started = [await house.start(name) for name in names]
    await asyncio.gather(*(each.has_started() for each in started))


async def _knows_all(house: House) -> bool:
    """v1 was found live everywhere."""
    rows = await house.say("SELECT DISTINCT service FROM spans")
    return len(rows) == len(house.town.services)


async def _end(house: House) -> None:
    for replica in house.living:
        replica.signal(signal.SIGKILL)
    await asyncio.gather(*(each.process.wait() for each in house.replicas))
    await asyncio.to_thread(house.server.say, f"DROP DATABASE {house.database} WITH (FORCE)")


async def within(seconds: float, holds: Callable[[], bool | Awaitable[bool]]) -> float:
    """Wait until it *holds*, at most so long; how long it took, in seconds."""
    began = clock.monotonic()
    async with asyncio.timeout(seconds):
        await until(holds)
    return clock.monotonic() - began
