"""Another hand takes the rollout of a watch back before it was complete: its platform by itself, or a person past us.

What served before serves alone again, as the ledger says all along: so no deployment is announced, and only reading tells.
The watch ends then. Its release is not quarantined, for nothing was proved against it; it has no grade either.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from deploy.model import Live, Release
from watcher.core.facts import Facts
from watcher.core.lifecycle.making import moved, renewed, stepped
from watcher.core.lifecycle.news import OBSERVING, has
from watcher.core.lifecycle.table import Trigger
from watcher.core.watch import Ending, Step, Watch
from watcher.core.wording import Event, ending_words


def seen_on_its_way(watch: Watch, live: Mapping[str, Live], now: datetime, facts: Facts) -> Step | None:
    """The release of *watch* was read on its platform for the first time: from then on its absence says something.

    Args:
        watch: Any.
        live: What runs, by part; a part that could not be read is missing.
        now: When it was read.
        facts: When what is read becomes final.
    """
    if watch.state not in OBSERVING or watch.seen_at is not None or not is_there(watch, live):
        return None
    return stepped(watch, renewed(watch, seen_at=now), now, facts, why="seen on its platform")


def is_there(watch: Watch, live: Mapping[str, Live]) -> bool:
    """A part of the release runs, or is on its way."""
    changes = (change for change in watch.deployment.parts if change.part in live)
    return any(has(live[change.part], change.after) for change in changes)


def is_taken_back(watch: Watch, live: Mapping[str, Live]) -> bool:
    """It was seen on its way, and is gone from every part; nothing else is on its way.

    What was announced and never seen is not meant: a pipeline may announce before it deploys.
    """
    if watch.state not in OBSERVING or watch.seen_at is None or is_there(watch, live):
        return False
    return all(
        (runs := live.get(change.part)) is not None and runs.release is not None and runs.in_flight is None
        for change in watch.deployment.parts
    )


def put_back(watch: Watch, live: Mapping[str, Live]) -> Mapping[str, Release]:
    """What serves in each part of *watch*, or is on its way, if it is what served before in all of several; else nothing.

    Who has put it back, and whether the rollout was complete by then, is another question.
    """
    back: dict[str, Release] = {}
    if watch.state not in OBSERVING or len(watch.deployment.parts) == 1:
        return back
    for change in watch.deployment.parts:
        runs = live.get(change.part)
        running = (runs.in_flight or runs.release) if runs is not None else None
        if running is None or change.before is None or not running.is_same_as(change.before):
            return {}
        back[change.part] = running
    return back


def taken_back(watch: Watch, live: Mapping[str, Live], now: datetime, facts: Facts) -> Step | None:
    """The end of a watch whose rollout was taken back before its release took traffic: nothing else changed for users.

    Where it took traffic, what is put back is a deployment, which `intake` watches; and that ends this watch.

    Args:
        watch: Any.
        live: What runs, by part.
        now: When it was read.
        facts: Where people are told.
    """
    if not is_taken_back(watch, live) or watch.traffic_at is not None:
        return None
    tags = [runs.tag for change in watch.deployment.parts if (runs := live[change.part].release) is not None]
    return ended_by_taking_back(watch, tags, now, facts)


def ended_by_taking_back(
    watch: Watch, tags: list[str], now: datetime, facts: Facts, by: str | None = None
) -> Step:
    """The last step of a watch whose rollout was taken back.

    Args:
        watch: One that observes.
        tags: What serves again.
        now: When that was seen.
        facts: Where people are told.
        by: The watch of what serves again, if there is one.
    """
    after = moved(watch, Trigger.TAKEN_BACK, now, superseded_by=by)
    ending = Ending(
        ending_words(after, now, but=" + ".join(tags)), would_have=after.would_have, taken_back=True
    )
    return stepped(watch, replace(after, ending=ending), now, facts, Event.TAKEN_BACK, why=ending.words)
