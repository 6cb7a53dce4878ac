"""Moments as people read them: absolute, in UTC, with the date where it is not today's.

"UTC" stands once in a text: `moment` marks each time, `said` writes it behind the first and drops the other marks.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

_MARK = "\x00"
_WITHIN = "\x01"  # a line break inside of a line, while lines are joined


def moment(at: datetime, now: datetime) -> str:
    """An absolute time: "14:06:30", with the date if that is not today's. To be passed through `said`."""
    at, today = at.astimezone(UTC), now.astimezone(UTC).date()
    if at.date() == today:
        return f"{at:%H:%M:%S}{_MARK}"
    year = "" if at.year == today.year else f"{at.year} "
    return f"{at.day} {at:%b} {year}{at:%H:%M:%S}{_MARK}"


def said(text: str) -> str:
    """*text* with "UTC" behind its first time."""
    return text.replace(_MARK, " UTC", 1).replace(_MARK, "")


def all_said(headline: str, lines: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """A message as it is read: "UTC" stands once in all of it, in the headline if that tells a time."""
    joined = said("\n".join([headline, *(line.replace("\n", _WITHIN) for line in lines)]))
    first, *rest = joined.split("\n")
    return first, tuple(line.replace(_WITHIN, "\n") for line in rest)
