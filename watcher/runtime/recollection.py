"""Which parts of services wait until it is read what their platform remembers of them.

Where the ledger knows nothing of a part, its store may have been lost, and its platform may remember what the ledger did: what
served, what was proven, what is quarantined. Until that is read nothing is made of what runs: it might be adopted although it
was being watched, or watched without a way back. Lookout and listener find such parts, the keeper asks.
"""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from deploy.tags import Ledger
from watcher.runtime.fleet import Key

Where = tuple[Key, str]  # a service, and one of its parts
TRIES = (
    3  # then what is live is adopted, as where nothing remembers: a service must not go unwatched for long
)
PAUSE = timedelta(seconds=15)  # after the first try; twice as long after each other


@dataclass
class _Trial:
    tries: int = 0
    not_before: datetime | None = None


@dataclass
class Recollection:
    """The parts that wait. *bell* wakes who asks for them."""

    bell: asyncio.Event = field(default_factory=asyncio.Event)
    _waiting: dict[Where, _Trial] = field(default_factory=dict)
    _over: set[Where] = field(default_factory=set)
    _news: set[Key] = field(default_factory=set)

    def awaits(self, key: Key, ledger: Ledger, keepers: Collection[str]) -> bool:
        """Whether what is remembered of the part of *ledger* has to be read first. *keepers*: the parts whose platforms remember."""
        where = (key, ledger.part)
        if ledger.entries or ledger.part not in keepers or where in self._over:
            return False
        if where not in self._waiting:
            self._waiting[where] = _Trial()
            self.bell.set()
        return True

    def take(self, now: datetime) -> list[Where]:
        """The parts that are to be asked for now. Each is counted as tried."""
        due = [where for where, trial in self._waiting.items() if (trial.not_before or now) <= now]
        for where in due:
            trial = self._waiting[where]
            trial.not_before = now + PAUSE * 2**trial.tries
            trial.tries += 1
        return due

    def is_given_up(self, where: Where) -> bool:
        """It was tried often enough."""
        return where in self._waiting and self._waiting[where].tries >= TRIES

    def ends(self, where: Where) -> None:
        """What can be known is known: something may be made of what runs."""
        self._waiting.pop(where, None)
        self._over.add(where)
        self._news.add(where[0])

    def take_news(self) -> set[Key]:
        """The services of which a part waits no longer, since this was last asked."""
        news, self._news = self._news, set()
        return news
