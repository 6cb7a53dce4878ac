"""The target ``launchdarkly`` for the contract: our own HTTP client, over real HTTP, against LaunchDarkly's fake."""

import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

from pydantic import SecretStr

from deploy.ports import Send, World
from deploy.target import Place
from deploy.targets.launchdarkly import LaunchDarklyTarget, Settings, opened
from tests.builders import NOON
from tests.contract.target_contract import TargetWorld
from tests.fakes.launchdarkly import ENVIRONMENT, FLAG, PROJECT, WRITER, LaunchDarkly, app, weighted
from tests.fakes.launchdarkly.world import Told
from tests.fakes.serve import http_to_loopback, serving_app
from watcher import command
from watcher.app.opening import _sent

LATE = timedelta(seconds=20)
STATES: dict[str, dict[str, Any]] = {
    "off": {"on": False},
    "on.true": {"fallthrough": {"variation": 0}},
    "on.false": {"fallthrough": {"variation": 1}},
    "on.2": {"fallthrough": {"variation": 2}},
}
TENTH = 10.0  # percent, of what is on its way


class Flags(TargetWorld):
    """The flag ``new-checkout`` in production. LaunchDarkly moves at one word: where it is slow, reads are late."""

    def __init__(self) -> None:
        self._time = NOON
        self.launchdarkly = LaunchDarkly(lambda: self._time)
        self.url = ""
        self.send: Send | None = None

    def target(self) -> LaunchDarklyTarget:
        place = Place("checkout", "production", "service")
        return opened(
            self._settings(), place, World(command=command.run, now=lambda: self._time, send=self.send)
        )

    def _settings(self) -> Settings:
        return Settings(
            project=PROJECT, environment=ENVIRONMENT, flag=FLAG, token=SecretStr(WRITER), url=self.url
        )

    def runs(self, tag, *, moving_to=None, key=None):
        assert moving_to is None, "nothing moves there"
        self._time += timedelta(minutes=1)
        self.launchdarkly.archived = tag is None
        self.launchdarkly.sets(**({"on": True} | STATES[tag or "off"]))
        self._time += timedelta(minutes=1)

    def arrives(self):
        self._time += LATE

    def is_slow(self):
        self.launchdarkly.late = LATE

    def is_down(self):
        self.launchdarkly.befalls("*", Told(503, b"<html>down</html>"))

    def hangs(self):
        self.launchdarkly.befalls("*", Told(200, {}, hangs=True))

    def moves_hang(self):
        self.launchdarkly.befalls("PATCH", Told(200, {}, hangs=True), before=False)

    def refuses(self, words):
        code, _, message = words.partition(": ")
        self.launchdarkly.befalls("PATCH", Told(403, {"code": code, "message": message}))

    def loses_answers(self):
        self.launchdarkly.befalls("PATCH", Told(200, {}, lost=True), before=False)

    def changes(self):
        return [
            f"on.{['true', 'false'][each['fallthrough']['variation']]}" if each["on"] else "off"
            for each in self.launchdarkly.changes
        ]


F = TypeVar("F", bound=Flags)


class Shares(Flags):
    """The same flag, whose percentages are shares of the variation that is rolled out."""

    def _settings(self) -> Settings:
        return super()._settings().model_copy(update={"percentages": "shares"})

    def runs(self, tag, *, moving_to=None, key=None):
        super().runs(tag)
        if moving_to is not None:
            old, new = (STATES[each]["fallthrough"]["variation"] for each in (tag, moving_to))
            self.launchdarkly.sets(fallthrough=weighted(**{f"v{new}": TENTH, f"v{old}": 100 - TENTH}))
            self._time += timedelta(minutes=1)

    def changes(self):
        return [self._told(each) for each in self.launchdarkly.changes]

    @staticmethod
    def _told(configured: dict[str, Any]) -> str:
        """The tag of what everybody gets, or who has how many percent."""
        served = configured["fallthrough"]
        if "variation" in served:
            return next(tag for tag, each in STATES.items() if each.get("fallthrough") == served)
        return "+".join(
            f"{each['variation']}:{each['weight'] / 1000:g}" for each in served["rollout"]["variations"]
        )


@contextlib.asynccontextmanager
async def launchdarkly_over_http(world: F) -> AsyncIterator[F]:
    """*world* answers over HTTP, and our client to it."""
    async with serving_app(app(world.launchdarkly)) as port, http_to_loopback(lambda: NOON) as http:
        world.url, world.send = f"http://127.0.0.1:{port}", partial(_sent, http)
        yield world
