"""``rollbackd explain``: what is in force for a service, with file and line of each value."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from rules.document import quoted, unknown
from watcher.commands._config import config_option
from watcher.commands._screen import as_json, data, say
from watcher.config import (
    Configuration,
    InvalidConfiguration,
    Row,
    explain,
    read_configuration,
    without_promise,
    wrong_rollbacks,
)
from watcher.config.registries import all_kinds
from watcher.core.service import Mode, Service

DEPLOYMENTS = 1000  # a figure that people can scale by heart


@click.command()
@config_option
@click.argument("service")
@as_json
def command(*, config: Path, service: str, as_json: bool) -> None:
    """Show what is in force for SERVICE (all its environments) or SERVICE/ENVIRONMENT, and where each value stands.

    Exit status 2 if there is no such service, or the configuration has a mistake.
    """
    try:
        configuration = read_configuration(config, all_kinds())
    except InvalidConfiguration as invalid:
        say(str(invalid))
        raise SystemExit(2) from None
    services = chosen(configuration, service)
    if as_json:
        data([as_data(configuration, each) for each in services])
        return
    click.echo("\n\n".join(as_text(configuration, each) for each in services))


def chosen(configuration: Configuration, name: str) -> list[Service]:
    """The services that *name* means; a usage error with the nearest name if there is none."""
    services = list(configuration.services.values())
    found = [each for each in services if name in {each.name, f"{each.name}/{each.environment}"}]
    if not found:
        names = {each.name for each in services} | {f"{each.name}/{each.environment}" for each in services}
        raise click.UsageError(". ".join(unknown("service", name, names)))
    return found


def as_data(configuration: Configuration, service: Service) -> dict[str, Any]:
    """For programs."""
    return {
        "service": service.name,
        "environment": service.environment,
        "wrong_rollbacks_per_1000_deployments": wrong_rollbacks(service.policy, DEPLOYMENTS),
        "rules_without_promise": list(without_promise(service.policy)),
        "values": [
            {"key": row.key, "value": row.value, "where": row.where}
            for row in explain(configuration, service.key)
        ],
    }


def as_text(configuration: Configuration, service: Service) -> str:
    """For people: one value a line, in columns."""
    lines = _columns(explain(configuration, service.key))
    return "\n".join([f"{service.name}/{service.environment}", *lines, "", *promise(service)])


def promise(service: Service) -> list[str]:
    """What the setting allows, in words."""
    policy = service.policy
    if policy.mode is not Mode.AUTO:
        return [f"Wrong rollbacks: none, for in the mode {policy.mode} nothing is rolled back by itself."]
    allowed = f"{wrong_rollbacks(policy, DEPLOYMENTS):.3g} in {DEPLOYMENTS:,} deployments of good releases"
    lines = [f"Wrong rollbacks: at most {allowed}, by the rules that promise something."]
    unpromised = without_promise(policy)
    if unpromised:
        lines.append(f"No promise holds for what these do: {', '.join(map(quoted, unpromised))}.")
    return lines


def _columns(rows: Sequence[Row]) -> list[str]:
    keys = max(len(row.key) for row in rows)
    values = min(60, max(len(row.value) for row in rows))
    return [f"  {row.key:{keys}}  {row.value:{values}}  {row.where}" for row in rows]
