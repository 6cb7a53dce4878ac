"""What Datadog has of a world's requests, and what it makes of a query: points of every flush, rolled up in time, then in space.

Written without the provider's parser: two that are wrong alike would agree.
"""

import fnmatch
import re
import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import fmean

from tests.fakes.world import Happened, World

Tags = Mapping[str, str]
Values = dict[int, list[float]]  # by seconds since 1970: what one series has there
Sent = Sequence[tuple[Tags, Values]]
ANSWERED = {"shop.answered.well": range(200, 300), "shop.answered.elsewhere": range(300, 400)}
ALIGNED_MOST = 1500  # points of a series; more, and buckets are wider, whatever was asked for


class Wrong(Exception):
    """The query cannot be read, as Datadog says it."""


@dataclass(frozen=True)
class Asked:
    """A query, taken apart."""

    space: str
    metric: str
    scope: str
    by: tuple[str, ...]
    functions: tuple[tuple[str, tuple[str, ...]], ...]


def asked(text: str) -> Asked:
    found = re.fullmatch(
        r"(?P<space>[a-z0-9.]+|count\(v: v(?:<=|>=|<|>)[0-9.]+\)):(?P<metric>[\w.]+)\{(?P<scope>[^}]*)\}"
        r"(?: by \{(?P<by>[^}]*)\})?(?P<functions>(?:\.\w+\([^)]*\))*)",
        text,
    )
    if found is None:
        raise Wrong(f"Error parsing query: \n unable to parse {text[:60]}: Rule 'scope_expr' didn't match")
    functions = tuple(
        (name, tuple(each.strip() for each in arguments.split(",") if each.strip()))
        for name, arguments in re.findall(r"\.(\w+)\(([^)]*)\)", found["functions"])
    )
    by = tuple(each.strip() for each in (found["by"] or "").split(",") if each.strip())
    return Asked(found["space"], found["metric"], found["scope"], by, functions)


def selects(scope: str) -> Callable[[Tags], bool]:
    """Whether a series is of *scope*. Commas with `!`, or words: both at once is wrong."""
    worded = re.search(r"\b(AND|NOT|IN)\b", scope) is not None
    if worded and re.search(r"!|,(?![^(]*\))", scope):
        raise Wrong("Error parsing query: symbols and words of a filter cannot be mixed")
    # What is listed first: it leaves the fewest, and is looked up at once.
    terms = sorted(re.split(r" AND " if worded else r",", scope), key=lambda term: " IN (" not in term)
    conditions = [_condition(term.strip()) for term in terms]
    return lambda tags: all(condition(tags) for condition in conditions)


def _condition(term: str) -> Callable[[Tags], bool]:
    if term == "*":
        return lambda _tags: True
    if listed := re.fullmatch(r"([\w.\-/]+) (NOT )?IN \(([^()]+)\)", term):
        values = {each.strip() for each in listed[3].split(",")}
        return lambda tags: (tags.get(listed[1]) in values) is not bool(listed[2])
    if one := re.fullmatch(r"(!|NOT )?([\w.\-/]+):(\S+)", term):
        name, pattern = one[2], one[3]
        return lambda tags: (name in tags and fnmatch.fnmatchcase(tags[name], pattern)) is not bool(one[1])
    raise Wrong(f"Error parsing query: \n unable to parse {term[:60]}: Rule 'scope_expr' didn't match")


@dataclass
class Metrics:
    """Of a world.

    Attributes:
        flush: How often an agent sends what it has counted.
        late: How long after it happened a request may still be on its way.
        untagged: Metrics that are sent without the tag `version`. Of all others Datadog keeps it in lower case, other signs as underscores.
    """

    world: World
    flush: timedelta = timedelta(seconds=10)
    late: timedelta = timedelta(0)
    untagged: Collection[str] = ()

    def names(self) -> list[str]:
        """Of all metrics that were sent."""
        traces = ["trace.http.request", "trace.http.request.hits", "shop.queue.depth"]
        return [
            *traces,
            *(["trace.http.request.errors"] if any(each.status >= 500 for each in self._came()) else []),
        ]

    def answer(
        self, query: Asked, sent: Sent, start: int, end: int, interval: int
    ) -> dict[tuple[str, ...], dict[int, float]]:
        """Of what was *sent* of its metric: numbers by the tags of their group, and the beginnings of their buckets: seconds since 1970 all of them."""
        interval = max(interval, -(-(end - start) // ALIGNED_MOST))
        fits = selects(query.scope)
        groups: dict[tuple[str, ...], list[Values]] = {}
        for tags, values in sent:
            if fits(tags):
                group = tuple(f"{name}:{tags.get(name, 'N/A')}" for name in query.by)
                groups.setdefault(group, []).append(_rolled(values, interval))
        return {
            group: {
                at: x for at, x in _joined(query, series).items() if start <= at + interval - 1 and at < end
            }
            for group, series in groups.items()
        }

    def sent(self, metric: str) -> Sent:
        """Each set of tags that something was sent with, and what was sent at each flush."""
        flush = self.flush.total_seconds()
        sent: dict[tuple[tuple[str, str], ...], Values] = {}
        for each in self._came():
            number = _number(metric, each)
            if number is not None:
                at = int(each.at.timestamp() // flush * flush)
                tags = _tags(each)
                if metric in self.untagged:
                    del tags["version"]
                sent.setdefault(tuple(tags.items()), {}).setdefault(at, []).append(number)
        if metric in {"trace.http.request", "shop.queue.depth"}:
            return [(dict(tags), values) for tags, values in sent.items()]
        # A count: the agent adds up, and sends one number.
        return [
            (dict(tags), {at: [sum(each)] for at, each in values.items()}) for tags, values in sent.items()
        ]

    def _came(self) -> list[Happened]:
        """What has arrived by now. What happens is always on its way for the same time."""
        now = self.world.now
        if not self.late:
            return [each for each in self.world.log if each.at <= now]
        return [each for each in self.world.log if each.at + self.late * _chance(each) <= now]


def _chance(each: Happened) -> float:
    return zlib.crc32(f"{each.at.timestamp():.6f}".encode()) / (1 << 32)


def _tags(each: Happened) -> dict[str, str]:
    version = re.sub(r"[^\w\-:./]", "_", each.version.lower())
    service = "shop" if each.instance == 0 else f"shop-{each.instance}"
    return {
        "env": "prod",
        "service": service,
        "version": version,
        "http.status_class": f"{each.status // 100}xx",
    }


def _number(metric: str, each: Happened) -> float | None:
    if metric == "trace.http.request.hits":
        return 1.0
    if metric == "trace.http.request.errors":
        return 1.0 if each.status >= 500 else None
    if metric in ANSWERED:
        return 1.0 if each.status in ANSWERED[metric] else None
    return {"trace.http.request": each.seconds, "shop.queue.depth": float(each.at.second % 7)}.get(metric)


def _rolled(values: Values, interval: int) -> Values:
    """Points by the bucket that they are in, on the grid of Unix time."""
    buckets: Values = {}
    for at, points in values.items():
        buckets.setdefault(at // interval * interval, []).extend(points)
    return buckets


def _joined(query: Asked, series: Sequence[Values]) -> dict[int, float]:
    return {
        at: _space(query, [each[at] for each in series if at in each])
        for at in sorted({at for each in series for at in each})
        if _space(query, [each[at] for each in series if at in each]) or not query.space.startswith("count(")
    }


def _space(query: Asked, series: Sequence[Sequence[float]]) -> float:
    points = [x for each in series for x in each]
    if bound := re.fullmatch(r"count\(v: v(<=|>=|<|>)([0-9.]+)\)", query.space):
        edge = float(bound[2])
        sure = {
            "<=": lambda x: x <= edge,
            ">=": lambda x: x >= edge,
            "<": lambda x: x < edge,
            ">": lambda x: x > edge,
        }
        return float(sum(sure[bound[1]](x) for x in points))
    if re.fullmatch(r"p[0-9.]+", query.space):
        return sorted(points)[min(int(len(points) * float(query.space[1:]) / 100), len(points) - 1)]
    if query.space == "count":
        return float(len(points))
    rollup = dict(query.functions).get("rollup", ("avg",))[0]
    in_time = _BY["sum" if "as_count" in dict(query.functions) else rollup]
    return _BY[query.space]([in_time(each) for each in series])


_BY: Mapping[str, Callable[[Sequence[float]], float]] = {
    "sum": lambda points: float(sum(points)),
    "avg": fmean,
    "max": max,
    "min": min,
}
