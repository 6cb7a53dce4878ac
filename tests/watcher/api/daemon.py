"""A daemon without loops: the API over the real store, and requests to it. Builders show only what matters."""

import hashlib
import itertools
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, web

from deploy.model import Deployment, Foretold, Gone, Live, PartChange, Release, RollbackPlan, Unreadable
from deploy.rollout import Beside
from deploy.source import Opening as SourceOpening
from deploy.source import Source
from deploy.sources.http import HttpSource, Settings
from rules.model import RuleSet
from watcher.api.deps import Alerted, Deps, Status
from watcher.api.limits import Limits
from watcher.api.server import build, runner
from watcher.core.facts import Facts, ways_back
from watcher.core.service import Mode, Policy, Service, Team
from watcher.core.watch import Arms, Serves, State, Step, Watch
from watcher.store.sqlite.opening import MemorySettings, SqliteSettings, open_memory, open_sqlite
from watcher.store.store import Opening, Saved, Store
from watcher.telemetry.metrics import Metrics

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
PART = "service"
ALL_SCOPES = frozenset({"announce", "read", "order", "relay"})


@dataclass(frozen=True)
class AToken:
    name: str
    may: frozenset[str] = ALL_SCOPES
    services: tuple[str, ...] = ("*",)

    @property
    def secret(self) -> str:
        return f"rbd_{self.name}-{'s' * 30}"

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.secret.encode()).hexdigest()


ADA = AToken("ada")


def a_service(name: str = "checkout", environment: str = "production", **changes: Any) -> Service:
    policy = Policy(rules=RuleSet((), ()), mode=Mode.AUTO)
    usual = Service(name, environment, policy, parts=(PART,), team=Team("shop"))
    return replace(usual, **changes)


def a_release(tag: str) -> Release:
    return Release(f"sha256:{tag}", tag, {"sentry": f"checkout@{tag}"})


def a_watch(id: str = "w_1", *, before: str = "v42", after: str = "v43", **changes: Any) -> Watch:
    service = changes.pop("of", a_service())
    parts = (PartChange(PART, a_release(before), a_release(after)),)
    usual = Watch(
        id=id,
        revision=1,
        service=service.name,
        environment=service.environment,
        deployment=Deployment(service.name, service.environment, parts, NOON, "http", author="grace"),
        policy=service.policy,
        arms=Arms({}),
        state=State.WATCHING,
        opened_at=NOON,
        since=NOON,
        due_at=NOON,
        traffic_at=NOON,
        complete_at=NOON,
    )
    return replace(usual, **changes)


@dataclass
class Daemon:
    """What the app would give the API; and what the API did to it."""

    store: Store
    around: Callable[[Store], Store] = lambda store: store
    source: Source = field(default_factory=lambda: HttpSource(Settings(), SourceOpening("http")))
    hooked: dict[str, Source] = field(default_factory=dict)  # that are told over HTTP by who signs
    services: list[Service] = field(default_factory=lambda: [a_service()])
    tokens: list[AToken] = field(default_factory=lambda: [ADA])
    status: Status = field(default=Status(beat_age=timedelta(0), store_age=timedelta(0)))
    now: datetime = NOON
    limits: Limits = field(default=Limits())
    metrics: Metrics = field(default_factory=Metrics)
    woken: list[str] = field(default_factory=list)
    foretold: Callable[[RollbackPlan], Mapping[str, Foretold]] = lambda plan: {
        move.part: Foretold((f"put {move.to.tag}",), takes="3 min") for move in plan.moves
    }
    found_beside: Callable[[Service, Mapping[str, str]], Beside | Unreadable | Gone] = lambda _, hints: (
        Beside(a_release(hints["tag"]), Live(a_release("v42"), None, {"sha256:v42": 1.0}))
    )
    counted: Callable[[str, str, int, float], None] = lambda *_: None
    alerts: Alerted | None = None
    counter: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def deps(self) -> Deps:
        return Deps(
            store=self.around(self.store),
            services=lambda: {service.key: service for service in self.services},
            tokens=lambda: self.tokens,
            sources=lambda: {"http": self.source, **self.hooked},
            facts_for=self._facts_for,
            foretell=self._foretell,
            beside=self._beside,
            wake_listener=lambda: self.woken.append("listener"),
            wake_performer=lambda: self.woken.append("performer"),
            wake_doorkeeper=lambda: self.woken.append("doorkeeper"),
            metrics=self.metrics.render,
            status=lambda: self.status,
            now=lambda: self.now,
            monotonic=lambda: 0.0,
            new_id=lambda prefix, _at: f"{prefix}_{next(self.counter):032x}",
            counted=self.counted,
            limits=self.limits,
            alerts=self.alerts,
        )

    async def _facts_for(self, watch: Watch) -> Facts:
        parts = [change.part for change in watch.deployment.parts]
        ledgers = {part: await self.store.ledger(*watch.key, part) for part in parts}
        off = [each for each in await self.store.disarmed(self.now) if each.service in {watch.service, "*"}]
        return Facts(
            channels=("slack",),
            ways_back=ways_back(watch.deployment, ledgers, watch.policy, self.now),
            armed=not off,
            disarmed=f"by {off[0].by}: {off[0].reason}" if off else "",
        )

    async def _beside(self, service: Service, hints: Mapping[str, str]) -> Beside | Unreadable | Gone:
        return self.found_beside(service, hints)

    async def _foretell(self, plan: RollbackPlan) -> Mapping[str, Foretold]:
        return self.foretold(plan)

    async def has(self, watch: Watch) -> Watch:
        """*watch* lives; before it, its predecessor served for two days."""
        change = watch.deployment.parts[0]
        if change.before is not None:
            long_ago = self.now - timedelta(days=2)
            await self.store.adopt(*watch.key, change.part, change.before, long_ago, adopted=True)
        serves = (Serves(change.part, change.after, self.now),)
        saved = await self.store.open(Step(watch=watch, before=0, serves=serves), self.now)
        assert isinstance(saved, Saved), saved
        return watch

    async def serves(self, service: Service, *tags: str) -> None:
        """*tags* served one after the other, two days each; the last one still does."""
        for number, tag in enumerate(tags):
            at = self.now - timedelta(days=2 * (len(tags) - number))
            await self.store.adopt(*service.key, PART, a_release(tag), at, adopted=number == 0)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    raw: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.raw)


@dataclass
class Api:
    """A client of the daemon."""

    daemon: Daemon
    port: int
    session: ClientSession

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def get(self, path: str, token: AToken | None = ADA, **headers: str) -> Answer:
        return await self.ask("GET", path, None, token, **headers)

    async def post(self, path: str, body: object, token: AToken | None = ADA, **headers: str) -> Answer:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.ask("POST", path, data, token, **{"Content-Type": "application/json", **headers})

    async def ask(
        self, method: str, path: str, data: bytes | None, token: AToken | None, **headers: str
    ) -> Answer:
        told = {"Authorization": f"Bearer {token.secret}"} if token else {}
        sent = {name.replace("_", "-"): value for name, value in (told | headers).items()}
        async with self.session.request(method, self.url + path, data=data, headers=sent) as response:
            return Answer(response.status, response.headers.copy(), await response.read())


@asynccontextmanager
async def served(app: web.Application, port: int = 0) -> AsyncIterator[int]:
    """*app*, on a (free) port of the loopback address."""
    running = runner(app)
    await running.setup()
    try:
        await web.TCPSite(running, "127.0.0.1", port).start()
        yield running.addresses[0][1]
    finally:
        await running.cleanup()


@asynccontextmanager
async def an_api(path: Path | None = None, **settings: Any) -> AsyncIterator[Api]:
    """The API over a store in a file, or in memory."""
    opening = Opening(lambda: NOON)
    opened = (
        open_sqlite(SqliteSettings(path=path / "state.db"), opening)
        if path
        else open_memory(MemorySettings(), opening)
    )
    async with opened as store, ClientSession() as session:
        daemon = Daemon(store, **settings)
        async with served(build(daemon.deps())) as port:
            yield Api(daemon, port, session)
