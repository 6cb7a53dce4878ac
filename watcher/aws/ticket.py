"""One call on its way through a thread: whether anybody still waits for it, and whether it was sent.

A thread cannot be stopped, but it can be kept from sending. So what its caller gave up before it was sent (while it waited
for a thread, for credentials, for its next attempt) is never sent afterwards, and the caller knows which it was.
"""

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

_OF_SESSION = "X-Amz-Security-Token"
_ACCESS = re.compile(r"Credential=\s*([^/\s,]+)\s*/")
# Of an id, and a token is longer: https://docs.aws.amazon.com/STS/latest/APIReference/API_Credentials.html
SHORTEST = 16  # characters
_here = threading.local()


class GivenUp(Exception):
    """Nobody waits for this call any more, so it is not sent."""


class Ticket:
    """Of one call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._given_up = False
        self._sent = False
        self._keys: frozenset[str] = frozenset()

    def send(self, headers: Mapping[str, str | bytes]) -> None:
        """It is sent in this moment, with *headers*: which of them are keys is remembered, for whoever answers may repeat them.

        Raises:
            GivenUp: It must not be.
        """
        with self._lock:
            if self._given_up:
                raise GivenUp
            self._sent = True
            self._keys |= _keys(headers)

    def clean(self, text: str) -> str:
        """*text*, which somebody answered, without the keys that it was asked with."""
        with self._lock:
            keys = self._keys
        for key in sorted(keys, key=len, reverse=True):  # one may be a part of another
            text = text.replace(key, "***")
        return text

    def give_up(self) -> bool:
        """Nobody waits any more: it is not sent from now on. Whether it was before."""
        with self._lock:
            self._given_up = True
            return self._sent

    @property
    def sent(self) -> bool:
        """It was sent, or was about to be."""
        with self._lock:
            return self._sent

    @contextmanager
    def of_this_thread(self) -> Iterator[None]:
        """What this thread sends meanwhile, it sends with this ticket."""
        _here.ticket = self
        try:
            yield
        finally:
            del _here.ticket


def _keys(headers: Mapping[str, str | bytes]) -> frozenset[str]:
    r"""The token of a session, and the id of its key: the key itself only signs.

    Without blanks around them: a variable that was read from a file ends in a line break, which no header may have, and whoever
    says so shows the value with the line break written as ``\n``.
    """
    token, signed = _text(headers.get(_OF_SESSION)).strip(), _text(headers.get("Authorization"))
    return frozenset(each for each in (token, *_ACCESS.findall(signed)) if len(each) >= SHORTEST)


def _text(value: str | bytes | None) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value or ""


def show_ticket(headers: Mapping[str, str | bytes]) -> None:
    """Ask the call of this thread whether it may be sent.

    Args:
        headers: Of the request, signed.

    Raises:
        GivenUp: It may not.
    """
    ticket: Ticket | None = getattr(_here, "ticket", None)
    if ticket is not None:
        ticket.send(headers)
