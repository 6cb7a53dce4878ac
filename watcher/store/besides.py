"""What else moved beside a service, looked up in one place: for the facts of a step, for whoever looks at a watch, for controls."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from watcher.core.alerts import Fires
from watcher.core.change import HOUR, Beside, concerning
from watcher.core.service import Service
from watcher.core.watch import Watch
from watcher.store.sql.changes import MOST
from watcher.store.store import Store

AskFires = Callable[[Watch, datetime], Awaitable[tuple[Fires, ...]]]  # what fires that rules of a watch mean
Deaf = Callable[[str, datetime], bool]  # a source, by its name, did not answer lately, as of then

MATTERS = 2 * HOUR  # before a breach: the hour before it began, which is some time before it is known


async def nothing_fires(_watch: Watch, _now: datetime) -> tuple[Fires, ...]:
    """Nobody tells of alerts."""
    return ()


def never_deaf(_source: str, _at: datetime) -> bool:
    """Every source answers."""
    return False


@dataclass(frozen=True, slots=True)
class Besides:
    """Looks it up.

    Attributes:
        services: Those that are configured now. Of one that is not any more nobody can say what concerns it.
        deaf: What a source told that did not answer says nothing of what it did not tell.
        fires: Which alerts fire.
    """

    store: Store
    services: Callable[[], Mapping[tuple[str, str], Service]]
    deaf: Deaf = never_deaf
    fires: AskFires = nothing_fires

    async def around(self, watch: Watch, now: datetime) -> Beside:
        """Around *watch*: from an hour before the switch, and before the breach, to *now*, or to its end; and what fires while it lives."""
        until = min(now, watch.ended_at or now)
        near = watch.breach.at if watch.breach else until
        moved = await self.of(watch.key, min(watch.switched_at, near) - HOUR, until, near)
        return moved if watch.state.is_final else replace(moved, fires=await self.fires(watch, now))

    async def of(
        self, key: tuple[str, str], since: datetime, until: datetime, near: datetime | None = None
    ) -> Beside:
        """Beside the service *key*, in ``[since, until)``; of much, what is nearest to *near*.

        That there was more than is looked through is said where it may hide something: near *near*, or without it anywhere.
        """
        services = self.services()
        service = services.get(key)
        if service is None:
            return Beside()
        told_by = service.around.told_by
        deaf = tuple(name for name in told_by if self.deaf(name, until))
        found = await self.store.changes(since, until, near)
        more = sum(each.at >= (since if near is None else near - MATTERS) for each in found) >= MOST
        return Beside(
            concerning(found, service, tuple(services.values())),
            told=bool(told_by) and not deaf and not more,
            around=service.around,
            deaf=deaf,
            more=more,
        )
