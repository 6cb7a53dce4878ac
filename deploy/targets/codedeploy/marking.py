"""How releases stand, written onto their deployment group, for people and pipelines, and for us if our store is lost.

A revision takes no tags, so each release has one on the group: ``rollbackd:SERVICE.ENVIRONMENT/`` and the first digits of a hash of
its fingerprint. It says ``proven 2026-11-24T10:00:00Z etag:9b2c…``: the grade, since when, the fingerprint, and why. A resource has
room for fifty tags, people's own among them: the newest twenty of ours stay.

Source:
    https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_TagResource.html
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from deploy.model import Release, Standing
from deploy.targets.aws.marking import Mark, key_of, mark_of, value_of

MOST = 20
_KEY = 128  # characters: AWS's bound
_DIGITS = 16


def prefix_of(service: str, environment: str) -> str:
    """How the keys of a service's marks begin."""
    return f"{key_of(service, environment)[: _KEY - _DIGITS - 1]}/"


def key(prefix: str, release: Release) -> str:
    """The tag's key of a release."""
    return f"{prefix}{hashlib.sha256(release.fingerprint.encode()).hexdigest()[:_DIGITS]}"


def wanted(prefix: str, standings: Iterable[Standing]) -> Mapping[str, str]:
    """The tags that say how releases stand."""
    return {key(prefix, standing.release): value_of(standing) for standing in standings}


def mark(tags: Mapping[str, str], prefix: str, release: Release) -> Mark | None:
    """Our mark of *release* among *tags*. Anybody may write there: what does not fit is none."""
    return mark_of(tags, key(prefix, release))


def too_many(tags: Mapping[str, str], prefix: str) -> Sequence[str]:
    """The keys of marks that there is no room for any more: the oldest, and what is no mark."""
    ours = [name for name in tags if name.startswith(prefix)]
    found = {name: mark_of(tags, name) for name in ours}
    ages = sorted(ours, key=lambda name: _age(found[name]), reverse=True)
    return ages[MOST:]


def _age(found: Mark | None) -> float:
    return found.since.timestamp() if found else 0.0
