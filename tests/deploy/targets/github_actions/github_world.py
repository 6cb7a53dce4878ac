"""The target ``github_actions`` for tests: our own client of GitHub, over HTTP, against the small GitHub."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from aiohttp import web
from pydantic import SecretStr

from deploy.github import Trace
from deploy.model import Move, Release
from deploy.ports import World
from deploy.target import Place
from deploy.targets.github_actions import GitHubActionsTarget, Settings
from tests.contract.target_contract import TargetWorld
from tests.fakes.github import REPOSITORY, TOKEN, Actions, GitHubWorld, app
from tests.fakes.serve import http_to_loopback, serving_app
from tests.fakes.world import START
from watcher import command
from watcher.app.opening import _page
from watcher.http import Http
from watcher.notify.github.connection import rest

TAKES = timedelta(seconds=40)
LATER = timedelta(minutes=1)
PLACE = Place("checkout", "production", "service")


class Pipeline(TargetWorld):
    """``deploy.yml`` of acme/shop, which deploys the tag of git that it is run at, to *production*."""

    def __init__(self, public_key: str = "") -> None:
        self.public_key = public_key
        self.time: datetime = START
        self.github = GitHubWorld(lambda: self.time)
        self.github.permissions |= {"actions": "write", "contents": "read"}
        self.actions = Actions(self.github)
        for tag in ("v1", "v2", "v3"):
            self.actions.sha(tag)
        self.url = ""
        self.http: Http | None = None
        self.hanging: set[str] = set()
        self.losing = False
        self.statuses: list[int] = []
        self.page: str | None = '{"build": {"tag": "v2"}}'

    # -- where it is reached

    def application(self) -> web.Application:
        outer = web.Application(middlewares=[self.at_the_door])
        outer.router.add_get("/version", self._version)
        outer.add_subapp("/api", app(self.github, self.public_key, self.actions))
        return outer

    @property
    def at_the_door(self) -> Any:
        @web.middleware
        async def answer(
            request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
        ) -> web.StreamResponse:
            if request.method in self.hanging:
                if request.method == "POST":
                    await handler(request)
                await asyncio.sleep(6)
            response = await handler(request)
            self.statuses.append(response.status)
            if self.losing and request.method == "POST" and request.transport is not None:
                request.transport.close()
            return response

        return answer

    async def _version(self, _request: web.Request) -> web.Response:
        if self.page is None:
            return web.Response(status=503)
        return web.Response(text=self.page, content_type="application/json")

    def settings(self, **said: Any) -> Settings:
        usual: dict[str, Any] = {
            "token": SecretStr(TOKEN),
            "url": f"{self.url}/api",
            "repository": REPOSITORY,
            "environment": "production",
            "workflow": "deploy.yml",
        }
        return Settings.model_validate(usual | said)

    def target(self, **said: Any) -> GitHubActionsTarget:
        assert self.http is not None
        ports = World(
            command=command.run,
            now=lambda: self.time,
            page=partial(_page, self.http),
            github=partial(rest, self.http, lambda: self.time),
        )
        return GitHubActionsTarget(self.settings(**said), PLACE, ports)

    # -- what happens

    def goes_on(self, span: timedelta = LATER) -> None:
        self.time += span
        self.actions.advance()

    def deploys(self, tag: str, *states: str) -> None:
        """A deployment of *tag* by the pipeline, with these statuses one after the other."""
        made = self.github.deploys("production", "github-actions[bot]", tag, sha=self.actions.sha(tag))
        for state in states:
            self.github.sets(made, state, by="github-actions[bot]")

    def runs(self, tag, *, moving_to=None, key=None):
        self.goes_on()
        if tag is None:
            self.github.log.clear()
            return
        if key is not None:
            self.actions.begin(tag, {"rollbackd": Trace(key, tag).mark})
        self.deploys(tag, "in_progress", "success")
        if moving_to is not None:
            self.deploys(moving_to, "in_progress")
        self.goes_on()

    def arrives(self):
        self.goes_on()

    def is_slow(self):
        self.actions.lasts = TAKES

    def is_down(self):
        self.github.down = True

    def hangs(self):
        self.hanging = {"GET", "POST"}

    def moves_hang(self):
        self.hanging = {"POST"}

    def refuses(self, words):
        self.actions.refusal = (422, words, {})

    def loses_answers(self):
        self.losing = True

    def changes(self):
        return [each["ref"] for each in self.actions.dispatches]

    # -- what is meant

    def release(self, tag: str) -> Release:
        return Release(self.actions.sha(tag), tag)

    def move(self, expect: str = "v2", to: str = "v1") -> Move:
        return Move("service", expect=self.release(expect), to=self.release(to))


@contextlib.asynccontextmanager
async def pipeline_over_http(public_key: str = "") -> AsyncIterator[Pipeline]:
    """The small GitHub, answering over HTTP. *public_key*: of the app that it knows."""
    world = Pipeline(public_key)
    async with (
        serving_app(world.application()) as port,
        http_to_loopback(lambda: world.time) as world.http,
    ):
        world.url = f"http://127.0.0.1:{port}"
        yield world
