"""What a message is made of: what happened, its text in the making, and the buttons that several messages share."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from watcher.core.watch import Button, OrderKind, Tone, Watch
from watcher.core.wording.evidence import listed
from watcher.core.wording.figures import moment


class Event(StrEnum):
    """What people are told of; the value is for machines."""

    OPENED = "watch.opened"
    RETURNING = "release.returned"
    NOT_COMPARABLE = "watch.not_comparable"
    OBSTRUCTED = "watch.obstructed"
    PAUSED = "watch.paused"
    ADVANCING = "rollout.advancing"
    WOULD_ADVANCE = "rollout.would_advance"
    UNDECIDED = "watch.undecided"
    BREACHED = "watch.breached"
    ASKED = "watch.asked"
    ASKED_LATER = "watch.asked_later"
    SEES_AGAIN = "watch.sees_again"
    HELD = "watch.held"
    RESUMED = "watch.resumed"
    WOULD_HAVE = "watch.would_have"
    ROLLING_BACK = "watch.rolling_back"
    STUCK = "watch.stuck"
    WENT_BACK = "watch.went_back"
    ROLLED_BACK = "watch.rolled_back"
    PASSED = "watch.passed"
    UNPROVEN = "watch.unproven"
    KEPT = "watch.kept"
    SUPERSEDED = "watch.superseded"
    TAKEN_BACK = "watch.taken_back"
    WAY_LOST = "watch.way_lost"


@dataclass(frozen=True, slots=True)
class Text:
    """A message in the making; times in it are still marked (`figures.moment`)."""

    headline: str
    lines: list[str] = field(default_factory=list)
    buttons: tuple[Button, ...] = ()
    tone: Tone = Tone.NOTE


def roll_back_buttons(watch: Watch, label: str = "Roll back") -> tuple[Button, ...]:
    """The button that rolls back, where there is a way."""
    to = watch.goes_to
    return (Button(f"{label} to {to}", OrderKind.ROLL_BACK),) if to else ()


def keep_button(watch: Watch) -> Button:
    """The button that lets it be."""
    return Button(f"Keep {watch.tag}", OrderKind.KEEP)


_QUARTER = timedelta(minutes=15)
HOLD = Button("Hold 15 min", OrderKind.HOLD, lasting=_QUARTER)
ASK_AGAIN = Button("Ask again in 15 min", OrderKind.ASK_AGAIN, lasting=_QUARTER)
RIGHT_CALL = Button("Right call", call="right")
WRONG_CALL = Button("Wrong call", call="wrong")
RESUME = Button("Resume", OrderKind.RESUME)


def obstacles(watch: Watch) -> list[str]:
    """What forbids that the machine moves it by itself, a line each."""
    return [f"Nothing is moved here by itself: {each}" for each in watch.obstacles]


def in_a_freeze(watch: Watch, now: datetime) -> str:
    """Behind "deployed": under which freeze, if under one."""
    held = watch.frozen
    return f" in a freeze (until {moment(held.until, now)}, by {held.by}: {held.reason})" if held else ""


def deployed_in_a_freeze(watch: Watch, now: datetime) -> str:
    """A line of its own; none, where nothing was frozen."""
    return f"Deployed{in_a_freeze(watch, now)}" if watch.frozen else ""


def escalation(watch: Watch, now: datetime) -> str:
    """Who is called besides, and when: to come, or done."""
    told = watch.policy.escalation
    names = listed([each.partition(":")[0] for each in told.to]) if told else ""
    if watch.escalates_at is not None:
        return f"If nobody answers until {moment(watch.escalates_at, now)}: calls {names}"
    called = watch.escalated_at
    return f"Nobody had answered until {moment(called, now)}: called {names}" if called else ""


def reason(reason: str) -> str:
    """What somebody gave as the reason, behind what they did."""
    return f": {reason}" if reason else ""
