"""Those notifiers that put markers on charts, each towards a system of its own kind.

A marker is looked for, then put: what the system got is what was put, and whatever was refused.
"""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

from aiohttp import web
from pydantic import BaseModel, SecretStr

from tests.contract.notifier_contract import NotifierContract, Received, Spoken, a_message
from tests.fakes.serve import http_to_loopback, serving_app
from tests.fakes.world import START
from watcher.core.watch import Message
from watcher.notify import datadog
from watcher.notify.grafana import Settings as GrafanaSettings
from watcher.notify.markers import Board
from watcher.notify.notifier import Notifier, Told
from watcher.signals.datadog.settings import Settings as DatadogSettings

SECRET = {"authorization", "dd-api-key", "dd-application-key", "api-key"}
QUICK = timedelta(seconds=0.4)


class MarkersContract(NotifierContract):
    """The contract, of boards that have ids of markers, and not of messages."""

    narrowing = ""
    nothing: ClassVar[Any]  # how it says that there is no such marker
    taken: ClassVar[Any]  # how it says that one was put

    def puts(self, method: str, path: str) -> bool:
        """By this request a marker is put."""
        raise NotImplementedError

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
            due = told.answers.pop(0) if told.answers else None
            puts = self.puts(request.method, request.path)
            if puts or due is not None:
                told.received.append(Received(dict(request.headers), body))
            status, headers = due or (200, {})
            if status != 200:
                return web.Response(status=status, headers=headers)
            return web.json_response(self.taken if puts else self.nothing, headers=headers)

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

    def puts(self, method: str, path: str) -> bool:
        return (method, path) == ("POST", "/api/annotations")

    def delivery(self, received: Received) -> str:
        return _tagged("marker", received.json["tags"])

    def says(self, received: Received) -> str:
        return str(received.json["text"])


class TestDatadog(MarkersContract):
    kind = "datadog"
    nothing: ClassVar[Any] = {"data": []}
    taken: ClassVar[Any] = {"status": "ok", "event": {"id_str": "6327818702635911562"}}

    def settings(self, base: str, secret: str) -> BaseModel:
        return DatadogSettings(url=base, api_key=SecretStr(secret), application_key=SecretStr(secret))

    def puts(self, method: str, path: str) -> bool:
        return (method, path) == ("POST", "/api/v1/events")

    def delivery(self, received: Received) -> str:
        return _tagged("rollbackd_marker", received.json["tags"])

    def says(self, received: Received) -> str:
        return str(received.json["text"])

    @contextlib.asynccontextmanager
    async def opened(self, base: str, secret: str) -> AsyncIterator[Notifier]:
        """With less patience than is usual: it stands in no setting."""
        settings = self.settings(base, secret)
        assert isinstance(settings, DatadogSettings)
        async with http_to_loopback(lambda: START) as http:
            place = datadog.place(settings, http, lambda: START)
            yield Board(replace(place, far=replace(place.far, timeout=QUICK)), lambda: START)


def _tagged(name: str, tags: list[str]) -> str:
    return next(each.partition(":")[2] for each in tags if each.startswith(f"{name}:"))
