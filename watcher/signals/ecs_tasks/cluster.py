"""What is remembered of a cluster: it saves calls and nothing else. Pure.

A task that has stopped never changes again, and one that runs is in the other list as soon as that changes: so what is known
need not be described again, and a service at rest costs its lists alone.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from rules.sample import Unavailable, Who
from watcher.signals.ecs_tasks.plan import KNOWN_FOR, Lengths, Size
from watcher.signals.ecs_tasks.services import Tasks, Told, Trouble
from watcher.signals.ecs_tasks.task import Task

FORGOTTEN = timedelta(minutes=75)  # after its end nobody asks for a task
WANTED = timedelta(
    seconds=30
)  # two rounds: who asked so lately will ask again, and the whole cluster's lists are for all
DENIED_FOR = timedelta(hours=1)  # then it is tried again: a role may have been given more
IN_VAIN = 2  # times that the whole cluster's lists did not come through, one after the other
LATE_FOR = timedelta(seconds=30)  # then they are tried again; after each further time in vain twice as long
NEVER = datetime.min.replace(tzinfo=UTC)
UNREAD = Unavailable(Who.PROVIDER, "ECS has not been read yet")


@dataclass(frozen=True, slots=True)
class Found:
    """The tasks of one service that are in the lists."""

    running: Sequence[str] = ()
    stopped: Sequence[str] = ()
    is_whole: bool = True


@dataclass
class Book:
    """What is known of the tasks of one service; what was told of them last, and by a reading that began when.

    Attributes:
        read: When one began that was answered.
        wanted: When somebody asked for it.
        lengths: Of its lists, when they were read last.
    """

    tasks: dict[str, Task] = field(default_factory=dict)
    told: Told = UNREAD
    taken: datetime | None = None
    read: datetime = NEVER
    wanted: datetime = NEVER
    lengths: Lengths | None = None

    def is_due(self, not_before: datetime) -> bool:
        """No reading began at *not_before* or later."""
        return self.taken is None or self.taken < not_before

    def changed(self, found: Found) -> Iterator[str]:
        """What has to be described: what is new, what has not started yet, what stops, and what is in no list any more."""
        known = self.tasks
        for arn in found.running:
            if arn not in known or known[arn].started is None:
                yield arn
        for arn in found.stopped:
            if arn not in known or not known[arn].is_over:
                yield arn
        if found.is_whole:
            gone = known.keys() - set(found.running) - set(found.stopped)
            yield from (arn for arn in gone if not known[arn].is_over)

    def close(self, taken: datetime, found: Found | Trouble, trouble: Trouble | None) -> None:
        """The reading that began at *taken* is over. A trouble is remembered too: it is not asked again at once."""
        self.taken = taken
        if not isinstance(found, Found):
            self.told = found
            return
        if trouble is not None:
            self.told = trouble
            return
        self.lengths = Lengths(len(found.running), len(found.stopped))
        self.read = taken
        self.tasks = {arn: task for arn, task in self.tasks.items() if not _is_past(task, taken)}
        self.told = Tasks(taken, tuple(self.tasks.values()), found.is_whole)


@dataclass
class Cluster:
    """What is known of one cluster.

    Attributes:
        turn: Held by whoever reads: who comes meanwhile finds that reading.
        books: By the names of services.
        owners: The services of the tasks that were in the whole cluster's lists, by ARN; empty: no service's.
        size: Of those lists.
        in_vain: How often these were begun in a row and not told, or not in time.
        late: How often in a row not in time, whatever was told meanwhile of its services one by one.
        late_until: Until when they are not asked for, since they are too long for a round.
        denied_until: Until when they are not asked for, since they are refused.
        asked: When somebody asked for one of its services.
    """

    account: str
    name: str
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    books: dict[str, Book] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    size: Size | None = None
    in_vain: int = 0
    late: int = 0
    late_until: datetime = NEVER
    denied_until: datetime = NEVER
    asked: datetime = NEVER

    def is_forgotten(self, now: datetime) -> bool:
        """Nobody asks for any of its services any more."""
        return self.asked < now - FORGOTTEN and not self.turn.locked()

    def wanted(self, services: Iterable[str], now: datetime) -> Mapping[str, Book]:
        """The books of *services*, for which somebody asks now."""
        self.asked = now
        mine = {name: self.books.setdefault(name, Book()) for name in services}
        for book in mine.values():
            book.wanted = now
        return mine

    def forget(self, now: datetime) -> None:
        """Drop the books for which nobody asks any more."""
        self.books = {name: book for name, book in self.books.items() if book.wanted >= now - FORGOTTEN}

    def is_late(self, now: datetime) -> None:
        """The whole cluster's lists, begun at *now*, did not come in time: what is too long for a round is tried ever more seldom."""
        self.late += 1
        if self.late >= IN_VAIN:
            self.late_until = now + min(LATE_FOR * 2 ** min(self.late - IN_VAIN, 16), KNOWN_FOR)

    def due_with(self, asked: Iterable[str], not_before: datetime, now: datetime) -> list[str]:
        """*asked*, and who will ask for the same moment: those that lately did, and have no reading of it."""
        others = (
            name
            for name, book in self.books.items()
            if book.wanted >= now - WANTED and book.is_due(not_before)
        )
        return list(dict.fromkeys((*asked, *others)))

    def know_owners(self) -> None:
        """Of the tasks that were listed by service nobody has to ask whose they are."""
        for name, book in self.books.items():
            self.owners |= dict.fromkeys(book.tasks, name)

    def shared_out(
        self, running: Sequence[str], stopped: Sequence[str], names: Iterable[str]
    ) -> dict[str, Found]:
        """The lists of the whole cluster as those of its services *names*, as far as it is known whose the tasks are."""
        runs: dict[str, list[str]] = {name: [] for name in names}
        ends: dict[str, list[str]] = {name: [] for name in runs}
        for arns, of in ((running, runs), (stopped, ends)):
            for arn in arns:
                mine = of.get(self.owners.get(arn, ""))
                if mine is not None:
                    mine.append(arn)
        return {name: Found(tuple(runs[name]), tuple(ends[name])) for name in runs}


def _is_past(task: Task, now: datetime) -> bool:
    """It ended so long ago that nobody asks for it."""
    return task.is_over and task.ended is not None and task.ended < now - FORGOTTEN
