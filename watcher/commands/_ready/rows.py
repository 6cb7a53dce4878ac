"""A row a service, from what was found. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from deploy.model import About, Finding, Level
from watcher.commands._doctor.checks import Found
from watcher.commands._ready.ways import Way
from watcher.core.service import Mode, Service

HEADS = ("SERVICE", "ENVIRONMENT", "LIVE", "BACK TO", "TAKES", "MAY ACT", "SIGNALS", "READY")
WORDS = {Level.OK: "yes", Level.WARN: "as far as is known", Level.FAIL: "NO"}
_WORST = list(Level)


@dataclass(frozen=True, slots=True)
class Row:
    """One service.

    Attributes:
        acts: What was found of the permission to act; nothing: none is needed.
        signals: What was found of each indicator, by its name.
    """

    service: Service
    ways: tuple[Way, ...]
    acts: tuple[Finding, ...]
    signals: Mapping[str, tuple[Finding, ...]]

    @property
    def findings(self) -> Iterator[Finding]:
        """All, the way back first."""
        for way in self.ways:
            yield from way.findings
        yield from self.acts
        for each in self.signals.values():
            yield from each

    @property
    def level(self) -> Level:
        """The worst."""
        return worst(self.findings)

    def cells(self) -> tuple[str, ...]:
        """As a table shows it."""
        return (
            *self.service.key,
            _each(way.live for way in self.ways),
            _each(way.to for way in self.ways),
            _each(way.takes for way in self.ways),
            WORDS[worst(self.acts)] if self.acts else "-",
            f"{sum(worst(each) is Level.OK for each in self.signals.values())} of {len(self.signals)}",
            WORDS[self.level],
        )

    def as_data(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "service": self.service.name,
            "environment": self.service.environment,
            "ready": self.level is not Level.FAIL,
            "level": self.level.value,
            "parts": [
                {"part": way.part, "live": way.live, "back_to": way.to, "takes": way.takes}
                for way in self.ways
            ],
            "findings": [
                {"level": each.level.value, "words": each.words, "remedy": each.remedy}
                for each in self.findings
            ],
        }


def row(service: Service, ways: Sequence[Way], found: Sequence[Found], accounts: frozenset[str]) -> Row:
    """What *found* says of *service*, whose targets are in *accounts*."""
    own = [each for each in found if each.subject == f"service {service.name}/{service.environment}"]
    signals: dict[str, tuple[Finding, ...]] = {}
    for each in own:
        if each.check.startswith("signal "):
            signals[each.check] = (*signals.get(each.check, ()), _readable(each.finding))
    roles = [each for each in found if each.subject in {f"account {name}" for name in accounts}]
    acts = [each.finding for each in (*roles, *own) if each.check == "to act"]
    return Row(service, tuple(ways), () if service.policy.mode is Mode.SHADOW else tuple(acts), signals)


def _readable(finding: Finding) -> Finding:
    """A probe that fails can be read: who repairs a service that is down must not be held up by it."""
    return replace(finding, level=Level.WARN) if finding.about is About.HEALTH else finding


def worst(findings: Iterable[Finding]) -> Level:
    """Of all; well, where there are none."""
    return max((each.level for each in findings), key=_WORST.index, default=Level.OK)


def _each(texts: Iterator[str]) -> str:
    return ", ".join(dict.fromkeys(text or "-" for text in texts))
