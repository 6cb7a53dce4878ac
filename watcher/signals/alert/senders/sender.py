"""What every sender must do: say whether it was the system that sent something, and what that means.

A sender knows no store and no watch. What it reads is a hint: whose the alert is, and what follows, others decide.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar, runtime_checkable

from pydantic import BaseModel

from deploy.model import Finding
from deploy.source import Received
from watcher.http import Http
from watcher.signals.alert.pushed import Meaning


@dataclass(frozen=True, slots=True)
class Unproven:
    """It is not known to be the system's, and nobody has looked into it.

    Attributes:
        why: For the log, and not for whoever sent it.
        later: What is needed to prove it cannot be had now: it is worth sending again.
    """

    why: str
    later: bool = False


class Sender(Protocol):
    """One connection to one system that tells of its alerts. Ask it by `senders.door.heard` alone."""

    def admits(self, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
        """The system has sent *body*, with these *headers* (lower case; of one that came twice both values, with a comma).

        Pure, raises nothing, and takes as long for a wrong secret as for a right one. Of a `Proven` it says only that it is
        worth the trouble of proving it.
        """

    def read(self, received: Received) -> Meaning:
        """What *received*, which was proven, says. Pure; raises nothing for bad input."""

    def examine(self) -> Sequence[Finding]:
        """What is to be said of its settings; for ``rollbackd doctor``. Nobody is asked."""


@runtime_checkable
class Proven(Protocol):
    """A sender that does not share a secret: what proves it is asked for elsewhere."""

    async def verify(self, http: Http, body: bytes, now: datetime) -> Unproven | None:
        """Is *body* the system's? ``None``: it is. At most two requests, each at most 5 s; raises nothing for bad input."""


S = TypeVar("S", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Kind(Generic[S]):
    """One kind of sender, for the registry.

    Attributes:
        settings: What may stand in the configuration; its secrets are `SecretStr`, with the values in them when it is opened.
        open: Gives the sender. Touches nothing.
        repeats: It says again and again what still fires: who has long said nothing has nothing to say, or cannot.
    """

    settings: type[S]
    open: Callable[[S], Sender]
    repeats: bool = False
