"""What a query of `prometheus` may say: a counter, a histogram, a gauge, or expressions of one's own."""

import functools
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from rules.duration import Duration, duration_text
from rules.errors import Malformed
from rules.model import Indicator, Kind
from watcher.signals.exposed import LabelName, MetricName, Not, Pattern, listed
from watcher.signals.prometheus import expressions
from watcher.signals.prometheus.promql import SIGN

SHORTEST, LONGEST = timedelta(seconds=1), timedelta(hours=1)
USUAL = timedelta(minutes=1)


def _label(value: str) -> str:
    if SIGN.fullmatch(value) or value == "le" or value.startswith("__"):
        raise Malformed(f"the label {value} cannot be asked for here", remedy="write an expression instead")
    return value


def aligned(value: timedelta) -> timedelta:
    """*value*, if buckets of that length lie on one grid.

    Raises:
        Malformed: They do not.
    """
    if not SHORTEST <= value <= LONGEST:
        limits = f"{duration_text(SHORTEST)} to {duration_text(LONGEST)}"
        raise Malformed(f"must lie within {limits}", remedy="1m is usual")
    if timedelta(days=1) % value or value % SHORTEST:
        raise Malformed(
            "whole seconds that divide a day are needed, so that buckets lie on one grid",
            remedy="write 15s, 30s, 1m, 2m or 5m",
        )
    return value


Label = Annotated[LabelName, AfterValidator(_label)]
Expression = Annotated[str, AfterValidator(expressions.check)]
Count = Annotated[str, AfterValidator(expressions.check_count)]


Matchers = Annotated[Mapping[Label, Pattern | Not], Field(max_length=20)]


class Query(BaseModel):
    """``{prometheus: {counter, where, bad}}``, or with ``histogram`` and ``over``, ``gauge``, or expressions.

    Attributes:
        counter: The metric, or `histogram` (without ``_bucket``), or `gauge`.
        where: Patterns of label values, each for a whole value; a label that is not there is empty.
        bad: The same, in addition: which of them are bad.
        over: Bounds of a latency; each must be a bound (``le``) of the histogram.
        native: The histogram is a native one: how many are slower is an estimate then.
        take: How the values of several series make one.
        expr: An expression whose one row is the value.
        bad_expr: One whose one row is how many are bad in a bucket, of `total_expr`. They may say ``${bucket}``.
        bucket: Its length.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    counter: MetricName | None = None
    histogram: MetricName | None = None
    gauge: MetricName | None = None
    where: Matchers = Field(default_factory=dict)
    bad: Matchers | None = None
    over: Annotated[list[Duration], BeforeValidator(listed)] | None = None
    native: bool = False
    take: Literal["sum", "max", "min", "mean"] | None = None
    expr: Expression | None = None
    bad_expr: Count | None = None
    total_expr: Count | None = None
    bucket: Annotated[Duration, AfterValidator(aligned)] = USUAL

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        named = [name for name in ("counter", "histogram", "gauge", "expr", "total_expr") if self._has(name)]
        if len(named) != 1:
            raise Malformed(
                "exactly one thing is read",
                remedy="write one of counter, histogram, gauge, expr or total_expr",
            )
        for key, of in (
            ("bad", "counter"),
            ("over", "histogram"),
            ("native", "histogram"),
            ("take", "gauge"),
            ("bad_expr", "total_expr"),
        ):
            if self._has(key) and named != [of]:
                raise Malformed(f"`{key}` belongs to a {of}", remedy=f"leave `{key}` out, or write `{of}:`")
        if self.where and named[0] in {"expr", "total_expr"}:
            raise Malformed("an expression says itself what it selects", remedy="leave `where` out")
        if self.histogram is not None and re.search(r"_(bucket|count|sum)$", self.histogram):
            base = self.histogram.rpartition("_")[0]
            raise Malformed("a histogram is named without _bucket", remedy=f"write histogram: {base}")
        return self

    def _has(self, name: str) -> bool:
        value = getattr(self, name)
        return value is not None and value is not False

    @property
    def metric(self) -> str | None:
        """The name that its series go by; ``None`` for expressions."""
        if self.histogram is not None and not self.native:
            return f"{self.histogram}_bucket"
        return self.histogram or self.counter or self.gauge


@functools.lru_cache(maxsize=16384)
def parsed(text: str) -> Query:
    """The query in *text*, as an indicator keeps it."""
    return Query.model_validate_json(text)


def _counts_bad(query: Query) -> bool:
    return (query.counter is not None and query.bad is not None) or query.bad_expr is not None


def _counts_all(query: Query) -> bool:
    return (query.counter or query.total_expr) is not None and query.bad is None and query.bad_expr is None


_NEEDS: Mapping[Kind, tuple[str, Callable[[Query], bool]]] = {
    Kind.RATIO: ("counter and bad, or bad_expr and total_expr", _counts_bad),
    Kind.EVENTS: ("counter and bad, or bad_expr and total_expr", _counts_bad),
    Kind.REQUESTS: ("counter without bad, or total_expr", _counts_all),
    Kind.LATENCY: (
        "histogram and over",
        lambda query: query.histogram is not None and query.over is not None,
    ),
    Kind.VALUE: ("gauge or expr", lambda query: (query.gauge or query.expr) is not None),
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
