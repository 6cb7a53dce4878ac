"""One check that is made again and again: a request, and whether its answer is good."""

import json
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable
from urllib.parse import urlsplit

import structlog

from rules.sample import Invalid, Unavailable, Who
from watcher.http import Answer, Fault, Http, HttpRefused, Request
from watcher.signals.late import were_late
from watcher.signals.probe.health import wrong_health
from watcher.signals.probe.query import Expect, Query, Starting, Statuses, Tls, Version

MOST = 1024 * 1024  # bytes of an answer
LONGEST_VERSION = 128
LONGEST_TEXT = 100  # bytes of a health document that is but a word
log = structlog.stdlib.get_logger("rollbackd.signals")


class Reason(StrEnum):
    """Why a probe is bad; the first thing that failed, on the way of a request.

    ``STARTING`` is bad only if it lasts: the address itself says that a release is just being put there.
    """

    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    CONNECT_TIMEOUT = "connect_timeout"
    TLS = "tls"
    DISCONNECTED = "disconnected"
    READ_TIMEOUT = "read_timeout"
    STATUS = "status"
    HEADER = "header"
    BODY = "body"
    JSON = "json"
    SLOW = "slow"
    STARTING = "starting"
    REDIRECT = "redirect"  # to where nobody may follow
    CAPTURE = "capture"  # a step gave nothing to carry on
    DEADLINE = "deadline"  # of a suite
    ASSET = "asset"  # a file of a page is missing, or another one


_REASONS = {
    Fault.UNREACHABLE: Reason.UNREACHABLE,
    Fault.REFUSED: Reason.REFUSED,
    Fault.CONNECT_TIMEOUT: Reason.CONNECT_TIMEOUT,
    Fault.TLS: Reason.TLS,
    Fault.DISCONNECTED: Reason.DISCONNECTED,
    Fault.READ_TIMEOUT: Reason.READ_TIMEOUT,
    Fault.ENCODING: Reason.BODY,
    Fault.MALFORMED: Reason.BODY,
    Fault.TRUNCATED: Reason.BODY,
    Fault.TOO_LARGE: Reason.BODY,
}
_NO_SIGN = frozenset({Reason.UNREACHABLE, Reason.CONNECT_TIMEOUT})


@dataclass(frozen=True, slots=True)
class Probed:
    """What one probe came to.

    Attributes:
        reason: ``None`` for a good one.
        version: What the answer called itself.
        answered: Of several requests one was answered before another failed.
    """

    reason: Reason | None
    words: str = ""
    version: str | None = None
    answered: bool = False

    @property
    def got_through(self) -> bool:
        """Something at the other end reacted: the network between is well."""
        return self.answered or self.reason not in _NO_SIGN


Seen = Probed | Unavailable | Invalid


@runtime_checkable
class Hosted(Protocol):
    """Something that is probed at a host: where no sign comes from any other either, it is our network."""

    @property
    def host(self) -> str:
        """Its name, or its address."""


class Noting:
    """Counts the probes of one host that failed, and says in the log when it begins and when it is over."""

    def __init__(self, host: str, count: Callable[[Reason], None]) -> None:
        self._host = host
        self._count = count
        self._last = ""

    def __call__(self, seen: Seen) -> Seen:
        """*seen*; counted, and said once when it changes."""
        what = "" if isinstance(seen, Probed) and seen.reason is None else seen.words
        if isinstance(seen, Probed) and seen.reason is not None:
            self._count(seen.reason)
        if what and not self._last:
            log.info("probe.failed", host=self._host, words=what)
        if self._last and not what:
            log.info("probe.recovered", host=self._host)
        self._last = what
        return seen


class Check:
    """One address that is probed."""

    def __init__(
        self, url: str, query: Query, http: Http, now: Callable[[], datetime], count: Callable[[Reason], None]
    ) -> None:
        self.host = urlsplit(url).hostname or ""
        self._url = url
        self._query = query
        self._http = http
        self._now = now
        self._noted = Noting(self.host, count)
        self._request: Request | None = None

    async def look(self, _at: datetime) -> Seen:
        """Probe once, on a connection of its own."""
        try:
            self._request = self._request or self._prepared()
            answer = await self._http.send(self._request)
        except HttpRefused as refused:
            return self._noted(unanswered(refused))
        except OSError as error:
            return Invalid(
                Who.OPERATOR,
                f"the authorities in `ca` cannot be read: {error.strerror or type(error).__name__}",
            )
        return self._noted(judged(self._query, answer, self._now()))

    def begin_anew(self) -> None:
        """Nothing is remembered between two probes."""

    def weight(self, _seen: object) -> int:
        """One."""
        return 1

    def _prepared(self) -> Request:
        query = self._query
        return Request(
            "http",
            self._url,
            query.method,
            query.headers,
            timeout=query.patience,
            most=MOST,
            far=Who.SERVICE,
            fresh=True,
            tls=context_of(query.tls),
        )


def judged(query: Query, answer: Answer, now: datetime) -> Seen:
    """Whether *answer* is what the query expects, and which version it says it is of."""
    seen = weighed(query.expect, answer)
    if starting := _starting(query.starting, answer):
        return Probed(Reason.STARTING, starting, seen.version)
    if seen.reason is not None:
        return seen
    if soon := _ends_soon(query, answer, now):
        return Probed(Reason.TLS, soon, seen.version)
    return too_slow(query.slower_than, answer, seen.version) or seen


def weighed(expect: Expect, answer: Answer) -> Probed:
    """The same, of what the answer says alone."""
    asks_json = expect.json_ or expect.health or (expect.version and expect.version.json_)
    body = _json(answer) if asks_json else None
    version = _version(expect.version, answer, body) if expect.version else None
    unhealthy = _wrong_health(expect, answer, body)
    for reason, words in (
        (Reason.STATUS, _with(_wrong_status(expect, answer), unhealthy)),
        (Reason.HEADER, _wrong_header(expect, answer)),
        (Reason.BODY, _wrong_text(expect, answer)),
        (Reason.BODY, unhealthy),
        (Reason.JSON, _wrong_json(expect, body)),
    ):
        if words:
            return Probed(reason, words, version)
    return Probed(None, version=version)


def unanswered(refused: HttpRefused) -> Seen:
    """What it means that there was no answer: bad, or our own trouble."""
    if refused.late:
        return were_late(refused.late)
    reason = _REASONS.get(refused.fault)
    if reason is not None:
        return Probed(reason, refused.words)
    if refused.who is Who.AUTHOR:
        return Invalid(refused.who, refused.words)
    return Unavailable(refused.who, refused.words, remedy=refused.way)


def context_of(tls: Tls) -> ssl.SSLContext | None:
    """How the certificate is checked; ``None``: as everywhere.

    Raises:
        OSError: The authorities cannot be read.
    """
    if tls.verify and tls.ca is None:
        return None
    context = ssl.create_default_context(cafile=tls.ca)
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _starting(sign: Starting | None, answer: Answer) -> str:
    if sign is None or not _is_in(sign.status, answer) or sign.text.encode() not in answer.body:
        return ""
    return f"HTTP {answer.status}, and it says that it is starting"


def _wrong_status(expect: Expect, answer: Answer) -> str:
    return "" if _is_in(expect.status, answer) else f"HTTP {answer.status}"


def _is_in(statuses: Statuses, answer: Answer) -> bool:
    return any(first <= answer.status <= last for first, last in statuses)


def _wrong_header(expect: Expect, answer: Answer) -> str:
    wrong = [name for name, value in expect.header.items() if answer.headers.get(name.lower()) != value]
    return f"the header {wrong[0]} is not what it should be" if wrong else ""


def _wrong_text(expect: Expect, answer: Answer) -> str:
    if expect.text is not None and expect.text.encode() not in answer.body:
        return f"{expect.text[:40]!r} is not in the answer"
    found = next((text for text in expect.not_text if text.encode() in answer.body), None)
    return "" if found is None else f"{found[:40]!r} is in the answer"


def _wrong_health(expect: Expect, answer: Answer, body: Any) -> str:
    if expect.health is None:
        return ""
    text = answer.body[:LONGEST_TEXT].decode("utf-8", "replace")
    return wrong_health(expect.health, text if body is _Missing else body)


def _with(words: str, more: str) -> str:
    """*words*, where there are any, and *more* to say why."""
    return f"{words}: {more}" if words and more else words


def _wrong_json(expect: Expect, body: Any) -> str:
    for wanted in expect.json_:
        found = standing_at(body, wanted.path)
        if type(found) is not type(wanted.equals) and not _are_numbers(found, wanted.equals):
            return f"{wanted.path} is {_shown(found)}, not {_shown(wanted.equals)}"
        if found != wanted.equals:
            return f"{wanted.path} is {_shown(found)}, not {_shown(wanted.equals)}"
    return ""


def _are_numbers(*values: Any) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def _ends_soon(query: Query, answer: Answer, now: datetime) -> str:
    if query.tls.min_days is None or answer.certificate_until is None:
        return ""
    left = answer.certificate_until - now
    return f"its certificate ends in {left.days} days" if left < timedelta(days=query.tls.min_days) else ""


def too_slow(limit: timedelta | None, answer: Answer, version: str | None) -> Seen | None:
    """That *answer*, of *version*, came too late, or that nobody knows for our own lateness; ``None`` if it was in time."""
    if limit is None or answer.seconds <= limit.total_seconds():
        return None
    if answer.seconds - answer.late <= limit.total_seconds():
        return were_late(answer.late)
    return Probed(Reason.SLOW, f"it took {answer.seconds:.2g} s", version)


def _version(where: Version, answer: Answer, body: Any) -> str | None:
    """What the answer calls its release; ``None`` where it says nothing."""
    found = answer.headers.get(where.header.lower()) if where.header else standing_at(body, where.json_ or "")
    if isinstance(found, bool) or not isinstance(found, str | int | float):
        return None
    return str(found).strip()[:LONGEST_VERSION] or None


class _Missing:
    """What a path leads to, where it leads nowhere."""


def _json(answer: Answer) -> Any:
    """The body; `_Missing` where it is no JSON, or one that is made to hurt."""
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        return _Missing


def standing_at(body: Any, path: str) -> Any:
    """What stands in *body* at *path* (``entries.db[0].status``)."""
    for key in re.findall(r"[^.\[\]]+", path):
        if isinstance(body, dict):
            body = body.get(key, _Missing)
        elif isinstance(body, list) and key.isdigit() and int(key) < len(body):
            body = body[int(key)]
        else:
            return _Missing
    return body


def _shown(value: Any) -> str:
    if value is _Missing:
        return "not there"
    return f"{value!r:.40}" if isinstance(value, str | int | float | None) else f"a {type(value).__name__}"
