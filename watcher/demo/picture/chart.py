"""Charts as values: where each line, tick and label lies, in the units of the drawing. Pure; the template only writes it down.

A chart shows one incident against time in seconds. Labels of moments stand above the frame, in as many rows as it takes
that none covers another.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

WIDTH = 960.0
LEFT, RIGHT, BOTTOM = 64.0, 16.0, 40.0
ROW = 18.0  # height of a row of labels
LETTER = 6.6  # a generous width of a letter at 12 px: what is drawn is never wider
GAP = 10.0  # between two labels of a row
MOST_TICKS = 12


@dataclass(frozen=True, slots=True)
class Scale:
    """From values to the drawing."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Where *value* lies; beyond the ends, at the nearer one."""
        value = min(max(value, self.low), self.high)
        return round(self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start), 2)


@dataclass(frozen=True, slots=True)
class Line:
    """One curve: its points (time, value), and the class that it is drawn with."""

    name: str
    style: str
    points: Sequence[tuple[float, float]]
    filled: bool = False


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened at one time."""

    at: float
    name: str
    style: str = "moment"


@dataclass(frozen=True, slots=True)
class Span:
    """Something that lasted, or is only known to lie between two times."""

    start: float
    end: float
    name: str
    style: str


@dataclass(frozen=True, slots=True)
class Level:
    """A value that matters, as a line across."""

    value: float
    name: str


@dataclass(frozen=True, slots=True)
class Incident:
    """What is to be drawn. The legend names the lines and the spans."""

    title: str
    unit: str
    start: float
    end: float
    lines: Sequence[Line]
    moments: Sequence[Moment] = ()
    spans: Sequence[Span] = ()
    levels: Sequence[Level] = ()
    low: float = 0.0
    high: float | None = None
    height: float = 220.0
    percent: bool = False


@dataclass(frozen=True, slots=True)
class Tick:
    """One mark of an axis."""

    at: float
    words: str


@dataclass(frozen=True, slots=True)
class Drawn:
    """A curve, in the drawing; *area* is the same, closed down to the axis."""

    name: str
    style: str
    path: str
    area: str = ""


@dataclass(frozen=True, slots=True)
class Label:
    """A word above the frame, with the line that goes down from it."""

    x: float
    y: float
    words: str
    style: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Box:
    """A span, in the drawing."""

    x: float
    width: float
    name: str
    style: str


@dataclass(frozen=True, slots=True)
class Chart:
    """All of a drawing."""

    title: str
    unit: str
    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float
    xs: Sequence[Tick]
    ys: Sequence[Tick]
    lines: Sequence[Drawn]
    labels: Sequence[Label]
    boxes: Sequence[Box]
    levels: Sequence[Tick]


def draw(incident: Incident) -> Chart:
    """Lay out *incident*."""
    x = Scale(incident.start, incident.end, LEFT, WIDTH - RIGHT)
    labels, rows = _labels(incident.moments, x)
    top = ROW * rows + 12
    bottom = top + incident.height
    high = incident.high or _highest(incident)
    y = Scale(incident.low, high, bottom, top)
    return Chart(
        title=incident.title,
        unit=incident.unit,
        width=WIDTH,
        height=bottom + BOTTOM,
        left=LEFT,
        right=WIDTH - RIGHT,
        top=top,
        bottom=bottom,
        xs=[Tick(x(value), f"{value:g}") for value in ticks(incident.start, incident.end, MOST_TICKS)],
        ys=[Tick(y(value), _value(value, incident.percent)) for value in ticks(incident.low, high, 5)],
        lines=[_drawn(line, x, y, bottom) for line in incident.lines],
        labels=labels,
        boxes=[
            Box(x(span.start), round(max(1.0, x(span.end) - x(span.start)), 2), span.name, span.style)
            for span in incident.spans
        ],
        levels=[Tick(y(level.value), level.name) for level in incident.levels],
    )


def ticks(low: float, high: float, most: int) -> list[float]:
    """Round values from *low* to *high*, at most *most* and about as many as fit."""
    step = _round_up((high - low) / most)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(n * step, 10) for n in range(first, last + 1)]


def _round_up(step: float) -> float:
    """The next of 1, 2, 5, 10, ... that is not below *step*."""
    size = 10.0 ** math.floor(math.log10(step))
    return next(nice * size for nice in (1, 2, 5, 10) if nice * size >= step * (1 - 1e-9))


def _highest(incident: Incident) -> float:
    """A little above everything."""
    values = [value for line in incident.lines for _, value in line.points]
    values += [level.value for level in incident.levels]
    most = max(values, default=0.0) or 0.01
    if incident.percent and most > 1 / 1.12:
        return 1.0
    return most * 1.12


def _value(value: float, percent: bool) -> str:  # noqa: FBT001 - of the chart, not of the call
    return f"{value * 100:g} %" if percent else f"{value:g}"


def _drawn(line: Line, x: Scale, y: Scale, bottom: float) -> Drawn:
    spots = [(x(at), y(value)) for at, value in line.points if x.low <= at <= x.high]
    path = _path(spots)
    if not line.filled or not spots:
        return Drawn(line.name, line.style, path)
    return Drawn(
        line.name, line.style, path, area=f"{path} L{spots[-1][0]:g} {bottom:g} L{spots[0][0]:g} {bottom:g} Z"
    )


def _path(spots: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{'L' if number else 'M'}{x:g} {y:g}" for number, (x, y) in enumerate(spots))


def _labels(moments: Sequence[Moment], x: Scale) -> tuple[list[Label], int]:
    """Where the labels stand, and in how many rows.

    A label's line goes down from it, so what is to its right stands lower: then no line crosses a word. Only a label at
    the right edge, whose words go to the left, stands above all that it would cover.
    """
    ends: dict[int, float] = {}
    placed: list[tuple[int, Moment, str]] = []
    for moment in sorted(moments, key=lambda each: each.at):
        at, width = x(moment.at), len(moment.name) * LETTER + GAP
        anchor = "end" if at + width > x.end else "start"
        left = at - width if anchor == "end" else at
        covered = [row for row, end in ends.items() if end > left]
        row = (min(covered) - 1 if anchor == "end" else max(covered) + 1) if covered else 0
        ends[row] = left + width
        placed.append((row, moment, anchor))
    top, rows = min(ends, default=0), max(ends, default=-1) - min(ends, default=0) + 1
    return [
        Label(x(moment.at), ROW * (row - top + 1) - 4, moment.name, moment.style, anchor)
        for row, moment, anchor in placed
    ], rows
