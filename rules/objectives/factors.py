"""Factors of the evidence: how much one bucket speaks for an effect, against the worst that is acceptable.

Each function gives, for each effect of a grid, the natural logarithm of a factor whose mean is at most 1 under every
acceptable release: whatever the traffic of the bucket, whatever its common drift, and whether or not requests differ.
An effect rho means "rho times worse than the worst acceptable": rho times the rate for events that are counted
(*counts*), rho times the odds where at most all can be bad (*proportions*).

*phi* says how errors clump: the factors of counts keep their promise if no cause makes more than phi errors in a bucket, and
if clumps are geometric with a size-biased mean of phi (each failure is tried again, and fails again or not, so phi is twice
the mean less one). Independent errors have a phi of 1; ``None`` is for clumps of any size.

    Let an error of the canary weigh b1 and one beside it b0, and let A and B be the factors of a single error, for which
    n1 p1 (A - 1) + n0 p0 (B - 1) <= 0 under every acceptable release. Clumps come as a Poisson process, so the mean of
    the factor is at most 1 if a clump of size C obeys  E exp(b1 C) - 1 <= E C (A - 1) / phi, and the same for b0 and B.
    For C <= phi, b1 = log(A) / phi does (Jensen). For geometric clumps of mean g the left side is
    (e^b - 1) / (1 - q e^b) with q = 1 - 1/g, which is solved for b. Of both the lesser is taken. For b0, log(B) / phi
    does for both.

The tests check each of these by full enumeration.
"""

from collections.abc import Callable, Sequence
from math import inf, log, sqrt
from typing import NamedTuple

from rules.brief import Margin
from rules.objectives.eprocess import GRID

Effects = Sequence[tuple[float, float]]  # each with its logarithm

EFFECTS: Effects = tuple((effect, log(effect)) for effect in GRID)
NOTHING = 1e-9  # requests below it are none: extrapolation leaves such crumbs
ORDINARY = 1.0  # nats: what any bucket may say, however little an effect would make
_STRAY = 2.0  # standard deviations of what an effect makes of a bucket
_LARGEST_CLUMP = 1.5  # of shares the largest clump is what counts, and phi is a mean
_ALL = 0.999  # a baseline's guess from here on leaves no room for worse
_BELOW_ALL = 1 - 1e-12
_UNLIKE = 3.0  # times: so much worse than the mean a single request may be; by enumeration, of twice as bad 1.006 is left
_ROUNDS = 40  # of the search for the nearest; three are usual
_CLOSE = 1e-3  # of the guess's variance: what is left costs less than a thousandth of the power


def effect(size: float) -> Effects:
    """A grid of one effect."""
    return ((size, log(size)),)


class Pair(NamedTuple):
    """Counts of both arms in one bucket. A tuple, since it is made twice for each bucket and rule."""

    requests: float
    bad: float
    beside_requests: float
    beside_bad: float

    @property
    def compares(self) -> bool:
        """Both arms had traffic."""
        return self.requests > NOTHING and self.beside_requests > NOTHING


def ceiling_counts(
    requests: float, bad: float, ceiling: float, phi: float | None, effects: Effects = EFFECTS
) -> list[float]:
    """One arm, events: acceptable is a rate of at most *ceiling* a request."""
    expected = requests * ceiling
    if phi is None:
        return _one_error_at_most(bad, expected, effects)
    if phi == 1:
        return [bad * log_size - expected * (size - 1) for size, log_size in effects]
    return [
        bad * of_an_error(size, log_size, phi) - expected * (size - 1) / phi for size, log_size in effects
    ]


def of_an_error(worse: float, log_worse: float, phi: float) -> float:
    """What an error weighs where a single one would weigh log *worse*, above 0, if it may be one of a clump (b1 above)."""
    clumps = (phi + 1) / 2 * (worse - 1) / phi
    return min(log_worse / phi, log((1 + clumps) / (1 + (phi - 1) / (phi + 1) * clumps)))


def _one_error_at_most(bad: float, expected: float, effects: Effects) -> list[float]:
    if bad <= 0:
        return [-expected * (size - 1) for size, _ in effects]
    return [log_size - expected * (size - 1) / max(bad, 1) for size, log_size in effects]


def ceiling_proportions(
    requests: float, bad: float, ceiling: float, phi: float | None, effects: Effects = EFFECTS
) -> list[float]:
    """One arm, at most all are bad: acceptable is a mean share of at most *ceiling* (below 1)."""
    if phi is None:
        return ceiling_counts(requests, bad, ceiling, phi, effects)
    phi = _largest(phi)
    return [(bad * log_size - requests * log(1 + (size - 1) * ceiling)) / phi for size, log_size in effects]


def ceiling_at_most(requests: float, bad: float, ceiling: float, phi: float | None, *, exact: bool) -> float:
    """No effect at all gains more by the bucket (nats, at least 0) in `ceiling_counts`; *exact*: in `ceiling_proportions`.

    It is what the likelihood ratio of just so many bad against the ceiling would say, were there an effect for them.
    """
    expected = requests * ceiling
    count = max(bad, 1.0) if phi is None and bad > 0 else bad
    if count <= expected:
        return 0.0
    gain = _surprise(count, expected)
    if exact and phi is not None:
        gain += _surprise(requests - bad, requests - expected)
    return max(gain / (phi or count), 0.0)  # never less, but for rounding


def _surprise(count: float, expected: float) -> float:
    """By how many nats a count is other than expected."""
    if count <= 0:
        return expected
    return count * log(count / expected) - (count - expected) if expected > 0 else inf


def _largest(phi: float) -> float:
    return phi if phi == 1 else _LARGEST_CLUMP * phi


def compared_counts(
    pair: Pair, margin: Margin, phi: float | None, effects: Effects = EFFECTS, guess: float | None = None
) -> list[float]:
    """Two arms, events: given an error, whose is it? Any drift that both arms share cancels.

    *guess* is the baseline's share of bad (0..1), foretold from earlier buckets only, and matters only where fewer errors
    than one cause makes count as one. Without it a single request may be bad for certain, which is always safe; errors are
    rare.
    """
    if phi is None:
        return _one_clump(pair, margin, 1.0, effects)
    if margin.plus == 0 and pair.bad + pair.beside_bad < phi:
        chance = 1.0 if guess is None else _most_likely(pair, margin, guess)
        return _one_clump(pair, margin, chance, effects)
    if phi == 1:
        return _each_for_itself(pair, margin, effects)
    mine = pair.requests * margin.ratio
    both, extra = mine + pair.beside_requests, pair.requests * margin.plus
    increments = []
    for size, log_size in effects:
        spread = both / (mine * size + pair.beside_requests)
        log_spread, worse = log(spread), size * spread
        gain = pair.bad * of_an_error(worse, log_size + log_spread, phi) + pair.beside_bad * log_spread / phi
        increments.append(gain - extra * (worse - 1) / phi)
    return increments


def _each_for_itself(pair: Pair, margin: Margin, effects: Effects) -> list[float]:
    """As of clumps of one error, in half the time: nearly every bucket of a service whose errors are independent."""
    requests, bad, beside, beside_bad = pair
    mine, errors = requests * margin.ratio, bad + beside_bad
    both, extra = mine + beside, requests * margin.plus
    if extra == 0:
        return [bad * log_size + errors * log(both / (mine * size + beside)) for size, log_size in effects]
    increments = []
    for size, log_size in effects:
        all_ = mine * size + beside
        gain = bad * log_size + errors * log(both / all_)
        increments.append(gain - extra * (size - 1) * beside / all_)
    return increments


def _one_clump(pair: Pair, margin: Margin, chance: float, effects: Effects) -> list[float]:
    """All errors of the bucket may have one cause: together they count as one, which is the canary's in part.

    Valid for clumps of any size, if those of both arms are alike, and for single requests that are bad with at most
    *chance*: where errors are no accident the canary's part is a little more than its due, which *chance* takes away.
    The penalty for *plus* is that of one error among all; where there is none, it is paid in whole.
    """
    errors, mine = pair.bad + pair.beside_bad, pair.requests * margin.ratio
    both, extra = mine + pair.beside_requests, pair.requests * margin.plus
    surplus = 0.0  # of the canary's part of the errors over its due
    if errors > 0:
        part = pair.bad / (errors + chance)
        surplus = (part * pair.beside_requests - pair.beside_bad / errors * mine) / both
    increments = []
    for size, _ in effects:
        worse = (size - 1) * both / (mine * size + pair.beside_requests)
        cost = extra * (worse * pair.beside_requests / both) / max(errors, 1)
        increments.append(log(1 + worse * surplus) - cost)
    return increments


def _most_likely(pair: Pair, margin: Margin, guess: float) -> float:
    """The most that a single request of the bucket is held to be bad with (0..1).

    Three times what both arms together show, or what earlier buckets foretell (*guess*) if that is more: requests differ,
    and an outage that both arms share was not foretold.
    """
    shown = (pair.bad + pair.beside_bad) / (pair.requests + pair.beside_requests)
    return min(1.0, _UNLIKE * margin.allows(max(guess, shown)))


def compared_proportions(
    pair: Pair, margin: Margin, guess: float, phi: float | None, effects: Effects = EFFECTS
) -> list[float]:
    """Two arms, at most all are bad: exact.

    *guess* is the baseline's share of bad (0..1), foretold from earlier buckets only. A bad one costs power, never the
    promise.
    """
    if phi is None:
        return compared_counts(pair, margin, None, effects)
    if not pair.compares:
        return [0.0] * len(effects)
    phi = _largest(phi)
    if margin.ratio == 1 and margin.plus == 0:
        increments = _of_equals(pair, min(guess, _ALL), effects)
        return increments if phi == 1 else [by / phi for by in increments]
    worst = min(margin.allows(guess), _ALL)
    return [
        _of_proportions(pair, margin, guess, size * worst / (1 + (size - 1) * worst)) / phi
        for size, _ in effects
    ]


def _of_equals(pair: Pair, guess: float, effects: Effects) -> list[float]:
    """As below, without a margin: the nearest acceptable pair has both arms at the mean of *guess* and the alternative."""
    n1, n0, bad = pair.requests, pair.beside_requests, pair.bad
    all_bad, every = bad + pair.beside_bad, n1 + n0
    good = every - all_bad
    apart = all_bad * log(guess) + good * log(1 - guess)  # what both arms as foretold would make of it
    increments = []
    for size, log_size in effects:
        spread = 1 + (size - 1) * guess
        p = guess * (n1 * size / spread + n0) / every
        increments.append(apart + bad * log_size - n1 * log(spread) - all_bad * log(p) - good * log(1 - p))
    return increments


def moderated(
    increments: Sequence[float],
    bad: float,
    phi: float,
    makes: Callable[[float], float],
    again: Callable[[float, Effects], Sequence[float]],
) -> Sequence[float]:
    """*increments* of a bucket that says more than is `ORDINARY`, for each effect no more than it makes of a bucket.

    Fifty errors in a minute that usually has one are no evidence for "twice as many", though each error is some: they are
    a storm, or a much larger effect, which the next buckets tell. Errors beyond two standard deviations of what an effect
    makes are left out of what speaks for it, which only lowers its factor.

    Args:
        increments: Of the bucket as it is, for all effects of the grid.
        bad: The canary's.
        phi: As above; where all errors of a bucket count as one, there is nothing to moderate.
        makes: How many bad an effect makes of the bucket.
        again: The increments for effects, had so many been bad.
    """
    moderate = []
    for by, (size, log_size) in zip(increments, EFFECTS, strict=True):
        usual = makes(size)
        most = usual + _STRAY * sqrt(phi * usual) + phi
        if by <= ORDINARY or bad <= most:
            moderate.append(by)
        else:
            moderate.append(min(by, max(ORDINARY, again(most, ((size, log_size),))[0])))
    return moderate


def _of_proportions(pair: Pair, margin: Margin, guess: float, theirs: float) -> float:
    """The likelihood ratio of a canary at *theirs* against the acceptable pair that is hardest to tell from it."""
    p = nearest_acceptable(pair, margin, guess, theirs)
    if p is None:
        return 0.0
    mine = margin.allows(p)
    beside = p + _pull(pair, margin, p, mine) * (mine - theirs)
    if not 0 < beside < 1:
        return 0.0
    return (
        pair.bad * log(theirs / mine)
        + (pair.requests - pair.bad) * log((1 - theirs) / (1 - mine))
        + pair.beside_bad * log(beside / p)
        + (pair.beside_requests - pair.beside_bad) * log((1 - beside) / (1 - p))
    )


def nearest_acceptable(pair: Pair, margin: Margin, guess: float, theirs: float) -> float | None:
    """The acceptable baseline p that is hardest to tell from the alternative (canary *theirs*, baseline *guess*).

    It minimises n1 KL(theirs || ratio p + plus) + n0 KL(guess || p), a reverse information projection, for which the
    likelihood ratio has mean at most 1 under the whole convex null. How near one comes is a matter of power only: for
    any p the alternative's baseline can be moved so that p is its projection, and the factor uses that one.

    Returns:
        ``None`` where the alternative is itself acceptable.

    Source:
        Turner, Ly, Grünwald, arXiv 2106.02693, extended to ratio and plus.
    """
    n1, n0 = pair.requests, pair.beside_requests
    high = min(theirs - margin.plus, _BELOW_ALL - margin.plus) / margin.ratio
    if high <= guess:
        return None
    p = (n1 * high + n0 * guess) / (n1 + n0)  # exact for a ratio of 1 and no plus
    close = _CLOSE * guess * (1 - guess)
    for _ in range(_ROUNDS):
        mine = margin.allows(p)
        pull = _pull(pair, margin, p, mine)
        miss = pull * (mine - theirs) + p - guess
        if abs(miss) <= close:
            break
        bend = (1 - 2 * p) / (p * (1 - p)) - margin.ratio * (1 - 2 * mine) / (mine * (1 - mine))
        newton = p - miss / (pull * (bend * (mine - theirs) + margin.ratio) + 1)
        # An average with the weights of the last p: slower, and always between guess and high.
        average = (pull * (theirs - margin.plus) + guess) / (pull * margin.ratio + 1)
        p = newton if guess < newton < high else average
    return p


def _pull(pair: Pair, margin: Margin, p: float, mine: float) -> float:
    """How much the canary's distance from the null moves the baseline's."""
    return pair.requests * margin.ratio * p * (1 - p) / (pair.beside_requests * mine * (1 - mine))
