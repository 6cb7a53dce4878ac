"""How fast CloudWatch may be asked: calls at once, and data points a second.

Source:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html
"""

import asyncio
from collections.abc import Callable

POINTS_A_SECOND = (
    180_000  # reckoned by span and period; for spans of the last three hours, more for older ones
)
AT_ONCE = 4  # calls; a thread each


class Pace:
    """One for each account and region, shared by all that is asked there."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._free_at = 0.0
        self.gate = asyncio.Semaphore(AT_ONCE)

    def wait_for(self, points: int) -> float:
        """Take *points* out of the budget; gives how many seconds to wait before they are asked for."""
        now = self._monotonic()
        begin = max(now, self._free_at)
        self._free_at = begin + points / POINTS_A_SECOND
        return begin - now
