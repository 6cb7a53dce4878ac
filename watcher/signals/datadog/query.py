"""What a query of `datadog` may say: counts, a value, a latency by its distribution, monitors, or an SLO."""

import functools
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    model_validator,
)

from rules.duration import Duration, duration_text
from rules.errors import Malformed
from rules.model import Indicator, Kind
from watcher.signals.datadog import metric
from watcher.signals.exposed import listed

SHORTEST, LONGEST = timedelta(seconds=1), timedelta(hours=1)
MINUTE = timedelta(minutes=1)
UNITS = {"seconds": 1.0, "milliseconds": 1e3, "microseconds": 1e6, "nanoseconds": 1e9}  # in a second
_TRACES = "trace."  # trace metrics are published in seconds
_THINGS = ("total", "value", "distribution", "monitors", "slo")
WELL = ("OK", "Warn")  # Warn: what the monitor calls critical is not reached


def _bucket(value: timedelta) -> timedelta:
    if not SHORTEST <= value <= LONGEST:
        limits = f"{duration_text(SHORTEST)} to {duration_text(LONGEST)}"
        raise Malformed(f"must lie within {limits}", remedy="1m is usual")
    if timedelta(days=1) % value or value % SHORTEST:
        raise Malformed(
            "whole seconds that divide a day are needed, as Datadog's own buckets lie on that grid",
            remedy="write 10s, 20s, 30s, 1m or 5m",
        )
    return value


StateName = Literal["Alert", "Warn", "No Data", "OK", "Ignored", "Skipped", "Unknown"]
Count = Annotated[str, AfterValidator(metric.check_count)]
GroupTag = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][^\s,]{0,255}$")]
SloId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
# By its form, so that of a mistake in one only that one is told.
Bad = Annotated[
    Annotated[Count, Tag("count")] | Annotated[list[StateName], Field(min_length=1), Tag("states")],
    Discriminator(lambda value: "states" if isinstance(value, list | tuple) else "count"),
]


class Query(BaseModel):
    """``{datadog: {bad, total}}``, or with ``value``, or ``distribution`` and ``over``, or ``monitors``, or ``slo``.

    Attributes:
        bad: How many are bad, such as ``sum:trace.http.request.errors{…}.as_count()``; for `monitors`, the states that are.
        total: How many there are. Where it has no point, there is no bucket: silence is not zero.
        value: A query that gives one number a bucket; percentiles are read so alone.
        distribution: A metric with its filter, ``trace.http.request{…}``: how many were slower than each bound.
        over: Bounds of a latency.
        unit: In which the distribution is sent; trace metrics are in seconds.
        bucket: Its length.
        monitors: Their ids. Read once a minute each.
        slo: The id of an SLO, as its page's address has it. One of counts is a `ratio`, or `events`; one of monitors or of
            time slices a `state`.
        groups: Tags that a monitor's group must have to be looked at, or an SLO's; of an SLO of counts, what is counted.
            May say ``${arm.x}``.
        good: For `monitors`, the states that are well. One that is neither bad nor good says nothing.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    bad: Bad | None = None
    total: Count | None = None
    value: Annotated[str, AfterValidator(metric.check_value)] | None = None
    distribution: Annotated[str, AfterValidator(metric.check_distribution)] | None = None
    over: Annotated[list[Duration], BeforeValidator(listed), Field(min_length=1, max_length=20)] | None = None
    unit: Literal["seconds", "milliseconds", "microseconds", "nanoseconds"] | None = None
    bucket: Annotated[Duration, AfterValidator(_bucket)] = MINUTE
    monitors: (
        Annotated[
            list[Annotated[int, Field(ge=1, lt=1 << 63)]],
            BeforeValidator(listed),
            Field(min_length=1, max_length=20),
        ]
        | None
    ) = None
    slo: SloId | None = None
    groups: Annotated[list[GroupTag], BeforeValidator(listed), Field(min_length=1, max_length=20)] | None = (
        None
    )
    good: Annotated[list[StateName], Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _asks_for_one_thing(self) -> Self:
        named = [name for name in _THINGS if getattr(self, name) is not None]
        if len(named) != 1:
            raise Malformed(
                "exactly one thing is read", remedy="write one of total, value, distribution, monitors or slo"
            )
        for key, written, of in (
            ("bad", isinstance(self.bad, str), ("total",)),
            ("bad", isinstance(self.bad, list), ("monitors",)),
            ("over", self.over is not None, ("distribution",)),
            ("unit", self.unit is not None, ("distribution",)),
            ("groups", self.groups is not None, ("monitors", "slo")),
            ("good", self.good is not None, ("monitors",)),
        ):
            if written and named[0] not in of:
                raise Malformed(
                    f"`{key}` has no meaning here", remedy=f"leave `{key}` out, or write `{of[0]}:`"
                )
        if self.monitors is not None and self.bucket != MINUTE:
            raise Malformed("monitors are read once a minute", remedy="leave `bucket` out")
        return self

    @model_validator(mode="after")
    def _rolls_up_by_the_bucket(self) -> Self:
        seconds = f"{self.bucket.total_seconds():g}"
        for text in self.texts:
            for arguments in metric.parsed(text).rollups:
                if len(arguments) > 1 and arguments[1:] != (seconds,):
                    raise Malformed(
                        f"a rollup over {arguments[1]} s in a bucket of {duration_text(self.bucket)}",
                        remedy=f"write .rollup({arguments[0]}), and `bucket:` for its length",
                    )
        return self

    @property
    def texts(self) -> tuple[str, ...]:
        """All metric queries in it."""
        bad = self.bad if isinstance(self.bad, str) else None
        return tuple(text for text in (self.total, bad, self.value, self.distribution) if text is not None)

    @property
    def states_bad(self) -> tuple[str, ...]:
        """States of a monitor that are bad."""
        return tuple(self.bad) if isinstance(self.bad, list) else ("Alert",)

    @property
    def states_good(self) -> tuple[str, ...]:
        """States of a monitor that are well. Those that say so and are bad are bad."""
        return tuple(self.good or WELL)

    @property
    def units_in_a_second(self) -> float | None:
        """How much of the distribution's unit a second is; ``None``: nobody knows the unit."""
        if self.unit is not None:
            return UNITS[self.unit]
        return 1.0 if (self.distribution or "").strip().startswith(_TRACES) else None


@functools.lru_cache(maxsize=16384)
def parsed(text: str) -> Query:
    """The query in *text*, as an indicator keeps it."""
    return Query.model_validate_json(text)


_NEEDS: Mapping[Kind, str] = {
    Kind.RATIO: "bad and total",
    Kind.EVENTS: "bad and total",
    Kind.REQUESTS: "total without bad",
    Kind.LATENCY: "distribution and over",
    Kind.VALUE: "value",
    Kind.STATE: "monitors, or an slo",
}
OF_SLO = "an SLO of counts is a `ratio` (or `events`), one of monitors or of time slices a `state`"
FITS = frozenset(_NEEDS)


def _form(query: Query) -> frozenset[Kind]:
    """The kinds of indicator that *query* can answer."""
    if query.monitors is not None:
        return frozenset({Kind.STATE})
    if query.slo is not None:  # which of them, Datadog alone knows
        return frozenset({Kind.RATIO, Kind.EVENTS, Kind.STATE})
    if query.distribution is not None:
        return frozenset({Kind.LATENCY} if query.over else ())
    if query.value is not None:
        return frozenset({Kind.VALUE})
    return frozenset({Kind.RATIO, Kind.EVENTS} if query.bad is not None else {Kind.REQUESTS})


def mistake(indicator: Indicator) -> tuple[str, str] | None:
    """What the query lacks for the kind of its indicator, and the remedy; ``None`` if it fits."""
    query = parsed(indicator.query)
    if indicator.kind not in _form(query):
        if query.slo is not None:
            return f"{indicator.kind} cannot be read from an SLO", OF_SLO
        return f"{indicator.kind} cannot be read with this query", f"it needs {_NEEDS[indicator.kind]}"
    if indicator.kind is Kind.STATE and query.bucket % MINUTE:
        return "how an SLO stands is read by whole minutes", "leave `bucket` out, or write 5m"
    if indicator.kind is Kind.LATENCY and query.units_in_a_second is None:
        return (
            "nobody knows in which unit the distribution is sent, and the bounds are compared with it",
            f"add `unit:` with one of {', '.join(UNITS)}",
        )
    return None


def bucket(indicator: Indicator) -> timedelta:
    """Length of a bucket."""
    return parsed(indicator.query).bucket
