"""The feeder: asks the feeds (queues) of the configuration for news, each in a loop of its own.

What comes is written into the inbox, and only then is the queue told that it may forget it. So whatever is killed in
between, the message comes again, and is known by its key. What cannot be read is written down as rejected, with the
reason, and is taken out of the queue too: nothing goes round for ever.

An event that is no deployment is offered to those who may want it (`Asides`) before it is forgotten, so that an alarm or a
change elsewhere is not lost either. They hear it as often as it comes, and know it again by the id of the event.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import structlog

from deploy.errors import DeployError
from deploy.model import Announcement
from deploy.source import Aside, Feed, Ignored, Parcel, Received, Rejected, Source
from watcher.runtime.answers import Answers
from watcher.runtime.bells import Bells
from watcher.runtime.rounds import Boundary, Bug, Loop, pause
from watcher.store.accepting import Arrival, Turned, accept, result_of
from watcher.store.store import Store
from watcher.telemetry.metrics import Metrics

Feeds = Callable[[], Mapping[str, tuple[Source, Feed]]]
# Makes of an event what it can, by the time that is given, and keeps it before it returns; what was made of it, in words that are
# the same for all events of one kind, or None: nobody wanted it. Raises StoreUnavailable, and the event comes again.
Asides = Callable[[Aside, datetime], Awaitable[str | None]]
PATIENCE = 15.0  # seconds for an answer; a feed keeps its own time, and says more than we could
IDLE = 0.5  # seconds after an answer without news: it has waited for some itself
LONGEST_BACK_OFF = 60.0  # seconds; the first is 1, and each is twice the one before
NAME = "feeder"
_OURS = Turned("rejected", "a bug of rollbackd: its log says which")
log = structlog.stdlib.get_logger("rollbackd.feeder")


async def unwanted(_aside: Aside, _now: datetime) -> str | None:
    """Nobody wants it."""
    return None


def first_of(*asides: Asides) -> Asides:
    """Offers an event to one after the other, until one makes something of it."""

    async def offered(aside: Aside, now: datetime) -> str | None:
        for each in asides:
            if word := await each(aside, now):
                return word
        return None

    return offered


@dataclass
class Feeder:
    """All loops that ask: one for each feed that the configuration in force names.

    Attributes:
        feeds: With the parser of what comes, by the name of the source. A reload may swap them.
        look: How often it is looked whether the configuration names others, in seconds.
        asides: Who may want what is no deployment.
        answers: Told which feeds answer.
    """

    store: Store
    feeds: Feeds
    bells: Bells
    metrics: Metrics
    boundary: Boundary
    now: Callable[[], datetime]
    new_id: Callable[[str, datetime], str]
    look: float = 5.0
    name: str = NAME
    asides: Asides = unwanted
    answers: Answers = field(default_factory=Answers)
    _asked: dict[str, "Asking"] = field(default_factory=dict)

    async def run(self, stop: asyncio.Event) -> None:
        """Ask until *stop*. A poll that is under way then is not waited for: what it brings comes again to whoever asks next."""
        async with asyncio.TaskGroup() as tasks:
            while not stop.is_set():
                for name in self.feeds().keys() - self._asked.keys():
                    self._asked[name] = asking = Asking(self, name)
                    tasks.create_task(self._ask(asking), name=f"{NAME}-{name}")
                await pause(stop, self.look)
            for asking in self._asked.values():
                asking.stop()

    async def _ask(self, asking: "Asking") -> None:
        loop = Loop(NAME, asking.go_round, IDLE, asking.ended, self.boundary.failed)
        self.answers.begins(asking.name, self.now())
        try:
            await loop.run(asking.ended)
        finally:
            self.answers.ends(asking.name)
            del self._asked[asking.name]


@dataclass
class Asking:
    """One feed, by its name: asked as the configuration in force says, until it says nothing of it any more."""

    feeder: Feeder
    name: str
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    _failures: int = 0
    _waiting: asyncio.Timeout | None = None

    def stop(self) -> None:
        """End after the round that is under way, and wait no longer for what may come."""
        self.ended.set()
        if self._waiting is not None and not self._waiting.expired():
            self._waiting.reschedule(asyncio.get_running_loop().time())

    async def go_round(self) -> bool:
        """Ask once, and write down what came; whether something did."""
        pair = self.feeder.feeds().get(self.name)
        if pair is None:
            self.ended.set()
            return False
        source, feed = pair
        try:
            parcels = await self._receive(feed)
            written = [parcel.receipt for parcel in parcels if await self._written(source, parcel.received)]
            if written:
                await feed.acknowledge(written)
        except (DeployError, TimeoutError) as error:
            await self._backed_off(error)
            return True
        self._say_that_it_answers()
        return bool(parcels)

    async def _receive(self, feed: Feed) -> Sequence[Parcel]:
        try:
            async with asyncio.timeout(PATIENCE) as self._waiting:
                return await feed.receive()
        except TimeoutError:
            if self.ended.is_set():
                return ()
            raise
        finally:
            self._waiting = None

    # ----------------------------------------------------------------------------------------------------- writing down

    async def _written(self, source: Source, received: Received) -> bool:
        """``False``: it could not be, for a bug of ours; it comes again."""
        outcome = await self.feeder.boundary.around(self._write(source, received), source=self.name)
        return not isinstance(outcome, Bug)

    async def _write(self, source: Source, received: Received) -> None:
        feeder, loop = self.feeder, asyncio.get_running_loop()
        now, began = feeder.now(), loop.time()
        arrival = await self._read(source, received, now)
        accepted = await accept(feeder.store, feeder.new_id("a", now), arrival, now)
        feeder.metrics.events.labels(self.name, result_of(arrival, accepted)).inc()
        feeder.metrics.event_seconds.observe(loop.time() - began)
        feeder.metrics.source_last_event.labels(self.name).set(now.timestamp())
        if accepted.duplicate:
            return
        if arrival.turned is None:
            feeder.bells.inbox.set()
        elif arrival.turned.state == "rejected":
            log.warning(
                "announcement.rejected", announcement=accepted.id, source=self.name, why=arrival.turned.why
            )

    async def _read(self, source: Source, received: Received, now: datetime) -> Arrival:
        """What it means. A message at which the parser breaks is turned away, or it would come again for ever."""
        body, principal = received.body, received.principal
        meaning = await self.feeder.boundary.around(_read(source, received), source=self.name)
        match meaning:
            case Announcement():
                return Arrival(self.name, body, principal, meaning)
            case Aside() as aside:
                return await self._offered(aside, received, now)
            case Ignored(why):
                return self._recorded(why, received, now)
            case Rejected(why, remedy):
                return Arrival(self.name, body, principal, None, Turned("rejected", f"{why}; {remedy}"))
            case Bug():
                return Arrival(self.name, body, principal, None, _OURS)

    async def _offered(self, aside: Aside, received: Received, now: datetime) -> Arrival:
        """What somebody made of *aside*. An event at which they break is turned away, as one at which the parser does."""
        known = replace(aside, via=self.name)
        word = await self.feeder.boundary.around(self.feeder.asides(known, now), source=self.name)
        if isinstance(word, Bug):
            return Arrival(self.name, received.body, received.principal, None, _OURS)
        return self._recorded(word or aside.why, received, now)

    def _recorded(self, why: str, received: Received, now: datetime) -> Arrival:
        """Once a day for all of one name: tasks alone may tell of themselves a thousand times an hour."""
        once = f"{why} {now:%Y-%m-%d}"
        return Arrival(self.name, received.body, received.principal, None, Turned("recorded", why), once)

    # -------------------------------------------------------------------------------------------------------- no answer

    async def _backed_off(self, error: DeployError | TimeoutError) -> None:
        """Wait before it is asked again. That it cannot be is said once, and then that it can."""
        self.feeder.metrics.feed_failures.labels(self.name).inc()
        if self._failures == 0:
            words, remedy = _told(error)
            log.warning("feed.unreadable", source=self.name, words=words, remedy=remedy)
        self._failures += 1
        await pause(self.ended, min(2.0 ** min(self._failures - 1, 10), LONGEST_BACK_OFF))

    def _say_that_it_answers(self) -> None:
        self.feeder.answers.answered(self.name, self.feeder.now())
        if self._failures:
            log.info("feed.recovered", source=self.name, failures=self._failures)
            self._failures = 0


async def _read(source: Source, received: Received) -> Announcement | Aside | Ignored | Rejected:
    return source.read(received)


def _told(error: DeployError | TimeoutError) -> tuple[str, str]:
    if isinstance(error, DeployError):
        return str(error), error.remedy
    return f"no answer within {PATIENCE:.0f} s", "look whether its address can be reached"
