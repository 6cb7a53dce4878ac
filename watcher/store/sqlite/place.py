"""Where the file lies: one process has it, and its file system can do what SQLite's write-ahead log needs.

Source:
    https://www.sqlite.org/wal.html, "All processes using a database must be on the same host computer".
"""

import errno
import fcntl
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from watcher.errors import StoreMisplaced

log = structlog.stdlib.get_logger("rollbackd.store")

# By the names that Linux gives them in /proc/self/mountinfo. EFS and FSx show as nfs4, Azure Files as cifs.
_SHARED = frozenset(
    {"9p", "afp", "afs", "beegfs", "ceph", "cifs", "coda", "gfs2", "glusterfs", "gpfs"}
    | {"lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "orangefs", "smb3", "smbfs"}
)
# Gone with the container or the machine. Fine for a trial, and said.
PASSING = frozenset({"overlay", "aufs", "tmpfs", "ramfs"})

FileSystem = Callable[[Path], str]


def file_system_of(path: Path, mounts: Path = Path("/proc/self/mountinfo")) -> str:
    """The kind of file system that *path* lies on, in Linux' words; empty where that cannot be said (no Linux).

    Source:
        https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html
    """
    try:
        lines = mounts.read_text().splitlines()
    except OSError:
        return ""
    place, longest, kind = path.resolve(), -1, ""
    for line in lines:
        before, _, after = line.partition(" - ")
        mounted_at = Path(_unescaped(before.split(" ")[4]))
        # Of two on one place the later one is on top.
        if place.is_relative_to(mounted_at) and len(mounted_at.parts) >= longest:
            longest, kind = len(mounted_at.parts), after.split(" ")[0]
    return kind


def _unescaped(field: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), field)


def check_place(path: Path, file_system: FileSystem) -> None:
    """Refuse a place where a state file would be damaged or lost unnoticed; warn where it goes with the container.

    FUSE is refused whole: what is behind it cannot be known, and most of it (S3, SSH, desktop shares) cannot lock.

    Raises:
        StoreMisplaced: The directory is not there, or its file system is shared between machines.
    """
    if not path.parent.is_dir():
        raise StoreMisplaced(
            f"there is no directory {path.parent} for the store",
            remedy="create it, or mount the volume that it should be on; rollbackd does not, lest the state lands beside a volume that is missing",
        )
    kind = file_system(path.parent)
    if kind in _SHARED or kind == "fuse" or kind.startswith("fuse."):
        raise StoreMisplaced(
            f"{path} lies on a file system of the kind {kind}, where SQLite's log cannot be kept safe",
            remedy="put it on a disk of this machine (EBS, a local volume)",
        )
    if kind in PASSING:
        log.warning(
            "store.passing",
            path=str(path),
            file_system=kind,
            words="what is remembered goes with the container",
        )


def holder(path: Path, locks: Path = Path("/proc/locks")) -> int | None:
    """The process that has the store at *path*; ``None``: none has, or it cannot be said (no Linux, another container).

    Only read, and never tried: a lock that is tried is held for that moment, and a daemon that begins then would be refused.

    Source:
        https://man7.org/linux/man-pages/man5/proc_locks.5.html
    """
    try:
        named = _beside(path).read_text(errors="replace").strip()
        lines = [line.split() for line in locks.read_text().splitlines()]
    except OSError:
        return None
    # By the process and not by the file: an overlay gives a file another number than its lock is listed under.
    holds = any(each[1] == "FLOCK" and each[4] == named for each in lines)
    return int(named) if holds and named.isascii() and named.isdigit() else None


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.lock")


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Keep every other process out of the store at *path*, until the end of the context or of this process.

    Raises:
        StoreMisplaced: Another process has it, or the lock cannot be written.
    """
    beside = _beside(path)
    try:
        lock = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreMisplaced(
            f"{beside} cannot be written: {error.strerror}",
            remedy="give the user that rollbackd runs as the right to write the directory",
        ) from error
    try:
        _lock(lock, path)
        yield
    finally:
        os.close(lock)


def _lock(lock: int, path: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in {errno.EAGAIN, errno.EACCES}:
            raise StoreMisplaced(
                f"{path} cannot be locked: {error.strerror}", remedy="put it on a disk of this machine"
            ) from error
        who = os.pread(lock, 32, 0).decode(errors="replace").strip() or "of unknown id"
        raise StoreMisplaced(
            f"another rollbackd (process {who}) has {path}",
            remedy="stop it first: a store of this kind serves one process; several share one of PostgreSQL",
        ) from error
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
