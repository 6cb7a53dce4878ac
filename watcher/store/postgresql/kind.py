"""The store kind ``postgresql``. What needs psycopg is imported when a store is opened."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from watcher.errors import StoreUnavailable
from watcher.store.postgresql.settings import PostgresqlSettings
from watcher.store.store import Kind, Opening, Store


@asynccontextmanager
async def open_postgresql(settings: PostgresqlSettings, opening: Opening) -> AsyncIterator[Store]:
    """The store in a database, for any number of replicas. Leases go by the database's clock.

    Raises:
        StoreTooNew: A newer version has upgraded the tables, and this one cannot work on them.
        StoreUnavailable: The database cannot be reached or used, or psycopg is not installed.
    """
    try:
        from watcher.store.postgresql.opening import connected  # noqa: PLC0415 - the idle daemon does without psycopg
    except ImportError as error:
        raise StoreUnavailable(
            f"the store `postgresql` needs a library that is not installed: {error.name}",
            remedy='install it: pip install "rollbackd[postgresql]"',
        ) from error
    async with connected(settings, opening) as store:
        yield store


POSTGRESQL: Kind = Kind(settings=PostgresqlSettings, open=open_postgresql)
