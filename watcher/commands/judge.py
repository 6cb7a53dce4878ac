"""``rollbackd judge``: the benchmark's protocol on stdin and stdout, judged by what the daemon judges by.

One JSON object a line, one answer a line; ``bench/referee/README.md`` has the protocol. Each ``start`` is a new
deployment of one rule. Nothing is decided here: the lines become readings, and ``rules.evaluate`` judges them. What cannot be
meant is refused with its line; where the rule is blind the answer says why, under ``blind``, which the protocol ignores.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

import click
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from rules.evaluate import (
    Brief,
    Came,
    Evidence,
    Setting,
    Timing,
    came,
    evaluate,
    prepare,
    start,
    with_onset,
)
from rules.model import (
    BeforeAfter,
    CanaryVsBaseline,
    Consequence,
    Indicator,
    Judge,
    Kind,
    Rule,
    RuleSet,
    Slo,
    Statistics,
)
from rules.sample import Bucket, Counts, Reading, Series
from rules.verdict import Judgement, Outcome

_NAME = "signal"
_EPOCH = datetime(2025, 1, 1, tzinfo=UTC)  # any day: the protocol counts seconds from the deployment
_AT_LEAST = timedelta(minutes=30)  # as the daemon's default
_MILLI = 1e-3
_GO_ON: Mapping[str, object] = {"verdict": "continue"}
_DAY = 86_400

Seconds = Annotated[float, Field(gt=0, le=_DAY)]
Moment = Annotated[float, Field(ge=-400 * _DAY, le=400 * _DAY)]  # seconds from the deployment


class _Said(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, allow_inf_nan=False)


class _Margin(_Said):
    ratio: Annotated[float, Field(ge=1, le=100)]
    delta: Annotated[float, Field(ge=0, lt=1)]


class _Past(_Said):
    bucket_s: Seconds
    t0: Moment
    total: list[float]
    bad: list[float]

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if len(self.total) != len(self.bad):
            raise ValueError(f"{len(self.total)} buckets of `total`, and {len(self.bad)} of `bad`")
        return self


class _Start(_Said):
    """What a ``start`` must say; other keys are not looked at."""

    mode: Literal["concurrent", "before_after", "slo"]
    bucket_s: Seconds
    settle_s: Annotated[float, Field(ge=0, le=_DAY)]
    horizon_s: Annotated[float, Field(gt=0, le=31 * _DAY)]
    alpha: Annotated[float, Field(gt=0, lt=1)]
    margin: _Margin
    counters: bool
    objective: Annotated[float, Field(gt=0, lt=1)] | None = None
    le: list[Annotated[float, Field(gt=0)]] | None = None
    history: _Past | None = None

    @model_validator(mode="after")
    def _can_be_judged(self) -> Self:
        if self.mode == "slo" and self.objective is None:
            raise ValueError("`objective` is missing: the share that may fail, such as 0.001")
        if self.le is not None and any(a >= b for a, b in pairwise(self.le)):
            raise ValueError("`le` is not ascending")
        return self


class _Arm(BaseModel):
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


class _Delivery(_Said):
    now: Moment
    t: Moment
    canary: _Arm | None = None
    baseline: _Arm | None = None


@click.command()
@click.option(
    "--min-buckets",
    type=click.IntRange(min=1),
    default=Statistics().min_buckets,
    show_default=True,
    envvar="MIN_BUCKETS",  # as the referee's own judge is told
    help="How many buckets a breach takes.",
)
def command(min_buckets: int) -> None:
    """Judge streams of counts in the benchmark's protocol (stdin, stdout). Exit status 0 at the end of the input."""
    for answer in answers(sys.stdin, min_buckets):
        click.echo(answer)


def answers(lines: Iterable[str], min_buckets: int = Statistics().min_buckets) -> Iterator[str]:
    """One answer, as JSON, for each line but ``end``."""
    deployment: Deployment | None = None
    for number, line in enumerate(lines, start=1):
        try:
            said = _object(line)
            if said.get("type") == "end":
                deployment = None
                continue
            if said.get("type") == "start":
                _Start.model_validate(said)
                deployment, answer = Deployment.opened(said, min_buckets), _GO_ON
            elif deployment is not None:
                _Delivery.model_validate(said)
                answer = deployment.hears(said)
            else:
                raise click.UsageError(f"line {number}: the first line must be a `start`")
        except ValidationError as error:
            wrong = "; ".join(_words(each) for each in error.errors(include_url=False)[:3])
            raise click.UsageError(f"line {number}: {wrong}; see bench/referee/README.md") from error
        except (AttributeError, LookupError, TypeError, ValueError, ArithmeticError) as error:
            wrong = f"line {number} is not of the protocol ({type(error).__name__}: {error})"
            raise click.UsageError(f"{wrong}; see bench/referee/README.md") from error
        yield json.dumps(answer)


def _object(line: str) -> dict[str, Any]:
    said = json.loads(line)
    if not isinstance(said, dict):
        raise TypeError("expected one JSON object a line")
    return said


def _words(mistake: ErrorDetails) -> str:
    where = ".".join(str(step) for step in mistake["loc"])
    return f"{where}: {mistake['msg']}" if where else mistake["msg"]


@dataclass(slots=True)
class Deployment:
    """One deployment in play: what the patrol would hold, and what a provider would still give."""

    brief: Brief
    evidence: Evidence
    bucket: timedelta
    settle: timedelta
    bounds: tuple[float, ...]
    cumulative: bool
    mode: str
    delivered: dict[float, Mapping[str, Any]] = field(default_factory=dict)
    judged: list[Series] = field(default_factory=list)
    asked: bool = False

    @classmethod
    def opened(cls, said: Mapping[str, Any], min_buckets: int) -> "Deployment":
        """From a ``start``."""
        bounds = tuple(bound * _MILLI for bound in said.get("le") or ())
        bucket, settle = timedelta(seconds=said["bucket_s"]), timedelta(seconds=said["settle_s"])
        setting = Setting(
            false_rollback_probability=said["alpha"],
            opened_at=_EPOCH,
            at_least=_AT_LEAST,
            at_most=timedelta(seconds=said["horizon_s"]),
            buckets={_NAME: bucket},
            settles={_NAME: settle},
        )
        brief = prepare(_rules(said, bounds, min_buckets), setting, _history(said))
        deployment = cls(brief, start(brief), bucket, settle, bounds, bool(said["counters"]), said["mode"])
        if deployment.cumulative:
            deployment.delivered[0.0] = _zeros(said["mode"])  # the counters begin with the deployment
        return deployment

    def hears(self, said: Mapping[str, Any]) -> Mapping[str, object]:
        """A delivery; a later one of the same bucket replaces it until the bucket is final."""
        now = _EPOCH + timedelta(seconds=said["now"])
        self.delivered[said["t"]] = said
        final = [t for t in sorted(self.delivered) if _EPOCH + timedelta(seconds=t) <= now - self.settle]
        if not final or self.asked:
            return _GO_ON
        reading: Reading = self._series([self.delivered.pop(t) for t in final], final)
        round_ = evaluate(self.brief, self.evidence, {_NAME: reading}, Timing(now, _EPOCH, _EPOCH))
        self.evidence = round_.evidence
        self.judged += round_.buckets
        self.asked = round_.judgement.outcome is Outcome.BREACHED and self._only_asks(round_.judgement)
        acts = round_.judgement.outcome is Outcome.BREACHED and not self.asked
        blind = [each.words for each in round_.judgement.verdicts if each.outcome is Outcome.BLIND]
        return {
            "verdict": "rollback" if acts else "continue",
            "log10_e": round_.judgement.log10_e,
            **({"blind": blind[0]} if blind else {}),
        }

    def _only_asks(self, judgement: Judgement) -> bool:
        """Where the daemon would ask a person. The protocol has nobody to ask: the release stays, as if nobody answered.

        But for an objective: there the protocol calls nothing acceptable that breaches it, whenever it began.
        """
        if judgement.asks or self.mode == "slo":
            return judgement.asks
        return came(with_onset(judgement, self.brief, self.judged), _EPOCH) is not Came.AT_ONCE

    def _series(self, deliveries: list[Mapping[str, Any]], ends: list[float]) -> tuple[Series, ...]:
        bounds: tuple[float | None, ...] = self.bounds or (None,)
        return tuple(
            Series(
                _NAME,
                tuple(self._bucket(said, end, place) for said, end in zip(deliveries, ends, strict=True)),
                bound,
                self.cumulative,
            )
            for place, bound in enumerate(bounds)
        )

    def _bucket(self, said: Mapping[str, Any], t: float, place: int) -> Bucket:
        end = _EPOCH + timedelta(seconds=t)
        return Bucket(
            end - self.bucket, end, _counts(said.get("canary"), place), _counts(said.get("baseline"), place)
        )


def _counts(arm: Mapping[str, Any] | None, place: int) -> Counts | None:
    """The counts of an arm; of a histogram, those above the bound at *place*."""
    if arm is None:
        return None
    bad = arm["total"] - arm["hist"][place] if "hist" in arm else arm["bad"]
    return Counts(float(bad), float(arm["total"]))


def _zeros(mode: str) -> Mapping[str, Any]:
    nothing = {"total": 0, "bad": 0}
    return {"canary": nothing, "baseline": nothing} if mode == "concurrent" else {"canary": nothing}


def _rules(said: Mapping[str, Any], bounds: tuple[float, ...], min_buckets: int) -> RuleSet:
    kind = Kind.LATENCY if bounds else Kind.RATIO
    indicator = Indicator(
        _NAME, kind, "judge", "{}", compares_arms=said["mode"] == "concurrent", bounds=bounds
    )
    # The protocol tells no history of latencies: their requests are independent by its own definition.
    statistics = Statistics(correlation="independent" if bounds else "auto", min_buckets=min_buckets)
    rule = Rule(_NAME, _NAME, Consequence.ROLLBACK, _NAME, _judge(said), statistics=statistics)
    return RuleSet((indicator,), (rule,))


def _judge(said: Mapping[str, Any]) -> Judge:
    margin = said["margin"]
    match said["mode"]:
        case "concurrent":
            return CanaryVsBaseline(margin["ratio"], margin["delta"])
        case "slo":
            return Slo(objective=1 - said["objective"])
        case _:
            return BeforeAfter(ratio=margin["ratio"], plus=margin["delta"])


def _history(said: Mapping[str, Any]) -> dict[str, Reading]:
    """The history that the protocol tells: of the service, so of both arms together."""
    past = said.get("history")
    if not past:
        return {}
    length, first = timedelta(seconds=past["bucket_s"]), _EPOCH + timedelta(seconds=past["t0"])
    buckets = tuple(
        Bucket(first + place * length, first + (place + 1) * length, Counts(float(bad), float(total)))
        for place, (total, bad) in enumerate(zip(past["total"], past["bad"], strict=True))
    )
    return {_NAME: (Series(_NAME, buckets),)}
