"""What reading the platform tells the watch that lives: how far its rollout is, what forbids to move it, that it is gone.

Deliberately absent: news of a release that the watch does not know; `lookout` announces it.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from deploy.model import Live, percent
from watcher.core.lifecycle import (
    is_taken_back,
    left_half,
    obstructed,
    seen_live,
    seen_on_its_way,
    shared_out,
    staged,
    taken_back,
)
from watcher.core.watch import State, Watch
from watcher.runtime.bells import Bells
from watcher.runtime.fleet import Key
from watcher.store.facts import Lookup
from watcher.store.stepping import change
from watcher.store.store import Store

log = structlog.stdlib.get_logger("rollbackd.lookout")


@dataclass
class Following:
    """Tells watches what was read."""

    store: Store
    lookup: Lookup
    bells: Bells
    now: Callable[[], datetime]
    _absent: dict[Key, str] = field(default_factory=dict)  # the watch whose release was gone when last looked

    async def follow(self, living: Watch, seen: Mapping[str, Live], as_known: Collection[str]) -> bool:
        """Tell *living* what runs, by part.

        Args:
            living: As it was read.
            seen: What was read; a part that could not be is missing.
            as_known: The parts that run what the ledger knows, and nothing else.

        Returns:
            Whether another hand has put back what the ledger knows after the release took traffic: that is a deployment.
        """
        await self._see_on_its_way(living, seen)
        await self._soften(living, seen)
        await self._share_out(living, seen)
        await self._stage(living, seen)
        await self._leave_half(living, seen)
        await self._look_after_stuck(living, seen)
        return await self._see_taken_back(living, seen, as_known)

    async def _see_on_its_way(self, living: Watch, seen: Mapping[str, Live]) -> None:
        """A watch that lives learns that its release was seen on its platform."""
        now, facts = self.now(), self.lookup.glance(living)
        if seen_on_its_way(living, seen, now, facts) is not None:
            await change(self.store, living.id, lambda watch: seen_on_its_way(watch, seen, now, facts), now)

    async def _soften(self, living: Watch, seen: Mapping[str, Live]) -> None:
        """A watch that lives does nothing by itself from now on, where something forbids it."""
        deployed = {each.part for each in living.deployment.parts}
        obstacles = [each for part, live in seen.items() if part in deployed for each in live.obstacles]
        if not obstacles:
            return
        now, facts = self.now(), self.lookup.glance(living)
        after = await change(
            self.store, living.id, lambda watch: obstructed(watch, obstacles, now, facts), now
        )
        if isinstance(after, Watch) and after.revision > living.revision:
            self.bells.after_step()

    async def _share_out(self, living: Watch, seen: Mapping[str, Live]) -> None:
        """A watch that lives learns which share of the traffic its release has."""
        now, facts = self.now(), self.lookup.glance(living)
        if shared_out(living, seen, now, facts) is not None:
            await change(self.store, living.id, lambda watch: shared_out(watch, seen, now, facts), now)

    async def _stage(self, living: Watch, seen: Mapping[str, Live]) -> None:
        """A watch that lives learns at which stage its rollout stands."""
        now, facts = self.now(), self.lookup.glance(living)
        if staged(living, seen, now, facts) is None:
            return
        after = await change(self.store, living.id, lambda watch: staged(watch, seen, now, facts), now)
        if isinstance(after, Watch) and after.revision > living.revision:
            log.info("rollout.staged", watch=after.id, service=after.service, **_where(after))
            self.bells.after_step()

    async def _leave_half(self, living: Watch, seen: Mapping[str, Live]) -> None:
        """A watch that lives learns that its rollout was broken off."""
        now, facts = self.now(), self.lookup.glance(living)
        if left_half(living, seen, now, facts) is not None:
            await change(self.store, living.id, lambda watch: left_half(watch, seen, now, facts), now)

    async def _see_taken_back(
        self, living: Watch, seen: Mapping[str, Live], as_known: Collection[str]
    ) -> bool:
        """Its rollout was taken back, and no news came of that.

        It has to be so twice in a row: a platform may show nothing of a rollout between two of its steps.
        """
        if not is_taken_back(living, seen) or any(
            each.part not in as_known for each in living.deployment.parts
        ):
            self._absent.pop(living.key, None)
            return False
        if self._absent.get(living.key) != living.id:
            self._absent[living.key] = living.id
            return False
        if living.traffic_at is not None:
            return True
        await self._end_taken_back(living, seen)
        return False

    async def _end_taken_back(self, living: Watch, seen: Mapping[str, Live]) -> None:
        now, facts = self.now(), self.lookup.glance(living)
        after = await change(self.store, living.id, lambda watch: taken_back(watch, seen, now, facts), now)
        if isinstance(after, Watch) and after.revision > living.revision:
            log.info("watch.taken_back", watch=after.id, service=after.service, state=after.state.value)
            self.bells.after_step()

    async def _look_after_stuck(self, living: Watch, seen: Mapping[str, Live]) -> None:
        """A rollback that did not finish may have been finished by hand: that is seen by all parts together, not by news of one."""
        if living.state is not State.STUCK:
            return
        now = self.now()
        facts = await self.lookup.facts(living, now)
        after = await change(self.store, living.id, lambda watch: seen_live(watch, seen, now, facts), now)
        if isinstance(after, Watch) and after.revision > living.revision:
            log.info(
                "watch.went_back_by_hand", watch=after.id, service=after.service, state=after.state.value
            )
            self.bells.after_step()


def _where(watch: Watch) -> dict[str, str]:
    """At which stage its rollout stands, for the log."""
    if watch.at is None:
        return {"stage": "none"}
    pause = watch.at.pause
    return {"stage": (pause.stage or pause.hook) if pause else f"{percent(watch.at.share)} of the traffic"}
