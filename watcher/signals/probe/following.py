"""Requests of one probe that lead to more requests: redirects, and the time that is left for all of them."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from http import HTTPStatus
from urllib.parse import urljoin, urlsplit

from watcher.http import BY_TIME, Answer, Cookies, Fault, Http, HttpRefused, Late, Request, too_late
from watcher.signals.late import were_late
from watcher.signals.probe.check import Probed, Reason, Seen, unanswered

MOST_HOPS = 5
LEAST = timedelta(milliseconds=1)
_SEE_OTHER = {HTTPStatus.MOVED_PERMANENTLY, HTTPStatus.FOUND, HTTPStatus.SEE_OTHER}
_SAME_AGAIN = {HTTPStatus.TEMPORARY_REDIRECT, HTTPStatus.PERMANENT_REDIRECT}
_PORTS = {"http": 80, "https": 443}


class Astray(Exception):
    """A redirect leads to where nobody may follow. The message says it, by the origin alone."""


class TooLate(Exception):
    """No time is left."""


class Deadline:
    """The time for several requests together; it begins when it is made, where an event loop runs.

    Args:
        whole: All of it.
        late: For how many seconds the loop was late since then.
    """

    def __init__(self, whole: timedelta, late: Late) -> None:
        self._whole = whole
        self._late = late
        self.words = f"the {whole.total_seconds():g} s of the whole"
        self._clock = asyncio.get_running_loop().time
        self._end = self._clock() + whole.total_seconds()

    def within(self, patience: timedelta) -> timedelta:
        """How long the next request may take: *patience*, or what is left.

        Raises:
            TooLate: Nothing is left.
        """
        left = timedelta(seconds=self._end - self._clock())
        if left < LEAST:
            raise TooLate
        return min(patience, left)

    @property
    def is_over(self) -> bool:
        """Nothing is left."""
        return self._clock() > self._end - LEAST.total_seconds()

    @property
    def late(self) -> float:
        """For so many seconds of it our own loop stood still, where that is too much of it; else 0."""
        return too_late(self._late(), self._whole)


@dataclass(frozen=True, slots=True)
class Landed:
    """The answer at the end of the way, and the address that it came from."""

    url: str
    answer: Answer


@dataclass(frozen=True, slots=True)
class Following:
    """Sends requests, and follows where they lead.

    Attributes:
        may: Whether a redirect may be followed, from which address to which.
        deadline: Of all that is sent through it.
        cookies: Kept between its requests; ``None`` where none are.
    """

    http: Http
    may: Callable[[str, str], bool]
    deadline: Deadline
    cookies: Cookies | None = None

    async def go(self, request: Request, patience: timedelta) -> Landed:
        """The answer to *request*, or to what it leads to.

        Each hop is checked as a first request is: where it may go, and which addresses may be connected to.

        Raises:
            Astray: It leads elsewhere, or in a circle.
            TooLate: No time is left to ask.
            HttpRefused: There was no answer.
        """
        for _ in range(MOST_HOPS + 1):
            answer = await self.ask(request, patience)
            onward = _onward(request, answer)
            if onward is None:
                return Landed(request.url, answer)
            if not self.may(request.url, onward.url):
                raise Astray(f"{request.origin}: HTTP {answer.status}, a redirect to {onward.origin}")
            # What was meant for one origin (a header that routes, a secret) is not for another.
            stays = same_site(request.url, onward.url)
            request = onward if stays else replace(onward, headers={}, secrets={})
        raise Astray(f"{request.origin}: more than {MOST_HOPS} redirects")

    async def ask(self, request: Request, patience: timedelta) -> Answer:
        """The answer to *request* itself, whatever it is.

        Raises:
            TooLate: No time is left to ask.
            HttpRefused: There was none.
        """
        said = self.cookies.header(request.url) if self.cookies else ""
        headers = _with_cookies(request.headers, said) if said else request.headers
        answer = await self.http.send(
            replace(request, headers=headers, timeout=self.deadline.within(patience))
        )
        if self.cookies:
            self.cookies.keep(request.url, answer.set_cookies)
        return answer


def unfinished(failure: Astray | TooLate | HttpRefused, deadline: Deadline) -> Seen:
    """What it means that one of several requests came to no answer that can be weighed."""
    if isinstance(failure, Astray):
        return Probed(Reason.REDIRECT, str(failure))
    by_time = isinstance(failure, TooLate) or failure.fault in BY_TIME
    late = deadline.late or (0.0 if isinstance(failure, TooLate) else failure.late)
    if late and by_time:
        return were_late(late)
    if isinstance(failure, TooLate):
        return Probed(Reason.DEADLINE, f"not asked within {deadline.words}")
    if failure.fault is Fault.READ_TIMEOUT and deadline.is_over:
        return Probed(Reason.DEADLINE, f"no complete answer within {deadline.words}")
    return unanswered(failure)


def same_site(start: str, to: str) -> bool:
    """*to* is of the same origin as *start*, or the same host by HTTPS: nothing that is sent there comes to a stranger."""
    before, after = origin_of(start), origin_of(to)
    if before is None or after is None:
        return False
    upgraded = ("https", before[1], _PORTS["https"])
    return after == before or (before[0] == "http" and before[2] == _PORTS["http"] and after == upgraded)


def origin_of(url: str) -> tuple[str, str, int] | None:
    """Scheme, host and port; ``None`` for what is no address in HTTP."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS[parts.scheme]
    except (ValueError, KeyError):
        return None
    return (parts.scheme, parts.hostname, port) if parts.hostname and parts.username is None else None


def _onward(request: Request, answer: Answer) -> Request | None:
    """The request that *answer* asks for instead; ``None`` if it asks for none."""
    where = answer.headers.get("location")
    if where is None or answer.status not in _SEE_OTHER | _SAME_AGAIN:
        return None
    try:
        url = urljoin(request.url, where.strip()).partition("#")[0]
    except ValueError:
        raise Astray(f"{request.origin}: HTTP {answer.status}, a redirect to what is no address") from None
    keeps = answer.status in _SAME_AGAIN or request.method in {"GET", "HEAD"}
    if keeps:
        return replace(request, url=url)
    headers = {name: value for name, value in request.headers.items() if name.lower() != "content-type"}
    return replace(request, url=url, method="GET", body=None, headers=headers)


def _with_cookies(headers: Mapping[str, str], said: str) -> Mapping[str, str]:
    """*headers* with the cookies that were kept, after those that stand there."""
    own = [value for name, value in headers.items() if name.lower() == "cookie"]
    rest = {name: value for name, value in headers.items() if name.lower() != "cookie"}
    return {**rest, "Cookie": "; ".join([*own, said])}
