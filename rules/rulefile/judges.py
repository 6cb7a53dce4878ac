"""Judges: ``{judge: {its settings}}``, and the margins that would make one of them a promise of nothing.

The defaults stand in ``rules.model``, once.
"""

from datetime import timedelta
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict, model_validator

from rules import model
from rules.duration import Duration, Share, duration_text
from rules.errors import Malformed
from rules.model import Kind

_LARGEST_RATIO = 100
_MOST_WINDOWS = 4  # pairs; what they hold is remembered with each watch
_WIDEST = 60  # times the short window: as above
_ALL = (
    1 - 1e-9
)  # a share from here on is the whole: 10 x (1 - 90 %) is a little less than 1 in floating point


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _ratio(value: float) -> float:
    if value < 1:
        raise Malformed(
            "with a ratio below 1 even an equal release would be blamed",
            remedy="write 1 or more; 1.5 is usual",
        )
    if value > _LARGEST_RATIO:
        raise Malformed(
            f"hardly anything exceeds this: beside a release of which 1 % fails, {_LARGEST_RATIO} times is all",
            remedy=f"write at most {_LARGEST_RATIO}; 1.5 is usual, with `plus` for what hardly ever fails",
        )
    return value


def _below_all(value: float) -> float:
    if value >= _ALL:
        raise Malformed("nothing can exceed 100 %", remedy="write a share below 100%, such as 0.05%")
    return value


def _above_none(value: float) -> float:
    if not value:
        raise Malformed("nothing is below 0 %", remedy="write a share above 0%")
    return value


def _objective(value: float) -> float:
    if value >= _ALL:
        raise Malformed(
            "an objective of 100 % leaves no errors to tell a bad release by: one would be a breach",
            remedy="promise a little less, such as 99.99%",
        )
    return value


def _history(value: timedelta) -> timedelta:
    if not timedelta(days=1) <= value <= timedelta(days=7):
        raise Malformed(
            "a history lasts from 1 to 7 days", remedy="write 7d, so that a week's pattern is in it"
        )
    return value


def _not_long(value: timedelta) -> timedelta:
    if value > timedelta(days=7):
        raise Malformed("a history lasts at most 7 days", remedy="write 1d, so that a day's pattern is in it")
    return value


def _lasting(value: timedelta) -> timedelta:
    if not value:
        raise Malformed("must last longer than 0 s", remedy="write 1m")
    return value


Number = Annotated[float, Strict(), Field(allow_inf_nan=False)]
Whole = Annotated[int, Strict()]
Ratio = Annotated[Number, AfterValidator(_ratio)]
Margin = Annotated[Share, AfterValidator(_below_all)]
Floor = Annotated[Share, AfterValidator(_above_none)]
Objective = Annotated[Share, AfterValidator(_objective)]
Positive = Annotated[Number, Field(gt=0)]
Lasting = Annotated[Duration, AfterValidator(_lasting)]


def _refuse_whole_budget(objective: float, burn: float) -> None:
    if burn * (1 - objective) >= _ALL:
        raise Malformed(
            "nothing can exceed this: burn rate x (1 - objective) is 100 % or more",
            remedy=f"write a burn rate below {1 / (1 - objective):.4g}"
            if objective
            else "write an objective above 0%",
        )


class CanaryVsBaseline(_Settings):
    """See `rules.model.CanaryVsBaseline`."""

    ratio: Ratio = model.CanaryVsBaseline().ratio
    plus: Margin = model.CanaryVsBaseline().plus

    def judge(self) -> model.Judge:
        """The value that the judge is prepared with."""
        return model.CanaryVsBaseline(self.ratio, self.plus)


class Slo(_Settings):
    """See `rules.model.Slo`."""

    objective: Objective
    burn_rate: Positive = 1.0

    @model_validator(mode="after")
    def _can_be_exceeded(self) -> Self:
        _refuse_whole_budget(self.objective, self.burn_rate)
        return self

    def judge(self) -> model.Judge:
        """The value that the judge is prepared with."""
        return model.Slo(self.objective, self.burn_rate)


class BeforeAfter(_Settings):
    """See `rules.model.BeforeAfter`."""

    history: Annotated[Duration, AfterValidator(_history)] = model.BeforeAfter().history
    ratio: Ratio = model.BeforeAfter().ratio
    plus: Margin = model.BeforeAfter().plus

    def judge(self) -> model.Judge:
        """The value that the judge is prepared with."""
        return model.BeforeAfter(self.history, self.ratio, self.plus)


class TrafficDrop(_Settings):
    """See `rules.model.TrafficDrop`."""

    drop: Margin = model.TrafficDrop().drop

    def judge(self) -> model.Judge:
        """The value that the judge is prepared with."""
        return model.TrafficDrop(self.drop)


class ValueThreshold(_Settings):
    """See `rules.model.Threshold`; over a value the limit is in the query's own unit."""

    least: ClassVar[int] = 1  # limits that must be given

    above: Number | None = None
    below: Number | None = None
    bad: Annotated[Whole, Field(ge=1)] = model.Threshold().bad
    of: Annotated[Whole, Field(ge=1, le=1000)] = model.Threshold().of

    @model_validator(mode="after")
    def _has_one_limit(self) -> Self:
        if not self.least <= (self.above is not None) + (self.below is not None) <= 1:
            raise Malformed("expected one limit, `above` or `below`", remedy="write {above: …} or {below: …}")
        return self

    @model_validator(mode="after")
    def _can_be_reached(self) -> Self:
        if self.bad > self.of:
            raise Malformed(
                f"{self.bad} of {self.of} can never be bad",
                remedy=f"write `bad: {self.of}`, or a larger `of`",
            )
        return self

    def judge(self) -> model.Judge:
        """The value that the judge is prepared with."""
        return model.Threshold(self.above, self.below, self.bad, self.of)


class ShareThreshold(ValueThreshold):
    """See `rules.model.Threshold`; over a ratio the limit is a share."""

    above: Margin | None = None
    below: Floor | None = None


class ProbeThreshold(ShareThreshold):
    """See `rules.model.Threshold`; without a limit, a data point is bad when any probe in it failed."""

    least: ClassVar[int] = 0


class BurnWindow(_Settings):
    """See `rules.model.BurnWindow`."""

    long: Lasting
    short: Lasting
    burn: Positive

    @model_validator(mode="after")
    def _is_ordered(self) -> Self:
        if self.short >= self.long:
            raise Malformed(
                "the short window is not shorter than the long one",
                remedy="write {long: 1h, short: 5m, burn: 14.4}",
            )
        if self.long > _WIDEST * self.short:
            raise Malformed(
                f"the long window is more than {_WIDEST} times the short one",
                remedy=f"write `short: {duration_text(self.long / 12)}`, a twelfth of it",
            )
        return self


class BurnRate(_Settings):
    """See `rules.model.BurnRate`."""

    objective: Objective
    windows: tuple[BurnWindow, ...]

    @model_validator(mode="after")
    def _can_be_exceeded(self) -> Self:
        if not self.windows:
            raise Malformed("no windows", remedy="write windows: [{long: 1h, short: 5m, burn: 14.4}]")
        if len(self.windows) > _MOST_WINDOWS:
            raise Malformed(
                f"more than {_MOST_WINDOWS} pairs of windows",
                remedy="write two or three, as the SRE Workbook has it",
            )
        for window in self.windows:
            _refuse_whole_budget(self.objective, window.burn)
        return self

    def judge(self) -> model.Judge:
        """The value that the judge is prepared with."""
        return model.BurnRate(
            self.objective, tuple(model.BurnWindow(w.long, w.short, w.burn) for w in self.windows)
        )


class PercentileRank(_Settings):
    """See `rules.model.PercentileRank`."""

    history: Annotated[Lasting, AfterValidator(_not_long)] = model.PercentileRank().history

    def judge(self) -> model.Judge:
        """The value that the judge is prepared with."""
        return model.PercentileRank(self.history)


class InState(_Settings):
    """See `rules.model.InState`."""

    lasting: Annotated[Duration, Field(alias="for")] = model.InState().lasting

    def judge(self) -> model.Judge:
        """The value that the judge is prepared with."""
        return model.InState(self.lasting)


class Statistics(_Settings):
    """See `rules.model.Statistics`."""

    correlation: Literal["auto", "independent", "robust"] | Annotated[Number, Field(ge=1)] = "auto"
    unit: Literal["requests", "users", "tasks"] = "requests"
    routing: Literal["random", "sticky"] = "random"
    min_buckets: Annotated[Whole, Field(ge=1, le=1000)] = model.Statistics().min_buckets
    warmup: Duration = model.Statistics().warmup

    def value(self) -> model.Statistics:
        """The knobs, as the judges take them."""
        return model.Statistics(self.correlation, self.unit, self.routing, self.min_buckets, self.warmup)


JudgeSettings = (
    CanaryVsBaseline | Slo | BeforeAfter | TrafficDrop | ValueThreshold | BurnRate | PercentileRank | InState
)

_JUDGES: dict[str, type[JudgeSettings]] = {
    "canary_vs_baseline": CanaryVsBaseline,
    "slo": Slo,
    "before_after": BeforeAfter,
    "traffic_drop": TrafficDrop,
    "threshold": ValueThreshold,
    "burn_rate": BurnRate,
    "percentile_rank": PercentileRank,
    "state": InState,
}
_THRESHOLDS: dict[Kind, type[JudgeSettings]] = {Kind.RATIO: ShareThreshold, Kind.PROBE: ProbeThreshold}


def settings_of(judge: str, kind: Kind | None) -> type[JudgeSettings]:
    """The settings of *judge* over an indicator of *kind* (``None``: unknown): a threshold is a share or a value."""
    if judge == "threshold" and kind in _THRESHOLDS:
        return _THRESHOLDS[kind]
    return _JUDGES[judge]
