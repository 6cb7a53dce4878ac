"""AWS's words, made fit for a screen: bounded, printable; and what a person can do about them."""

import shlex
from collections.abc import Iterable
from datetime import datetime

from deploy.errors import AwsRefused
from deploy.targets.ecs.service import Service

WORDS = 300  # characters of one thing that AWS says
DENIED = frozenset({"AccessDeniedException", "AccessDenied", "UnauthorizedOperation"})
# Nothing was changed, and a moment later it may be otherwise.
NOT_NOW = frozenset(
    {
        "ThrottlingException", "Throttling", "ThrottledException", "TooManyRequestsException", "RequestLimitExceeded",
        "RequestThrottled", "RequestThrottledException", "SlowDown", "ServiceUnavailable", "ServiceUnavailableException",
        "ServerException", "InternalFailure", "ExpiredToken", "ExpiredTokenException", "Timeout", "Unreachable",
    }
)  # fmt: skip


def plain(words: str, most: int = WORDS) -> str:
    """Without what moves a terminal's cursor or turns text around, and not longer than *most*."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in words).split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def refusal(error: AwsRefused) -> str:
    """What AWS said; and where a permission is missing, what to do."""
    words = plain(str(error), 2 * WORDS)
    return f"{words}; {error.remedy}" if error.code in DENIED else words


def events(service: Service, since: datetime, most: int = 2) -> str:
    """What ECS reported of the service since then, the newest first; empty if nothing."""
    said = (message for at, message in service.events if at >= since and "steady state" not in message)
    found = [plain(message, 200) for message, _ in zip(dict.fromkeys(said), range(most), strict=False)]
    return "; ".join(found)


def command(operation: str, options: Iterable[tuple[str, str]]) -> str:
    """A line for a person's shell."""
    written = (part for name, value in options for part in (f"--{name}", value))
    return shlex.join(("aws", "ecs", operation, *written))
