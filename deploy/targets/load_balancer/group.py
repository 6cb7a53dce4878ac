"""A target group, and what it serves: by its tags, which whoever deploys into it writes.

    rollbackd:release      v43                        which release it serves (the key is a setting)
    rollbackd:fingerprint  sha256:3f9a…               its content, where the pipeline knows it; else the release is its name
    rollbackd:since        2026-11-24T12:00:00Z       since when: of two that share the traffic the younger is on its way

Source:
    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTags.html
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from deploy.model import FINGERPRINT, NAME, TAG, Release

FINGERPRINT_TAG, SINCE_TAG = "rollbackd:fingerprint", "rollbackd:since"
SKEW = timedelta(minutes=5)  # whoever wrote the tag has a clock too


@dataclass(frozen=True, slots=True)
class Group:
    """One target group of a rule.

    Attributes:
        release: What it serves; ``None`` where no tag says it.
        since: Since when, where a tag says it.
    """

    arn: str
    share: float
    release: Release | None
    since: datetime | None
    tags: Mapping[str, str]

    @property
    def name(self) -> str:
        """Its name alone, for people."""
        return name_of(self.arn).split("/")[1] if "/" in name_of(self.arn) else self.arn


def name_of(arn: str) -> str:
    """As CloudWatch calls it: targetgroup/NAME/ID."""
    return arn.rpartition(":")[2]


def group_of(arn: str, share: float, tags: Mapping[str, str], key: str, now: datetime) -> Group:
    """The target group *arn* with its *tags*; *key*: of the one that names the release."""
    return Group(arn, share, _release(arn, tags, key), _since(tags.get(SINCE_TAG, ""), now), tags)


def _release(arn: str, tags: Mapping[str, str], key: str) -> Release | None:
    tag, content = tags.get(key, ""), tags.get(FINGERPRINT_TAG, "")
    if not re.fullmatch(TAG, tag):
        return None
    names = {"version": tag, "target_group": name_of(arn)}
    fitting = {name: value for name, value in names.items() if re.fullmatch(NAME, value)}
    if re.fullmatch(FINGERPRINT, content):
        return Release(content, tag, fitting)
    return Release(Release.of_tag(tag).fingerprint, tag, fitting)


def _since(written: str, now: datetime) -> datetime | None:
    """A time of the past, with its zone. Anybody may write there: what is none is not told."""
    try:
        at = datetime.fromisoformat(written)
        return at.astimezone(UTC) if at.tzinfo and at <= now + SKEW else None
    except (ValueError, OverflowError):
        return None
