"""Does Datadog know what is asked for? A wrong name looks like silence, so silence is looked into.

Asked for as one number a group, of the last hour: which releases there are of what has all other tags; and where there is
nothing, with one more of its tags at a time.
Names of metrics that are near are looked for in its index; an application key may be without the scope for that.

Source:
    https://docs.datadoghq.com/api/latest/metrics/#search-metrics
"""

import asyncio
import difflib
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict

from deploy.model import About
from rules.model import Indicator
from watcher.signals.arms import names_in
from watcher.signals.datadog import metric, scalar
from watcher.signals.datadog.answer import Failed
from watcher.signals.datadog.fetch import SCOPE
from watcher.signals.datadog.plan import Family, Pair, Part, Unit
from watcher.signals.datadog.query import parsed
from watcher.signals.datadog.server import Server
from watcher.signals.unknown import Unknown

BACK = timedelta(hours=1)  # what was not seen for so long is not known
LISTED = 5
SEARCH = "/api/v1/search"
_NEAR = 0.6  # as difflib measures it
_NEARLY = 0.8  # a sign or two are wrong
Tagged = Sequence[tuple[str, str]]  # tags, with their values


class _Found(BaseModel):
    model_config = ConfigDict(extra="ignore")

    metrics: list[str] = []


class _Search(BaseModel):
    model_config = ConfigDict(extra="ignore")

    results: _Found


async def unknown(
    server: Server, indicator: Indicator, arm: tuple[Pair, ...], now: datetime, patience: timedelta
) -> Unknown | None:
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
) -> Unknown | None:
    """Which releases there are is asked first, of what has all other tags: mostly that is all that has to be asked."""
    unit, of_release = arm[0].main, release_tags(indicator)
    look = Look(server, unit.family, now, patience, of_release)
    tags = list(zip(unit.family.tags, unit.values, strict=True))
    mine = [each for each in tags if each[0] in of_release]
    others = [each for each in tags if each[0] not in of_release]
    seen = await look.at(others, [tag for tag, _ in mine])
    if seen is None:
        return None
    return await (_not_among(look, seen, others, mine) if seen.groups else _not_there(look, [*others, *mine]))


def release_tags(indicator: Indicator) -> frozenset[str]:
    """Tags whose value is a name of the release: one that has served nothing is not known yet."""
    query = parsed(indicator.query)
    exact = [each for text in query.texts for each in metric.parsed(text).exact]
    groups = [(name, value) for name, _, value in (each.partition(":") for each in query.groups or ())]
    return frozenset(tag for tag, value in (*exact, *groups) if names_in(value))


async def _not_among(look: "Look", seen: "_Seen", known: Tagged, mine: Tagged) -> Unknown | None:
    """Which of the release's tags has not its value among what was *seen*; ``None``: all have, or nobody says."""
    rows = seen.groups
    for tag, wanted in mine:
        values = values_of(rows, tag)
        if not values:
            return look.without(tag)
        if wanted not in values:
            return None if await look.has(seen, [*known, (tag, wanted)]) else look.words(tag, wanted, values)
        rows = [row for row in rows if row.get(tag) == wanted]
        known = [*known, (tag, wanted)]
    return None


async def _not_there(look: "Look", tags: Tagged) -> Unknown | None:
    """Which of *tags* there is not, one more at a time; ``None``: all are there, or nobody says."""
    known: list[tuple[str, str]] = []
    for tag, wanted in tags:
        seen = await look.at(known, [tag])
        if seen is None:
            return None
        values = values_of(seen.groups, tag)
        if not values:
            return await no_metric(look.server, look.family.metric, look.patience) or await look.no_tag(
                known, tag
            )
        if wanted not in values and not await look.has(seen, [*known, (tag, wanted)]):
            return look.words(tag, wanted, values)
        known.append((tag, wanted))
    return None if tags else await no_metric(look.server, look.family.metric, look.patience)


def values_of(rows: Iterable[Mapping[str, str]], tag: str) -> set[str]:
    """Those that *tag* has in *rows*; what has it not is told as ``N/A``."""
    return {row.get(tag, "") for row in rows} - {"", "N/A"}


@dataclass(frozen=True, slots=True)
class _Seen:
    """Groups that something was sent with. *is_whole*: there are no others."""

    groups: Sequence[Mapping[str, str]]
    is_whole: bool


@dataclass(frozen=True, slots=True)
class Look:
    """What was sent of one metric in the last hour."""

    server: Server
    family: Family
    now: datetime
    patience: timedelta
    of_release: Container[str] = frozenset()  # tags

    async def at(self, known: Tagged, by: Sequence[str]) -> _Seen | None:
        """The groups *by* these tags, where those that are *known* are as they are; ``None``: nobody says."""
        fixed = tuple(f"{tag}:{value}" for tag, value in known) + self.family.fixed
        family = replace(self.family, tags=tuple(by), fixed=fixed)
        part = Part(family, (Unit(family, ("*",) * len(by)),))
        aggregator = "sum" if "as_count" in family.functions else "avg"
        body = scalar.body_of(part.text, aggregator, self.now - BACK, self.now)
        answer = await self.server.post(scalar.PATH, body, scalar.Scalar, SCOPE, self.patience)
        if isinstance(answer, Failed):
            return None
        try:
            return _Seen([group.tags for group in answer.groups], answer.is_whole)
        except ValueError:
            return None

    async def has(self, seen: _Seen, known: Tagged) -> bool:
        """Whether what was not *seen* is there all the same: it had not to show all, or nobody says."""
        if seen.is_whole:
            return False
        alone = await self.at(known, [])
        return alone is None or bool(alone.groups)

    async def no_tag(self, known: Tagged, tag: str) -> Unknown | None:
        """In words, that what is sent has no such tag; ``None``: it is not sent at all, or nobody says."""
        sent = await self.at(known, [])
        return self.without(tag) if sent and sent.groups else None

    def without(self, tag: str) -> Unknown:
        """That no series has *tag*."""
        about = About.VERSION_TAG if tag in self.of_release else About.TAG
        return Unknown(about, f"{self.family.metric} has no series with the tag {tag}")

    def words(self, tag: str, wanted: str, values: Iterable[str]) -> Unknown:
        """That *tag* has other *values*."""
        there = ", ".join(repr(each[:60]) for each in sorted(values)[:LISTED])
        words = f"{self.family.metric} has no series whose {tag} is {wanted}{_meant(wanted, values)}; it is {there}"
        return Unknown(About.RELEASE if tag in self.of_release else About.TAG, words)


async def no_metric(server: Server, name: str, patience: timedelta) -> Unknown | None:
    """In words, that there is no such metric, and what may have been meant; ``None``: it is known, or nobody says."""
    beginning = name.rpartition(".")[0] or name
    found = await server.get(SEARCH, {"q": f"metrics:{beginning}"}, _Search, "metrics_read", patience)
    if isinstance(found, Failed) or name in found.results.metrics:
        return None
    return Unknown(
        About.METRIC, f"{server.where} knows no metric {name}{_meant(name, found.results.metrics)}"
    )


async def misspelt(server: Server, arm: tuple[Pair, ...], patience: timedelta) -> Unknown | None:
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
            words = f"{server.where} knows no metric {name}: did you mean {beginning}{dot}{near[0]}?"
            return Unknown(About.METRIC, f"{words} As it is, it looks as if nothing ever failed")
    return None


def _meant(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, sorted(known), 1, _NEAR)
    return f": did you mean {near[0]}?" if near else ""
