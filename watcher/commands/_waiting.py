"""Asking again and again, as a pipeline does: whatever becomes of who is asked meanwhile, for a while."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from watcher.clock import monotonic
from watcher.commands._client import Client, Failed, Unreachable
from watcher.commands._screen import say

TIMED_OUT = 7
ASK_FOR = 10.0  # seconds: how late a pipeline's log may be with what happens meanwhile
PATIENCE = 60.0  # seconds in which a daemon may be restarted
LOOK_AGAIN = 2.0  # seconds


class TimedOut(Failed):
    """Nothing is decided yet."""

    exit_code: ClassVar[int] = TIMED_OUT


@dataclass(kw_only=True)
class Persistent:
    """Asks again until there is an answer, the time is over, or nobody has answered for long.

    Attributes:
        ends: When the time is over, by *clock*.
        pause: Waits some seconds between tries.
    """

    ends: float
    pause: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = monotonic
    patience: float = PATIENCE
    _silent_since: float | None = field(default=None, init=False)

    def persist(self, call: Callable[[], Any]) -> Any:
        """What *call* answers, once somebody does; ``None`` when the time is over without an answer."""
        while True:
            try:
                told = call()
            except Unreachable as error:
                self._bear(error)
                if self.left() <= 0:
                    return None
                self.pause(min(LOOK_AGAIN, self.left()))
            else:
                self._silent_since = None
                return told

    def _bear(self, error: Unreachable) -> None:
        if self._silent_since is None:
            self._silent_since = self.clock()
            say(f"{error.message}; trying again")
        if self.clock() - self._silent_since > self.patience:
            raise error

    def left(self) -> float:
        """Seconds that are left; less than 0, when the time is over."""
        return self.ends - self.clock()


@dataclass(kw_only=True)
class Patient(Persistent):
    """Asks a daemon.

    Attributes:
        client: Of one try each, and with its own pause: trying again is done here.
    """

    client: Client

    def __post_init__(self) -> None:
        self.pause = self.client.pause

    def ask(self, path: str, ask_for: float) -> Any:
        """What is at *path*, asked for so many seconds at a time; ``None`` when the time is over without an answer."""
        return self.persist(lambda: self.client.get(path, wait=max(0.0, min(self.left(), ask_for))))
