"""AWS, as all providers of signals ask it: who is throttled waits, together with all who ask for the same, and a wrong clock is called one.

AWS counts calls by account, region and operation, and says of a limit neither that it is near nor when it is over. boto3 has
tried a read three times before it is refused for that; so from then on one goes first, and whoever comes meanwhile waits for a
moment, or is told when somebody will ask again. Targets do not ask through this: a rollback waits for nobody.

Source:
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-signing-elements.html (requests expire after five minutes)
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from deploy.errors import AwsRefused
from deploy.ports import Aws
from rules.sample import Unavailable, Who
from watcher.aws import Dated
from watcher.aws.codes import NO_CREDENTIALS, Result, result_of
from watcher.signals import clocks
from watcher.signals.gate import Closing, Gate, loop_time
from watcher.signals.provider import Opening

CLOSING = Closing(first=1.0, times=4.0, longest=30.0)
SKEWED = timedelta(seconds=30)  # of our clock: buckets that are final to us are not to AWS
_UNHEARD = frozenset({Result.TIMEOUT, Result.UNREACHABLE})


class NotAsked(AwsRefused):
    """AWS throttles, and is not asked for a while; or our clock is not AWS's, and nothing that it says can be used.

    Attributes:
        trouble: The reading of whoever asked.
        answer: What AWS answered all the same; for who has started something there, which must be stopped.
    """

    def __init__(
        self, operation: str, code: str, trouble: Unavailable, answer: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(operation, code, trouble.words, may_have_happened=False)
        self.trouble = trouble
        self.answer = {} if answer is None else answer


class Throttled(AwsRefused):
    """AWS takes no more calls of this kind.

    Attributes:
        retry_at: When the next one is sent, for all who ask for the same.
    """

    def __init__(self, refused: AwsRefused, retry_at: datetime) -> None:
        super().__init__(refused.operation, refused.code, refused.words, may_have_happened=False)
        self.retry_at = retry_at


class OnAws:
    """Reads as `deploy.ports.Aws` does. One for all providers of a daemon: `on_aws` gives it.

    Args:
        aws: Who is asked.
        now: The clock, aware UTC.
    """

    def __init__(self, aws: Aws, now: Callable[[], datetime]) -> None:
        self._aws = aws
        self._now = now
        self._gates: dict[tuple[str, str, str], Gate] = {}
        self.act, self.poll = aws.act, aws.poll

    async def read(self, scope: str, service: str, operation: str, /, **parameters: Any) -> Mapping[str, Any]:
        """As `deploy.ports.AwsCall`. Raises `NotAsked` where the limit is used up, or our clock is not AWS's."""
        gate = self._gates.setdefault((scope, service, operation), Gate(loop_time, CLOSING))
        async with gate.passed() as is_open:
            if not is_open:
                raise NotAsked(
                    operation, "ThrottlingException", self._patience(gate, scope, service, operation)
                )
            try:
                answer = await self._aws.read(scope, service, operation, **parameters)
            except AwsRefused as refused:
                result = result_of(refused.code)
                if result is Result.THROTTLED:
                    gate.refused()
                    raise Throttled(refused, self._now() + timedelta(seconds=gate.closed_for)) from refused
                if result not in _UNHEARD:  # who waited in vain for an answer does not know that it is over
                    gate.opened()
                # Beyond five minutes nothing is signed as AWS wants it; without keys nothing was sent that would tell its time.
                if result is Result.CREDENTIALS and refused.code != NO_CREDENTIALS:
                    self._look_at_clock(operation, refused=refused)
                raise
            gate.opened()
        self._look_at_clock(operation, answer)
        return answer

    def _patience(self, gate: Gate, scope: str, service: str, operation: str) -> Unavailable:
        at = self._now() + timedelta(seconds=gate.closed_for)
        words = f"AWS throttles {service} {operation} in the account {scope}: not asked again before {at:%H:%M:%S} UTC"
        return Unavailable(Who.PROVIDER, words, at)

    def _look_at_clock(
        self, operation: str, answer: Mapping[str, Any] | None = None, refused: AwsRefused | None = None
    ) -> None:
        skew = self._aws.skew if isinstance(self._aws, Dated) else None
        if skew is not None and abs(skew) > SKEWED:
            words = f"{clocks.words(skew, 'that of AWS')}, so that no bucket is what it seems: set it by NTP"
            raise NotAsked(operation, "ClockSkewed", Unavailable(Who.OPERATOR, words), answer) from refused


def on_aws(opening: Opening) -> OnAws | None:
    """The one way to AWS of all providers that were opened together; ``None`` where no account is configured."""
    aws = opening.aws
    return None if aws is None else opening.shared(OnAws, lambda: OnAws(aws, opening.now))
