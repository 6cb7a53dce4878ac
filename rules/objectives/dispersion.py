"""How many errors one cause makes: the dispersion of counts, from a history or from the baseline beside the canary.

Retries, batches and bots make errors come in clumps, and a judge that takes each error for an independent one is wrong
every fourth time under mild retries alone. What is estimated is the size of the clump that an error is in (the mean of
the squares of clumps over their mean), which is what ``rules.objectives.factors`` calls phi.

Source:
    docs/judgement.md, "Correlated errors"; simulated there for clumps, bursts, noisy pods and storms.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import ceil, sqrt
from statistics import median

from rules.objectives.factors import NOTHING

Block = tuple[float, float]  # requests, bad

_ERRORS_A_BLOCK = (
    5.0  # independent errors that a block should hold, so that its square is nearly a chi-square
)
_KEPT = 0.95  # of the squares: what is above are past outages
_MEAN_OF_KEPT = 0.759  # mean of the lowest 95 % of a chi-square(1)
_LEAST_BLOCKS = 24
_FIRST_BLOCKS = 8  # of a watch that has no history
_LEAST_ERRORS = 10
_FLOOR = 0.2  # of the usual rate: blocks without errors do not make the scale 0
_LARGEST_CLUMP = 1.5  # where too little was seen for a mean, what was seen may be this much too little
_HOUR = 60  # buckets that a storm is held against
_FAR = 10.0  # standard deviations; sums of clumps come to six by chance
_CLUMPS = 5.0  # and so many clumps more than there should be
_LEAST_EXPECTED = 0.2  # errors a bucket; from fewer the deviation says nothing
_ROUNDS = 4
_SETTLED = 1.15  # another round changes less than this


def clump(counts: Sequence[Block]) -> float | None:
    """The number of errors that one cause is held to make (at least 1), from counts of consecutive buckets.

    Where errors are too few for a mean square, the largest bucket answers: no clump was larger than all of it.

    Returns:
        ``None`` if there are too few buckets with traffic to say anything.
    """
    seen = [block for block in counts if block[0] > NOTHING]
    if len(seen) < _LEAST_BLOCKS:
        return None
    if sum(bad for _, bad in seen) < _LEAST_ERRORS:
        return _of_few(seen)
    return _of_many(seen)


def learned_clump(counts: Sequence[Block]) -> float | None:
    """As `clump`, from what little a watch has shown so far; ``None`` until it has shown enough errors.

    From fewer blocks than a history must have, all that the figure may be wrong by is added to it.
    """
    seen = [block for block in counts if block[0] > NOTHING]
    found = _by_blocks(seen, _FIRST_BLOCKS) if sum(bad for _, bad in seen) >= _LEAST_ERRORS else None
    if found is None:
        return None
    size, noise = found
    if noise > _noise(_LEAST_BLOCKS - 1):
        return _LARGEST_CLUMP * max(size, 1.0) * (1 + noise)
    return _largest(size, noise)


def storms(counts: Sequence[Block], phi: float) -> int:
    """How often errors burst, for a bucket or a few: far beyond the hour around them, and beyond what clumps of *phi* explain.

    One may be a past outage. Several a day are a habit of the service, such as a pod that fails wholly for a minute.
    """
    seen = [block for block in counts if block[0] > NOTHING]
    usual = _FLOOR * _share(seen) if seen else 0.0
    bursts, before = 0, False
    for first in range(0, len(seen), _HOUR):
        hour = seen[first : first + _HOUR]
        share = max(usual, median([bad / requests for requests, bad in hour]))
        for requests, bad in hour:
            expected = max(requests * share, _LEAST_EXPECTED)
            bursting = bad - expected > max(_FAR * sqrt(phi * expected), _CLUMPS * phi)
            bursts += bursting and not before
            before = bursting
    return bursts


def _largest(size: float, noise: float) -> float:
    """With one standard deviation more; 1 where chance alone explains it."""
    return size * (1 + noise / 2) if size > 1 + noise else 1.0


def _of_few(counts: Sequence[Block]) -> float:
    largest = max(bad for _, bad in counts)
    return _LARGEST_CLUMP * largest if largest > 1 else 1.0


def _of_many(counts: Sequence[Block]) -> float:
    found = _by_blocks(counts, _LEAST_BLOCKS)
    return _largest(*(found or (_variance_over_mean(counts), _noise(len(counts)))))


def _by_blocks(counts: Sequence[Block], least: int) -> tuple[float, float] | None:
    """The size of a clump and the noise of that figure; blocks grow with the size until they hold enough clumps."""
    usual, found = _usual_share(counts), None
    size = 1.0
    for _ in range(_ROUNDS):
        squares = _squares(counts, usual, _ERRORS_A_BLOCK * size)
        if len(squares) < least - 1:
            return found
        mean, noise = _trimmed_mean(squares), _noise(len(squares))
        if mean <= _SETTLED * size:
            return max(size, mean), noise
        size = mean
        found = size, noise
    return found


def _noise(squares: int) -> float:
    """Two standard deviations of the mean of so many squares, were errors independent.

    The variance of a square is 2, and each has a block in common with the next, hence 3.
    """
    return 2 * sqrt(3 / squares)


def _usual_share(counts: Sequence[Block]) -> float:
    """The median of the shares of twenty parts: a past outage does not move it."""
    part = max(1, len(counts) // 20)
    shares = [_share(counts[first : first + part]) for first in range(0, len(counts) - part + 1, part)]
    return median(shares) or _share(counts)


def _share(counts: Sequence[Block]) -> float:
    return sum(bad for _, bad in counts) / sum(requests for requests, _ in counts)


def _blocks(counts: Sequence[Block], usual: float, errors: float) -> list[Block]:
    """Consecutive buckets put together until *errors* errors are to be expected in each block."""
    blocks, requests, bad = [], 0.0, 0.0
    for more_requests, more_bad in counts:
        requests, bad = requests + more_requests, bad + more_bad
        if requests * usual >= errors:
            blocks.append((requests, bad))
            requests, bad = 0.0, 0.0
    return blocks


def _squares(counts: Sequence[Block], usual: float, errors: float) -> list[float]:
    """Squared differences of successive blocks, each over the variance that independent errors would give it.

    Successive, so that drift and seasons drop out.
    """
    return [_square(one, other, usual) for one, other in pairwise(_blocks(counts, usual, errors))]


def _square(one: Block, other: Block, usual: float) -> float:
    share = max((one[1] + other[1]) / (one[0] + other[0]), _FLOOR * usual)
    return (other[1] / other[0] - one[1] / one[0]) ** 2 / (share * (1 / one[0] + 1 / other[0]))


def _trimmed_mean(squares: Sequence[float]) -> float:
    kept = sorted(squares)[: ceil(len(squares) * _KEPT)]
    return sum(kept) / len(kept) / _MEAN_OF_KEPT


def _variance_over_mean(counts: Sequence[Block]) -> float:
    mean = sum(bad for _, bad in counts) / len(counts)
    return sum((bad - mean) ** 2 for _, bad in counts) / len(counts) / mean
