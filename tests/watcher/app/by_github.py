"""A house whose service is deployed by GitHub, whose page counts who was served, whose second channel is gone, and whose third is down."""

import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from tests.fakes.github import SECRET, TOKEN, Actions, GitHubWorld, Hook, Made, app
from tests.fakes.github.key import drawn
from tests.fakes.serve import serving_app
from tests.watcher.app.house import RULES, AtWork, House, a_house
from watcher.clock import now

EACH_LOOK = 100  # requests that were served between two looks at the page
# What is changed in the house's configuration.
CHANGES = {
    'http: {listen: "127.0.0.1:0"}': """\
http: {listen: "127.0.0.1:0", public_url: "https://rollbackd.example"}
  heartbeat: {url: {file: ROOT/beat}, every: 1s}""",
    "connections:\n": """\
sources:
  github:
    github:
      secret: {file: ROOT/hook.secret}
      repositories: [acme/shop]
      reads: {token: {file: ROOT/token}, url: "URL/github"}
connections:
  status: {github: {token: {file: ROOT/token}, url: "URL/github"}}
  gone: {webhook: {url: "URL/gone", secret: {file: ROOT/ops.secret}}}
  away: {webhook: {url: "URL/away", secret: {file: ROOT/ops.secret}}}
""",
    "shop: {may_order": "shop: {tell: [status: acme/shop, gone, away], may_order",
    "mode: shadow": "mode: auto",
    "    production:\n": """\
    production:
      heard_from: [{github: {repository: acme/shop, environment: production}}]
""",
}


@dataclass
class Town:
    """The house, GitHub, and everybody else who is spoken to.

    Attributes:
        served: Requests, by version and code.
        beats: Heartbeats that came.
        has_actions: The repository has workflows: `actions`.
    """

    house: House
    github: GitHubWorld = field(default_factory=lambda: GitHubWorld(now))
    served: Counter[tuple[str, str]] = field(default_factory=Counter)
    beats: int = 0
    has_actions: bool = False

    def __post_init__(self) -> None:
        self.hook = Hook(self.github)
        self.actions = Actions(self.github)

    async def deploys(self, daemon: AtWork, tag: str) -> Made:
        """As a workflow does: a deployment of GitHub's, its beginning, and then the service is moved."""
        made = self.github.deploys(payload={"tag": tag})
        self.github.sets(made, "in_progress", by="github-actions[bot]")
        self.house.deploy(tag)
        await self.tells(daemon)
        return made

    async def tells(self, daemon: AtWork) -> list[int]:
        """The webhook: what has happened at GitHub since; how each was answered."""
        answers = []
        for each in self.hook.deliveries():
            url = f"{daemon.url}/v1/hooks/github"
            async with daemon.session.post(url, data=each.body, headers=each.headers) as answer:
                answers.append(answer.status)
        return answers

    def application(self) -> web.Application:
        """Where everybody is reached."""
        application = web.Application()
        application.router.add_get("/metrics", self._page)
        application.router.add_get("/beat", self._beat)
        application.router.add_post("/gone", _answers(410))
        application.router.add_post("/away", _answers(503))
        application.add_subapp(
            "/github", app(self.github, *((drawn()[1], self.actions) if self.has_actions else ()))
        )
        return application

    async def _page(self, _request: web.Request) -> web.Response:
        """Of a service that is busy: v2 fails three in ten."""
        version = self.house.serves
        failed = 30 if version == "v2" else 0
        self.served[version, "500"] += failed
        self.served[version, "200"] += EACH_LOOK - failed
        lines = [
            f'http_requests_total{{version="{version}",code="{code}"}} {many}'
            for (version, code), many in self.served.items()
        ]
        return web.Response(text="\n".join(["# TYPE http_requests_total counter", *lines, ""]))

    async def _beat(self, _request: web.Request) -> web.Response:
        self.beats += 1
        return web.Response()


def _answers(status: int) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status)

    return answer


@contextlib.asynccontextmanager
async def a_town(root: Path, *, actions: bool = False) -> AsyncIterator[Town]:
    """The house at *root*, and all others; no daemon yet."""
    town = Town(a_house(root), has_actions=actions)
    town.github.permissions["actions"] = "write"
    async with serving_app(town.application()) as port:
        url = f"http://127.0.0.1:{port}"
        town.github.host = f"127.0.0.1:{port}"
        rules = RULES.replace("http://127.0.0.1:9/metrics", f"{url}/metrics")
        (root / "web.yaml").write_text(rules.replace("counter:", "every: 1s\n        counter:"))
        (root / "hook.secret").write_text(SECRET)
        (root / "token").write_text(TOKEN)
        (root / "beat").write_text(f"{url}/beat")
        for old, new in CHANGES.items():
            town.house.change(old, new.replace("URL", url))
        yield town
