"""Numbers as people read them: ``5.2 %``, ``7,930 requests``, ``300 ms``."""

from datetime import UTC, datetime, timedelta

from rules.brief import Case
from rules.model import Kind

_WHOLE = 9.95  # per cent; from here on no decimals
_LEAST = 1e-4  # per cent
_MILLIONTH = 1e-6
_ROUND = 10  # from here on a count is whole
_IN_SECONDS = 120  # below it a duration is told to the second


def share_words(share: float) -> str:
    """A share (0..1) with two digits: ``5.2 %``, ``0.11 %``, ``38 %``."""
    percent = 100 * share
    if percent >= _WHOLE:
        return f"{percent:,.0f} %"
    if percent == 0:
        return "0 %"
    return f"{percent:.2g} %" if percent >= _LEAST else f"below {_LEAST:g} %".replace("1e-04", "0.0001")


def count_words(count: float) -> str:
    """A count: ``7,930``; what was extrapolated and is small keeps a decimal."""
    return f"{count:,.0f}" if count >= _ROUND or count == int(count) else f"{count:.1f}"


def about(count: float) -> str:
    """A count of two digits: ``about 5,000``."""
    return f"about {float(f'{count:.2g}'):,.0f}"


def odds_words(chance: float) -> str:
    """A small chance: ``once in 7,000``; nobody can imagine less than one in a million."""
    if chance <= _MILLIONTH:
        return "once in a million"
    return f"once in {float(f'{1 / chance:.2g}'):,.0f}"


def bound_words(seconds: float) -> str:
    """A bound of a latency: ``300 ms``, ``1.5 s``."""
    return f"{1000 * seconds:g} ms" if seconds < 1 else f"{seconds:g} s"


def span_words(span: timedelta) -> str:
    """A duration to the minute, or to the second below two: ``45 s``, ``14 min``, ``3 h 20 min``."""
    seconds = round(span.total_seconds())
    if seconds < _IN_SECONDS:
        return f"{seconds} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return " ".join(
        part for part in (f"{hours} h" if hours else "", f"{minutes} min" if minutes else "") if part
    )


def moment_words(at: datetime, now: datetime) -> str:
    """An absolute time to the minute: ``13:40 UTC``, with the date if it is not that of *now*."""
    at, today = at.astimezone(UTC), now.astimezone(UTC).date()
    if at.date() == today:
        return f"{at:%H:%M} UTC"
    year = "" if at.year == today.year else f" {at.year}"
    return f"{at.day} {at:%b}{year} {at:%H:%M} UTC"


def unit(case: Case) -> str:
    """What is counted: ``requests``, ``probes``, ``users``, ``tasks``."""
    return "probes" if case.kind is Kind.PROBE else case.rule.statistics.unit


def what_failed(case: Case) -> str:
    """What the bad ones did: ``failed``, ``took longer than 300 ms``."""
    if case.kind is Kind.LATENCY:
        return f"took longer than {bound_words(case.bound)}" if case.bound is not None else "were slow"
    return "failed"
