"""Where clicks arrive, by whichever way, and are worked off: the sender is answered at once, the order follows.

Bounded everywhere: clicks that wait, signatures that are remembered, the time of one order.
"""

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import structlog
from pydantic import SecretStr

from watcher.api.deps import Deps
from watcher.api.slack.click import Click, Unreadable, read, read_form
from watcher.api.slack.signature import LATE, SIGNATURE, doubt

WAITING = 64  # clicks
WORKERS = 4
LONGEST = 30.0  # seconds for one click
REMEMBERED = 4096  # signatures, for as long as they are good
log = structlog.stdlib.get_logger("rollbackd.slack")


class Voice(Protocol):
    """What is said back to somebody who clicked. Nothing here raises for Slack: the order does not depend on it."""

    async def whisper(self, channel: str, person: str, words: str) -> None:
        """Say *words* to one person in a channel."""

    async def change(self, channel: str, ts: str, text: str, blocks: Sequence[Mapping[str, Any]]) -> None:
        """Change a message."""

    async def members(self, group: str) -> frozenset[str]:
        """Who belongs to a user group; nobody where that cannot be read."""


class Obey(Protocol):
    """Does what a click orders."""

    async def __call__(self, deps: Deps, ear: "Ear", click: Click) -> None:
        """Do it, and tell whoever clicked."""


@dataclass
class Ear:
    """One connection to Slack, hearing.

    Attributes:
        name: Of the connection.
        workspace: The only one whose people are heard.
        channel: Where messages go that name none.
        secret: Of the signatures; ``None``: nothing is heard over HTTP.
    """

    name: str
    workspace: str
    voice: Voice
    obey: Obey
    channel: str | None = None
    secret: SecretStr | None = None
    clicks: asyncio.Queue[Click] = field(default_factory=lambda: asyncio.Queue(WAITING))
    seen: OrderedDict[str, datetime] = field(default_factory=OrderedDict)

    def believes(self, headers: Mapping[str, str], raw: bytes, now: datetime) -> bool:
        """It is signed by Slack, just now."""
        if self.secret is None:
            return False
        why = doubt(self.secret.get_secret_value(), headers, raw, now)
        if why:
            log.warning("slack.not_believed", connection=self.name, words=why)
        return not why

    def hear(self, headers: Mapping[str, str], raw: bytes, now: datetime) -> None:
        """Take what came over HTTP, once for each signature.

        Raises:
            Unreadable: It is not what Slack sends.
            asyncio.QueueFull: Too many clicks wait.
        """
        click = read_form(headers.get("content-type", ""), raw)
        if click is None or self._is_replayed(headers[SIGNATURE], now):
            return
        try:
            self.clicks.put_nowait(click)
        except asyncio.QueueFull:
            self.seen.pop(headers[SIGNATURE], None)
            raise

    def take(self, payload: object) -> bool:
        """Take what came over Socket Mode; false: there is no room, somebody else may take it."""
        try:
            click = read(payload)
        except Unreadable as unreadable:
            log.warning("slack.unreadable", connection=self.name, words=str(unreadable))
            return True
        try:
            if click is not None:
                self.clicks.put_nowait(click)
        except asyncio.QueueFull:
            return False
        return True

    def _is_replayed(self, signature: str, now: datetime) -> bool:
        while self.seen and now - next(iter(self.seen.values())) > 2 * LATE:
            self.seen.popitem(last=False)
        if signature in self.seen:
            log.warning("slack.replayed", connection=self.name)
            return True
        self.seen[signature] = now
        if len(self.seen) > REMEMBERED:
            self.seen.popitem(last=False)
        return False

    @contextlib.asynccontextmanager
    async def working(self, deps: Deps) -> AsyncIterator[None]:
        """Work off what arrives, for as long as the context lasts."""
        async with asyncio.TaskGroup() as tasks:
            workers = [tasks.create_task(self._work(deps)) for _ in range(WORKERS)]
            try:
                yield
            finally:
                for worker in workers:
                    worker.cancel()

    async def _work(self, deps: Deps) -> None:
        while True:
            click = await self.clicks.get()
            try:
                async with asyncio.timeout(LONGEST):
                    await self.obey(deps, self, click)
            except TimeoutError:
                log.error("slack.click_timed_out", by=click.by, connection=self.name)  # noqa: TRY400 - no bug
            except Exception:
                # The one boundary here: a bug in one click must not make the daemon deaf.
                log.exception("slack.click_failed", by=click.by, connection=self.name)
