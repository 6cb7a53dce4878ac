"""How far our clock is from that of a system, by the `Date` of its answers. Buckets that are final to us may not be to it.

Source:
    https://www.rfc-editor.org/rfc/rfc9110#name-date
"""

import email.utils
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from deploy.model import About, Finding, Level

NOTICED = timedelta(seconds=5)  # `Date` has whole seconds, and an answer is on its way for some
_SYNCHRONISE = "synchronise the clock of this machine, or theirs"


def ahead(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """How far our clock is ahead of theirs; ``None``: they do not say."""
    try:
        theirs = email.utils.parsedate_to_datetime(headers.get("date", ""))
    except (ValueError, OverflowError):
        return None
    return now - (theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC))


def words(skew: timedelta, whose: str) -> str:
    """How our clock stands to theirs."""
    seconds = skew.total_seconds()
    return f"this machine's clock is {abs(seconds):.0f} s {'ahead of' if seconds > 0 else 'behind'} {whose}"


def findings(skew: timedelta | None, whose: str, remedy: str = _SYNCHRONISE) -> list[Finding]:
    """Whether the clocks agree; nothing, where theirs is not told."""
    if skew is None:
        return []
    if abs(skew) <= NOTICED:
        words_ = f"this machine's clock agrees with {whose}, within {NOTICED.total_seconds():.0f} s"
        return [Finding(Level.OK, words_, about=About.CLOCK)]
    return [Finding(Level.WARN, words(skew, whose), remedy, about=About.CLOCK)]
