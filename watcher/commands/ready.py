"""``rollbackd ready``: whether each service could be put back now, and how long it would take; reads only."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import click

from deploy.model import Level
from watcher.app.ports import Ports
from watcher.app.reload import load
from watcher.commands._config import config_option
from watcher.commands._doctor.services import only
from watcher.commands._ready.examining import examined
from watcher.commands._ready.rows import HEADS, Row
from watcher.commands._screen import as_json, data, plain, say, table
from watcher.commands._which import which
from watcher.config import Configuration, InvalidConfiguration
from watcher.telemetry.logs import Logging, logging_to
from watcher.telemetry.metrics import Metrics
from watcher.telemetry.redaction import Redactor

FINDINGS, USAGE = 1, 2
STDERR = 2


@click.command()
@click.argument("what", nargs=-1, metavar="[SERVICE ENVIRONMENT]")
@config_option
@as_json
def command(*, what: tuple[str, ...], config: Path, as_json: bool) -> None:
    """Say of each service, or of one, whether it could be put back now: a row each. Nothing is changed anywhere.

    Where it would go and how long that takes, whether that release is still there and can be pulled, whether it may be
    moved, whether its names and signals can be read. No daemon is asked. Exit status 1 if a row says NO, 2 if the
    configuration has a mistake. A warning is no NO.
    """
    redactor = Redactor()
    try:
        configuration = _of(load(config, redactor.learn), what)
    except InvalidConfiguration as invalid:
        for problem in invalid.problems:
            say(str(problem))
        raise SystemExit(USAGE) from None
    ports = Ports()
    with logging_to(Logging(level="error", fd=STDERR), redactor, Metrics(), ports.monotonic):
        rows = asyncio.run(examined(configuration, ports))
    show(rows, redactor, as_json=as_json)
    raise SystemExit(FINDINGS if any(each.level is Level.FAIL for each in rows) else 0)


def _of(configuration: Configuration, what: tuple[str, ...]) -> Configuration:
    """*configuration*, with the service that was named alone."""
    key = which(configuration, what)
    return configuration if key is None else only(configuration, key)


def show(rows: Sequence[Row], redactor: Redactor, *, as_json: bool) -> None:
    """The rows on stdout; why a row is not a plain yes, on stderr."""
    if as_json:
        data(redactor.clean({"services": [each.as_data() for each in rows]}))
        return
    table(HEADS, [[redactor.text(cell) for cell in each.cells()] for each in rows])
    for each in rows:
        for finding in each.findings:
            if finding.level is not Level.OK:
                name = "/".join(each.service.key)
                say(plain(redactor.text(f"{finding.level:4}  {name}: {finding.words}")))
                say(plain(redactor.text(f"      try: {finding.remedy}")))
