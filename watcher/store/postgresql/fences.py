"""A database that failed over and lost what it had acknowledged is found out: fences only grow, and there they fall.

Each claim adds one to the number of the last, in the database alone. So a number that was given already can come again only
if the claim that took it is lost.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from watcher.errors import StoreUnavailable
from watcher.store.played import Engine, Played
from watcher.store.store import Claimed, Leased

REMEMBERED = 100_000  # watches and actions: more than live at a time


class Fenced(Played):
    """The store, which gives out no work any more once a fence came a second time."""

    def __init__(self, engine: Engine, failed: Callable[[str], None]) -> None:
        super().__init__(engine, failed)
        self._highest: OrderedDict[str, int] = OrderedDict()
        self._doubt = ""

    async def claim_due(
        self, now: datetime, limit: int, owner: str, lease: timedelta, grace: timedelta = timedelta(0)
    ) -> Sequence[Leased]:
        """See `Store`. Raises StoreUnavailable where the database has forgotten what it acknowledged, from then on."""
        self._check()
        leased = await super().claim_due(now, limit, owner, lease, grace)
        for each in leased:
            self._see(each.watch.id, each.fence)
        self._check()
        return leased

    async def even_out(self, owner: str) -> int:
        """See `Store`. Raises as `claim_due` does: who gives out no work takes none from the others."""
        self._check()
        return await super().even_out(owner)

    async def claim_actions(
        self, now: datetime, limit: int, owner: str, lease: timedelta
    ) -> Sequence[Claimed]:
        """See `Store`. Raises as `claim_due` does."""
        self._check()
        claimed = await super().claim_actions(now, limit, owner, lease)
        for each in claimed:
            self._see(each.action.id, each.fence)
        self._check()
        return claimed

    async def begin(self, action: str, fence: int, now: datetime) -> bool:
        """See `Store`. Raises as `claim_due` does."""
        self._check()
        return await super().begin(action, fence, now)

    async def check(self) -> None:
        """See `Store`. Raises as `claim_due` does, so that the readiness is false."""
        self._check()
        await super().check()

    def _see(self, what: str, fence: int) -> None:
        if fence <= self._highest.get(what, 0):
            self._doubt = f"{what} was given out under fence {self._highest[what]}, and now under {fence}"
        self._highest[what] = max(fence, self._highest.pop(what, 0))
        if len(self._highest) > REMEMBERED:
            self._highest.popitem(last=False)

    def _check(self) -> None:
        if self._doubt:
            raise StoreUnavailable(
                f"the database has lost what it acknowledged: {self._doubt}",
                remedy="a fail-over lost commits, or a backup was put back: look what is deployed, then start rollbackd again; use a synchronous standby",
            )
