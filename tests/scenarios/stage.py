"""Where a story takes place: platforms, signals and people in virtual time, around the real store and the real loops.

The loops are those of the app, made by the app (`watcher.app.made`); people order through the handlers of the API.
"""

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from deploy.source import Feed, Opening, Source
from deploy.sources.http import HttpSource, Settings
from tests.scenarios.platforms import Platform
from tests.scenarios.signals import Signals, connected
from tests.scenarios.traffic import Traffic
from watcher.api.asked import Nothing, OnePassage, OneRelease, OneService, OneServiceOrAll, OneWatch
from watcher.api.auth import LOCAL
from watcher.api.bodies import (
    AskToPass,
    NewDeployment,
    NewFreeze,
    NewRollout,
    NoBody,
    ToPassage,
    ToRelease,
    ToService,
    ToWatch,
)
from watcher.api.deps import Deps
from watcher.api.handlers import deployments, freezes, gates, orders, rollouts
from watcher.api.problems import Declined
from watcher.api.route import Call
from watcher.app.made import Heard, Made
from watcher.app.ports import Ports
from watcher.core.service import Service
from watcher.core.watch import Message, Watch
from watcher.errors import WatcherError
from watcher.notify.notifier import Later, Never, Notifier, Telling, Told
from watcher.runtime.answers import Answers
from watcher.runtime.bells import Bells
from watcher.runtime.crew import Pace
from watcher.runtime.daemon import Daemon
from watcher.runtime.feeder import Feeds
from watcher.runtime.fleet import Current, Fleet
from watcher.runtime.inquiry import Connected, Inquiry
from watcher.runtime.janitor import Janitor
from watcher.signals import changes
from watcher.signals.changes import Changes
from watcher.store.besides import Besides
from watcher.store.store import Store
from watcher.telemetry.metrics import Metrics
from watcher.telemetry.watchdog import Watchdog

EPOCH = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)  # when every story begins
CHANNEL = "room"
# Where nothing is to be done the loops look less often than the daemon's: minutes pass, and each look is computed.
PACE = Pace(
    listener=10,
    lookout=10,
    patrol=2,
    performer=2,
    courier=10,
    janitor=60,
    onlooker=600,
    keeper=10,
    feeder=60,
    gatekeeper=60,
)
FOR_DAYS = Pace(
    listener=60,
    lookout=30,
    patrol=20,
    performer=20,
    courier=60,
    janitor=600,
    onlooker=3600,
    keeper=60,
    feeder=600,
    gatekeeper=600,
)


def place(service: Service) -> str:
    """What its platforms and its traffic are kept under: its name in production, ``checkout@staging`` elsewhere."""
    return service.name if service.environment == "production" else f"{service.name}@{service.environment}"


@dataclass
class Room:
    """A notifier: what was told, and when. *moods*: how it takes the next messages; ``None`` is a message that it never answers."""

    time: Callable[[], float]
    told: list[tuple[float, Message]] = field(default_factory=list)
    moods: list[Later | Never | None] = field(default_factory=list)

    async def tell(self, message: Message, narrowing: str, ref: str | None) -> Telling:
        if self.moods:
            mood = self.moods.pop(0)
            return await asyncio.Future() if mood is None else mood
        self.told.append((self.time(), message))
        return Told(message.id)


@dataclass
class Life:
    """One life of the daemon: its loops, and what its API works with."""

    made: Made
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def deps(self) -> Deps:
        watchdog = Watchdog(timedelta(seconds=12), lambda: 0.0, self.made.metrics)
        sources = {"http": HttpSource(Settings(), Opening("http"))}
        janitor = Janitor(self.made.store, self.made.metrics, self.made.ports.now)
        daemon = Daemon((), watchdog, lambda: 0.0)
        return self.made.deps(Heard(tuple, lambda: sources), daemon, janitor)

    def begin(self, pace: Pace, feeds: Feeds = dict) -> None:
        janitor = Janitor(self.made.store, self.made.metrics, self.made.ports.now)
        crew = self.made.crew(pace, feeds, self.made.changes())
        self.tasks = [asyncio.ensure_future(loop.run(self.stop)) for loop in crew.loops(janitor)]

    async def end(self) -> None:
        """As SIGTERM ends it."""
        self.stop.set()
        await asyncio.wait(self.tasks)

    async def die(self) -> None:
        """As SIGKILL ends it, where nothing is left half done: what was begun in the world is done."""
        for task in self.tasks:
            task.cancel()
        await asyncio.wait(self.tasks)


@dataclass
class Stage:
    """The world while the story goes on."""

    store: Store
    time: Callable[[], float]
    services: list[Service]
    signals: Mapping[str, Signals]
    traffic: dict[str, Traffic]
    calls: list[str] = field(default_factory=list)  # what was sent to the platforms to change something
    platforms: dict[tuple[str, str], Platform] = field(default_factory=dict)  # by service and part
    answers: list[Any] = field(default_factory=list)  # what people were answered
    bugs: list[Exception] = field(default_factory=list)
    lives: list[Life] = field(default_factory=list)
    pace: Pace = PACE
    feeds: dict[str, tuple[Source, Feed]] = field(default_factory=dict)  # what is asked in a loop, by name
    around_store: Callable[[Store], Store] = lambda store: store
    kind: Callable[..., Platform] = Platform
    others: Mapping[str, Connected] = field(default_factory=dict)  # signal systems of other kinds, by name
    new_store: Callable[[], Awaitable[Store]] = field(kw_only=True)

    def __post_init__(self) -> None:
        self.room = Room(self.time)
        self.notifiers: dict[str, Notifier] = {CHANNEL: self.room}
        self.metrics = Metrics()
        self._ids = itertools.count(1)
        for service in self.services:
            for part in service.parts:
                leads = self.traffic[place(service)] if part == service.parts[0] else None
                self.platforms[place(service), part] = self.kind(part, self.time, self.calls, leads)

    # ------------------------------------------------------------------------------------------------------ the daemon

    def now(self) -> datetime:
        return EPOCH + timedelta(seconds=self.time())

    def new_id(self, prefix: str, _at: datetime) -> str:
        return f"{prefix}_{next(self._ids):032x}"

    @property
    def fleet(self) -> Fleet:
        targets = {
            service.key: {part: self.platforms[place(service), part] for part in service.parts}
            for service in self.services
        }
        return Fleet({service.key: service for service in self.services}, targets)

    def bear(self) -> Life:
        """Another life (or another replica): nothing is known but what is in the store."""
        current, store = Current(self.fleet), self.around_store(self.store)
        answers = Answers()
        besides = Changes(Besides(store, lambda: current.services, answers.is_deaf).of)
        providers = {name: connected(each) for name, each in self.signals.items()}
        inquiry = Inquiry(
            {**providers, **self.others, "changes": Connected(changes.KIND, besides)}, self.metrics
        )
        ports = Ports(now=self.now, monotonic=self.time, new_id=self.new_id)
        made = Made(
            store, current, inquiry, self.notifiers, Bells(), self.metrics, ports, self._heard, answers
        )
        life = Life(made)
        life.begin(self.pace, lambda: self.feeds)
        self.lives.append(life)
        return life

    def _heard(self, bug: BaseException) -> None:
        self.bugs.append(bug if isinstance(bug, Exception) else RuntimeError(repr(bug)))

    @property
    def life(self) -> Life:
        return self.lives[-1]

    async def is_killed_and_born_again(self) -> None:
        await self.life.die()
        self.bear()

    async def loses_its_store(self) -> None:
        """``kill -9``, and where the store was there is an empty one."""
        await self.life.die()
        self.store = await self.new_store()

    def reads_again(self, *services: Service) -> None:
        """Another configuration is in force."""
        self.services = list(services)
        for life in self.lives:
            life.made.current.swap(self.fleet)

    # ---------------------------------------------------------------------------------------------------------- people

    async def announce(self, **said: Any) -> None:
        """As a pipeline does: ``POST /v1/deployments``."""
        raw = json.dumps({"environment": "production", **said}).encode()
        await self._answered(
            deployments.announce(self._call(Nothing(), NewDeployment.model_validate_json(raw), raw))
        )

    async def order(self, service: str, **said: Any) -> None:
        """To the watch of *service*: the one that lives, or the last."""
        asked = OneWatch(id=(await self.watch_of(service)).id)
        await self._answered(
            orders.to_watch(self._call(asked, ToWatch.model_validate_json(json.dumps(said))))
        )

    async def order_service(self, service: str, environment: str = "production", **said: Any) -> None:
        asked = OneServiceOrAll(service=service, environment=environment)
        await self._answered(
            orders.to_service(self._call(asked, ToService.model_validate_json(json.dumps(said))))
        )

    async def order_release(self, fingerprint: str, **said: Any) -> None:
        body = ToRelease.model_validate_json(json.dumps(said))
        await self._answered(orders.to_release(self._call(OneRelease(fingerprint=fingerprint), body)))

    async def ask(self, tag: str, service: str = "checkout", **said: Any) -> None:
        """As a pipeline does before it deploys to production: ``POST …/gate``."""
        asked = OneService(service=service, environment="production")
        body = AskToPass.model_validate_json(json.dumps({"tag": tag, **said}))
        await self._answered(gates.ask(self._call(asked, body)))

    async def starts(self, tag: str, service: str = "checkout", **said: Any) -> None:
        """As a pipeline does that has put it beside what serves: ``POST …/rollout``."""
        asked = OneService(service=service, environment="production")
        body = NewRollout.model_validate_json(json.dumps({"tag": tag, **said}))
        await self._answered(rollouts.start(self._call(asked, body)))

    async def looks_again(self, number: int = 0) -> None:
        """A pipeline that waits at the gate; *number* counts back from the newest asking."""
        asked = OnePassage(id=(await self.store.passages())[number].id)
        await self._answered(gates.passage(self._call(asked, NoBody())))

    async def says_at_gate(self, order: str, **said: Any) -> None:
        """A person, of the newest asking."""
        asked = OnePassage(id=(await self.store.passages())[0].id)
        body = ToPassage.model_validate_json(json.dumps({"order": order, **said}))
        await self._answered(gates.to_passage(self._call(asked, body)))

    async def freeze(self, **said: Any) -> None:
        body = NewFreeze.model_validate_json(json.dumps({"reason": "the sale", **said}))
        await self._answered(freezes.freeze(self._call(Nothing(), body)))

    async def watch_of(self, service: str) -> Watch:
        return (await self.store.list(service=service))[0]

    def _call(self, asked: Any, body: Any, raw: bytes = b"") -> Any:
        return Call(self.life.deps, LOCAL, asked, body, raw, {}, lambda: False)

    async def _answered(self, answer: Any) -> None:
        try:
            self.answers.append(await answer)
        except (Declined, WatcherError) as refusal:
            self.answers.append(refusal)
