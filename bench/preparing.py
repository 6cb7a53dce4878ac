"""What it costs to open a watch that is compared with the past: a week of minutes, looked at once, and the rule replayed over it.

It is done on the event loop, in slices: the longest of them is how long everything else waits.
"""

from datetime import UTC, datetime, timedelta
from random import Random
from time import process_time

from bench.figure import Figure
from rules.evaluate import Setting, preparing
from rules.model import BeforeAfter, Consequence, Indicator, Kind, Rule, RuleSet
from rules.sample import Bucket, Counts, Series

RUNS = 5
RULES = 3  # over one indicator, as an objective and two comparisons would be
NOON = datetime(2025, 6, 2, 12, tzinfo=UTC)
MINUTE, WEEK = timedelta(minutes=1), timedelta(days=7)
NAME = "errors"
MILLI = 1e3


def figures() -> list[Figure]:
    """CPU time of one rule, and of some that share their past; and the longest slice."""
    past = a_week()
    one, several = ([slices(past, rules) for _ in range(RUNS)] for rules in (1, RULES))
    return [
        Figure(
            "a watch against a week of minutes is prepared, one rule: CPU", "ms", [sum(run) for run in one]
        ),
        Figure(f"the same, {RULES} rules that share their past", "ms", [sum(run) for run in several]),
        Figure("the same, the longest that the event loop waits", "ms", [max(run) for run in several]),
    ]


def slices(past: Series, rules: int) -> list[float]:
    """How long each slice took: milliseconds of CPU time."""
    indicator = Indicator(NAME, Kind.RATIO, "bench", "{}")
    compared = tuple(
        Rule(f"r{each}", f"r{each}", Consequence.ROLLBACK, NAME, BeforeAfter(ratio=1.5 + each))
        for each in range(rules)
    )
    setting = Setting(
        0.001, NOON, 30 * MINUTE, timedelta(days=1), buckets={NAME: MINUTE}, settles={NAME: MINUTE}
    )
    taken, begun = [], process_time()
    for _ in preparing(RuleSet((indicator,), compared), setting, {NAME: (past,)}):
        taken.append((process_time() - begun) * MILLI)
        begun = process_time()
    return [*taken, (process_time() - begun) * MILLI]


def a_week() -> Series:
    """600 requests a minute, of which one in a thousand fails by chance, half as many again by day."""
    chance = Random(1)
    starts = [NOON - WEEK + place * MINUTE for place in range(WEEK // MINUTE)]
    return Series(NAME, tuple(Bucket(at, at + MINUTE, _counts(chance, at)) for at in starts))


def _counts(chance: Random, at: datetime) -> Counts:
    requests, by_day = 600, 0.5 * (8 <= at.hour < 20)  # noqa: PLR2004  (office hours)
    return Counts(
        float(sum(chance.random() < 0.001 * (1 + by_day) for _ in range(requests))), float(requests)
    )
