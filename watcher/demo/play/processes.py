"""The processes of the play. Whatever happens, none outlives it."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from watcher.demo.play.waiting import Ended

PATIENCE = 10.0  # seconds that a process gets to end by itself
COMMAND = (
    sys.executable,
    "-c",
    "from watcher.cli import main; main()",
)  # the console script, wherever it lies


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of a command."""

    status: int
    stdout: str
    stderr: str


async def run(arguments: Sequence[str], environment: Mapping[str, str], within: float) -> Ran:
    """Run ``rollbackd`` with *arguments*, as a person or a pipeline would.

    Raises:
        TimeoutError: It took longer than *within* seconds; it is ended.
    """
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | environment | {"NO_COLOR": "1"},
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(within):
            out, err = await process.communicate()
    finally:
        await _end(process, signal.SIGKILL)
    return Ran(process.returncode or 0, out.decode(errors="replace"), err.decode(errors="replace"))


class Child:
    """A process that runs until it is told otherwise; what it prints goes to a file."""

    def __init__(self, name: str, argv: Sequence[str], log: Path, environment: Mapping[str, str]) -> None:
        self._name = name
        self._argv = argv
        self._log = log
        self._environment = environment
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it, in a session of its own: a Ctrl-C on the terminal is for the play, which ends its children itself."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._argv,
                stdin=asyncio.subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=os.environ | self._environment,
                start_new_session=True,
            )

    @property
    def pid(self) -> int | None:
        """Its number, while it runs."""
        return self._process.pid if self._process and self._process.returncode is None else None

    def check(self) -> None:
        """Raises `Ended` if it does not run any more."""
        if self.pid is None:
            status = self._process.returncode if self._process else "nothing"
            last = next(
                reversed(self._log.read_text(errors="replace").strip().splitlines()), "it said nothing"
            )
            raise Ended(
                f"{self._name} has ended, with {status}: {last[:200]}", remedy=f"see the end of {self._log}"
            )

    async def kill(self) -> None:
        """``kill -9``; gives back once it is gone."""
        if self._process is not None:
            await _end(self._process, signal.SIGKILL)

    def hang_up(self) -> None:
        """``kill -HUP``: read the configuration again."""
        if self._process is not None:
            self._process.send_signal(signal.SIGHUP)

    async def dismiss(self) -> None:
        """Close its stdin, which ends it; insist if it does not."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    await self._process.wait()
        await self.kill()

    async def stop(self) -> None:
        """Ask it to end; insist if it does not."""
        if self._process is not None:
            await _end(self._process, signal.SIGTERM)


async def _end(process: asyncio.subprocess.Process, by: signal.Signals) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(by)
        try:
            async with asyncio.timeout(PATIENCE):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
    if process.stdin is not None:
        process.stdin.close()
