"""The gatekeeper: looks at what is at the gates by time, and tells of freezes that come again.

Nobody has to wait at the gate for it to go on: that a person is asked, that nobody answered, that what was waited for is over,
is found here. Two replicas that look at once come to the same, and one of them saves it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from watcher.core.freeze import Frozen, frozen
from watcher.core.gate import Passage, Passing
from watcher.core.gate.wording import window_announced
from watcher.core.service import Service
from watcher.core.watch import Message
from watcher.runtime.bells import Bells
from watcher.runtime.fleet import Current
from watcher.runtime.rounds import Boundary
from watcher.store.gates import Gates, told_one_by_one
from watcher.store.store import Store

A_PAGE = 100
log = structlog.stdlib.get_logger("rollbackd.gatekeeper")


@dataclass
class Gatekeeper:
    """The loop."""

    store: Store
    current: Current
    bells: Bells
    boundary: Boundary
    now: Callable[[], datetime]
    new_id: Callable[[str, datetime], str]
    _told: set[str] = field(default_factory=set, init=False)  # so that the store is not asked each time

    async def go_round(self) -> bool:
        """Look at each once."""
        gates = Gates(self.store, lambda: self.current.services, self.new_id)
        after: str | None = None
        while found := await self.store.passages(state=Passing.OPEN, after=after, limit=A_PAGE):
            await self.boundary.each({each.id: self._look(gates, each) for each in found})
            after = found[-1].id
        await self._tell_of_windows()
        return False

    async def _look(self, gates: Gates, passage: Passage) -> None:
        after = await gates.again(passage, self.now())
        if after.revision != passage.revision:
            log.info(
                "gate.looked",
                gate=passage.id,
                service=passage.service,
                environment=passage.environment,
                answer=after.answer.value,
                because=after.because.value,
            )
            self.bells.after_step()

    async def _tell_of_windows(self) -> None:
        """Once for each beginning, in each channel, however many services it is of."""
        now = self.now()
        holding: dict[tuple[Frozen, str], list[Service]] = {}
        for service in self.current.services.values():
            holds = frozen((), service.gate.windows, *service.key, now)
            if holds is None:
                continue
            for channel in told_one_by_one(service):
                holding.setdefault((holds, channel), []).append(service)
        beginnings = {
            f"{holds.by} {holds.start.isoformat()} {channel}": (holds, channel, services)
            for (holds, channel), services in holding.items()
        }
        self._told &= beginnings.keys()
        for what, (holds, channel, services) in beginnings.items():
            if what not in self._told:
                notice = window_announced(holds, [each.key for each in services], now)
                message = Message(f"{self.new_id('m', now)}.0", "append", channel, notice)
                if await self.store.tell_once(what, [message], now):
                    self.bells.after_step()
                self._told.add(what)
