"""What a request may cost before anybody has read it: bytes, seconds, nesting, and how many at once.

aiohttp closes a connection whose headers are slow, and never one whose body is; it hands a compressed body over as it
unpacks; and ``json`` takes NaN, doubled keys and numbers that take seconds to convert. All three end here.
"""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any, NoReturn, Protocol

from aiohttp import web

from watcher.api.problems import Declined, Mistake, malformed

JSON_REMEDY = "send one JSON object, each key once, as UTF-8"
CROWDED_FOR = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of everything.

    Attributes:
        body_bytes: Of one body; some hundred times what the longest order needs.
        body_timeout: From the end of the headers to the end of the body.
        slow: After which the body of one who has not signed may go for another's: 256 KiB need 2 Mbit/s for it.
        at_once: Requests in hand of those who show a token; the daemon needs its loop for the watches.
        signed: The same of each route whose callers sign; and of it, so many bodies that are being read (`readers`). Before they
            have signed, they may be anybody: however many they are, and however slow, they take no room from whoever gives an
            order, and hardly any from each other.
        waiting: Of those with a token, how many may wait (``?wait=``): the others must find room.
        longest_wait: A longer ``?wait=`` is cut to this: load balancers cut at 60 s.
        bad_tokens: Refused tokens of one address, before the answer says to wait.
    """

    body_bytes: int = 256 * 1024
    body_timeout: timedelta = timedelta(seconds=10)
    slow: timedelta = timedelta(seconds=1)
    at_once: int = 256
    signed: int = 128
    waiting: int = 128
    longest_wait: timedelta = timedelta(seconds=50)
    bad_tokens: int = 10


class Crowd:
    """How many are in hand now, and no more than that."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._in_hand = 0

    @contextmanager
    def enter(self) -> Iterator[None]:
        """Be one of them, for a while.

        Raises:
            Declined: They are too many.
        """
        if self._in_hand >= self._most:
            raise crowded(self._most, CROWDED_FOR)
        self._in_hand += 1
        try:
            yield
        finally:
            self._in_hand -= 1


def crowded(most: int, after: timedelta) -> Declined:
    """They are too many."""
    return Declined(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "crowded",
        f"{most} requests are in hand already",
        remedy="try again in a second; a pipeline should wait with one request at a time",
        retry_after=after,
    )


class Read(Protocol):
    """A body that may have to go before its time."""

    deadline: asyncio.Timeout | None
    gone: bool


@dataclass
class Unhurried:
    """One whose place nobody takes."""

    deadline: asyncio.Timeout | None = None
    gone: bool = False


async def body_of(
    request: web.Request,
    limits: Limits,
    send_less: str = "",
    takes: str = "application/json",
    also_takes: str = "",
    read: Read | None = None,
) -> bytes:
    """The body, whole.

    Args:
        request: Whose.
        limits: How large, and how slow.
        send_less: What to do where it is too large.
        takes: Its media type.
        also_takes: Another one.
        read: It may have to go for others.

    Raises:
        Declined: It is too large (413), too slow (408), compressed or of another kind (415).
        ConnectionError: Whoever sent it is gone.
    """
    if request.content_type not in {takes, also_takes or takes}:
        raise _unsupported(f"the body is not declared as {takes}", f"send `Content-Type: {takes}`")
    _refuse_by_its_headers(request, limits, send_less)
    read = read or Unhurried()
    try:
        async with asyncio.timeout(limits.body_timeout.total_seconds()) as read.deadline:
            return await _read(request, limits, send_less)
    except TimeoutError as error:
        slow = f"the body did not come within {limits.body_timeout.total_seconds():g} s"
        raise Declined(
            HTTPStatus.REQUEST_TIMEOUT,
            "too-slow",
            "the body came slowly, and others needed the room" if read.gone else slow,
            remedy="send it in one piece",
        ) from error


def guard(body: bytes) -> None:
    """See that *body* is JSON without a trick in it: no NaN, no doubled key, no abyss, no endless number.

    Raises:
        Declined: It is not.
    """
    try:
        json.loads(body, parse_constant=_constant, object_pairs_hook=_once_each)
    except RecursionError as error:
        raise _not_json("nested too deeply") from error
    except UnicodeDecodeError as error:
        raise _not_json("not UTF-8") from error
    except json.JSONDecodeError as error:
        raise _not_json(f"{error.msg}, at line {error.lineno}, column {error.colno}") from error
    except ValueError as error:  # a doubled key, a constant, an integer of more than 4,300 digits
        raise _not_json(str(error)[:200]) from error


def _refuse_by_its_headers(request: web.Request, limits: Limits, send_less: str) -> None:
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise _unsupported("the body is compressed", "send it as it is")
    if (request.content_length or 0) > limits.body_bytes:
        raise _too_large(limits, send_less)


async def _read(request: web.Request, limits: Limits, send_less: str) -> bytes:
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > limits.body_bytes:
            raise _too_large(limits, send_less)
    return bytes(body)


def _too_large(limits: Limits, send_less: str) -> Declined:
    return Declined(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "too-large",
        "the body is too large",
        remedy=f"send at most {limits.body_bytes // 1024} KiB" + (f": {send_less}" if send_less else ""),
    )


def _unsupported(detail: str, remedy: str) -> Declined:
    return Declined(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported", detail, remedy=remedy)


def _not_json(what: str) -> Declined:
    return malformed("the body is not JSON", [Mistake(where="", what=what)], JSON_REMEDY)


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key[:80]!r} stands twice")
        found[key] = value
    return found
