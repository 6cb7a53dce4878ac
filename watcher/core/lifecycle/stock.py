"""Whether what a rollback would go back to is there: looked for when a watch opens, and not only when it is needed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from deploy.tags import Back
from watcher.core.facts import Facts, furthest
from watcher.core.lifecycle.making import renewed, stepped
from watcher.core.lifecycle.news import OBSERVING
from watcher.core.watch import Missing, Step, Watch
from watcher.core.wording import Event


def looked_for(
    watch: Watch, missing: Sequence[Missing], ways: Mapping[str, Back], now: datetime, facts: Facts
) -> Step | None:
    """The known-good releases were looked for on their platforms.

    People are told at once of one that is gone; not of one that is there again, by which nothing gets worse.

    Args:
        watch: As it was read.
        missing: All that are not there now, of any part; that found last comes last.
        ways: The way back of each part past those.
        now: When it was looked.
        facts: Where people are told.
    """
    if watch.state not in OBSERVING or _which(missing) == _which(watch.missing):
        return None
    complete = all(change.part in ways for change in watch.deployment.parts)
    way = furthest(tuple(ways.values())) if complete else None
    after = replace(renewed(watch), missing=tuple(missing), way_back=way)
    is_worse = bool(_which(missing) - _which(watch.missing))
    why = missing[-1].words if is_worse else "what was missing is there again"
    return stepped(watch, after, now, facts, Event.WAY_LOST if is_worse else None, why=why)


def _which(missing: Sequence[Missing]) -> frozenset[tuple[str, str]]:
    return frozenset((each.part, each.release.fingerprint) for each in missing)
