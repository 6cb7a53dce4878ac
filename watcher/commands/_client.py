"""Speaks to a running daemon. With the standard library alone: a pipeline's ``wait`` and a container's check start fast.

What goes wrong becomes a message with a remedy and an exit status: 2 usage, 3 refused, 4 unavailable.
"""

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from types import MappingProxyType
from typing import Any, ClassVar
from urllib.parse import quote, urlencode, urlsplit

import click

USUAL_URL = "http://127.0.0.1:8080"
SECONDS = 10.0
LONGEST_ANSWER = 16 * 1024 * 1024
BAD_REQUEST, NOT_FOUND, SERVER_ERROR = 400, 404, 500


class Failed(click.ClickException):
    """Said on stderr: what happened, and what to do about it. Its `exit_code` is the process's."""

    def __init__(self, message: str, remedy: str, problem: Mapping[str, Any] = MappingProxyType({})) -> None:
        super().__init__(message)
        self.remedy = remedy
        self.problem = problem  # as the daemon told it, if it did

    def format_message(self) -> str:
        """Two lines."""
        return f"{self.message}\n    try: {self.remedy}" if self.remedy else self.message


class Misused(Failed):
    """What was asked for cannot be meant, or there is no such thing."""

    exit_code: ClassVar[int] = 2


class Refused(Failed):
    """The daemon understood, and says no."""

    exit_code: ClassVar[int] = 3


class Unreachable(Failed):
    """Nobody answers, or says that it cannot now. Trying again may help."""

    exit_code: ClassVar[int] = 4


@dataclass(frozen=True, slots=True)
class Client:
    """One daemon.

    Attributes:
        seconds: How long one answer may take, beside what it was asked to wait.
        pause: Waits some seconds between tries.
        tries: How often an answer that is safe to ask for again is asked for.
    """

    url: str
    token: str = ""
    seconds: float = SECONDS
    pause: Callable[[float], None] = time.sleep
    tries: int = 3

    def get(self, path: str, wait: float = 0.0, **query: object) -> Any:
        """What is at *path*; *wait* seconds may pass before it is answered."""
        given = {name: value for name, value in query.items() if value is not None}
        if wait:
            given["wait"] = f"{wait * 1000:.0f}ms"
        return self._again(
            "GET", path + (f"?{urlencode(given)}" if given else ""), None, {}, self.seconds + wait
        )

    def post(self, path: str, body: Mapping[str, object], key: str) -> Any:
        """Send *body*; doing this twice with one *key* is harmless, so it is tried again where no answer comes."""
        given = {name: value for name, value in body.items() if value is not None}
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        return self._again("POST", path, json.dumps(given).encode(), headers, self.seconds)

    def once(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], seconds: float
    ) -> Any:
        """One request.

        Raises:
            Unreachable: No answer, or one that says "later".
            Misused: There is no such thing, or it was asked in a wrong way.
            Refused: The daemon says no.
        """
        parts = urlsplit(self.url)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        told = {"Accept": "application/json", "User-Agent": "rollbackd", **headers}
        if self.token:
            told["Authorization"] = f"Bearer {self.token}"
        connection = kind(parts.hostname or "", parts.port, timeout=seconds)
        try:
            connection.request(method, parts.path.rstrip("/") + path, body, told)
            return _read(connection.getresponse(), self.url)
        except (OSError, HTTPException) as error:
            words = str(error) or type(error).__name__
            raise Unreachable(
                f"no daemon answers at {self.url}: {words}", "ROLLBACKD_URL says where it listens"
            ) from error
        finally:
            connection.close()

    def _again(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], seconds: float
    ) -> Any:
        for number in range(1, self.tries):
            try:
                return self.once(method, path, body, headers, seconds)
            except Unreachable:
                self.pause(float(number))
        return self.once(method, path, body, headers, seconds)


def client() -> Client:
    """The daemon that the environment names.

    Raises:
        Misused: ROLLBACKD_URL is no address.
    """
    url = os.environ.get("ROLLBACKD_URL") or USUAL_URL
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username:
        raise Misused("ROLLBACKD_URL is not the address of a daemon", f"such as {USUAL_URL}")
    return Client(url, os.environ.get("ROLLBACKD_TOKEN", "").strip())


def at(*steps: str) -> str:
    """The path of *steps*; a slash within one is no step."""
    return "/" + "/".join(quote(step, safe="*:@+") for step in steps)


def _read(response: HTTPResponse, url: str) -> Any:
    raw = response.read(LONGEST_ANSWER)
    try:
        told = json.loads(raw)
    except ValueError:
        told = None
    if response.status < BAD_REQUEST:
        if told is None:
            raise Unreachable(
                f"what answers at {url} is no daemon of ours", "ROLLBACKD_URL says where it listens"
            )
        return told
    raise _refusal(response.status, told if isinstance(told, dict) else {}, url)


def _refusal(status: int, problem: Mapping[str, Any], url: str) -> Failed:
    words = str(problem.get("detail") or f"{url} answered {status}")
    remedy = str(problem.get("remedy") or "")
    if status >= SERVER_ERROR:
        return Unreachable(words, remedy)
    is_usage = status in {BAD_REQUEST, NOT_FOUND} or problem.get("type") == "urn:rollbackd:unknown-service"
    return Misused(words, remedy, problem) if is_usage else Refused(words, remedy, problem)
