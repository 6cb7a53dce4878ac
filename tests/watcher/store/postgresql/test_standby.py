"""A real standby: it takes no writes until it is promoted, and one that lagged has forgotten what was acknowledged."""

import asyncio
from datetime import timedelta

import pytest
from pydantic import SecretStr

from deploy.model import Level
from tests.contract.store.build import NOON, Clock, opened
from tests.watcher.store.postgresql.server import PASSWORD, Server, a_server, a_standby
from tests.watcher.store.postgresql.test_contract import settings_of
from tests.watcher.store.postgresql.test_faults import until_it_works
from watcher.errors import StoreUnavailable
from watcher.store.postgresql.care import PostgresqlCare
from watcher.store.postgresql.opening import connected
from watcher.store.postgresql.settings import PostgresqlSettings
from watcher.store.store import Opening, Store


async def until(server: Server, statement: str) -> None:
    """Wait until *server* answers that it is so."""
    async with asyncio.timeout(60):
        while server.say(statement) != [(True,)]:  # noqa: ASYNC110 - no event tells what the server does
            await asyncio.sleep(0.05)


async def until_it_follows(primary: Server, standby: Server) -> None:
    ((written,),) = primary.say("SELECT pg_current_wal_lsn()::text")
    await until(standby, f"SELECT pg_last_wal_replay_lsn() >= '{written}'")


async def claimed_and_given_back(store: Store) -> int:
    """The fence under which the watch was given out."""
    (leased,) = await store.claim_due(NOON, 1, "a", timedelta(seconds=60))
    await store.let_go({leased.watch.id: leased.fence}, "a")
    return leased.fence


async def levels(settings: PostgresqlSettings) -> dict[str, Level]:
    return {each.what: each.finding.level for each in await PostgresqlCare(settings, Clock()).look(NOON)}


async def test_a_standby_is_told_and_is_worked_on_by_itself_once_it_is_promoted():
    with a_server(18) as primary:
        name = primary.database()
        async with connected(settings_of(primary, name), Opening(Clock())) as store:
            watch = await opened(store)
        with a_standby(primary) as standby:
            async with connected(settings_of(standby, name), Opening(Clock())) as store:
                await until_it_follows(primary, standby)
                assert await store.get("w_1") == watch
                with pytest.raises(StoreUnavailable, match="read-only, or a standby") as caught:
                    await store.check()
                with pytest.raises(StoreUnavailable, match="read-only, or a standby"):
                    await store.claim_due(NOON, 1, "a", timedelta(seconds=60))
                assert "target_session_attrs=read-write" in caught.value.remedy
                assert (await levels(settings_of(standby, name)))["writing"] is Level.FAIL

                standby.ctl("promote")

                await until_it_works(store)
                assert await claimed_and_given_back(store) == 1


async def test_a_standby_that_the_primary_does_not_wait_for_is_told():
    with a_server(18) as primary, a_standby(primary):
        name = primary.database()
        said = [await levels(settings_of(primary, name))]
        primary.say("ALTER SYSTEM SET synchronous_standby_names = '*'")
        primary.say("SELECT pg_reload_conf()")
        await until(primary, "SELECT current_setting('synchronous_standby_names') = '*'")
        said.append(await levels(settings_of(primary, name)))
        primary.say(f"ALTER DATABASE {name} SET synchronous_commit = local")
        said.append(await levels(settings_of(primary, name)))

        assert [each["standbys"] for each in said] == [Level.WARN, Level.OK, Level.WARN]


async def test_a_fail_over_to_a_standby_that_lagged_is_noticed_and_nothing_is_given_out_again():
    with a_server(18) as primary, a_standby(primary) as standby:
        name = primary.database()
        hosts = f"127.0.0.1:{primary.port},127.0.0.1:{standby.port}"
        dsn = f"postgresql://postgres:{PASSWORD}@{hosts}/{name}?target_session_attrs=read-write"
        settings = PostgresqlSettings(dsn=SecretStr(dsn))
        async with connected(settings, Opening(Clock())) as store:
            await opened(store)
            assert await claimed_and_given_back(store) == 1
            await until_it_follows(primary, standby)
            standby.say("ALTER SYSTEM SET primary_conninfo = ''")
            standby.say("SELECT pg_reload_conf()")
            await until(standby, "SELECT count(*) = 0 FROM pg_stat_wal_receiver")
            assert await claimed_and_given_back(store) == 2

            primary.ctl("-m", "immediate", "stop")
            standby.ctl("promote")
            await until_it_works(store)

            with pytest.raises(StoreUnavailable, match="has lost what it acknowledged"):
                await claimed_and_given_back(store)
            with pytest.raises(StoreUnavailable, match="has lost what it acknowledged"):
                await store.check()
