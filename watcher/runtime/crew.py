"""All loops of one process, and what they are made of. The app and the tests in virtual time make them here, alike."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypedDict

import structlog

from deploy.source import Barrier, Feed, Source
from watcher.errors import StoreUnavailable
from watcher.notify.notifier import Notifier
from watcher.runtime.answers import Answers
from watcher.runtime.bells import Bells
from watcher.runtime.courier import Courier
from watcher.runtime.doorkeeper import Doorkeeper
from watcher.runtime.feeder import Asides, Feeder, unwanted
from watcher.runtime.fleet import Current
from watcher.runtime.gatekeeper import Gatekeeper
from watcher.runtime.inquiry import Inquiry
from watcher.runtime.janitor import Janitor
from watcher.runtime.keeper import Keeper
from watcher.runtime.listener import Listener
from watcher.runtime.lookout import Lookout
from watcher.runtime.mirrors import Mirrors
from watcher.runtime.onlooker import Onlooker
from watcher.runtime.patrol import Patrol
from watcher.runtime.performer import Performer
from watcher.runtime.recollection import Recollection
from watcher.runtime.rounds import Boundary, Failed, Loop, Runs
from watcher.runtime.timing import TERMS, Terms
from watcher.store.facts import Lookup
from watcher.store.store import Store
from watcher.telemetry.metrics import Metrics

log = structlog.stdlib.get_logger("rollbackd.crew")


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
    keeper: float = 5.0
    feeder: float = 5.0
    mirrors: float = 60.0
    gatekeeper: float = 5.0
    doorkeeper: float = 20.0


@dataclass(frozen=True, slots=True)
class Leaving:
    """The loop of the patrol, which at its end leaves its watches to other replicas, at once."""

    loop: Loop
    store: Store
    owner: str

    @property
    def name(self) -> str:
        """For the log."""
        return self.loop.name

    async def run(self, stop: asyncio.Event) -> None:
        """See `Runs`. Where the store does not answer then, what is held runs out."""
        await self.loop.run(stop)
        try:
            await self.store.leave(self.owner)
        except StoreUnavailable as error:
            log.warning("watches.unleft", words=str(error))


class _UnderLeases(TypedDict):
    """What the loops work with that claim what they do."""

    store: Store
    lookup: Lookup
    bells: Bells
    metrics: Metrics
    boundary: Boundary
    owner: str
    now: Callable[[], datetime]
    timing: Terms


@dataclass(frozen=True, slots=True)
class Crew:
    """What the loops are made of.

    Attributes:
        owner: Who holds leases: another name for each process.
        failed: Hears of each bug: in which loop, and which.
        feeds: The sources that are asked in a loop, by name; a reload may swap them.
        asides: Who may want what they tell that is no deployment.
        barriers: Platforms that hold deployments until they are answered, by their source's name; a reload may swap them.
        answers: Told which of them answer.
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
    feeds: Callable[[], Mapping[str, tuple[Source, Feed]]] = dict
    asides: Asides = unwanted
    barriers: Callable[[], Mapping[str, Barrier]] = dict
    answers: Answers = field(default_factory=Answers)
    pace: Pace = Pace()
    timing: Terms = TERMS

    def loops(self, janitor: Janitor) -> tuple[Runs, ...]:
        """All loops. The janitor is asked by others too how the store is, so it is given."""
        pace, bells = self.pace, self.bells
        recollection = Recollection(bells.marks)
        return (
            Loop("listener", self._listener(recollection).go_round, pace.listener, bells.inbox, self.failed),
            Loop("lookout", self._lookout(recollection).go_round, pace.lookout, None, self.failed),
            Leaving(
                Loop("patrol", self._patrol().go_round, pace.patrol, bells.watches, self.failed),
                self.store,
                self.owner,
            ),
            Loop("performer", self._performer().go_round, pace.performer, bells.actions, self.failed),
            Loop("courier", self._courier().go_round, pace.courier, bells.messages, self.failed),
            Loop("janitor", janitor.go_round, pace.janitor, None, self.failed),
            Loop("onlooker", self._onlooker().go_round, pace.onlooker, None, self.failed),
            Loop("keeper", self._keeper(recollection).go_round, pace.keeper, bells.marks, self.failed),
            Loop("gatekeeper", self._gatekeeper().go_round, pace.gatekeeper, None, self.failed),
            Loop("doorkeeper", self._doorkeeper().go_round, pace.doorkeeper, bells.barriers, self.failed),
            self._feeder(),
            Loop("mirrors", self._mirrors().go_round, pace.mirrors, None, self.failed),
        )

    def _listener(self, recollection: Recollection) -> Listener:
        boundary = Boundary("listener", self.failed)
        return Listener(
            self.store, self.lookup, self.current, self.bells, boundary, self.now, self.new_id, recollection
        )

    def _lookout(self, recollection: Recollection) -> Lookout:
        boundary = Boundary("lookout", self.failed)
        return Lookout(
            self.store,
            self.lookup,
            self.current,
            self.bells,
            self.metrics,
            boundary,
            self.now,
            self.new_id,
            recollection,
        )

    def _keeper(self, recollection: Recollection) -> Keeper:
        boundary = Boundary("keeper", self.failed)
        return Keeper(self.store, self.current, recollection, self.bells, boundary, self.now)

    def _gatekeeper(self) -> Gatekeeper:
        boundary = Boundary("gatekeeper", self.failed)
        return Gatekeeper(self.store, self.current, self.bells, boundary, self.now, self.new_id)

    def _doorkeeper(self) -> Doorkeeper:
        boundary = Boundary("doorkeeper", self.failed)
        return Doorkeeper(
            self.store, self.current, self.barriers, self.bells, boundary, self.now, self.new_id
        )

    def _mirrors(self) -> Mirrors:
        boundary = Boundary("mirrors", self.failed)
        return Mirrors(self.store, self.current, self.bells, boundary, self.now, self.new_id)

    def _patrol(self) -> Patrol:
        return Patrol(inquiry=self.inquiry, **self._under_leases("patrol"))

    def _performer(self) -> Performer:
        return Performer(current=self.current, **self._under_leases("performer"))

    def _under_leases(self, loop: str) -> _UnderLeases:
        return {
            "store": self.store,
            "lookup": self.lookup,
            "bells": self.bells,
            "metrics": self.metrics,
            "boundary": Boundary(loop, self.failed),
            "owner": self.owner,
            "now": self.now,
            "timing": self.timing,
        }

    def _courier(self) -> Courier:
        boundary = Boundary("courier", self.failed)
        return Courier(self.store, self.notifiers, self.metrics, boundary, self.owner, self.now)

    def _feeder(self) -> Feeder:
        boundary = Boundary("feeder", self.failed)
        return Feeder(
            self.store,
            self.feeds,
            self.bells,
            self.metrics,
            boundary,
            self.now,
            self.new_id,
            self.pace.feeder,
            asides=self.asides,
            answers=self.answers,
        )

    def _onlooker(self) -> Onlooker:
        return Onlooker(self.store, self.current, self.inquiry, Boundary("onlooker", self.failed), self.now)
