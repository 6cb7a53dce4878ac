"""A daemon with a connection of every kind, each with a secret of its own, and a far end that repeats whatever it hears.

The far end is one server: it refuses, redirects, answers with pages and with JSON, and in each answer stands all that was
sent to it, headers and body. So a word of it that is passed on whole is a secret that gets out.
"""

import base64
import contextlib
import json
import re
import secrets
import threading
import traceback
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import aiohttp
from aiohttp import web
from pydantic import SecretStr

from deploy.errors import DeployError
from tests.fakes.github.key import drawn
from tests.fakes.serve import serving_app
from tests.fakes.world import SECOND, Clock, World
from tests.scenarios.sidecars import sha256
from tests.watcher.app.house import PROGRAMS, logged
from watcher import clock as real
from watcher.app import Ports, Running, build, load
from watcher.app.made import Crashed
from watcher.app.opening import feeds_of
from watcher.core.watch import Message
from watcher.notify.notifier import Notifier, Telling
from watcher.runtime.crew import Leaving
from watcher.runtime.rounds import Loop
from watcher.telemetry.crashes import Scrubber, crashes
from watcher.telemetry.metrics import Metrics
from watcher.telemetry.redaction import Redactor

# What is sent goes out in headers, bodies and URLs; the others only sign, or are only compared with.
SENT = (
    *("datadog_api", "datadog_app", "sentry", "newrelic", "loki", "prometheus", "step", "slack", "pagerduty"),
    *("grafana", "github", "github_reads", "heartbeat", "slack_hall", "slack_app"),
)
# Senders of alerts, by the secret that each shows or signs with, and how it stands in the configuration.
SENDERS = {
    "alertmanager": "pushed",
    "datadog_hook": "monitors",
    "sentry_hook": "issues",
    "newrelic_hook": "workflows",
    "grafana_hook": "contact",
}
KEPT = (
    *(
        "webhook",
        "github_hook",
        "slack_signing",
        "launchdarkly",
        "unleash",
        "target",
        "github_app",
        "grafana_hmac",
    ),
    *("previous_github_hook", "previous_alertmanager", "previous_launchdarkly"),
    *SENDERS,
)
_SECRET = re.compile(r"(?i)auth|key|token|signature")

MAIN = """\
version: 1
daemon:
  store: {sqlite: {path: ROOT/state.db}}
  http: {listen: "127.0.0.1:0"}
  reach: [127.0.0.0/8]
  tokens:
    - {name: pipeline, sha256: "PIPELINE", may: [announce, read, order]}
  heartbeat: {url: {file: ROOT/secrets/heartbeat}, every: 30s}
connections:
  dog: {datadog: {url: "FAR", api_key: {file: ROOT/secrets/datadog_api}, application_key: {file: ROOT/secrets/datadog_app}, dora: true}}
  errors: {sentry: {url: "FAR", organization: shop, token: {file: ROOT/secrets/sentry}}}
  nr: {newrelic: {account: 1, url: "FAR", key: {file: ROOT/secrets/newrelic}}}
  logs: {loki: {url: "FAR", basic: {user: me, password: {file: ROOT/secrets/loki}}}}
  prom: {prometheus: {url: "FAR", bearer: {file: ROOT/secrets/prometheus}}}
  smoke: {steps: {secrets: {password: {file: ROOT/secrets/step}}, to: ["FAR"]}}
  chat: {slack: {token: {file: ROOT/secrets/slack}, workspace: T0SHOP000, signing_secret: {file: ROOT/secrets/slack_signing}, channel: C0RELEASES, url: "FAR/api/"}}
  hall: {slack: {token: {file: ROOT/secrets/slack_hall}, workspace: T0SHOP000, app_token: {file: ROOT/secrets/slack_app}, channel: C0RELEASES, url: "FAR/api/"}}
  app: {github: {app: {id: 7, installation: 5, private_key: {file: ROOT/secrets/github_app}}, url: "FAR/api/v3"}}
  pager: {pagerduty: {routing_key: {file: ROOT/secrets/pagerduty}, url: "FAR"}}
  charts: {grafana: {url: "FAR", token: {file: ROOT/secrets/grafana}}}
  hub: {github: {token: {file: ROOT/secrets/github}, url: "FAR/api/v3"}}
  ops: {webhook: {url: "FAR/ops", secret: {file: ROOT/secrets/webhook}}}
teams:
  shop: {tell: [dog, {errors: "shop shop@${tag}"}, {nr: shop}, chat, hall, pager, charts, {hub: acme/shop}, {app: acme/shop}, ops]}
sources:
  github:
    github:
      secret: {file: ROOT/secrets/github_hook}
      previous_secret: {file: ROOT/secrets/previous_github_hook}
      repositories: [acme/shop]
      reads: {token: {file: ROOT/secrets/github_reads}, url: "FAR/api/v3"}
  launchdarkly: {launchdarkly: {secret: {file: ROOT/secrets/launchdarkly}, previous_secret: {file: ROOT/secrets/previous_launchdarkly}}}
  unleash: {unleash: {secret: {file: ROOT/secrets/unleash}}}
alerts:
  pushed: {alertmanager: {secret: {file: ROOT/secrets/alertmanager}, previous_secret: {file: ROOT/secrets/previous_alertmanager}}}
  monitors: {datadog: {secret: {file: ROOT/secrets/datadog_hook}}}
  issues: {sentry: {secret: {file: ROOT/secrets/sentry_hook}}}
  workflows: {newrelic: {secret: {file: ROOT/secrets/newrelic_hook}}}
  contact: {grafana: {authorization: {secret: {file: ROOT/secrets/grafana_hook}}, hmac: {secret: {file: ROOT/secrets/grafana_hmac}}}}
services:
  shop:
    production:
      team: shop
      mode: ask
      speak: all
      names: {sentry: "shop@${tag}"}
      runs_on:
        - command:
            live: [PROGRAMS/live, "ROOT/shop"]
            move: [PROGRAMS/move, "ROOT/shop", "${tag}", "${expect}", "${key}"]
            environment: {DEPLOY_KEY: {file: ROOT/secrets/target}}
      rules: [{file: rules.yaml}]
"""
RULES = """\
version: 1
indicators:
  dog: {ratio: {datadog: {connection: dog, bad: "sum:bad{version:${arm.version}}.as_count()", total: "sum:all{version:${arm.version}}.as_count()"}}}
  crashes: {ratio: {sentry: {connection: errors, sessions: crashed, project: shop, release: "${arm.sentry}"}}}
  nr: {ratio: {newrelic: {connection: nr, from: Transaction, where: {appName: shop, tags.version: "${arm.version}"}, bad: error IS true}}}
  logs: {ratio: {loki: {connection: logs, stream: {app: shop, version: "${arm.version}"}, parser: json, total: {contains: handled}, bad: {labels: {status: "5.."}}}}}
  prom: {ratio: {prometheus: {connection: prom, counter: c_total, where: {version: "${arm.version}"}, bad: {code: "5.."}}}}
  page: {ratio: {scrape: {url: "FAR/metrics", counter: c_total, where: {version: "${arm.version}"}, bad: {code: "5.."}}}}
  buys:
    probe:
      steps:
        url: FAR
        every: 10s
        steps:
          - {name: front, url: /, form: {password: "${secret.password}"}}
          - {name: look, url: /look, headers: {Authorization: "Bearer ${secret.password}"}}
rules:
  - {name: dog, indicator: dog, judge: {slo: {objective: 99%}}, on_breach: rollback}
  - {name: crashes, indicator: crashes, judge: {slo: {objective: 99%}}, on_breach: rollback}
  - {name: nr, indicator: nr, judge: {slo: {objective: 99%}}, on_breach: rollback}
  - {name: logs, indicator: logs, judge: {slo: {objective: 99%}}, on_breach: rollback}
  - {name: prom, indicator: prom, judge: {slo: {objective: 99%}}, on_breach: rollback}
  - {name: page, indicator: page, judge: {slo: {objective: 99%}}, on_breach: rollback}
  - {name: one can buy, indicator: buys, judge: {threshold: {bad: 1, of: 1}}, on_breach: rollback}
"""


def a_secret(name: str, far: str) -> str:
    """One of the form that its system has, with signs that are written otherwise in URLs and in JSON."""
    chance = secrets.token_hex(16)
    if name == "heartbeat":
        return f"{far}/{chance}"
    if name == "pagerduty":
        return chance
    if name == "github_app":
        return drawn()[0].strip()
    tokens = {"slack": f"xoxb-{chance}", "slack_hall": f"xoxb-{chance}", "slack_app": f"xapp-{chance}"}
    return tokens.get(name, f"{chance}/+=&x")


def spellings(secret: str, far: str) -> set[str]:
    """How it may be written."""
    value = secret.removeprefix(f"{far}/")
    raw = [value, f"me:{value}", f"Bearer {value}"]
    coded = [
        each(text.encode()).decode().rstrip("=")
        for text in raw
        for each in (base64.b64encode, base64.urlsafe_b64encode)
    ]
    lines = [each for each in value.splitlines()[1:-1] if each]  # of a PEM each line is a part of the key
    return {
        value,
        *lines,
        quote(value),
        quote(value, safe=""),
        quote_plus(value),
        repr(value)[1:-1],
        json.dumps(value)[1:-1],
        *coded,
    }


@dataclass
class Far:
    """The far end.

    Attributes:
        mode: How it answers.
        heard: All that was sent to it.
    """

    mode: str = "refuse"
    heard: list[str] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        """What is secret stands first, for who passes on the beginning alone."""
        body = (await request.read()).decode("utf-8", "replace")
        keys = " ".join(value for name, value in request.headers.items() if _SECRET.search(name))
        heard = f"{keys} {body} {request.method} {request.url} {dict(request.headers)}"
        self.heard.append(heard)
        return _ANSWERS[self.mode](heard)


def _said(heard: str, status: int = 200, kind: str = "text/plain") -> web.Response:
    return web.Response(status=status, text=heard, content_type=kind)


# How it answers, by the mode that it is in.
_ANSWERS: Mapping[str, Callable[[str], web.Response]] = {
    "refuse": lambda heard: _said(heard, 403),
    "redirect": lambda heard: web.Response(
        status=302, headers={"Location": f"/else?key={quote(heard[:6000])}"}
    ),
    "page": lambda heard: _said(f"<html><body>{heard}</body></html>", kind="text/html"),
    "json": lambda heard: web.json_response(
        {"ok": False, "status": "error", "errors": [heard], "error": heard, "message": heard, "detail": heard}
    ),
    "graphql": lambda heard: web.json_response({"data": None, "errors": [{"message": heard}]}),
    "break": lambda heard: web.json_response({"message": heard, "errors": [{"message": heard}]}, status=500),
    "trace": lambda heard: _said(heard, 400),
}
MODES = tuple(_ANSWERS)


@dataclass
class Talkative:
    """A notifier with a bug, which says all that it knows."""

    notifier: Notifier
    vault: "Vault" = field(repr=False)

    async def tell(self, message: Message, narrowing: str, ref: str | None) -> Telling:
        telling = await self.notifier.tell(message, narrowing, ref)
        self.vault.told.append(f"{message!r} {telling!r}")
        if self.vault.is_buggy:
            known = {"header": f"Bearer {' '.join(self.vault.secrets.values())}"}
            raise LookupError(f"cannot send {known}")
        return telling


@dataclass
class Vault:
    """All of it, and every place where a secret could come out."""

    root: Path
    far: Far
    base: str
    world: World
    clock: Clock
    secrets: Mapping[str, str] = field(repr=False)
    metrics: Metrics = field(default_factory=Metrics)
    redactor: Redactor = field(default_factory=Redactor)
    running: Running | None = None
    is_buggy: bool = False
    told: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def log(self) -> str:
        return (self.root / "log").read_text()

    @property
    def stored(self) -> str:
        """The files of the store, as they lie there."""
        return "".join(path.read_bytes().decode("latin-1") for path in self.root.glob("state.db*"))

    def was_sent(self, name: str) -> bool:
        """The far end has heard it."""
        return any(
            form in heard for heard in self.far.heard for form in spellings(self.secrets[name], self.base)
        )

    def leaks(self, sinks: Mapping[str, str]) -> list[str]:
        """Which secret is where."""
        return [
            f"{name} in {sink}"
            for sink, text in sinks.items()
            for name, secret in self.secrets.items()
            if any(form in text for form in spellings(secret, self.base))
        ]

    @contextlib.asynccontextmanager
    async def daemon(self, crashed: Crashed) -> AsyncIterator[None]:
        ports = Ports(
            now=self.clock.now,
            monotonic=self.clock.monotonic,
            until=self.clock.until,
            around_notifiers=lambda all_: {name: Talkative(each, self) for name, each in all_.items()},
        )
        with logged(self.root / "log", self.redactor, self.metrics):
            configuration = load(self.root / "rollbackd.yaml", self.redactor.learn)
            async with build(configuration, ports, self.metrics, crashed) as running:
                self.running = running
                yield

    async def go_on(self, seconds: float) -> None:
        """Let time pass, and each loop go round once."""
        await self.clock.advance(self.world.now + SECOND * seconds)
        assert self.running is not None
        for each in self.running.daemon.loops:
            loop = each.loop if isinstance(each, Leaving) else each
            if isinstance(loop, Loop):  # the others wait in real time
                await loop.go_round()
        await self._feed()

    async def _feed(self) -> None:
        """Ask each feed as if for the first time: afterwards they wait in real time."""
        assert self.running is not None
        in_force = self.running.in_force
        feeds = feeds_of(in_force.configuration, in_force.ports, None, in_force.http)
        for name, feed in feeds.items():
            try:
                await feed.receive()
            except DeployError as error:
                self.errors.append(f"{name}: {error!r} {error} {error.remedy} {traceback.format_exc()}")

    async def ask(self, method: str, path: str, body: object = None, by: str = "pipeline") -> Any:
        """A request of somebody who has the secret *by*; what is answered is remembered."""
        assert self.running is not None
        host, port = self.running.address
        async with (
            aiohttp.ClientSession() as session,
            session.request(
                method,
                f"http://{host}:{port}{path}",
                json=body,
                headers={"Authorization": f"Bearer {self.secrets[by]}"},
            ) as response,
        ):
            text = await response.text()
            self.answers.append(f"{dict(response.headers)} {text}")
            return json.loads(text) if response.content_type.endswith("json") else text


@contextlib.asynccontextmanager
async def a_vault(root: Path) -> AsyncIterator[Vault]:
    """The configuration in *root*, and the far end."""
    far, world, app = Far(), World(), web.Application()
    app.router.add_route("*", "/{rest:.*}", far.answer)
    async with serving_app(app) as port:
        base = f"http://127.0.0.1:{port}"
        named = {name: a_secret(name, base) for name in (*SENT, *KEPT)}
        (root / "secrets").mkdir()
        for name, secret in named.items():
            (root / "secrets" / name).write_text(secret)
        pipeline = f"rbd_pipeline-{secrets.token_hex(16)}"
        text = MAIN.replace("PIPELINE", sha256(pipeline)).replace("FAR", base)
        (root / "rollbackd.yaml").write_text(
            text.replace("ROOT", str(root)).replace("PROGRAMS", str(PROGRAMS))
        )
        (root / "rules.yaml").write_text(RULES.replace("FAR", base))
        yield Vault(root, far, base, world, Clock(world), {**named, "pipeline": pipeline})


def serves(root: Path, tag: str) -> None:
    """Somebody deploys *tag*."""
    folder = root / "shop"
    (folder / "releases" / tag).mkdir(parents=True, exist_ok=True)
    (folder / "new").symlink_to(f"releases/{tag}")
    (folder / "new").replace(folder / "current")


@contextlib.contextmanager
def reports(vault: Vault) -> Iterator[tuple[Crashed, Sequence[bytes]]]:
    """What bugs are reported to, by the SDK and its own transport; and all that came there."""
    came: list[bytes] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            came.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: object) -> None:
            """It says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    scrubber = Scrubber(vault.redactor, real.monotonic, vault.metrics)
    dsn = SecretStr(f"http://{secrets.token_hex(16)}@127.0.0.1:{server.server_port}/1")
    try:
        with crashes(dsn, "rollbackd@1", "test", scrubber) as report:
            yield report, came
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
