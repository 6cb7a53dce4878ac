"""Runs a program: no shell, its own process group, a clean environment, output and time bounded.

The end of the program is the end of the call: what it left behind in its group goes on, its output is no longer read.
Only where time runs out, or the caller is cancelled, the whole group is killed. A process that left the group
(``setsid``) is out of reach.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from datetime import timedelta

from deploy.ports import Ran

KEPT = (
    64 * 1024
)  # bytes of each stream; more is read and thrown away, so that the program never blocks on a full pipe
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
LAST_WORDS = (
    0.2  # seconds to wait for the end of the output once the program has ended: a grandchild may hold it open
)
BURIAL = 2.0  # seconds to wait for the end of what was killed: in an uninterruptible sleep it does not end

STDOUT, STDERR = 1, 2


async def run(argv: Sequence[str], timeout: timedelta, environment: Mapping[str, str]) -> Ran:
    """Run *argv* in ``/``, with nothing on stdin and nothing but ``PATH`` and *environment*, for at most *timeout*.

    Raises:
        OSError: It could not be started.
        ValueError: The program is not an absolute path.
    """
    if not argv[0].startswith("/"):
        raise ValueError(f"{argv[0]!r} is not an absolute path")

    starting = asyncio.ensure_future(
        asyncio.get_running_loop().subprocess_exec(
            _Listener,
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            env={"PATH": PATH, **environment},
            cwd="/",
            start_new_session=True,
        )
    )
    try:
        transport, heard = await asyncio.shield(starting)
    except asyncio.CancelledError:
        # asyncio would kill the program alone, and wait until all that it started has let go of its output.
        with contextlib.suppress(OSError):
            await _bury(*await starting)
        raise
    try:
        timed_out = not await _happens(heard.ended, timeout.total_seconds())
        if not timed_out:
            await _happens(heard.silent, LAST_WORDS)
    finally:
        await _bury(transport, heard)

    status = transport.get_returncode()
    return Ran(
        status=-signal.SIGKILL if status is None else status,
        stdout=bytes(heard.kept[STDOUT]),
        stderr=bytes(heard.kept[STDERR]),
        timed_out=timed_out,
        truncated=heard.truncated,
    )


class _Listener(asyncio.SubprocessProtocol):
    """Keeps the beginning of what a program prints, and notices its end.

    Not ``Process.wait``: in some versions of Python it also waits until the last grandchild has let go of stdout.
    """

    def __init__(self) -> None:
        self.kept = {STDOUT: bytearray(), STDERR: bytearray()}
        self.truncated = False
        self.ended = asyncio.Event()
        self.silent = asyncio.Event()
        self._open = set(self.kept)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        room = KEPT - len(self.kept[fd])
        self.kept[fd] += data[:room]
        self.truncated |= len(data) > room

    def pipe_connection_lost(self, fd: int, _exc: Exception | None) -> None:
        self._open.discard(fd)
        if not self._open:
            self.silent.set()

    def process_exited(self) -> None:
        self.ended.set()


async def _happens(event: asyncio.Event, within: float) -> bool:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(within):
            await event.wait()
    return event.is_set()


async def _bury(transport: asyncio.SubprocessTransport, heard: _Listener) -> None:
    """Kill the program and all that it started, unless it has ended by itself: then the number may be somebody else's."""
    if transport.get_returncode() is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(transport.get_pid(), signal.SIGKILL)
        await _happens(heard.ended, BURIAL)
    transport.close()
