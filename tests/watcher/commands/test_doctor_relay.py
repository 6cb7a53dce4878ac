"""What doctor says of a sidecar: who it is, and whether the central daemon knows it. Nothing is told."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from aiohttp import web

from deploy.model import Level
from tests.fakes.serve import serving_app
from watcher.app import Ports, load
from watcher.commands.doctor import examined

SIDECAR = """\
version: 1
daemon:
  store: {memory: {}}
  reach: [127.0.0.0/8]
  relay: {to: "FAR", token: {file: ROOT/token}, instance: web-1, names: {version: "4.4"}}
services:
  checkout:
    production: {rules: [{file: rules.yaml}]}
"""
CENTRAL = """\
version: 1
services:
  checkout:
    production:
      runs_on: [{command: {live: [/bin/false], move: [/bin/false]}}]
      rules: [{file: rules.yaml}]
"""
RULES = """\
version: 1
indicators:
  errors:
    ratio:
      relay:
        scrape: {url: "FAR/metrics", counter: c_total, bad: {code: "5.."}, every: 1s}
        where: {version: "${arm.version}"}
rules:
  - {name: no more errors, indicator: errors, judge: {slo: {objective: 99%}}, on_breach: rollback}
"""
TOKEN = "rbd_sidecar-0123456789abcdef"


@dataclass
class Far:
    """The central daemon, and the task's own page."""

    status: int = 403
    asked: list[str] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(f"{request.method} {request.path} {request.headers.get('Authorization')}")
        if request.path == "/metrics":
            return web.Response(text='c_total{code="200"} 1\n', content_type="text/plain")
        return web.Response(status=self.status, text=f"not with {request.headers.get('Authorization')}")


@contextlib.asynccontextmanager
async def a_far(root: Path, text: str, status: int = 403) -> AsyncIterator[Far]:
    far, app = Far(status), web.Application()
    app.router.add_route("*", "/{rest:.*}", far.answer)
    async with serving_app(app) as port:
        base = f"http://127.0.0.1:{port}"
        (root / "token").write_text(TOKEN)
        (root / "rules.yaml").write_text(RULES.replace("FAR", base))
        (root / "rollbackd.yaml").write_text(text.replace("FAR", base).replace("ROOT", str(root)))
        yield far


async def said(root: Path, patience: timedelta = timedelta(0)) -> dict[str, tuple[Level, str]]:
    found = await examined(load(root / "rollbackd.yaml"), Ports(), patience)
    return {f"{each.subject}, {each.check}": (each.finding.level, each.finding.words) for each in found}


async def test_a_sidecar_says_who_it_is_and_that_its_token_is_known(tmp_path):
    async with a_far(tmp_path, SIDECAR) as far:
        found = await said(tmp_path)

    assert found["relay, who this is"] == (Level.OK, "instance web-1; its release goes by version 4.4")
    level, words = found["relay, central daemon"]
    assert level is Level.OK
    assert "knows the token; nothing was told" in words
    assert TOKEN not in repr(found)
    assert not [
        each for each in found if each.startswith(("daemon", "team"))
    ]  # it undoes nothing, and tells nobody
    assert {each for each in far.asked if "metrics" not in each} == {f"GET /v1/services Bearer {TOKEN}"}


async def test_a_token_that_nobody_knows_and_somebody_else_are_told_apart(tmp_path):
    words = {}
    for status in (401, 404, 500):
        async with a_far(tmp_path, SIDECAR, status):
            level, words[status] = (await said(tmp_path))["relay, central daemon"]
            assert level is Level.FAIL

    assert "does not know the token" in words[401]
    assert "is it the central daemon?" in words[404]
    assert TOKEN not in repr(words)


async def test_what_cannot_be_known_of_a_sidecar_is_said(tmp_path):
    text = SIDECAR.replace("instance: web-1", "instance: {env: NO_SUCH_VARIABLE}")
    async with a_far(tmp_path, text):
        level, words = (await said(tmp_path))["relay, who this is"]

    assert level is Level.FAIL
    assert "NO_SUCH_VARIABLE holds no name" in words


async def test_a_sidecar_looks_at_what_it_is_to_read(tmp_path):
    async with a_far(tmp_path, SIDECAR) as far:
        found = await said(tmp_path, timedelta(seconds=2.5))

    assert "service checkout/production, signal errors" in found
    assert any("/metrics" in each for each in far.asked)


async def test_the_central_daemon_is_not_asked_what_only_it_knows_while_it_runs(tmp_path):
    async with a_far(tmp_path, CENTRAL):
        found = await said(tmp_path)

    assert not [each for each in found if "signal errors" in each or each.startswith("relay")]
