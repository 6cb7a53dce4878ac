"""What a query of `newrelic` may say: the type of events, which of them, and which are bad or slow."""

import functools
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from rules.duration import Duration, duration_text
from rules.errors import Malformed
from rules.model import Indicator, Kind
from watcher.signals.arms import filled_with
from watcher.signals.exposed import listed

MINUTE = timedelta(minutes=1)
USUAL = MINUTE
BUCKETS = tuple(minutes * MINUTE for minutes in (1, 2, 5, 10, 15, 30, 60))
SETTLE = timedelta(minutes=2)  # what New Relic's own alerts wait for events
MOST_BOUNDS = 10
_POINTS = frozenset({"metric"})
# Words that would end a condition and begin another part of the query.
_WORDS = re.compile(
    r"\b(SELECT|FROM|FACET|SINCE|UNTIL|LIMIT|TIMESERIES|COMPARE|EXTRAPOLATE|WITH|ORDER|SLIDE|JOIN|PREDICT)\b",
    re.IGNORECASE,
)
_STRING = re.compile(r"'(?:[^'\\]|\\.)*'")


def _from(value: str) -> str:
    if value.lower() in _POINTS:
        raise Malformed(
            "metrics are points and not requests, and their windows are moved to whole rollups",
            remedy="write from: Transaction, Span or another type of events",
        )
    return value


def _bucket(value: timedelta) -> timedelta:
    if value not in BUCKETS:
        raise Malformed(
            "no bucket of this length", remedy=f"write one of {', '.join(map(duration_text, BUCKETS))}"
        )
    return value


def _value(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _text(value: str) -> str:
    plain = filled_with(value, "v")
    if not plain or not plain.isprintable() or len(plain) > 200:  # noqa: PLR2004 - longer than any name
        raise Malformed("a value in one line, of at most 200 signs", remedy="write it out")
    if "\\" in plain:
        raise Malformed("a backslash in a value", remedy="leave it out")
    return value


def _condition(value: str) -> str:
    plain = _STRING.sub("''", value)
    if not value.strip() or not value.isprintable():
        raise Malformed("a condition of NRQL in one line", remedy="write bad: error IS true")
    if "'" in plain.replace("''", "") or plain.count("`") % 2:
        raise Malformed("quotes that do not match", remedy="close what is open")
    if _WORDS.search(plain) or "//" in plain or "--" in plain or "/*" in plain or "$" in plain:
        raise Malformed("more than a condition", remedy="write what stands behind WHERE alone: error IS true")
    depth = 0
    for sign in plain:
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if depth < 0:
            break
    if depth:
        raise Malformed("parentheses that do not match", remedy="close what is open")
    return value


Attribute = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.:-]{0,254}$")]
Where = Annotated[str, BeforeValidator(_value), AfterValidator(_text)]


class Query(BaseModel):
    """``{newrelic: {from, where, bad}}``, or with `over`.

    Attributes:
        from: The type of events: `Transaction`, `Span`, `PageView`, …
        where: Attributes and the one value that each must have: `{appName: checkout, tags.version: "${arm.version}"}`.
        bad: A condition of NRQL: which of them are bad.
        over: Bounds of a latency.
        duration: The attribute that says how long it took, in seconds.
        bucket: Its length.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: Annotated[
        str, Field(alias="from", pattern=r"^[A-Za-z][A-Za-z0-9_:]{0,254}$"), AfterValidator(_from)
    ]
    where: Annotated[Mapping[Attribute, Where], Field(min_length=1, max_length=8)]
    bad: Annotated[str, Field(max_length=1000), AfterValidator(_condition)] | None = None
    over: Annotated[list[Duration], BeforeValidator(listed), Field(max_length=MOST_BOUNDS)] | None = None
    duration: Attribute = "duration"
    bucket: Annotated[Duration, AfterValidator(_bucket)] = USUAL

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.bad is not None and self.over is not None:
            raise Malformed("one of both is counted", remedy="write `bad`, or `over`")
        return self


@functools.lru_cache(maxsize=16384)
def parsed(text: str) -> Query:
    """The query in *text*, as an indicator keeps it."""
    return Query.model_validate_json(text)


_NEEDS: Mapping[Kind, tuple[str, Callable[[Query], bool]]] = {
    Kind.RATIO: ("bad", lambda query: query.bad is not None),
    Kind.EVENTS: ("bad", lambda query: query.bad is not None),
    Kind.LATENCY: ("over", lambda query: query.over is not None),
    Kind.REQUESTS: ("neither bad nor over", lambda query: query.bad is None and query.over is None),
}
FITS = frozenset(_NEEDS)


def mistake(indicator: Indicator) -> tuple[str, str] | None:
    """What the query lacks for the kind of its indicator, and the remedy; ``None`` if it fits."""
    needs, fits = _NEEDS[indicator.kind]
    if fits(parsed(indicator.query)):
        return None
    return f"{indicator.kind} cannot be read with this query", f"it needs {needs}"


def bucket(indicator: Indicator) -> timedelta:
    """Length of a bucket."""
    return parsed(indicator.query).bucket
