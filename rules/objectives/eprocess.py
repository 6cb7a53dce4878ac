"""The e-process: evidence that grows by factors whose mean is at most 1 while the release is acceptable.

A mixture over the size of the effect (`GRID`) and over its onset: with weight w_j it began in bucket j. With R_k the
weight that has been placed on effect k, and F_k the factor of a bucket::

    R_k  <-  (R_k + w_j) * F_k          E  =  (weight not yet placed)  +  mean of the R_k

E starts at 1 and is a supermartingale, so it ever reaches 1/alpha with probability at most alpha (Ville), however
often and however long one looks. Everything is kept as natural logarithms; E itself would leave the range of a float.

Source:
    docs/judgement.md; Shin, Ramdas, Rinaldo, "E-detectors" (the sum over onsets); Ville 1939.
"""

from collections.abc import Sequence
from functools import lru_cache
from math import exp, inf, log, log1p

from rules.brief import Case
from rules.evidence import SIZE, Process

# How many times worse than the worst acceptable. Spacing of 1.35 at the low end costs at most 5 % of the information.
GRID = (1.15, 1.35, 1.6, 2.0, 2.6, 3.5, 5.0, 8.0, 14.0, 30.0, 80.0, 300.0, 2000.0)
FIRST = 0.7  # weight on "it broke at the deployment"; the rest falls as 1/j
RESERVE = 2.0  # nats beyond the threshold: what the mixture costs, so that the cap never costs a bucket more
UNCAPPED = 1e6  # nats: one bucket may decide


def placed(horizon: int, buckets: int) -> float:
    """How much of the onset's weight is placed after *buckets* buckets (0..1); all of it at the *horizon* (at least 1)."""
    return _placed(horizon)[min(buckets, horizon)]


@lru_cache(maxsize=64)
def _placed(horizon: int) -> tuple[float, ...]:
    total = sum(1 / j for j in range(2, horizon + 1))
    sums, sofar = [0.0], FIRST
    for j in range(1, horizon):
        sums.append(sofar)
        sofar += (1 - FIRST) / ((j + 1) * total)
    return (*sums, 1.0)


def cap(alpha: float, weight: float, min_buckets: int) -> float:
    """The most that one bucket may add, so that a breach needs *min_buckets* buckets. Lowering a factor keeps its promise.

    Args:
        alpha: The level of the group, or of the rule where it stands alone.
        weight: Of the process in what must reach the level: the rule's in the group, shared by its bounds; 1 where it is alone.
        min_buckets: At least 1.
    """
    if min_buckets <= 1:
        return UNCAPPED
    enough = (log(1 / alpha) + log(1 / weight) + RESERVE) / min_buckets
    return min(enough, log(1 / alpha) / (min_buckets - 1))


def weigh(
    case: Case, process: Process, increments: Sequence[float], until: int, would_gain: float
) -> Process:
    """Take one bucket into the evidence.

    Args:
        case: Has the horizon, within which an onset is looked for, and the cap.
        process: So far.
        increments: The logarithm of the bucket's factor for each effect of the grid; finite.
        until: The bucket's number from the origin (1 is the first); the weight of buckets that did not come is placed too.
        would_gain: What this bucket would have added, had the effect worth seeing been there.
    """
    before, after = placed(case.horizon, process.placed), placed(case.horizon, until)
    weights = _grown(process.log_weights, after - before, increments, case.cap)
    information = process.information + min(max(would_gain, 0.0), case.cap)
    return Process(until, weights, _log_evidence(1 - after, weights), information)


def _grown(
    weights: tuple[float, ...], new: float, increments: Sequence[float], most: float
) -> tuple[float, ...]:
    """log(R + w) + min(increment, most), for each effect."""
    if new <= 0:
        return tuple([old + (min(most, by)) for old, by in zip(weights, increments, strict=True)])
    fresh = log(new)
    return tuple(
        [
            (old + log1p(exp(fresh - old)) if old > fresh else fresh + log1p(exp(old - fresh)))
            + (min(most, by))
            for old, by in zip(weights, increments, strict=True)
        ]
    )


def _log_evidence(unplaced: float, weights: tuple[float, ...]) -> float:
    rest = log(unplaced) if unplaced > 0 else -inf
    top = max(rest, *weights)  # finite: what is not in the rest is in the weights
    return top + log(exp(rest - top) + sum([exp(weight - top) for weight in weights]) / SIZE)


def log_mean(logs: Sequence[float]) -> float:
    """The logarithm of the mean of numbers given by their logarithms; ±∞ are allowed."""
    top = max(logs)
    if top in (-inf, inf):
        return top
    return top + log(sum([exp(each - top) for each in logs]) / len(logs))
