"""A way to GitHub without sockets, for stories in virtual time: what the REST API does, done to the same log."""

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from deploy.errors import DeployError
from deploy.ports import Got
from rules.sample import Who
from tests.fakes.github.rest import as_made, as_repository, told
from tests.fakes.github.world import TOKEN, GitHubWorld
from tests.schemas.book import book
from tests.schemas.door import heard
from watcher.http import Answer, Fault, Http, HttpRefused, Request

_STATUSES = re.compile(r".*/repos/([^/]+/[^/]+)/deployments/([0-9]+)/statuses(?:\?.*)?")
JSON = {"content-type": "application/json"}


class Line(Http):
    """The line; *cut*: nobody answers, in as long as a request may take."""

    def __init__(self, world: GitHubWorld) -> None:
        self._world = world
        self.cut = False

    async def send(self, request: Request) -> Answer:
        found = _STATUSES.fullmatch(request.url)
        assert found is not None, request.url
        assert request.secrets["authorization"].get_secret_value() == f"token {TOKEN}"
        if self.cut:
            raise HttpRefused(Who.PROVIDER, "no complete answer within 5 s", Fault.READ_TIMEOUT)
        self._world.requests.append(f"{request.method} {found[2]}")
        answer = self._sent(request, found[2])
        _hear(request.method, request.url, request.body or b"", answer.status, answer.body)
        return answer

    def _sent(self, request: Request, number: str) -> Answer:
        made = self._world.made(int(number))
        if made is None:
            return Answer(404, JSON, b'{"message": "Not Found"}', 0.0)
        if request.method == "GET":
            newest = sorted(self._world.statuses(made.id), key=lambda deed: deed.id, reverse=True)
            return Answer(200, JSON, json.dumps([told(each) for each in newest]).encode(), 0.0)
        said = json.loads(request.body or b"")
        deed = self._world.sets(made, said["state"], said["description"], "rollbackd[bot]")
        return Answer(201, JSON, json.dumps(told(deed)).encode(), 0.0)

    async def get(self, url: str, headers: Mapping[str, str], token: str) -> Got:
        """As `deploy.ports.Get`: what a source reads."""
        world = self._world
        if self.cut:
            raise DeployError("no complete answer within 4 s", remedy="check the far end")
        world.requests.append(f"GET {url.partition('/repos')[2]}")
        status, answer = self._read(url, token)
        limits = dict(JSON)
        if world.secondary > 0:
            world.secondary -= 1
            return Got(403, limits | {"retry-after": "37"}, b'{"message": "a secondary rate limit"}')
        if world.left is not None:
            world.left -= 1
            reset = (world.now() + timedelta(minutes=10)).timestamp()
            limits |= {"x-ratelimit-remaining": str(world.left), "x-ratelimit-reset": f"{reset:.0f}"}
        content = json.dumps(answer).encode()
        _hear("GET", url, b"", status, content)
        return Got(status, limits, content)

    def _read(self, url: str, token: str) -> tuple[int, Any]:
        world = self._world
        path = url.partition("/repos/")[2].partition("?")[0]
        asked = re.fullmatch(r"([^/]+/[^/]+)(/deployments)?(?:/([0-9]+)/statuses)?", path)
        if world.down:
            return 502, {"message": "Unicorn!"}
        if token != TOKEN:
            return 401, {"message": "Bad credentials"}
        if asked is None or asked[1] != world.repository:
            return 404, {"message": "Not Found"}
        if asked[3] is not None:
            newest = sorted(world.statuses(int(asked[3])), key=lambda deed: deed.id, reverse=True)
            return 200, [told(each) for each in newest]
        if asked[2] is not None:
            return 200, [as_made(deed) for deed in reversed(world.log) if deed.state is None]
        return 200, as_repository(world, may_push=True)


def _hear(method: str, url: str, body: bytes, status: int, answer: bytes) -> None:
    asked = f"{method} /repos/{url.partition('/repos/')[2]}"
    heard(book("github"), asked, body, status, "application/json", answer)
