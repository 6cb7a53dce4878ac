"""What a notice means to whoever is on call: come, you may go, or nothing new."""

from enum import StrEnum

from watcher.core.service import Mode
from watcher.core.watch import Notice, State, Tone
from watcher.core.wording import Event

# For whom people are mentioned elsewhere too: breached, asked, stuck. To be told that it did not help, or that a release
# that was quarantined comes back, wakes nobody.
PAGES = frozenset({Event.BREACHED, Event.ROLLING_BACK, Event.ASKED, Event.STUCK})
UNDER_WAY = frozenset({Event.ROLLING_BACK, Event.WENT_BACK})


class Wanted(StrEnum):
    """What is sent, in PagerDuty's words; *leave*: nothing."""

    TRIGGER = "trigger"
    RESOLVE = "resolve"
    LEAVE = "leave"


def wanted(notice: Notice) -> Wanted:
    """What *notice*, which says how its watch stands, asks of whoever is on call.

    Somebody's word is an answer, so it resolves: an order, a hold, the question put off. So does every end, but those at which
    something is still wrong and nobody has said a word: then only a person closes the incident.
    """
    if notice.event in PAGES and notice.tone is Tone.ALARM:
        return Wanted.TRIGGER
    if notice.event in UNDER_WAY and "ordered_by" not in notice.facts:
        return Wanted.LEAVE
    return Wanted.LEAVE if _is_still_wrong(notice) else Wanted.RESOLVE


def _is_still_wrong(notice: Notice) -> bool:
    if notice.event == Event.ROLLED_BACK:
        return notice.tone is Tone.ALARM  # it serves the known-good release, and that did not help
    kept = notice.facts.get("state") == State.KEPT
    return kept and "ended_by" not in notice.facts and notice.facts.get("mode") != Mode.SHADOW
