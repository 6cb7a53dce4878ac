"""Where the file may lie: on a disk of this machine, and for one process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import structlog

from tests.contract.store.build import Clock
from watcher.errors import StoreMisplaced
from watcher.store.sqlite.opening import SqliteSettings, open_sqlite
from watcher.store.sqlite.place import check_place, file_system_of, held, holder
from watcher.store.store import Opening

MOUNTS = """\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:25 / /mnt rw shared:2 - tmpfs tmpfs rw
31 30 0:44 / /mnt/state\\040of\\040ours rw - nfs4 fs-1.efs.eu-central-1.amazonaws.com:/ rw,vers=4.1
32 22 0:45 / /data rw - xfs /dev/vdb rw
33 22 0:46 / /data rw - fuse.s3fs s3fs rw
"""


@pytest.fixture
def mounts(tmp_path):
    file = tmp_path / "mountinfo"
    file.write_text(MOUNTS)
    return file


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/rollbackd", "ext4"),
        ("/mnt", "tmpfs"),
        ("/mnt/state", "tmpfs"),
        ("/mnt/state of ours/here", "nfs4"),
        ("/data", "fuse.s3fs"),  # mounted over another: the one on top counts
        ("/database", "ext4"),  # a name that begins alike lies elsewhere
    ],
)
def test_the_file_system_is_that_of_the_nearest_mount(mounts, path, kind):
    assert file_system_of(Path(path), mounts) == kind


def test_where_it_cannot_be_said_it_is_not_said(tmp_path):
    assert file_system_of(tmp_path, tmp_path / "nothing") == ""


def test_this_machine_says_where_we_are(tmp_path):
    assert file_system_of(tmp_path) != ""


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "9p", "fuse", "fuse.sshfs", "fuse.s3fs", "ceph"])
def test_a_file_system_that_is_shared_is_refused(tmp_path, kind):
    with pytest.raises(StoreMisplaced, match=f"file system of the kind {kind}") as caught:
        check_place(tmp_path / "state.db", lambda _: kind)

    assert "a disk of this machine" in caught.value.remedy


@pytest.mark.parametrize("kind", ["overlay", "tmpfs"])
def test_a_file_system_that_passes_is_warned_of(tmp_path, kind):
    with structlog.testing.capture_logs() as logs:
        check_place(tmp_path / "state.db", lambda _: kind)

    assert [(log["event"], log["log_level"], log["file_system"]) for log in logs] == [
        ("store.passing", "warning", kind)
    ]


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs", "fuseblk", ""])
def test_a_disk_is_nothing_to_speak_of(tmp_path, kind):
    with structlog.testing.capture_logs() as logs:
        check_place(tmp_path / "state.db", lambda _: kind)

    assert logs == []


def test_a_directory_that_is_not_there_is_not_made(tmp_path):
    with pytest.raises(StoreMisplaced, match="there is no directory"):
        check_place(tmp_path / "volume" / "state.db", lambda _: "ext4")

    assert not (tmp_path / "volume").exists()


def test_a_second_process_is_refused_and_told_which_is_the_first(tmp_path):
    path = tmp_path / "state.db"
    program = f"from pathlib import Path; from watcher.store.sqlite.place import held\nwith held(Path({str(path)!r})): pass"

    with held(path):
        second = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
        )

    assert second.returncode != 0
    assert f"StoreMisplaced: another rollbackd (process {os.getpid()}) has {path}" in second.stderr


def test_the_lock_is_free_when_the_first_is_gone(tmp_path):
    for _ in range(2):
        with held(tmp_path / "state.db"):
            pass


def test_a_lock_that_cannot_be_written_is_our_error(tmp_path):
    (tmp_path / "state.db.lock").mkdir()

    with (
        pytest.raises(StoreMisplaced, match=r"state\.db\.lock cannot be written"),
        held(tmp_path / "state.db"),
    ):
        pass


async def test_two_stores_on_one_file_are_refused_also_in_one_process(tmp_path):
    settings, opening = SqliteSettings(path=tmp_path / "state.db"), Opening(Clock())

    async with open_sqlite(settings, opening):
        with pytest.raises(StoreMisplaced, match="another rollbackd"):
            async with open_sqlite(settings, opening):
                pass


async def test_a_store_on_a_network_is_not_opened_and_leaves_nothing_there(tmp_path):
    with pytest.raises(StoreMisplaced, match="nfs4"):
        async with open_sqlite(
            SqliteSettings(path=tmp_path / "state.db"), Opening(Clock()), file_system=lambda _: "nfs4"
        ):
            pass

    assert list(tmp_path.iterdir()) == []


async def test_nobody_else_may_read_the_file(tmp_path):
    async with open_sqlite(SqliteSettings(path=tmp_path / "state.db"), Opening(Clock())):
        modes = {path.name: oct(path.stat().st_mode & 0o777) for path in tmp_path.iterdir()}

    assert set(modes) == {"state.db", "state.db-wal", "state.db-shm", "state.db.lock"}
    assert set(modes.values()) == {"0o600"}


def test_who_has_it_is_known_by_looking_alone(tmp_path):
    path, locks = tmp_path / "state.db", tmp_path / "locks"
    locks.write_text(
        "1: POSIX  ADVISORY  WRITE 4242 fe:00:1 0 EOF\n"
        f"2: FLOCK  ADVISORY  WRITE {os.getpid()} fe:00:2 0 EOF\n"
    )

    before = holder(path, locks)
    with held(path):
        during = holder(path, locks)

    assert (before, during) == (None, os.getpid())
    with held(path):  # nothing was tried
        pass


@pytest.mark.parametrize("how", ["POSIX", "->"])
def test_a_process_that_is_named_and_has_no_lock_any_more_does_not_have_it(tmp_path, how):
    path, locks = tmp_path / "state.db", tmp_path / "locks"
    locks.write_text(f"1: {how}  ADVISORY  WRITE {os.getpid()} fe:00:2 0 EOF\n")

    with held(path):
        found = holder(path, locks), holder(path, tmp_path / "not-told")

    assert found == (None, None)
