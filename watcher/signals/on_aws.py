"""AWS, as all providers of signals ask it: who is throttled waits, together with all who ask for the same, and a wrong clock is called one.

AWS counts calls by account, region and operation, and says of a limit neither that it is near nor when it is over. boto3 has
tried a read three times before it is refused for that; so from then on one goes first, and whoever comes meanwhile waits for a
moment, or is told when somebody will ask again. Targets do not ask through this: a rollback waits for nobody.

Source:
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-signing-elements.html (requests expire after five minutes)
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from deploy.errors import AwsRefused
from deploy.ports import Aws
from rules.sample import Unavailable, Who
from watcher.aws import Dated
from watcher.aws.codes import NO_CREDENTIALS, Result, result_of
from watcher.signals import clocks
from watcher.signals.provider import Opening

CLOSED, FOUR_TIMES, LONGEST = (
    1.0,
    4,
    30.0,
)  # seconds after one refusal; after each further one in a row so much longer
PATIENT = (
    2.0  # seconds that a call waits for its turn: a round has six, and the call itself needs the most of them
)
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


class OnAws:
    """Reads as `deploy.ports.Aws` does. One for all providers of a daemon: `on_aws` gives it.

    Args:
        aws: Who is asked.
        now: The clock, aware UTC.
    """

    def __init__(self, aws: Aws, now: Callable[[], datetime]) -> None:
        self._aws = aws
        self._now = now
        self._gates: dict[tuple[str, str, str], _Gate] = {}
        self.act, self.poll = aws.act, aws.poll

    async def read(self, scope: str, service: str, operation: str, /, **parameters: Any) -> Mapping[str, Any]:
        """As `deploy.ports.AwsCall`. Raises `NotAsked` where the limit is used up, or our clock is not AWS's."""
        gate = self._gates.setdefault((scope, service, operation), _Gate())
        async with gate.passed() as is_open:
            if not is_open:
                raise NotAsked(
                    operation, "ThrottlingException", self._patience(gate, scope, service, operation)
                )
            try:
                answer = await self._aws.read(scope, service, operation, **parameters)
            except AwsRefused as refused:
                result = result_of(refused.code)
                if (
                    result not in _UNHEARD
                ):  # who waited in vain for an answer does not know that the storm is over
                    gate.heard(throttled=result is Result.THROTTLED)
                # Beyond five minutes nothing is signed as AWS wants it; without keys nothing was sent that would tell its time.
                if result is Result.CREDENTIALS and refused.code != NO_CREDENTIALS:
                    self._look_at_clock(operation, refused=refused)
                raise
            gate.heard(throttled=False)
        self._look_at_clock(operation, answer)
        return answer

    def _patience(self, gate: "_Gate", scope: str, service: str, operation: str) -> Unavailable:
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


class _Gate:
    """Before one operation in one account. Times are the loop's, in seconds."""

    def __init__(self) -> None:
        self._first = asyncio.Lock()
        self._refused = 0
        self._open_at = 0.0

    @property
    def closed_for(self) -> float:
        """How long it stays closed."""
        return max(self._open_at - _time(), 0.0)

    @asynccontextmanager
    async def passed(self) -> AsyncIterator[bool]:
        """Wait until it is open, and go through; ``False``: that takes too long. After a refusal one goes first."""
        if not self._refused:
            yield True
            return
        until = _time() + PATIENT
        if not await self._is_first(until):
            yield False
            return
        try:
            if self._open_at > until:
                yield False
                return
            await asyncio.sleep(self.closed_for)
            if self._refused:
                yield True
                return
        finally:
            self._first.release()
        yield True

    async def _is_first(self, until: float) -> bool:
        """Wait for the turn, which may be with a call that hangs; ``False``: it did not come in time."""
        try:
            async with asyncio.timeout_at(until):
                return await self._first.acquire()
        except TimeoutError:
            return False

    def heard(self, *, throttled: bool) -> None:
        """What came of a call."""
        if not throttled:
            self._refused, self._open_at = 0, 0.0
            return
        if self.closed_for:
            return  # of those that were under way together the first has closed it
        closed = min(CLOSED * FOUR_TIMES**self._refused, LONGEST)
        self._refused += 1
        self._open_at = _time() + closed


def _time() -> float:
    return asyncio.get_running_loop().time()


def on_aws(opening: Opening) -> OnAws | None:
    """The one way to AWS of all providers that were opened together; ``None`` where no account is configured."""
    aws = opening.aws
    return None if aws is None else opening.shared(OnAws, lambda: OnAws(aws, opening.now))
