"""What is asked, what comes back, and why nothing did: values.

Words never hold a secret: of a URL they name the origin alone (a path may be a password), and of an answer what the
far end said, without any value that was sent to it as a secret.
"""

import email.utils
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from http import HTTPStatus
from urllib.parse import urlsplit

from pydantic import SecretStr

from rules.sample import Who
from watcher.errors import WatcherError

MOST = 8 * 1024 * 1024  # bytes of a body: the largest pages of metrics are a few MiB
EXCERPT = 200  # characters of what the far end said
SHORTEST = 6  # characters of a secret that is looked for within words, as in logs
LONGEST_WAIT = timedelta(hours=1)  # that a `Retry-After` is believed


@dataclass(frozen=True, slots=True)
class Request:
    """One request.

    Attributes:
        system: Who asks (``scrape``, ``webhook``): a label of the metrics.
        secrets: Headers whose values are secret; no word of ours repeats them.
        timeout: Of everything: name, connection, request, answer and body.
        most: Bytes of a body, after decompression; a larger one is cut off.
        far: Who must act when the far end is at fault.
        fresh: On a connection of its own, with a name looked up anew.
        tls: How the far end's certificate is checked; by default against the system's authorities.
    """

    system: str
    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, SecretStr] = field(default_factory=dict)
    body: bytes | None = None
    timeout: timedelta = timedelta(seconds=10)
    most: int = MOST
    far: Who = Who.PROVIDER
    fresh: bool = False
    tls: ssl.SSLContext | None = None

    @property
    def origin(self) -> str:
        """``https://host:8080``, for people; nothing of the path, which may be a secret."""
        try:
            parts = urlsplit(self.url)
            port = f":{parts.port}" if parts.port else ""
        except ValueError:
            return "an address that is none"
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        return f"{parts.scheme}://{host}{port}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the far end answered, whatever the status.

    Attributes:
        headers: By lower-case name; of several of one name the last.
        body: Decompressed.
        seconds: From the beginning of the request to the end of the body.
        late: For so many of these seconds our own event loop stood still: they say nothing of the far end.
        certificate_until: When the far end's certificate ends; ``None`` without TLS, or where it is not checked.
        set_cookies: All that it said in ``Set-Cookie``: of that name there are several.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float
    certificate_until: datetime | None = None
    set_cookies: tuple[str, ...] = ()
    late: float = 0.0

    @property
    def media_type(self) -> str:
        """``text/plain``; empty where nothing is said."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class Fault(StrEnum):
    """What failed, in the order of a request."""

    BAD_URL = "bad_url"
    BLOCKED = "blocked"
    DNS = "dns"
    OURS = "ours"  # no more sockets, no route to any network
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    CONNECT_TIMEOUT = "connect_timeout"
    TLS = "tls"
    DISCONNECTED = "disconnected"
    READ_TIMEOUT = "read_timeout"
    ENCODING = "encoding"  # brotli, for example, which nobody asked for
    MALFORMED = "malformed"
    TRUNCATED = "truncated"
    TOO_LARGE = "too_large"
    STATUS = "status"


# Time may be all that it takes for these: ours is up, or theirs, and they have hung up.
BY_TIME = frozenset(
    {Fault.DNS, Fault.CONNECT_TIMEOUT, Fault.READ_TIMEOUT, Fault.DISCONNECTED, Fault.TRUNCATED}
)
_WAY = "is the way there open: network, proxy, security group?"
_REMEDIES = {
    Fault.BAD_URL: "correct the URL: http(s)://host, no user and no password",
    Fault.BLOCKED: "add its network to `daemon.reach`, if it is one of yours",
    Fault.DNS: "check the name, and the resolver of this machine",
    Fault.OURS: "check this machine's network and its limit of open files",
    Fault.UNREACHABLE: _WAY,
    Fault.REFUSED: "does it listen there: are host and port right, and is it up?",
    Fault.CONNECT_TIMEOUT: _WAY,
    Fault.TLS: "is it https there, and who signed its certificate? An authority of your own has to be named",
}


class HttpRefused(WatcherError):
    """No answer that could be used.

    Attributes:
        who: Must act.
        words: What happened, without secrets.
        fault: What failed.
        status: Of the answer, where there was one.
        retry_at: Not before, where the far end said so.
        late: For so many seconds our own event loop stood still meanwhile, where that may be why; else 0.
    """

    def __init__(
        self,
        who: Who,
        words: str,
        fault: Fault,
        *,
        status: int | None = None,
        retry_at: datetime | None = None,
    ) -> None:
        super().__init__(words, remedy=_REMEDIES.get(fault, "check the far end"))
        self.who = who
        self.words = words
        self.fault = fault
        self.status = status
        self.retry_at = retry_at
        self.late = 0.0

    @property
    def way(self) -> str:
        """What mends the way there; empty where there was an answer, of which whoever asked knows more."""
        return self.remedy if self.fault in _REMEDIES else ""


# Who can do something about a status; for any other it is whoever runs the far end.
_WHO = {
    HTTPStatus.UNAUTHORIZED: Who.OPERATOR,
    HTTPStatus.FORBIDDEN: Who.OPERATOR,
    HTTPStatus.PROXY_AUTHENTICATION_REQUIRED: Who.OPERATOR,
    HTTPStatus.BAD_REQUEST: Who.AUTHOR,
    HTTPStatus.NOT_FOUND: Who.AUTHOR,
    HTTPStatus.METHOD_NOT_ALLOWED: Who.AUTHOR,
    HTTPStatus.GONE: Who.AUTHOR,
    HTTPStatus.UNPROCESSABLE_ENTITY: Who.AUTHOR,
}


def refusal(request: Request, answer: Answer, now: datetime) -> HttpRefused | None:
    """Why *answer* is of no use, if its status says so; ``None`` for 2xx."""
    if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
        return None
    redirect = answer.status < HTTPStatus.BAD_REQUEST
    who = (
        Who.AUTHOR
        if redirect
        else _WHO.get(HTTPStatus(answer.status) if answer.status in _STATUSES else HTTPStatus.OK, request.far)
    )
    words = f"{request.origin}: HTTP {answer.status}"
    words += ", a redirect, which is not followed" if redirect else excerpt(request, answer)
    return HttpRefused(who, words, Fault.STATUS, status=answer.status, retry_at=_retry_at(answer, now))


_STATUSES = frozenset(int(status) for status in HTTPStatus)


def excerpt(request: Request, answer: Answer) -> str:
    """The far end's own words, ``: …``, or nothing where it sent a page or bytes."""
    if answer.media_type not in {"text/plain", "application/json", "application/problem+json", ""}:
        return ""
    # Of the whole: one that is cut in two is not recognised.
    text = without_secrets(request, answer.body.decode("utf-8", "replace"))[: 8 * EXCERPT]
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return f": {text[:EXCERPT]}" if text else ""


# The id of the key that an ``Authorization`` of Signature Version 4 names.
_SIGNED_BY = re.compile(r"\AAWS4-HMAC-SHA256 +Credential=([^/\s,]+)/")


def without_secrets(request: Request, text: str) -> str:
    """*text* without the values of the request's secret headers: the far end may echo them, or parts of them.

    The longest go first: what was taken out of one would leave the rest of it unrecognised. A very short one is taken out where it
    stands by itself: its letters stand in every word.
    """
    parts = {part for secret in request.secrets.values() for part in _parts(secret.get_secret_value())}
    for part in sorted(parts, key=len, reverse=True):
        if len(part) >= SHORTEST:
            text = text.replace(part, "***")
        else:
            text = re.sub(rf"(?<!\w){re.escape(part)}(?!\w)", "***", text)
    return text


def _parts(whole: str) -> set[str]:
    """All of the value, its last word, and the id of the key that a signature names."""
    return {part for part in (whole, whole.rpartition(" ")[2], *_SIGNED_BY.findall(whole)) if part}


def harmless(request: Request, answer: Answer) -> bytes:
    """What was answered; of a refusal, which is passed on in its own words, without the secrets: it may repeat what was sent."""
    if answer.status < HTTPStatus.MULTIPLE_CHOICES:
        return answer.body
    return without_secrets(request, answer.body.decode("utf-8", "replace")).encode()


def _retry_at(answer: Answer, now: datetime) -> datetime | None:
    """What ``Retry-After`` says, in seconds or as a date; never more than an hour away.

    A date is by the far end's clock, which ``Date`` tells (RFC 9110, 6.6.1): where the two clocks differ, the pause is meant.
    """
    text = answer.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return now + min(timedelta(seconds=min(int(text[:9]), 86400)), LONGEST_WAIT)
    at = _date(text)
    if at is None:
        return None
    pause = at - (_date(answer.headers.get("date", "")) or now)
    return now + min(max(pause, timedelta(0)), LONGEST_WAIT)


def _date(text: str) -> datetime | None:
    try:
        at = email.utils.parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
