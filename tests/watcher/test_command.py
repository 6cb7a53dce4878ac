import asyncio
import os
import signal
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from tests.waiting import passes
from watcher.command import KEPT, PATH, run

LONG = timedelta(seconds=60)


async def python(source, *arguments, timeout=LONG, environment=None):
    return await run([sys.executable, "-IS", "-c", source, *arguments], timeout, environment or {})


async def sh(script, *arguments, timeout=LONG):
    return await run(["/bin/sh", "-c", script, "sh", *arguments], timeout, {})


def is_gone(pid):
    """Dead, or dead and not yet buried by whoever adopted it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


async def eventually(condition, *arguments):
    """Whether *condition* comes to hold: a kill takes its time, and so does a program's start."""
    for _ in range(6000):
        if condition(*arguments):
            return True
        await asyncio.sleep(0.01)
    return False


def open_files():
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_a_program_is_run_to_its_end():
    ran = await sh("echo out; echo err >&2; exit 3")

    assert (ran.status, ran.stdout, ran.stderr) == (3, b"out\n", b"err\n")
    assert (ran.timed_out, ran.truncated) == (False, False)


async def test_arguments_arrive_as_they_are_and_no_shell_sees_them():
    hostile = ["--help", "$(touch /tmp/x)", "`x`", "a b", "*", "", "a\nb", "ü", "'", '"', "; exit 1"]

    ran = await python("import sys; sys.stdout.write('\\0'.join(sys.argv[1:]))", *hostile)

    assert ran.stdout.decode().split("\0") == hostile


async def test_the_environment_is_clean_the_folder_is_the_root_and_nothing_is_to_be_read():
    ran = await sh("env; pwd; cat; ls -l /proc/self/fd | wc -l")

    lines = ran.stdout.decode().splitlines()
    assert set(lines[:-2]) == {f"PATH={PATH}", "PWD=/"}
    assert lines[-2] == "/"
    assert int(lines[-1]) <= 6  # a heading, 0, 1, 2, and what ls has opened: nothing of the daemon's


async def test_what_is_given_is_in_the_environment():
    ran = await python("import os; print(os.environ['A'])", environment={"A": "b c"})

    assert ran.stdout == b"b c\n"


@pytest.mark.parametrize("stream", [1, 2])
async def test_output_without_end_is_kept_only_at_its_beginning(stream):
    ran = await python(f"import os\nfor _ in range(800): os.write({stream}, b'x' * 65536)")

    assert ran.truncated
    assert len(ran.stdout) + len(ran.stderr) == KEPT
    assert ran.status == 0


async def test_output_that_just_fits_is_whole():
    ran = await python(f"import os; os.write(1, b'x' * {KEPT})")

    assert not ran.truncated
    assert len(ran.stdout) == KEPT


async def test_a_program_that_is_killed_by_a_signal_says_which():
    ran = await sh("kill -9 $$")

    assert (ran.status, ran.timed_out) == (-signal.SIGKILL, False)


async def test_what_hangs_is_killed_with_all_that_it_started(tmp_path):
    file = tmp_path / "pids"
    script = 'sleep 600 & echo $! >"$1"; echo said; (sleep 600; true) & echo $! >>"$1"; sleep 600'
    call = asyncio.ensure_future(sh(script, str(file)))
    assert await eventually(lambda: file.exists() and len(file.read_text().split()) == 2)

    passes(LONG.total_seconds())
    ran = await call

    assert ran.timed_out
    assert ran.status == -signal.SIGKILL
    assert ran.stdout == b"said\n"
    pids = [int(pid) for pid in file.read_text().split()]
    assert [await eventually(is_gone, pid) for pid in pids] == [True, True]


async def test_what_ignores_the_signals_of_the_polite_is_killed_too():
    ran = await sh("trap '' TERM INT HUP; while :; do sleep 600; done", timeout=timedelta(milliseconds=200))

    assert ran.timed_out


async def test_a_program_of_a_cancelled_caller_is_killed_with_all_that_it_started(tmp_path):
    pids = tmp_path / "pids"
    call = asyncio.ensure_future(
        sh('sleep 600 & echo $! $$ >"$1.new"; mv "$1.new" "$1"; sleep 600', str(pids))
    )
    assert await eventually(pids.exists)
    call.cancel()

    with pytest.raises(asyncio.CancelledError):
        await call
    assert [await eventually(is_gone, int(pid)) for pid in pids.read_text().split()] == [True, True]


@pytest.mark.parametrize("turns", [2, 3, 5])
async def test_who_is_cancelled_while_the_program_begins_kills_all_that_it_started_too(tmp_path, turns):
    pids = tmp_path / "pids"
    call = asyncio.ensure_future(
        sh('sleep 600 & echo $! $$ >"$1.new"; mv "$1.new" "$1"; sleep 600', str(pids))
    )
    for _ in range(turns):
        await asyncio.sleep(0)
    while not pids.exists():
        time.sleep(0.005)  # noqa: ASYNC251 - it is late, as on a machine that has other things to do
    call.cancel()

    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(60):
            await call
    assert [await eventually(is_gone, int(pid)) for pid in pids.read_text().split()] == [True, True]


async def test_what_goes_on_in_the_background_is_neither_waited_for_nor_killed(tmp_path):
    async with asyncio.timeout(60):
        ran = await sh('sleep 600 & echo $! >"$1"; echo started', str(tmp_path / "pid"))
    pid = int((tmp_path / "pid").read_text())

    assert (ran.status, ran.stdout) == (0, b"started\n")
    os.kill(pid, 0)  # it lives
    os.kill(pid, signal.SIGKILL)


async def test_a_program_is_not_in_the_daemons_group():
    ran = await python("import os; print(os.getpgid(0), os.getpid(), os.getsid(0))")

    assert len(set(ran.stdout.split())) == 1


@pytest.mark.parametrize("path", ["/no/such/program", "/etc/passwd", "/"])
async def test_what_cannot_be_started_is_an_os_error(path):
    with pytest.raises(OSError):  # noqa: PT011 - which one is the system's to say
        await run([path], LONG, {})


async def test_a_program_without_an_absolute_path_is_a_bug():
    with pytest.raises(ValueError, match="'ls' is not an absolute path"):
        await run(["ls"], LONG, {})


async def test_many_programs_at_once_do_not_mix_what_they_say():
    async with asyncio.TaskGroup() as group:
        calls = [group.create_task(sh('sleep 0.05; echo "$1"', str(number))) for number in range(20)]

    assert [call.result().stdout for call in calls] == [f"{number}\n".encode() for number in range(20)]


async def test_no_file_is_left_open():
    before = open_files()
    for _ in range(5):
        await sh("sleep 600", timeout=timedelta(milliseconds=20))
        await sh("true")
    await asyncio.sleep(0.05)

    assert open_files() <= before + 2  # the loop's own
