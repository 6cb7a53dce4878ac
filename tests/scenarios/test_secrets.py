"""No secret comes out: whatever the far ends answer, however they repeat what they were sent, and wherever one looks."""

import asyncio
import gzip
import json
from datetime import timedelta

import aiohttp
from click.testing import CliRunner

from tests.fakes.alerts.post import once
from tests.fakes.flags import LaunchDarkly, Unleash
from tests.scenarios.vault import MODES, SENDERS, SENT, Vault, a_vault, reports, serves, spellings
from watcher.app import Ports, load
from watcher.commands import check, explain, record
from watcher.commands.doctor import examined, show

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


async def test_no_secret_of_any_connection_comes_out_anywhere(tmp_path, capfd):
    async with a_vault(tmp_path) as vault:
        with reports(vault) as (report, came):
            async with vault.daemon(report):
                await a_day_on_which_everything_fails(vault)
                shown = repr(vault.running)
        found = await what_doctor_says(vault)
        screen = capfd.readouterr()
        commands = await what_commands_say(vault)

        assert [name for name in SENT if not vault.was_sent(name)] == []
        assert len(came) > 1
        assert "cannot send" in vault.log
        assert (
            vault.leaks(
                {
                    "the log": vault.log,
                    "messages": "".join(vault.told),
                    "errors": "".join(vault.errors),
                    "crash reports": b"".join(map(_unpacked, came)).decode(),
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


async def a_day_on_which_everything_fails(vault: Vault) -> None:
    """A deployment that is judged, asked about and kept, while every far end is ill in every way; and a bug at the end."""
    serves(vault.root, "v1")
    await vault.go_on(1)
    serves(vault.root, "v2")
    told = await vault.ask(
        "POST", "/v1/deployments", {"service": "shop", "environment": "production", "tag": "v2"}
    )
    for mode in MODES:
        vault.far.mode = mode
        for _ in range(2):
            await vault.go_on(90)
    for by, sender in (*SENDERS.items(), ("webhook", "pushed"), ("previous_alertmanager", "pushed")):
        for body in (
            {"version": "4", "alerts": "none"},
            {"version": "4", "alerts": [], "known": vault.secrets[by]},
        ):
            await vault.ask("POST", f"/v1/alerts/{sender}", body, by)
    for by in ("alertmanager", "previous_github_hook"):
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


async def what_doctor_says(vault: Vault) -> str:
    """Before anything is taken out of it, and as it is shown."""
    said = []
    configuration = load(vault.root / "rollbackd.yaml")
    for mode in MODES:
        vault.far.mode = mode
        found = await examined(configuration, Ports(), patience=timedelta(0))
        show(found, as_json=False)
        said.append(repr(found))
    return "".join(said)


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


def _unpacked(body: bytes) -> bytes:
    return gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
