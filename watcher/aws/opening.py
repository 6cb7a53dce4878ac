"""Opens AWS. What needs boto3 is imported here, when it is opened: a daemon without an account does without it."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from deploy.ports import Aws
from watcher.aws.modes import USUAL, Modes
from watcher.aws.roles import AwsRoles
from watcher.telemetry.metrics import Metrics

__all__ = ["AwsRoles", "Dated", "open_aws"]


@runtime_checkable
class Dated(Protocol):
    """Knows how far our clock is from AWS's, by the answers that came.

    Attributes:
        skew: How far ours was ahead at the last one, to the second; ``None`` before there was one.
    """

    @property
    def skew(self) -> timedelta | None:
        """See above."""


@asynccontextmanager
async def open_aws(
    accounts: Mapping[str, AwsRoles],
    metrics: Metrics,
    now: Callable[[], datetime],
    *,
    endpoint: str | None = None,
    modes: Modes = USUAL,
) -> AsyncIterator[Aws]:
    """AWS in *accounts*, which are the scopes of its calls, by name. Nothing is sent yet.

    At the end it waits for nothing: a call that is under way ends by its own time-outs, on a thread that does not keep
    the process.

    Args:
        accounts: Where, and as whom.
        metrics: Counts the calls.
        now: The time, to know when a role must be assumed again, and how far our clock is off.
        endpoint: Where all services are, instead of AWS; for tests. ``AWS_ENDPOINT_URL`` does the same from outside.
        modes: How long each capability waits, and how often it tries; for tests.
    """
    from watcher.aws.door import Door  # noqa: PLC0415 - boto3 takes 0.2 s and 26 MB: only who uses AWS pays for it

    door = Door(accounts, metrics, now, endpoint, modes)
    try:
        yield door
    finally:
        door.close()
