"""Where clicks arrive, by whichever way, and wait to be carried out.

The sender is answered as soon as its order is done, and at the latest after two seconds: Slack waits for three. So what is lost
with the daemon is as a rule not acknowledged either, and Slack says so to whoever clicked, or gives it to another replica.

Bounded everywhere: clicks that wait, presses that are remembered, lines in the log of what nobody has signed.
"""

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog
from pydantic import SecretStr

from watcher.api.slack.click import Click, Unreadable, read, read_form
from watcher.api.slack.pace import PACE, Pace
from watcher.api.slack.signature import LATE, doubt
from watcher.telemetry.metrics import Metrics

WAITING = 64  # clicks
REMEMBERED = 4096  # presses, for as long as a signature is good
SAID_EVERY = timedelta(minutes=1)  # what nobody has signed: anybody can send it
log = structlog.stdlib.get_logger("rollbackd.slack")


class Voice(Protocol):
    """What is said back to somebody who clicked, and what is asked about them. Nothing here raises for Slack."""

    async def answer(self, click: Click, words: str) -> None:
        """Say *words* to whoever clicked, and to nobody else."""

    async def change(self, click: Click, text: str, blocks: Sequence[Mapping[str, Any]]) -> None:
        """Change the message that was clicked in."""

    async def members(self, group: str) -> frozenset[str] | None:
        """Who belongs to a user group; ``None``: Slack does not say."""


class Crowded(Exception):
    """There is no room for a click, or the daemon ends: somebody else may take it."""


class Done(asyncio.Event):
    """A click was obeyed or refused, or nothing more will come of it."""

    async def within(self, seconds: float) -> None:
        """Wait for that, but not for longer than its sender can."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.wait()


@dataclass(frozen=True, slots=True, eq=False)
class Taken:
    """A click that was taken."""

    click: Click
    done: Done = field(default_factory=Done)


@dataclass
class Ear:
    """One connection to Slack, hearing.

    Attributes:
        name: Of the connection.
        workspace: The only one whose people are heard.
        voice: Answers whoever clicked.
        channel: Where messages go that name none.
        secret: Of the signatures; ``None``: nothing is heard over HTTP.
        app: The id of our app, once Socket Mode has told it. Over HTTP the signature proves it.
        closed: The daemon ends: nothing more is taken.
    """

    name: str
    workspace: str
    voice: Voice
    metrics: Metrics
    channel: str | None = None
    secret: SecretStr | None = None
    app: str | None = None
    pace: Pace = PACE
    closed: bool = False
    clicks: asyncio.Queue[Taken] = field(default_factory=lambda: asyncio.Queue(WAITING))
    _recent: OrderedDict[bytes, tuple[datetime, Done]] = field(default_factory=OrderedDict)
    _said: dict[str, datetime] = field(default_factory=dict)

    def believes(self, headers: Mapping[str, str], raw: bytes, now: datetime) -> bool:
        """It is signed by Slack, just now."""
        if self.secret is None:
            return False
        why = doubt(self.secret.get_secret_value(), headers, raw, now)
        if why:
            self._unbelieved("http", why, now)
        return not why

    async def hear(self, headers: Mapping[str, str], raw: bytes, now: datetime) -> None:
        """Take what came over HTTP, and wait for it as long as Slack does.

        Raises:
            Unreadable: It is not what Slack sends.
            Crowded: It was not taken.
        """
        try:
            click = read_form(headers.get("content-type", ""), raw)
        except Unreadable as unreadable:
            self._unbelieved("http", str(unreadable), now)
            raise
        if click is not None:
            await self._take(click, now).within(self.pace.patience)

    def take(self, payload: object, now: datetime) -> Done | None:
        """Take what came over Socket Mode; ``None``: there is nothing to be done.

        Raises:
            Crowded: It was not taken.
        """
        try:
            click = read(payload)
        except Unreadable as unreadable:
            self._unbelieved("socket", str(unreadable), now)
            return None
        return None if click is None else self._take(click, now)

    def _take(self, click: Click, now: datetime) -> Done:
        """One press is one click, however often it is delivered: a replay waits for the first, and does nothing."""
        while self._recent and now - next(iter(self._recent.values()))[0] > 2 * LATE:
            self._recent.popitem(last=False)
        known = self._recent.get(click.digest)
        if known is not None:
            log.info("slack.click_repeated", connection=self.name, user=click.user.id)
            self.metrics.clicks.labels(self.name, "repeated").inc()
            return known[1]
        if self.closed or self.clicks.full():
            self.metrics.clicks.labels(self.name, "crowded").inc()
            raise Crowded("the daemon is ending" if self.closed else "too many clicks wait")
        taken = Taken(click)
        self.clicks.put_nowait(taken)
        self._recent[click.digest] = (now, taken.done)
        if len(self._recent) > REMEMBERED:
            self._recent.popitem(last=False)
        return taken.done

    def _unbelieved(self, way: str, why: str, now: datetime) -> None:
        """Counted always, said once in a while: whoever can reach the daemon can send this."""
        self.metrics.unbelieved.labels(self.name, way).inc()
        said = self._said.get(why)
        if said is None or now - said >= SAID_EVERY:
            self._said[why] = now
            log.warning("slack.not_believed", connection=self.name, way=way, words=why)
