"""What each line may say: read wholly before anything is judged, so that what goes wrong later is a mistake of ours.

Source:
    bench/referee/README.md
"""

import json
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from watcher.errors import WatcherError

_DAY = 86_400
_LEAST = 0.001  # seconds; of less nothing is left where time is counted in microseconds
_MOST = 3  # mistakes of a line that are told


class NotOfTheProtocol(WatcherError):
    """A line is none of the protocol's."""

    def __init__(self, why: str) -> None:
        super().__init__(why, remedy="see bench/referee/README.md")


Seconds = Annotated[float, Field(ge=_LEAST, le=_DAY)]
Moment = Annotated[float, Field(ge=-400 * _DAY, le=400 * _DAY)]  # seconds from the deployment


class _Said(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, allow_inf_nan=False)


class Margin(_Said):
    """Acceptable is canary <= ratio * baseline + delta."""

    ratio: Annotated[float, Field(ge=1, le=100)]
    delta: Annotated[float, Field(ge=0, lt=1)]


class Past(_Said):
    """Counts of the service before the deployment."""

    bucket_s: Seconds
    t0: Moment
    total: list[float]
    bad: list[float]

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if len(self.total) != len(self.bad):
            raise ValueError(f"{len(self.total)} buckets of `total`, and {len(self.bad)} of `bad`")
        return self


class Start(_Said):
    """What a ``start`` must say; other keys are not looked at."""

    mode: Literal["concurrent", "before_after", "slo"]
    bucket_s: Seconds
    settle_s: Annotated[float, Field(ge=0, le=_DAY)]
    horizon_s: Annotated[float, Field(gt=0, le=31 * _DAY)]
    alpha: Annotated[float, Field(gt=0, lt=1)]
    margin: Margin
    counters: bool
    objective: Annotated[float, Field(gt=0, lt=1)] | None = None
    le: list[Annotated[float, Field(gt=0)]] | None = None
    history: Past | None = None

    @model_validator(mode="after")
    def _can_be_judged(self) -> Self:
        if self.mode == "slo" and self.objective is None:
            raise ValueError("`objective` is missing: the share that may fail, such as 0.001")
        if self.le is not None and any(a >= b for a, b in pairwise(self.le)):
            raise ValueError("`le` is not ascending")
        return self


class Arm(BaseModel):
    """Of one release; numbers that cannot be counts are told by the judge, as a provider's are."""

    model_config = ConfigDict(strict=True, frozen=True)

    total: float
    bad: float | None = None
    hist: list[float] | None = None

    @model_validator(mode="after")
    def _counts(self) -> Self:
        if (self.bad is None) == (self.hist is None):
            raise ValueError("expected `bad`, or `hist` where the start has `le`")
        return self


class Delivery(_Said):
    """One bucket, when it came; a later one of the same end replaces it."""

    now: Moment
    t: Moment
    canary: Arm | None = None
    baseline: Arm | None = None


class End(BaseModel):
    """The deployment is over."""

    type: Literal["end"]


Line = Start | Delivery | End


def read(line: str) -> Line:
    """What *line* says; other keys than the protocol's are not looked at.

    Raises:
        NotOfTheProtocol: With what is wrong. Nothing else, whatever the text.
    """
    said = _object(line)
    try:
        match said.get("type"):
            case "end":
                return End(type="end")
            case "start":
                return Start.model_validate(said)
            case _:
                return Delivery.model_validate(said)
    except ValidationError as error:
        wrong = [_words(each) for each in error.errors(include_url=False)[:_MOST]]
        raise NotOfTheProtocol("; ".join(wrong)) from error


def _object(line: str) -> dict[str, object]:
    try:
        said = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise NotOfTheProtocol(f"it is not JSON: {error}") from error
    if not isinstance(said, dict):
        raise NotOfTheProtocol("expected one JSON object a line")
    return said


def _words(mistake: ErrorDetails) -> str:
    where = ".".join(str(step) for step in mistake["loc"])
    return f"{where}: {mistake['msg']}" if where else mistake["msg"]
