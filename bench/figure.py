"""One figure: how it came out in each run, and how the table shows it."""

import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

WIDE, NARROW = 100, 10  # from here on no decimals, or one


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured, several times.

    Attributes:
        unit: Of all values, and of the aim.
        values: One a run; the table shows their median, and the least and the most.
        aim: What it should stay under; ``None`` where nothing was promised.
    """

    what: str
    unit: str
    values: Sequence[float]
    aim: float | None = None

    @property
    def misses(self) -> bool:
        """The median is not under the aim."""
        return self.aim is not None and median(self.values) >= self.aim

    def row(self, command: str) -> tuple[str, ...]:
        """Its cells, beside the command that measures it alone."""
        aim = "" if self.aim is None else f"under {self.aim:g} {self.unit}"
        return (
            self.what,
            f"{_digits(median(self.values))} {self.unit}".strip(),
            f"{_digits(min(self.values))}–{_digits(max(self.values))}",
            str(len(self.values)),
            f"{aim}: missed" if self.misses else aim,
            command,
        )


HEAD = ("figure", "median", "min–max", "runs", "aim", "alone")


def table(rows: Iterable[Sequence[str]]) -> str:
    """A table that a terminal shows aligned, and Markdown as a table."""
    cells = [HEAD, *rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(HEAD))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in cells
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def machine() -> str:
    """Where the figures are from, and how busy it was with other things."""
    models = [
        line.partition(": ")[2]
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        if line.startswith("model name")
    ]
    load = os.getloadavg()[0]
    return (
        f"{len(models)} cores ({models[0] if models else platform.machine()}), Linux {platform.release()}, "
        f"Python {platform.python_version()}; load before: {load:.1f}"
    )


def _digits(value: float) -> str:
    if abs(value) >= WIDE:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= NARROW else f"{value:.2f}"
