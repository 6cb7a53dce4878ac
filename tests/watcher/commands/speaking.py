"""Our own command, as a process of its own, speaking to a daemon that is served by the test."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.watcher.api.daemon import ADA, Api

ROLLBACKD = Path(sys.executable).parent / "rollbackd"
PASSED_ON = ("PATH", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")
PATIENCE = 60  # seconds


@dataclass(frozen=True)
class Said:
    """What a command said, and how it ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Speaking:
    """A command that is not over yet."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._err = ""

    async def until(self, words: str) -> None:
        """Until it has said *words* on stderr."""
        assert self._process.stderr is not None
        async with asyncio.timeout(PATIENCE):
            while words not in self._err:
                line = await self._process.stderr.readline()
                assert line, self._err
                self._err += line.decode()

    async def ended(self) -> Said:
        """What it has said when it is over."""
        async with asyncio.timeout(PATIENCE):
            out, err = await self._process.communicate()
        assert self._process.returncode is not None
        return Said(self._process.returncode, out.decode(), self._err + err.decode())


def run(*words: str, **environment: str) -> Said:
    """Run ``rollbackd`` with *words*."""
    done = subprocess.run(
        [ROLLBACKD, *words],
        env=_kept() | environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return Said(done.returncode, done.stdout, done.stderr)


async def speak(api: Api, *words: str, **environment: str) -> Said:
    """Run it against *api*, with the token that may everything."""
    return await asyncio.to_thread(run, *words, **(_to(api) | environment))


@asynccontextmanager
async def begun(api: Api, *words: str, **environment: str) -> AsyncIterator[Speaking]:
    """The same, while it runs."""
    process = await asyncio.create_subprocess_exec(
        str(ROLLBACKD),
        *words,
        env=_kept() | _to(api) | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield Speaking(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _kept() -> dict[str, str]:
    return {name: os.environ[name] for name in PASSED_ON if name in os.environ}


def _to(api: Api) -> dict[str, str]:
    return {"ROLLBACKD_URL": api.url, "ROLLBACKD_TOKEN": ADA.secret}
