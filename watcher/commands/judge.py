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

import click

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
from watcher.commands._judge.protocol import Arm, Delivery, End, NotOfTheProtocol, Start, read

_NAME = "signal"
_EPOCH = datetime(2025, 1, 1, tzinfo=UTC)  # any day: the protocol counts seconds from the deployment
_AT_LEAST = timedelta(minutes=30)  # as the daemon's default
_MILLI = 1e-3
_GO_ON: Mapping[str, object] = {"verdict": "continue"}


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
            said = read(line)
            if isinstance(said, End):
                deployment = None
                continue
            if isinstance(said, Start):
                deployment, answer = Deployment.opened(said, min_buckets), _GO_ON
            else:
                answer = _told(said, deployment).hears(said)
        except NotOfTheProtocol as error:
            raise click.UsageError(f"line {number}: {error}; {error.remedy}") from error
        yield json.dumps(answer)


def _told(said: Delivery, deployment: "Deployment | None") -> "Deployment":
    """The deployment that *said* is of, which has what its start foretold."""
    if deployment is None:
        raise NotOfTheProtocol("the first line must be a `start`")
    for arm in (said.canary, said.baseline):
        if arm is None:
            continue
        if arm.hist is None:
            if deployment.bounds:
                raise NotOfTheProtocol("expected `hist`: the start has `le`")
        elif not deployment.bounds:
            raise NotOfTheProtocol("expected `bad`: the start has no `le`")
        elif len(arm.hist) < len(deployment.bounds):
            raise NotOfTheProtocol(
                f"`hist` has {len(arm.hist)} counts, and `le` {len(deployment.bounds)} bounds"
            )
    return deployment


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
    delivered: dict[float, Delivery] = field(default_factory=dict)
    judged: list[Series] = field(default_factory=list)
    asked: bool = False

    @classmethod
    def opened(cls, said: Start, min_buckets: int) -> "Deployment":
        """From a ``start``."""
        bounds = tuple(bound * _MILLI for bound in said.le or ())
        bucket, settle = timedelta(seconds=said.bucket_s), timedelta(seconds=said.settle_s)
        setting = Setting(
            false_rollback_probability=said.alpha,
            opened_at=_EPOCH,
            at_least=_AT_LEAST,
            at_most=timedelta(seconds=said.horizon_s),
            buckets={_NAME: bucket},
            settles={_NAME: settle},
        )
        brief = prepare(_rules(said, bounds, min_buckets), setting, _history(said))
        deployment = cls(brief, start(brief), bucket, settle, bounds, said.counters, said.mode)
        if deployment.cumulative:
            deployment.delivered[0.0] = _zeros(said.mode)  # the counters begin with the deployment
        return deployment

    def hears(self, said: Delivery) -> Mapping[str, object]:
        """A delivery; a later one of the same bucket replaces it until the bucket is final."""
        now = _EPOCH + timedelta(seconds=said.now)
        self.delivered[said.t] = said
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

    def _series(self, deliveries: list[Delivery], ends: list[float]) -> tuple[Series, ...]:
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

    def _bucket(self, said: Delivery, t: float, place: int) -> Bucket:
        end = _EPOCH + timedelta(seconds=t)
        return Bucket(end - self.bucket, end, _counts(said.canary, place), _counts(said.baseline, place))


def _counts(arm: Arm | None, place: int) -> Counts | None:
    """The counts of an arm; of a histogram, those above the bound at *place*."""
    if arm is None:
        return None
    bad = arm.total - arm.hist[place] if arm.hist is not None else arm.bad or 0.0
    return Counts(bad, arm.total)


def _zeros(mode: str) -> Delivery:
    nothing = Arm(total=0.0, bad=0.0)
    return Delivery(now=0.0, t=0.0, canary=nothing, baseline=nothing if mode == "concurrent" else None)


def _rules(said: Start, bounds: tuple[float, ...], min_buckets: int) -> RuleSet:
    kind = Kind.LATENCY if bounds else Kind.RATIO
    indicator = Indicator(_NAME, kind, "judge", "{}", compares_arms=said.mode == "concurrent", bounds=bounds)
    # The protocol tells no history of latencies: their requests are independent by its own definition.
    statistics = Statistics(correlation="independent" if bounds else "auto", min_buckets=min_buckets)
    rule = Rule(_NAME, _NAME, Consequence.ROLLBACK, _NAME, _judge(said), statistics=statistics)
    return RuleSet((indicator,), (rule,))


def _judge(said: Start) -> Judge:
    match said.mode:
        case "concurrent":
            return CanaryVsBaseline(said.margin.ratio, said.margin.delta)
        case "slo":
            return Slo(objective=1 - (said.objective or 0.0))
        case _:
            return BeforeAfter(ratio=said.margin.ratio, plus=said.margin.delta)


def _history(said: Start) -> dict[str, Reading]:
    """The history that the protocol tells: of the service, so of both arms together."""
    past = said.history
    if past is None:
        return {}
    length, first = timedelta(seconds=past.bucket_s), _EPOCH + timedelta(seconds=past.t0)
    buckets = tuple(
        Bucket(first + place * length, first + (place + 1) * length, Counts(bad, total))
        for place, (total, bad) in enumerate(zip(past.total, past.bad, strict=True))
    )
    return {_NAME: (Series(_NAME, buckets),)}
