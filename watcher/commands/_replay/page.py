"""The report of a replay: one page that needs nothing else, and a picture. Deterministic: no time of now is in it."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import log10
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from rules.duration import duration_text
from watcher.commands._replay.playing import Replayed
from watcher.commands._replay.summary import Summary, words
from watcher.errors import WatcherError

HERE = Path(__file__).parent
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 960.0, 320.0, 60.0, 915.0, 16.0, 284.0
ALONGS = 6
TICKS = tuple(
    timedelta(seconds=seconds) for seconds in (10, 30, 60, 300, 900, 1800, 3600, 21600, 86400, 604800)
)
COLOURS = {
    "rolled_back": "#d1242f",
    "asked": "#bf8700",
    "passed": "#1a7f37",
    "unproven": "#59636e",
    "superseded": "#59636e",
    "cut_off": "#59636e",
}


INK = "#1f2328"


class NoPictures(WatcherError):
    """What draws PNG files is not installed."""


@dataclass(frozen=True, slots=True)
class _Tick:
    at: float
    words: str


@dataclass(frozen=True, slots=True)
class _Dot:
    x: float
    y: float
    style: str
    words: str
    ringed: bool


def page(title: str, replayed: Sequence[Replayed], summary: Summary) -> str:
    """The page, as HTML."""
    templates = Environment(loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined)
    return templates.get_template("page.html.j2").render(
        title=title,
        lines=words(summary),
        ends=list(summary.ends),
        plot=_plot(replayed),
        rules=summary.rules,
        rows=[
            {
                "at": f"{each.deployment.at:%Y-%m-%d %H:%M}",
                "release": release(each),
                "style": each.ended,
                "ended": ended(each),
                "after": duration_text(each.after),
                "why": each.why,
            }
            for each in replayed
        ],
    )


def release(each: Replayed) -> str:
    """Which release it was, for people."""
    return each.deployment.to or ("made up" if each.deployment.made_up else "–")


def ended(each: Replayed) -> str:
    """How it ended, for people."""
    note = "wrongly" if each.is_wrong else "unnoticed" if each.is_missed else ""
    return f"{each.ended.value.replace('_', ' ')}{', ' if note else ''}{note}"


def _plot(replayed: Sequence[Replayed]) -> dict[str, Any]:
    times = [each.deployment.at for each in replayed]
    first, last = min(times), max(times)
    ticks = _ticks(replayed)
    lowest, highest = ticks[0], ticks[-1]

    def along(at: datetime) -> float:
        share = (at - first) / (last - first) if last > first else 0.5
        return round(LEFT + 12 + share * (RIGHT - LEFT - 24), 1)

    def up(after: timedelta) -> float:
        share = log10(max(after, lowest) / lowest) / log10(highest / lowest)
        return round(BOTTOM - min(share, 1.0) * (BOTTOM - TOP), 1)

    marks = sorted({first + (last - first) * place / (ALONGS - 1) for place in range(ALONGS)})
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "left": LEFT,
        "right": RIGHT,
        "ups": [_Tick(up(tick), duration_text(tick)) for tick in ticks],
        "alongs": [_Tick(along(mark), f"{mark:%d %b %H:%M}") for mark in marks],
        "dots": [
            _Dot(
                along(each.deployment.at),
                up(each.after),
                each.ended,
                f"{each.deployment.at:%Y-%m-%d %H:%M} {release(each)}: {ended(each)} after {duration_text(each.after)}",
                each.is_wrong or each.deployment.bad is True,
            )
            for each in replayed
        ],
    }


def _ticks(replayed: Sequence[Replayed]) -> list[timedelta]:
    longest = max(*(each.after for each in replayed), TICKS[2])
    return [tick for tick in TICKS if tick <= 2 * longest]


def picture(title: str, replayed: Sequence[Replayed]) -> bytes:
    """The same plot, as a PNG.

    Raises:
        NoPictures: The extra `plot` is not installed.
    """
    try:
        import matplotlib as mpl  # noqa: PLC0415 - an extra
    except ImportError:
        raise NoPictures(
            "PNG files are drawn by the extra `plot`", remedy="pip install 'rollbackd[plot]', or write --html"
        ) from None
    mpl.use("agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter  # noqa: PLC0415

    figure, axes = plt.subplots(figsize=(9.0, 4.2), dpi=150, layout="constrained")
    for style in dict.fromkeys(each.ended for each in replayed):
        of_style = [each for each in replayed if each.ended is style]
        times: Any = [each.deployment.at for each in of_style]
        axes.scatter(
            times, _seconds(of_style), s=22, color=COLOURS[style], label=style.value.replace("_", " ")
        )
    ringed = [each for each in replayed if each.is_wrong or each.deployment.bad is True]
    around: Any = [each.deployment.at for each in ringed]
    axes.scatter(around, _seconds(ringed), s=90, facecolors="none", edgecolors=INK, linewidths=0.8)
    ticks = _ticks(replayed)
    axes.set_yscale("log")
    axes.set_yticks([tick.total_seconds() for tick in ticks], [duration_text(tick) for tick in ticks])
    axes.minorticks_off()
    axes.set_ylim(ticks[0].total_seconds() / 1.3, ticks[-1].total_seconds() * 1.3)
    locator = AutoDateLocator()  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    axes.set_ylabel("its watch ended after")
    axes.set_xlabel("deployment, UTC")
    axes.set_title(title[:90], loc="left", fontsize=12, fontweight="bold")
    axes.grid(axis="y", color="#d0d7de", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    written = io.BytesIO()
    figure.savefig(written, format="png", metadata={"Software": None})
    plt.close(figure)
    return written.getvalue()


def _seconds(replayed: Sequence[Replayed]) -> list[float]:
    return [max(each.after, TICKS[0]).total_seconds() for each in replayed]
