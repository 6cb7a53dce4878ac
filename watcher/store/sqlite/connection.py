"""One connection to a database, which plays operations: each whole, in one transaction, or not at all."""

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import TypeVar, cast

from watcher.errors import StoreUnavailable
from watcher.store.sql.operation import Operation, Rows, TakenBack

T = TypeVar("T")
Connect = Callable[[], sqlite3.Connection]

# The first byte of SQLite's result codes (https://www.sqlite.org/rescode.html): what it means here, and what to do.
_FULL = 13
_FAULTS = {
    5: ("another process writes into it", "find who else has the file open: only one rollbackd may"),
    6: ("another process writes into it", "find who else has the file open: only one rollbackd may"),
    8: (
        "it may not be written",
        "give the user that rollbackd runs as the right to write the file and its directory",
    ),
    10: ("the disk does not read or write", "look at the disk and the kernel's log"),
    11: ("the file is damaged", "stop rollbackd, keep the file, and put back a backup"),
    _FULL: ("the disk is full", "free space on its disk, or make it larger; rollbackd goes on by itself"),
    14: ("the file cannot be opened", "look whether the directory is there and may be written"),
    26: ("the file is not a database of rollbackd", "check `store:` in the configuration"),
}
_ANEW = frozenset(
    {10, 11, 14, 26}
)  # after these the connection is not trusted: the next operation opens another


class Connection:
    """A connection that is opened again by itself after a failure of the disk.

    Used by one thread at a time.
    """

    def __init__(self, connect: Connect, now: Callable[[], datetime], begin: str) -> None:
        self._connect = connect
        self._now = now
        self._begin = begin
        self._open: sqlite3.Connection | None = None

    def play(self, operation: Operation[T]) -> T:
        """Play *operation* whole and give its answer.

        Raises:
            StoreUnavailable: The disk or the file fails; nothing of the operation stayed.
            sqlite3.Error: A mistake of ours.
        """
        try:
            return self._in_transaction(operation)
        except sqlite3.Error as error:
            raise self._failed(error) from error
        finally:
            operation.close()

    def look(self, at: Callable[[sqlite3.Connection], T]) -> T:
        """What *at* says of the connection itself, outside of a transaction. Raises what `play` does."""
        try:
            return at(self._opened())
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def close(self) -> None:
        """Close the connection, if it is open."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def _opened(self) -> sqlite3.Connection:
        if self._open is None:
            self._open = self._connect()
        return self._open

    def _in_transaction(self, operation: Operation[T]) -> T:
        connection = self._opened()
        connection.execute(self._begin)
        try:
            answer = self._exhaust(connection, operation)
            connection.execute("COMMIT")
        except TakenBack as taken:
            connection.execute("ROLLBACK")
            return cast("T", taken.outcome)
        except BaseException:
            _roll_back(connection)
            raise
        return answer

    def _exhaust(self, connection: sqlite3.Connection, operation: Operation[T]) -> T:
        try:
            statement, parameters = next(operation)
            while True:
                bound = {**parameters, "clock": self._now().timestamp()}
                rows: Rows = connection.execute(statement, bound).fetchall()
                statement, parameters = operation.send(rows)
        except StopIteration as end:
            return cast("T", end.value)

    def _failed(self, error: sqlite3.Error) -> Exception:
        if _code(error) in _ANEW:
            with suppress(sqlite3.Error):
                self.close()
            self._open = None
        return translated(error)


def full(said: str) -> StoreUnavailable:
    """The disk is full, as *said*."""
    words, remedy = _FAULTS[_FULL]
    return StoreUnavailable(f"the store cannot be used: {words} ({said})", remedy=remedy)


def translated(error: sqlite3.Error) -> Exception:
    """What an operator can act on as our error; what is our own mistake as it is."""
    if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_IOERR_SHMSIZE:
        return full(str(error))  # no room for the file that is shared between connections
    found = _FAULTS.get(_code(error))
    if found is None:
        return error
    words, remedy = found
    return StoreUnavailable(f"the store cannot be used: {words} ({error})", remedy=remedy)


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _roll_back(connection: sqlite3.Connection) -> None:
    """Take the transaction back, where SQLite has not done so itself (it does when the disk is full)."""
    with suppress(sqlite3.Error):
        if connection.in_transaction:
            connection.execute("ROLLBACK")
