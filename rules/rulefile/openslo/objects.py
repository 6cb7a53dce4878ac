"""What the objects of ``openslo/v1`` may say: the doors. What cannot be judged is let in here, so that it can be refused by name.

Source:
    https://github.com/OpenSLO/OpenSLO/blob/main/README.md
"""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, Strict, StringConstraints

VERSION = "openslo/v1"
_ALL = 100  # per cent


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Metadata(_Strict):
    """Of every object."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    display_name: Annotated[str | None, Field(alias="displayName")] = None
    labels: dict[str, Any] = {}
    annotations: dict[str, Any] = {}


class Object(_Strict):
    """What all kinds of objects have."""

    api_version: Annotated[str, Field(alias="apiVersion")]
    kind: str
    metadata: Metadata
    spec: dict[str, Any]


class SloSpec(_Strict):
    """Of an SLO."""

    description: str | None = None
    service: str | None = None
    indicator: dict[str, Any] | None = None
    indicator_ref: Annotated[str | None, Field(alias="indicatorRef")] = None
    time_window: Annotated[list[dict[str, Any]], Field(max_length=1), Field(alias="timeWindow")] = []
    budgeting_method: Annotated[str, Field(alias="budgetingMethod")]
    objectives: Annotated[list[dict[str, Any]], Field(min_length=1)]
    alert_policies: Annotated[list[Any], Field(alias="alertPolicies")] = []


class Indicator(_Strict):
    """An SLI inside of an SLO."""

    metadata: Metadata | None = None
    spec: dict[str, Any]


class SliSpec(_Strict):
    """Of an SLI: one of both."""

    description: str | None = None
    threshold_metric: Annotated[Any, Field(alias="thresholdMetric")] = None
    ratio_metric: Annotated[dict[str, Any] | None, Field(alias="ratioMetric")] = None


class Ratio(_Strict):
    """Counts of good or bad, and of all; or a ratio that was computed elsewhere."""

    counter: bool | None = None
    good: dict[str, Any] | None = None
    bad: dict[str, Any] | None = None
    total: dict[str, Any] | None = None
    raw: Any = None
    raw_type: Annotated[Any, Field(alias="rawType")] = None


class Metric(_Strict):
    """Where one of them is read."""

    metric_source: Annotated[dict[str, Any], Field(alias="metricSource")]


class Source(_Strict):
    """Of a metric."""

    metric_source_ref: Annotated[str | None, Field(alias="metricSourceRef")] = None
    type: str | None = None
    spec: dict[str, Any]


class Query(_Strict):
    """Of Prometheus."""

    query: str


class Objective(_Strict):
    """What share has to be good."""

    display_name: Annotated[str | None, Field(alias="displayName")] = None
    op: Any = None
    value: Any = None
    target: Annotated[float, Strict(), Field(ge=0, lt=1)] | None = None
    target_percent: Annotated[
        Annotated[float, Strict(), Field(ge=0, lt=_ALL)] | None, Field(alias="targetPercent")
    ] = None
    time_slice_target: Annotated[Any, Field(alias="timeSliceTarget")] = None
    time_slice_window: Annotated[Any, Field(alias="timeSliceWindow")] = None


class Window(_Strict):
    """For how long: rolling, or by the calendar."""

    duration: Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,8}[mhdwMQY]$")]
    is_rolling: Annotated[bool, Field(alias="isRolling")] = True
    calendar: Any = None
