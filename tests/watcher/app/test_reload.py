"""The configuration, read again: a good one is in force at once, a bad one leaves the running one in force."""

import asyncio
import hashlib
import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.watcher.app.house import GOSSIP, TOLD, a_house, at_work, built, soon
from watcher.app import load
from watcher.config import InvalidConfiguration
from watcher.core.service import Mode

SECRET = "rbd_" + "s" * 40
TOKENS = f"""\
  tokens:
    - {{name: ada, sha256: {hashlib.sha256(SECRET.encode()).hexdigest()}, may: [read, order, announce]}}
connections:
"""
WEB = ("web", "production")


async def loaded(house):
    """What `load` makes of the house, with a `learn` that says what it was told."""
    told: list[str] = []
    return load(house.file, lambda secrets: told.extend(map(str, secrets))), told


# --------------------------------------------------------------------------------------------------------------- a good one


async def test_a_service_that_was_added_is_watched_without_a_restart(tmp_path):
    house = a_house(tmp_path)
    async with at_work(house) as daemon:
        await daemon.logs("release.adopted")
        house.add(GOSSIP.replace("WHERE", "{file: ROOT/ops.secret}"))

        assert await daemon.running.in_force.reload()
        await daemon.logs("target.unreadable")
        answer = await daemon.post("/v1/deployments", service="gossip", environment="production", tag="v1")

    assert answer.status == 202


async def test_a_service_that_was_removed_is_not_heard_of_any_more(tmp_path):
    house = a_house(tmp_path, GOSSIP.replace("WHERE", "{file: ROOT/ops.secret}"))
    async with built(house) as daemon:
        house.write(house.text.partition("  gossip:")[0])
        await daemon.running.in_force.reload()

        answer = await daemon.post("/v1/deployments", service="gossip", environment="production", tag="v1")

    assert answer.status == 422


async def test_tokens_hold_from_the_next_request_on(tmp_path):
    house = a_house(tmp_path)
    async with built(house) as daemon:
        before = await daemon.get("/v1/services")
        house.change("connections:\n", TOKENS)
        house.change("may_order: [local]", 'may_order: ["token:ada"]')
        await daemon.running.in_force.reload()

        nobody = await daemon.get("/v1/services")
        daemon.token = SECRET
        ada = await daemon.get("/v1/services")

    assert (before.status, nobody.status, ada.status) == (200, 401, 200)


async def test_sources_are_swapped_for_those_that_are_written_now(tmp_path):
    house = a_house(tmp_path)
    async with built(house) as daemon:
        before = daemon.running.in_force.sources
        house.change("connections:\n", "sources: {http: {http: {}}}\nconnections:\n")
        await daemon.running.in_force.reload()

        after = daemon.running.in_force.sources
        answer = await daemon.post("/v1/deployments", service="web", environment="production", tag="v1")

    assert after is not before
    assert set(after) == {"http"}
    assert answer.status == 202


async def test_the_metrics_and_the_log_say_which_one_is_in_force(tmp_path):
    house = a_house(tmp_path)
    async with built(house) as daemon:
        was = daemon.running.in_force.configuration.digest
        house.change("mode: shadow", "mode: ask")

        await daemon.running.in_force.reload()
        [said] = await daemon.logs("configuration.reloaded")
        samples = (await daemon.get("/metrics")).samples

        digest = daemon.running.in_force.configuration.digest
    assert digest != was
    assert said["digest"] == digest[:12]
    assert [name for name in samples if "config_info" in name] == [
        f'rollbackd_config_info{{hash="{digest[:12]}"}}'
    ]
    assert samples["rollbackd_config_last_reload_success"] == 1


async def test_a_watch_that_runs_keeps_the_policy_that_it_was_opened_with(tmp_path):
    house = a_house(tmp_path)
    async with at_work(house) as daemon:
        store, in_force = daemon.running.store, daemon.running.in_force
        await daemon.logs("release.adopted")
        house.deploy("v2")
        await daemon.post("/v1/deployments", service="web", environment="production", tag="v2")
        await soon(lambda: _is_watched(store))
        house.change("mode: shadow", "mode: auto\n  countdown: 5m")
        await in_force.reload()

        opened = await store.living(*WEB)
        assert opened is not None
        told = await daemon.get(f"/v1/watches/{opened.id}")
        now = in_force.current.services[WEB].policy

    assert (opened.policy.mode, told.json["mode"]) == (Mode.SHADOW, "shadow")
    assert (now.mode, now.countdown) == (Mode.AUTO, timedelta(minutes=5))


async def _is_watched(store) -> bool:
    return await store.living(*WEB) is not None


# ---------------------------------------------------------------------------------------------------------------- a bad one


async def test_one_with_mistakes_leaves_the_running_one_in_force_and_each_mistake_is_logged(tmp_path):
    house = a_house(tmp_path)
    async with built(house) as daemon:
        in_force = daemon.running.in_force
        was, services, sources = in_force.configuration, in_force.current.services, in_force.sources
        house.change("mode: shadow", "mode: shadwo\n  cuontdown: 5m")
        house.change("team: shop", "team: shpo")

        assert not await in_force.reload()
        refused = await daemon.logs("configuration.refused", 3)
        samples = (await daemon.get("/metrics")).samples

        assert in_force.configuration is was
        assert in_force.current.services is services
        assert in_force.sources is sources
    assert {event["level"] for event in refused} == {"error"}
    assert [word for word in ("shadwo", "cuontdown", "shpo") if word in str(refused)] == [
        "shadwo",
        "cuontdown",
        "shpo",
    ]
    assert samples["rollbackd_config_last_reload_success"] == 0
    assert samples[f'rollbackd_config_info{{hash="{was.digest[:12]}"}}'] == 1


async def test_a_secret_that_cannot_be_had_is_a_mistake_too(tmp_path):
    house = a_house(tmp_path)
    async with built(house) as daemon:
        (tmp_path / "ops.secret").unlink()

        assert not await daemon.running.in_force.reload()
        [refused] = await daemon.logs("configuration.refused")

    assert "ops.secret cannot be read" in refused["problem"]


async def test_the_metric_recovers_when_the_mistake_is_corrected(tmp_path):
    house = a_house(tmp_path)
    async with built(house) as daemon:
        house.change("mode: shadow", "mode: shadwo")
        await daemon.running.in_force.reload()
        house.change("mode: shadwo", "mode: shadow")

        assert await daemon.running.in_force.reload()
        samples = (await daemon.get("/metrics")).samples

    assert samples["rollbackd_config_last_reload_success"] == 1


# ----------------------------------------------------------------------------------------------------- what needs a restart


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("ROOT/state.db", "ROOT/other.db", "daemon.store"),
        ("127.0.0.1:0", "127.0.0.1:1", "daemon.http"),
        ('"127.0.0.1:0"', '"127.0.0.1:0", tls: {certificate: c.pem, key: k.pem}', "daemon.http"),
        ("127.0.0.0/8", "127.0.0.0/16", "daemon.reach"),
        ("127.0.0.1:9/ops", "127.0.0.1:9/other", "connections"),
    ],
)
async def test_what_needs_a_restart_is_said_and_the_rest_is_in_force(tmp_path, old, new, key):
    house = a_house(tmp_path)
    async with built(house) as daemon:
        house.change(old, new)
        house.change("mode: shadow", "mode: ask")

        assert await daemon.running.in_force.reload()
        [said] = await daemon.logs("configuration.needs_restart")

        assert daemon.running.in_force.current.services[WEB].policy.mode is Mode.ASK
    assert said["keys"] == [key]


async def test_an_account_that_was_added_is_not_used_before_a_restart(tmp_path):
    house = a_house(tmp_path)
    async with built(house) as daemon:
        house.change("teams:\n", "accounts:\n  shop: {region: eu-central-1}\nteams:\n")
        house.change("mode: shadow", "mode: ask")

        assert not await daemon.running.in_force.reload()
        [said] = await daemon.logs("configuration.refused")

        assert daemon.running.in_force.current.services[WEB].policy.mode is Mode.SHADOW
    assert "shop" in said["problem"]


async def test_a_role_to_act_that_was_added_is_not_relied_on_before_a_restart(tmp_path):
    house = a_house(tmp_path)
    house.change("teams:\n", "accounts:\n  shop: {region: eu-central-1}\nteams:\n")
    async with built(house) as daemon:
        role = "arn:aws:iam::111122223333:role/act"
        house.change("{region: eu-central-1}", f'{{region: eu-central-1, act: "{role}"}}')
        house.change("mode: shadow", "mode: ask")

        assert not await daemon.running.in_force.reload()
        [said] = await daemon.logs("configuration.refused")

        assert daemon.running.in_force.current.services[WEB].policy.mode is Mode.SHADOW
    assert "shop" in said["problem"]


async def test_a_secret_that_was_changed_needs_a_restart_where_it_was_opened_with(tmp_path):
    async with built(a_house(tmp_path)) as daemon:
        (tmp_path / "ops.secret").write_text("another secret, and long enough")

        await daemon.running.in_force.reload()
        [said] = await daemon.logs("configuration.needs_restart")

    assert said["keys"] == ["connections"]
    assert "another secret" not in str(daemon.events)


async def test_it_is_said_again_as_long_as_it_needs_one(tmp_path):
    house = a_house(tmp_path)
    async with built(house) as daemon:
        house.change("127.0.0.0/8", "127.0.0.0/16")
        await daemon.running.in_force.reload()

        await daemon.running.in_force.reload()
        said = await daemon.logs("configuration.needs_restart", 2)

    assert [event["keys"] for event in said] == [["daemon.reach"]] * 2


async def test_what_was_taken_back_needs_none(tmp_path):
    house = a_house(tmp_path)
    async with built(house) as daemon:
        house.change("127.0.0.0/8", "127.0.0.0/16")
        await daemon.running.in_force.reload()
        house.change("127.0.0.0/16", "127.0.0.0/8")

        await daemon.running.in_force.reload()
        await daemon.logs("configuration.reloaded", 2)

    assert len(await daemon.logs("configuration.needs_restart")) == 1


async def test_of_two_that_are_told_at_once_the_newer_files_hold(tmp_path):
    house = a_house(tmp_path, GOSSIP.replace("WHERE", "{file: ROOT/slow.secret}"))
    (tmp_path / "slow.secret").write_text("as it was")
    async with built(house) as daemon:
        (tmp_path / "slow.secret").unlink()
        os.mkfifo(tmp_path / "slow.secret")  # whoever reads it waits for who writes
        older = asyncio.ensure_future(daemon.running.in_force.reload())
        pipe = await _read_by_somebody(tmp_path / "slow.secret")
        house.change("mode: shadow", "mode: ask")
        house.change("ROOT/slow.secret", "ROOT/ops.secret")
        newer = asyncio.ensure_future(daemon.running.in_force.reload())
        await asyncio.wait([newer], timeout=0.3)  # it has time to overtake
        os.write(pipe, b"at last")
        os.close(pipe)

        assert await older
        assert await newer
        assert daemon.running.in_force.current.services[WEB].policy.mode is Mode.ASK


async def _read_by_somebody(pipe: Path) -> int:
    """*pipe*, to be written, once somebody reads."""
    opened: list[int] = []

    def opens() -> bool:
        try:
            opened.append(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
        except OSError:  # nobody reads yet
            return False
        return True

    await soon(opens)
    return opened[0]


# ------------------------------------------------------------------------------------------------------------------ secrets


async def test_whoever_learns_secrets_is_told_each_one(tmp_path):
    configuration, told = await loaded(a_house(tmp_path, GOSSIP.replace("WHERE", "{env: PATH}")))

    assert set(told) == {"a secret that is long enough", os.environ["PATH"]}
    assert configuration == load(tmp_path / "rollbackd.yaml")


async def test_secrets_are_learned_also_where_the_configuration_is_refused(tmp_path):
    house = a_house(tmp_path, GOSSIP.replace("WHERE", "{file: ROOT/missing}"))
    told: list[str] = []

    with pytest.raises(InvalidConfiguration, match="missing cannot be read"):
        load(house.file, lambda secrets: told.extend(map(str, secrets)))

    assert told == ["a secret that is long enough"]


async def test_what_a_platform_gives_away_is_not_in_the_log(tmp_path):
    house = a_house(tmp_path, GOSSIP.replace("WHERE", "{file: ROOT/word}"))
    (tmp_path / "word").write_text("rosebud-1941\n")

    async with at_work(house) as daemon:
        [said] = await daemon.logs("target.unreadable")

    assert said["words"].endswith(f"{TOLD}***")
    assert "rosebud" not in daemon.log.read_text()


async def test_a_secret_that_came_with_a_reload_is_not_in_the_log_either(tmp_path):
    house = a_house(tmp_path)
    async with at_work(house) as daemon:
        await daemon.logs("release.adopted")
        (tmp_path / "word").write_text("rosebud-1941")
        house.add(GOSSIP.replace("WHERE", "{file: ROOT/word}"))
        await daemon.running.in_force.reload()

        [said] = await daemon.logs("target.unreadable")

    assert said["words"].endswith(f"{TOLD}***")
    assert "rosebud" not in daemon.log.read_text()


async def test_without_a_reader_of_secrets_a_platform_would_give_them_away(tmp_path):
    """What the two above would miss if nobody learned: the word is in what the platform says."""
    house = a_house(tmp_path)
    async with at_work(house) as daemon:
        await daemon.logs("release.adopted")
        (tmp_path / "word").write_text("rosebud-1941")
        house.add(GOSSIP.replace("WHERE", "{file: ROOT/word}"))
        forgetful = replace(daemon.running.in_force, learn=lambda _secrets: None)
        await forgetful.reload()

        [said] = await daemon.logs("target.unreadable")

    assert said["words"].endswith(f"{TOLD}rosebud-1941")
