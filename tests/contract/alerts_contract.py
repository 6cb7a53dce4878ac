"""What the contract of senders is played with: stories, who tells them, and a door that keeps a book."""

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import aiohttp
from aiohttp import web
from pydantic import SecretStr

from deploy.source import Received
from deploy.sources.sqs.queue import Settings as OfQueue
from tests.fakes.alerts import NOON, Alert, Log, System, Turn, at, worst
from tests.fakes.alerts.cloudwatch import Line, Sns
from tests.fakes.alerts.groups import Alertmanager, Grafana
from tests.fakes.alerts.single import Datadog, NewRelic, Sentry
from tests.fakes.serve import serving_app
from watcher.core.alerts import Alert as Remembered
from watcher.core.alerts import Mood, News
from watcher.core.alerts import heard as remembered
from watcher.signals.alert.pushed import Told
from watcher.signals.alert.senders.door import heard
from watcher.signals.alert.senders.registry import SENDERS
from watcher.signals.alert.senders.sender import Sender, Unproven

QUEUED = OfQueue(account="shop", url="https://sqs.eu-central-1.amazonaws.com/123456789012/rollbackd")
FIRING, WELL, UNKNOWN = Mood.FIRING, Mood.WELL, Mood.UNKNOWN
ERRORS, LATENCY, QUEUE = Alert("checkout-5xx", 1), Alert("checkout-p95", 2), Alert("checkout-queue", 3)
SYSTEMS: Mapping[str, Callable[[], System]] = {
    "alertmanager": Alertmanager,
    "datadog": Datadog,
    "grafana": Grafana,
    "newrelic": NewRelic,
    "sentry": Sentry,
    "sns": Sns,
}
STORIES = {
    "it fires": Log([Turn(at(0), ERRORS, FIRING)]),
    "it fires, and ends": Log([Turn(at(0), ERRORS, FIRING), Turn(at(20), ERRORS, WELL)]),
    "it fires anew": Log(
        [Turn(at(0), ERRORS, FIRING), Turn(at(20), ERRORS, WELL), Turn(at(60), ERRORS, FIRING)]
    ),
    "nobody knows any more": Log([Turn(at(0), ERRORS, FIRING), Turn(at(20), ERRORS, UNKNOWN)]),
    "nobody knew, and it is well": Log([Turn(at(0), ERRORS, UNKNOWN), Turn(at(20), ERRORS, WELL)]),
    "several at once": Log(
        [
            Turn(at(0), ERRORS, FIRING),
            Turn(at(1), LATENCY, FIRING),
            Turn(at(12), QUEUE, FIRING),
            Turn(at(20), ERRORS, WELL),
            Turn(at(33), QUEUE, UNKNOWN),
            Turn(at(41), QUEUE, FIRING),
            Turn(at(55), LATENCY, WELL),
        ]
    ),
}


def opened(system: System) -> Sender:
    """The sender, as a user has configured it for *system*."""
    kind = SENDERS[system.kind]
    return kind.open(kind.settings.model_validate(_secret(system.settings)))


def _secret(settings: object) -> object:
    if not isinstance(settings, Mapping):
        return settings
    return {
        name: SecretStr(value) if name == "secret" else _secret(value) for name, value in settings.items()
    }


@dataclass
class Book:
    """What is remembered, as the store remembers it."""

    alerts: dict[str, Remembered] = field(default_factory=dict)
    news: list[News] = field(default_factory=list)

    def take(self, told: Told, arrived: datetime) -> None:
        for each in told.alerts:
            news, self.alerts[each.key] = remembered(self.alerts.get(each.key), each, arrived)
            self.news.append(news)

    def moods(self, system: System, log: Log) -> Mapping[str, Mood]:
        return {
            alert.name: worst(
                [self.alerts[key].mood for key in system.keys(log, alert) if key in self.alerts]
            )
            for alert in log.alerts
        }


class House:
    """A daemon's door: real HTTP, and a clock that is set.

    Attributes:
        down: So many requests are answered by 503 before anybody looks at them.
        unproven: Why messages were not believed.
    """

    def __init__(self, sender: Sender, http: Line | None = None) -> None:
        self._sender = sender
        self._http = http or Line()
        self.book = Book()
        self.now = NOON
        self.down = 0
        self.unproven: list[Unproven] = []

    def set(self, now: datetime) -> None:
        self.now = now

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[str]:
        app = web.Application(client_max_size=1024 * 1024)
        app.router.add_post("/", self._handle)
        async with serving_app(app) as port:
            yield f"http://127.0.0.1:{port}/"

    async def _handle(self, request: web.Request) -> web.Response:
        if self.down > 0:
            self.down -= 1
            return web.Response(status=503)
        shown = {name.lower(): ", ".join(request.headers.getall(name)) for name in request.headers}
        meaning = await heard(
            self._sender, self._http, Received(await request.read(), shown, self.now, "alert")
        )
        match meaning:
            case Unproven() as unproven:
                self.unproven.append(unproven)
                return web.Response(status=503 if unproven.later else 401)
            case Told() as told:
                self.book.take(told, self.now)
                return web.Response(status=202)
            case _:
                return web.Response(status=400)


@contextlib.asynccontextmanager
async def a_house(system: System) -> AsyncIterator[tuple[House, str, aiohttp.ClientSession]]:
    house = House(opened(system))
    async with house.open() as url, aiohttp.ClientSession() as session:
        yield house, url, session


def expected(system: System, log: Log) -> Mapping[str, Mood]:
    return {alert.name: system.says(log.mood(alert)) for alert in log.alerts}
