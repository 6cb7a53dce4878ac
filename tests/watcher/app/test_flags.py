"""Flags that are flipped, through a daemon that the app has built: from a signed delivery to what is shown, judged, and never kept."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from tests.fakes.alerts.log import Delivery
from tests.fakes.alerts.post import once
from tests.fakes.flags import HIDDEN, SECRET, LaunchDarkly, Unleash
from tests.watcher.app.house import AtWork, House, a_house, at_work, soon
from tests.watcher.app.test_changes import RULES, Clock
from watcher.app import Ports

SOURCES = """\
sources:
  ld: {launchdarkly: {secret: {file: ROOT/flags.secret}, environments: {live: production}}}
  ul: {unleash: {secret: {file: ROOT/flags.secret}}}
connections:
"""


@asynccontextmanager
async def a_daemon(root: Path, clock: Clock) -> AsyncIterator[tuple[House, AtWork]]:
    """It watches v2, whose rule asks where a flag moves."""
    house = a_house(root)
    (root / "web.yaml").write_text(RULES)
    (root / "flags.secret").write_text(SECRET)
    house.change("connections:\n", SOURCES)
    house.change("  mode: shadow\n", "  mode: ask\n  changes: {told_by: [ld, ul], own: [new-pricing]}\n")
    async with at_work(house, Ports(now=clock)) as daemon:
        await daemon.logs("release.adopted")
        house.deploy("v2")
        await daemon.post("/v1/deployments", service="web", environment="production", tag="v2")
        await daemon.logs("watch.prepared")
        clock.at += timedelta(seconds=20)
        yield house, daemon


async def delivered(daemon: AtWork, delivery: Delivery, name: str) -> int:
    return await once(daemon.session, f"{daemon.url}/v1/hooks/{name}", delivery)


def flips(system: LaunchDarkly | Unleash, clock: Clock) -> Delivery:
    """0 → 50 %, a moment ago."""
    if isinstance(system, Unleash):
        system.rolls("new-pricing", 0)
        return system.rolls("new-pricing", 50, at=clock.at)
    system.has("new-pricing", (("", True), ("", False)))
    system.rolls("new-pricing", v0=0, v1=100)
    return system.rolls("new-pricing", at=clock.at, v0=50, v1=50)


@pytest.mark.parametrize(("name", "system"), [("ld", LaunchDarkly(environment="live")), ("ul", Unleash())])
async def test_a_flip_is_kept_with_its_time_stands_beside_the_watch_and_makes_a_rule_ask(
    tmp_path, name, system
):
    clock = Clock()
    async with a_daemon(tmp_path, clock) as (_, daemon):
        statuses = [await delivered(daemon, each, name) for each in [flips(system, clock)] * 3]

        async def asks() -> bool:
            clock.at += timedelta(seconds=10)
            [watch] = (await daemon.get("/v1/watches")).json["watches"]
            return bool(watch["state"] == "asking")

        await soon(asks)
        [watch] = (await daemon.get("/v1/watches")).json["watches"]
        shown = (await daemon.get(f"/v1/watches/{watch['id']}")).json
        metrics = (await daemon.get("/metrics")).samples

    assert statuses == [202, 202, 202]
    [change] = shown["changes"]
    assert (change["what"], change["kind"], change["environment"]) == (
        "flag `new-pricing` 0 → 50 %",
        "flag",
        "production",
    )
    assert change["at"] == "2026-11-24T12:00:30Z"
    assert (
        "flag `new-pricing` 0 → 50 % in motion since 12:00 UTC" in shown["judgement"]["verdicts"][0]["words"]
    )
    assert any("flag `new-pricing` 0 → 50 % 12:00:30" in line for line in shown["story"])
    assert metrics[f'rollbackd_events_received_total{{result="recorded",source="{name}"}}'] == 1


@pytest.mark.parametrize("name", ["ld", "ul"])
async def test_who_cannot_prove_it_changes_nothing(tmp_path, name):
    clock, other = Clock(), "another secret of thirty-two signs"
    system = LaunchDarkly(environment="live", secret=other) if name == "ld" else Unleash(secret=other)
    delivery = flips(system, clock)
    async with a_daemon(tmp_path, clock) as (_, daemon):
        status = await delivered(daemon, delivery, name)
        changes = (await daemon.get("/v1/changes")).json["changes"]

    assert status == 401
    assert [each for each in changes if each["kind"] == "flag"] == []


async def test_nothing_that_a_flag_may_be_is_kept_anywhere(tmp_path):
    clock, system = Clock(), LaunchDarkly(environment="live")
    system.has("new-pricing", (("control", HIDDEN), ("treatment", HIDDEN)))
    broken = system.signed(clock.at, f'{{"_id": 1, "value": "{HIDDEN}"}}'.encode())
    async with a_daemon(tmp_path, clock) as (house, daemon):
        statuses = [
            await delivered(daemon, each, "ld")
            for each in (system.rolls("new-pricing", at=clock.at, v0=50, v1=50), broken)
        ]
        told = (await daemon.get("/v1/changes")).json["changes"]

    with sqlite3.connect(house.store) as store:
        dumped = "\n".join(store.iterdump())
    store.close()
    assert statuses == [202, 400]
    assert "flag `new-pricing`: control 0 → 50 %, treatment 100 → 50 %, turned on" in [
        each["what"] for each in told
    ]
    assert HIDDEN not in dumped
    assert HIDDEN.encode().hex() not in dumped.lower()
