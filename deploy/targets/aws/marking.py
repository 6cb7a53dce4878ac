"""How releases stand, written as tags onto what they run on, for people and pipelines, and for us if our store is lost.

The tag ``rollbackd:SERVICE.ENVIRONMENT`` (of a task definition, of a target group) says ``proven 2026-11-24T10:00:00Z sha256:3f9a…`` or
``quarantined 2026-11-24T10:00:00Z sha256:3f9a… errors of 5 percent``: the grade, since when, the first digits of the
fingerprint (one task definition may have had several contents, a target group has had others), and why.

Source:
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Tag.html
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from deploy.model import Release, Standing
from deploy.targets.aws.wording import plain

PREFIX = "rollbackd:"
_KEY, _VALUE = 128, 256  # characters: AWS's bounds
_DIGITS = 16  # of a fingerprint: what tells the contents of one task definition apart
_NOT_IN_TAGS = re.compile(r"[^\w .:/=+@-]", re.ASCII)
_MARK = re.compile(
    r"(?P<grade>[a-z]{1,20}) (?P<since>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)(?: (?P<of>(?:sha256|tag|etag|github):\S{1,80}))?(?: (?P<why>.{1,256}))?"
)


@dataclass(frozen=True, slots=True)
class Mark:
    """What a tag says of a release.

    Attributes:
        of: How the fingerprint begins; ``None``: whatever is registered there.
    """

    grade: str
    since: datetime
    of: str | None = None
    why: str = ""

    def is_of(self, release: Release) -> bool:
        """It speaks of *release*."""
        return self.of is None or release.fingerprint.startswith(self.of)


def key_of(service: str, environment: str) -> str:
    """The tag's key. Names that are too long for one end in a hash."""
    key = f"{PREFIX}{service}.{environment}"
    if len(key) <= _KEY:
        return key
    return f"{key[: _KEY - 17]}.{hashlib.sha256(key.encode()).hexdigest()[:16]}"


def value_of(standing: Standing) -> str:
    """The tag's value, in AWS's grammar."""
    since = standing.since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    prefix, _, digits = standing.release.fingerprint.partition(":")
    of = f"{prefix}:{digits[:_DIGITS]}" if prefix == "sha256" else standing.release.fingerprint[:80]
    why = _NOT_IN_TAGS.sub(" ", plain(standing.why))
    return " ".join(f"{standing.grade} {since} {of} {why}".split())[:_VALUE].rstrip()


def mark_of(tags: Mapping[str, str], key: str) -> Mark | None:
    """The mark among *tags*. Anybody may write there: what does not fit is none."""
    found = _MARK.fullmatch(tags.get(key, ""))
    if found is None:
        return None
    try:
        since = datetime.fromisoformat(found["since"])
    except ValueError:
        return None
    return Mark(found["grade"], since, found["of"], found["why"] or "")
