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
from watcher.store.postgresql.upgrade import POSTGRESQL, name_of
from watcher.store.schema import MIGRATIONS, Migration
from watcher.store.sql.migrations import missing, newest, upgrade
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

    Raises:
        StoreMisplaced: The tables have to be upgraded, and an older replica lives that could not go on.
    """
    conninfo = conninfo_of(settings, "rollbackd", knows=newest(migrations))
    async with pooled(conninfo, settings, leases_by) as engine:
        patient = patiently(engine)
        if await patient.read(lambda: missing(POSTGRESQL, migrations)):
            await patient.write(lambda: upgrade(POSTGRESQL, migrations, opening.now()))
        await patient.read(
            all_living
        )  # one that cannot be read is found now, and not in the middle of a round
        store = Fenced(engine, opening.failed)
        try:
            yield store
        finally:
            await store.close()


@asynccontextmanager
async def pooled(
    conninfo: str, settings: PostgresqlSettings, leases_by: Callable[[], datetime] | None = None
) -> AsyncIterator[Engine]:
    """What plays operations, on connections of its own. Raises StoreUnavailable where none can be had."""
    await _reach(conninfo)
    async with AsyncExitStack() as stack:
        pool, leases = (_pool(conninfo, size) for size in (settings.pool, 1))
        for each in (pool, leases):
            await stack.enter_async_context(each)
        yield Engine(pool, leases, Session(settings.search_path), leases_by)


def patiently(engine: Engine) -> Engine:
    """The same, for what may last: an upgrade, and waiting for another's."""
    return replace(
        engine,
        session=replace(engine.session, statement=STARTS_WITHIN, lock=STARTS_WITHIN),
        within=STARTS_WITHIN,
    )


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


def conninfo_of(settings: PostgresqlSettings, name: str, *, knows: int | None = None) -> str:
    """The dsn with what it leaves open, and with what replicas see of us.

    Args:
        settings: Its dsn may be a secret, and is not shown.
        name: What the database calls us, if the dsn does not say.
        knows: The version of the tables up to which we know them; ``None``: nobody has to wait for us.
    """
    given = given_in(settings)
    named = given.pop("application_name", name)
    ours = {"application_name": named if knows is None else name_of(named, knows)}
    return make_conninfo("", **{**_LINK, **given, **ours})


def given_in(settings: PostgresqlSettings) -> dict[str, Any]:
    """What the dsn says, the password too. Raises StoreUnavailable, without its text, where it cannot be read."""
    try:
        return conninfo_to_dict(settings.dsn.get_secret_value())
    except psycopg.ProgrammingError:
        raise StoreUnavailable(
            "the dsn of the store cannot be read",
            remedy="write it as postgresql://user:password@host:5432/database; special characters are %-encoded",
        ) from None
