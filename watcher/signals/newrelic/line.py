"""The way to one account: asks by POST, a few at once, and waits after a refusal."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from http import HTTPStatus

from deploy.model import About
from rules.sample import Unavailable, Who
from watcher.http import Http, HttpRefused, Request
from watcher.signals import clocks
from watcher.signals.gate import Closing, ServerGate
from watcher.signals.newrelic import answer as answers
from watcher.signals.newrelic.answer import Failed, Told
from watcher.signals.newrelic.settings import Settings

AT_ONCE = 4  # requests; New Relic allows 25 for a user, whoever asks with his keys
# After a 429, which does not say how long: too many requests of one user at once are soon fewer; a query that is repeated is not.
UNTOLD = Closing(first=5.0, times=2.0, longest=40.0)
SHORTEST = timedelta(milliseconds=100)
WHOSE = "New Relic's"
SKEWED = timedelta(seconds=30)  # beyond which our buckets are not those that New Relic means


class Line:
    """One connection.

    Attributes:
        settings: Of the connection.
        skew: How far our clock is ahead of New Relic's; ``None``: not heard yet.
        gate: Shared with whoever asks with the same key.
    """

    def __init__(
        self,
        settings: Settings,
        http: Http,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        gate: ServerGate,
    ) -> None:
        self.settings = settings
        self.now = now
        self.monotonic = monotonic
        self.skew: timedelta | None = None
        self._http = http
        self._at_once = asyncio.Semaphore(AT_ONCE)
        self._gate = gate

    @property
    def where(self) -> str:
        """For people."""
        return f"{Request('newrelic', self.settings.address).origin}, account {self.settings.account}"

    async def ask(self, body: bytes, until: float) -> Mapping[str, Told | Failed] | Failed:
        """What New Relic says to each query in *body*. A fault is a value.

        Args:
            body: The request.
            until: When an answer is too late (monotonic).
        """
        async with self._at_once:
            left = timedelta(seconds=until - self.monotonic())
            if left <= timedelta(0):
                return Failed(Unavailable(Who.PROVIDER, f"{self.where} gave no answer in time"))
            async with self._gate.turn(left) as still:
                return Failed(still) if isinstance(still, Unavailable) else await self._asked(body, still)

    async def _asked(self, body: bytes, left: timedelta) -> Mapping[str, Told | Failed] | Failed:
        request = Request(
            "newrelic",
            self.settings.address,
            "POST",
            {"Content-Type": "application/json"},
            {"API-Key": self.settings.key},
            body,
            max(left, SHORTEST),
        )
        try:
            answer = await self._http.send(request)
        except HttpRefused as error:
            return answers.refused(error, self.where)
        now = self.now()
        patience = self._gate.heard(request, answer)
        if patience is not None:
            return Failed(patience)
        self.skew = clocks.ahead(answer.headers, now)
        if self.skew is not None and abs(self.skew) > SKEWED and answer.status == HTTPStatus.OK:
            words = f"{self.where}: {clocks.words(self.skew, WHOSE)}, so that no bucket is what it seems: set the clock"
            return Failed(Unavailable(Who.OPERATOR, words), about=About.CLOCK)
        return answers.read(request, answer, self.where, now)
