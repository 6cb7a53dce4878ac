"""Connections that tell people, and hear them: may they be used where the teams want them? Nothing is told."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Protocol, runtime_checkable

from deploy.model import Finding, Level
from deploy.sources.github import Settings as GitHubSettings
from watcher.commands._doctor.checks import Check, Found
from watcher.commands._doctor.opened import Opened
from watcher.config import Configuration
from watcher.signals.registry import PROVIDERS

ANSWERS, TELLS = "answers", "tells"


@runtime_checkable
class Examined(Protocol):
    """A notifier that can be looked at before it is needed."""

    async def examine(self, narrowings: Sequence[str]) -> Sequence[Finding]:
        """Is it there, and may it tell where *narrowings* (what stands after the connection's name) say? Reads only."""


def checks(opened: Opened) -> Iterator[Check]:
    """Of each connection, whether it can tell, and whether people can answer in it."""
    for name, ear in opened.ears.items():
        public_url = opened.configuration.daemon.public_url
        yield Check(
            f"connection {name}", "hears", partial(ear.examine, public_url), where=kind_of(opened, name)
        )
    for name, notifier in opened.notifiers.items():
        if isinstance(notifier, Examined) and not _is_only_read(opened.configuration, name):
            narrowings = _narrowings(opened.configuration, name)
            # Whether a connection answers that is read by, too, is looked at with the signals.
            what = TELLS if name in opened.inquiry.providers else ANSWERS
            yield Check(
                f"connection {name}",
                what,
                partial(notifier.examine, narrowings),
                where=kind_of(opened, name),
            )


def kind_of(opened: Opened, connection: str) -> str:
    """Of which kind a connection is; empty where that is its name already."""
    configured = opened.configuration.connections.get(connection)
    return "" if configured is None or configured.kind == connection else configured.kind


def told_once(found: Sequence[Found]) -> list[Found]:
    """Without what cannot be told through a connection that does not answer at all, which is said of it already."""
    answering: dict[str, bool] = {}
    for each in found:
        if each.check == ANSWERS:
            answers = each.finding.level is not Level.FAIL
            answering[each.subject] = answers or answering.get(each.subject, False)
    return [
        each
        for each in found
        if each.check != TELLS or each.finding.level is not Level.FAIL or answering.get(each.subject, True)
    ]


def _is_only_read(configuration: Configuration, name: str) -> bool:
    """Signals are read by the connection, and no team is told through it: it need not be able to."""
    told = {each.partition(":")[0] for team in configuration.teams.values() for each in team.tell}
    return configuration.connections[name].kind in PROVIDERS and name not in told


def _narrowings(configuration: Configuration, name: str) -> Sequence[str]:
    """Those of all teams. Where one names none, a board of GitHub tells what the sources hear of."""
    teams = configuration.teams.values()
    called = [each for team in teams if team.escalation for each in team.escalation.to]
    told = [each.partition(":") for each in (*called, *(each for team in teams for each in team.tell))]
    named = {narrowing for connection, _, narrowing in told if connection == name}
    if "" in named and configuration.connections[name].kind == "github":
        for source in configuration.sources.values():
            if isinstance(source.settings, GitHubSettings):
                named.update(source.settings.repositories)
    return sorted(named - {""})
