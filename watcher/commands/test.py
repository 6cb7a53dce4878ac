"""``rollbackd test``: a rule file's own tests: what its rules would say of series that are written down."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from rules.duration import duration_text
from rules.errors import InvalidRules
from rules.trial import Failure, Told, Trial, run
from watcher.commands._rules import trials_at
from watcher.commands._screen import data, say


@dataclass(frozen=True, slots=True)
class Played:
    """One test, and how it went."""

    file: Path
    trial: Trial
    failures: tuple[Failure, ...]
    told: tuple[Told, ...]


@click.command()
@click.option("--verbose", is_flag=True, help="Everything that was said, as it changed.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
def command(*, files: tuple[Path, ...], verbose: bool, as_json: bool) -> None:
    """Run the tests in FILES (checkout.test.yaml tests checkout.yaml), with the judges of the daemon.

    Exit status 1 if an expectation does not hold, 2 if a file has a mistake.
    """
    try:
        played = [each for file in files for each in tested(file)]
    except InvalidRules as invalid:
        say(str(invalid))
        raise SystemExit(2) from None
    if as_json:
        data([_as_data(each) for each in played])
    else:
        for each in played:
            for line in _lines(each, verbose=verbose):
                click.echo(line)
        failed = sum(bool(each.failures) for each in played)
        click.echo(f"{len(played) - failed} of {len(played)} tests as expected")
    raise SystemExit(1 if any(each.failures for each in played) else 0)


def tested(file: Path) -> Iterator[Played]:
    """Each test of *file*, played.

    Raises:
        InvalidRules: With all that is wrong with the file, or with the rules that it tests.
    """
    rules, trials = trials_at(file)
    for trial in trials:
        failures, told = run(trial, rules)
        yield Played(file, trial, failures, told)


def _lines(played: Played, *, verbose: bool) -> Iterator[str]:
    yield f"{click.style('FAIL', fg='red') if played.failures else 'ok  '}  {played.trial.name}"
    for failure in played.failures:
        place = failure.expectation.place
        yield f"      {place.file}:{place.line}:{place.column}: {failure.words}"
    if verbose:
        for told in played.told:
            yield f"      {duration_text(told.after):>8}  {told.rule or 'all rules'}: {told.outcome}, {told.words}"


def _as_data(played: Played) -> dict[str, Any]:
    return {
        "file": str(played.file),
        "test": played.trial.name,
        "line": played.trial.place.line,
        "ok": not played.failures,
        "failures": [
            {"line": failure.expectation.place.line, "words": failure.words} for failure in played.failures
        ],
        "said": [
            {
                "after_seconds": told.after.total_seconds(),
                "rule": told.rule,
                "outcome": told.outcome,
                "words": told.words,
            }
            for told in played.told
        ],
    }
