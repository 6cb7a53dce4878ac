"""What a query of `scrape` may say."""

import functools
from collections.abc import Callable, Mapping
from typing import Annotated, Literal, Self

from pydantic import (
    BeforeValidator,
    Field,
    model_validator,
)

from rules.duration import Duration
from rules.errors import Malformed
from rules.model import Indicator, Kind
from watcher.signals.exposed import LabelName, MetricName, Not, Pattern, listed
from watcher.signals.limits import Addressed

Matchers = Mapping[LabelName, Pattern | Not]


class Query(Addressed):
    """``{scrape: {urls, counter, where, bad}}``, or with ``histogram`` and ``over``, or with ``gauge``.

    Attributes:
        urls: The pages, one for each instance; not one address behind which several answer in turn.
        counter: The metric, or `histogram`, or `gauge`.
        where: Patterns of label values, each for a whole value; a label that is not there is empty.
        bad: The same, in addition: which of them are bad.
        over: Bounds of a latency; each must be a bound (``le``) of the histogram.
        take: How the values of several series make one.
    """

    counter: MetricName | None = None
    histogram: MetricName | None = None
    gauge: MetricName | None = None
    where: Matchers = Field(default_factory=dict)
    bad: Matchers | None = None
    over: Annotated[list[Duration], BeforeValidator(listed)] | None = None
    take: Literal["sum", "max", "min", "mean"] | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        named = [name for name in ("counter", "histogram", "gauge") if getattr(self, name) is not None]
        if len(named) != 1:
            raise Malformed("exactly one metric is read", remedy="write one of counter, histogram or gauge")
        for key, of in (("bad", "counter"), ("over", "histogram"), ("take", "gauge")):
            if getattr(self, key) is not None and named != [of]:
                raise Malformed(f"`{key}` belongs to a {of}", remedy=f"leave `{key}` out, or read a {of}")
        return self

    @property
    def metric(self) -> str:
        """The name of the samples that are read."""
        return f"{self.histogram}_bucket" if self.histogram else self.counter or self.gauge or ""

    @property
    def needs_all(self) -> bool:
        """Without one of the pages the number is wrong, and not only less certain."""
        return (self.counter is not None and self.bad is None) or (
            self.gauge is not None and self.take in {None, "sum"}
        )


@functools.lru_cache(maxsize=1024)
def parsed(text: str) -> Query:
    """The query in *text*, as an indicator keeps it."""
    return Query.model_validate_json(text)


_NEEDS: Mapping[Kind, tuple[str, Callable[[Query], bool]]] = {
    Kind.RATIO: ("counter and bad", lambda query: query.counter is not None and query.bad is not None),
    Kind.REQUESTS: ("counter, without bad", lambda query: query.counter is not None and query.bad is None),
    Kind.LATENCY: (
        "histogram and over",
        lambda query: query.histogram is not None and query.over is not None,
    ),
    Kind.VALUE: ("gauge", lambda query: query.gauge is not None),
}


def mistake(indicator: Indicator) -> tuple[str, str] | None:
    """What the query lacks for the kind of its indicator, and the remedy; ``None`` if it fits."""
    needs, fits = _NEEDS[indicator.kind]
    if fits(parsed(indicator.query)):
        return None
    return f"{indicator.kind} cannot be read with this query", f"it needs {needs}"
