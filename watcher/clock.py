"""The one module that reads the clock, and makes ids. Everything else is told the time."""

import secrets
import time
from datetime import UTC, datetime


def now() -> datetime:
    """The time, aware, UTC."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Seconds since some moment; never goes back."""
    return time.monotonic()


def new_id(prefix: str, at: datetime) -> str:
    """``prefix_`` + 128 bits that sort by time (48 bits of milliseconds, 80 of chance), as 32 hex digits."""
    milliseconds = int(at.timestamp() * 1000) & (2**48 - 1)
    return f"{prefix}_{milliseconds:012x}{secrets.token_hex(10)}"
