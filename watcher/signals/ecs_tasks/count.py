"""From tasks to the buckets of one question. Pure: everything comes from the tasks' own times.

A task that lives in a bucket, if only for a part of it, is one trial of that bucket; it is bad if its end began in that
bucket, in one of the manners that the query calls bad. So bad is never more than total, a task that dies again and again
is bad again and again, and one rare death of one task is one in hundreds.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate

from rules.sample import Bucket, Counts, NoData, Reading, Series
from watcher.signals.ecs_tasks.query import Query
from watcher.signals.ecs_tasks.reader import KEPT
from watcher.signals.ecs_tasks.services import Tasks
from watcher.signals.ecs_tasks.task import Task

BUCKET = timedelta(seconds=15)
SETTLE = timedelta(
    seconds=15
)  # the control plane is eventually consistent; seconds, says everybody, and nobody says how many
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Grid:
    """*many* buckets from *start* on."""

    start: datetime
    many: int

    def place(self, moment: datetime) -> int:
        """Which bucket *moment* lies in; below 0 before the first."""
        return (moment - self.start) // BUCKET


def read(
    indicator: str,
    query: Query,
    told: Tasks,
    arms: tuple[str | None, str | None],
    span: tuple[datetime, datetime],
) -> Reading:
    """The buckets of *indicator*; or why there are none.

    Args:
        indicator: Its id.
        query: Whose tasks are counted, and what is bad.
        told: What ECS told. Nothing is said of what it may have forgotten, or does not know yet.
        arms: The task definitions of the release under watch and of the one beside it. ``None`` in the first place: all
            tasks; in the second: nothing is compared.
        span: Buckets that start at the first moment or later, and end at the second or before.
    """
    after, until = span
    kept = _ceil(told.taken - KEPT)
    start, end = max(_ceil(after), kept), _floor(min(until, told.taken - SETTLE))
    if end <= start:
        return NoData(_why(until, kept))
    grid, canary, beside = Grid(start, (end - start) // BUCKET), arms[0], arms[1]
    mine = _counts(query, told.tasks, canary, grid)
    others = _counts(query, told.tasks, beside, grid) if beside is not None else [None] * grid.many
    buckets = (
        Bucket(
            start + number * BUCKET, start + (number + 1) * BUCKET, own, other, approximate=not told.is_whole
        )
        for number, (own, other) in enumerate(zip(mine, others, strict=True))
    )
    return (Series(indicator, tuple(buckets)),)


def _why(until: datetime, kept: datetime) -> str:
    if until <= kept:
        return "ECS keeps a task for an hour after it stopped: what was before, nobody can tell any more"
    return "nothing is final yet"


def _counts(query: Query, tasks: Iterable[Task], definition: str | None, grid: Grid) -> list[Counts]:
    """Bad and total of each bucket of *grid*."""
    change, bad = [0] * (grid.many + 1), [0] * grid.many
    for task in tasks:
        if not _is_counted(query, task, definition):
            continue
        first = max(grid.place(task.created), 0)
        last = grid.many - 1 if task.ended is None else grid.place(task.ended)
        if last < first or first >= grid.many:
            continue
        change[first] += 1
        change[min(last + 1, grid.many)] -= 1
        if task.failure in query.bad and last < grid.many:
            bad[last] += 1
    alive: Sequence[int] = list(accumulate(change))[: grid.many]
    return [Counts(float(failed), float(lived)) for failed, lived in zip(bad, alive, strict=True)]


def _is_counted(query: Query, task: Task, definition: str | None) -> bool:
    if query.zone is not None and task.zone not in query.zone:
        return False
    return definition is None or task.task_definition == definition


def _floor(moment: datetime) -> datetime:
    return _EPOCH + (moment - _EPOCH) // BUCKET * BUCKET


def _ceil(moment: datetime) -> datetime:
    return -(-(moment - _EPOCH) // BUCKET) * BUCKET + _EPOCH
