"""Alerts of other systems that fire beside the evidence: what they say, since when, and where people may look."""

from collections.abc import Iterator
from datetime import datetime
from urllib.parse import urlsplit

from watcher.core.alerts import Fires
from watcher.core.change import Beside
from watcher.core.watch import Link
from watcher.core.wording.figures import moment

MOST = 3  # alerts in one message
MOST_CALLED = 80  # characters of what an alert is called
MOST_WORDS = 160  # of what its system says


def firing(beside: Beside, now: datetime, *, whole: bool = False) -> list[str]:
    """A line for each; *whole*: with its address, where nothing else shows that."""
    lines = [_line(each, now, whole=whole) for each in beside.fires[:MOST]]
    more = len(beside.fires) - MOST
    return [*lines, f"Fires too: {more} more"] if more > 0 else lines


def links(beside: Beside) -> tuple[Link, ...]:
    """To each that is named, and to what its authors say is to be done."""
    return tuple(
        Link(f"{what} at {host_of(url)}", url)
        for each in beside.fires[:MOST]
        for what, url in ((_cut(each.called, MOST_CALLED), each.link), ("Runbook", each.runbook))
        if url
    )


def host_of(url: str) -> str:
    """Where it leads."""
    return urlsplit(url).hostname or ""


def _line(fires: Fires, now: datetime, *, whole: bool) -> str:
    since = f" since {moment(fires.since, now)}" if fires.since else ""
    words = f": {_cut(fires.words, MOST_WORDS)}" if fires.words and fires.words != fires.called else ""
    where = " · ".join(_where(fires, whole=whole))
    return f"Fires: {_cut(fires.called, MOST_CALLED)}{since}, told by {fires.source}{words}" + (
        f" ({where})" if where else ""
    )


def _where(fires: Fires, *, whole: bool) -> Iterator[str]:
    if fires.link:
        yield fires.link if whole else host_of(fires.link)
    if fires.runbook and whole:
        yield f"runbook: {fires.runbook}"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
