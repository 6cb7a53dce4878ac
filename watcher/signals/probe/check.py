"""One check that is made again and again: a request, and whether its answer is good."""

import json
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

import structlog

from rules.sample import Invalid, Unavailable, Who
from watcher.http import Answer, Fault, Http, HttpRefused, Request
from watcher.signals.probe.query import Expect, Query, Starting, Statuses, Version

MOST = 1024 * 1024  # bytes of an answer
LONGEST_VERSION = 128
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


_REASONS = {
    Fault.UNREACHABLE: Reason.UNREACHABLE,
    Fault.REFUSED: Reason.REFUSED,
    Fault.CONNECT_TIMEOUT: Reason.CONNECT_TIMEOUT,
    Fault.TLS: Reason.TLS,
    Fault.DISCONNECTED: Reason.DISCONNECTED,
    Fault.READ_TIMEOUT: Reason.READ_TIMEOUT,
    Fault.MALFORMED: Reason.BODY,
    Fault.TRUNCATED: Reason.BODY,
    Fault.TOO_LARGE: Reason.BODY,
}
_NO_SIGN = frozenset({Reason.UNREACHABLE, Reason.CONNECT_TIMEOUT})


@dataclass(frozen=True, slots=True)
class Probed:
    """What one probe came to. *reason* is ``None`` for a good one; *version* is what the answer called itself."""

    reason: Reason | None
    words: str = ""
    version: str | None = None

    @property
    def got_through(self) -> bool:
        """Something at the other end reacted: the network between is well."""
        return self.reason not in _NO_SIGN


Seen = Probed | Unavailable | Invalid


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
        self._count = count
        self._request: Request | None = None
        self._last = ""

    async def look(self, _at: datetime) -> Seen:
        """Probe once, on a connection of its own."""
        try:
            self._request = self._request or self._prepared()
            answer = await self._http.send(self._request)
        except HttpRefused as refused:
            return self._noted(_unanswered(refused))
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
            tls=_tls(query),
        )

    def _noted(self, seen: Seen) -> Seen:
        """*seen*; counted, and said once when it changes."""
        what = "" if isinstance(seen, Probed) and seen.reason is None else seen.words
        if isinstance(seen, Probed) and seen.reason is not None:
            self._count(seen.reason)
        if what and not self._last:
            log.info("probe.failed", host=self.host, words=what)
        if self._last and not what:
            log.info("probe.recovered", host=self.host)
        self._last = what
        return seen


def judged(query: Query, answer: Answer, now: datetime) -> Probed:
    """Whether *answer* is what the query expects, and which version it says it is of."""
    body = (
        _json(answer) if query.expect.json_ or (query.expect.version and query.expect.version.json_) else None
    )
    version = _version(query.expect.version, answer, body) if query.expect.version else None
    for reason, words in (
        (Reason.STARTING, _starting(query.starting, answer)),
        (Reason.STATUS, _wrong_status(query.expect, answer)),
        (Reason.HEADER, _wrong_header(query.expect, answer)),
        (Reason.BODY, _wrong_text(query.expect, answer)),
        (Reason.JSON, _wrong_json(query.expect, body)),
        (Reason.TLS, _ends_soon(query, answer, now)),
        (Reason.SLOW, _too_slow(query, answer)),
    ):
        if words:
            return Probed(reason, words, version)
    return Probed(None, version=version)


def _unanswered(refused: HttpRefused) -> Seen:
    reason = _REASONS.get(refused.fault)
    if reason is not None:
        return Probed(reason, refused.words)
    if refused.who is Who.AUTHOR:
        return Invalid(refused.who, refused.words)
    return Unavailable(refused.who, refused.words)


def _tls(query: Query) -> ssl.SSLContext | None:
    """How the certificate is checked; ``None``: as everywhere.

    Raises:
        OSError: The authorities cannot be read.
    """
    if query.tls.verify and query.tls.ca is None:
        return None
    context = ssl.create_default_context(cafile=query.tls.ca)
    if not query.tls.verify:
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


def _wrong_json(expect: Expect, body: Any) -> str:
    for wanted in expect.json_:
        found = _at(body, wanted.path)
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


def _too_slow(query: Query, answer: Answer) -> str:
    if query.slower_than is None or answer.seconds <= query.slower_than.total_seconds():
        return ""
    return f"it took {answer.seconds:.2g} s"


def _version(where: Version, answer: Answer, body: Any) -> str | None:
    """What the answer calls its release; ``None`` where it says nothing."""
    found = answer.headers.get(where.header.lower()) if where.header else _at(body, where.json_ or "")
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


def _at(body: Any, path: str) -> Any:
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
