"""Names that two environments swap, by somebody's call.

[C] The words of the events are those that `eb swap` prints. [U] Whether both are Updating meanwhile, and whether that they were
swapped changes their DateUpdated; what is written here can be told to be otherwise.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from tests.fakes.aws.beanstalk.state import Environment


@dataclass
class Swaps:
    """What is under way.

    Attributes:
        takes: From the call until the names lead elsewhere.
        stamps: It is a change of the environments, by their DateUpdated.
        told_after: How long after that its event is to be read.
    """

    takes: timedelta = timedelta(seconds=2)
    stamps: bool = True
    told_after: timedelta = timedelta(0)
    under_way: list[tuple[datetime, Environment, Environment]] = field(default_factory=list)

    def begin(self, source: Environment, destination: Environment, at: datetime) -> None:
        """The call is taken."""
        for each in (source, destination):
            each.happens(at, "INFO", "swapEnvironmentCNAMEs is starting.")
        if not self.takes:
            self._end(source, destination, at)
            return
        for each in (source, destination):
            each.put(replace(each.states.latest, status="Updating"), at)
        self.under_way.append((at + self.takes, source, destination))

    def goes_on(self, to: datetime) -> None:
        """What was to end until *to*."""
        for at, source, destination in self._ended(to):
            self._end(source, destination, at)

    def _ended(self, to: datetime) -> Iterator[tuple[datetime, Environment, Environment]]:
        while self.under_way and self.under_way[0][0] <= to:
            yield self.under_way.pop(0)

    def _end(self, source: Environment, destination: Environment, at: datetime) -> None:
        names = destination.states.latest.cname, source.states.latest.cname
        words = f"Completed swapping CNAMEs for environments '{source.name}' and '{destination.name}'."
        for each, cname in zip((source, destination), names, strict=True):
            state = each.states.latest
            updated = at if self.stamps else state.updated
            each.put(replace(state, status="Ready", cname=cname, updated=updated), at)
            each.happens(at, "INFO", words, readable=at + self.told_after)
