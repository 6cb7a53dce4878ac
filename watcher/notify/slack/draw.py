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
LEAST, ABOVE = 1e-4, 1.15  # the scale goes to 0.01 % at least, and beyond the highest point
NEAR, MARGIN = (
    0.25,
    0.02,
)  # of the time that is drawn: what happened so long before is drawn too; to each side
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

    # Tags and names are text: none of it is a formula.
    mpl.rcParams.update(
        {"font.size": 11, "text.parse_math": False, "axes.edgecolor": PALE, "text.color": INK}
    )
    figure, axes = plt.subplots(figsize=SIZE, dpi=DOTS, layout="constrained")
    for line, colour, width, order in ((chart["old"], OLD, 1.8, 2), (chart["new"], NEW, 2.4, 3)):
        if not line["points"]:
            continue
        times: Any = [_moment(at) for at, _ in line["points"]]
        shares = [share for _, share in line["points"]]
        style: Any = {"color": colour, "linewidth": width, "marker": ".", "markersize": 5, "zorder": order}
        axes.plot(times, shares, label=line["name"], **style)
    if chart["limit"] is not None:
        _limit(axes, chart["limit"])
    start, end = span(chart)
    for level, mark in enumerate(chart["marks"]):
        _mark(axes, mark, level, start)
    _dress(axes, chart, start, end)
    written = io.BytesIO()
    figure.savefig(written, format="png")
    return written.getvalue()


def _dress(axes: Any, chart: dict[str, Any], start: float, end: float) -> None:
    """Title, axes and legend."""
    from matplotlib.dates import AutoDateLocator, DateFormatter  # noqa: PLC0415
    from matplotlib.ticker import FuncFormatter, MaxNLocator  # noqa: PLC0415

    first, last = _moment(start), _moment(end)
    days = f"{last:%-d %b %Y}" if first.date() == last.date() else f"{first:%-d %b} to {last:%-d %b %Y}"
    shares = [share for line in ("old", "new") for _, share in chart[line]["points"]]
    axes.set_title(chart["title"][:MOST_TITLE], loc="left", fontsize=13, fontweight="bold", pad=48)
    axes.set_ylabel(chart["unit"])
    axes.set_xlabel(f"time, UTC, {days}")
    axes.set_xlim(first, last)
    axes.set_ylim(0, ABOVE * max(*shares, chart["limit"] or 0.0, LEAST))
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.4g} %"))
    axes.xaxis.set_major_locator(AutoDateLocator(minticks=3, maxticks=8))  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_formatter(DateFormatter("%H:%M", tz=UTC))  # type: ignore[no-untyped-call]
    axes.grid(axis="y", color=PALE, linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="best", frameon=True, framealpha=0.85, edgecolor="none")


def span(chart: dict[str, Any]) -> tuple[float, float]:
    """From when to when: all points, and what happened not long before or after."""
    times = [at for line in ("old", "new") for at, _ in chart[line]["points"]]
    start, end = min(times), max(times)
    near = NEAR * (end - start)
    happened = [at for mark in chart["marks"] for at in (mark["at"], mark["until"] or mark["at"])]
    start = min([start, *(at for at in happened if at >= start - near)])
    end = max([end, *happened])
    margin = MARGIN * (end - start)
    return start - margin, end + margin


def _limit(axes: Any, limit: float) -> None:
    """A horizontal line: up to there the rule takes the release for fine."""
    axes.axhline(limit, color=INK, linewidth=1.2, linestyle=":", zorder=4, label=f"limit {100 * limit:.2g} %")


def _mark(axes: Any, mark: dict[str, Any], level: int, start: float) -> None:
    """A vertical line with its name above; what is only known between two moments is a band; what is long ago, an arrow."""
    colour, at, until = MARKS.get(mark["what"], INK), mark["at"], mark["until"]
    name = f"{mark['what']} {_moment(at):%H:%M:%S}"
    if until is not None and until > at:
        axes.axvspan(_moment(at), _moment(until), color=colour, alpha=0.2, linewidth=0)
        name, at = f"{mark['what']} {_moment(at):%H:%M:%S} to {_moment(until):%H:%M:%S}", (at + until) / 2
    long_ago = at < start
    if long_ago:
        name, at = f"\N{LEFTWARDS ARROW} {mark['what']} {_moment(at):%-d %b %H:%M:%S}", start
    else:
        axes.axvline(_moment(at), color=colour, linewidth=1.3, linestyle="--")
    axes.annotate(
        name,
        xy=(_moment(at), 1),
        xycoords=("data", "axes fraction"),
        xytext=(0, 5 + 15 * (level % 3)),  # neighbours on other lines, so that they can be read
        textcoords="offset points",
        ha="left" if long_ago else "center",
        color=colour,
        fontsize=10,
        annotation_clip=False,
    )


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


if __name__ == "__main__":
    main()
