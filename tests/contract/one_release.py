"""The one release: two of a hundred requests to it fail from 90 s on. The log of it, and what is decided of what is told.

Here is what all rows of the tables in ``test_one_release*.py`` share; each row says how its system tells this log.
"""

import functools
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from rules.evaluate import Setting, Timing, evaluate, prepare, start, with_onset
from rules.model import (
    CanaryVsBaseline,
    Consequence,
    Indicator,
    InState,
    Kind,
    Rule,
    RuleSet,
    Slo,
    Statistics,
)
from rules.sample import Bucket, Counts, Reading, Series
from rules.verdict import Onset, Outcome
from tests.fakes.world import SECOND, START, Happened, World, traffic

MINUTE = timedelta(minutes=1)
FROM, SEEN = 90, 150  # seconds after the start
ONE_IN = 50  # requests to it that fail
ABOVE = 0.01  # where an alarm is set: half of what it does
BESIDE = Rule(
    "errors",
    "no more fail",
    Consequence.ROLLBACK,
    "errors",
    CanaryVsBaseline(ratio=1.5, plus=0.0005),
    statistics=Statistics(correlation="independent"),
)
STANDS = Rule("errors", "it stays well", Consequence.ROLLBACK, "errors", InState(MINUTE))
PROMISED = Rule(  # as in the pack `ecs-probe`
    "errors",
    "looks find it well",
    Consequence.ROLLBACK,
    "errors",
    Slo(0.99),
    statistics=Statistics(correlation="independent"),
)
LIVES = Rule(  # as in the pack `ecs`
    "errors",
    "no task fails more often than once an hour",
    Consequence.ROLLBACK,
    "errors",
    Slo(0.996),
    statistics=Statistics(unit="tasks"),
)


@dataclass(frozen=True, slots=True)
class Decided:
    """When, by what evidence, and when it is held to have begun."""

    at: datetime
    log10_e: float
    onset: Onset | None


def requests(seconds: int = SEEN, one_in: int | None = ONE_IN, a_second: int = 50) -> list[Happened]:
    """So many a second, half of them to each release; ``one_in=None``: the same with a release that is good."""
    versions = [("v1", 0.5, 0.0), ("v2", 0.5, 0.0)]
    log = traffic(3, seconds / 60, versions=versions, every=SECOND / a_second)
    failing = [each for each in log if each.version == "v2" and each.at >= START + FROM * SECOND]
    bad = {id(each) for each in failing[::one_in]} if one_in else set()
    return [replace(each, status=500) if id(each) in bad else each for each in log]


def decided(
    buckets: Iterable[Bucket], every: timedelta, seconds: int = SEEN, rule: Rule = BESIDE
) -> Decided | None:
    """The first breach of *rule*, of readings that come bucket by bucket; ``None``: nothing is put back."""
    kind = Kind.STATE if rule is STANDS else Kind.RATIO
    indicator = Indicator("errors", kind, "any", "{}", compares_arms=rule is BESIDE)
    setting = Setting(
        0.001, START, seconds * SECOND, timedelta(hours=6), {"errors": every}, {"errors": timedelta(0)}
    )
    brief = prepare(RuleSet((indicator,), (rule,)), setting, {})
    evidence, judged = start(brief), list[Series]()
    for bucket in buckets:
        timing = Timing(bucket.end, START, START)
        round_ = evaluate(brief, evidence, {"errors": (Series("errors", (bucket,)),)}, timing)
        evidence = round_.evidence
        judged += round_.buckets
        if round_.judgement.outcome is Outcome.BREACHED:
            verdict = with_onset(round_.judgement, brief, judged).verdicts[0]
            return Decided(bucket.end, verdict.log10_e or 0.0, verdict.onset)
    return None


@functools.lru_cache(maxsize=1)
def by_the_log() -> Decided | None:
    """What whoever saw every request would decide, second by second."""
    ends = [START + (second + 1) * SECOND for second in range(SEEN)]
    return decided(counted(requests(), [Bucket(end - SECOND, end) for end in ends]), SECOND)


def counted(log: Sequence[Happened], told: Sequence[Bucket]) -> list[Bucket]:
    """The buckets that were *told*, with what the log says of each of them."""
    times = [each.at for each in log]
    found = []
    for bucket in told:
        own = log[bisect_left(times, bucket.start) : bisect_left(times, bucket.end)]
        canary, baseline = (_counts([each for each in own if each.version == name]) for name in ("v2", "v1"))
        found.append(replace(bucket, canary=canary, baseline=baseline))
    return found


def _counts(log: Sequence[Happened]) -> Counts:
    return Counts(float(sum(each.status >= 500 for each in log)), float(len(log)))


def buckets_in(reading: Reading) -> tuple[Bucket, ...]:
    """Those that are told; that there are none is a failure of the test."""
    assert isinstance(reading, tuple), reading
    return reading[0].buckets


def turned(log: Sequence[Happened], looks: timedelta, last: timedelta = MINUTE) -> datetime | None:
    """When an alarm on the log goes off: of the requests to v2 in the *last* time more than `ABOVE` failed, as it *looks*."""
    world, end = World(list(log)), max(each.at for each in log)
    at = START
    while at <= end:
        seen = world.between(at - last, at, version="v2")
        if sum(each.status >= 500 for each in seen) > ABOVE * len(seen):
            return at
        at += looks
    return None
