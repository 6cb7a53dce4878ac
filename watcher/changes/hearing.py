"""Hears what is no deployment of ours, and keeps what of it is a change."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from deploy.source import Aside, Event
from watcher.changes.reading import read
from watcher.changes.told import Told, cut
from watcher.core.change import MOST_NAME, MOST_WORDS, Change
from watcher.core.service import Service

Keep = Callable[[Change, datetime], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Hearing:
    """One of those to whom the feeder offers what is no deployment.

    Attributes:
        services: Those that are configured now: an address of one of them says whose a change is.
        keep: `Store.add_change`.
    """

    services: Callable[[], Iterable[Service]]
    keep: Keep

    async def __call__(self, aside: Aside, now: datetime) -> str | None:
        """Keep the change that *aside* tells of; in words what was made of it, ``None``: it tells of none.

        Twice is harmless: a change is known by the id of its event.

        Raises:
            StoreUnavailable: It could not be kept.
        """
        told = read(aside.event)
        if told is None or self._is_known(told):
            return None
        await self.keep(self._change(told, aside.event, now), now)
        return f"{aside.event.kind} of {aside.event.source}: kept as a change ({told.kind.value})"

    def _change(self, told: Told, event: Event, now: datetime) -> Change:
        whose = self._whose(told.addresses)
        region = event.region if told.region is None else told.region
        return Change(
            at=told.at or event.at or now,
            what=cut(told.what, MOST_WORDS),
            service=whose.name if whose else None,
            environment=whose.environment if whose else event.environment,
            kind=told.kind,
            name=cut(told.name, MOST_NAME),
            account=event.account or None,
            region=region or None,
            key=f"{event.account}:{event.source}:{told.once or event.id}",
        )

    def _is_known(self, told: Told) -> bool:
        """It is a step of a release of ours, such as a function's new code before its alias: no change beside it, and no other's."""
        return any(
            address.startswith(told.within)
            for service in self.services()
            for address in service.around.addresses
        )

    def _whose(self, addresses: Iterable[str]) -> Service | None:
        """Whose the first address is that is anybody's: exactly, before where the account is not known."""
        for address in addresses:
            for service in self.services():
                if address in service.around.addresses:
                    return service
        return None
