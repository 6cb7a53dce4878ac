"""What goes wrong between a caller and AWS, for so many calls or until some time."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.fakes.aws.models import in_its_words
from tests.fakes.aws.trouble import AwsError

ANY = "*"


@dataclass
class Fault:
    """One fault. It strikes the calls that it names, *times* times (none: without end), before *until*.

    Attributes:
        error: What is said instead; nothing is done.
        delay: Seconds until the answer comes. What was asked is done at once.
        lost: What was asked is done, and the connection drops before the answer.
        stale: Reads see the world as it was so long ago.
        spoilt: The answer comes otherwise, over sockets: how, by its name in `tests.fakes.aws.spoilt`.
    """

    service: str
    operation: str
    times: int | None = None
    until: datetime | None = None
    error: AwsError | None = None
    delay: float = 0.0
    lost: bool = False
    stale: timedelta = timedelta(0)
    spoilt: str = ""

    def strikes(self, service: str, operation: str, now: datetime) -> bool:
        """It concerns this call, and is not used up."""
        return (
            self.service in {service, ANY}
            and self.operation in {operation, ANY}
            and (self.times is None or self.times > 0)
            and (self.until is None or now < self.until)
        )


@dataclass
class Faults:
    """All faults that are to come. Each method adds one, and gives it back: `lift` ends it."""

    pending: list[Fault] = field(default_factory=list)

    def throttle(
        self, service: str, operation: str = ANY, *, times: int | None = None, until: datetime | None = None
    ) -> Fault:
        """``ThrottlingException``, in the words of *service*."""
        words = AwsError(in_its_words(service, "ThrottlingException"), "Rate exceeded")
        return self._add(Fault(service, operation, times, until, words))

    def fail(
        self,
        service: str,
        operation: str = ANY,
        *,
        error: AwsError | None = None,
        times: int | None = 1,
        until: datetime | None = None,
    ) -> Fault:
        """*error*, before anything is done; if none is given, a plain 500."""
        error = error or AwsError("InternalFailure", "The request processing has failed", 500)
        return self._add(Fault(service, operation, times, until, error))

    def slow(self, service: str, operation: str = ANY, *, seconds: float, times: int | None = 1) -> Fault:
        """It is done at once, and the answer comes *seconds* later."""
        return self._add(Fault(service, operation, times, delay=seconds))

    def lose_answer(self, service: str, operation: str = ANY, *, times: int | None = 1) -> Fault:
        """It is done, and nobody hears so."""
        return self._add(Fault(service, operation, times, lost=True))

    def stale(
        self,
        service: str,
        operation: str = ANY,
        *,
        by: timedelta,
        times: int | None = None,
        until: datetime | None = None,
    ) -> Fault:
        """Reads answer with what was true *by* ago: eventual consistency."""
        return self._add(Fault(service, operation, times, until, stale=by))

    def spoil(self, service: str, operation: str = ANY, *, how: str, times: int | None = None) -> Fault:
        """It is done, and the answer comes as *how* says; only over sockets."""
        return self._add(Fault(service, operation, times, spoilt=how))

    def lift(self, fault: Fault) -> None:
        """*fault* is over."""
        self.pending.remove(fault)

    def striking(self, service: str, operation: str, now: datetime) -> Iterator[Fault]:
        """The faults of this call, each used once by it."""
        for fault in [each for each in self.pending if each.strikes(service, operation, now)]:
            if fault.times is not None:
                fault.times -= 1
            yield fault

    def _add(self, fault: Fault) -> Fault:
        self.pending.append(fault)
        return fault
