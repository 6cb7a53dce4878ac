"""Does New Relic know what is asked for? A wrong name looks like silence, so silence is looked into."""

import difflib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from deploy.model import About
from watcher.signals.arms import names_in
from watcher.signals.newrelic import nrql
from watcher.signals.newrelic.answer import Failed, Told
from watcher.signals.newrelic.line import Line
from watcher.signals.newrelic.nrql import TOTAL, attribute, select, string
from watcher.signals.newrelic.plan import Unit
from watcher.signals.unknown import Unknown

BACK = timedelta(hours=1)  # what was not seen for so long is not known
MOST = 100  # values that are looked at
LISTED = 3
_NEAR = 0.6  # as difflib measures it


async def unknown(
    line: Line, unit: Unit, asked: Mapping[str, str], now: datetime, until: float
) -> Unknown | None:
    """What of *unit* no event of the last hour has, and what may have been meant; ``None``: all is there, or nobody says.

    Attribute by attribute in the order in which they stand: of those that have the first, which have the second.
    """
    family = unit.family
    conditions: list[str] = []
    if not await _are_any(line, family.source, now, until):
        return None
    for name, value in zip(family.attributes, unit.values, strict=True):
        values = await _values(line, family.source, name, conditions, now, until)
        if values is None:
            return None
        if not values:
            such = f" with {' and '.join(conditions)}" if conditions else ""
            about = About.VERSION_TAG if names_in(asked.get(name, "")) else About.TAG
            return Unknown(about, f"{line.where}: no {family.source}{such} has an attribute {name}")
        if value not in values and len(values) < MOST:
            near = difflib.get_close_matches(value, values, 1, _NEAR)
            meant = f"did you mean {near[0]}?" if near else f"it is {', '.join(sorted(values)[:LISTED])}"
            about = About.RELEASE if names_in(asked.get(name, "")) else About.TAG
            return Unknown(about, f"{line.where}: no {family.source} has {name} = {value}: {meant}")
        conditions.append(f"{attribute(name)} = {string(value)}")
    return None


async def _are_any(line: Line, source: str, now: datetime, until: float) -> bool:
    """Where there are no such events at all, nothing is known of names; a type that is misspelt is among them."""
    told = await _asked(line, select(source, _span(now)), until)
    return told is not None and any(row.get(TOTAL) for row in told.results)


async def _values(
    line: Line, source: str, name: str, conditions: Sequence[str], now: datetime, until: float
) -> list[str] | None:
    text = select(source, _span(now), conditions=conditions, facets=[name], limit=str(MOST))
    told = await _asked(line, text, until)
    return None if told is None else [str(row.get("facet")) for row in told.results]


def _span(now: datetime) -> tuple[int, int]:
    return int((now - BACK).timestamp()), int(now.timestamp())


async def _asked(line: Line, text: str, until: float) -> Told | None:
    """``None``: nobody says."""
    told = await line.ask(nrql.body(line.settings.account, {"q0": text}), until)
    one = told if isinstance(told, Failed) else told.get("q0")
    return None if isinstance(one, Failed) else one
