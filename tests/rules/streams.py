"""Seeded streams for what must not change by a bit: rules of every form, histories of every kind, and any traffic.

Only ``Random.random`` is drawn from, whose numbers are the same in every version of Python.
"""

from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import TypeVar

from rules.brief import Margin, PassEarly
from rules.model import (
    BeforeAfter,
    BurnRate,
    BurnWindow,
    CanaryVsBaseline,
    Indicator,
    Judge,
    Kind,
    PercentileRank,
    Rule,
    Slo,
    Statistics,
    Threshold,
    TrafficDrop,
)
from rules.sample import Bucket, Counts, Measure, Reading, Series, Value
from tests.rules.building import MINUTE, NOON, Played, a_rule, a_watch, an_indicator

NAME = "signal"
BUCKETS = 40
_T = TypeVar("_T")

FORMS: dict[str, tuple[Kind, tuple[Judge, ...]]] = {
    "ceiling, counts": (Kind.RATIO, (Slo(0.999), Slo(0.99, burn_rate=2), Slo(0.7))),
    "ceiling, shares": (Kind.PROBE, (Slo(0.99), Slo(0.9), Slo(1.0))),
    "two arms, counts": (Kind.RATIO, (CanaryVsBaseline(1.0, 0.0), CanaryVsBaseline())),
    "two arms, events": (Kind.EVENTS, (CanaryVsBaseline(1.0, 0.0), CanaryVsBaseline(2.0, 0.01))),
    "two arms, shares": (Kind.LATENCY, (CanaryVsBaseline(1.0, 0.0), CanaryVsBaseline(1.5, 0.01))),
    "the past, counts": (Kind.RATIO, (BeforeAfter(), BeforeAfter(timedelta(days=1), 1.0, 0.0))),
    "the past, shares": (Kind.LATENCY, (BeforeAfter(), BeforeAfter(ratio=1.2, plus=0.01))),
    "traffic": (Kind.REQUESTS, (TrafficDrop(), TrafficDrop(0.2))),
    "points": (Kind.RATIO, (Threshold(above=0.05), Threshold(above=0.01, bad=1, of=2))),
    "burn rate": (Kind.RATIO, (BurnRate(0.99, (BurnWindow(20 * MINUTE, 4 * MINUTE, 2.0),)),)),
    "ranks": (Kind.VALUE, (PercentileRank(),)),
}


class Chance:
    """What a stream draws."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def one_of(self, *choices: _T) -> _T:
        return choices[int(self._random.random() * len(choices))]

    def between(self, low: float, high: float) -> float:
        return low + (high - low) * self._random.random()

    def happens(self, share: float) -> bool:
        return self._random.random() < share


def a_stream(form: str, seed: int) -> tuple[Played, Iterator[tuple[Bucket, dict[str, Reading]]]]:
    """A watch, and its buckets with what a provider answers of each."""
    chance = Chance(seed)
    kind, judges = FORMS[form]
    indicator = an_indicator(NAME, kind, (0.3,) if kind is Kind.LATENCY else ())
    requests, share = chance.one_of(3.0, 40.0, 600.0, 60_000.0), chance.one_of(0.0, 0.001, 0.01, 0.2)
    history = a_history(chance, indicator, requests, share) if chance.happens(0.6) else None
    watch = a_watch(
        *rules(chance, chance.one_of(*judges)),
        indicators=[indicator],
        histories={NAME: (history,)} if history else {},
        alpha=chance.one_of(0.001, 0.001, 0.05, 1e-6),
        at_most=chance.one_of(1.0, 6.0, 24.0) * 60 * MINUTE,
        at_least=30 * MINUTE,
        early=PassEarly(Margin(2.0, 0.001), 0.05) if chance.happens(0.5) else None,
    )
    return watch, answers(chance, indicator, requests, share)


def rules(chance: Chance, judge: Judge) -> list[Rule]:
    """One rule, or two that share the level."""
    statistics = Statistics(
        correlation=chance.one_of("auto", "auto", "independent", "robust", 4.0),
        min_buckets=chance.one_of(1, 2, 2, 3),
        warmup=chance.one_of(0, 0, 2) * MINUTE,
    )
    names = ["one", "two"] if chance.happens(0.2) else ["one"]
    return [a_rule(judge, name, NAME, statistics=statistics) for name in names]


def a_history(chance: Chance, indicator: Indicator, requests: float, share: float) -> Series:
    """Two days of ten minutes each, or a few hours of minutes."""
    length, many = chance.one_of((10 * MINUTE, 300), (MINUTE, 240))
    first = NOON - many * length
    buckets = (
        Bucket(
            first + place * length,
            first + (place + 1) * length,
            a_measure(chance, indicator.kind, requests * (length / MINUTE), share),
        )
        for place in range(many)
    )
    return Series(NAME, tuple(buckets), indicator.bounds[0] if indicator.bounds else None)


def answers(
    chance: Chance, indicator: Indicator, requests: float, share: float
) -> Iterator[tuple[Bucket, dict[str, Reading]]]:
    """Minutes of which some never come, some storm, and some have one arm; from some on the release is worse."""
    beside = requests * chance.one_of(0.0, 1.0, 9.0, 19.0)
    begins, worse = int(chance.between(0, 2 * BUCKETS)), chance.one_of(1.0, 2.0, 8.0, 400.0)
    bound = indicator.bounds[0] if indicator.bounds else None
    for minute in range(BUCKETS):
        if chance.happens(0.05):
            continue
        now = min(share * (worse if minute >= begins else 1.0), 1.0)
        now = chance.one_of(0.6, 1.0) if chance.happens(0.03) else now
        bucket = Bucket(
            NOON + minute * MINUTE,
            NOON + (minute + 1) * MINUTE,
            a_measure(chance, indicator.kind, requests, now),
            a_measure(chance, indicator.kind, beside, share) if beside and chance.happens(0.95) else None,
            requests / (requests + beside) if chance.happens(0.9) else None,
        )
        yield bucket, {NAME: (Series(NAME, (bucket,), bound),)}


def a_measure(chance: Chance, kind: Kind, requests: float, share: float) -> Measure:
    """So many requests and bad ones, about; of a gauge a number."""
    if kind is Kind.VALUE:
        return Value(float(int(chance.between(100, 140) * (1 + share))))
    total = float(int(requests * chance.between(0.5, 1.5)))
    bad = float(int(total * share * chance.between(0.0, 2.0) + chance.between(0.0, 1.0)))
    return Counts(bad if kind is Kind.EVENTS else min(bad, total), total)
