"""What can go wrong on the way of a request, and what it is called.

The vendor's words are not repeated where they may hold an address with its path: each fault has words of its own.
"""

import contextlib
import errno
import re
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import aiohttp

from rules.sample import Who
from watcher.http.answer import Fault, HttpRefused, Request
from watcher.http.guard import Blocked

_ERRNO = re.compile(r"\[Errno (\d+)\]")


@dataclass
class Stage:
    """How far a request is: what a timeout means depends on it."""

    fault: Fault


@contextlib.contextmanager
def refusing(request: Request, stage: Stage) -> Iterator[None]:
    """Makes `HttpRefused` of all that can go wrong on the way."""
    try:
        yield
    except TimeoutError:
        raise HttpRefused(_who(request, stage.fault), _timed_out(request, stage.fault), stage.fault) from None
    except aiohttp.ClientConnectorError as error:
        fault, words = _unconnected(error)
        raise HttpRefused(_who(request, fault), f"{request.origin}: {words}", fault) from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        fault, words = _broken(error)
        raise HttpRefused(_who(request, fault), f"{request.origin}: {words}", fault) from None


def _who(request: Request, fault: Fault) -> Who:
    if fault is Fault.BAD_URL:
        return Who.AUTHOR
    ours = {Fault.BLOCKED, Fault.DNS, Fault.OURS, Fault.UNREACHABLE}
    return Who.OPERATOR if fault in ours else request.far


def _timed_out(request: Request, fault: Fault) -> str:
    what = {Fault.DNS: "its name was not resolved", Fault.CONNECT_TIMEOUT: "no connection"}.get(
        fault, "no complete answer"
    )
    return f"{request.origin}: {what} within {_seconds(request.timeout)}"


def _seconds(duration: timedelta) -> str:
    return f"{duration.total_seconds():g} s"


def _unconnected(error: aiohttp.ClientConnectorError) -> tuple[Fault, str]:
    cause = (
        error.os_error
        if not isinstance(error, aiohttp.ClientConnectorCertificateError)
        else error.certificate_error
    )
    if isinstance(cause, Blocked):
        return Fault.BLOCKED, cause.strerror or "not allowed"
    if isinstance(error, aiohttp.ClientConnectorDNSError) or isinstance(cause, socket.gaierror):
        return Fault.DNS, "its name cannot be resolved"
    if isinstance(cause, ssl.SSLError):
        return Fault.TLS, _tls_words(cause)
    return _by_number(cause)


def _tls_words(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted: {error.verify_message}"
    return f"no TLS: {(error.reason or 'the handshake failed').replace('_', ' ').lower()}"


# Of several addresses, each with its own error, the first of these tells most.
_NUMBERS: tuple[tuple[int, Fault, str], ...] = (
    (errno.ECONNREFUSED, Fault.REFUSED, "connection refused"),
    (errno.ECONNRESET, Fault.DISCONNECTED, "connection reset"),
    (errno.EPIPE, Fault.DISCONNECTED, "connection reset"),
    (errno.ETIMEDOUT, Fault.CONNECT_TIMEOUT, "no connection: timed out"),
    (errno.EHOSTUNREACH, Fault.UNREACHABLE, "host unreachable"),
)


def _by_number(error: Exception) -> tuple[Fault, str]:
    numbers = {int(number) for number in _ERRNO.findall(str(error))} | {getattr(error, "errno", None)}
    for number, fault, words in _NUMBERS:
        if number in numbers:
            return fault, words
    name = errno.errorcode.get(getattr(error, "errno", None) or 0, type(error).__name__)
    return Fault.OURS, f"cannot connect from here: {name}"


def _broken(error: Exception) -> tuple[Fault, str]:
    match error:
        case aiohttp.InvalidURL() | aiohttp.NonHttpUrlClientError():
            return Fault.BAD_URL, "not a URL that can be asked"
        case aiohttp.ClientPayloadError():
            return Fault.TRUNCATED, "the answer ends in the middle"
        case aiohttp.ServerDisconnectedError():
            return Fault.DISCONNECTED, "connection closed without an answer"
        case OSError():
            fault, words = _by_number(error)
            return (fault, words) if fault is not Fault.OURS else (Fault.DISCONNECTED, "connection lost")
        case _:
            return Fault.MALFORMED, "not an answer in HTTP"
