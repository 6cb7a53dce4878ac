"""The life of one watch: pure functions from a watch and a fact to a `Step`.

The table (``lifecycle.table``) is the machine. Everything here takes what is needed as arguments, the time included,
and touches nothing: whoever calls saves the step, or reads again and takes another. ``None`` says that nothing changes.
"""

from rules.recovery import Level
from watcher.core.facts import Facts, ways_back
from watcher.core.lifecycle.clock import due
from watcher.core.lifecycle.deciding import doubts
from watcher.core.lifecycle.judging import judged, prepared, recovered
from watcher.core.lifecycle.making import SHOWN_ONLY, messages_of, speaks
from watcher.core.lifecycle.news import (
    broken_off,
    called,
    complete_too,
    happened,
    left_half,
    obstructed,
    paused,
    phase_of,
    progressed,
    refused,
    seen_live,
    serving,
    shared_out,
    shown_to_boards,
    superseded,
    went_back,
)
from watcher.core.lifecycle.orders import ordered, orders_allowed
from watcher.core.lifecycle.staging import forwarded, staged, standing
from watcher.core.lifecycle.stock import looked_for
from watcher.core.lifecycle.table import ORDERED, TABLE, Trigger
from watcher.core.lifecycle.timing import next_due
from watcher.core.lifecycle.undone import (
    ended_by_taking_back,
    is_taken_back,
    put_back,
    seen_on_its_way,
    taken_back,
)

__all__ = [
    "ORDERED",
    "SHOWN_ONLY",
    "TABLE",
    "Facts",
    "Level",
    "Trigger",
    "broken_off",
    "called",
    "complete_too",
    "doubts",
    "due",
    "ended_by_taking_back",
    "forwarded",
    "happened",
    "is_taken_back",
    "judged",
    "left_half",
    "looked_for",
    "messages_of",
    "next_due",
    "obstructed",
    "ordered",
    "orders_allowed",
    "paused",
    "phase_of",
    "prepared",
    "progressed",
    "put_back",
    "recovered",
    "refused",
    "seen_live",
    "seen_on_its_way",
    "serving",
    "shared_out",
    "shown_to_boards",
    "speaks",
    "staged",
    "standing",
    "superseded",
    "taken_back",
    "ways_back",
    "went_back",
]
