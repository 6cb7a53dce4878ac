"""The e-process: evidence that grows by factors whose mean is at most 1 while the release is acceptable.

A mixture over the size of the effect (`GRID`, weighted by `PRIOR`) and over its onset: with weight w_j it began in
bucket j. With R_k the weight that has been placed on effect k, and F_k the factor of a bucket::

    R_k  <-  (R_k + w_j * prior_k) * F_k          E  =  (weight not yet placed)  +  sum of the R_k

E starts at 1 and is a supermartingale: each product of factors since an onset is one, and the weights sum to 1. So it
ever reaches 1/alpha with probability at most alpha (Ville), however often and however long one looks.

A bucket raises the weight that is placed by at most `cap`. What is more is taken from all R_k alike. That only lowers
them, so the promise stands; and it is what makes a breach need several buckets. (The cap is on the sum, not on each
effect: evidence spreads over effects, and a cap on each would cost every second bucket that speaks clearly.)

Weights are kept as they are and not as logarithms, which takes half the time. What falls below a float becomes 0, and
what would leave it stays at `HUGE`; both only lower E.

Source:
    docs/judgement.md; Shin, Ramdas, Rinaldo, "E-detectors" (the sum over onsets); Ville 1939.
"""

from collections.abc import Sequence
from functools import lru_cache
from math import exp, inf, log

from rules.brief import Case
from rules.evidence import Process

# How many times worse than the worst acceptable. Spacing of 1.35 at the low end costs at most 5 % of the information.
GRID = (1.15, 1.35, 1.6, 2.0, 2.6, 3.5, 5.0, 8.0, 14.0, 30.0, 80.0, 300.0, 2000.0)
# How likely each is beside the others. A guess: most defects worth a rollback are of 2 to 30. It costs no promise, and where
# it is wrong the logarithm of its odds.
_ODDS = (0.15, 0.2, 0.4, 0.9, 1.0, 1.0, 1.0, 1.0, 0.9, 0.6, 0.3, 0.15, 0.15)
PRIOR = tuple(odds / sum(_ODDS) for odds in _ODDS)
FIRST = 0.8  # weight on "it broke at the deployment"; the rest falls as 1/j
RESERVE = 2.0  # nats beyond the threshold: what the mixture costs
OTHERS = 0.25  # nats: what the other buckets must bring where the best one says all it may
_AT_ONCE = 0.5  # nats: that it began at the deployment costs log(1 / FIRST), and a little for rounding
UNCAPPED = 1e6  # nats: one bucket may decide

_LARGEST_STEP = 250.0  # nats; times HUGE it is still inside of what a float holds
HUGE = 1e130
_SLACK = 1e-9  # nats: more than sums differ by rounding
_TINY = 5e-324  # the least that a float holds: the logarithm of no evidence at all is finite


def placed(horizon: int, buckets: int) -> float:
    """How much of the onset's weight is placed after *buckets* buckets (0..1); all of it at the *horizon* (at least 1)."""
    return _placed(horizon)[buckets] if buckets < horizon else 1.0


@lru_cache(maxsize=64)
def _placed(horizon: int) -> tuple[float, ...]:
    total = sum(1 / j for j in range(2, horizon + 1))
    sums, sofar = [0.0], FIRST
    for j in range(1, horizon):
        sums.append(sofar)
        sofar += (1 - FIRST) / ((j + 1) * total)
    return (*sums, 1.0)


def cap(alpha: float, weight: float, min_buckets: int) -> float:
    """The most that one bucket may add, so that a breach needs *min_buckets* buckets.

    The best bucket leaves `OTHERS` to the others; and what fails wholly from the deployment on is found in *min_buckets*.

    Args:
        alpha: The level of the group, or of the rule where it stands alone.
        weight: Of the process in what must reach the level: the rule's in the group, shared by its bounds; 1 where it is alone.
        min_buckets: At least 1.
    """
    if min_buckets <= 1:
        return UNCAPPED
    enough, others = log(1 / alpha), min_buckets - 1
    at_once = (enough + log(1 / weight) + _AT_ONCE) / min_buckets
    return min(max((enough - OTHERS) / others, at_once), enough / others)


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
    weights, total = _grown(process.weights, after - before, increments, case.cap)
    information = process.information + (min(would_gain, case.cap) if would_gain > 0 else 0.0)
    return Process(until, weights, log(max(1 - after + total, _TINY)), information)


def _grown(
    weights: tuple[float, ...], new: float, increments: Sequence[float], most: float
) -> tuple[tuple[float, ...], float]:
    """(R + w) * F for each effect, and all of them less where together they grew by more than *most*; and their sum."""
    steps, largest = increments, max(increments)
    if largest >= _LARGEST_STEP:
        steps = [min(by, _LARGEST_STEP) for by in increments]
    grown = [(old + new * prior) * exp(by) for old, prior, by in zip(weights, PRIOR, steps, strict=True)]
    total = sum(grown)
    if largest < most - _SLACK and total <= HUGE:
        return tuple(grown), total  # no effect grew by more, so their sum did not: nearly always
    limit = HUGE if most >= _LARGEST_STEP else min(HUGE, (sum(weights) + new) * exp(most))
    if total <= limit:
        return tuple(grown), total
    scaled = tuple([each * (limit / total) for each in grown])
    return scaled, sum(scaled)


def log_mean(logs: Sequence[float]) -> float:
    """The logarithm of the mean of numbers given by their logarithms; ±∞ are allowed."""
    top = max(logs)
    if len(logs) == 1 or top in (-inf, inf):
        return top
    return top + log(sum([exp(each - top) for each in logs]) / len(logs))
