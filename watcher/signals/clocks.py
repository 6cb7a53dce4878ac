"""How far our clock is from that of a system, by the `Date` of its answers. Buckets that are final to us may not be to it.

Source:
    https://www.rfc-editor.org/rfc/rfc9110#name-date
"""

import email.utils
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from deploy.model import Finding, Level

NOTICED = timedelta(seconds=5)  # `Date` has whole seconds, and an answer is on its way for some


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


def findings(skew: timedelta | None, whose: str) -> list[Finding]:
    """What is worth saying of it: nothing, where the clocks agree or theirs is not told."""
    if skew is None or abs(skew) <= NOTICED:
        return []
    return [Finding(Level.WARN, words(skew, whose), "synchronise the clock of this machine, or theirs")]
