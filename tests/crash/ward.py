"""Where lives of the daemon are started and ended from: the other end of ``tests.crash.victim``."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.crash.hurried import Hurried
from tests.crash.patience import until
from tests.crash.seams import Death

NOBODY = 0  # no process has this number
ROOT = Path(__file__).parent.parent.parent


@dataclass
class Life:
    """One process of the daemon. *ended* is its exit status; negative: the signal."""

    pid: int
    log: Path
    trace: Path
    ended: "asyncio.Future[int]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    @property
    def events(self) -> list[dict[str, Any]]:
        """What it has logged."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]

    @property
    def address(self) -> str | None:
        """Where it is heard, once it is."""
        return next((event["address"] for event in self.events if event["event"] == "daemon.started"), None)

    @property
    def seams(self) -> list[str]:
        """What it has passed, in order."""
        return self.trace.read_text().splitlines() if self.trace.exists() else []


class Ward:
    """All lives that one victim bears."""

    def __init__(self, process: asyncio.subprocess.Process, time: Hurried) -> None:
        self._process = process
        self._time = time
        self._lives: dict[int, Life] = {}
        self._born: asyncio.Queue[int] = asyncio.Queue()
        self._bearing = asyncio.Lock()

    async def bear(
        self, configuration: Path, number: int, death: Death | None = None, log: Path | None = None
    ) -> Life:
        """Start the daemon on *configuration*, for the *number*-th time."""
        log = log or configuration.with_name(f"{number}.log")
        trace = configuration.with_name(f"{number}.trace")
        told = {
            "config": str(configuration),
            "log": str(log),
            "trace": str(trace),
            "death": (death.at, death.by) if death else None,
            "factor": self._time.factor,
            "began": self._time.began,
        }
        async with self._bearing:
            await self._say(start=told)
            pid = await self._born.get()
            assert pid != NOBODY, "the victim has ended; its stderr says why"
            life = self._lives[pid] = Life(pid, log, trace)
        return life

    async def signal(self, life: Life, number: signal.Signals) -> None:
        """Send it a signal, if it lives: another one may have its number by now."""
        if self._lives.get(life.pid) is life:
            await self._say(signal=number, to=life.pid)

    async def hear(self) -> None:
        """Take what the victim says, until it ends."""
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            said = json.loads(line)
            if "started" in said:
                self._born.put_nowait(said["started"])
            else:
                await self._buried(said["ended"], said["status"])
        self._born.put_nowait(NOBODY)

    async def _buried(self, pid: int, status: int) -> None:
        await until(lambda: pid in self._lives)
        life = self._lives.pop(pid)
        if not life.ended.done():  # whoever waited for it may have given up, which cancels it
            life.ended.set_result(status)

    async def _say(self, **what: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(what).encode() + b"\n")
        await self._process.stdin.drain()


@contextlib.asynccontextmanager
async def a_ward(time: Hurried) -> AsyncIterator[Ward]:
    """A victim of its own; nothing of it lives afterwards."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.crash.victim",
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    ward = Ward(process, time)
    hearing = asyncio.ensure_future(ward.hear())
    try:
        yield ward
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()
        await hearing
