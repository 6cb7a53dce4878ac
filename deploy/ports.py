"""What deploy needs of the world, as protocols; the watcher gives the implementations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Ran:
    """What a program printed and how it ended.

    Attributes:
        status: Its exit status; negative: the signal that ended it.
        timed_out: Its process group was killed; what it did is unknown.
        truncated: It printed more than was kept.
    """

    status: int
    stdout: bytes
    stderr: bytes
    timed_out: bool = False
    truncated: bool = False


class Command(Protocol):
    """Runs a program: no shell, an absolute path, a clean environment, output and time bounded."""

    async def __call__(self, argv: Sequence[str], timeout: timedelta, environment: Mapping[str, str]) -> Ran:
        """Run *argv* to its end, or kill its process group after *timeout*. Raises `OSError` if it cannot be started."""


class AwsCall(Protocol):
    """One capability towards AWS (to read, to act, to poll)."""

    async def __call__(
        self, scope: str, service: str, operation: str, /, **parameters: Any
    ) -> Mapping[str, Any]:
        """Call *operation*; raises `deploy.errors.AwsRefused`."""


class Aws(Protocol):
    """AWS, as three capabilities, so that a wrong one is visible in review."""

    read: AwsCall
    act: AwsCall
    poll: AwsCall


@dataclass(frozen=True, slots=True)
class World:
    """All ports that a target may be opened with."""

    command: Command
    aws: Aws | None = None
