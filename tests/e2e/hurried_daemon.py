"""The daemon as a process whose clock is that of the simulated AWS: ``python -m tests.e2e.hurried_daemon CONFIG AT SINCE SPEED``.

Unmodified but for its clock: it was AT (ISO 8601) at SINCE (seconds of ``clock.monotonic``), and runs SPEED times as fast.
"""

import asyncio
import sys
from datetime import datetime, timedelta
from pathlib import Path

from tests.crash.hurried import Policy
from watcher import clock
from watcher.app import Ports, run


def main(config: str, at: str, since: str, speed: str) -> int:
    """Run it until SIGTERM; its exit status."""
    epoch, began, factor = datetime.fromisoformat(at), float(since), float(speed)

    def monotonic() -> float:
        return (clock.monotonic() - began) * factor

    def now() -> datetime:
        return epoch + timedelta(seconds=monotonic())

    asyncio.set_event_loop_policy(Policy(factor))
    return run(Path(config), Ports(now=now, monotonic=monotonic))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
