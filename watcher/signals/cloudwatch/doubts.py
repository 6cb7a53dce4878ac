"""What was silent for long, looked up beside the reading: at most once an hour each, one after the other."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

import structlog

from deploy.errors import AwsRefused

PATIENCE = timedelta(minutes=15)  # so long it may take until a new metric is listed
AGAIN = timedelta(hours=1)
MOST = 1000  # that are remembered; the longest known are forgotten
log = structlog.stdlib.get_logger("rollbackd.signals")
What = TypeVar("What", bound=Hashable)


@dataclass(slots=True)
class _Doubt:
    """Something that may not exist.

    Attributes:
        words: What is wrong with it, once that is known.
    """

    since: datetime
    asked_at: datetime | None = None
    words: str | None = None


class Doubts(Generic[What]):
    """Names that may be wrong.

    Args:
        look: Says what is wrong with a name; ``None``: nothing. May raise `AwsRefused`: then nobody knows.
        patience: How long a name may be silent before it is looked up.
    """

    def __init__(
        self, look: Callable[[What], Awaitable[str | None]], now: Callable[[], datetime], patience: timedelta
    ) -> None:
        self._look = look
        self._now = now
        self._patience = patience
        self._doubts: dict[What, _Doubt] = {}
        self._waiting: asyncio.Queue[What] = asyncio.Queue()

    @property
    def are_any(self) -> bool:
        """Something is silent."""
        return bool(self._doubts)

    def of(self, what: What) -> str | None:
        """It is silent: what is known to be wrong with it. If it has been so for long, it will be looked up."""
        now = self._now()
        while what not in self._doubts and len(self._doubts) >= MOST:
            del self._doubts[next(iter(self._doubts))]
        doubt = self._doubts.setdefault(what, _Doubt(now))
        is_due = doubt.asked_at is None or now - doubt.asked_at >= AGAIN
        if is_due and now - doubt.since >= self._patience:
            doubt.asked_at = now
            self._waiting.put_nowait(what)
        return doubt.words

    def none_of(self, what: What) -> None:
        """It is there."""
        self._doubts.pop(what, None)

    async def looked_up(self) -> None:
        """Until all is looked up that was to be."""
        await self._waiting.join()

    async def look_up(self) -> None:
        """Look up, one after the other, until cancelled."""
        while True:
            what = await self._waiting.get()
            try:
                words = await self._look(what)
                if what in self._doubts:
                    self._doubts[what].words = words
            except AwsRefused as refused:
                log.warning("name.unchecked", words=str(refused), remedy=refused.remedy)
            finally:
                self._waiting.task_done()


@contextlib.asynccontextmanager
async def looking_up(*doubts: Doubts[What]) -> AsyncIterator[None]:
    """Looks up while the context lasts; no task is left at the end."""
    failure: Exception | None = None
    async with asyncio.TaskGroup() as tasks:
        looking = [tasks.create_task(each.look_up()) for each in doubts]
        try:
            yield
        except Exception as error:  # noqa: BLE001 - raised again below: the group would wrap it, and its name would be lost
            failure = error
        finally:
            for task in looking:
                task.cancel()
    if failure is not None:
        raise failure
