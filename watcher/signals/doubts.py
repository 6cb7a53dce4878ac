"""What has been silent for long, and what is known to be wrong with its name: looked up within a reading, a few at a time."""

from collections.abc import Awaitable, Callable, Hashable
from datetime import datetime, timedelta

PATIENCE = timedelta(minutes=5)  # after which silence may be a wrong name
AGAIN = timedelta(hours=1)  # before the same name is looked up again
MOST_LOOKED_UP = 2  # in one reading: each costs some calls, and calls are few
MOST = 4096  # that are remembered


class Doubts:
    """Names that may be wrong."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._silent: dict[Hashable, datetime] = {}
        self._looked_up: dict[Hashable, tuple[datetime, str | None]] = {}
        self._left = MOST_LOOKED_UP

    def begin(self) -> None:
        """A reading begins."""
        self._left = MOST_LOOKED_UP

    def none_of(self, name: Hashable) -> None:
        """It is there."""
        self._silent.pop(name, None)
        self._looked_up.pop(name, None)

    async def of(self, name: Hashable, look: Callable[[], Awaitable[str | None]]) -> str | None:
        """It is silent: what is wrong with it, as far as is known. If it has been so for long, *look* says."""
        if len(self._silent) > MOST:
            self._silent.clear()
            self._looked_up.clear()
        now = self._now()
        since = self._silent.setdefault(name, now)
        last = self._looked_up.get(name)
        if now - since >= PATIENCE and (last is None or now - last[0] >= AGAIN) and self._left:
            self._left -= 1
            self._looked_up[name] = now, await look()
        return self._looked_up.get(name, (now, None))[1]
