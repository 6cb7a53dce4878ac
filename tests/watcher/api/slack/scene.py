"""A channel in which a message with buttons stands, and daemons that hear what is pressed: all over real connections.

The message is posted by the real notifier, the daemons have the real API, ears and stores; Slack is the fake of its log.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from aiohttp import ClientSession
from pydantic import SecretStr

from tests.crash import patience
from tests.fakes.serve import http_to_loopback
from tests.fakes.slack import (
    ADA,
    APP_TOKEN,
    BOT_TOKEN,
    ON_CALL,
    ROOM,
    SECRET,
    TEAM,
    Delivery,
    SlackWorld,
    Sockets,
    delivered,
    press,
    serving_slack,
)
from tests.fakes.slack import Message as Standing
from tests.watcher.api.daemon import NOON, Answer, Daemon, a_service, a_watch, served
from watcher.api.server import build
from watcher.api.slack.ear import Ear
from watcher.api.slack.opening import open_ear
from watcher.api.slack.pace import Pace
from watcher.core.service import Service, Team
from watcher.core.watch import Button, Message, Notice, OrderKind, State, Step, Watch
from watcher.core.wording import here
from watcher.http import Http
from watcher.notify.notifier import Opening as NotifierOpening
from watcher.notify.notifier import Told
from watcher.notify.slack.connection import KIND
from watcher.notify.slack.settings import Settings
from watcher.store.sqlite.opening import MemorySettings, open_memory
from watcher.store.store import AuditRow, Opening, Saved, Store

NAME = "slack"
BACK = Button("Roll back to v42", OrderKind.ROLL_BACK)
HOLD = Button("Hold 15 min", OrderKind.HOLD, lasting=timedelta(minutes=15))
MAY = (f"{NAME}:{ADA}", f"{NAME}:{ON_CALL}")
QUICK = Pace(beat=0.2, hello=0.5, first=0.02, last=0.1, hopeless=0.5, steady=0.05, beside=1.0)


async def until(holds: Callable[[], object], longest: float = 5.0) -> None:
    """Wait for a condition.

    Raises:
        TimeoutError: It does not come.
    """
    async with asyncio.timeout(longest):
        await patience.until(lambda: bool(holds()))


@dataclass
class Replica:
    """One daemon that hears."""

    daemon: Daemon
    ear: Ear
    url: str
    session: ClientSession
    stop: asyncio.Event
    loops: Sequence["asyncio.Task[None]"]
    bugs: list[Exception] = field(default_factory=list)

    async def sent(self, delivery: Delivery, path: str = f"/v1/slack/{NAME}", **headers: str) -> Answer:
        """Slack sends *delivery* to our Request URL."""
        return await self.posted(delivery.body, {**delivery.headers, **headers}, path)

    async def posted(self, body: Any, headers: Any, path: str = f"/v1/slack/{NAME}") -> Answer:
        async with self.session.post(self.url + path, data=body, headers=headers) as answer:
            return Answer(answer.status, answer.headers.copy(), await answer.read())

    def count(self, result: str) -> float:
        """How many clicks had this result."""
        value = self.daemon.metrics.registry.get_sample_value(
            "rollbackd_slack_clicks_total", {"connection": NAME, "result": result}
        )
        return value or 0.0

    async def ends(self) -> None:
        """SIGTERM."""
        self.stop.set()
        await asyncio.gather(*self.loops)


@dataclass
class Scene:
    """The room, the store, and whoever hears."""

    world: SlackWorld
    sockets: Sockets
    store: Store
    http: Http
    services: list[Service]
    stack: AsyncExitStack
    now: datetime = NOON
    replicas: list[Replica] = field(default_factory=list)

    @property
    def replica(self) -> Replica:
        return self.replicas[0]

    async def hears(
        self, store: Store | None = None, *, by: str = "http", pace: Pace = QUICK, **changes: Any
    ) -> Replica:
        """One daemon more, over *store*; *changes* of its settings."""
        daemon = Daemon(store or self.store, services=self.services)
        daemon.now = self.now
        settings = self.settings(by, **changes)
        opened = await self.stack.enter_async_context(
            open_ear(NAME, settings, self.http, lambda: self.now, daemon.metrics, pace)
        )
        deps = replace(daemon.deps(), now=lambda: self.now, ears=lambda: {NAME: opened.ear})
        port = await self.stack.enter_async_context(served(build(deps)))
        session = await self.stack.enter_async_context(ClientSession())
        bugs: list[Exception] = []
        stop = asyncio.Event()
        loops = [
            asyncio.create_task(loop.run(stop))
            for loop in opened.loops(deps, lambda _loop, bug: bugs.append(bug))
        ]
        replica = Replica(daemon, opened.ear, f"http://127.0.0.1:{port}", session, stop, loops, bugs)
        self.stack.push_async_callback(replica.ends)
        self.replicas.append(replica)
        return replica

    def settings(self, by: str = "http", **changes: Any) -> Settings:
        ways: dict[str, Any] = {
            "http": {"signing_secret": SecretStr(SECRET)},
            "socket": {"app_token": SecretStr(APP_TOKEN)},
        }
        return Settings(
            token=SecretStr(BOT_TOKEN),
            workspace=TEAM,
            url=f"{self.world.base}/api/",
            **{**ways[by], **changes},
        )

    async def offers(self, *buttons: Button, watch: Watch | None = None, **notice: Any) -> Standing:
        """A message with *buttons* stands in the room, of *watch* as it is."""
        watch = watch or a_watch(state=State.WATCHING)
        opened = replace(watch, state=State.WATCHING, revision=1)
        change = opened.deployment.parts[0]
        assert change.before is not None
        await self.store.adopt(
            *opened.key, change.part, change.before, NOON - timedelta(days=2), adopted=True
        )
        assert isinstance(await self.store.open(Step(opened, 0), NOON), Saved)
        facts = {"state": watch.state.value, "fingerprint": change.after.fingerprint}
        if watch.goes_to is not None:
            facts["goes_to"] = watch.goes_to
        if watch.at is not None:
            facts["stage"] = here(watch)
        told = Notice(
            "checkout · production: v43 fails 5.2 % of requests",
            ("412 of 7,930 requests",),
            buttons or (BACK,),
            watch=watch.id,
            service=watch.service,
            environment=watch.environment,
            at=notice.pop("at", NOON),
            facts={**facts, **notice.pop("facts", {})},
        )
        channel = notice.pop("channel", ROOM)
        message = Message(f"{watch.id}.1.0", "show", notice.pop("told_in", f"{NAME}:{channel}"), told)
        saved = await self.store.save(Step(replace(watch, revision=2), 1, messages=(message,)), NOON)
        assert isinstance(saved, Saved), saved
        return await self.posts(message, channel)

    async def posts(self, message: Message, channel: str) -> Standing:
        """The notifier tells it."""
        opening = NotifierOpening(self.http, lambda: self.now)
        async with KIND.open(self.settings(), opening) as bot:
            telling = await bot.tell(message, channel, None)
        assert isinstance(telling, Told), telling
        return self.world.room(channel)[-1]

    def pressed(self, label: str = BACK.label, by: str = ADA) -> Delivery:
        """Somebody presses a button: what Slack sends over HTTP."""
        return delivered(self.world, press(self.world, self.world.room()[0], label, by))

    async def watch(self, id: str = "w_1") -> Watch:
        found = await self.store.get(id)
        assert found is not None
        return found

    async def audit(self) -> Sequence[AuditRow]:
        return await self.store.audit()

    async def whispered(self, many: int = 1) -> list[str]:
        """What was said to whoever pressed, once that is so much."""
        await until(lambda: len(self.world.whispers) >= many)
        return self.world.whispers


@asynccontextmanager
async def a_scene(
    *, by: str = "http", may: tuple[str, ...] = MAY, store: Store | None = None, pace: Pace = QUICK
) -> AsyncIterator[Scene]:
    """A scene with one daemon that hears *by* HTTP or by Socket Mode; with ``nothing`` there is none yet."""
    async with AsyncExitStack() as stack:
        world = SlackWorld(lambda: NOON)
        sockets = await stack.enter_async_context(serving_slack(world))
        http = await stack.enter_async_context(http_to_loopback(lambda: NOON))
        if store is None:
            memory = open_memory(MemorySettings(), Opening(lambda: NOON))
            store = await stack.enter_async_context(memory)
        scene = Scene(world, sockets, store, http, [a_service(team=Team("shop", may_order=may))], stack)
        world.now = lambda: scene.now
        if by != "nothing":
            await scene.hears(by=by, pace=pace)
        if by == "socket":
            await sockets.connected()
            await until(lambda: scene.replica.ear.app)
        yield scene
        assert [bug for each in scene.replicas for bug in each.bugs] == []
