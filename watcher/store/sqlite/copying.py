"""A copy of the whole file, while others read and write it: there at once and whole, or not there.

Source:
    https://www.sqlite.org/backup.html
"""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from watcher.errors import StoreMisplaced, StoreUnavailable

_HEAD = b"SQLite format 3\x00"  # https://www.sqlite.org/fileformat.html


def copy(source: sqlite3.Connection, to: Path) -> int:
    """Put a copy of what *source* sees in this moment at *to*, for its owner alone; its size in bytes.

    What was there before is replaced at the very end, once the copy is on the disk and was looked through. Nobody waits
    meanwhile: who writes goes on, and is not in the copy.

    Raises:
        StoreMisplaced: *to* is no place for it.
        StoreUnavailable: The copy is not whole. Nothing has changed at *to*.
        sqlite3.Error: The disk is full, or the source cannot be read. Nothing has changed at *to*.
    """
    to = to.absolute()
    _check(to)
    try:
        with TemporaryDirectory(prefix=f".{to.name}.", dir=to.parent) as folder:
            made = Path(folder) / to.name
            made.touch(0o600)
            _fill(source, made)
            _on_the_disk(made)
            size = made.stat().st_size
            made.replace(to)
        _on_the_disk(to.parent)
    except OSError as error:
        raise StoreMisplaced(
            f"{to} cannot be written: {error.strerror}",
            remedy="name a file in a folder that you may write, on a disk with room for it",
        ) from error
    return size


def _check(to: Path) -> None:
    """A slip of the hand must not cost anybody a file that is no copy."""
    if not to.exists() or (to.is_file() and _head(to) in (b"", _HEAD)):
        return
    raise StoreMisplaced(
        f"{to} is there and is no database, so it is not replaced", remedy="name another file"
    )


def _head(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(len(_HEAD))


def _fill(source: sqlite3.Connection, made: Path) -> None:
    with closing(sqlite3.connect(made, isolation_level=None)) as copied:
        source.backup(copied)
        # Of one file, with no log beside it: it can be carried away, and read from where nothing may be written.
        copied.execute("PRAGMA journal_mode = DELETE").fetchall()
        (answer,) = copied.execute("PRAGMA integrity_check(1)").fetchone()
    if answer != "ok":
        raise StoreUnavailable(
            f"the copy is not whole: {answer}",
            remedy="look at the disk, and whether the store itself is whole: `rollbackd db check`",
        )


def _on_the_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
