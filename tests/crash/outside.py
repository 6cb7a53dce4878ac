"""The world outside of the daemon, which survives it: a service's releases, its page of metrics, whoever is told.

Everything that the daemon does to it is written down as it happens.
"""

import asyncio
import contextlib
import json
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.crash.hurried import Hurried
from tests.fakes.serve import serving_app

# A platform that takes its time, and that forgets: `live` tells no key, and `move` moves each time that it is asked, so that
# whoever asks twice is seen. While there is a file `hangs`, `live` does not return, and does not let itself be ended.
LIVE = """#!/bin/sh
set -eu
cd "$1"
if [ -e hangs ]; then trap "" TERM INT HUP; echo $$ > hangs; while :; do sleep 0.1; done; fi
moving=$(cat moving 2>/dev/null || true)
now=$(readlink current)
key=$(cat key 2>/dev/null || true)
printf '{"tag": "%s"%s%s}' "${now##*/}" "${moving:+, \\"moving_to\\": \\"$moving\\"}" "${key:+, \\"key\\": \\"$key\\"}"
"""

# `mortal`: whoever called dies in the middle of this call, before or after the move was taken; it goes on all the same.
# `remembers`: a move is known by its key, and taken once.
MOVE = """#!/bin/sh
set -eu
tag=$2 expect=$3 key=$4
cd "$1"
echo "attempted $key $expect $tag" >> calls
dies() { if [ "$(cat mortal 2>/dev/null)" = "$1" ]; then rm mortal; kill -9 $PPID; sleep "$2"; fi; }
dies before 0.3
exec 9> lock; flock 9
if [ -e remembers ] && [ "$(cat key 2>/dev/null)" = "$key" ]; then exit 0; fi
echo "$tag" > moving.new; mv moving.new moving
if [ -e remembers ]; then echo "$key" > key.new; mv key.new key; fi
echo "effective $key $expect $tag" >> calls
(sleep 0.3; ln -s "releases/$tag" new; mv -T new current; rm moving) > /dev/null 2>&1 9>&- &
exec 9>&-
dies after 0
"""

CONFIGURATION = """
version: 1
daemon:
  store: {{sqlite: {{path: {root}/state.db}}}}
  http: {{listen: "127.0.0.1:{listen}"}}
  reach: [127.0.0.0/8]
connections:
  ops: {{webhook: {{url: "http://127.0.0.1:{port}/told", secret: {{file: {root}/secret}}}}}}
teams:
  shop: {{tell: [ops], may_order: [local]}}
services:
  web:
    production:
      team: shop
      mode: {mode}
      speak: all
      countdown: {countdown}
      bake: {{at_least: 30s, at_most: 1h}}
      reads_live: {reads_live}
      runs_on:
        - command:
            live: [{root}/live, "{root}/${{service}}"]
            move: [{root}/move, "{root}/${{service}}", "${{tag}}", "${{expect}}", "${{key}}"]
      rules: [{{file: web.yaml}}]
"""

RULES = """
version: 1
indicators:
  errors:
    ratio:
      scrape:
        url: "http://127.0.0.1:{port}/metrics"
        every: {bucket}
        counter: http_requests_total
        where: {{version: "${{arm.version}}"}}
        bad: {{code: "5.."}}
rules:
  - name: the objective holds
    indicator: errors
    judge: {{slo: {{objective: 99%}}}}
    on_breach: rollback
    statistics: {{correlation: independent, min_buckets: 1}}
"""

A_SECOND = 100  # requests
FAILS = {"v1": 0.0, "v2": 0.5, "v3": 0.0}  # by release


@dataclass(frozen=True)
class Call:
    """One run of `move`."""

    key: str
    expect: str
    tag: str


@dataclass
class Outside:
    """One world, in a directory of its own. While it does not answer, neither a page is read nor a message taken."""

    root: Path
    time: Hurried
    port: int = 0
    told: list[dict[str, Any]] = field(default_factory=list)
    answers: asyncio.Event = field(default_factory=asyncio.Event)
    _counted: Counter[tuple[str, str]] = field(default_factory=Counter)
    _counted_at: float = 0.0

    @property
    def configuration(self) -> Path:
        return self.root / "rollbackd.yaml"

    @property
    def database(self) -> Path:
        return self.root / "state.db"

    @property
    def service(self) -> Path:
        return self.root / "web"

    @property
    def serves(self) -> str:
        return (self.service / "current").readlink().name

    @property
    def moves(self) -> bool:
        """A move was taken, and is not done yet."""
        return (self.service / "moving").exists()

    def deploy(self, tag: str) -> None:
        """Somebody moves the service, past the daemon."""
        (self.service / "new").symlink_to(f"releases/{tag}")
        (self.service / "new").replace(self.service / "current")

    def remember_keys(self) -> None:
        """The platform knows each move by its key from now on."""
        (self.service / "remembers").touch()

    def kill_who_moves(self, when: str) -> None:
        """Whoever calls `move` next is killed in the middle of the call, *when* (before, after) the move was taken."""
        (self.service / "mortal").write_text(when)

    def hang(self) -> None:
        """Nobody answers any more."""
        (self.service / "hangs").touch()
        self.answers.clear()

    @property
    def who_hangs(self) -> int | None:
        """The process of a `live` that hangs, once there is one."""
        process = (self.service / "hangs").read_text()
        return int(process) if process else None

    def calls(self, what: str) -> list[Call]:
        """What `move` was asked for (attempted), or has taken on (effective)."""
        calls = self.service / "calls"
        lines = calls.read_text().splitlines() if calls.exists() else []
        return [Call(*line.split()[1:]) for line in lines if line.startswith(what)]

    def write(self, settings: Mapping[str, str]) -> None:
        """Make the directory."""
        self.root.mkdir()
        filled = {
            "countdown": "1s",
            "reads_live": "10m",
            "bucket": "2s",
            "listen": "0",
            "mode": "auto",
        } | dict(settings)
        filled |= {"root": str(self.root), "port": str(self.port)}
        for tag in FAILS:
            (self.service / "releases" / tag).mkdir(parents=True)
        self.configuration.write_text(CONFIGURATION.format(**filled))
        (self.root / "web.yaml").write_text(RULES.format(**filled))
        (self.root / "secret").write_text("a secret that is long enough")
        (self.root / "secret").chmod(0o600)
        for name, program in (("live", LIVE), ("move", MOVE)):
            (self.root / name).write_text(program)
            (self.root / name).chmod(0o755)
        self.deploy("v1")
        self.answers.set()

    def app(self) -> web.Application:
        app = web.Application()
        app.add_routes([web.get("/metrics", self._metrics), web.post("/told", self._hear)])
        return app

    async def _metrics(self, request: web.Request) -> web.Response:
        """What the service has answered until now: so many requests a second, all by the release that serves."""
        await self.answers.wait()
        now, serves = self.time.monotonic(), self.serves
        requests = A_SECOND * (now - self._counted_at)
        self._counted_at = now
        self._counted[serves, "500"] += round(requests * FAILS[serves])
        self._counted[serves, "200"] += round(requests * (1 - FAILS[serves]))
        lines = [
            f'http_requests_total{{version="{version}",code="{code}"}} {count}'
            for (version, code), count in sorted(self._counted.items())
        ]
        page = "\n".join(["# TYPE http_requests_total counter", *lines, ""])
        return web.Response(text=page, content_type="text/plain")

    async def _hear(self, request: web.Request) -> web.Response:
        await self.answers.wait()
        self.told.append(json.loads(await request.read()))
        return web.Response()


@contextlib.asynccontextmanager
async def a_world(root: Path, time: Hurried, **settings: str) -> AsyncIterator[Outside]:
    """A service that v1 serves. The directory is gone afterwards, unless something failed."""
    outside = Outside(root, time)
    async with serving_app(outside.app()) as outside.port:
        outside.write(settings)
        yield outside
    shutil.rmtree(root)
