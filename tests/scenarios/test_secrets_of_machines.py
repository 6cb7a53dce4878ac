"""No secret that a machine is given comes out: a sidecar's token, and the keys of a role of AWS; whatever the far ends answer."""

import secrets
import traceback
from dataclasses import dataclass, field, replace
from xml.sax.saxutils import escape

from aiohttp import web
from structlog.testing import capture_logs

from deploy.errors import AwsRefused
from tests.fakes.serve import serving_app
from tests.fakes.world import SECOND, START, Clock, World
from tests.scenarios.sidecars import RULES, SIDECAR
from tests.scenarios.vault import MODES, Far, spellings
from tests.watcher.app.house import logged
from watcher.app import Ports, build, load
from watcher.aws import AwsRoles, open_aws
from watcher.aws.modes import USUAL
from watcher.runtime.relay import Relaying
from watcher.telemetry.metrics import Metrics
from watcher.telemetry.redaction import Redactor

ROLE = "arn:aws:iam::123456789012:role/rollbackd-reads"
# JSON, CBOR or query, and XML.
CALLS = (
    ("ecs", "list_clusters"),
    ("cloudwatch", "list_metrics"),
    ("sns", "list_topics"),
    ("s3", "list_buckets"),
)
KEYS = """\
<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
<AccessKeyId>{access}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey><SessionToken>{token}</SessionToken>
<Expiration>{until}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"""


def leaks(named: dict[str, str], text: str) -> list[str]:
    return [name for name, secret in named.items() if any(each in text for each in spellings(secret, ""))]


async def test_the_token_of_a_sidecar_comes_out_nowhere(tmp_path):
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
            now=clock.now, monotonic=clock.monotonic, until=clock.until, environ={"HOSTNAME": "checkout-1"}
        )
        with logged(tmp_path / "log", redactor, metrics):
            configuration = load(tmp_path / "rollbackd.yaml", redactor.learn)
            async with build(configuration, ports, metrics) as running:
                (relay,) = (loop.relay for loop in running.daemon.loops if isinstance(loop, Relaying))
                for far.mode in MODES:
                    await clock.advance(world.now + SECOND * 90)
                    await relay.go_round()
                shown = f"{running!r} {relay!r} {configuration!r}"

    assert sum(token in each for each in far.heard) >= len(MODES)
    log = (tmp_path / "log").read_text()
    assert "relay." in log
    assert leaks({"token": token}, f"{log} {shown} {metrics.render().decode()}") == []


@dataclass
class Amazon(Far):
    """Gives keys for a role, and answers all else as the far end of the vault: with what it was sent."""

    keys: dict[str, str] = field(default_factory=dict)

    async def answer(self, request: web.Request) -> web.Response:
        if b"Action=AssumeRole" in await request.read():
            told = {name: escape(each) for name, each in self.keys.items()}
            return web.Response(
                text=KEYS.format(**told, until="2099-01-01T00:00:00Z"), content_type="text/xml"
            )
        return await super().answer(request)


async def test_the_keys_of_a_role_of_aws_come_out_nowhere():
    keys = {
        "access": f"ASIA{secrets.token_hex(8).upper()}",
        "secret": f"{secrets.token_hex(16)}/+x",
        "token": f"{secrets.token_hex(40)}/+==",
    }
    far, metrics, app, said = Amazon(keys=keys), Metrics(), web.Application(), []
    app.router.add_route("*", "/{rest:.*}", far.answer)
    accounts = {"shop": AwsRoles("shop", "eu-central-1", ROLE)}
    once = replace(USUAL, read=replace(USUAL.read, attempts=1))
    with capture_logs() as log:
        async with serving_app(app) as port:
            address = f"http://127.0.0.1:{port}"
            async with open_aws(accounts, metrics, lambda: START, endpoint=address, modes=once) as aws:
                for far.mode in MODES:
                    for service, operation in CALLS:
                        try:
                            said.append(repr(await aws.read("shop", service, operation)))
                        except AwsRefused as refused:
                            said.append(f"{refused!r} {refused} {refused.remedy} {traceback.format_exc()}")
                said.append(repr(aws))

    assert [name for name in ("access", "token") if not any(keys[name] in each for each in far.heard)] == []
    assert sum("shop" in each for each in said) > len(MODES)
    assert leaks(keys, "".join([*said, repr(log), metrics.render().decode()])) == []
