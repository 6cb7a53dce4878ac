"""The target ``unleash`` for the contract: our own HTTP client, over real HTTP, against Unleash's fake."""

import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from typing import TypeVar

from pydantic import SecretStr

from deploy.ports import Send, World
from deploy.target import Place
from deploy.targets.unleash import Settings, UnleashTarget, opened
from tests.builders import NOON
from tests.contract.target_contract import TargetWorld
from tests.fakes.launchdarkly import app
from tests.fakes.launchdarkly.world import Told
from tests.fakes.serve import http_to_loopback, serving_app
from tests.fakes.unleash import ENVIRONMENT, FLAG, WRITER, Unleash, strategy
from watcher import command
from watcher.app.opening import _sent

LATE = timedelta(seconds=20)


class Toggles(TargetWorld):
    """The flag ``new-checkout`` in production. Unleash moves at one word: where it is slow, reads are late."""

    def __init__(self) -> None:
        self._time = NOON
        self.unleash = Unleash(lambda: self._time)
        self._strategy = self.unleash.adds(strategy(5))
        self.url = ""
        self.send: Send | None = None

    def target(self) -> UnleashTarget:
        ports = World(command=command.run, now=lambda: self._time, send=self.send)
        return opened(self._settings(), Place("checkout", "production", "service"), ports)

    def _settings(self) -> Settings:
        return Settings(url=self.url, environment=ENVIRONMENT, flag=FLAG, token=SecretStr(WRITER))

    def runs(self, tag, *, moving_to=None, key=None):
        assert moving_to is None, "nothing moves there"
        self._time += timedelta(minutes=1)
        self.unleash.archived = tag is None
        if tag in {None, "off"}:
            self.unleash.turns(on=False)
        else:
            self.unleash.changes_strategy(parameters={"rollout": tag.removeprefix("on.")})
            self.unleash.turns(on=True)
        self._time += timedelta(minutes=1)

    def arrives(self):
        self._time += LATE

    def is_slow(self):
        self.unleash.late = LATE

    def is_down(self):
        self.unleash.befalls("*", Told(503, b"<html>down</html>"))

    def hangs(self):
        self.unleash.befalls("*", Told(200, {}, hangs=True))

    def moves_hang(self):
        for method in ("PATCH", "POST"):
            self.unleash.befalls(method, Told(200, {}, hangs=True), before=False)

    def refuses(self, words):
        name, _, message = words.partition(": ")
        for method in ("PATCH", "POST"):
            self.unleash.befalls(method, Told(403, {"name": name, "message": message}))

    def loses_answers(self):
        for method in ("PATCH", "POST"):
            self.unleash.befalls(method, Told(200, {}, lost=True), before=False)

    def changes(self):
        return [f"on.{'+'.join(shares)}" if on else "off" for on, shares in self.unleash.changes]


T = TypeVar("T", bound=Toggles)


class SharedToggle(Toggles):
    """The same flag, whose percentage is the share of what it gives; it is on, and `off` is a share of 0 %."""

    def _settings(self) -> Settings:
        return super()._settings().model_copy(update={"percentages": "shares"})

    def runs(self, tag, *, moving_to=None, key=None):
        self._time += timedelta(minutes=1)
        self.unleash.archived = tag is None
        stickiness, _, group = (moving_to or tag or "off").partition("/")[2].partition("/")
        self.unleash.changes_strategy(
            parameters={
                "rollout": "10" if moving_to else "100" if tag and tag != "off" else "0",
                "stickiness": stickiness or "default",
                "groupId": group or FLAG,
            }
        )
        self.unleash.turns(on=tag is not None)
        self._time += timedelta(minutes=1)


@contextlib.asynccontextmanager
async def unleash_over_http(world: T) -> AsyncIterator[T]:
    """*world* answers over HTTP, and our client to it."""
    async with serving_app(app(world.unleash)) as port, http_to_loopback(lambda: NOON) as http:
        world.url, world.send = f"http://127.0.0.1:{port}", partial(_sent, http)
        yield world
