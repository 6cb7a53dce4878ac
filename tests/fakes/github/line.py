"""A way to GitHub without sockets, for stories in virtual time: what the REST API does, done to the same log."""

import json
import re

from rules.sample import Who
from tests.fakes.github.rest import told
from tests.fakes.github.world import TOKEN, GitHubWorld
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
        made = self._world.made(int(found[2]))
        if made is None:
            return Answer(404, JSON, b'{"message": "Not Found"}', 0.0)
        if request.method == "GET":
            newest = sorted(self._world.statuses(made.id), key=lambda deed: deed.id, reverse=True)
            return Answer(200, JSON, json.dumps([told(each) for each in newest]).encode(), 0.0)
        said = json.loads(request.body or b"")
        deed = self._world.sets(made, said["state"], said["description"], "rollbackd[bot]")
        return Answer(201, JSON, json.dumps(told(deed)).encode(), 0.0)
