"""What a step needs to know beyond its watch, looked up in one place for whoever takes the step: patrol, performer, API."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from deploy.tags import Ledger
from rules.model import RuleSet
from watcher.core import disarm, freeze
from watcher.core.change import Beside
from watcher.core.facts import Beat, Facts, ways_back
from watcher.core.service import Service
from watcher.core.watch import Watch
from watcher.core.wording.figures import moment, said
from watcher.store.besides import AskFires, Besides, Deaf, never_deaf, nothing_fires
from watcher.store.store import Store


@dataclass(frozen=True, slots=True)
class Lookup:
    """Looks facts up.

    Attributes:
        services: Those that are configured now.
        beats: How often the indicators of a rule set are read, and when their buckets are final.
        deaf: Which sources do not answer.
        fires: Which alerts fire that rules of a watch mean.
    """

    store: Store
    services: Callable[[], Mapping[tuple[str, str], Service]]
    beats: Callable[[RuleSet], tuple[Beat, ...]]
    deaf: Deaf = never_deaf
    fires: AskFires = nothing_fires

    async def facts(self, watch: Watch, now: datetime) -> Facts:
        """Facts for a step of *watch*, as of *now*."""
        ledgers = await self.ledgers(watch)
        switch = disarm.in_force(await self.store.disarmed(now), *watch.key, now)
        return replace(
            self.glance(watch),
            ways_back=ways_back(watch.deployment, ledgers, watch.policy, now, watch.missing),
            armed=switch is None,
            disarmed=disarm.words(switch, now),
            frozen=await self.frozen(watch, now),
            beside=await self.beside(watch, now),
            going=await self._going(watch),
        )

    async def _going(self, watch: Watch) -> str:
        if watch.action is None:
            return ""
        actions = await self.store.actions(watch.id)
        return next((each.words for each in actions if each.action.id == watch.action), "")

    async def frozen(self, watch: Watch, now: datetime) -> str:
        """Under which freeze its service is *now*, in words; empty: under none."""
        service = self.services().get(watch.key)
        windows = service.gate.windows if service else ()
        holds = freeze.frozen(await self.store.freezes(now), windows, *watch.key, now)
        return said(f"until {moment(holds.until, now)}, by {holds.by}: {holds.reason}") if holds else ""

    async def beside(self, watch: Watch, now: datetime) -> Beside:
        """What else moved around *watch*, and what fires."""
        return await Besides(self.store, self.services, self.deaf, self.fires).around(watch, now)

    def glance(self, watch: Watch) -> Facts:
        """What is known without asking the store: enough where nothing is wrong, and so nobody looks for the way back.

        A service that is configured no more has nobody to tell.
        """
        service = self.services().get(watch.key)
        channels = service.team.tell if service else ()
        boards: frozenset[str] = service.team.boards if service else frozenset()
        beats = self.beats(watch.policy.rules)
        return Facts(channels=channels, boards=boards, looked_back=False, beats=beats)

    async def ledgers(self, watch: Watch) -> Mapping[str, Ledger]:
        """The ledgers of the parts that were deployed."""
        return {
            change.part: await self.store.ledger(*watch.key, change.part) for change in watch.deployment.parts
        }
