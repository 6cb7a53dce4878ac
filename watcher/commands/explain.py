"""``rollbackd explain``: what is in force for a service, with file and line of each value."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from rules.document import quoted, unknown
from rules.duration import share_text
from watcher.clock import now
from watcher.commands._client import Failed, client
from watcher.commands._config import config_option
from watcher.commands._pace import Pace, of_a_week, seen
from watcher.commands._screen import as_json, data, say
from watcher.config import (
    Configuration,
    InvalidConfiguration,
    Row,
    explain,
    holds_up,
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
@click.option(
    "--deployments-per-week",
    type=click.FloatRange(min=0, min_open=True),
    help="How often it is deployed; where it is left out, the daemon at ROLLBACKD_URL is asked what it saw.",
)
@as_json
def command(*, config: Path, service: str, deployments_per_week: float | None, as_json: bool) -> None:
    """Show what is in force for SERVICE (all its environments) or SERVICE/ENVIRONMENT, and where each value stands.

    With the wrong rollbacks that the settings allow: in a year, where it is known how often it is deployed. Exit status 2 if there is no such service, or the configuration has a mistake.
    """
    try:
        configuration = read_configuration(config, all_kinds())
    except InvalidConfiguration as invalid:
        say(str(invalid))
        raise SystemExit(2) from None
    services = chosen(configuration, service)
    paces = [pace_of(each, deployments_per_week) for each in services]
    told = list(zip(services, paces, strict=True))
    if as_json:
        data([as_data(configuration, each, pace) for each, pace in told])
        return
    click.echo("\n\n".join(as_text(configuration, each, pace) for each, pace in told))


def pace_of(service: Service, told: float | None) -> Pace | None:
    """How often it is deployed: as *told* (a week), or as the daemon saw that the environment names; ``None``: nobody knows."""
    if told is not None:
        return of_a_week(told)
    if not os.environ.get("ROLLBACKD_URL"):
        return None
    try:
        return seen(client(), service.name, service.environment, now())
    except Failed as failed:
        say(f"how often {service.name}/{service.environment} is deployed is not known: {failed.message}")
        return None


def chosen(configuration: Configuration, name: str) -> list[Service]:
    """The services that *name* means; a usage error with the nearest name if there is none."""
    services = list(configuration.services.values())
    found = [each for each in services if name in {each.name, f"{each.name}/{each.environment}"}]
    if not found:
        names = {each.name for each in services} | {f"{each.name}/{each.environment}" for each in services}
        raise click.UsageError(". ".join(unknown("service", name, names)))
    return found


def as_data(configuration: Configuration, service: Service, pace: Pace | None = None) -> dict[str, Any]:
    """For programs."""
    return {
        "service": service.name,
        "environment": service.environment,
        "wrong_rollbacks_per_1000_deployments": wrong_rollbacks(service.policy, DEPLOYMENTS),
        "deployments_a_year": pace and pace.a_year,
        "wrong_rollbacks_a_year": pace and wrong_rollbacks(service.policy, pace.a_year),
        "rules_without_promise": list(without_promise(service.policy)),
        "rules_never_proven_well": list(holds_up(service.policy)),
        "usual_pack": configuration.effective[service.key].usual,
        "freezes": [each.name for each in service.gate.windows],
        "values": [
            {"key": row.key, "value": row.value, "where": row.where}
            for row in explain(configuration, service.key)
        ],
    }


def as_text(configuration: Configuration, service: Service, pace: Pace | None = None) -> str:
    """For people: one value a line, in columns."""
    lines = _columns(explain(configuration, service.key))
    usual = configuration.effective[service.key].usual
    taken = [f"No rules are named: the pack {usual} of its stack watches it."] if usual else []
    return "\n".join(
        [
            f"{service.name}/{service.environment}",
            *lines,
            "",
            *taken,
            *promise(service, pace),
            *early(service),
            *frozen_by(service),
        ]
    )


def promise(service: Service, pace: Pace | None = None) -> list[str]:
    """What the setting allows, in words."""
    policy = service.policy
    if policy.mode is not Mode.AUTO:
        return [f"Wrong rollbacks: none, for in the mode {policy.mode} nothing is rolled back by itself."]
    allowed = f"{wrong_rollbacks(policy, DEPLOYMENTS):.3g} in {DEPLOYMENTS:,} deployments of good releases"
    lines = [f"Wrong rollbacks: at most {allowed}, by the rules that promise something."]
    if pace is not None:
        lines.append(f"That is {_a_year(wrong_rollbacks(policy, pace.a_year))} ({pace.words}).")
    unpromised = without_promise(policy)
    if unpromised:
        lines.append(f"No promise holds for what these do: {', '.join(map(quoted, unpromised))}.")
    return lines


def early(service: Service) -> list[str]:
    """When a bake may end early, and what keeps it from that, in words."""
    asked = service.policy.bake.pass_early
    if asked is None:
        return []
    worst = f"{asked.worse_than.ratio:g} times as bad and {share_text(asked.worse_than.plus)} more"
    lines = [
        f"Passes early: once every rule that acts is proven not to be {worst}; a release that is, passes so in at most {share_text(asked.miss_probability)} of its deployments."
    ]
    if never := holds_up(service.policy):
        lines.append(f"Not here: nothing can prove these well: {', '.join(map(quoted, never))}.")
    return lines


def frozen_by(service: Service) -> list[str]:
    """Which windows of the configuration keep it from being deployed, in words."""
    names = [f"{each.name} ({each.reason})" for each in service.gate.windows]
    if not names:
        return []
    return [f"Nothing passes its gate in: {', '.join(names)}. `rollbackd freezes` says when."]


def _a_year(wrong: float) -> str:
    """``at most 2.1 a year``; less than one as what people can imagine: ``at most one in 3.2 years``."""
    digits = float(f"{max(wrong, 1 / wrong):.2g}")
    return f"at most {digits:,g} a year" if wrong >= 1 else f"at most one in {digits:,g} years"


def _columns(rows: Sequence[Row]) -> list[str]:
    keys = max(len(row.key) for row in rows)
    values = min(60, max(len(row.value) for row in rows))
    return [f"  {row.key:{keys}}  {row.value:{values}}  {row.where}" for row in rows]
