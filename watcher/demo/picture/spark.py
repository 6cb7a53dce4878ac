"""Small pictures made of letters, for the live view. Pure."""

from collections.abc import Sequence

BARS = " ▁▂▃▄▅▆▇█"
FULL, EMPTY = "█", "░"


def spark(values: Sequence[float | None], top: float) -> str:
    """One letter a value, from nothing to *top*; a dot where there is no value."""
    return "".join("·" if value is None else BARS[_height(value, top)] for value in values)


def bar(value: float, top: float, width: int) -> str:
    """How much of *top* is reached."""
    filled = round(max(0.0, min(1.0, value / top)) * width)
    return FULL * filled + EMPTY * (width - filled)


def _height(value: float, top: float) -> int:
    """At least the lowest bar for what is not nothing."""
    if value <= 0:
        return 0
    return max(1, min(len(BARS) - 1, round(value / top * (len(BARS) - 1))))
