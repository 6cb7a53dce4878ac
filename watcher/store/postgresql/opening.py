"""How the store in PostgreSQL is opened and closed."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

from watcher.errors import StoreUnavailable
from watcher.store.postgresql import faults
from watcher.store.postgresql.engine import ANSWERS_WITHIN, Engine, Pool, Session
from watcher.store.postgresql.fences import Fenced
from watcher.store.postgresql.settings import PostgresqlSettings
from watcher.store.postgresql.upgrade import missing, upgrade
from watcher.store.schema import MIGRATIONS, Migration
from watcher.store.sql.watches import all_living
from watcher.store.store import Opening, Store

STARTS_WITHIN = timedelta(minutes=2)  # an upgrade, and waiting for that of another replica

# https://www.postgresql.org/docs/current/libpq-connect.html: a link that is cut is noticed in seconds, not in hours.
_LINK: dict[str, Any] = {
    "connect_timeout": 2,
    "tcp_user_timeout": 7500,
    "keepalives_idle": 2,
    "keepalives_interval": 1,
    "keepalives_count": 2,
    "application_name": "rollbackd",
}


@asynccontextmanager
async def connected(
    settings: PostgresqlSettings,
    opening: Opening,
    *,
    migrations: Sequence[Migration] = MIGRATIONS,
    leases_by: Callable[[], datetime] | None = None,
) -> AsyncIterator[Store]:
    """The store. Arguments and errors: see ``kind.open_postgresql``.

    Args:
        settings: Where the database is.
        opening: Who hears of failures; its clock dates migrations alone.
        migrations: All that are known.
        leases_by: For tests: the clock of leases, in the place of the database's.
    """
    conninfo = _conninfo(settings)
    session = Session(settings.search_path)
    await _reach(conninfo)
    async with AsyncExitStack() as stack:
        pool, leases = (_pool(conninfo, size) for size in (settings.pool, 1))
        for each in (pool, leases):
            await stack.enter_async_context(each)
        engine = Engine(pool, leases, session, leases_by)
        await _prepare(engine, opening, migrations)
        store = Fenced(engine, opening.failed)
        try:
            yield store
        finally:
            await store.close()


async def _prepare(engine: Engine, opening: Opening, migrations: Sequence[Migration]) -> None:
    patient = replace(
        engine,
        session=replace(engine.session, statement=STARTS_WITHIN, lock=STARTS_WITHIN),
        within=STARTS_WITHIN,
    )
    if await patient.read(lambda: missing(migrations)):
        await patient.write(lambda: upgrade(migrations, opening.now()))
    await patient.read(all_living)  # one that cannot be read is found now, and not in the middle of a round


async def _reach(conninfo: str) -> None:
    """Connect once by hand: what the pool says when it cannot is that time ran out."""
    try:
        connection = await psycopg.AsyncConnection.connect(conninfo, autocommit=True)
        await connection.close()
    except psycopg.Error as error:
        raise faults.translated(error) from error


def _pool(conninfo: str, size: int) -> Pool:
    kwargs: dict[str, Any] = {"autocommit": True, "prepare_threshold": None, "row_factory": dict_row}
    return AsyncConnectionPool(
        conninfo,
        kwargs=kwargs,
        min_size=1,
        max_size=size,
        open=False,
        timeout=ANSWERS_WITHIN.total_seconds() - 0.5,
        reconnect_timeout=1,  # then it tries anew with the next operation, instead of ever more seldom
        check=AsyncConnectionPool.check_connection,
    )


def _conninfo(settings: PostgresqlSettings) -> str:
    """The dsn with what it leaves open; its text may be a secret, and is not shown."""
    try:
        given: dict[str, Any] = conninfo_to_dict(settings.dsn.get_secret_value())
    except psycopg.ProgrammingError:
        raise StoreUnavailable(
            "the dsn of the store cannot be read",
            remedy="write it as postgresql://user:password@host:5432/database; special characters are %-encoded",
        ) from None
    return make_conninfo("", **{**_LINK, **given})
