"""What a query of `cloudwatch` may say: metrics that are counted, a latency, one value, or alarms.

Source:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricStat.html
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html
"""

import functools
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

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

MINUTE = timedelta(minutes=1)
MOST_DIMENSIONS = 30
FINE = tuple(timedelta(seconds=seconds) for seconds in (1, 5, 10, 20, 30))
UNITS = {"seconds": 1.0, "milliseconds": 1e3, "microseconds": 1e6}  # in a second
# In which unit AWS publishes latencies: a bound of 300 ms is 0.3 of a load balancer, and 300 of a function.
_AWS_UNITS: Mapping[str, str] = {
    "AWS/ApplicationELB": "seconds",
    "AWS/ELB": "seconds",
    "AWS/ApiGateway": "milliseconds",
    "AWS/Lambda": "milliseconds",
    "AWS/CloudFront": "milliseconds",
    "AWS/DynamoDB": "milliseconds",
}
_STAT = re.compile(
    r"Average|Sum|Minimum|Maximum|SampleCount|IQM"
    r"|(?:p|tm|tc|ts|wm)(?:100|[0-9]{1,2}(?:\.[0-9]{1,10})?)"
    r"|(?:TM|TC|TS|WM|PR)\((?:[0-9]{1,15}(?:\.[0-9]{1,10})?%?)?:(?:[0-9]{1,15}(?:\.[0-9]{1,10})?%?)?\)"
)


def _listed(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else [value]


def _stat(value: str) -> str:
    if not _STAT.fullmatch(value):
        raise Malformed(
            "not a statistic of CloudWatch", remedy="write Average, Maximum, Sum or a percentile such as p99"
        )
    return value


def _period(value: timedelta) -> timedelta:
    if value not in FINE and (not value or value % MINUTE or timedelta(days=1) % value):
        raise Malformed(
            "CloudWatch has periods of whole minutes that divide a day",
            remedy="write 1m, 5m, 15m or 1h; 1s, 5s, 10s, 20s or 30s with `high_resolution: true`",
        )
    return value


def _dimensions(value: Mapping[str, str]) -> Mapping[str, str]:
    if len(value) > MOST_DIMENSIONS:
        raise Malformed(f"a metric has at most {MOST_DIMENSIONS} dimensions", remedy="leave some out")
    return value


Namespace = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z._/#-][0-9A-Za-z._/# :-]{0,254}$")]
MetricName = Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e]{1,255}$")]
DimensionName = Annotated[str, StringConstraints(pattern=r"^[\x21-\x39\x3b-\x7e][\x20-\x7e]{0,254}$")]
DimensionValue = Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e]{1,1024}$")]
AlarmName = Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e]{1,255}$")]
Owner = Annotated[str, StringConstraints(pattern=r"^[0-9]{12}$")]
StateName = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]
Metrics = Annotated[list[MetricName], BeforeValidator(_listed), Field(min_length=1, max_length=20)]
Stat = Annotated[str, AfterValidator(_stat)]
Period = Annotated[Duration, AfterValidator(_period)]


class _Strictly(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Counted(_Strictly):
    """Metrics whose counts are added up: of their values, or of how many samples they had."""

    sum: Metrics | None = None
    sample_count: Metrics | None = None

    @model_validator(mode="before")
    @classmethod
    def _counts(cls, value: Any) -> Any:
        keys = value if isinstance(value, Mapping) else {}
        for key in keys:
            if isinstance(key, str) and key not in cls.model_fields and _STAT.fullmatch(key):
                raise Malformed(
                    f"{key} is no count: it can be neither added up nor divided",
                    remedy="write {sum: […]} or {sample_count: […]}; a percentile is a `value`, or a `latency` with `over`",
                )
        if isinstance(value, Mapping) and not value:
            raise Malformed("nothing is counted", remedy="write {sum: [METRIC]}")
        return value

    @property
    def terms(self) -> tuple[tuple[str, str], ...]:
        """Each metric with the statistic that counts it."""
        summed = [(name, "Sum") for name in self.sum or ()]
        return tuple(dict.fromkeys(summed + [(name, "SampleCount") for name in self.sample_count or ()]))


# By its form, so that of a mistake in one only that one is told.
Bad = Annotated[
    Annotated[Counted, Tag("counts")] | Annotated[list[StateName], Field(min_length=1), Tag("states")],
    Discriminator(lambda value: "states" if isinstance(value, list | tuple) else "counts"),
]


class Query(_Strictly):
    """``{cloudwatch: {namespace, dimensions, bad, total}}``, or with ``metric``, or ``{cloudwatch: {alarms}}``.

    Attributes:
        dimensions: All of the metric's: CloudWatch matches them exactly. Values may say ``${arm.x}``.
        bad: What is counted as bad; for `alarms`, the states that are bad.
        total: What is counted in all. Where it has no data point, there is no bucket: silence is not zero.
        metric: Of a latency or a value.
        over: Bounds of a latency.
        unit: In which `metric` is published, for a latency; AWS's own are known.
        stat: Of a value.
        period: Length of a bucket.
        high_resolution: The metric is published more often than once a minute.
        alarms: Their names; may say ``${arm.x}``.
        good: For `alarms`, the states that are well. One that is neither bad nor good says nothing.
        account: Where to ask, if not in the account of the service.
        owner: The id of the account whose metrics they are, where the one that is asked monitors it.
    """

    namespace: Namespace | None = None
    dimensions: Annotated[Mapping[DimensionName, DimensionValue], AfterValidator(_dimensions)] = Field(
        default_factory=dict
    )
    bad: Bad | None = None
    total: Counted | None = None
    metric: MetricName | None = None
    over: Annotated[list[Duration], BeforeValidator(_listed), Field(min_length=1, max_length=20)] | None = (
        None
    )
    unit: Literal["seconds", "milliseconds", "microseconds"] | None = None
    stat: Stat | None = None
    period: Period = MINUTE
    high_resolution: bool = False
    alarms: (
        Annotated[list[AlarmName], BeforeValidator(_listed), Field(min_length=1, max_length=100)] | None
    ) = None
    good: Annotated[list[StateName], Field(min_length=1)] | None = None
    account: str | None = None
    owner: Owner | None = None

    @model_validator(mode="after")
    def _asks_for_one_thing(self) -> Self:
        if (self.alarms is None) == (self.namespace is None):
            raise Malformed(
                "expected metrics or alarms", remedy="write `namespace: …` with its metrics, or `alarms: […]`"
            )
        of_alarms = self.alarms is not None
        for key, written, fits in (
            ("bad", isinstance(self.bad, Counted), not of_alarms),
            ("bad", isinstance(self.bad, list), of_alarms),
            ("good", self.good is not None, of_alarms),
            ("dimensions", bool(self.dimensions), not of_alarms),
            ("total", self.total is not None, not of_alarms),
            ("metric", self.metric is not None, not of_alarms and self.bad is None and self.total is None),
            ("over", self.over is not None, self.metric is not None and self.stat is None),
            ("unit", self.unit is not None, self.over is not None),
            ("stat", self.stat is not None, self.metric is not None),
            ("period", self.period != MINUTE, not of_alarms),
            ("owner", self.owner is not None, not of_alarms),
        ):
            if written and not fits:
                raise Malformed(
                    f"`{key}` has no meaning here", remedy=f"leave `{key}` out, or write what it belongs to"
                )
        return self

    @model_validator(mode="after")
    def _has_a_fitting_period(self) -> Self:
        if (self.period < MINUTE) is not self.high_resolution:
            raise Malformed(
                f"a period of {duration_text(self.period)} "
                f"{'needs' if self.period < MINUTE else 'does not need'} a metric of high resolution",
                remedy="write `period: 10s` and `high_resolution: true` together, or neither",
            )
        if self.high_resolution and (self.namespace or "").startswith("AWS/"):
            raise Malformed(
                "AWS publishes its own metrics once a minute at most", remedy="write `period: 1m`"
            )
        return self

    @property
    def states_bad(self) -> tuple[str, ...]:
        """States of an alarm that are bad."""
        return tuple(self.bad) if isinstance(self.bad, list) else ("ALARM",)

    @property
    def states_good(self) -> tuple[str, ...]:
        """States of an alarm that are well. Those that say so and are bad are bad."""
        return tuple(self.good or ("OK",))

    @property
    def units_in_a_second(self) -> float | None:
        """How much of the metric's unit a second is; ``None``: nobody knows the unit."""
        unit = self.unit or _AWS_UNITS.get(self.namespace or "")
        return UNITS[unit] if unit else None


@functools.lru_cache(maxsize=16384)
def parsed(text: str) -> Query:
    """The query in *text*, as an indicator keeps it."""
    return Query.model_validate_json(text)


_NEEDS: Mapping[Kind, str] = {
    Kind.RATIO: "namespace, bad and total",
    Kind.EVENTS: "namespace, bad and total",
    Kind.REQUESTS: "namespace and total, without bad",
    Kind.LATENCY: "namespace, metric and over",
    Kind.VALUE: "namespace, metric and stat",
    Kind.STATE: "alarms",
}
FITS = frozenset(_NEEDS)


def _form(query: Query) -> frozenset[Kind]:
    """The kinds of indicator that *query* can answer."""
    if query.alarms is not None:
        return frozenset({Kind.STATE})
    if query.metric is not None:
        return frozenset({Kind.LATENCY}) if query.over else frozenset({Kind.VALUE} if query.stat else ())
    if query.total is None:
        return frozenset()
    return frozenset({Kind.REQUESTS} if query.bad is None else {Kind.RATIO, Kind.EVENTS})


def mistake(indicator: Indicator) -> tuple[str, str] | None:
    """What the query lacks for the kind of its indicator, and the remedy; ``None`` if it fits."""
    query = parsed(indicator.query)
    if indicator.kind not in _form(query):
        return f"{indicator.kind} cannot be read with this query", f"it needs {_NEEDS[indicator.kind]}"
    if indicator.kind is Kind.LATENCY and query.units_in_a_second is None:
        return (
            f"nobody knows in which unit {query.metric} is published, and the bounds are compared with it",
            f"add `unit:` with one of {', '.join(UNITS)}",
        )
    return None


def bucket(indicator: Indicator) -> timedelta:
    """Length of a bucket: the period of the metric; a minute for alarms, which are read no more often."""
    return parsed(indicator.query).period


def settle(indicator: Indicator) -> timedelta:
    """How long after its end a bucket is final.

    AWS's metrics of a minute come two minutes late, and the newest minute grows; those of five minutes come later still.
    An alarm is as it is.

    Source:
        https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html; Netflix/atlas#1300
    """
    query = parsed(indicator.query)
    if query.alarms is not None:
        return timedelta(0)
    return SETTLE if query.period < SLOW else SETTLE_SLOW


SLOW = timedelta(minutes=5)
SETTLE = timedelta(seconds=180)
SETTLE_SLOW = timedelta(seconds=600)
