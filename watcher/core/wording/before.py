"""Messages up to the decision: each function is one, and a reader sees it as people do."""

from datetime import datetime, timedelta

from deploy.model import Pause
from rules.foresight import Source
from rules.objectives.wording import count_words, share_words, span_words
from rules.verdict import Outcome, Verdict
from watcher.core.facts import Facts
from watcher.core.service import Then
from watcher.core.watch import GOING_BACK, Button, OrderKind, Tone, Watch
from watcher.core.wording.evidence import blind, evidence, fault, listed, way, way_stays
from watcher.core.wording.figures import moment
from watcher.core.wording.foreseen import foreseen, in_words
from watcher.core.wording.moved import against, besides
from watcher.core.wording.reasons import HALF_WAY, would_have_words
from watcher.core.wording.stages import asked_to_go_on, here
from watcher.core.wording.text import (
    ASK_AGAIN,
    HOLD,
    RESUME,
    RIGHT_CALL,
    WRONG_CALL,
    Text,
    deployed_in_a_freeze,
    escalation,
    keep_button,
    obstacles,
    reason,
    roll_back_buttons,
)

# ------------------------------------------------------------------------------------------------------- the beginning


def opened(watch: Watch, now: datetime, _facts: Facts) -> Text:
    """A new deployment is watched; for those who like to hear of it."""
    before = listed([change.before.tag for change in watch.deployment.parts if change.before])
    after = f", after {before}" if before else ""
    sees = in_words([sight for sight in foreseen(watch, now) if sight.flow.source is Source.SEEN])
    lines = [deployed_in_a_freeze(watch, now), *obstacles(watch), way(watch), *sees]
    return Text(f"{watch.tag} is watched{after}", lines, tone=Tone.QUIET)


def returning(watch: Watch, now: datetime, _facts: Facts) -> Text:
    """A release that was quarantined is deployed once more: loud."""
    return Text(
        f"{watch.tag} comes back, though it may not: {watch.returning}. It is watched, and nothing is done yet",
        [
            f"Deployed by {watch.deployment.author}" if watch.deployment.author else "",
            deployed_in_a_freeze(watch, now),
            *obstacles(watch),
            way(watch),
        ],
        (*roll_back_buttons(watch), HOLD, Button(f"Allow {watch.tag}", OrderKind.ALLOW)),
        Tone.ALARM,
    )


def not_comparable(watch: Watch, now: datetime, _facts: Facts) -> Text:
    """The two arms have the same names, so what compares them sees nothing."""
    return Text(
        f"{watch.tag} cannot be told apart from {watch.goes_to}: both go by the same names in the queries",
        [
            "Rules that compare the two see nothing until that is mended",
            "Give the releases names that differ, under `names:` of the service",
            deployed_in_a_freeze(watch, now),
            *obstacles(watch),
        ],
    )


def obstructed(watch: Watch, now: datetime, _facts: Facts) -> Text:
    """The mode is to go back by itself, and something forbids that."""
    return Text(
        f"{watch.tag} is watched, and if it breaches a person is asked, although the mode is auto",
        [deployed_in_a_freeze(watch, now), *obstacles(watch), way(watch)],
    )


def way_lost(watch: Watch, _now: datetime, _facts: Facts) -> Text:
    """Where a rollback would go is not there any more: said while nothing is wrong yet."""
    gone = [f"{each.release.tag}: {each.words}" for each in reversed(watch.missing)]
    if watch.way_back is None:
        goes_on = ["A rollback is impossible until that is mended"]
    else:
        goes_on = [f"It would go to {watch.goes_to}", way(watch)]
    return Text(
        f"no way back from {watch.tag} to {gone[0] if gone else 'what was known to be good'}",
        [*goes_on, *(f"Nor to {each}" for each in gone[1:])],
        tone=Tone.NOTE if watch.way_back else Tone.ALARM,
    )


def paused(watch: Watch, now: datetime, _facts: Facts) -> Text:
    """The rollout, or the rollback, waits at a hook for somebody's word: nobody gives it by itself."""
    pause = watch.pauses[-1] if watch.pauses else Pause()
    goes_back = watch.state in GOING_BACK
    what = f"the way back to {watch.goes_to}" if goes_back else watch.tag
    at = f" at {pause.stage}" if pause.stage else ""
    until = f" until {moment(pause.until, now)}" if pause.until else ""
    then = pause.otherwise or "the platform goes on by its own setting"
    brings = f", and have {watch.tag} again" if goes_back else ""
    return Text(
        f"{what} is paused{at}, and waits for somebody's word{until}",
        [
            f"If nobody gives it: {then}",
            "rollbackd answers no hook: a person does, or your pipeline",
            f"To let it go on: {pause.go_on}" if pause.go_on else "",
            f"To break it off{brings}: {pause.go_back}" if pause.go_back else "",
        ],
        tone=Tone.ALARM,
    )


def undecided(watch: Watch, now: datetime, _facts: Facts) -> Text:
    """The shortest bake is over, and not enough was seen."""
    verdicts = watch.judgement.verdicts if watch.judgement else ()
    wanting = [
        verdict for verdict in verdicts if verdict.seen.wanted and verdict.outcome is Outcome.UNDECIDED
    ]
    why = HALF_WAY if watch.incomplete else "not every rule could be judged"
    seen = _wanted(wanting[0], now - watch.switched_at) if wanting else why
    end = moment(watch.switched_at + watch.policy.bake.at_most, now)
    return Text(
        f"{watch.tag} is neither proven nor refuted: {seen}",
        [
            *_excluded(watch),
            f"Watching goes on until enough was seen, at the latest {end}. {way_stays(watch)}",
        ],
        tone=Tone.QUIET,
    )


def _wanted(verdict: Verdict, since: timedelta) -> str:
    wanted = f", about {count_words(verdict.seen.wanted)} needed" if verdict.seen.wanted else ""
    return f"{count_words(verdict.seen.requests)} requests in {span_words(since)}{wanted}"


def _excluded(watch: Watch) -> list[str]:
    verdicts = watch.judgement.verdicts if watch.judgement else ()
    excluded = [
        f"{verdict.name}: more than {share_words(verdict.estimate.high)}"
        for verdict in verdicts
        if verdict.outcome is Outcome.UNDECIDED and verdict.estimate and verdict.estimate.high is not None
    ]
    unseen = [f"{verdict.name} ({verdict.words})" for verdict in blind(watch.judgement)]
    lines = [("Excluded", excluded), ("Blind", unseen)]
    return [f"{title}: {listed(words)}" for title, words in lines if words]


# -------------------------------------------------------------------------------------------------------- the decision


def breached(watch: Watch, now: datetime, facts: Facts) -> Text:
    """It counts down."""
    until = moment(watch.countdown_until or now, now)
    return Text(
        f"{fault(watch)}. Going back to {watch.goes_to} at {until} unless held",
        [*evidence(watch, now), way(watch), *besides(watch, facts.beside, now)],
        (*roll_back_buttons(watch, "Roll back now"), HOLD, keep_button(watch)),
        Tone.ALARM,
    )


def asked(watch: Watch, now: datetime, facts: Facts) -> Text:
    """A person must decide."""
    question = watch.question
    if question is not None and question.is_of_a_stage:
        return asked_to_go_on(watch, now, facts)
    why = question.words if question else ""
    return Text(
        f"{fault(watch)}. A person is needed: {why}",
        [
            *evidence(watch, now),
            way(watch),
            *against(watch, facts.beside, now),
            escalation(watch, now),
            _unanswered(watch, now),
        ],
        (*roll_back_buttons(watch), keep_button(watch), ASK_AGAIN),
        Tone.ALARM,
    )


def _unanswered(watch: Watch, now: datetime) -> str:
    if watch.question is None:
        return ""
    until = moment(watch.question.expires_at, now)
    if watch.question.is_of_no_breach:
        return f"If nobody answers until {until}: it ends unproven, and {watch.tag} stays"
    then = watch.policy.asking.then
    what = (
        f"keeps {watch.tag}"
        if then is Then.KEEP
        else f"goes back to {watch.goes_to}, where that can be undone"
    )
    return f"If nobody answers until {until}: {what} (your setting)"


def asked_later(watch: Watch, now: datetime, _facts: Facts) -> Text:
    """Somebody put the question off."""
    again = watch.question.again_at if watch.question else None
    return Text(
        f"{fault(watch)}. It is asked again at {moment(again or now, now)}",
        [way(watch)],
        (*roll_back_buttons(watch), keep_button(watch)),
    )


def sees_again(watch: Watch, _now: datetime, _facts: Facts) -> Text:
    """The question of the blind is withdrawn."""
    return Text(f"{watch.tag} can be judged again, and is watched. Nobody is needed")


def held(watch: Watch, now: datetime, _facts: Facts) -> Text:
    """A person paused it; or it breached while it was paused."""
    hold = watch.hold
    by = f"{hold.by} until {moment(hold.until, now)}{reason(hold.reason)}" if hold else "a person"
    what = f"{fault(watch)}. Held by {by}" if watch.breach else f"{watch.tag} is held by {by}"
    then = "Then it is decided afresh" if watch.breach else "Then it is watched on"
    keeps = (keep_button(watch),) if watch.breach else ()
    return Text(
        what,
        [f"{then}; until then nothing happens by itself", way(watch)],
        (RESUME, *roll_back_buttons(watch), *keeps),
    )


def resumed(watch: Watch, _now: datetime, _facts: Facts) -> Text:
    """The pause is over."""
    what = (
        f"{fault(watch)}. It is no longer held, and is decided now"
        if watch.breach
        else f"{watch.tag} is watched on{f', {here(watch)}' if here(watch) else ''}"
    )
    return Text(what)


def would_have(watch: Watch, now: datetime, facts: Facts) -> Text:
    """In shadow: what would have been done."""
    return Text(
        f"{would_have_words(watch, now)}. Nothing was done. {fault(watch)}",
        [*evidence(watch, now), way(watch), *besides(watch, facts.beside, now)],
        (RIGHT_CALL, WRONG_CALL),
    )
