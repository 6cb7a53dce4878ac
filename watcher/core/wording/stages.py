"""Where a rollout stands that rollbackd moves forward, what comes next, and what a person is asked about it."""

from datetime import datetime

from rules.objectives.wording import share_words, span_words
from watcher.core.facts import Facts
from watcher.core.service import Mode, WarmUp
from watcher.core.stages import BEFORE_THE_HOOK, asks_at, bakes_for, leads_on, may_advance, next_stage
from watcher.core.warming import is_warm
from watcher.core.watch import Button, OrderKind, Tone, Watch
from watcher.core.wording.evidence import blind, listed, way
from watcher.core.wording.figures import moment
from watcher.core.wording.text import ASK_AGAIN, HOLD, Text, escalation, roll_back_buttons


def here(watch: Watch) -> str:
    """Where it stands: "at 5 % of the traffic"; "at the hook POST_TEST_TRAFFIC_SHIFT"."""
    if watch.at is None:
        return ""
    pause = watch.at.pause
    if pause is not None:
        return f"at the hook {pause.stage or pause.hook}"
    if watch.at.is_before:
        return "without traffic"
    return f"at {share_words(watch.at.share)} of the traffic"


def onward(watch: Watch) -> str:
    """Where it goes from there."""
    if watch.at is not None and watch.at.pause is not None:
        return f"past the hook {watch.at.pause.stage or watch.at.pause.hook}"
    stage = next_stage(watch)
    return f"to {share_words(stage.share)} of the traffic" if stage else "no further"


def stands(watch: Watch, now: datetime) -> list[str]:
    """For whoever looks at a watch: the stages, and where among them it is."""
    if watch.at is None or watch.state.is_final:
        return []
    at = watch.at
    if at.is_over:
        return [f"The hook {watch.stages[watch.stage].gate} was answered; its platform goes on"]
    by = f", ordered by {at.ordered_by}" if at.ordered_by else ""
    if at.action is not None:
        return [f"It is moved on {onward(watch)}{by}"]
    if at.is_before:
        warm = f". It warms up: {told}" if (told := warmth(watch)) else ""
        return [f"Since {moment(at.since, now)} it is {here(watch)}; it begins with {first(watch)}{by}{warm}"]
    least = f"seen well for {span_words(bakes_for(watch))}"
    then = (
        ""
        if leads_on(watch) is None
        else f"; {_GOES[watch.goes_forward]} {onward(watch)} once it was {least}"
    )
    return [f"Since {moment(at.since, now)} it is {here(watch)}{then}"]


def first(watch: Watch) -> str:
    """With what a rollout begins that has no traffic yet."""
    stage = next_stage(watch)
    return f"{share_words(stage.share)} of the traffic" if stage else "nothing"


_GOES = {
    Mode.AUTO: "it goes on",
    Mode.ASK: "a person is asked whether it goes on",
    Mode.SHADOW: "it would go on",
}


def advance_button(watch: Watch, label: str = "") -> tuple[Button, ...]:
    """The button that moves it on, where that is possible."""
    return (Button(label or f"Go on {onward(watch)}", OrderKind.ADVANCE),) if may_advance(watch) else ()


# ----------------------------------------------------------------------------------------------------------- messages


def advancing(watch: Watch, _now: datetime, _facts: Facts) -> Text:
    """It is moved on, by the machine or by a person."""
    by = f", ordered by {watch.at.ordered_by}" if watch.at and watch.at.ordered_by else ""
    if watch.at is not None and watch.at.is_before:
        return Text(f"{watch.tag} begins with {first(watch)}{by}", [way(watch)], (HOLD,), Tone.QUIET)
    well = "" if by else f": {_seen(watch)}"
    return Text(f"{watch.tag} goes on {onward(watch)}{by}{well}", [way(watch)], (HOLD,), Tone.QUIET)


def _seen(watch: Watch) -> str:
    """Why it may go on."""
    if watch.traffic_at is None:
        return f"it has no traffic yet {here(watch)}, so nothing was seen"
    return f"it was seen well {here(watch)}"


def would_advance(watch: Watch, _now: datetime, _facts: Facts) -> Text:
    """In shadow."""
    return Text(
        f"would have moved {watch.tag} on {onward(watch)}: {_seen(watch)}. Nothing was done",
        tone=Tone.NOTE,
    )


def asked_to_go_on(watch: Watch, now: datetime, _facts: Facts) -> Text:
    """A person is asked whether it goes on; nothing is known to be wrong."""
    question = watch.question
    words = question.words if question else ""
    first, *more = words.split("\n")
    return Text(
        f"{watch.tag} stays {here(watch) or 'where it is'}. A person is needed: {first}",
        [
            *more,
            _unseen(watch),
            way(watch),
            escalation(watch, now),
            _unanswered(watch, now),
        ],
        (*advance_button(watch), *roll_back_buttons(watch), ASK_AGAIN),
        Tone.ALARM,
    )


def _unseen(watch: Watch) -> str:
    unseen = blind(watch.judgement)
    return f"Blind: {listed(f'{verdict.name} ({verdict.words})' for verdict in unseen)}" if unseen else ""


def _unanswered(watch: Watch, now: datetime) -> str:
    if watch.question is None:
        return ""
    pause = watch.at.pause if watch.at else None
    until = moment(watch.question.expires_at, now)
    stays = (
        f"If nobody answers until {until}: it stays {here(watch) or 'where it is'}, and is watched no longer"
    )
    if pause is None or pause.until is None:
        return stays
    then = pause.otherwise or "the platform goes on by its own setting"
    return f"{stays}. At {moment(pause.until, now)}: {then}"


# ------------------------------------------------------------------------------------------------------------ reasons


def undecided(watch: Watch) -> str:
    """Why a stage asks: its longest bake is over."""
    if watch.at is None:
        return "it was not seen well in time"
    until = watch.at.pause.until if watch.at.pause else None
    asked_at = asks_at(watch, watch.at)
    if until is not None and asked_at >= until - BEFORE_THE_HOOK:
        return (
            f"it was not seen well {here(watch)} for {span_words(bakes_for(watch))},"
            f" and its platform waits there only until {moment(until, asked_at)}"
        )
    lasted = span_words(asked_at - watch.at.since)
    if watch.at.is_before:
        need = watch.policy.rollout.warm_up
        is_cold = need is not None and not is_warm(watch.at, need)
        return _cold(watch) if is_cold else f"it could not be given its first traffic within {lasted}"
    return f"it was not seen well {here(watch)} within {lasted}, so it does not go on by itself"


def may_it(watch: Watch) -> str:
    """Why a stage asks: the mode."""
    why = " · ".join(watch.obstacles) or "the mode of this service is to ask"
    return f"{_seen(watch)}, and may go on {onward(watch)}; {why}"


def disarmed(watch: Watch) -> str:
    """Why a stage asks: the switch."""
    return f"{_well(watch)}, and rollbackd does not move it on {onward(watch)} while it is disarmed"


def in_a_freeze(watch: Watch) -> str:
    """Why a stage asks: nothing may be deployed now."""
    return f"{_well(watch)}, and a freeze began before it was moved on {onward(watch)}"


def _well(watch: Watch) -> str:
    has_none = watch.at is not None and watch.at.is_before
    return "it was ordered to begin" if has_none else "it was seen well"


def _cold(watch: Watch) -> str:
    """Why it is not begun with: its probe."""
    need = watch.policy.rollout.warm_up or WarmUp()
    return f"it did not warm up within {span_words(need.within)}: {warmth(watch)}. Nobody was served by it"


def warmth(watch: Watch) -> str:
    """How far it is warmed up: "3 of 10 good answers in a row of the probe health"; empty where no probe is asked."""
    need = watch.policy.rollout.warm_up
    if need is None or need.probe is None or watch.at is None:
        return ""
    seen = watch.at.warmth
    good = f"{min(seen.good, need.answers)} of {need.answers} good answers in a row of the probe {need.probe}"
    return f"{good} ({seen.words})" if seen.words else good


def unseen(watch: Watch) -> str:
    """Why a hook asks: there is no traffic."""
    return (
        f"it has no traffic yet {here(watch)}, so no rule can say anything"
        " (`rollout: {before_traffic: go_on}` goes on without)"
    )
