"""One message for each thing that happens to a watch.

The headline is the phone's notification: service and environment, what is wrong with a number, what happens next and
when. What each message says stands in ``before`` (up to the decision) and ``after`` (from the decision on).
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from watcher.core.facts import Facts
from watcher.core.watch import Notice, Watch
from watcher.core.wording import after, before, stages
from watcher.core.wording.evidence import blamed, name
from watcher.core.wording.figures import all_said
from watcher.core.wording.pointing import links
from watcher.core.wording.text import Event, Text

# Messages that show what fires besides, and so say where to look at it.
POINTED = frozenset({Event.BREACHED, Event.ASKED, Event.WOULD_HAVE, Event.ROLLING_BACK, Event.ROLLED_BACK})
Say = Callable[[Watch, datetime, Facts], Text]

SAYS: Mapping[Event, Say] = {
    Event.OPENED: before.opened,
    Event.RETURNING: before.returning,
    Event.NOT_COMPARABLE: before.not_comparable,
    Event.OBSTRUCTED: before.obstructed,
    Event.WAY_LOST: before.way_lost,
    Event.PAUSED: before.paused,
    Event.ADVANCING: stages.advancing,
    Event.WOULD_ADVANCE: stages.would_advance,
    Event.UNDECIDED: before.undecided,
    Event.BREACHED: before.breached,
    Event.ASKED: before.asked,
    Event.ASKED_LATER: before.asked_later,
    Event.SEES_AGAIN: before.sees_again,
    Event.HELD: before.held,
    Event.RESUMED: before.resumed,
    Event.WOULD_HAVE: before.would_have,
    Event.ROLLING_BACK: after.rolling_back,
    Event.STUCK: after.stuck,
    Event.WENT_BACK: after.went_back,
    Event.ROLLED_BACK: after.rolled_back,
    Event.PASSED: after.passed,
    Event.UNPROVEN: after.unproven,
    Event.KEPT: after.kept,
    Event.SUPERSEDED: after.superseded,
    Event.TAKEN_BACK: after.taken_back,
}


def notice(event: Event, watch: Watch, now: datetime, facts: Facts) -> Notice:
    """What people are told of *event*.

    Args:
        event: What happened.
        watch: As it is after that.
        now: When.
        facts: What else moved, and by whom the daemon is disarmed.
    """
    text = SAYS[event](watch, now, facts)
    headline, lines = all_said(f"{name(watch)}: {text.headline}", [line for line in text.lines if line])
    return Notice(
        headline=headline,
        lines=lines,
        buttons=text.buttons,
        tone=text.tone,
        event=event.value,
        watch=watch.id,
        service=watch.service,
        environment=watch.environment,
        at=now,
        facts=_facts(watch),
        links=links(facts.beside) if event in POINTED else (),
    )


def _facts(watch: Watch) -> dict[str, str]:
    """For machines: the same words whatever the message says."""
    told: dict[str, str | None] = {
        "state": watch.state.value,
        "tag": watch.tag,
        "fingerprint": watch.deployment.fingerprint,
        "goes_to": watch.goes_to,
        "stage": stages.here(watch) or None,
        "mode": watch.mode.value,
        "author": watch.deployment.author,
        "platform_ids": " ".join(watch.deployment.platform_ids) or None,
        "action": watch.action,
        "ordered_by": watch.ordered_by,
        "ended_by": watch.ending.by if watch.ending else None,
        "decided_at": watch.decided_at.isoformat() if watch.decided_at else None,
        "back_at": watch.back_at.isoformat() if watch.back_at else None,
        **_figures(watch),
    }
    return {key: value for key, value in told.items() if value is not None}


def _figures(watch: Watch) -> dict[str, str | None]:
    judgement = watch.breaching
    verdicts = blamed(judgement) if judgement else []
    if judgement is None or not verdicts:
        return {}
    estimate = verdicts[0].estimate
    return {
        "rule": verdicts[0].rule,
        "value": f"{estimate.value:.6g}" if estimate else None,
        "log10_e": None if judgement.log10_e is None else f"{judgement.log10_e:.4g}",
    }
