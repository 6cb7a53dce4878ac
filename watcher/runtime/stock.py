"""Looks whether the known-good release of a watch is there still: its image, its bundle, its version, its assets.

At the first look after a watch opened, and each quarter of an hour; where something is missing at each look, so that it is
seen as soon as somebody has put it back. What cannot be read is not called missing, nor there again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from deploy.model import Move
from deploy.tags import Back, Ledger
from deploy.target import Target
from watcher.core.facts import ways_back
from watcher.core.lifecycle import looked_for
from watcher.core.watch import GOING_BACK, Missing, Watch
from watcher.runtime.bells import Bells
from watcher.store.facts import Lookup
from watcher.store.stepping import change
from watcher.store.store import Store

AGAIN = timedelta(minutes=15)
MOST = 4  # known-good releases of a part that are looked for: one that is there is usually the first
REMEMBERED = 1000  # watches of which it is known when to look again
log = structlog.stdlib.get_logger("rollbackd.stock")


@dataclass
class Stock:
    """Looks, and tells watches."""

    store: Store
    lookup: Lookup
    bells: Bells
    now: Callable[[], datetime]
    _due: dict[str, datetime] = field(default_factory=dict)

    async def look(self, living: Watch, targets: Mapping[str, Target]) -> None:
        """Tell *living* which known-good releases are gone, if that is another set than it knows."""
        now = self.now()
        if living.state in GOING_BACK or now < self._due.get(living.id, now):
            return
        ledgers = await self.lookup.ledgers(living)
        missing, ways = await self._missing(living, targets, ledgers)
        self._remember(living.id, now + (timedelta(0) if missing else AGAIN))
        facts = replace(self.lookup.glance(living), ways_back=ways, looked_back=True)
        if looked_for(living, missing, ways, now, facts) is None:
            return
        after = await change(
            self.store, living.id, lambda watch: looked_for(watch, missing, ways, now, facts), now
        )
        if isinstance(after, Watch) and after.revision > living.revision:
            for each in missing:
                log.warning(
                    "release.missing",
                    service=living.service,
                    environment=living.environment,
                    part=each.part,
                    tag=each.release.tag,
                    words=each.words,
                )
            self.bells.after_step()

    async def _missing(
        self, living: Watch, targets: Mapping[str, Target], ledgers: Mapping[str, Ledger]
    ) -> tuple[list[Missing], Mapping[str, Back]]:
        """All that are gone, and the ways back past them."""
        missing: list[Missing] = []
        for _ in range(MOST):
            ways = ways_back(living.deployment, ledgers, living.policy, self.now(), missing)
            found = [each for part in ways if (each := await self._gone(living, targets, part, ways[part]))]
            if not found:
                return missing, ways
            missing += found
        return missing, ways_back(living.deployment, ledgers, living.policy, self.now(), missing)

    async def _gone(
        self, living: Watch, targets: Mapping[str, Target], part: str, back: Back
    ) -> Missing | None:
        if part not in targets:
            return None
        runs = next(change.after for change in living.deployment.parts if change.part == part)
        foretold = await targets[part].foretell(Move(part, runs, back.release))
        if foretold.gone:
            return Missing(part, back.release, "; ".join(foretold.gone))
        known = (
            each for each in living.missing if each.part == part and each.release.is_same_as(back.release)
        )
        return next(known, None) if foretold.unread else None

    def _remember(self, watch: str, at: datetime) -> None:
        self._due[watch] = at
        while len(self._due) > REMEMBERED:
            del self._due[next(iter(self._due))]
