"""A store in a database, as people look at it and upgrade it; for a copy it says which command makes one."""

import shlex
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from psycopg.conninfo import make_conninfo

from watcher.errors import StoreUnavailable
from watcher.store.care import ByHand, Copied, Looked, fail
from watcher.store.postgresql.engine import Engine
from watcher.store.postgresql.looking import server
from watcher.store.postgresql.opening import conninfo_of, given_in, patiently, pooled
from watcher.store.postgresql.settings import PostgresqlSettings
from watcher.store.postgresql.upgrade import POSTGRESQL
from watcher.store.schema import MIGRATIONS, Migration
from watcher.store.sql.looking import looked
from watcher.store.sql.migrations import missing, upgrade
from watcher.store.sql.watches import all_living

SECRETS = frozenset({"password", "sslpassword"})  # of libpq's words, those that no command line may have
NAME = "rollbackd db"  # without a version: nobody has to wait for us


@dataclass(frozen=True, slots=True)
class PostgresqlCare:
    """See `Care`."""

    settings: PostgresqlSettings
    now: Callable[[], datetime]
    migrations: Sequence[Migration] = MIGRATIONS

    async def look(self, now: datetime) -> Sequence[Looked]:
        """See `Care`."""
        async with self._connected() as engine:
            found = await engine.read(lambda: server(self.settings.search_path, self.migrations, self.now))
            try:
                return [*found, *await engine.read(lambda: looked(POSTGRESQL, self.migrations, now))]
            except StoreUnavailable as error:
                return [*found, fail("tables", str(error), error.remedy)]

    async def missing(self) -> Sequence[Migration]:
        """See `Care`."""
        async with self._connected() as engine:
            return await engine.read(lambda: missing(POSTGRESQL, self.migrations))

    async def migrate(self, now: datetime) -> Sequence[Migration]:
        """See `Care`. Older replicas go on, where no migration needs them to know it."""
        async with self._connected() as engine:
            played = await engine.write(lambda: upgrade(POSTGRESQL, self.migrations, now))
            await engine.read(all_living)
            return played

    async def back_up(self, to: Path) -> Copied | ByHand:
        """See `Care`.

        It is not run here: pg_dump must not be older than the server, so the image cannot have the right one, and on a
        managed database a snapshot is better.
        """
        given = {word: value for word, value in given_in(self.settings).items() if word not in SECRETS}
        command = [
            *("pg_dump", "--format=custom", "--no-owner", "--no-privileges"),
            f"--schema={self.settings.search_path}",
            f"--file={to}",
            f"--dbname={make_conninfo('', **given)}",
        ]
        return ByHand(
            shlex.join(command),
            "run this, with a pg_dump that is not older than the server. The password is not in it: pg_dump looks for it in"
            " PGPASSWORD and in ~/.pgpass",
        )

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Engine]:
        async with pooled(conninfo_of(self.settings, NAME), self.settings) as engine:
            yield patiently(engine)
