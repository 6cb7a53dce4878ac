"""AWS's words, made fit for a screen: bounded, printable; and what a person can do about them."""

import shlex
from collections.abc import Iterable

from deploy.errors import AwsRefused

WORDS = 300  # characters of one thing that AWS says
DENIED = frozenset({"AccessDeniedException", "AccessDenied", "UnauthorizedOperation", "403"})
# What was asked about is not there.
MISSING = frozenset(
    {
        "ResourceNotFoundException", "NoSuchBucket", "NoSuchDistribution", "ClusterNotFoundException", "ServiceNotFoundException",
        "ApplicationDoesNotExistException", "DeploymentGroupDoesNotExistException", "RepositoryNotFoundException", "TargetGroupNotFound",
    }
)  # fmt: skip
ELSEWHERE = "it was deleted, or the configuration names another account or region than it is in"
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
    """What AWS said; and where a permission is missing or a thing is not there, what to do."""
    words = plain(str(error), 2 * WORDS)
    if error.code in DENIED:
        return f"{words}; {error.remedy}"
    return f"{words.rstrip('.')}: {ELSEWHERE}" if error.code in MISSING else words


def command(service: str, operation: str, options: Iterable[tuple[str, str]]) -> str:
    """A line for a person's shell."""
    written = (part for name, value in options for part in (f"--{name}", value))
    return shlex.join(("aws", service, operation, *written))
