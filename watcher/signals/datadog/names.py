"""Does Datadog know what is asked for? A wrong name looks like silence, so silence is looked into.

Asked in the same way as everything else: the metric, then with its tags, one more at a time, those of the release last.
Names of metrics that are near are looked for in its index; an application key may be without the scope for that.

Source:
    https://docs.datadoghq.com/api/latest/metrics/#search-metrics
"""

import asyncio
import difflib
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict

from rules.model import Indicator
from watcher.signals.arms import names_in
from watcher.signals.datadog import metric
from watcher.signals.datadog.answer import Failed, Timeseries
from watcher.signals.datadog.fetch import SCOPE, TIMESERIES, Grid, body_of
from watcher.signals.datadog.plan import Call, Family, Pair, Part, Unit
from watcher.signals.datadog.query import parsed
from watcher.signals.datadog.server import Server

BACK = timedelta(hours=1)  # what was not seen for so long is not known
LISTED = 5
SEARCH = "/api/v1/search"
_NEAR = 0.6  # as difflib measures it
_NEARLY = 0.8  # a sign or two are wrong
_STEP = timedelta(minutes=5)


class _Found(BaseModel):
    model_config = ConfigDict(extra="ignore")

    metrics: list[str] = []


class _Search(BaseModel):
    model_config = ConfigDict(extra="ignore")

    results: _Found


async def unknown(
    server: Server, indicator: Indicator, arm: tuple[Pair, ...], now: datetime, patience: timedelta
) -> str | None:
    """What *server* does not know of what *arm* needs, and what may have been meant; ``None``: all is there, or nobody says.

    Args:
        server: Who is asked.
        indicator: Whose.
        arm: Of the release that is looked for.
        now: The time.
        patience: For all looks together: who waits longer loses what else was read.
    """
    try:
        async with asyncio.timeout(patience.total_seconds()):
            return await _unknown(server, indicator, arm, now, patience)
    except TimeoutError:
        return None


async def _unknown(
    server: Server, indicator: Indicator, arm: tuple[Pair, ...], now: datetime, patience: timedelta
) -> str | None:
    unit = arm[0].main
    family, of_release = unit.family, _of_release(indicator)
    tags = sorted(zip(family.tags, unit.values, strict=True), key=lambda each: each[0] in of_release)
    known: list[tuple[str, str]] = []
    for tag, value in tags:
        values = await _values(server, family, known, tag, now, patience)
        if values is None:
            return None
        if not values:
            return await no_metric(server, family.metric, patience) or await _no_tag(
                server, family, known, tag, now, patience
            )
        if value not in values:
            there = ", ".join(repr(each[:60]) for each in sorted(values)[:LISTED])
            return (
                f"{family.metric} has no series whose {tag} is {value}{_meant(value, values)}; it is {there}"
            )
        known.append((tag, value))
    if tags:
        return None
    return await no_metric(server, family.metric, patience)


def _of_release(indicator: Indicator) -> frozenset[str]:
    """Tags whose value is a name of the release: one that has served nothing is not known yet."""
    return frozenset(
        tag
        for text in parsed(indicator.query).texts
        for tag, value in metric.parsed(text).exact
        if names_in(value)
    )


async def _no_tag(
    server: Server, family: Family, known: list[tuple[str, str]], tag: str, now: datetime, patience: timedelta
) -> str | None:
    """In words, that what is sent has no such tag; ``None``: it is not sent at all, or nobody says."""
    sent = await _values(server, family, known, None, now, patience)
    return f"{family.metric} has no series with the tag {tag}" if sent else None


async def _values(
    server: Server,
    family: Family,
    known: list[tuple[str, str]],
    tag: str | None,
    now: datetime,
    patience: timedelta,
) -> set[str] | None:
    """The values of *tag* where those that are *known* are as they are; of no tag, one, if anything is there.

    ``None``: nobody says.
    """
    fixed = tuple(f"{name}:{value}" for name, value in known) + family.fixed
    tags = () if tag is None else (tag,)
    asked = Unit(replace(family, tags=tags, fixed=fixed), ("*",) * len(tags))
    grid = Grid.of(now - BACK, now, _STEP)
    body = body_of(Call((Part(asked.family, (asked,)),)), grid)
    answer = await server.post(TIMESERIES, body, Timeseries, SCOPE, patience)
    if isinstance(answer, Failed):
        return None
    try:
        rows = [row for row in answer.rows if row.points]
        return {row.tags.get(tag, "") if tag else "there" for row in rows} - {"", "N/A"}
    except ValueError:
        return None


async def no_metric(server: Server, name: str, patience: timedelta) -> str | None:
    """In words, that there is no such metric, and what may have been meant; ``None``: it is known, or nobody says."""
    beginning = name.rpartition(".")[0] or name
    found = await server.get(SEARCH, {"q": f"metrics:{beginning}"}, _Search, "metrics_read", patience)
    if isinstance(found, Failed) or name in found.results.metrics:
        return None
    return f"{server.where} knows no metric {name}{_meant(name, found.results.metrics)}"


async def misspelt(server: Server, arm: tuple[Pair, ...], patience: timedelta) -> str | None:
    """In words, that a metric of what is bad goes by a name that is nearly another's; ``None``: none does, or nobody says.

    What is bad may never have happened, and then there is no such metric. So its silence alone says nothing, and neither does
    a metric that is merely beside it (``hits``, ``errors``): its own last name must be nearly that of one that there is.
    """
    for name in sorted({pair.bad.family.metric for pair in arm if pair.bad is not None}):
        beginning, dot, last = name.rpartition(".")
        question = {"q": f"metrics:{beginning or name}"}
        found = await server.get(SEARCH, question, _Search, "metrics_read", patience)
        if isinstance(found, Failed) or name in found.results.metrics:
            continue
        beside = [
            each.rpartition(".")[2] for each in found.results.metrics if each.rpartition(".")[0] == beginning
        ]
        near = difflib.get_close_matches(last, beside, 1, _NEARLY)
        if near:
            return (
                f"{server.where} knows no metric {name}: did you mean {beginning}{dot}{near[0]}? "
                "As it is, it looks as if nothing ever failed"
            )
    return None


def _meant(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, sorted(known), 1, _NEAR)
    return f": did you mean {near[0]}?" if near else ""
