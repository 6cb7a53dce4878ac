"""What else moved, and what else fires, beside the evidence: the nearest to the beginning first, no more than one reads at a glance."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from watcher.core.change import Beside, Change, Moved, Weighed, told_once, weighed
from watcher.core.watch import Watch
from watcher.core.wording.evidence import blamed, listed
from watcher.core.wording.figures import moment
from watcher.core.wording.pointing import firing

MOST = 5  # in one line


def besides(watch: Watch, beside: Beside, now: datetime) -> list[str]:
    """For a message that says what happens next."""
    found = weigh(watch, beside)
    moved = [_line("Moved besides", found.besides, now) or _nothing(beside), _left(found, now)]
    return [*firing(beside, now), *moved]


def against(watch: Watch, beside: Beside, now: datetime) -> list[str]:
    """For a question: what speaks against that it was the release stands by itself."""
    found = weigh(watch, beside)
    if not found.suspects:
        return besides(watch, beside, now)
    return [
        *firing(beside, now),
        _line(f"Against that it was {watch.tag}", found.suspects, now),
        _line("Moved besides", found.others, now),
        _left(found, now),
    ]


def suspects(watch: Watch, beside: Beside, now: datetime) -> list[str]:
    """For what did not get well: what it may have been instead."""
    found = weigh(watch, beside)
    return [*firing(beside, now), _line("Suspects", (*found.besides, *found.left), now) or _nothing(beside)]


def in_the_story(watch: Watch, beside: Beside, now: datetime) -> list[str]:
    """For whoever looks at a watch, breached or not."""
    lines = besides(watch, replace(beside, fires=()), now) if watch.breach or beside.changes else []
    return [line for line in (*firing(beside, now, whole=True), *lines) if line]


def weigh(watch: Watch, beside: Beside) -> Weighed:
    """What moved, by what it has to do with the breach; all is as if it began now, where nothing is breached."""
    return weighed(beside.changes, beside.around, watch.switched_at, _began(watch))


def _began(watch: Watch) -> datetime:
    judgement = watch.breaching
    if judgement is None:
        return watch.ended_at or watch.since
    onsets = [verdict.onset.high for verdict in blamed(judgement) if verdict.onset]
    return min(onsets, default=judgement.at)


def _left(found: Weighed, now: datetime) -> str:
    return _line("Does not undo", found.left, now)


def _nothing(beside: Beside) -> str:
    """Only where somebody would have told: else that nothing was told says nothing."""
    return "No other change in the hour" if beside.told else ""


def _line(title: str, changes: Sequence[Change], now: datetime) -> str:
    if not changes:
        return ""
    moved = told_once(changes)
    more = [f"and {len(moved) - MOST} more"] if len(moved) > MOST else []
    return f"{title}: {listed([*(in_words(each, now) for each in moved[:MOST]), *more])}"


def in_words(moved: Moved, now: datetime) -> str:
    """One thing that moved, and when."""
    if moved.many == 1:
        return f"{moved.what} {moment(moved.first, now)}"
    return f"{moved.what} ×{moved.many}, {moment(moved.first, now)} to {moment(moved.last, now)}"
