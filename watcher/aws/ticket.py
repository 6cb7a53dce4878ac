"""One call on its way through a thread: whether anybody still waits for it, and whether it was sent.

A thread cannot be stopped, but it can be kept from sending. So what its caller gave up before it was sent (while it waited
for a thread, for credentials, for its next attempt) is never sent afterwards, and the caller knows which it was.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

_here = threading.local()


class GivenUp(Exception):
    """Nobody waits for this call any more, so it is not sent."""


class Ticket:
    """Of one call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._given_up = False
        self._sent = False

    def send(self) -> None:
        """It is sent in this moment.

        Raises:
            GivenUp: It must not be.
        """
        with self._lock:
            if self._given_up:
                raise GivenUp
            self._sent = True

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


def show_ticket() -> None:
    """Ask the call of this thread whether it may be sent.

    Raises:
        GivenUp: It may not.
    """
    ticket: Ticket | None = getattr(_here, "ticket", None)
    if ticket is not None:
        ticket.send()
