"""The store kind ``postgresql``. What needs psycopg is imported when a store is opened."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime

from watcher.errors import StoreUnavailable
from watcher.store.care import Care
from watcher.store.postgresql.settings import PostgresqlSettings
from watcher.store.store import Kind, Opening, Store


@asynccontextmanager
async def open_postgresql(settings: PostgresqlSettings, opening: Opening) -> AsyncIterator[Store]:
    """The store in a database, for any number of replicas. Leases go by the database's clock.

    Raises:
        StoreTooNew: A newer version has upgraded the tables, and this one cannot work on them.
        StoreUnavailable: The database cannot be reached or used, or psycopg is not installed.
    """
    with _installed():
        from watcher.store.postgresql.opening import connected  # noqa: PLC0415 - the idle daemon does without psycopg
    async with connected(settings, opening) as store:
        yield store


def care_postgresql(settings: PostgresqlSettings, now: Callable[[], datetime]) -> Care:
    """What people do with the database. Raises StoreUnavailable where psycopg is not installed."""
    with _installed():
        from watcher.store.postgresql.care import PostgresqlCare  # noqa: PLC0415 - the same
    return PostgresqlCare(settings, now)


@contextmanager
def _installed() -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise StoreUnavailable(
            f"the store `postgresql` needs a library that is not installed: {error.name}",
            remedy='install it: pip install "rollbackd[postgresql]"',
        ) from error


POSTGRESQL: Kind = Kind(settings=PostgresqlSettings, open=open_postgresql, care=care_postgresql)
