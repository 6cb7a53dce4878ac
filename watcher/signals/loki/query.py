"""What a query of `loki` may say: lines of streams that are counted, or expressions of one's own."""

import functools
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from rules.duration import Duration
from rules.errors import Malformed
from rules.model import Indicator, Kind
from watcher.signals.exposed import LabelName, Not, Pattern, listed
from watcher.signals.prometheus import expressions
from watcher.signals.prometheus.promql import SIGN
from watcher.signals.prometheus.query import USUAL, aligned

MOST = 20  # labels, or texts
_OF_A_SECOND = re.compile(r"\b(rate|rate_counter|bytes_rate)\s*\(")
_NO_COUNT = re.compile(r"\b(bytes_over_time|absent_over_time)\s*\(")


def _label(value: str) -> str:
    if SIGN.fullmatch(value) or value.startswith("__"):
        raise Malformed(f"the label {value} cannot be asked for here", remedy="write an expression instead")
    return value


def _count(text: str) -> str:
    found = _OF_A_SECOND.search(text) or _NO_COUNT.search(text)
    if found:
        what = "so many a second" if _OF_A_SECOND.search(text) else "no count of lines"
        raise Malformed(
            f"{found[1]}() is {what}, and counts are needed",
            remedy=f"write sum(count_over_time({{…}} [{expressions.BUCKET}]))",
        )
    return expressions.check(text)


Label = Annotated[LabelName, AfterValidator(_label)]
Matchers = Annotated[Mapping[Label, Pattern | Not], Field(max_length=MOST)]
Text = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x08\x0a-\x1f\x7f]{1,512}$")]
Texts = Annotated[list[Text], BeforeValidator(listed), Field(max_length=MOST)]
Count = Annotated[str, AfterValidator(_count)]


class Lines(BaseModel):
    """Which lines.

    Attributes:
        contains: Texts, each of which is in the line, in these letters.
        lacks: Texts of which none is in it.
        labels: Patterns of the values of labels that a line has once it is read; a label that is not there is empty.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    contains: Texts = Field(default_factory=list)
    lacks: Texts = Field(default_factory=list)
    labels: Matchers = Field(default_factory=dict)

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not (self.contains or self.lacks or self.labels):
            raise Malformed("no line is told from another", remedy="write contains, lacks or labels")
        return self


class Query(BaseModel):
    """``{loki: {stream, parser, total, bad}}``, or expressions.

    Attributes:
        stream: Patterns of the values of the streams' labels, each for a whole value.
        parser: How the labels of a line are read; without it a line has those of its stream, and its structured metadata.
        total: Which lines of the streams count; by default all.
        bad: Which of these are bad.
        bad_expr: A metric query whose one row is how many are bad in a bucket, of `total_expr`. They may say ``${bucket}``.
        total_expr: A metric query whose one row is how many there are in a bucket.
        bucket: Its length.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    stream: Matchers | None = None
    parser: Literal["json", "logfmt"] | None = None
    total: Lines | None = None
    bad: Lines | None = None
    bad_expr: Count | None = None
    total_expr: Count | None = None
    bucket: Annotated[Duration, AfterValidator(aligned)] = USUAL

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if (self.stream is None) == (self.total_expr is None):
            raise Malformed("exactly one thing is counted", remedy="write `stream:`, or `total_expr:`")
        if self.stream is None:
            if self.parser or self.total or self.bad:
                raise Malformed(
                    "an expression says itself what it counts", remedy="leave parser, total and bad out"
                )
        elif self.bad_expr is not None:
            raise Malformed("`bad_expr` belongs to `total_expr`", remedy="write `bad: {contains: …}`")
        elif not any(isinstance(value, str) and value for value in self.stream.values()):
            raise Malformed(
                "no stream is named", remedy="write a label that they have: stream: {app: checkout}"
            )
        else:
            self._refuse_twice(self.stream)
        return self

    def _refuse_twice(self, stream: Mapping[str, Pattern | Not]) -> None:
        total = self.total.labels if self.total else {}
        bad = self.bad.labels if self.bad else {}
        for label in (*total, *bad):
            if label in stream:
                raise Malformed(
                    f"the label {label} is asked for twice",
                    remedy="write it under `stream`; one that a parser finds again is called LABEL_extracted",
                )


@functools.lru_cache(maxsize=16384)
def parsed(text: str) -> Query:
    """The query in *text*, as an indicator keeps it."""
    return Query.model_validate_json(text)


_COUNTS_BAD = "stream and bad, or bad_expr and total_expr"
_NEEDS: Mapping[Kind, str] = {
    Kind.RATIO: _COUNTS_BAD,
    Kind.EVENTS: _COUNTS_BAD,
    Kind.REQUESTS: "stream without bad, or total_expr alone",
}
FITS = frozenset(_NEEDS)


def mistake(indicator: Indicator) -> tuple[str, str] | None:
    """What the query lacks for the kind of its indicator, and the remedy; ``None`` if it fits."""
    query = parsed(indicator.query)
    has_bad = query.bad is not None or query.bad_expr is not None
    if has_bad is not (indicator.kind is Kind.REQUESTS):
        return None
    return f"{indicator.kind} cannot be read with this query", f"it needs {_NEEDS[indicator.kind]}"


def bucket(indicator: Indicator) -> timedelta:
    """Length of a bucket."""
    return parsed(indicator.query).bucket
