"""How a system that markers are put into is asked: JSON there and back, over our guarded HTTP; nothing is tried again here."""

import json
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlencode

from pydantic import SecretStr, TypeAdapter, ValidationError

from watcher.http import Answer, Http, HttpRefused, Request, refusal
from watcher.http.answer import without_secrets

MOST_ANSWER = 1024 * 1024  # bytes
LONGEST_WAIT = timedelta(hours=1)  # that a system is believed
JSON = {"Content-Type": "application/json", "Accept": "application/json"}
T = TypeVar("T")


class Refusing(Exception):
    """The system answered, and not by its status: it does not take the marker, or it is not the system at all.

    Attributes:
        words: For people: what it said, and what to do.
        said: The former alone.
        remedy: The latter, where it is known.
        is_for_good: Asking again will not help.
    """

    def __init__(self, said: str, remedy: str = "", *, is_for_good: bool = True) -> None:
        self.words = f"{said}; {remedy}" if remedy else said
        super().__init__(self.words)
        self.said = said
        self.remedy = remedy
        self.is_for_good = is_for_good


def _never(_headers: Mapping[str, str], _now: datetime) -> datetime | None:
    return None


@dataclass(frozen=True, slots=True)
class Far:
    """One system, with the keys of a connection.

    Attributes:
        system: A label of the metrics.
        base: Its address, without a slash at its end.
        resets: When it may be asked again, as its headers (by lower-case name) say beside a 429 without `Retry-After`.
    """

    system: str
    base: str
    http: Http
    now: Callable[[], datetime]
    secrets: Mapping[str, SecretStr]
    timeout: timedelta
    resets: Callable[[Mapping[str, str], datetime], datetime | None] = _never
    tls: ssl.SSLContext | None = None

    async def get(self, path: str, shape: TypeAdapter[T], *parameters: tuple[str, str]) -> T:
        """What stands at *path*.

        Raises:
            HttpRefused: Nobody answered, or the system refuses.
            Refusing: The answer is not of *shape*.
        """
        query = f"?{urlencode(parameters)}" if parameters else ""
        return await self._asked("GET", f"{path}{query}", None, shape)

    async def post(self, path: str, content: Mapping[str, Any], shape: TypeAdapter[T]) -> T:
        """What is answered to *content*. Raises the same."""
        return await self._asked("POST", path, json.dumps(content, separators=(",", ":")).encode(), shape)

    async def patch(self, path: str, content: Mapping[str, Any]) -> None:
        """Change what stands at *path*; what is answered beside the status is not looked at.

        Raises:
            HttpRefused: Nobody answered, or the system refuses.
        """
        await self._answered("PATCH", path, json.dumps(content, separators=(",", ":")).encode())

    async def _asked(self, method: str, path: str, body: bytes | None, shape: TypeAdapter[T]) -> T:
        answer = await self._answered(method, path, body)
        try:
            return shape.validate_json(answer.body)
        except ValidationError as error:
            words, remedy = "what answers there is something else", "is the address that of its API?"
            raise Refusing(words, remedy, is_for_good=False) from error

    async def _answered(self, method: str, path: str, body: bytes | None) -> Answer:
        url = f"{self.base}{path}"
        request = Request(
            self.system,
            url,
            method,
            JSON,
            self.secrets,
            body,
            timeout=self.timeout,
            most=MOST_ANSWER,
            tls=self.tls,
        )
        answer, now = await self.http.send(request), self.now()
        refused = refusal(request, answer, now)
        if refused is not None:
            raise self._when(refused, answer.headers, now)
        return answer

    def clean(self, text: str) -> str:
        """*text*, which the system says, without our keys: it may repeat what it was sent."""
        return without_secrets(Request(self.system, self.base, secrets=self.secrets), text)

    def _when(self, refused: HttpRefused, headers: Mapping[str, str], now: datetime) -> HttpRefused:
        at = refused.retry_at or self.resets(headers, now)
        until = None if at is None else min(max(at, now), now + LONGEST_WAIT)
        return HttpRefused(refused.who, refused.words, refused.fault, status=refused.status, retry_at=until)
