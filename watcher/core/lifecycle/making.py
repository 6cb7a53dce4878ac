"""How a step is made of a watch: the next revision, where it stands then, and what people are told."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal

from watcher.core.facts import Facts
from watcher.core.lifecycle.table import TABLE, Trigger
from watcher.core.lifecycle.timing import earliest
from watcher.core.service import Speak
from watcher.core.watch import Action, ActionResult, ActionState, AtStage, Message, State, Step, Watch
from watcher.core.wording import Event, notice

# Told only to those who like it (`speak: all`), or once the watch has spoken: nobody is needed.
QUIET = frozenset({Event.OPENED, Event.ADVANCING, Event.UNDECIDED, Event.PASSED, Event.SUPERSEDED})
# Shown, and not told one by one: they say how a thing goes on that was told.
SHOWN_ONLY = frozenset(
    {
        Event.OPENED,
        Event.ADVANCING,
        Event.NOT_COMPARABLE,
        Event.OBSTRUCTED,
        Event.UNDECIDED,
        Event.WENT_BACK,
        Event.SUPERSEDED,
    }
)
# Told, and not shown: it says nothing of how the watch stands.
TOLD_ONLY = frozenset({Event.PAUSED})


def moved(watch: Watch, trigger: Trigger, now: datetime, **changes: Any) -> Watch:
    """*watch* one revision on, in the state that *trigger* leads to; whatever belonged to the old state alone is gone."""
    state = TABLE[watch.state][trigger]
    left: dict[str, Any] = {
        "countdown_until": None,
        "question": None,
        "hold": None,
        "blind_since": None,
        # What moved the rollout on is no longer valid; where it got is seen by what runs.
        "at": watch.at and _left(watch.at),
    }
    return renewed(
        watch,
        state=state,
        since=now,
        ended_at=now if state.is_final else None,
        **(left | changes),
    )


def _left(at: AtStage) -> AtStage:
    """*at*, where nothing moves it on any more. That it is to begin was ordered, and stays so."""
    ordered_by = at.ordered_by if at.is_before else None
    return replace(at, action=None, acted_at=None, ordered_by=ordered_by)


def renewed(watch: Watch, **changes: Any) -> Watch:
    """*watch* one revision on."""
    return replace(watch, revision=watch.revision + 1, **changes)


def stepped(
    before: Watch, after: Watch, now: datetime, facts: Facts, event: Event | None = None, **causes: Any
) -> Step:
    """The step from *before* to *after*.

    Args:
        before: As it was read.
        after: One revision on.
        now: The time.
        facts: Where people are told, and when what is read becomes final.
        event: What people are told; ``None``: nothing that they can see has changed.
        causes: What else the step causes: actions, guards, quarantines...
    """
    actions: tuple[Action, ...] = causes.get("actions", ())
    messages = messages_of(after, event, now, facts, first=len(actions)) if event else ()
    due_at = None if after.state.is_final else earliest(after, facts.beats, now)
    told = replace(after, due_at=due_at, spoken=after.spoken or speaks(messages, facts))
    return Step(
        watch=told,
        before=before.revision,
        messages=messages,
        **({"results": _results(before, after)} | causes),
    )


def messages_of(
    watch: Watch, event: Event, now: datetime, facts: Facts, first: int = 0
) -> tuple[Message, ...]:
    """One ``show`` a channel, one ``append`` where the event matters by itself, or both; their ids are numbered from *first*."""
    is_loud = event not in QUIET or watch.policy.speak is Speak.ALL or watch.spoken
    kinds_and_channels = [
        (kind, channel)
        for channel in (*facts.channels, *watch.called_in)
        if is_loud or channel in facts.boards
        for kind in _kinds(event)
        if kind == "show" or channel not in facts.boards
    ]
    if not kinds_and_channels:
        return ()
    told = notice(event, watch, now, facts)
    return tuple(
        Message(f"{watch.id}.{watch.revision}.{number}", kind, channel, told)
        for number, (kind, channel) in enumerate(kinds_and_channels, first)
    )


def speaks(messages: Iterable[Message], facts: Facts) -> bool:
    """People hear of *messages*: one of them goes to more than a board."""
    return any(message.channel not in facts.boards for message in messages)


def _kinds(event: Event) -> tuple[Literal["show", "append"], ...]:
    if event in SHOWN_ONLY:
        return ("show",)
    return ("append",) if event in TOLD_ONLY else ("show", "append")


def _results(before: Watch, after: Watch) -> tuple[ActionResult, ...]:
    """A rollback that is left under way is no longer ours: closed, so that it does not stand in the way of the next."""
    if before.state is not State.ROLLING_BACK or after.state is State.ROLLING_BACK or before.action is None:
        return ()
    return (ActionResult(before.action, ActionState.FAILED, f"the watch is {after.state.words}"),)
