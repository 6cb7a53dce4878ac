"""Plays operations on pooled connections: each in one transaction, whole or not at all, within four seconds.

Nothing here needs a session: settings are those of the transaction (``SET LOCAL``), nothing is prepared, no lock outlives
its transaction. So a pooler such as PgBouncer may stand in between, pooling by transaction.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout

from watcher.errors import StoreUnavailable
from watcher.store.played import Make
from watcher.store.postgresql import faults
from watcher.store.postgresql.dialect import bound, translated
from watcher.store.sql.operation import Operation, TakenBack

T = TypeVar("T")
Connection = psycopg.AsyncConnection[dict[str, Any]]
Pool = AsyncConnectionPool[Connection]

ANSWERS_WITHIN = timedelta(seconds=4)  # with a lease of 14 s it leaves room for two tries and a call
CANCELS_WITHIN = 0.5  # seconds: on a dead link the cancelling hangs, too
TRIES = 5  # of an operation that the database took back because of another's


@dataclass(frozen=True, slots=True)
class Session:
    """How each transaction begins.

    Attributes:
        search_path: The schema of the tables.
        statement, lock, idle: What a transaction waits for a statement, for a lock, for us.
    """

    search_path: str = "public"
    statement: timedelta = timedelta(seconds=3.5)
    lock: timedelta = timedelta(seconds=2)
    idle: timedelta = timedelta(seconds=10)

    @property
    def begin(self) -> str:
        """One round trip. Committed rows are seen by the next statement, so who passes the gate sees what came before."""
        return (
            "BEGIN ISOLATION LEVEL READ COMMITTED;"
            f" SET LOCAL statement_timeout = {_milliseconds(self.statement)};"
            f" SET LOCAL lock_timeout = {_milliseconds(self.lock)};"
            f" SET LOCAL idle_in_transaction_session_timeout = {_milliseconds(self.idle)};"
            f' SET LOCAL search_path = "{self.search_path}"'
        )


@dataclass(slots=True)
class Play:
    """One operation on its way."""

    committing: bool = False
    connection: Connection | None = None


@dataclass(frozen=True, slots=True)
class Engine:
    """Plays operations.

    Attributes:
        pool: For all but the renewal of leases.
        leases: For that alone: it never waits behind slow work.
        session: How a transaction begins.
        leases_by: For tests: the clock of leases, in the place of the database's.
    """

    pool: Pool
    leases: Pool
    session: Session
    leases_by: Callable[[], datetime] | None = None
    within: timedelta = ANSWERS_WITHIN
    _tasks: set["asyncio.Task[Any]"] = field(default_factory=set)

    async def write(self, operation: Make[T]) -> T:
        """Play *operation*; durable when it returns."""
        return await self._within(operation, self.pool)

    async def hold(self, operation: Make[T]) -> T:
        """The same, on a connection that does nothing else."""
        return await self._within(operation, self.leases)

    async def read(self, operation: Make[T]) -> T:
        """Play *operation*."""
        return await self._within(operation, self.pool)

    async def close(self) -> None:
        """Finish what is under way, and close all connections. Twice is harmless."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=self.within.total_seconds())
        for pool in (self.pool, self.leases):
            await pool.close(timeout=1)

    async def _within(self, operation: Make[T], pool: Pool) -> T:
        """In a task of its own, so that who is cancelled or has waited long enough cuts nothing in two."""
        play = Play()
        task = asyncio.create_task(self._play(operation, pool, play))
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        done, _ = await asyncio.wait([task], timeout=self.within.total_seconds())
        if done:
            return task.result()
        task.cancel()
        hung = asyncio.create_task(_drop(task, play))
        self._tasks.add(hung)
        hung.add_done_callback(self._ended)
        raise _too_late(self.within, committing=play.committing)

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # looked at, also where nobody waits for it any more

    async def _play(self, operation: Make[T], pool: Pool, play: Play) -> T:
        for left in reversed(range(TRIES)):
            try:
                return await self._once(operation(), pool, play)
            except faults.ANEW as error:
                if not left:
                    raise faults.translated(error) from error
                await asyncio.sleep(0)
            except psycopg.Error as error:
                raise faults.translated(error, "it may have happened" if play.committing else "") from error
            finally:
                play.connection = None
        raise AssertionError("the last try returns or raises")

    async def _once(self, operation: Operation[T], pool: Pool, play: Play) -> T:
        try:
            async with pool.connection() as connection:
                play.connection, play.committing = connection, False
                return await self._in_transaction(connection, operation, play)
        except PoolTimeout as error:
            raise _no_connection() from error
        except PoolClosed as error:
            raise StoreUnavailable(
                "the store is closed", remedy="start rollbackd again; this one is ending"
            ) from error
        finally:
            operation.close()

    async def _in_transaction(self, connection: Connection, operation: Operation[T], play: Play) -> T:
        await connection.execute(self.session.begin.encode())
        try:
            answer = await self._exhaust(connection, operation)
            play.committing = True
            await connection.execute(b"COMMIT")
        except TakenBack as taken:
            await connection.execute(b"ROLLBACK")
            return cast("T", taken.outcome)
        except BaseException:
            await _roll_back(connection)
            raise
        return answer

    async def _exhaust(self, connection: Connection, operation: Operation[T]) -> T:
        try:
            statement, parameters = next(operation)
            while True:
                cursor = await connection.execute(
                    translated(statement, own_clock=self.leases_by is None).encode(), self._bound(parameters)
                )
                rows = await cursor.fetchall() if cursor.description else []
                statement, parameters = operation.send(rows)
        except StopIteration as end:
            return cast("T", end.value)

    def _bound(self, parameters: Mapping[str, object]) -> dict[str, object]:
        clock = {} if self.leases_by is None else {"clock": self.leases_by().timestamp()}
        return bound(parameters) | clock


async def _roll_back(connection: Connection) -> None:
    """Take the transaction back; a connection on which that fails is closed, which takes it back as well."""
    try:
        async with asyncio.timeout(CANCELS_WITHIN):
            await connection.execute(b"ROLLBACK")
    except (psycopg.Error, TimeoutError):
        connection.pgconn.finish()


async def _drop(task: "asyncio.Task[Any]", play: Play) -> None:
    """Wait a moment for what was cancelled; then cut its connection, which the database answers with taking it back."""
    connection = play.connection
    await asyncio.wait([task], timeout=CANCELS_WITHIN)
    if not task.done() and connection is not None:
        with suppress(psycopg.Error):
            connection.pgconn.finish()


def _milliseconds(lasting: timedelta) -> int:
    return round(lasting / timedelta(milliseconds=1))


def _no_connection() -> StoreUnavailable:
    return StoreUnavailable(
        "the store cannot be used: no connection to the database could be had in time; it did not happen",
        remedy="look whether the database runs, whether the network lets us through, and at `pool`",
    )


def _too_late(within: timedelta, *, committing: bool) -> StoreUnavailable:
    happened = "it may have happened" if committing else "it did not happen"
    return StoreUnavailable(
        f"the store did not answer within {within.total_seconds():g} s; {happened}",
        remedy="look at the database and the network in between; the operation can be tried again",
    )
