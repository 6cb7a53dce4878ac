"""The gate before production: what may be deployed, before it is. Pure.

candidate  what is to be deployed, and which release it is     trial    what became of it in an environment before
deciding   the answer: pass, wait, ask, refuse                 passage  one that asks to pass, to its end
wording    what people read of it
"""

from watcher.core.gate.candidate import CONTENT, Candidate
from watcher.core.gate.deciding import (
    BY_HOTFIX,
    TROUBLED,
    Answer,
    Because,
    Decision,
    Gate,
    GateFacts,
    Reason,
    gate,
)
from watcher.core.gate.passage import Passage, PassageStep, Passing, looked, ordered, unconfigured
from watcher.core.gate.trial import Before, Trial, Tried, tried

__all__ = [
    "BY_HOTFIX",
    "CONTENT",
    "TROUBLED",
    "Answer",
    "Because",
    "Before",
    "Candidate",
    "Decision",
    "Gate",
    "GateFacts",
    "Passage",
    "PassageStep",
    "Passing",
    "Reason",
    "Trial",
    "Tried",
    "gate",
    "looked",
    "ordered",
    "tried",
    "unconfigured",
]
