"""Keeps those providers looking that know only what they have seen themselves (scraped pages, health checks).

They begin to look when they are first asked. Asked only once a deployment is there, they would know nothing of how the
service was before it, and each restart of a watch would begin with a hole. So they are asked about every service, always.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from deploy.model import Release
from watcher.core.intake import known_as, names_of
from watcher.core.service import Service
from watcher.runtime.fleet import Current
from watcher.runtime.inquiry import Inquiry
from watcher.runtime.lookout import open_span
from watcher.runtime.rounds import Boundary
from watcher.signals.provider import Question
from watcher.store.store import Store

A_MOMENT = timedelta(seconds=1)


@dataclass
class Onlooker:
    """The loop that asks about services that nobody deploys just now."""

    store: Store
    current: Current
    inquiry: Inquiry
    boundary: Boundary
    now: Callable[[], datetime]

    async def go_round(self) -> bool:
        """Ask about all services; the answers are thrown away, the looking goes on."""
        now = self.now()
        questions = [q for service in self.current.services.values() for q in await self._questions(service)]
        await self.boundary.each(self.inquiry.recall(questions, now - A_MOMENT, now, now).reads)
        return False

    async def _questions(self, service: Service) -> list[Question]:
        names = await self._names(service)
        return [
            Question(
                f"{service.name}/{service.environment}/{indicator.id}", indicator, names, None, of=service.key
            )
            for indicator in service.policy.rules.indicators
            if self.inquiry.looks_itself(indicator)
        ]

    async def _names(self, service: Service) -> Mapping[str, str]:
        """The names of what serves, as far as the ledger knows."""
        serving: list[Release] = []
        for part in service.parts:
            ledger = await self.store.ledger(*service.key, part)
            span = open_span(ledger)
            serving += [
                e.release for e in ledger.entries if span and e.release.fingerprint == span.fingerprint
            ]
        return names_of(known_as(each, service) for each in serving)
