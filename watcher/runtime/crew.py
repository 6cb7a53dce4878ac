"""All loops of one process, and what they are made of. The app and the tests in virtual time make them here, alike."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from watcher.notify.notifier import Notifier
from watcher.runtime.bells import Bells
from watcher.runtime.courier import Courier
from watcher.runtime.fleet import Current
from watcher.runtime.inquiry import Inquiry
from watcher.runtime.janitor import Janitor
from watcher.runtime.listener import Listener
from watcher.runtime.lookout import Lookout
from watcher.runtime.onlooker import Onlooker
from watcher.runtime.patrol import Patrol
from watcher.runtime.performer import Performer
from watcher.runtime.rounds import Boundary, Failed, Loop
from watcher.store.facts import Lookup
from watcher.store.store import Store
from watcher.telemetry.metrics import Metrics


@dataclass(frozen=True, slots=True)
class Pace:
    """How long each loop pauses where it finds nothing to do and no bell rings, in seconds: how late it may be."""

    listener: float = 1.0
    lookout: float = 1.0
    patrol: float = 0.25
    performer: float = 0.5
    courier: float = 1.0
    janitor: float = 5.0
    onlooker: float = 60.0


@dataclass(frozen=True, slots=True)
class Crew:
    """What the loops are made of.

    Attributes:
        owner: Who holds leases: another name for each process.
        failed: Hears of each bug: in which loop, and which.
    """

    store: Store
    lookup: Lookup
    current: Current
    inquiry: Inquiry
    notifiers: Callable[[], Mapping[str, Notifier]]
    bells: Bells
    metrics: Metrics
    owner: str
    now: Callable[[], datetime]
    new_id: Callable[[str, datetime], str]
    failed: Failed
    pace: Pace = Pace()

    def loops(self, janitor: Janitor) -> tuple[Loop, ...]:
        """All loops. The janitor is asked by others too how the store is, so it is given."""
        pace, bells = self.pace, self.bells
        return (
            Loop("listener", self._listener().go_round, pace.listener, bells.inbox, self.failed),
            Loop("lookout", self._lookout().go_round, pace.lookout, None, self.failed),
            Loop("patrol", self._patrol().go_round, pace.patrol, bells.watches, self.failed),
            Loop("performer", self._performer().go_round, pace.performer, bells.actions, self.failed),
            Loop("courier", self._courier().go_round, pace.courier, bells.messages, self.failed),
            Loop("janitor", janitor.go_round, pace.janitor, None, self.failed),
            Loop("onlooker", self._onlooker().go_round, pace.onlooker, None, self.failed),
        )

    def _listener(self) -> Listener:
        boundary = Boundary("listener", self.failed)
        return Listener(self.store, self.lookup, self.current, self.bells, boundary, self.now, self.new_id)

    def _lookout(self) -> Lookout:
        boundary = Boundary("lookout", self.failed)
        return Lookout(self.store, self.lookup, self.current, self.bells, boundary, self.now, self.new_id)

    def _patrol(self) -> Patrol:
        boundary = Boundary("patrol", self.failed)
        return Patrol(
            self.store, self.lookup, self.inquiry, self.bells, self.metrics, boundary, self.owner, self.now
        )

    def _performer(self) -> Performer:
        boundary = Boundary("performer", self.failed)
        return Performer(
            self.store, self.lookup, self.current, self.bells, self.metrics, boundary, self.owner, self.now
        )

    def _courier(self) -> Courier:
        boundary = Boundary("courier", self.failed)
        return Courier(self.store, self.notifiers, self.metrics, boundary, self.owner, self.now)

    def _onlooker(self) -> Onlooker:
        return Onlooker(self.store, self.current, self.inquiry, Boundary("onlooker", self.failed), self.now)
