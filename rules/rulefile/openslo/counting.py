"""Queries of counters, as OpenSLO has them → expressions of how many in a bucket, as the provider of Prometheus has them."""

import re

BUCKET = "${bucket}"
_QUOTED = r'"(?:[^"\\]|\\.)*"' r"|'(?:[^'\\]|\\.)*'" r"|`[^`]*`"
_SELECTOR = rf"[a-zA-Z_:][a-zA-Z0-9_:]*(?:\s*\{{(?:[^{{}}\"'`]|{_QUOTED})*\}})?"
_COUNTER = re.compile(rf"(?:sum\s*\(\s*(?P<summed>{_SELECTOR})\s*\)|(?P<plain>{_SELECTOR}))", re.DOTALL)


def of_a_bucket(query: str) -> str | None:
    """An expression of how many in a bucket: of a counter, its increase; one that says ``${bucket}`` does so itself."""
    if BUCKET in query:
        return query.strip()
    counter = _COUNTER.fullmatch(query.strip())
    if counter is None:
        return None
    return f"sum(increase({counter['summed'] or counter['plain']}[{BUCKET}]))"


def rest(total: str, good: str) -> str:
    """All that is not good. Where no series is good, all are bad; and rounding makes nothing less than none."""
    return f"clamp_min(sum({total}) - (sum({good}) or vector(0)), 0)"
