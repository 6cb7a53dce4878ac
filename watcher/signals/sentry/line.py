"""The way to one organisation of one Sentry: asks by GET, waits where it is told to, and turns pages."""

import asyncio
import ssl
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from urllib.parse import urlencode

from pydantic import SecretStr

from deploy.model import About
from rules.sample import Unavailable, Who
from watcher.http import Answer, Http, HttpRefused, Request, refusal
from watcher.signals import clocks
from watcher.signals.budget import Budget
from watcher.signals.sentry import answer as answers
from watcher.signals.sentry.answer import Failed, Page
from watcher.signals.sentry.gate import Gate, clock, left
from watcher.signals.sentry.plan import SAFE
from watcher.signals.sentry.settings import Settings

AT_ONCE = 4  # calls; endpoints allow 2 to 15, and an own Sentry has no limit but its database
MOST_PAGES = 20
SHORTEST = timedelta(milliseconds=100)
SKEWED = timedelta(seconds=30)  # beyond which our buckets are not those that Sentry means
WHOSE = "Sentry's"


class Line:
    """One connection.

    Attributes:
        settings: Of the connection.
        skew: How far our clock is ahead of Sentry's; ``None``: not heard yet.
        gates: By the endpoint; shared with whoever asks this organization with the same token.
        budget: Where it is shown what is left.
    """

    def __init__(
        self,
        settings: Settings,
        http: Http,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        gates: dict[str, Gate],
        budget: Budget,
    ) -> None:
        self.settings = settings
        self.now = now
        self.monotonic = monotonic
        self.skew: timedelta | None = None
        self._http = http
        self._at_once = asyncio.Semaphore(AT_ONCE)
        self._gates = gates
        self._budget = budget
        self._tls: ssl.SSLContext | None = None

    def allowed(self, endpoint: str) -> int | None:
        """How many calls of *endpoint* a window of Sentry's allows; ``None``: it has not said so yet."""
        gate = self._gates.get(endpoint)
        return gate.allowed if gate else None

    def load(self) -> str | None:
        """Read the file of the settings; in words, what is wrong with it."""
        try:
            self._tls = self.settings.tls()
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "not a certificate"
            return f"the file of `authority` cannot be used: {type(error).__name__}: {why}"
        return None

    @property
    def where(self) -> str:
        """For people."""
        return f"{Request('sentry', self.settings.url).origin}, organization {self.settings.organization}"

    async def pages(
        self, path: str, params: Iterable[tuple[str, str]], until: float, most: int = MOST_PAGES
    ) -> list[Page] | Failed:
        """All pages, at most *most* of them; a fault in one is a fault of all."""
        fixed, found = tuple(params), list[Page]()
        more: tuple[tuple[str, str], ...] = ()
        for _ in range(most):
            page = await self.ask(path, (*fixed, *more), until)
            if isinstance(page, Failed):
                return page
            found.append(page)
            if page.cursor is None:
                return found
            more = (("cursor", page.cursor),)
        words = f"{self.where}: more than {most} pages of {path.partition('/')[0]}: narrow what is asked for"
        return Failed(Unavailable(Who.OPERATOR, words), answers.Next.SIZE)

    async def ask(self, path: str, params: Iterable[tuple[str, str]], until: float) -> Page | Failed:
        """What Sentry says. Waits while it is asked to, as long as that ends before *until* (monotonic). A fault is a value.

        Args:
            path: Behind the organisation's, with its slash at the end; quoted.
            params: Of the query.
            until: When an answer is too late.
        """
        query = urlencode(list(params), safe=SAFE)
        url = self.settings.at(path) + (f"?{query}" if query else "")
        endpoint = path.partition("/")[0]
        gate = self._gates.setdefault(endpoint, Gate(self.monotonic))
        while True:
            async with gate.passed(self._left(until)) as may:
                if not may:
                    return self._patient(gate, path)
                async with self._at_once:
                    if gate.closed_for > timedelta(0):  # while this one waited for its turn
                        continue
                    sent = await self._sent(url, until)
                if isinstance(sent, Failed):
                    return sent
                request, answer = sent
                now = self.now()
                refusing = refusal(request, answer, now)
                refused = gate.heard(answer, now, refusing.retry_at if refusing else None)
                self._budget.told(endpoint, *left(answer))
            if refused is None:
                return self._read(request, answer, path)

    def _left(self, until: float) -> timedelta:
        return timedelta(seconds=max(until - self.monotonic(), 0.0))

    async def _sent(self, url: str, until: float) -> tuple[Request, Answer] | Failed:
        left = self._left(until)
        if left <= timedelta(0):
            return Failed(Unavailable(Who.PROVIDER, f"{self.where} gave no answer in time"))
        secret = SecretStr(f"Bearer {self.settings.token.get_secret_value()}")
        request = Request(
            "sentry", url, secrets={"Authorization": secret}, timeout=max(left, SHORTEST), tls=self._tls
        )
        try:
            return request, await self._http.send(request)
        except HttpRefused as error:
            return answers.refused(error, self.where)

    def _read(self, request: Request, answer: Answer, path: str) -> Page | Failed:
        there, now = clock(answer.headers), self.now()
        self.skew = None if there is None else now - there
        if self.skew is not None and abs(self.skew) > SKEWED and answer.status < 400:  # noqa: PLR2004 - a refusal says more
            words = f"{self.where}: {clocks.words(self.skew, WHOSE)}, so that no bucket is what it seems: set the clock"
            return Failed(Unavailable(Who.OPERATOR, words), about=About.CLOCK)
        return answers.read(request, answer, path, self.where, now)

    def _patient(self, gate: Gate, path: str) -> Failed:
        at = self.now() + gate.closed_for
        words = (
            f"{self.where} asks for patience with {path.partition('/')[0]} until {at:%H:%M:%S} UTC (HTTP 429)"
        )
        return Failed(Unavailable(Who.PROVIDER, words, at))
