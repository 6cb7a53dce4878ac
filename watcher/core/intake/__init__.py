"""What an announcement means: a watch is opened, joined or superseded; or it is recorded, or rejected, and says why.

Announcements are hints. What they mean is decided by what runs, by what the ledger says served until now, and by the
watch that lives. Looking all that up is the listener's; nothing here asks anybody.

Deliberately absent: whether the sender may announce (the door's), and the judging of the release (``rules``).
"""

from watcher.core.intake.arms import alike, known_as, names_of
from watcher.core.intake.hearing import DOOR, SKEW, STALE, intake
from watcher.core.intake.meaning import READING, Joined, Known, Meaning, Opened, Part, Recorded, Rejected
from watcher.core.intake.opening import ordered_back
from watcher.core.intake.starting import must_be_staged, started

__all__ = [
    "DOOR",
    "READING",
    "SKEW",
    "STALE",
    "Joined",
    "Known",
    "Meaning",
    "Opened",
    "Part",
    "Recorded",
    "Rejected",
    "alike",
    "intake",
    "known_as",
    "must_be_staged",
    "names_of",
    "ordered_back",
    "started",
]
