"""Does the server know the streams that are asked for? A wrong label looks like silence, so silence is looked into.

What stands in an expression, in a line or behind a parser is not looked up: that would read the lines again.

Source:
    https://grafana.com/docs/loki/latest/reference/loki-http-api/#query-label-values
"""

import difflib
from collections.abc import Iterable
from datetime import datetime, timedelta
from urllib.parse import quote

from deploy.model import About
from rules.model import Indicator
from watcher.signals.arms import names_in
from watcher.signals.loki.answer import content_of
from watcher.signals.loki.plan import Arm
from watcher.signals.loki.query import parsed
from watcher.signals.loki.server import Server
from watcher.signals.prometheus.promql import Matcher, selector
from watcher.signals.rows import Failed
from watcher.signals.unknown import Unknown

BACK = timedelta(hours=1)  # what was not seen for so long is not known
LISTED = 5
_NEAR = 0.6  # as difflib measures it


async def unknown(
    server: Server, indicator: Indicator, arm: Arm, now: datetime, patience: timedelta
) -> Unknown | None:
    """What *server* does not know of what *arm* needs, and what may have been meant; ``None``: all is there, or nobody says.

    Args:
        server: Who is asked.
        indicator: Whose.
        arm: Of the release that is looked for.
        now: The time.
        patience: For each look.
    """
    stream = parsed(indicator.query).stream
    if stream is None:
        return None
    labels = arm.main.family.of_stream
    # What is written before what a release is called: a release that wrote nothing is not known yet.
    wanted = sorted(
        zip(labels, arm.main.values, strict=False), key=lambda each: bool(names_in(str(stream[each[0]])))
    )
    known: list[Matcher] = []
    for label, value in wanted:
        values = await _values(server, label, known, now, patience)
        if values is None:
            return None
        if value not in values:
            there = ", ".join(repr(each[:60]) for each in sorted(values)[:LISTED])
            where = selector("", known) or server.where
            words = f"no stream of {where} has {label}={value!r}{_meant(value, values)}"
            of_release = bool(names_in(str(stream[label])))
            if values:
                return Unknown(About.RELEASE if of_release else About.TAG, f"{words}; it is {there}")
            about = About.VERSION_TAG if of_release else About.TAG
            return Unknown(about, f"no stream of {where} has a label {label}")
        known.append((label, "=", value))
    return None


async def _values(
    server: Server, label: str, known: list[Matcher], now: datetime, patience: timedelta
) -> set[str] | None:
    """The values of *label* among the streams that *known* selects; ``None``: the server does not say."""
    parameters = {
        "start": f"{int((now - BACK).timestamp())}000000000",
        "end": f"{int(now.timestamp())}000000000",
    }
    if known:
        parameters["query"] = selector("", known)
    told = await server.get(f"/loki/api/v1/label/{quote(label, safe='')}/values", parameters, patience)
    content = None if isinstance(told, Failed) else content_of(told[1])
    if content is None:
        return None
    values = content.get("data") or []  # of a label that is not there nothing is said
    return {str(each) for each in values} if isinstance(values, list) else None


def _meant(value: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(value, sorted(known), 1, _NEAR)
    return f": did you mean {near[0]}?" if near else ""
