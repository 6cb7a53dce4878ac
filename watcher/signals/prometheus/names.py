"""Does the server know what is asked for? A wrong name looks like silence, so silence is looked into.

Asked by the same way as everything else, so that no more is to be allowed. What stands in an expression of an author's own
is not looked up, and neither is what makes a series bad: errors that never happened are as it should be.
"""

import difflib
from collections.abc import Iterable
from datetime import datetime, timedelta

from deploy.model import About
from rules.model import Indicator
from watcher.signals.arms import names_in
from watcher.signals.prometheus.plan import Arm, Form
from watcher.signals.prometheus.promql import Matcher, marked, selector
from watcher.signals.prometheus.query import parsed
from watcher.signals.prometheus.server import Server
from watcher.signals.rows import Failed
from watcher.signals.unknown import Unknown

BACK = "1h"  # what was not seen for so long is not known
LISTED = 5
_NEAR = 0.6  # as difflib measures it
_PREFIX = 3  # letters that even a misspelt name begins with
QUERY = "/api/v1/query"


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
    family = arm.main.family
    if family.form is Form.EXPRESSION:
        return None
    where = parsed(indicator.query).where
    wanted: list[Matcher] = [
        (label, "=", value) for label, value in zip(family.labels, arm.main.values, strict=True)
    ]
    wanted += [each for each in family.fixed if each[1] == "=~"]
    known: list[Matcher] = []
    # What is written before what a release is called: a release that has served nothing is not known yet.
    for label, operator, value in sorted(
        wanted, key=lambda each: bool(names_in(str(where.get(each[0], ""))))
    ):
        tried = (*known, (label, operator, value))
        found = await _values(server, "one", selector(family.text, tried), now, patience)
        if found is None:
            return None
        if not found:
            of_release = bool(names_in(str(where.get(label, ""))))
            wrong = (label, operator, value)
            return await _missing(server, family.text, known, wrong, of_release, now, patience)
        known.append((label, operator, value))
    if wanted:
        return None
    found = await _values(server, "one", family.text, now, patience)
    return None if found is None or found else await _no_metric(server, family.text, now, patience)


async def _missing(
    server: Server,
    metric: str,
    known: list[Matcher],
    wanted: Matcher,
    of_release: bool,  # noqa: FBT001 - says what the label tells
    now: datetime,
    patience: timedelta,
) -> Unknown | None:
    label, _, value = wanted
    values = await _values(server, label, selector(metric, known), now, patience)
    if values is None:
        return None
    if not values:
        return await _no_metric(server, metric, now, patience)
    told = values - {""}  # of what has no such label the server says that it is empty
    if not told:
        about = About.VERSION_TAG if of_release else About.TAG
        return Unknown(about, f"{metric} has no series with the label {label}")
    there = ", ".join(repr(each[:60]) for each in sorted(told)[:LISTED])
    words = f"{metric} has no series whose {label} is {value}{_meant(value, told)}; it is {there}"
    return Unknown(About.RELEASE if of_release else About.TAG, words)


async def _no_metric(server: Server, metric: str, now: datetime, patience: timedelta) -> Unknown | None:
    like = selector("", [("__name__", "=~", f"{metric[:_PREFIX]}.*")])
    names = await _values(server, "__name__", like, now, patience, back=False)
    if names is None or metric in names:
        return None
    return Unknown(About.METRIC, f"{server.where} knows no metric {metric}{_meant(metric, names)}")


async def _values(
    server: Server, label: str, series: str, now: datetime, patience: timedelta, *, back: bool = True
) -> set[str] | None:
    """The values of *label* among *series*; ``None``: the server does not say."""
    inner = f"last_over_time({series}[{BACK}])" if back else series
    query = f"count by ({label}) ({inner})"
    if label == "one":  # is there any
        query = marked(f"count({inner})", "one", "1")
    answer = await server.ask(QUERY, {"query": query, "time": f"{now.timestamp():.3f}"}, patience)
    return None if isinstance(answer, Failed) else {row.labels.get(label, "") for row in answer.rows}


def _meant(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, sorted(known), 1, _NEAR)
    return f": did you mean {near[0]}?" if near else ""
