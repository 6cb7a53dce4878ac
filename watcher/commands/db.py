"""``rollbackd db``: the database: check it, upgrade it, copy it."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from deploy.model import Level
from watcher.app.reload import load
from watcher.clock import monotonic, now
from watcher.commands._config import config_option
from watcher.commands._screen import data, line, say, table
from watcher.config import InvalidConfiguration
from watcher.errors import StoreMisplaced, StoreTooNew, StoreUnavailable, WatcherError
from watcher.store.care import ByHand, Care, Looked
from watcher.store.registry import STORES
from watcher.store.schema import Migration
from watcher.telemetry.logs import Logging, logging_to
from watcher.telemetry.metrics import Metrics
from watcher.telemetry.redaction import Redactor

T = TypeVar("T")
FINDINGS, USAGE, REFUSED, UNAVAILABLE = 1, 2, 3, 4
STDERR = 2


@click.group()
def command() -> None:
    """Check, upgrade and copy the database of the daemon. `check` and `backup` may be run while it is at work.

    Exit status 2 if the configuration has a mistake, 3 if it is refused, 4 if the database cannot be reached or used.
    """


@command.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help="What was found, as JSON.")
def check(*, config: Path, as_json: bool) -> None:
    """Look at the database, and change nothing. A warning is no failure.

    Exit status 1 if something is wrong with it.
    """
    found = _done(config, lambda care: care.look(now()))
    if as_json:
        data({"ok": not _failed(found), "findings": [_as_data(each) for each in found]})
    else:
        _show(found)
    raise SystemExit(FINDINGS if _failed(found) else 0)


@command.command()
@config_option
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
def migrate(*, config: Path, dry_run: bool) -> None:
    """Bring the tables up to what this version knows, without starting the daemon.

    A copy of a file of SQLite is put beside it first; no daemon may have it. A database of PostgreSQL may be at work, unless
    an older replica could not go on afterwards.
    """
    if dry_run:
        _tell(_done(config, lambda care: care.missing()), "to be played")
    else:
        _tell(_done(config, lambda care: care.migrate(now())), "played")


@command.command()
@config_option
@click.argument("to", type=click.Path(path_type=Path))
def backup(*, config: Path, to: Path) -> None:
    """Copy the database to the file TO, which is there at the end, whole, or not at all.

    Of PostgreSQL it prints the command that does.
    """
    made = _done(config, lambda care: care.back_up(to))
    if isinstance(made, ByHand):
        line(made.command)
        say(made.words)
    else:
        line(f"{to}: {made.size / 1024 / 1024:.1f} MiB, looked through")


def _done(config: Path, do: Callable[[Care], Coroutine[Any, Any, T]]) -> T:
    """What *do* gives with the store of *config*; ends the process where it cannot."""
    redactor = Redactor()
    try:
        configuration = load(config, redactor.learn)
    except InvalidConfiguration as invalid:
        for problem in invalid.problems:
            say(str(problem))
        raise SystemExit(USAGE) from None
    store = configuration.daemon.store
    care = STORES[store.kind].care
    if care is None:
        _end(
            USAGE,
            f"a store of the kind {store.kind} ends with its process",
            "name another kind in `daemon.store`",
        )
    try:
        with logging_to(Logging(level="error", fd=STDERR), redactor, Metrics(), monotonic):
            return asyncio.run(do(care(store.settings, now)))
    except (StoreMisplaced, StoreTooNew) as error:
        _end(REFUSED, **_words(error, redactor))
    except StoreUnavailable as error:
        _end(UNAVAILABLE, **_words(error, redactor))


def _words(error: WatcherError, redactor: Redactor) -> dict[str, str]:
    cleaned = redactor.clean({"words": str(error), "remedy": error.remedy})
    return {each: str(words) for each, words in cleaned.items()}


def _end(status: int, words: str, remedy: str) -> NoReturn:
    say(f"{words}\n    try: {remedy}")
    raise SystemExit(status)


def _failed(found: Sequence[Looked]) -> bool:
    return any(each.finding.level is Level.FAIL for each in found)


def _as_data(each: Looked) -> dict[str, str]:
    finding = each.finding
    return {"what": each.what, "level": finding.level.value, "words": finding.words, "remedy": finding.remedy}


def _show(found: Sequence[Looked]) -> None:
    """A table on stdout; on stderr what to do about what is not well."""
    table(
        ("LEVEL", "WHAT", "FOUND"),
        [(each.finding.level.value, each.what, each.finding.words) for each in found],
    )
    for each in found:
        if each.finding.level is not Level.OK:
            say(f"{each.what}\n    try: {each.finding.remedy}")


def _tell(migrations: Sequence[Migration], how: str) -> None:
    for each in migrations:
        line(f"{how}: {each.version} ({each.what})")
    if not migrations:
        line("nothing is missing")
