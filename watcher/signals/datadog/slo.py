"""What an SLO is made of. Pure.

One of counts is two sums of metrics, which are counted as any other metrics: by the bucket, and of either release. What its own
history has instead are sums over spans whose length Datadog chooses (two hours, of a day), in which silence is zero.

Source:
    https://docs.datadoghq.com/api/latest/service-level-objectives/#get-an-slos-details
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from rules.errors import Malformed
from watcher.signals.datadog import metric

COUNTS, SLICES = "metric", "time_slice"  # types: made of counts, of time slices; the third is of monitors
_OF = {"monitor": "monitors", SLICES: "time slices"}
_SLICE = 300  # seconds
MOST_TERMS = 20
LONGEST = 20_000  # characters of a sum
_NAME = 100  # characters of one
_TOKEN = re.compile(
    r"\s*(?:(?P<sign>[+\-])|(?P<open>default_zero\s*\(|\()|(?P<close>\))"
    r"|(?P<query>[a-z0-9.]+\s*:\s*[\w.]+\{[^{}]*\}(?:\s*by\s*\{[^{}]*\})?(?:\s*\.[a-z_]+\([^()]*\))*)"
    r"|(?P<name>[A-Za-z_]\w*))\s*"
)
_BY = re.compile(r"\s*by\s*\{[^{}]*\}")


class _Loose(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Threshold(_Loose):
    """What is promised, in percent, of how long."""

    timeframe: str
    target: float


class _Sums(_Loose):
    numerator: str
    denominator: str


class _Formula(_Loose):
    formula: str


class _Named(_Loose):
    name: str
    query: str


class _Counting(_Loose):
    good_events_formula: _Formula
    total_events_formula: _Formula
    queries: list[_Named]


class _Condition(_Loose):
    query_interval_seconds: Annotated[int, Field(ge=1, le=86400)] | None = None


class _Specification(_Loose):
    count: _Counting | None = None
    time_slice: _Condition | None = None


class Definition(_Loose):
    """An SLO, as Datadog tells what it is."""

    id: str
    name: str = ""
    type: str
    query: _Sums | None = None
    sli_specification: _Specification | None = None
    thresholds: list[Threshold] = Field(default_factory=list)

    @property
    def title(self) -> str:
        """Its name, for people."""
        return plain(self.name) or self.id

    @property
    def slice(self) -> timedelta:
        """How long it is until the next time that it may turn: of time slices one of them, which are of five minutes where nothing is said."""
        if self.type != SLICES:
            return timedelta(0)
        told = self.sli_specification.time_slice if self.sli_specification is not None else None
        return timedelta(seconds=(told.query_interval_seconds if told is not None else None) or _SLICE)


class Defined(_Loose):
    """An answer of ``/api/v1/slo/{id}``."""

    data: Definition


Terms = Mapping[str, int]  # queries, each with how often it is added


@dataclass(frozen=True, slots=True)
class Made:
    """Of what sums: all that there is, and what of it is good."""

    total: Terms
    good: Terms


def made_of(definition: Definition) -> Made:
    """What the SLO counts.

    Raises:
        Malformed: It counts nothing, or not so that it can be read here.
    """
    if definition.type != COUNTS:
        raise Malformed(
            f"the SLO {definition.title} is made of {_OF.get(definition.type, plain(definition.type)[:20])}, and counts nothing",
            remedy="read it as a `state`",
        )
    try:
        return _made(definition)
    except Malformed as wrong:
        raise Malformed(f"the SLO {definition.title}: {wrong}", remedy=wrong.remedy) from wrong


def _made(definition: Definition) -> Made:
    spec = definition.sli_specification
    if spec is not None and spec.count is not None:
        names = {each.name: each.query for each in spec.count.queries}
        good, total = spec.count.good_events_formula.formula, spec.count.total_events_formula.formula
    elif definition.query is not None:
        names, good, total = {}, definition.query.numerator, definition.query.denominator
    else:
        raise Malformed("it does not say what it counts", remedy="write its two queries as `bad` and `total`")
    return Made(_summed(total, names), _summed(good, names))


def _summed(text: str, names: Mapping[str, str]) -> Terms:
    """The queries of a sum, each once."""
    found: dict[str, int] = {}
    signs, sign, expects = [1], 1, True
    place = 0
    while place < len(text) <= LONGEST:
        token = _TOKEN.match(text, place)
        if token is None or (token["sign"] is None and token["close"] is None) != expects:
            break
        place = token.end()
        if token["sign"]:
            sign, expects = (1 if token["sign"] == "+" else -1), True
        elif token["open"]:
            signs.append(signs[-1] * sign)
            sign = 1
        elif token["close"]:
            signs.pop()
            if not signs:
                break
        else:
            query = _query(token["query"] or names.get(token["name"], ""))
            found[query] = found.get(query, 0) + sign * signs[-1]
            sign, expects = 1, False
    else:
        terms = {query: factor for query, factor in found.items() if factor}
        if signs == [1] and not expects and 0 < len(terms) <= MOST_TERMS:
            return terms
    raise Malformed(
        f"it is no sum of counts: {text[:80]!r}", remedy="write its two queries as `bad` and `total` here"
    )


def _query(text: str) -> str:
    """*text*, of all its groups together, as they are in the SLO."""
    is_short = len(text) <= 2 * metric.LONGEST  # of one that is longer nobody looks for its groups
    return metric.check_count(_BY.sub("", text).strip() if is_short else text)


def narrowed(text: str, groups: Sequence[str]) -> str:
    """The query *text*, of what has the tags *groups* alone."""
    if not groups:
        return text
    before, _, rest = text.partition("{")
    within, _, after = rest.partition("}")
    has = [] if within.strip() in {"", "*"} else [within]
    return f"{before}{{{','.join([*has, *groups])}}}{after}"


def plain(text: str) -> str:
    """*text*, of limited length, in one line."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())[:_NAME]
