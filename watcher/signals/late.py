"""What it means that our own event loop stood still during a look: nothing of the service, and who must act."""

from rules.sample import Unavailable, Who

REMEDY = "give the daemon more CPU and memory, or fewer things to look at: `rollbackd_event_loop_lag_seconds` shows how late it is"


def were_late(seconds: float) -> Unavailable:
    """The look has seen nothing: its time ran out, or would have, by our doing."""
    by = f"{seconds:.1f}" if seconds >= 1 else f"{seconds:.2g}"
    words = f"this machine was late by {by} s: what is asked meanwhile is not counted"
    return Unavailable(Who.OPERATOR, words, remedy=REMEDY)
