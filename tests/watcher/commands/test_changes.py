"""Telling of what else moved from the command line, and reading it there."""

from datetime import timedelta

import pytest

from tests.watcher.api.daemon import NOON, an_api
from tests.watcher.commands.speaking import run, speak
from watcher.commands.change import KINDS
from watcher.core.change import ChangeKind


async def test_a_change_is_told_and_listed():
    async with an_api() as api:
        told = await speak(
            api,
            *("change", "flag new-pricing 0 → 50 %", "--kind", "flag", "--name", "new-pricing"),
            *("--service", "checkout", "--environment", "production", "--at", "2026-11-24T11:58:00Z"),
        )
        await speak(api, "change", "migration run")
        listed = await speak(api, "changes")
        (change, _) = await api.daemon.store.changes(NOON - timedelta(hours=1), NOON + timedelta(hours=1))

    assert (told.status, told.out, told.err) == (0, "", "kept\n")
    assert (change.name, change.kind, change.told_by) == ("new-pricing", ChangeKind.FLAG, "token:ada")
    assert listed.out == (
        "AT (UTC)             KIND   WHOSE                WHAT\n"
        "2026-11-24 12:00:00  other  */*                  migration run\n"
        "2026-11-24 11:58:00  flag   checkout/production  flag new-pricing 0 → 50 %\n"
    )


async def test_one_run_of_a_pipeline_tells_once():
    async with an_api() as api:
        first, second = [await speak(api, "change", "a flag", "--key", "run-7", "--json") for _ in range(2)]
        changes = await api.daemon.store.changes(NOON - timedelta(hours=1), NOON + timedelta(hours=1))

    assert first.json == second.json
    assert len(changes) == 1


async def test_a_service_that_nobody_knows_is_a_slip():
    async with an_api() as api:
        said = await speak(api, "change", "a flag", "--service", "chekout")

    assert said.status == 2
    assert "known: checkout/production" in said.err


@pytest.mark.parametrize(
    "command", [("change", "a flag", "--at"), ("changes", "--since"), ("changes", "--until")]
)
def test_a_time_without_a_zone_is_refused_at_once(command):
    said = run(*command, "2026-11-24T11:58:00")

    assert said.status == 2
    assert "needs its zone" in said.err


def test_all_kinds_can_be_told():
    assert set(KINDS) == {kind.value for kind in ChangeKind}
