"""How long leases last, and what has to fit into them: one place, checked when the daemon starts (operations.md, 2.7).

A replica believes in a lease for less long than the store does: from *before* the request left, by its own monotonic clock,
less a margin. So whoever cannot reach the store stops by itself before anybody else begins.
"""

from dataclasses import dataclass
from datetime import timedelta

from watcher.errors import WatcherError


class ImpossibleTiming(WatcherError):
    """The times of this build contradict each other, so that two replicas might act at once."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a replica keeps to.

    Attributes:
        lease: How long a watch or an action is another replica's, without a sign of it.
        renew: How often that sign is given, while a round lasts, or the parts of an action are read.
        margin: By how much earlier its owner stops to believe in a lease.
        store: What one operation of the store may take.
        call: What one call that changes the world may take (``deploy.target``).
        watchdog: An event loop that hangs for longer ends the process.
        drain, stop: What loops have to end after SIGTERM; when the process ends whatever hangs.
        grace: How long a due watch is left to the replica that judged it last, though it holds no lease between two rounds.
    """

    lease: timedelta = timedelta(seconds=14)
    renew: timedelta = timedelta(seconds=3)
    margin: timedelta = timedelta(seconds=3)
    store: timedelta = timedelta(seconds=4)
    call: timedelta = timedelta(seconds=7)
    watchdog: timedelta = timedelta(seconds=11)
    drain: timedelta = timedelta(seconds=8)
    stop: timedelta = timedelta(seconds=9.5)
    grace: timedelta = timedelta(seconds=5)

    def check(self) -> None:
        """Raises ImpossibleTiming where something does not fit, and says what."""
        sides = (
            ("renew + 2 × store + margin", self.renew + 2 * self.store + self.margin, "lease", self.lease),
            ("call", self.call, "lease - margin - renew", self.lease - self.margin - self.renew),
            ("watchdog", self.watchdog, "lease - margin", self.lease - self.margin),
            ("drain", self.drain, "stop", self.stop),
            ("grace", self.grace, "lease", self.lease),
        )
        for what, least, name, most in sides:
            if least > most:
                raise ImpossibleTiming(
                    f"{what} = {least.total_seconds():g} s is more than {name} = {most.total_seconds():g} s",
                    remedy="give the lease more time, or the other less: see docs/replicas.md",
                )

    def valid_until(self, sent: float, lease: timedelta) -> float:
        """Until when, by the monotonic clock, its owner may believe in a lease that it asked for at *sent*."""
        return sent + (lease - self.margin).total_seconds()


TERMS = Terms()
