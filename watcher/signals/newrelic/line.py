"""The way to one account: asks by POST, a few at once, and waits after a refusal."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from http import HTTPStatus

from rules.sample import Unavailable, Who
from watcher.http import Http, HttpRefused, Request
from watcher.signals import clocks
from watcher.signals.newrelic import answer as answers
from watcher.signals.newrelic.answer import Failed, Told
from watcher.signals.newrelic.settings import Settings

AT_ONCE = 4  # requests; New Relic allows 25 for a user, whoever asks with his keys
WAIT = timedelta(seconds=5)  # after a 429, which does not say how long
SHORTEST = timedelta(milliseconds=100)
WHOSE = "New Relic's"
SKEWED = timedelta(seconds=30)  # beyond which our buckets are not those that New Relic means
MARKED = timedelta(seconds=5)


class Line:
    """One connection.

    Attributes:
        settings: Of the connection.
        skew: How far our clock is ahead of New Relic's; ``None``: not heard yet.
    """

    def __init__(
        self, settings: Settings, http: Http, now: Callable[[], datetime], monotonic: Callable[[], float]
    ) -> None:
        self.settings = settings
        self.now = now
        self.monotonic = monotonic
        self.skew: timedelta | None = None
        self._http = http
        self._at_once = asyncio.Semaphore(AT_ONCE)
        self._closed_until: datetime | None = None

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
            if self._closed_until is not None and self.now() < self._closed_until:
                return self._patient(self._closed_until)
            return await self._asked(body, left)

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
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            self._closed_until = now + WAIT
            return self._patient(self._closed_until)
        self.skew = clocks.ahead(answer.headers, now)
        if self.skew is not None and abs(self.skew) > SKEWED and answer.status == HTTPStatus.OK:
            words = f"{self.where}: {clocks.words(self.skew, WHOSE)}, so that no bucket is what it seems: set the clock"
            return Failed(Unavailable(Who.OPERATOR, words))
        return answers.read(request, answer, self.where, now)

    def _patient(self, at: datetime) -> Failed:
        words = (
            f"{self.where} has too much to do for this user (HTTP 429): not asked before {at:%H:%M:%S} UTC"
        )
        return Failed(Unavailable(Who.PROVIDER, words, at))
