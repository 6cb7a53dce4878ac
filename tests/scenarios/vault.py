"""A daemon with a connection of every kind, each with a secret of its own, and a far end that repeats whatever it hears.

The far end is one server: it refuses, redirects, answers with pages and with JSON, and in each answer stands all that was
sent to it, headers and body. So a word of it that is passed on whole is a secret that gets out.
"""

import base64
import contextlib
import gzip
import json
import re
import secrets
import threading
import traceback
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

import aiohttp
from aiohttp import web
from pydantic import SecretStr

from deploy.errors import DeployError
from deploy.ports import Aws
from tests.fakes.github.key import drawn
from tests.fakes.serve import serving_app
from tests.fakes.world import SECOND, Clock, World
from tests.scenarios.held import HELD, MAIN, QUIET, RULES
from tests.scenarios.sidecars import sha256
from tests.watcher.app.house import PROGRAMS, logged
from watcher import clock as real
from watcher.app import Ports, Running, build, load
from watcher.app.made import Crashed
from watcher.app.opening import feeds_of
from watcher.app.run import secrets_in
from watcher.aws import AwsRoles, open_aws
from watcher.aws.modes import USUAL, Modes
from watcher.commands._ready.permitting import permitted
from watcher.core.watch import Message
from watcher.notify.notifier import Notifier, Telling
from watcher.runtime.crew import Leaving
from watcher.runtime.rounds import Loop
from watcher.telemetry.crashes import Scrubber, crashes
from watcher.telemetry.metrics import Metrics
from watcher.telemetry.redaction import Redactor

REGION, ROLE = "eu-central-1", "arn:aws:iam::123456789012:role/"
_SECRET = re.compile(r"(?i)auth|key|token|signature")

# Of an assumed role, as STS gives them; and the daemon's own stand in its environment.
KEYS = """\
<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
<AccessKeyId>{access}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey><SessionToken>{token}</SessionToken>
<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"""
OWN = {"access": "AWS_ACCESS_KEY_ID", "secret": "AWS_SECRET_ACCESS_KEY", "token": "AWS_SESSION_TOKEN"}
ROLES = ("reads", "acts")
OF_ROLES = tuple(f"aws_{role}_" for role in ROLES)  # which no part of the daemon has in words
ONCE = Modes(
    *(
        replace(mode, attempts=1, answer=20.0, whole=30.0)
        for mode in (USUAL.read, USUAL.act, USUAL.poll, USUAL.assume)
    )
)


def aws_keys() -> dict[str, str]:
    """Of a session."""
    return {
        "access": f"ASIA{secrets.token_hex(8).upper()}",
        "secret": f"{secrets.token_hex(16)}/+x",
        "token": f"{secrets.token_hex(40)}/+==",
    }


def a_secret(name: str, far: str) -> str:
    """One of the form that its system has, with signs that are written otherwise in URLs and in JSON."""
    chance = secrets.token_hex(16)
    if name in {"heartbeat", "slack_webhook"}:
        return f"{far}/{chance}"
    if name == "pagerduty":
        return chance
    if name == "github_app":
        return drawn(1024)[0].strip()
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


# What STS does otherwise than to give the keys. Once it has given them nobody asks for an hour, so these modes are the first.
STS: Mapping[str, str] = {"refuse": "answers", "redirect": "cuts", "mismatch": "answers"}


@dataclass
class Far:
    """The far end.

    Attributes:
        mode: How it answers.
        heard: All that was sent to it.
        roles: The keys that STS gives for each, by its name.
        sts: What STS does in the mode: gives the keys, cuts its answer short, or answers as everybody does.
    """

    mode: str = "refuse"
    heard: list[str] = field(default_factory=list)
    roles: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    sts: Mapping[str, str] = field(default_factory=lambda: STS)

    async def answer(self, request: web.Request) -> web.Response:
        """What is secret stands first, for who passes on the beginning alone."""
        body = (await request.read()).decode("utf-8", "replace")
        keys = " ".join(value for name, value in request.headers.items() if _SECRET.search(name))
        heard = f"{keys} {body} {request.method} {request.url} {dict(request.headers)}"
        self.heard.append(heard)
        if request.headers.get("X-Amz-Target", "").endswith(".GetParameter"):
            return _no_parameter(heard)  # or nobody would ever write one, as the role to act
        does = self.sts.get(self.mode, "gives") if "Action=AssumeRole" in body else "answers"
        return _ANSWERS[self.mode](heard) if does == "answers" else self._keys(body, does)

    def _keys(self, body: str, does: str) -> web.Response:
        (role,) = (name for name in self.roles if quote(f"role/{name}", safe="") in body)
        told = KEYS.format(**self.roles[role])
        return _said(told if does == "gives" else told[:-60], kind="text/xml")


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
    # As AWS refuses a signature: with what it would have signed. https://docs.aws.amazon.com/IAM/latest/UserGuide/signature-v4-troubleshooting.html
    "mismatch": lambda heard: _said(
        f"<ErrorResponse><Error><Type>Sender</Type><Code>SignatureDoesNotMatch</Code><Message>{_SIGNED} {escape(heard)}</Message>"
        "</Error></ErrorResponse>",
        403,
        "text/xml",
    ),
    "invalid signature": lambda heard: web.json_response(
        {"__type": "com.amazon.coral.service#InvalidSignatureException", "message": f"{_SIGNED} {heard}"},
        status=403,
        content_type="application/x-amz-json-1.1",
    ),
}


def _no_parameter(heard: str) -> web.Response:
    return web.json_response({"__type": "ParameterNotFound", "message": heard}, status=400)


_SIGNED = "The Canonical String for this request should have been"
MODES = (*STS, *(each for each in _ANSWERS if each not in STS))


@dataclass
class Talkative:
    """A notifier with a bug, which says all that it knows."""

    notifier: Notifier
    vault: "Vault" = field(repr=False)

    async def tell(self, message: Message, narrowing: str, ref: str | None) -> Telling:
        telling = await self.notifier.tell(message, narrowing, ref)
        self.vault.told.append(f"{message!r} {telling!r}")
        if self.vault.is_buggy:
            known = {
                "header": f"Bearer {' '.join(each for name, each in self.vault.secrets.items() if not name.startswith(OF_ROLES))}"
            }
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
    aws: Aws | None = None
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

    @property
    def environment(self) -> Mapping[str, str]:
        """What stands in that of the daemon."""
        return {variable: self.secrets[f"aws_own_{name}"] for name, variable in OWN.items()}

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
            aws=self.aws,
            permitted=permitted,
            around_notifiers=lambda all_: {name: Talkative(each, self) for name, each in all_.items()},
        )
        with logged(self.root / "log", self.redactor, self.metrics):
            configuration = load(self.root / "rollbackd.yaml", self.redactor.learn)
            async with build(configuration, ports, self.metrics, crashed) as running:
                self.running = running
                yield

    @contextlib.asynccontextmanager
    async def on_aws(self) -> AsyncIterator[Aws]:
        """AWS, which is the far end too. The daemon's own keys have to be in the environment by now."""
        self.redactor.learn(secrets_in(self.environment))
        accounts = {
            "main": AwsRoles("main", REGION, f"{ROLE}reads", f"{ROLE}acts"),
            "own": AwsRoles("own", REGION),
        }
        async with open_aws(
            accounts, self.metrics, self.clock.now, endpoint=self.base, modes=ONCE
        ) as self.aws:
            yield self.aws

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
        feeds = feeds_of(in_force.configuration, in_force.ports, self.aws, in_force.http)
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
        named = {name: a_secret(name, base) for name in HELD}
        (root / "secrets").mkdir()
        for name, secret in named.items():
            (root / "secrets" / name).write_text(secret)
        ours = {name: f"rbd_{name}-{secrets.token_hex(16)}" for name in ("pipeline", "sidecars")}
        text = MAIN.replace("FAR", base)
        for name, token in ours.items():
            text = text.replace(name.upper(), sha256(token))
        (root / "rollbackd.yaml").write_text(
            text.replace("ROOT", str(root)).replace("PROGRAMS", str(PROGRAMS))
        )
        (root / "rules.yaml").write_text(RULES.replace("FAR", base))
        (root / "quiet.yaml").write_text(QUIET)
        far.roles = {role: aws_keys() for role in ROLES}
        of_aws = {
            f"aws_{whose}_{name}": each
            for whose, keys in {"own": aws_keys(), **far.roles}.items()
            for name, each in keys.items()
        }
        yield Vault(root, far, base, world, Clock(world), {**named, **ours, **of_aws})


def serves(root: Path, tag: str) -> None:
    """Somebody deploys *tag*."""
    folder = root / "shop"
    (folder / "releases" / tag).mkdir(parents=True, exist_ok=True)
    (folder / "new").symlink_to(f"releases/{tag}")
    (folder / "new").replace(folder / "current")


@contextlib.contextmanager
def reports(redactor: Redactor, metrics: Metrics) -> Iterator[tuple[Crashed, Sequence[bytes]]]:
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
    scrubber = Scrubber(redactor, real.monotonic, metrics)
    dsn = SecretStr(f"http://{secrets.token_hex(16)}@127.0.0.1:{server.server_port}/1")
    try:
        with crashes(dsn, "rollbackd@1", "test", scrubber) as report:
            yield report, came
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def unpacked(body: bytes) -> bytes:
    """What came there, in words."""
    return gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
