"""A database whose disk is full: said with a remedy, nothing lost, no call begun, and work goes on once there is room."""

import os

import pytest

from tests.contract.store.build import LEASE, NOON, Clock, rolling_back, step_of
from tests.watcher.store.disk import a_disk, accept, fill, kept, needs_root
from tests.watcher.store.postgresql.server import Server, nobody
from tests.watcher.store.postgresql.test_contract import settings_of
from watcher.core.watch import State
from watcher.errors import StoreUnavailable
from watcher.store.postgresql.opening import connected
from watcher.store.store import Opening

pytestmark = needs_root


async def test_nothing_that_was_acknowledged_is_lost_and_it_goes_on_by_itself(server_18):
    with a_disk(server_18.folder / "small", mib=16, owner=nobody()) as disk:
        name = _database_on(server_18, str(disk.path))
        try:
            async with connected(settings_of(server_18, name), Opening(Clock())) as store:
                watch = await rolling_back(store)
                (claimed,) = await store.claim_actions(NOON, 1, "a", LEASE)
                many = 0
                for size in (200_000, 8_000, 1_000):  # until nothing more goes in, be it small
                    many = await fill(store, size, first=many)
                large = step_of(watch, State.STUCK, brief="x" * 200_000 + os.urandom(100_000).hex())
                with pytest.raises(StoreUnavailable, match="its disk is full"):
                    await store.save(large, NOON)

                assert await store.get("w_1") == watch
                (found,) = await store.actions("w_1")
                assert found.attempts == claimed.attempts == 0

                disk.becomes(32)
                await accept(store, many, 200_000)
                assert await kept(store, many + 1)
        finally:
            server_18.say(f"DROP DATABASE {name} WITH (FORCE)")
            server_18.say("DROP TABLESPACE small")


def _database_on(server: Server, folder: str) -> str:
    server.say(f"CREATE TABLESPACE small LOCATION '{folder}'")
    name = f"small_{server.port}"
    server.say(f"CREATE DATABASE {name} TABLESPACE small")
    return name
