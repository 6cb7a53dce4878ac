"""The share of bad with an interval that holds at every time at once.

Source:
    Robbins' mixture: for counts of mean L, the mean over Gamma(1, 1) of theta^x exp(-(theta - 1) L) is an e-process in
    the cumulative mean, whatever its drift: e^L Gamma(1 + x) / (1 + L)^(1 + x). Those L for which it has not reached
    1/alpha are the interval. Bernoulli counts are narrower than Poisson counts, so it holds for shares too. Counts are
    divided by phi (clumps).
"""

from math import lgamma, log, log1p, sqrt

_STEPS = 12  # leave less than a millionth, from where the search begins


def interval(bad: float, requests: float, alpha: float, phi: float = 1.0) -> tuple[float, float]:
    """Lower and upper end of the mean rate of bad a request, at level *alpha* for all times together.

    Args:
        bad: Counted so far.
        requests: Counted so far; above 0.
        alpha: The probability (0..1) that the interval ever misses.
        phi: The largest number of errors that one cause makes.
    """
    count, scale, enough = bad / phi, requests / phi, log(1 / alpha)
    far = enough + log1p(count)
    outside = (
        sqrt(2 * far * (1 + count)) + 2 * far
    )  # there the evidence is at least `far`, less log(1 + count)
    low = _crossing(max(0.0, count - outside), count, enough) if lgamma(1 + count) > enough else 0.0
    return low / scale, _crossing(count + outside, count, enough) / scale


def _crossing(start: float, count: float, enough: float) -> float:
    """Where the logarithm of the evidence against a mean crosses *enough*.

    It is convex, with its minimum at the count, so that Newton's steps from outside the interval stay outside.
    """
    mean, more, of_counts = start, 1 + count, lgamma(1 + count)
    for _ in range(_STEPS):
        slope = 1 - more / (1 + mean)
        if not slope:  # counts are so large that the interval has no width
            return mean
        mean = max(0.0, mean - (mean + of_counts - more * log1p(mean) - enough) / slope)
    return mean
