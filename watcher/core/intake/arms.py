"""The names of releases: made by templates, frozen for both arms, and whether they tell the arms apart."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from deploy.model import Deployment, Release
from deploy.tags import Back
from rules.model import Indicator, RuleSet
from watcher.core.intake.meaning import Part
from watcher.core.service import Service
from watcher.core.watch import Arms

_NAME = re.compile(r"\$\{(?:arm\.)?([a-z][a-z0-9_]*)\}")
_ARM = re.compile(r"\$\{arm\.([a-z][a-z0-9_]*)\}")


def named(part: Part, service: Service) -> Part:
    """*part* with the names of its release that the service's templates make; a template that lacks a name makes none."""
    made = _made(part.release, service)
    return replace(part, release=replace(part.release, names={**part.release.names, **made}))


def known_as(release: Release, service: Service) -> Release:
    """A *release* of before with its names. What it was called when it was deployed stays; one that was only read has none of the templates yet."""
    return replace(release, names={**_made(release, service), **release.names})


def _made(release: Release, service: Service) -> dict[str, str]:
    known = names_of([release])
    return {
        name: _NAME.sub(lambda place: known[place[1]], template)
        for name, template in service.names.items()
        if all(place in known for place in _NAME.findall(template))
    }


def arms_of(deployment: Deployment, ways: Mapping[str, Back], service: Service) -> Arms:
    """The names of what was deployed, and of the last known-good: never of a predecessor that is itself unproven."""
    baseline = [
        known_as(ways[change.part].release, service) for change in deployment.parts if change.part in ways
    ]
    complete = len(baseline) == len(deployment.parts)
    return Arms(
        names_of(change.after for change in deployment.parts), names_of(baseline) if complete else None
    )


def names_of(releases: Iterable[Release]) -> dict[str, str]:
    """The names of all parts; where two have one name, the first part's. `version` is the tag, unless the release says better."""
    names: dict[str, str] = {}
    for release in releases:
        of_itself = {"tag": release.tag, "version": release.tag, "fingerprint": release.fingerprint}
        names = of_itself | dict(release.names) | names
    return names


def alike(rules: RuleSet, arms: Arms) -> dict[str, str]:
    """Indicators whose two arms cannot be told apart, and why, in words. Empty where nothing serves beside."""
    if arms.baseline is None:
        return {}
    return {
        indicator.id: f"both releases go by {', '.join(sorted(names))}"
        for indicator in rules.indicators
        if (names := _expanded(indicator, arms.canary)) and names == _expanded(indicator, arms.baseline)
    }


def _expanded(indicator: Indicator, names: Mapping[str, str]) -> frozenset[str]:
    if not indicator.compares_arms:
        return frozenset()
    return frozenset(f"{name}={names.get(name, 'nothing')}" for name in _ARM.findall(indicator.query))
