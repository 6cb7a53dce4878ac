"""A disk that is small, and really full: a file system of its own, in memory (needs root). And how a store fills it."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.contract.store.build import NOON
from watcher.core.watch import Closing
from watcher.errors import StoreUnavailable
from watcher.store.store import Store

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")


@dataclass(frozen=True)
class Disk:
    """Where it is mounted."""

    path: Path

    def becomes(self, mib: int) -> None:
        """What an operator does about a full disk."""
        subprocess.run(["/bin/mount", "-o", f"remount,size={mib}m", str(self.path)], check=True)


@contextmanager
def a_disk(path: Path, mib: int, owner: int = 0) -> Iterator[Disk]:
    """A disk of *mib* MiB at *path*, which *owner* may write."""
    path.mkdir()
    options = f"size={mib}m,mode=0700,uid={owner},gid={owner}"
    subprocess.run(["/bin/mount", "-t", "tmpfs", "-o", options, "tmpfs", str(path)], check=True)
    try:
        yield Disk(path)
    finally:
        subprocess.run(["/bin/umount", "--lazy", str(path)], check=True)


async def accept(store: Store, number: int, size: int = 4000) -> None:
    """An announcement that is closed, so that it can be forgotten, of *size* bytes that cannot be pressed together."""
    closing = Closing(f"a_{number}", "recorded")
    await store.accept(
        closing.announcement, None, os.urandom(size), "p", NOON, ("queue", str(number)), closing
    )


async def fill(store: Store, size: int = 4000, first: int = 0) -> int:
    """Accept, from number *first* on, until nothing more of *size* goes in; the number that did not."""
    for number in range(first, first + 10_000):
        try:
            await accept(store, number, size)
        except StoreUnavailable as error:
            assert "disk is full" in f"{error}"  # noqa: PT017 - that is how it ends
            return number
    raise AssertionError


async def kept(store: Store, many: int) -> bool:
    """Whether the first *many* are there."""
    return None not in [await store.announcement(f"a_{number}") for number in range(many)]
