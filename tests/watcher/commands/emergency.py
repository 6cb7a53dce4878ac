"""A service on the simulated ECS or another platform, no daemon, and somebody who goes back: for `rollback --direct`."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from deploy.github import Access
from deploy.ports import Aws, Page, Rest, Send
from tests.deploy.targets.ecs.stage import ACTOR, Stage
from watcher.app.ports import Ports
from watcher.commands._direct.choosing import Wish
from watcher.commands._direct.diary import Diary, Who
from watcher.commands._direct.opening import load, opened
from watcher.commands._direct.running import Desk, Ended, go_back

KEY = ("checkout", "production")
CONFIGURATION = f"""\
version: 1
daemon:
  store: {{postgresql: {{dsn: {{env: NO_PERSON_HAS_THIS}}}}}}
accounts:
  shop: {{region: eu-central-1, act: "{ACTOR}"}}
connections:
  chat: {{slack: {{token: {{env: NOR_THIS}}, channel: C0DEPLOYS}}}}
defaults: {{account: shop, mode: auto}}
services:
  checkout:
    production:
      runs_on: [{{ecs: {{cluster: prod, service: web}}}}]
      rules: [{{file: web.yaml}}]
"""
RULES = """\
version: 1
indicators:
  here: {probe: {http: {url: "http://checkout.example.com/", every: 10s}}}
rules:
  - {name: it answers, indicator: here, judge: {threshold: {bad: 3, of: 5}}, on_breach: ask}
"""


class Killed(BaseException):
    """The process is gone, at this very moment."""


@dataclass
class Emergency:
    """No daemon.

    Attributes:
        stage: That of ECS, or of another target that `tests.deploy.targets.played` knows, with its *configuration*.
        says: What a person answers.
        page, send, github: Where the target asks for more than AWS.
    """

    folder: Path
    stage: Any = field(default_factory=Stage)
    says: bool = True
    configuration: str = CONFIGURATION
    page: Page | None = None
    send: Send | None = None
    github: Callable[[Access], Rest] | None = None
    told: list[str] = field(default_factory=list)
    asked: list[bool] = field(default_factory=list)

    @property
    def audit(self) -> Path:
        return self.folder / "audit.jsonl"

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.audit.read_text().splitlines()]

    def events(self) -> list[str]:
        return [line["event"] for line in self.lines()]

    def goes_back(
        self,
        *to: str,
        even_quarantined: bool = False,
        timeout: timedelta = timedelta(minutes=30),
        pause: Callable[[float], Awaitable[None]] | None = None,
        aws: Aws | None = None,
        own_credentials: bool = False,
    ) -> Ended:
        """Somebody goes back, until it is over."""
        (self.folder / "web.yaml").write_text(RULES)
        path = self.folder / "rollbackd.yaml"
        path.write_text(self.configuration)
        ports = Ports(
            now=self.stage.clock,
            monotonic=self.seconds,
            aws=aws or getattr(self.stage, "aws", None),
            page=self.page,
            send=self.send,
            github=self.github,
        )
        diary = Diary(self.audit, Who("ada", "laptop"), "checkout is down", to)
        desk = Desk(self.told.append, self._agrees)
        wish = Wish(to, even_quarantined)

        async def story() -> Ended:
            async with opened(
                load(path, KEY, lambda _: None, own_credentials=own_credentials), ports
            ) as world:
                return await go_back(world, wish, diary, desk, ports, timeout, pause or self.waits)

        ended: Ended = self.stage.run(story())
        return ended

    async def waits(self, seconds: float) -> None:
        getattr(self.stage, "goes_on", self.stage.clock.go_on)(seconds=seconds)

    def seconds(self) -> float:
        time: datetime = self.stage.clock.time
        return time.timestamp()

    def _agrees(self, stands: bool) -> bool:
        self.asked.append(stands)
        return self.says


@dataclass
class Deadly:
    """AWS, with which the process dies at the call that moves, the first or the one of that *number*: before it is sent, or once it was."""

    aws: Aws
    before: bool
    number: int = 1

    @property
    def read(self) -> Any:
        return self.aws.read

    @property
    def poll(self) -> Any:
        return self.aws.poll

    async def act(self, scope: str, service: str, operation: str, /, **parameters: Any) -> Any:
        self.number -= operation == "update_service"
        if operation != "update_service" or self.number:
            return await self.aws.act(scope, service, operation, **parameters)
        if not self.before:
            await self.aws.act(scope, service, operation, **parameters)
        raise Killed
