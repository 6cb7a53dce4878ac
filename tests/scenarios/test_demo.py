"""The demo plays, from the command line: a world on loopback, real HTTP, and the real daemon as its own process.

The whole play, with the ``kill -9``, is ``make demo``.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

LONGEST = 180  # seconds, on a machine that is busy; half a minute on one that is not
COMMAND = (sys.executable, "-c", "from watcher.cli import main; main()", "demo", "--plain")


def played(out: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A play, to its end."""
    return subprocess.run(
        [*COMMAND, "--out", str(out), *arguments],
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
        env=os.environ | {"NO_COLOR": "1"},
    )


def left_behind(out: Path) -> list[str]:
    """Processes that still run, of a play in *out*."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(out) in command:
            found.append(command)
    return found


@pytest.mark.parametrize(
    ("release", "says"),
    [
        ("errors", "v41 was put back, with exactly one move"),
        pytest.param("good", "v42 was not rolled back, and passed", marks=pytest.mark.long),
    ],
)
@pytest.mark.lasts(30)
def test_a_release_is_played_and_all_that_is_claimed_happened(tmp_path, release, says):
    done = played(tmp_path, "--release", release)

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"✓ {says}" in done.stdout
    assert "✗" not in done.stdout
    assert "<svg" in (tmp_path / "report.html").read_text()
    assert left_behind(tmp_path) == []


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_the_sandbox_runs_until_it_is_told_to_end_and_leaves_nothing_behind(tmp_path, by):
    with subprocess.Popen(
        [*COMMAND, "--sandbox", "--out", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as sandbox:
        try:
            assert sandbox.stdout is not None
            said = ""
            while "Everything runs until Ctrl-C" not in said:
                line = sandbox.stdout.readline()
                assert line, said
                said += line
            # The demo, the world, the daemon; and, for a moment, a program that the daemon runs.
            assert 3 <= len(left_behind(tmp_path)) <= 4
            sandbox.send_signal(by)
            sandbox.communicate(timeout=LONGEST)
        finally:
            sandbox.kill()  # or what failed would be waited for, without end

    assert sandbox.returncode == 0
    assert left_behind(tmp_path) == []
