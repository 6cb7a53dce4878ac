"""No secret that a machine is given comes out, whatever the far ends answer: a sidecar's token, a database's password, keys of AWS."""

import asyncio
import itertools
import secrets
import traceback
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from click.testing import CliRunner
from structlog.testing import capture_logs

from deploy.errors import AwsRefused
from tests.fakes.serve import serving_app
from tests.fakes.world import SECOND, START, Clock, World
from tests.scenarios.sidecars import RULES, SIDECAR
from tests.scenarios.vault import MODES, ONCE, OWN, REGION, ROLE, Far, aws_keys, reports, spellings, unpacked
from tests.watcher.app.house import logged
from watcher.app import Ports, build, load
from watcher.aws import AwsRoles, open_aws
from watcher.commands import check, explain
from watcher.commands.doctor import examined, show
from watcher.errors import StoreUnavailable
from watcher.runtime.relay import Relaying
from watcher.runtime.rounds import Boundary, Loop
from watcher.store.store import Store
from watcher.telemetry.metrics import Metrics
from watcher.telemetry.redaction import Redactor

PAGES = ("/metrics", "/readyz", "/healthz", "/v1/services", "/v1/audit", "/v1/nothing")
# JSON, CBOR or query, and XML.
CALLS = (
    ("ecs", "list_clusters"),
    ("cloudwatch", "list_metrics"),
    ("sns", "list_topics"),
    ("s3", "list_buckets"),
)
DATABASE = """\
version: 1
daemon:
  store: {postgresql: {dsn: {file: ROOT/dsn}}}
  http: {listen: "127.0.0.1:0"}
"""


def leaks(named: dict[str, str], text: str) -> list[str]:
    return [name for name, secret in named.items() if any(each in text for each in spellings(secret, ""))]


@dataclass
class Talkative:
    """A store with a bug, which says all that it knows."""

    store: Store
    knows: str = field(repr=False)

    def __getattr__(self, name: str) -> Any:
        async def fails(*_asked: object, **_more: object) -> None:
            raise LookupError(f"cannot send {{'Authorization': 'Bearer {self.knows}'}}")

        return fails if name == "prune" else getattr(self.store, name)


async def asked(address: tuple[str, int], token: str) -> str:
    """What whoever shows the token is answered."""
    host, port = address
    said = []
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session:
        for page in PAGES:
            async with session.get(f"http://{host}:{port}{page}") as response:
                said.append(f"{dict(response.headers)} {await response.text()}")
    return "".join(said)


async def test_the_token_of_a_sidecar_comes_out_nowhere(tmp_path, capfd):
    far, world, app = Far(), World(), web.Application()
    app.router.add_route("*", "/{rest:.*}", far.answer)
    token, redactor, metrics, clock = (
        f"rbd_sidecar-{secrets.token_hex(16)}",
        Redactor(),
        Metrics(),
        Clock(world),
    )
    async with serving_app(app) as port:
        base = f"http://127.0.0.1:{port}"
        (tmp_path / "token").write_text(token)
        (tmp_path / "rules.yaml").write_text(RULES.replace("PAGE", f"{base}/metrics"))
        text = SIDECAR.replace("ROOT", str(tmp_path)).replace("CENTRAL", base)
        (tmp_path / "rollbackd.yaml").write_text(
            text.replace("ecs: {container: app}", "instance: {env: HOSTNAME}")
        )
        ports = Ports(
            now=clock.now,
            monotonic=clock.monotonic,
            until=clock.until,
            environ={"HOSTNAME": "checkout-1"},
            around_store=lambda store: Talkative(store, token),
        )
        with logged(tmp_path / "log", redactor, metrics), reports(redactor, metrics) as (report, came):
            configuration = load(tmp_path / "rollbackd.yaml", redactor.learn)
            async with build(configuration, ports, metrics, report) as running:
                (relay,) = (loop.relay for loop in running.daemon.loops if isinstance(loop, Relaying))
                for far.mode in MODES:
                    await clock.advance(world.now + SECOND * 90)
                    await relay.go_round()
                for loop in running.daemon.loops:
                    if isinstance(loop, Loop):
                        await Boundary(loop.name, loop.failed).around(loop.go_round())
                shown = f"{running!r} {relay!r} {configuration!r}"
                answered = await asked(running.address, token)
        found = []
        for far.mode in MODES:
            found += await examined(configuration, Ports(environ=ports.environ), patience=timedelta(0))
        show(found, as_json=True)
    screen = capfd.readouterr()

    assert sum(token in each for each in far.heard) >= 2 * len(MODES)
    log = (tmp_path / "log").read_text()
    assert "relay." in log
    assert "cannot send" in log
    assert came
    places = {
        "the log": log,
        "the daemon, shown": shown,
        "metrics": metrics.render().decode(),
        "the API": answered,
        "crash reports": b"".join(map(unpacked, came)).decode(),
        "doctor": repr(found),
        "the screen": screen.out + screen.err,
    }
    assert [place for place, told in places.items() if leaks({"token": token}, told)] == []


async def test_the_keys_of_a_role_of_aws_come_out_nowhere():
    keys = aws_keys()
    far, metrics, app, said = Far(roles={"reads": keys}), Metrics(), web.Application(), []
    app.router.add_route("*", "/{rest:.*}", far.answer)
    accounts = {"shop": AwsRoles("shop", REGION, f"{ROLE}reads")}
    later = itertools.count()
    with capture_logs() as log:
        async with serving_app(app) as port:
            address = f"http://127.0.0.1:{port}"
            async with open_aws(
                accounts,
                metrics,
                lambda: START + next(later) * timedelta(minutes=1),
                endpoint=address,
                modes=ONCE,
            ) as aws:
                for far.mode in MODES:
                    for service, operation in CALLS:
                        try:
                            said.append(repr(await aws.read("shop", service, operation)))
                        except AwsRefused as refused:
                            said.append(f"{refused!r} {refused} {refused.remedy} {traceback.format_exc()}")
                said.append(repr(aws))

    assert [name for name in ("access", "token") if not any(keys[name] in each for each in far.heard)] == []
    assert sum("shop" in each for each in said) > len(MODES)
    assert any("cannot be assumed" in each and "invalid XML" in each for each in said)
    assert leaks(keys, "".join([*said, repr(log), metrics.render().decode()])) == []


@pytest.mark.parametrize("variable", ["AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN"])
async def test_a_key_with_a_line_break_at_its_end_is_not_shown_by_who_refuses_it(variable, monkeypatch):
    """As variables have that were read from a file: no header may have it, and whoever says so shows the header."""
    own = {OWN[name]: each for name, each in aws_keys().items()}
    for name, value in own.items():
        monkeypatch.setenv(name, f"{value}\n" if name == variable else value)
    async with open_aws(
        {"shop": AwsRoles("shop", REGION)},
        Metrics(),
        lambda: START,
        endpoint="http://127.0.0.1:9",
        modes=ONCE,
    ) as aws:
        with pytest.raises(AwsRefused, match="Invalid header value") as refused:
            await aws.read("shop", "ecs", "list_clusters")

    assert leaks(own, "".join(traceback.format_exception(refused.value))) == []


async def test_the_address_of_a_database_with_its_password_comes_out_nowhere(tmp_path, capfd):
    password = secrets.token_hex(16)
    (tmp_path / "dsn").write_text(f"postgresql://rollbackd:{password}@127.0.0.1:1/rollbackd")
    (tmp_path / "rollbackd.yaml").write_text(DATABASE.replace("ROOT", str(tmp_path)))
    redactor, said = Redactor(), []
    with logged(tmp_path / "log", redactor, Metrics()):
        configuration = load(tmp_path / "rollbackd.yaml", redactor.learn)
        with pytest.raises(StoreUnavailable) as refused:
            async with build(configuration, Ports(), Metrics()):
                pass
        found = await examined(configuration, Ports(), patience=timedelta(0))
    said += [
        repr(configuration),
        *traceback.format_exception(refused.value),
        refused.value.remedy,
        repr(found),
    ]
    show(found, as_json=True)
    for command in (check.command, explain.command):
        words = ["--config", str(tmp_path / "rollbackd.yaml")]
        result = await asyncio.to_thread(CliRunner().invoke, command, words)
        said.append(result.output)
    screen = capfd.readouterr()

    assert "cannot be reached" in str(refused.value) or "127.0.0.1" in str(refused.value)
    assert (
        leaks(
            {"password": password}, "".join([*said, screen.out, screen.err, (tmp_path / "log").read_text()])
        )
        == []
    )
