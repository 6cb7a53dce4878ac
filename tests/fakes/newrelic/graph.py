"""NerdGraph and NRQL.

Source:
    https://docs.newrelic.com/docs/apis/nerdgraph/examples/nerdgraph-nrql-tutorial/
    https://docs.newrelic.com/docs/nrql/using-nrql/rate-limits-nrql-queries/
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import lru_cache
from typing import Any

from tests.fakes.world import Happened, World
from tests.schemas.exchange import Exchange
from tests.schemas.graph import hear

KEY = "NRAK-OF-OURS"
NUMBER = 4711
JSON = "application/json"
MOST_FACETS, MOST_STEPS = 5000, 366
_ALIAS = re.compile(r"(\w+):nrql\(query:\$(\w+)(?:,timeout:(\d+))?\)")
_NRQL = re.compile(
    r"SELECT (?P<select>.+?) FROM (?P<source>[\w:, ]+?)(?: WHERE (?P<where>.+?))?(?: FACET (?P<facet>.+?))?"
    r"(?: TIMESERIES (?P<step>\d+) seconds)? SINCE (?P<since>\d+) UNTIL (?P<until>\d+)(?: LIMIT (?P<limit>\w+))?"
)
Given = tuple[int, dict[str, str], bytes]


@dataclass
class Account:
    """The account, and how New Relic behaves.

    Attributes:
        app_of: The application that a request is of.
        late: How long an event takes until it is told.
        kept: Of which requests the agents keep an event: where there are too many, they keep a sample.
        rollup: Seconds that events are rolled up to, so that windows are moved to whole ones.
        slow: Seconds that a query takes.
        facets_in_time: More of them than this take too long; *timed_out* hears of each query that did.
        concurrent: Requests at once that a user may have, with all of his keys.
        messages: What it remarks on every query.
        ahead: How far its clock is ahead of the world's.
    """

    world: World
    app_of: Callable[[Happened], str] = lambda _: "checkout"
    number: int = NUMBER
    late: timedelta = timedelta(0)
    kept: Callable[[Happened], bool] = lambda _: True
    slow: float = 1
    rollup: int = 1
    facets_in_time: int = 5000
    timed_out: Callable[[], None] = lambda: None
    concurrent: int = 25
    a_minute: int = 3000
    messages: list[str] = field(default_factory=list)
    ahead: timedelta = timedelta(0)
    down: int = 0
    time: Callable[[], datetime] | None = None
    asked: list[str] = field(default_factory=list)  # every query
    requests: int = 0
    open: int = 0
    minute: tuple[int, int] = (0, 0)
    repeated: Counter[str] = field(default_factory=Counter)

    @property
    def now(self) -> datetime:
        """The world's time."""
        return self.world.now if self.time is None else self.time()

    def events(self) -> Iterable[dict[str, Any]]:
        """Those that have come, with their attributes."""
        for each in self.world.log:
            if each.at + self.late <= self.now and self.kept(each):
                yield {
                    "at": each.at.timestamp(),
                    "appName": self.app_of(each),
                    "tags.version": each.version,
                    "transactionType": "Web",  # every request of the log is one
                    "error": each.status >= 500,
                    "duration": each.seconds,
                    "httpResponseCode": str(each.status),
                }


def respond(account: Account, body: bytes, key: str) -> Given:
    """What NerdGraph says."""
    account.requests += 1
    headers = {
        "content-type": JSON,
        "date": format_datetime((account.now + account.ahead).astimezone(UTC), usegmt=True),
    }
    if account.down:
        account.down -= 1
        return 502, {"content-type": "text/html"}, b"<html>bad gateway</html>"
    if key != KEY:
        return 401, headers, b'{"errors":[{"message":"API key is missing or invalid"}]}'
    if account.open > account.concurrent:
        return 429, headers, b'{"errors":[{"message":"Too many concurrent requests"}]}'
    asked = json.loads(body)
    given = asked["variables"]
    texts = {
        alias: (given[name], float(timeout or 5)) for alias, name, timeout in _ALIAS.findall(asked["query"])
    }
    refused = _limited(account, [text for text, _ in texts.values()])
    if refused:
        return 429, headers, json.dumps({"errors": [{"message": refused}]}).encode()
    if given["a"] != account.number:
        return 200, headers, b'{"data":{"actor":{"account":null}}}'
    told, errors = {}, []
    for alias, (text, timeout) in texts.items():
        account.asked.append(text)
        try:
            told[alias] = _answer(account, text, timeout)
        except _Refused as refused_:
            told[alias] = None
            errors.append(
                {
                    "message": str(refused_),
                    "path": ["actor", "account", alias],
                    "extensions": {"errorClass": refused_.kind},
                }
            )
    content: dict[str, Any] = {"data": {"actor": {"account": told}}}
    if errors:
        content["errors"] = errors
    answer = json.dumps(content).encode()
    hear("newrelic", Exchange("POST /graphql", body=body, answer=answer))
    return 200, headers, answer


def _limited(account: Account, texts: list[str]) -> str | None:
    minute = int(account.now.timestamp()) // 60
    many = account.minute[1] if account.minute[0] == minute else 0
    if account.minute[0] != minute:
        account.repeated.clear()
    account.minute = minute, many + len(texts)
    account.repeated.update(texts)
    if account.minute[1] > account.a_minute:
        return "You have exceeded the limit of NRQL queries per minute"
    if max(account.repeated.values()) > 120:
        return "The same query was made too often"
    return None


class _Refused(Exception):
    def __init__(self, words: str, kind: str = "SERVER_ERROR") -> None:
        super().__init__(words)
        self.kind = kind


def _answer(account: Account, text: str, timeout: float) -> Any:
    found = _NRQL.fullmatch(text)
    if found is None or "nonsense" in text:
        raise _Refused("NRQL Syntax Error: Error at line 1 position 8, unexpected 'nonsense'")
    if account.slow > timeout:
        raise _Refused("NRDB query duration exceeded the set timeout", "TIMEOUT")
    since, until = int(found["since"]) // 1000, int(found["until"]) // 1000
    since, until = since // account.rollup * account.rollup, -(-until // account.rollup) * account.rollup
    step = int(found["step"] or 0)
    if step and (until - since) // step > MOST_STEPS:
        raise _Refused("NRQL Syntax Error: too many buckets")
    facets = [name.strip(" `") for name in (found["facet"] or "").split(",") if name]
    known = {"Transaction", "Transaction, Span"}
    events = [
        each
        for each in (account.events() if found["source"] in known else ())
        if since <= each["at"] < until and all(_holds(each, one) for one in _conditions(found["where"]))
    ]
    rows = _rows(events, found["select"], facets, since, until, step)
    groups = {json.dumps(row.get("facet")) for row in rows}
    if len(groups) > account.facets_in_time:
        account.timed_out()
        raise _Refused("NRDB query duration exceeded the set timeout", "TIMEOUT")
    window = {"begin": since * 1000, "end": until * 1000}
    return {
        "results": rows,
        "metadata": {"timeWindow": window, "messages": account.messages},
    }


def _conditions(where: str | None) -> list[str]:
    return where.split(" AND ") if where else []


def _holds(event: dict[str, Any], condition: str) -> bool:
    """One condition, of the few that are known here."""
    plain = condition.strip().removeprefix("(").removesuffix(")") if condition.startswith("(") else condition
    if found := re.fullmatch(r"`([^`]+)` IN \((.*)\)", condition):
        return event.get(found[1]) in _listed(found[2])
    if found := re.fullmatch(r"`([^`]+)` = ('.*')", condition):
        return [event.get(found[1])] == _strings(found[2])
    if found := re.fullmatch(r"`([^`]+)` > ([0-9.e-]+)", plain):
        value = event.get(found[1])
        return isinstance(value, float) and value > float(found[2])
    if plain == "error IS true":
        return event["error"] is True
    if found := re.fullmatch(r"(\w+) LIKE '(\w+)%'", plain):
        return str(event.get(found[1])).startswith(found[2])
    raise _Refused(f"NRQL Syntax Error: unexpected {condition[:40]!r}")


@lru_cache(maxsize=64)
def _listed(text: str) -> frozenset[str]:
    return frozenset(_strings(text))


def _strings(text: str) -> list[str]:
    return [each.replace("\\'", "'") for each in re.findall(r"'((?:[^'\\]|\\.)*)'", text)]


def _rows(
    events: list[dict[str, Any]], select: str, facets: list[str], since: int, until: int, step: int
) -> list[dict[str, Any]]:
    """By facets those that there are; without, one row whatever there is. A time series has every bucket of each."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {} if facets else {(): []}
    for each in events:
        if all(each.get(name) is not None for name in facets):
            groups.setdefault(tuple(each[name] for name in facets), []).append(each)
    rows = []
    for values, mine in sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))[:MOST_FACETS]:
        named = dict(zip(facets, values, strict=True))
        facet = {"facet": values[0] if len(values) == 1 else list(values), **named} if facets else {}
        for at in range(since, until, step) if step else [since]:
            inside = [each for each in mine if at <= each["at"] < at + step] if step else mine
            bucket = {"beginTimeSeconds": at, "endTimeSeconds": at + step} if step else {}
            rows.append({**facet, **bucket, **_selected(inside, select)})
    return rows


def _selected(events: list[dict[str, Any]], select: str) -> dict[str, int]:
    found = {"total": len(events)}
    for condition, name in re.findall(r"filter\(count\(\*\), WHERE (.+?)\) AS '(\w+)'", select):
        found[name] = sum(_holds(each, condition) for each in events)
    return found
