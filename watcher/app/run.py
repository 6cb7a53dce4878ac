"""Runs the daemon until SIGTERM: reads the configuration, builds, goes round, drains."""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path

import structlog
from pydantic import SecretStr

from watcher.app.build import CannotListen, Running, build
from watcher.app.made import Crashed
from watcher.app.ports import Ports
from watcher.app.reload import load
from watcher.config import Configuration, InvalidConfiguration
from watcher.errors import (
    OtherBotocore,
    StoreMisplaced,
    StoreTooNew,
    StoreUnavailable,
    WatcherError,
    WrongDsn,
)
from watcher.telemetry.crashes import DSN, Scrubber, crashes
from watcher.telemetry.logs import Logging, logging_to, on_a_terminal
from watcher.telemetry.metrics import Metrics
from watcher.telemetry.redaction import Redactor

USAGE, UNAVAILABLE, ANOTHER = 2, 4, 75  # sysexits.h calls 75 a temporary failure: try again later
LAST_MOMENT = (
    9.5  # seconds after SIGTERM: a call that hangs in a thread would keep the process (operations.md, trap 2)
)
OF_AWS = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")  # of the daemon itself, where it has no role
log = structlog.stdlib.get_logger("rollbackd.app")


def secrets_in(environ: Mapping[str, str]) -> list[str]:
    """Those that stand in the environment itself, and not behind a reference of the configuration."""
    return [environ[name].strip() for name in (DSN, *OF_AWS) if environ.get(name)]


def run(path: Path, ports: Ports | None = None) -> int:
    """Run the daemon on the configuration at *path*; the exit status.

    SIGTERM and SIGINT are obeyed from here on until the process is gone.

    0 after SIGTERM; 2 if the configuration or `SENTRY_DSN` has a mistake; 4 if the store or the address cannot be had; 75 if another
    process has the store.
    """
    ending = _Ending()
    redactor = Redactor()
    try:
        configuration = load(path, redactor.learn)
    except InvalidConfiguration as invalid:
        for problem in invalid.problems:
            sys.stderr.write(f"{problem}\n")
        many = len(invalid.problems)
        sys.stderr.write(f"{many} mistake{'' if many == 1 else 's'}; nothing was started\n")
        return USAGE
    return _logged(configuration, ports or Ports(), redactor, ending)


class _Ending:
    """What SIGTERM and SIGINT do: they end the process at once, but tell a daemon that goes round to stop.

    The handler is Python's own, from the first line to the last. asyncio's come late and leave before the end, and where there
    is none the process ends as killed, or, as the first of a container, not at all.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: Callable[[], None] = lambda: None
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._hear)

    def by(self, stop: Callable[[], None], loop: asyncio.AbstractEventLoop) -> None:
        """From now on *stop* is called, in *loop*, until that is closed."""
        self._stop, self._loop = stop, loop

    def _hear(self, _number: int, _frame: object) -> None:
        if self._loop is None or self._loop.is_closed():
            os._exit(0)  # what was in hand is in the store, and is taken up again
        self._loop.call_soon_threadsafe(self._stop)


def _logged(configuration: Configuration, ports: Ports, redactor: Redactor, ending: _Ending) -> int:
    metrics = Metrics(version("rollbackd"))
    dsn = SecretStr(os.environ[DSN]) if os.environ.get(DSN) else None
    redactor.learn(secrets_in(os.environ))
    scrubber = Scrubber(redactor, ports.monotonic, metrics)
    how = Logging(pretty=on_a_terminal())
    try:
        with (
            logging_to(how, redactor, metrics, ports.monotonic),
            crashes(dsn, version("rollbackd"), "production", scrubber) as crashed,
        ):
            return asyncio.run(_run(configuration, ports, metrics, crashed, redactor, ending))
    except (
        StoreMisplaced,
        StoreTooNew,
        StoreUnavailable,
        CannotListen,
        OtherBotocore,
        WrongDsn,
        OSError,
    ) as error:
        return _refused(error)


def _refused(error: WatcherError | OSError) -> int:
    remedy = (
        error.remedy
        if isinstance(error, WatcherError)
        else "let the user that rollbackd runs as read and write what is named above"
    )
    sys.stderr.write(f"rollbackd cannot start: {error}\n    try: {remedy}\n")
    if isinstance(error, WrongDsn):
        return USAGE
    return ANOTHER if isinstance(error, StoreMisplaced) else UNAVAILABLE


async def _run(
    configuration: Configuration,
    ports: Ports,
    metrics: Metrics,
    crashed: Crashed,
    redactor: Redactor,
    ending: _Ending,
) -> int:
    async with build(configuration, ports, metrics, crashed) as running:
        running.in_force.learn = redactor.learn
        _obey_signals(running, ending)
        host, port = running.address
        log.info(
            "daemon.started",
            version=version("rollbackd"),
            address=f"{host}:{port}",
            services=len(configuration.services),
            configuration=configuration.digest[:12],
        )
        drained = await running.daemon.run()
        log.info("daemon.ended", drained=drained)
    return 0


def _obey_signals(running: Running, ending: _Ending) -> None:
    """SIGTERM and SIGINT stop, SIGHUP reads the configuration again."""
    loop = asyncio.get_running_loop()
    reloads: set[asyncio.Task[bool]] = set()

    def stop() -> None:
        running.daemon.stop.set()
        _end_anyway(LAST_MOMENT, lambda: os._exit(0))

    def reload() -> None:
        task = loop.create_task(running.in_force.reload())
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    ending.by(stop, loop)
    loop.add_signal_handler(signal.SIGHUP, reload)


def _end_anyway(seconds: float, end: Callable[[], None]) -> None:
    """End the process after *seconds*, whatever still hangs: what it had in hand is in the store, and is taken up again."""
    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
