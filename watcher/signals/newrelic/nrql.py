"""How a query of NRQL is written, and the request that carries several of them.

Source:
    https://docs.newrelic.com/docs/nrql/nrql-syntax-clauses-functions/
    https://docs.newrelic.com/docs/apis/nerdgraph/examples/nerdgraph-nrql-tutorial/
"""

import json
from collections.abc import Mapping, Sequence

TIMEOUT = 20  # seconds that New Relic is given for a query; by itself it takes 5
TOTAL = "total"
_ASKED = f"nrql(query:$NAME,timeout:{TIMEOUT}){{results metadata{{timeWindow{{begin end}} messages}}}}"


def attribute(name: str) -> str:
    """The name of an attribute, which may have dots in it; it has no backtick (`query`)."""
    return f"`{name}`"


def string(value: str) -> str:
    """A value never becomes syntax: it has no backslash (`query`), and its quotes are escaped."""
    return "'" + value.replace("'", "\\'") + "'"


def select(
    source: str,
    span: tuple[int, int],
    *,
    more: Sequence[str] = (),
    conditions: Sequence[str] = (),
    facets: Sequence[str] = (),
    step: int | None = None,
    limit: str = "MAX",
) -> str:
    """Counts of events.

    Args:
        source: The type of the events.
        span: From, until; seconds since 1970.
        more: What is counted besides all of them.
        conditions: All of which must hold.
        facets: Attributes by whose values they are told apart.
        step: Length of a bucket in seconds, where there are several.
        limit: How many facets there may be.
    """
    counted = ", ".join((f"count(*) AS '{TOTAL}'", *more))
    parts = [f"SELECT {counted}", f"FROM {source}"]
    if conditions:
        parts.append(f"WHERE {' AND '.join(conditions)}")
    if facets:
        parts.append(f"FACET {', '.join(map(attribute, facets))}")
    if step is not None:
        parts.append(f"TIMESERIES {step} seconds")
    parts.append(f"SINCE {span[0] * 1000} UNTIL {span[1] * 1000}")
    return " ".join((*parts, f"LIMIT {limit}") if facets else parts)


def body(account: int, texts: Mapping[str, str]) -> bytes:
    """The request for queries by their aliases. They are variables, so that nothing is quoted twice."""
    declared = "".join(f",${name}:Nrql!" for name in texts)
    asked = " ".join(f"{name}:{_ASKED.replace('NAME', name)}" for name in texts)
    query = f"query($a:Int!{declared}){{actor{{account(id:$a){{{asked}}}}}}}"
    return json.dumps({"query": query, "variables": {"a": account, **texts}}).encode()
