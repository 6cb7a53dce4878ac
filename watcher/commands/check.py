"""``rollbackd check``: the configuration and rule files, offline, every mistake at once; and what stands on platforms, if asked."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path

import click

from deploy.model import Level
from rules.errors import InvalidRules, Problem
from watcher.app.ports import Ports
from watcher.app.reload import load
from watcher.commands._doctor.checks import Found
from watcher.commands._doctor.comparing import compared
from watcher.commands._rules import trials_at
from watcher.commands._screen import plain, say
from watcher.config import InvalidConfiguration, Kinds, lint_file, read_configuration
from watcher.config.lingering import judged_by_all
from watcher.config.promises import ENDING
from watcher.config.proving import asked_about
from watcher.config.registries import all_kinds
from watcher.telemetry.logs import Logging, logging_to
from watcher.telemetry.metrics import Metrics
from watcher.telemetry.redaction import Redactor

USUAL = Path("rollbackd.yaml")
FINDINGS, USAGE = 1, 2
STDERR = 2


@click.command()
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    envvar="ROLLBACKD_CONFIG",
    help="The configuration; ./rollbackd.yaml where only this would be checked.",
)
@click.option(
    "--platform",
    is_flag=True,
    help="Also hold the configuration against what stands on its platforms. Reads only; needs the way there, and the secrets.",
)
@click.argument("rulefiles", nargs=-1, type=click.Path(path_type=Path))
def command(*, config: Path | None, platform: bool, rulefiles: tuple[Path, ...]) -> None:
    """Check the configuration with all that it names, and rule files by themselves.

    With --platform also what belongs together and stands in two places: the bake and how long the old fleet is kept,
    lifecycle rules and what may be gone back to, time-outs of tasks and of their balancer.

    Exit status 2 if there is a mistake; all of them are told on stderr, with file, line, column and what to do. 1 if
    something on a platform does not fit; a warning is none.
    """
    summaries, problems = checked(config, rulefiles, all_kinds())
    for problem in problems:
        say(str(problem))
    for summary in summaries:
        click.echo(summary)
    click.echo(_count(len(problems), "mistake"))
    if problems:
        raise SystemExit(USAGE)
    raise SystemExit(_held_against(config or USUAL) if platform else 0)


def _held_against(config: Path) -> int:
    """The exit status, once all is told that does not fit on the platforms."""
    redactor = Redactor()
    try:
        configuration = load(config, redactor.learn)
    except InvalidConfiguration as invalid:
        for problem in invalid.problems:
            say(str(problem))
        return USAGE
    ports = Ports()
    with logging_to(Logging(level="error", fd=STDERR), redactor, Metrics(), ports.monotonic):
        found = asyncio.run(compared(configuration, ports))
    for line in unfitting(found):
        say(plain(redactor.text(line)))
    wrong = [each for each in found if each.finding.level is not Level.OK]
    click.echo(f"{_count(len(found), 'finding')} on platforms, {len(wrong)} of what does not fit")
    return FINDINGS if any(each.finding.level is Level.FAIL for each in wrong) else 0


def unfitting(found: Sequence[Found]) -> Iterator[str]:
    """A line for each thing that does not fit, and one with its remedy."""
    for each in found:
        if each.finding.level is not Level.OK:
            yield f"{each.finding.level:4}  {each.subject}: {each.finding.words}"
            yield f"      try: {each.finding.remedy}"


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
    services = configuration.services
    warned = chain(asked_about(services, configuration.targets), judged_by_all(services))
    for key, words, remedy in warned:
        lines.append(f"{'/'.join(key)}: {words}: {remedy}")
    return "\n".join(lines)


def _rule_file(path: Path, kinds: Kinds) -> str:
    rules = lint_file(path, kinds).rules
    return f"{path}: {_count(len(rules.indicators), 'indicator')}, {_count(len(rules.rules), 'rule')}"


def _tests(path: Path) -> str:
    return f"{path}: {_count(len(trials_at(path)[1]), 'test')}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
