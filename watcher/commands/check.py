"""``rollbackd check``: the configuration and rule files, offline, every mistake at once."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import click

from rules.errors import InvalidRules, Problem
from watcher.commands._rules import trials_at
from watcher.commands._screen import say
from watcher.config import InvalidConfiguration, Kinds, lint_file, read_configuration
from watcher.config.promises import ENDING
from watcher.config.registries import all_kinds

USUAL = Path("rollbackd.yaml")


@click.command()
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    envvar="ROLLBACKD_CONFIG",
    help="The configuration; ./rollbackd.yaml where only this would be checked.",
)
@click.argument("rulefiles", nargs=-1, type=click.Path(path_type=Path))
def command(config: Path | None, rulefiles: tuple[Path, ...]) -> None:
    """Check the configuration with all that it names, and rule files by themselves.

    Exit status 2 if there is a mistake; all of them are told on stderr, with file, line, column and what to do.
    """
    summaries, problems = checked(config, rulefiles, all_kinds())
    for problem in problems:
        say(str(problem))
    for summary in summaries:
        click.echo(summary)
    click.echo(_count(len(problems), "mistake"))
    raise SystemExit(2 if problems else 0)


def checked(
    config: Path | None, rulefiles: tuple[Path, ...], kinds: Kinds
) -> tuple[list[str], list[Problem]]:
    """A line about each file that is clean, and all that is wrong with the others."""
    looks: list[Callable[[], str]] = [
        partial(_tests, path) if path.name.endswith(ENDING) else partial(_rule_file, path, kinds)
        for path in rulefiles
    ]
    if config is not None or not rulefiles:
        looks.insert(0, partial(_configuration, config or USUAL, kinds))
    summaries: list[str] = []
    problems: dict[Problem, None] = {}
    for look in looks:
        try:
            summaries.append(look())
        except (InvalidConfiguration, InvalidRules) as invalid:
            problems |= dict.fromkeys(invalid.problems)
    return summaries, list(problems)


def _configuration(path: Path, kinds: Kinds) -> str:
    configuration = read_configuration(path, kinds)
    names = {service for service, _ in configuration.services}
    rules = sum(len(service.policy.rules.rules) for service in configuration.services.values())
    places = f"{_count(len(names), 'service')} in {_count(len(configuration.services), 'environment')}"
    lines = [f"{configuration.file}: {places}, {_count(rules, 'rule')}"]
    for key, effective in configuration.effective.items():
        if effective.usual is not None:
            lines.append(f"{'/'.join(key)}: names no rules, and has the pack {effective.usual} of its stack")
    for key, targets in configuration.targets.items():
        for target in targets.values():
            found = kinds.targets[target.kind].immovable(target.settings)
            if found is not None:
                lines.append(f"{'/'.join(key)}: is watched and cannot be put back: {found[0]}: {found[1]}")
    return "\n".join(lines)


def _rule_file(path: Path, kinds: Kinds) -> str:
    rules = lint_file(path, kinds).rules
    return f"{path}: {_count(len(rules.indicators), 'indicator')}, {_count(len(rules.rules), 'rule')}"


def _tests(path: Path) -> str:
    return f"{path}: {_count(len(trials_at(path)[1]), 'test')}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
