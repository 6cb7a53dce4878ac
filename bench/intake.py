"""How many announcements a real daemon takes a second, authorised, over HTTP, each durable before it is answered.

Announced is what runs already, under a new id each time: accepted, written down, and closed by the listener, which runs
the program that tells what runs meanwhile, as it does with any announcement. Clients are in this process.
"""

import asyncio
import hashlib
import tempfile
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from statistics import quantiles

import aiohttp

from bench import world
from bench.figure import Figure
from bench.process import Daemon, free_port, running
from watcher.clock import monotonic

RUNS = 5
LASTS = 2.5  # seconds a run
CLIENTS = (1, 32)
SERVICES = [f"service-{number}" for number in range(10)]
TOKEN = "bench-" + "t" * 40


@dataclass
class Run:
    """What one run gave.

    Attributes:
        took: How long each request took, in seconds.
        lasted: How long all of it took.
        cpu: CPU seconds of the daemon.
        closed: How many announcements the listener closed meanwhile.
    """

    took: list[float] = field(default_factory=list)
    lasted: float = 0.0
    cpu: float = 0.0
    closed: int = 0

    @property
    def rate(self) -> float:
        """Accepted a second."""
        return len(self.took) / self.lasted

    def percentile(self, number: int) -> float:
        """In milliseconds."""
        return quantiles(self.took, n=100)[number - 1] * 1000


def figures() -> list[Figure]:
    """Announce with one client, and with many at once."""
    with tempfile.TemporaryDirectory() as made:
        folder, port = Path(made), free_port()
        token = {
            "name": "bench",
            "sha256": hashlib.sha256(TOKEN.encode()).hexdigest(),
            "may": ["announce"],
        }
        services: dict[str, world.Given] = {service: {} for service in SERVICES}
        world.build(folder, port, services, world.of_itself(port), {"tokens": [token]})
        with running(folder, port) as daemon:
            time.sleep(1)
            return asyncio.run(_figures(daemon))


async def _figures(daemon: Daemon) -> list[Figure]:
    found: list[Figure] = []
    accepted, closed = 0, []
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with aiohttp.ClientSession(daemon.url, headers=headers) as http:
        await _run(http, daemon, "warm", 1)
        before = daemon.weight().resident
        for clients in CLIENTS:
            runs = [await _run(http, daemon, f"{clients}.{number}", clients) for number in range(RUNS)]
            who = "1 client" if clients == 1 else f"{clients} clients"
            found += [
                Figure(f"accepted, {who}", "/s", [run.rate for run in runs]),
                Figure(f"accepted, {who}: p50", "ms", [run.percentile(50) for run in runs]),
                Figure(f"accepted, {who}: p99", "ms", [run.percentile(99) for run in runs]),
                Figure(
                    f"accepted, {who}: CPU time of the daemon, each",
                    "ms",
                    [run.cpu / len(run.took) * 1000 for run in runs],
                ),
            ]
            accepted += sum(len(run.took) for run in runs)
            closed += [run.closed / run.lasted for run in runs]
        growth = daemon.weight().resident - before
    return [
        *found,
        Figure("resolved and closed meanwhile", "/s", closed),
        Figure(f"resident memory, grown over {accepted:,} accepted", "MiB", [growth]),
    ]


async def _run(http: aiohttp.ClientSession, daemon: Daemon, name: str, clients: int) -> Run:
    """*clients* at once, each sending the next when the one before was answered."""
    run, cpu, closed = Run(), daemon.cpu(), daemon.events("announcement.closed")
    began = monotonic()

    async def client(own: int) -> None:
        number = 0
        while (before := monotonic()) < began + LASTS:
            await _announce(http, SERVICES[number % len(SERVICES)], f"{name}.{own}.{number}")
            run.took.append(monotonic() - before)
            number += 1

    async with asyncio.TaskGroup() as tasks:
        for own in range(clients):
            tasks.create_task(client(own))
    run.lasted, run.cpu = monotonic() - began, daemon.cpu() - cpu
    run.closed = daemon.events("announcement.closed") - closed
    return run


async def _announce(http: aiohttp.ClientSession, service: str, id: str) -> None:
    body = {
        "service": service,
        "environment": "production",
        "tag": world.GOOD,
        "author": "bench",
        "names": {"sentry": f"{service}@4.3"},
        "id": id,
    }
    async with http.post("/v1/deployments", json=body) as answer:
        told = await answer.json()
        if answer.status != HTTPStatus.ACCEPTED or told["duplicate"]:
            raise RuntimeError(f"{answer.status}: {told}")
