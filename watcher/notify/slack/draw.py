"""Draws one chart: JSON on stdin, a PNG on stdout. A program of its own, so that the daemon never carries matplotlib.

``python -m watcher.notify.slack.draw``; `watcher.notify.slack.pictures` writes what it reads.
"""

import io
import json
import os
import sys
import tempfile
from datetime import UTC, datetime
from typing import Any

OLD, NEW, INK, PALE = "#8a8f98", "#d1242f", "#24292f", "#d0d7de"
SIZE, DOTS = (8.0, 4.2), 150  # inches, dots an inch: 1200 pixels across, legible on a phone
MOST_TITLE = 80
MARKS = {
    "deployed": "#57606a",
    "began": "#bf8700",
    "decided": "#0969da",
    "breached": "#0969da",
    "back": "#1a7f37",
}


def main() -> None:
    """Read, draw, write."""
    with tempfile.TemporaryDirectory() as room:
        os.environ["MPLCONFIGDIR"] = room  # the image's own folders cannot be written to
        sys.stdout.buffer.write(picture(json.load(sys.stdin)))


def picture(chart: dict[str, Any]) -> bytes:
    """*chart* as a PNG."""
    import matplotlib as mpl  # noqa: PLC0415 - not before its folder is set

    mpl.use("agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415
    from matplotlib.dates import AutoDateLocator, DateFormatter  # noqa: PLC0415
    from matplotlib.ticker import PercentFormatter  # noqa: PLC0415

    # Tags and names are text: none of it is a formula.
    mpl.rcParams.update(
        {"font.size": 11, "text.parse_math": False, "axes.edgecolor": PALE, "text.color": INK}
    )
    figure, axes = plt.subplots(figsize=SIZE, dpi=DOTS, layout="constrained")
    for line, colour, width in ((chart["old"], OLD, 1.8), (chart["new"], NEW, 2.4)):
        if line["points"]:
            times: Any = [_moment(at) for at, _ in line["points"]]
            shares = [share for _, share in line["points"]]
            axes.plot(
                times, shares, color=colour, linewidth=width, marker=".", markersize=5, label=line["name"]
            )
    for level, mark in enumerate(chart["marks"]):
        _mark(axes, mark, level)

    axes.set_title(chart["title"][:MOST_TITLE], loc="left", fontsize=13, fontweight="bold", pad=48)
    axes.set_ylabel(chart["unit"])
    axes.set_xlabel(f"time, UTC, {_moment(chart['new']['points'][-1][0]):%d %b %Y}")
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=None))
    axes.xaxis.set_major_locator(AutoDateLocator(minticks=3, maxticks=7))  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_formatter(DateFormatter("%H:%M", tz=UTC))  # type: ignore[no-untyped-call]
    axes.grid(axis="y", color=PALE, linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="upper left", frameon=True, framealpha=0.85, edgecolor="none")
    written = io.BytesIO()
    figure.savefig(written, format="png")
    return written.getvalue()


def _mark(axes: Any, mark: dict[str, Any], level: int) -> None:
    """A vertical line with its name above; what is only known between two moments is a band."""
    colour, at = MARKS.get(mark["what"], INK), _moment(mark["at"])
    if mark["until"] is not None and mark["until"] > mark["at"]:
        axes.axvspan(at, _moment(mark["until"]), color=colour, alpha=0.2, linewidth=0)
        at = _moment((mark["at"] + mark["until"]) / 2)
    axes.axvline(at, color=colour, linewidth=1.3, linestyle="--")
    axes.annotate(
        f"{mark['what']} {at:%H:%M:%S}",
        xy=(at, 1),
        xycoords=("data", "axes fraction"),
        xytext=(0, 5 + 15 * (level % 3)),  # neighbours on other lines, so that they can be read
        textcoords="offset points",
        ha="center",
        color=colour,
        fontsize=10,
        annotation_clip=False,
    )


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


if __name__ == "__main__":
    main()
