"""Those notifiers that put markers on charts, each towards a system of its own kind.

A marker is looked for, then put: what the system got is what was put, and whatever was refused.
"""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from aiohttp import web
from pydantic import BaseModel, SecretStr

from tests.contract.notifier_contract import NotifierContract, Received, Spoken, a_message
from tests.fakes.serve import http_to_loopback, serving_app
from tests.fakes.world import START
from watcher.core.watch import Message
from watcher.http import Http
from watcher.notify import datadog, dora, newrelic, sentry
from watcher.notify.grafana import Settings as GrafanaSettings
from watcher.notify.markers import Board
from watcher.notify.notifier import Notifier, Told
from watcher.signals.datadog.settings import Settings as DatadogSettings
from watcher.signals.newrelic.settings import Settings as NewRelicSettings
from watcher.signals.sentry.settings import Settings as SentrySettings

SECRET = {"authorization", "dd-api-key", "dd-application-key", "api-key"}
QUICK = timedelta(seconds=0.4)


class MarkersContract(NotifierContract):
    """The contract, of boards that have ids of markers, and not of messages."""

    narrowing = ""
    is_absence_refused: ClassVar[bool] = False  # it may answer 404 where there is no marker yet
    nothing: ClassVar[Any]  # how it says that there is no such marker
    taken: ClassVar[Any]  # how it says that one was put

    def puts(self, method: str, path: str, body: bytes) -> bool:
        """By this request a marker is put."""
        raise NotImplementedError

    def looked(self, method: str) -> Any:
        """What is answered to all else."""
        return self.nothing

    def message(self, **changes: Any) -> Message:
        message = a_message(kind="show", **changes)
        facts = {**message.notice.facts, "state": "watching", "tag": "v2"}
        return replace(message, notice=replace(message.notice, watch="w_1", facts=facts))

    def written(self, text: str) -> str:
        return self.narrowing  # anything else is told to whoever wrote it (tests/watcher/notify)

    def overheard(self, received: Received) -> str:
        return repr({name: value for name, value in received.headers.items() if name.lower() not in SECRET})

    @contextlib.asynccontextmanager
    async def telling(self, secret: str = "0123456789abcdef") -> AsyncIterator[Spoken]:
        """The markers that were put; each answer that is due is given to whatever is asked next."""
        holder: list[Spoken] = []

        async def handle(request: web.Request) -> web.Response:
            told, body = holder[0], await request.read()
            puts = self.puts(request.method, request.path, body)
            due = told.answers.pop(0) if told.answers and (puts or not self.is_absence_refused) else None
            if puts or due is not None:
                told.received.append(Received(dict(request.headers), body))
            status, headers = due or (200, {})
            if status != 200:
                return web.Response(status=status, headers=headers)
            return web.json_response(self.taken if puts else self.looked(request.method), headers=headers)

        app = web.Application()
        app.router.add_route("*", "/{rest:.*}", handle)
        async with serving_app(app) as port, self.opened(f"http://127.0.0.1:{port}", secret) as notifier:
            holder.append(Spoken(notifier))
            yield holder[0]

    async def test_what_is_told_again_carries_the_same_id(self):
        """A marker is that of its watch, whichever message it comes with; and what is remembered is not put again."""
        async with self.telling() as told:
            first = await told.notifier.tell(self.message(), self.narrowing, None)
            assert isinstance(first, Told)
            await told.notifier.tell(self.message(), self.narrowing, first.ref)
            await told.notifier.tell(self.message(id="w_1.4.0"), self.narrowing, None)

            assert [self.delivery(each) for each in told.received] == ["w_1", "w_1"]


class TestGrafana(MarkersContract):
    kind = "grafana"
    nothing: ClassVar[Any] = []
    taken: ClassVar[Any] = {"message": "Annotation added", "id": 1}

    def settings(self, base: str, secret: str) -> BaseModel:
        return GrafanaSettings(url=base, token=SecretStr(secret), timeout=QUICK)

    def puts(self, method: str, path: str, body: bytes) -> bool:
        return (method, path) == ("POST", "/api/annotations")

    def delivery(self, received: Received) -> str:
        return _tagged("marker", received.json["tags"])

    def says(self, received: Received) -> str:
        return str(received.json["text"])


class ReadThereContract(MarkersContract):
    """The contract, of connections that signals are read by, too: how patient they are stands in no setting."""

    def place(self, settings: Any, http: Http) -> Any:
        """Where markers are put."""
        raise NotImplementedError

    @contextlib.asynccontextmanager
    async def opened(self, base: str, secret: str) -> AsyncIterator[Notifier]:
        async with http_to_loopback(lambda: START) as http:
            place = self.place(self.settings(base, secret), http)
            yield Board(replace(place, far=replace(place.far, timeout=QUICK)), lambda: START)

    @pytest.mark.parametrize("fault", ["no answer", "not http", "cut chunk", "50 MB"])
    async def test_a_system_that_is_ill_is_told_later_and_in_time(self, fault: str):
        """All of them are asked in the same way, and Grafana meets every fault."""
        await super().test_a_system_that_is_ill_is_told_later_and_in_time(fault)


class TestDatadog(ReadThereContract):
    kind = "datadog"
    nothing: ClassVar[Any] = {"data": []}
    taken: ClassVar[Any] = {"status": "ok", "event": {"id_str": "6327818702635911562"}}

    def settings(self, base: str, secret: str) -> BaseModel:
        return DatadogSettings(url=base, api_key=SecretStr(secret), application_key=SecretStr(secret))

    def puts(self, method: str, path: str, body: bytes) -> bool:
        return (method, path) == ("POST", "/api/v1/events")

    def delivery(self, received: Received) -> str:
        return _tagged("rollbackd_marker", received.json["tags"])

    def says(self, received: Received) -> str:
        return str(received.json["text"])

    def place(self, settings: Any, http: Http) -> Any:
        return datadog.place(settings, http, lambda: START)


class TestDora(ReadThereContract):
    """Deployments for the DORA metrics: known by their ids, and looked for by nobody; people read the version."""

    kind = "datadog"
    nothing: ClassVar[Any] = {}
    taken: ClassVar[Any] = {"data": {"id": "4242fcdd31586083", "type": "dora_deployment"}}

    def settings(self, base: str, secret: str) -> BaseModel:
        return DatadogSettings(
            url=base, api_key=SecretStr(secret), application_key=SecretStr(secret), dora=True
        )

    def puts(self, method: str, path: str, body: bytes) -> bool:
        return (method, path) == ("POST", "/api/v2/dora/deployment")

    def delivery(self, received: Received) -> str:
        return str(received.json["data"]["attributes"]["id"]).removeprefix("dora.").rstrip(".")

    def place(self, settings: Any, http: Http) -> Any:
        to = datadog.place(settings, http, lambda: START)
        return dora.Dora(to.far, to.place)

    async def test_people_read_the_headline(self):
        """They read which version of which service it was."""
        async with self.telling() as told:
            await told.notifier.tell(self.message(), self.narrowing, None)

            assert told.received[0].json["data"]["attributes"]["version"] == "v2"


class TestSentry(ReadThereContract):
    """What people read there is the name of the release, and no headline."""

    kind = "sentry"
    narrowing = "checkout checkout@${tag}"
    is_absence_refused = True
    nothing: ClassVar[Any] = []
    taken: ClassVar[Any] = {"name": "w_1", "environment": "production"}

    def settings(self, base: str, secret: str) -> BaseModel:
        return SentrySettings(url=base, organization="shop", token=SecretStr(secret))

    def puts(self, method: str, path: str, body: bytes) -> bool:
        return method == "POST" and path.endswith("/deploys/")

    def looked(self, method: str) -> Any:
        return {"version": "checkout@v2"} if method == "POST" else self.nothing

    def delivery(self, received: Received) -> str:
        return str(received.json["name"])

    def place(self, settings: Any, http: Http) -> Any:
        return sentry.place(settings, http, lambda: START)

    async def test_people_read_the_headline(self):
        """They read the name of the deploy, in the environment (tests/watcher/notify/sentry)."""
        async with self.telling() as told:
            await told.notifier.tell(self.message(), self.narrowing, None)

            assert told.received[0].json["environment"] == "production"


class TestNewRelic(ReadThereContract):
    """It is asked and told at one address, by what stands in the body."""

    kind = "newrelic"
    narrowing = "shop"
    nothing: ClassVar[Any] = {"data": {"actor": {"account": {"nrql": {"results": [{"count": 0}]}}}}}
    taken: ClassVar[Any] = {
        "data": {"changeTrackingCreateEvent": {"changeTrackingEvent": {"changeTrackingId": "c1"}}}
    }

    def settings(self, base: str, secret: str) -> BaseModel:
        return NewRelicSettings(url=base, account=1, key=SecretStr(secret))

    def puts(self, method: str, path: str, body: bytes) -> bool:
        return b'{"query":"mutation' in body

    def delivery(self, received: Received) -> str:
        return str(received.json["variables"]["event"]["groupId"])

    def says(self, received: Received) -> str:
        return str(received.json["variables"]["event"]["description"])

    def place(self, settings: Any, http: Http) -> Any:
        return newrelic.place(settings, http, lambda: START)


def _tagged(name: str, tags: list[str]) -> str:
    return next(each.partition(":")[2] for each in tags if each.startswith(f"{name}:"))
