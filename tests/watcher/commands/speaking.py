"""Our own command, as a process of its own, speaking to a daemon that is served by the test."""

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.watcher.api.daemon import ADA, Api

ROLLBACKD = Path(sys.executable).parent / "rollbackd"
PASSED_ON = ("PATH", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")


@dataclass(frozen=True)
class Said:
    """What a command said, and how it ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def run(*words: str, **environment: str) -> Said:
    """Run ``rollbackd`` with *words*."""
    kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    done = subprocess.run(
        [ROLLBACKD, *words], env=kept | environment, capture_output=True, text=True, timeout=60, check=False
    )
    return Said(done.returncode, done.stdout, done.stderr)


async def speak(api: Api, *words: str, **environment: str) -> Said:
    """Run it against *api*, with the token that may everything."""
    usual = {"ROLLBACKD_URL": api.url, "ROLLBACKD_TOKEN": ADA.secret}
    return await asyncio.to_thread(run, *words, **(usual | environment))
