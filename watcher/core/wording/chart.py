"""The picture of a breach, as a value: what was measured of both releases, bucket by bucket, and what happened when.

Who draws it does not know what a watch is. Only shares are drawn (requests that failed, that were slow, probes that
failed): they are what the headline says in words.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from rules.model import BeforeAfter, CanaryVsBaseline, Kind, Rule, Slo, Threshold
from rules.sample import Bucket, Counts, Measure, Series
from rules.verdict import Verdict
from watcher.core.watch import Watch
from watcher.core.wording.evidence import blamed, kind_of, name

BEFORE = timedelta(minutes=10)  # drawn before the release took traffic
MOST = 240  # points a line; of more the newest
SHARES = {
    Kind.RATIO: "failed requests",
    Kind.LATENCY: "slow requests",
    Kind.PROBE: "failed probes",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One release: its name, and its share of bad ones (0..1) in the middle of each bucket (aware UTC)."""

    name: str
    points: tuple[tuple[datetime, float], ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened: *until* where it is only known between two moments."""

    what: str
    at: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Chart:
    """What is to be drawn.

    Attributes:
        title: Which service, and which releases.
        unit: What the shares are of.
        old: What served before, or serves beside.
        new: The release under watch.
        marks: In the order in which they happened.
        limit: The share (0..1) up to which the rule takes the release for fine; ``None`` where that is no single figure.
    """

    title: str
    unit: str
    old: Line
    new: Line
    marks: tuple[Mark, ...]
    limit: float | None = None


def chart(watch: Watch, buckets: Sequence[Series]) -> Chart | None:
    """The picture of what *watch* breached by.

    Args:
        watch: With the breach.
        buckets: All that is stored of it.

    Returns:
        ``None`` where nothing breached, where it is no share, or where less than two buckets of the release were stored.
    """
    judgement = watch.breaching
    verdicts = blamed(judgement) if judgement else []
    unit = next(((each, SHARES[kind]) for each in verdicts if (kind := kind_of(watch, each)) in SHARES), None)
    if unit is None:
        return None
    verdict, words = unit
    rule = next(each for each in watch.policy.rules.rules if each.id == verdict.rule)
    drawn = _drawn(watch, rule.indicator, buckets)
    new = _line(watch.tag, [(bucket, bucket.canary) for bucket in drawn])
    if len(new.points) < 2:  # noqa: PLR2004 - a line has two ends
        return None
    old = _line(watch.goes_to or "before", [(bucket, bucket.baseline) for bucket in drawn])
    onset = next((each.onset for each in verdicts if each.onset), None)
    began = [Mark("began", onset.low, onset.high)] if onset else []
    title = f"{name(watch)}: {words} by release"
    marks = sorted([*_marks(watch), *began], key=lambda mark: mark.at)
    limit = _limit(rule, _beside(drawn) if judgement and judgement.compared else _usual(verdict))
    return Chart(title, f"share of {words}", old, new, tuple(marks), limit)


def _limit(rule: Rule, baseline: float | None) -> float | None:
    """What *rule* promises, as one figure; of a comparison with *baseline*, the share over all that is drawn."""
    match rule.judge:
        case Slo(objective, burn_rate):
            return burn_rate * (1 - objective)
        case Threshold(above=above):
            return above
        case CanaryVsBaseline() | BeforeAfter() as compared if baseline is not None:
            return compared.ratio * baseline + compared.plus
        case _:
            return None


def _beside(drawn: Sequence[Bucket]) -> float | None:
    counts = [bucket.baseline for bucket in drawn if isinstance(bucket.baseline, Counts)]
    total = sum(each.total for each in counts)
    return sum(each.bad for each in counts) / total if total > 0 else None


def _usual(verdict: Verdict) -> float | None:
    return verdict.estimate.baseline if verdict.estimate else None


def _drawn(watch: Watch, indicator: str | None, buckets: Sequence[Series]) -> list[Bucket]:
    """The buckets of the indicator; of several bounds those of the first."""
    series = [each for each in buckets if each.indicator == indicator]
    bound = series[0].bound if series else None
    since = (watch.traffic_at or watch.opened_at) - BEFORE
    found = [
        bucket for each in series if each.bound == bound for bucket in each.buckets if bucket.start >= since
    ]
    return sorted(found, key=lambda bucket: bucket.start)[-MOST:]


def _line(tag: str, measured: Sequence[tuple[Bucket, Measure | None]]) -> Line:
    points = [
        (bucket.start + (bucket.end - bucket.start) / 2, measure.bad / measure.total)
        for bucket, measure in measured
        if isinstance(measure, Counts) and measure.total > 0
    ]
    return Line(tag, tuple(points))


def _marks(watch: Watch) -> Iterator[Mark]:
    decided = watch.decided_at or watch.would_have or (watch.breach.at if watch.breach else None)
    happened = (
        ("deployed", watch.traffic_at or watch.opened_at),
        ("decided" if watch.decided_at else "breached", decided),
        ("back", watch.back_at),
    )
    yield from (Mark(what, at) for what, at in happened if at is not None)
