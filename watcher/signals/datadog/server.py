"""One site of Datadog, asked with both keys, as often as its limits allow."""

import asyncio
import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import urlencode

from pydantic import BaseModel, SecretStr

from deploy.model import About
from rules.sample import Unavailable, Who
from watcher.http import Answer, Http, HttpRefused, Request, refusal
from watcher.signals import clocks
from watcher.signals.budget import Budget
from watcher.signals.datadog import answer as answers
from watcher.signals.datadog.answer import SKEWED, Failed
from watcher.signals.datadog.limits import Closed, Limits
from watcher.signals.datadog.settings import Settings

AT_ONCE = 4  # calls
SHORTEST = timedelta(milliseconds=100)
JSON = {"Content-Type": "application/json", "Accept": "application/json"}
Model = TypeVar("Model", bound=BaseModel)


class Server:
    """Where is asked.

    Attributes:
        settings: Of the connection.
        limits: Shared with whoever asks with the same key.
        skew: How far our clock was ahead of theirs at the last answer; ``None`` before there was one.
    """

    def __init__(
        self, settings: Settings, http: Http, now: Callable[[], datetime], limits: Limits, budget: Budget
    ) -> None:
        self.settings = settings
        self.limits = limits
        self.skew: timedelta | None = None
        self._http = http
        self._budget = budget
        self._now = now
        self._gate = asyncio.Semaphore(AT_ONCE)

    @property
    def where(self) -> str:
        """For people."""
        return f"Datadog ({self.settings.place})"

    async def post(
        self, path: str, body: Mapping[str, Any], model: type[Model], scope: str, timeout: timedelta
    ) -> Model | Failed:
        """The answer to *body*, for which the application key needs *scope*. A fault is a value."""
        data = json.dumps(body, separators=(",", ":")).encode()
        return await self._asked(
            Request(
                "datadog",
                f"{self.settings.base}{path}",
                "POST",
                JSON,
                self._secrets(),
                data,
                max(timeout, SHORTEST),
            ),
            path,
            model,
            scope,
        )

    async def get(
        self,
        path: str,
        parameters: Mapping[str, str],
        model: type[Model],
        scope: str,
        timeout: timedelta,
        way: str | None = None,
    ) -> Model | Failed:
        """The same of a GET; *way*: the path, without what differs from one to the next."""
        url = f"{self.settings.base}{path}{'?' if parameters else ''}{urlencode(parameters)}"
        request = Request("datadog", url, "GET", JSON, self._secrets(), None, max(timeout, SHORTEST))
        return await self._asked(request, way or path, model, scope)

    def _secrets(self) -> dict[str, SecretStr]:
        return {"DD-API-KEY": self.settings.api_key, "DD-APPLICATION-KEY": self.settings.application_key}

    async def _asked(self, request: Request, way: str, model: type[Model], scope: str) -> Model | Failed:
        """Who waits for a turn does not hold up those whose turn it is."""
        async with self.limits.turn(way), self._gate:
            closed = self.limits.closed(way)
            if closed is not None:
                return self._patience(closed)
            try:
                answer = await self._http.send(request)
            except HttpRefused as refused:
                return answers.unanswered(refused, self.where)
            return self._read(request, answer, way, model, scope)

    def _read(
        self, request: Request, answer: Answer, way: str, model: type[Model], scope: str
    ) -> Model | Failed:
        now = self._now()
        refusing = refusal(request, answer, now)
        closed = self.limits.heard(way, answer, refusing.retry_at if refusing else None, self._budget)
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS and closed is not None:
            return self._patience(closed)
        failed = answers.refused(request, answer, scope, self.where, now)
        if failed is not None:
            return failed
        self.skew = clocks.ahead(answer.headers, now)
        if self.skew is not None and abs(self.skew) > SKEWED:
            return Failed(Unavailable(Who.OPERATOR, self.skew_words), about=About.CLOCK)
        return answers.read(request, answer, model, self.where)

    @property
    def skew_words(self) -> str:
        """How our clock stands to theirs."""
        return clocks.words(self.skew or timedelta(0), f"that of {self.where}")

    def _patience(self, closed: Closed) -> Failed:
        words = f"{self.where}: the limit {closed.name!r} is used up until {closed.until:%H:%M:%S} UTC"
        return Failed(Unavailable(Who.PROVIDER, words, closed.until))
