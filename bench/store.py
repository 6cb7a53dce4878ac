"""How many announcements and steps a second the store makes durable, and how long one waits: `python -m bench.store [FOLDER]`.

FOLDER is on the disk that is to be measured; a temporary one by default. PostgreSQL, a server of the newest version that
waits for its disk, is on that of temporary files; *of sqlite* is its rate beside SQLite's in the same run. A deadline is a
test, a speed is a figure: this prints, and fails nothing.
"""

import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import quantiles

from pydantic import SecretStr

from deploy.model import Announcement, Deployment, PartChange, Phase, Release
from rules.model import Consequence, Indicator, Kind, Rule, RuleSet, Slo
from rules.sample import Bucket, Counts, Series
from rules.verdict import Because, Judgement, Outcome, Seen, Verdict
from tests.watcher.store.postgresql.server import a_server
from watcher.clock import monotonic
from watcher.core.service import Policy
from watcher.core.watch import Arms, Message, Notice, State, Step, Watch
from watcher.store.postgresql.opening import connected
from watcher.store.postgresql.settings import PostgresqlSettings
from watcher.store.sqlite.opening import MemorySettings, SqliteSettings, open_memory, open_sqlite
from watcher.store.store import Opening, Saved, Store

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
RULES = 4
LASTS = 2.0  # seconds a figure
BODY = b'{"detail": "' + b"x" * 700 + b'"}'


@dataclass(frozen=True)
class Figure:
    """How often something was done in how long, and how long each took (seconds)."""

    what: str
    clients: int
    took: list[float]
    lasted: float

    @property
    def rate(self) -> float:
        """How often a second."""
        return len(self.took) / self.lasted

    def __str__(self) -> str:
        p50, p99 = (quantiles(self.took, n=100)[number] * 1000 for number in (49, 98))
        return f"{self.what:<28}{self.clients:>8}{self.rate:>12,.0f}{p50:>10.2f}{p99:>10.2f}{max(self.took) * 1000:>10.2f}"


async def measured(what: str, clients: int, do: Callable[[int, int], Awaitable[object]]) -> Figure:
    """*do* (client, number) as often as *clients* can, one after the other each."""
    took: list[float] = []
    began = monotonic()

    async def client(name: int) -> None:
        number = 0
        while (before := monotonic()) < began + LASTS:
            await do(name, number)
            took.append(monotonic() - before)
            number += 1

    async with asyncio.TaskGroup() as tasks:
        for name in range(clients):
            tasks.create_task(client(name))
    return Figure(what, clients, took, monotonic() - began)


async def accepts(store: Store, clients: int) -> Figure:
    """Announcements of about 0.8 kB."""

    async def accept(client: int, number: int) -> None:
        key = f"{clients}-{client}-{number}"
        announcement = Announcement(
            "queue", key, "checkout", "production", Phase.STARTED, NOON, {"tag": "checkout:2"}
        )
        await store.accept(f"a_{key}", announcement, BODY, "token:pipeline", NOON, ("queue", key))

    return await measured("Store.accept", clients, accept)


async def saves(store: Store, clients: int) -> Figure:
    """Rounds of a watch with four rules: a step with its judgement, its evidence, four buckets, and one message in ten."""
    watches: dict[int, Watch] = {}
    for client in range(clients):
        watches[client] = a_watch(f"w_{clients}_{client}")
        await store.open(Step(watches[client], 0), NOON)

    async def save(client: int, number: int) -> None:
        watch = replace(watches[client], revision=watches[client].revision + 1)
        notice = Notice("checkout production: 0.3 % errors", ("since 12:03", "12 of 4,000 requests"))
        messages = (Message(f"{watch.id}.{watch.revision}.1", "show", "slack:C1", notice),)
        step = Step(watch, watch.revision - 1, messages=messages if number % 10 == 0 else ())
        saving = await store.save(step, NOON, [a_bucket(rule, number) for rule in range(RULES)])
        assert isinstance(saving, Saved), saving  # noqa: S101 - a figure of what was not saved says nothing
        watches[client] = watch

    return await measured("Store.save", clients, save)


async def reads(store: Store, clients: int) -> Figure:
    """Reading a watch."""
    return await measured("Store.get", clients, lambda client, _: store.get(f"w_{clients}_{client}"))


def a_watch(id: str) -> Watch:
    """A watch as it is in the middle of its life: a document of some 6 kB."""
    rules = tuple(
        Rule(f"rule-{number}", f"Rule {number}", Consequence.ROLLBACK, f"i{number}", Slo(0.999))
        for number in range(RULES)
    )
    indicators = tuple(
        Indicator(f"i{number}", Kind.RATIO, "prometheus", '{"counter":"http_requests_total"}')
        for number in range(RULES)
    )
    verdicts = tuple(
        Verdict(
            rule.id,
            rule.name,
            rule.on_breach,
            Outcome.HEALTHY,
            Because.WITHIN,
            "0.1 % of 4,000",
            Seen(40, 4000.0),
        )
        for rule in rules
    )
    change = PartChange("service", Release("sha256:1", "checkout:1"), Release("sha256:2", "checkout:2"))
    return Watch(
        id=id,
        revision=1,
        service=id,
        environment="production",
        deployment=Deployment(id, "production", (change,), NOON, "queue"),
        policy=Policy(RuleSet(indicators, rules)),
        arms=Arms({"version": "2"}, {"version": "1"}),
        state=State.WATCHING,
        opened_at=NOON,
        since=NOON,
        due_at=NOON,
        brief="b" * 900,
        evidence="e" * 450 * RULES,
        judgement=Judgement(NOON, Outcome.HEALTHY, verdicts, log10_e=-1.5),
    )


def a_bucket(rule: int, number: int) -> Series:
    """One settled bucket of both arms."""
    start = NOON + timedelta(minutes=number)
    bucket = Bucket(start, start + timedelta(minutes=1), Counts(3, 4000), Counts(2, 4000), 0.5)
    return Series(f"i{rule}", (bucket,))


async def figures(
    name: str, opening: AbstractAsyncContextManager[Store], beside: Sequence[Figure] = ()
) -> Sequence[Figure]:
    """Measure one kind of store; its rate as a share of that of *beside*, where there is one."""
    heads = "".join(
        f"{head:>10}" for head in ("p50 ms", "p99 ms", "max ms", *(["of sqlite"] if beside else []))
    )
    print(f"\n{name:<28}{'clients':>8}{'per second':>12}{heads}")
    found: list[Figure] = []
    async with opening as store:
        for measure in (accepts, saves, reads):
            for clients in (1, 8, 64):
                figure = await measure(store, clients)
                share = f"{figure.rate / beside[len(found)].rate:>10.2f}" if beside else ""
                print(f"{figure}{share}")
                found.append(figure)
    return found


async def main(folder: Path) -> None:
    """Measure all kinds."""
    opening = Opening(lambda: NOON)
    sqlite = await figures("sqlite", open_sqlite(SqliteSettings(path=folder / "state.db"), opening))
    await figures("memory", open_memory(MemorySettings(), opening), sqlite)
    with a_server(18, safe=True) as server:
        settings = PostgresqlSettings(dsn=SecretStr(server.dsn(server.database())))
        await figures("postgresql", connected(settings, opening), sqlite)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as made:
        asyncio.run(main(Path(made)))
