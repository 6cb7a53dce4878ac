"""How many calls a second AWS takes. Off, but for what CloudWatch publishes."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.fakes.aws.models import in_its_words
from tests.fakes.aws.trouble import AwsError

_SECOND = timedelta(seconds=1)


@dataclass
class Limits:
    """Calls a second, by service and operation; in one account and region, as we have but few.

    Source:
        https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html [D]
    """

    per_second: dict[tuple[str, str], int] = field(
        default_factory=lambda: {
            ("cloudwatch", "GetMetricData"): 500,
            ("cloudwatch", "ListMetrics"): 25,
            ("cloudwatch", "DescribeAlarms"): 9,
        }
    )
    _lately: dict[tuple[str, str], deque[datetime]] = field(default_factory=dict)

    def count(self, service: str, operation: str, now: datetime) -> None:
        """Count one call. Raises `AwsError` when it is one too many; a refused call does not count [U]."""
        most = self.per_second.get((service, operation))
        if most is None:
            return
        lately = self._lately.setdefault((service, operation), deque())
        while lately and lately[0] <= now - _SECOND:
            lately.popleft()
        if len(lately) >= most:
            raise AwsError(in_its_words(service, "ThrottlingException"), "Rate exceeded")
        lately.append(now)
