"""Through a real PgBouncer that pools by transaction: what the store needs is in the transaction, and nothing else is left behind."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.contract.store.build import LEASE, NOON, Clock, a_watch, minutes, opened, step_of
from tests.contract.store.sharing import SharingContract
from tests.watcher.store.postgresql.pooler import a_pooler
from tests.watcher.store.postgresql.server import Server
from tests.watcher.store.postgresql.test_contract import a_copy
from watcher.store.postgresql.opening import connected
from watcher.store.postgresql.settings import PostgresqlSettings
from watcher.store.store import Opening, Saved, Stale, Store


@pytest.fixture(scope="module")
def pooler(server_18: Server) -> Iterator[int]:
    with a_pooler(server_18) as port:
        yield port


def through(
    pooler: int, server: Server, name: str, clock: Clock | None = None
) -> AbstractAsyncContextManager[Store]:
    dsn = server.dsn(name).replace(f":{server.port}/", f":{pooler}/")
    return connected(PostgresqlSettings(dsn=SecretStr(dsn)), Opening(Clock()), leases_by=clock)


class TestSharingWork(SharingContract):
    """Claims, leases and fences, word for word as without it."""

    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    async def store(
        self, tmp_path: Path, clock: Clock, pooler: int, server_18: Server
    ) -> AsyncIterator[Store]:
        async with through(pooler, server_18, await a_copy(server_18), clock) as store:
            yield store


async def test_replicas_that_share_two_connections_write_each_revision_once(pooler, server_18):
    name = await a_copy(server_18)
    async with AsyncExitStack() as stack:
        a, b, c = [await stack.enter_async_context(through(pooler, server_18, name)) for _ in range(3)]
        watch = await opened(a)
        for _ in range(10):
            step = step_of(watch)
            answers = await asyncio.gather(*(each.save(step, NOON) for each in (a, b, c)))
            assert sorted(type(answer).__name__ for answer in answers) == [
                Saved.__name__,
                Stale.__name__,
                Stale.__name__,
            ]
            watch = step.watch

        for number in range(20):
            await opened(a, a_watch(f"w_{number:02}", service=f"s{number}"))
        claims = [each.claim_due(NOON + minutes(1), 7, f"r{n}", LEASE) for n, each in enumerate((a, b, c))]
        given = [leased.watch.id for every in await asyncio.gather(*claims) for leased in every]
        assert len(given) == len(set(given)) == 21


async def test_nothing_of_ours_is_left_on_a_connection_that_others_get_next(pooler, server_18):
    name = await a_copy(server_18)
    async with through(pooler, server_18, name) as store:
        await opened(store)

        left = "SELECT current_setting('statement_timeout'), current_setting('lock_timeout'), current_setting('search_path')"
        assert server_18.say(left, name, port=pooler) == [("0", "0", '"$user", public')]
        assert server_18.say("SELECT count(*) FROM pg_prepared_statements", name, port=pooler) == [(0,)]
