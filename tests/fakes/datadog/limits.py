"""Limits as Datadog keeps them: by name, in periods of the calendar, told by every answer; a refusal has no body."""

from dataclasses import dataclass, field
from datetime import datetime

from aiohttp import web


@dataclass
class Allowed:
    """So many requests in each period of so many seconds."""

    name: str
    limit: int
    period: int
    counted: dict[int, int] = field(default_factory=dict)

    def count(self, now: datetime) -> tuple[bool, dict[str, str]]:
        """One more: whether it is one too many, and what its answer says."""
        period = int(now.timestamp()) // self.period
        self.counted[period] = self.counted.get(period, 0) + 1
        left = self.limit - self.counted[period]
        reset = (period + 1) * self.period - int(now.timestamp())
        return left < 0, {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Period": str(self.period),
            # Beside a refusal it was recorded to say that there are some left.
            "X-RateLimit-Remaining": str(left if left >= 0 else self.limit - 1),
            "X-RateLimit-Reset": str(reset),
            "X-RateLimit-Name": self.name,
        }


def refused(headers: dict[str, str]) -> web.Response:
    return web.Response(status=429, headers={**headers, "Content-Type": "application/json"})
