"""No secret comes out: whatever the far ends answer, however they repeat what they were sent, and wherever one looks."""

import asyncio
import contextlib
import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from click.testing import CliRunner

from deploy.tags import Ledger
from tests.fakes.alerts.post import once
from tests.fakes.flags import LaunchDarkly, Unleash
from tests.scenarios import test_secrets_of_machines
from tests.scenarios.held import ELSEWHERE, HELD, OUTSIDE, SENDERS, SENT, places, standing
from tests.scenarios.vault import MODES, STS, Vault, a_vault, reports, serves, spellings, unpacked
from watcher.app import Ports, load
from watcher.app.run import OF_AWS as OF_DAEMON
from watcher.commands import check, explain, record
from watcher.commands._ready.examining import of_one
from watcher.commands.doctor import examined, show
from watcher.telemetry.crashes import DSN

PAGES = (
    "/v1/watches/{watch}",
    "/v1/watches/{watch}/verdict",
    "/v1/watches/{watch}/record",
    "/v1/announcements/{announcement}",
    "/v1/services",
    "/v1/tags/shop/production",
    "/v1/plan/shop/production",
    "/v1/audit?limit=500",
    "/v1/nothing",
    "/metrics",
    "/readyz",
    "/openapi.json",
)


# Each of another form; all of them, often, in `make long`.
REFUSALS = ("refuse", "graphql", "break", "mismatch")
ANSWERS = (*STS, "page", "json", "graphql", "break")
PREVIOUS = {f"previous_{by}": sender for by, sender in SENDERS.items()}
# They are sent: the id of a key in each signature, the token of its session beside it. The secret key only signs.
OF_AWS = tuple(f"aws_{whose}_{name}" for whose in ("own", "reads", "acts") for name in ("access", "token"))


@pytest.mark.lasts(10)
@pytest.mark.filterwarnings("ignore:The RSA key is 1024 bits long")  # it is read some fifty times
@pytest.mark.parametrize("rounds", [1, pytest.param(3, marks=pytest.mark.long)])
async def test_no_secret_of_any_connection_comes_out_anywhere(rounds, tmp_path, capfd, monkeypatch):
    async with a_vault(tmp_path) as vault, contextlib.AsyncExitStack() as stack:
        for variable, value in vault.environment.items():
            monkeypatch.setenv(variable, value)
        await stack.enter_async_context(vault.on_aws())
        with reports(vault.redactor, vault.metrics) as (report, came):
            async with vault.daemon(report):
                await a_day_on_which_everything_fails(vault, MODES * rounds if rounds > 1 else ANSWERS)
                shown = repr(vault.running)
        found = await what_doctor_says(vault, MODES if rounds > 1 else REFUSALS)
        screen = capfd.readouterr()
        commands = await what_commands_say(vault)

        assert [name for name in (*SENT, *OF_AWS) if not vault.was_sent(name)] == []
        assert len(came) > 1
        assert "cannot send" in vault.log
        assert (
            vault.leaks(
                {
                    "the log": vault.log,
                    "messages": "".join(vault.told),
                    "errors": "".join(vault.errors),
                    "crash reports": b"".join(map(unpacked, came)).decode(),
                    "the store": vault.stored,
                    "the API": "".join(vault.answers),
                    "metrics": vault.metrics.render().decode(),
                    "the daemon, shown": shown,
                    "doctor": found,
                    "the screen": screen.out + screen.err,
                    "check, explain and record": commands,
                }
            )
            == []
        )


def test_every_secret_that_a_configuration_can_hold_is_pushed():
    """A setting that is new and secret has a row in the table, and stands in the configuration that is pushed."""
    of_table = {place for held in HELD.values() for place in held.at}

    assert of_table | ELSEWHERE.keys() == places()
    assert of_table & ELSEWHERE.keys() == set()
    assert all(test in globals() or hasattr(test_secrets_of_machines, test) for test in ELSEWHERE.values())


@pytest.mark.parametrize("name", OUTSIDE)
def test_what_stands_outside_of_the_configuration_is_pushed_too(name):
    file, test = OUTSIDE[name]

    assert set(OUTSIDE) == {DSN, *OF_DAEMON, "daemon.http.tls.key"}
    assert f"\nasync def {test}(" in (Path(__file__).parents[2] / file).read_text()


async def test_each_stands_where_the_table_says(tmp_path):
    async with a_vault(tmp_path) as vault:
        found = standing(load(tmp_path / "rollbackd.yaml"))

        assert found == {(place, vault.secrets[name]) for name, held in HELD.items() for place in held.at}


async def a_day_on_which_everything_fails(vault: Vault, modes: Sequence[str]) -> None:
    """A deployment that is judged, asked about and kept, while every far end is ill in every way; and a bug at the end."""
    serves(vault.root, "v1")
    await vault.go_on(1)
    serves(vault.root, "v2")
    told = await vault.ask(
        "POST", "/v1/deployments", {"service": "shop", "environment": "production", "tag": "v2"}
    )
    for mode in modes:
        vault.far.mode = mode
        await vault.go_on(90)
    for by, sender in (*SENDERS.items(), *(PREVIOUS.items()), ("webhook", "pushed")):
        for body in (
            {"version": "4", "alerts": "none"},
            {"version": "4", "alerts": [], "known": vault.secrets[by]},
        ):
            await vault.ask("POST", f"/v1/alerts/{sender}", body, by)
    for body in ({"known": vault.secrets["sidecars"]}, {"service": vault.secrets["sidecars"], "counts": []}):
        await vault.ask("POST", "/v1/samples", body, "sidecars")
    for by in ("alertmanager", "previous_github_hook", "previous_launchdarkly", "previous_unleash"):
        for body in ({"known": vault.secrets[by]}, {"action": vault.secrets["github_hook"]}):
            await vault.ask("POST", "/v1/hooks/github", body, by)
            await vault.ask("POST", "/v1/hooks/launchdarkly", body, by)
            await vault.ask("POST", "/v1/hooks/unleash", body, by)
    await a_flag_that_is_a_secret(vault)
    vault.is_buggy = True
    await vault.go_on(600)
    (watch,) = (await vault.ask("GET", "/v1/watches"))["watches"]
    for page in PAGES:
        await vault.ask("GET", page.format(watch=watch["id"], announcement=told["announcement"]))
    await vault.ask("POST", f"/v1/watches/{watch['id']}/orders", {"order": "keep"})
    await vault.go_on(60)


async def a_flag_that_is_a_secret(vault: Vault) -> None:
    """Flips whose variations are secrets of ours: signed deliveries, so that they are read."""
    system = LaunchDarkly(secret=vault.secrets["launchdarkly"])
    system.has("new-pricing", (("control", vault.secrets["sentry"]), ("treatment", vault.secrets["loki"])))
    flips = {
        "launchdarkly": system.rolls("new-pricing", v0=50, v1=50),
        "unleash": Unleash(secret=vault.secrets["unleash"]).tells(
            "feature-strategy-update",
            featureName="new-pricing",
            preData={"parameters": {"rollout": "10"}},
            data={"parameters": {"rollout": vault.secrets["grafana"]}},
        ),
    }
    assert vault.running is not None
    host, port = vault.running.address
    async with aiohttp.ClientSession() as session:
        for name, delivery in flips.items():
            assert await once(session, f"http://{host}:{port}/v1/hooks/{name}", delivery) == 202


async def what_doctor_says(vault: Vault, modes: Sequence[str]) -> str:
    """Before anything is taken out of it, and as it is shown; and what `ready` finds, by the last of the modes."""
    said = []
    configuration = load(vault.root / "rollbackd.yaml")
    for mode in modes:
        vault.far.mode = mode
        found = await examined(configuration, Ports(aws=vault.aws), patience=timedelta(0))
        for as_json in (False, True):
            show(found, as_json=as_json)
        said.append(repr(found))
    ports = Ports(aws=vault.aws)
    # The signals of the one that is judged were looked at above; here that would take half a minute.
    others = [key for key in configuration.services if key[0] != "shop"]
    ready = [await of_one(configuration, ports, key, _nothing_known) for key in others]
    return "".join([*said, repr(ready)])


async def _nothing_known(service: tuple[str, str], part: str) -> Ledger:
    return Ledger(*service, part)


async def what_commands_say(vault: Vault) -> str:
    """Of a configuration that is right, and of one in which the secrets themselves stand, as somebody may have written it."""
    config, wrong = vault.root / "rollbackd.yaml", vault.root / "wrong.yaml"
    text, said = config.read_text(), []
    for name, secret in vault.secrets.items():
        text = text.replace(f"{{file: {vault.root}/secrets/{name}}}", json.dumps(secret))
    wrong.write_text(text)
    vault.far.mode = "break"
    record_ = ("shop/production", "--past", "5m", "--release", "v2")
    for path in (config, wrong):
        for command, *words in ((check.command,), (explain.command, "shop"), (record.command, *record_)):
            arguments = ["--config", str(path), *words]
            result = await asyncio.to_thread(CliRunner().invoke, command, arguments)
            assert isinstance(result.exception, SystemExit | None), result.exception
            said.append(result.output)
    assert all(said)
    return "".join(said)


async def test_what_is_looked_for_is_found_however_it_is_written(tmp_path):
    """The test above can fail: each spelling of each secret is a leak, in each place."""
    async with a_vault(tmp_path) as vault:
        for name, secret in vault.secrets.items():
            for form in spellings(secret, vault.base):
                assert vault.leaks({"a place": f"<{form}>"}) == [f"{name} in a place"]
