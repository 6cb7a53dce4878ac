"""How soon a daemon is ready, what it weighs with nothing to watch, and how soon the small commands start.

The daemon has one service, and looks at its own health and its own requests.
"""

import tempfile
import time
from pathlib import Path

from bench import world
from bench.figure import Figure
from bench.process import Weight, free_port, running, timed

STARTS = 9
WEIGHED = 3  # of the starts; each waits for `IDLE` seconds
IDLE = 5.0
COMMANDS = 9


def figures() -> list[Figure]:
    """Start it a few times, leave it alone a few times, and ask its health."""
    with tempfile.TemporaryDirectory() as made:
        folder, port = Path(made), free_port()
        world.build(folder, port, {"web": {}}, world.of_itself(port))
        with running(folder, port) as daemon:  # compiles everything
            health = [timed(folder, ["health", "--url", daemon.url]) for _ in range(COMMANDS + 1)][1:]
        starts = [_started(folder, port) for _ in range(STARTS)]
        idle = [_left_alone(folder, port) for _ in range(WEIGHED)]
        wait = [timed(folder, ["wait", "--help"]) for _ in range(COMMANDS + 1)][1:]
    return [
        Figure("`rollbackd run`: from exec to ready", "s", [wall for wall, _ in starts], aim=1),
        Figure("the same, CPU time", "s", [cpu for _, cpu in starts]),
        Figure("idle: resident memory", "MiB", [weight.resident for weight, _ in idle], aim=80),
        Figure("idle: proportional memory", "MiB", [weight.proportional for weight, _ in idle]),
        Figure("idle: share of one core", "%", [share * 100 for _, share in idle]),
        Figure("`rollbackd health`", "s", health),
        Figure("`rollbackd wait --help`", "s", wait),
    ]


def _started(folder: Path, port: int) -> tuple[float, float]:
    with running(folder, port) as daemon:
        return daemon.started, daemon.started_cpu


def _left_alone(folder: Path, port: int) -> tuple[Weight, float]:
    """What it weighs after a while, and the share of a core that it took meanwhile."""
    with running(folder, port) as daemon:
        before = daemon.cpu()
        time.sleep(IDLE)
        return daemon.weight(), (daemon.cpu() - before) / IDLE
