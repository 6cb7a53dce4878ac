"""What an operation is, and the few words that all of them use."""

from collections.abc import Generator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Row(Protocol):
    """One row of an answer: its columns by name."""

    def __getitem__(self, column: str, /) -> Any:
        """The value of *column*."""


# A statement with its parameters. Whoever plays it binds ``:clock`` too: the seconds of the store's own clock, for leases.
Statement = tuple[str, Mapping[str, object]]
Rows = Sequence[Row]
Operation = Generator[Statement, Rows, T]


class TakenBack(Exception):
    """No error: how an operation says that nothing of it shall stay. *outcome* is its answer."""

    def __init__(self, outcome: object) -> None:
        super().__init__()
        self.outcome = outcome


def from_another(before: str | None, owner: str) -> str | None:
    """Whose a lease was that *owner* took over; ``None``: nobody's, or its own."""
    return None if before == owner else before


def seconds(at: datetime | None) -> float | None:
    """As the store keeps a time: seconds since 1970, UTC. A double keeps microseconds until the year 2100."""
    return None if at is None else at.timestamp()


def moment(kept: float) -> datetime:
    """The time that was kept."""
    return datetime.fromtimestamp(kept, UTC)
