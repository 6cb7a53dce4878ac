"""Why: a person is asked, a release is quarantined, a watch ended. Kept with the watch, for the screen and the audit."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from rules.objectives.wording import count_words, span_words
from watcher.core.service import Mode
from watcher.core.watch import Doubtful, State, Watch
from watcher.core.wording import stages
from watcher.core.wording.evidence import blamed, blind, fault
from watcher.core.wording.figures import moment, said


def question_words(watch: Watch, because: tuple[Doubtful, ...], words: str = "") -> str:
    """Why a person is needed, all reasons in one sentence. *words*: what a guard, or whoever disarmed, said."""
    return ", and ".join(_reason(doubtful, watch, words) for doubtful in because)


def _reason(doubtful: Doubtful, watch: Watch, words: str) -> str:
    if doubtful is Doubtful.DISARMED and words:
        return words if "is disarmed" in words else f"rollbackd is {words}"
    if doubtful in _SAID_BY_THE_WORLD and words:
        return f"{_REASONS[doubtful](watch)}: {words}"
    told = f" ({words})" if words and doubtful in _SAID_BY_GUARDS else ""
    return _REASONS[doubtful](watch) + told


_SAID_BY_THE_WORLD = frozenset(
    {Doubtful.STAGE_FAILED, Doubtful.STAGE_MOVED, Doubtful.STAGE_DISARMED, Doubtful.STAGE_FROZEN}
)
_SAID_BY_GUARDS = frozenset({Doubtful.QUARANTINED, Doubtful.TARGET_BUSY})


def listed_names(names: Sequence[str]) -> str:
    """Names of rules, which are sentences, in a sentence."""
    return " and ".join(f"“{name}”" for name in names)


def _began(watch: Watch) -> str:
    judgement = watch.breaching
    onsets = [verdict.onset.at for verdict in blamed(judgement) if verdict.onset] if judgement else []
    began = min(onsets, default=judgement.at if judgement else watch.since)
    return f"it began {span_words(began - watch.switched_at)} after the deployment"


def _late(watch: Watch) -> str:
    return f"{_began(watch)}, with nothing to compare it with"


def _soon(watch: Watch) -> str:
    return (
        f"{_began(watch)}: soon enough to be the fault of {watch.tag}, and late enough to be that of something else, which"
        " cannot be told without a control that is seen to be well (a rule with `on_breach: doubt`)"
    )


def _control(watch: Watch) -> str:
    doubts = watch.judgement.doubts if watch.judgement else ()
    return f"{listed_names(doubts)} {'does' if len(doubts) == 1 else 'do'} not hold any more either"


def _rule(watch: Watch) -> str:
    judgement = watch.breaching
    verdicts = blamed(judgement) if judgement else []
    names = [verdict.name for verdict in verdicts]
    why = next((f": {verdict.only_asks}" for verdict in verdicts if verdict.only_asks), "")
    return f"{listed_names(names) or 'the rule'} may only ask{why}"


def _blind(watch: Watch) -> str:
    names = listed_names([verdict.name for verdict in blind(watch.judgement)])
    return f"{names or 'the rule'} asks when it sees nothing"


def _no_way_back(watch: Watch) -> str:
    gone = "; ".join(each.words for each in watch.missing)
    return f"there is no known-good release to go back to{f' ({gone})' if gone else ''}"


def _too_far(watch: Watch) -> str:
    crosses = watch.way_back.crosses if watch.way_back else 0
    most = watch.policy.known_good.may_cross
    return f"the way back to {watch.goes_to} crosses {crosses} releases (the limit is {most})"


_REASONS: Mapping[Doubtful, Callable[[Watch], str]] = {
    Doubtful.MODE: lambda _: "the mode of this service is to ask",
    Doubtful.OBSTACLE: lambda watch: " · ".join(watch.obstacles),
    Doubtful.RULE: _rule,
    Doubtful.BLIND: _blind,
    Doubtful.DISARMED: lambda _: "rollbackd is disarmed",
    Doubtful.FLOOR: lambda _: "the way back goes past a release that cannot be undone",
    Doubtful.TOO_FAR: _too_far,
    Doubtful.NO_WAY_BACK: _no_way_back,
    Doubtful.CONTROL: _control,
    Doubtful.ALIKE: lambda watch: (
        f"what serves beside it fails alike: going back to {watch.goes_to} may not help"
    ),
    Doubtful.LATE_ONSET: _late,
    Doubtful.SOON_ONSET: _soon,
    Doubtful.CEILING_DEPLOYMENT: lambda _: "this deployment was rolled back before",
    Doubtful.CEILING_SERVICE: lambda watch: (
        f"{watch.policy.ceilings.service_per_day} rollbacks of this service in a day are the limit"
    ),
    Doubtful.CEILING_FLEET: lambda watch: (
        f"{watch.policy.ceilings.fleet_per_hour} rollbacks in an hour are the limit: they may share a cause"
    ),
    Doubtful.QUARANTINED: lambda _: "the release to go back to may not come back",
    Doubtful.TARGET_BUSY: lambda _: "something else is under way on this service",
    Doubtful.STAGE_MODE: stages.may_it,
    Doubtful.STAGE_UNSEEN: stages.unseen,
    Doubtful.STAGE_UNDECIDED: stages.undecided,
    Doubtful.STAGE_FAILED: lambda watch: f"it could not be moved on {stages.onward(watch)}",
    Doubtful.STAGE_MOVED: lambda _: "another hand has moved it",
    Doubtful.STAGE_DISARMED: stages.disarmed,
    Doubtful.STAGE_FROZEN: stages.in_a_freeze,
}


def why_quarantined(watch: Watch) -> str:
    """Why a release is quarantined, or is not any more: for whoever finds it so, weeks later."""
    if watch.state is State.PASSED:
        return f"{watch.tag} passed"
    if watch.state is State.ROLLED_BACK:
        return f"going back to {watch.goes_to} did not help: it was probably not {watch.tag}"
    by = f" by {watch.ordered_by}" if watch.ordered_by else ""
    because = f": {fault(watch)}" if watch.breach else ""
    return f"rolled back{by}{because}"


# -------------------------------------------------------------------------------------------------------------- endings


def ending_words(watch: Watch, now: datetime, *, unanswered: bool = False, but: str = "") -> str:
    """How a watch ended, in one sentence.

    Args:
        watch: With the state that it ended in, and who ended it.
        now: When.
        unanswered: Nobody answered what was asked.
        but: What a person gave as the reason; or why it stays though the setting says that it goes back.
    """
    return said(_ENDINGS[watch.state](watch, now, unanswered, but))


def _passed(watch: Watch, now: datetime, _unanswered: bool, but: str) -> str:  # noqa: FBT001  (one signature for all)
    by = watch.ending.by if watch.ending else None
    if by is not None:
        return f"passed by the word of {by}{_because(but)}"
    judgement = watch.judgement
    requests = max((verdict.seen.requests for verdict in judgement.verdicts), default=0) if judgement else 0
    seen = f" ({count_words(requests)} requests seen)" if requests else ""
    if judgement is not None and judgement.proven and _is_early(watch, now):
        return f"passed early: every rule was proven well by {moment(now, now)}{seen}"
    return f"passed: every rule was healthy until {moment(now, now)}{seen}"


HALF_WAY = "its rollout did not come to its end"


def _is_early(watch: Watch, now: datetime) -> bool:
    """Its shortest bake is not over."""
    bake = watch.policy.bake
    return bake.runs is None and watch.complete_at is not None and now < watch.complete_at + bake.at_least


def _because(reason: str) -> str:
    return f": {reason}" if reason else ""


def _unproven(watch: Watch, now: datetime, unanswered: bool, but: str) -> str:  # noqa: FBT001
    by = watch.ending.by if watch.ending else None
    if watch.at is not None and (by is not None or unanswered):
        who = f"kept by {by}{_because(but)}" if by is not None else "nobody answered"
        return f"left {stages.here(watch)}, neither proven nor refuted: {who}"
    if by is not None:
        return f"kept by {by}, though it could not be judged{_because(but)}"
    asked = ": nobody answered, and it could not be judged" if unanswered else ""
    if watch.incomplete and not unanswered:
        asked = f": {HALF_WAY}"
    return f"watched until {moment(now, now)} and is neither proven nor refuted{asked}"


def _rolled_back(watch: Watch, now: datetime, _unanswered: bool, _but: str) -> str:  # noqa: FBT001
    back = f"{watch.goes_to} serves again since {moment(watch.back_at or now, now)}"
    if watch.superseded_by is not None:
        return f"{back}; a newer deployment came before it was seen whether that helped"
    words = watch.level.words if watch.level else ""
    recovered = watch.ending.recovered if watch.ending else None
    if recovered is None:
        return f"{back}; whether that helped could not be seen{_because(words)}"
    if recovered:
        return f"{back}, and it is well{_because(words)}"
    return f"{back}, but it is not better{_because(words)}. It was probably not {watch.tag}"


def _kept(watch: Watch, now: datetime, unanswered: bool, but: str) -> str:  # noqa: FBT001
    by = watch.ending.by if watch.ending else None
    if watch.policy.mode is Mode.SHADOW and watch.action is None and by is None:
        return f"{would_have_words(watch, now)}. Nothing was done"
    if watch.action:
        what = f"{watch.tag} was not rolled back: the rollback to {watch.goes_to} did not finish, and"
        waited = span_words(watch.policy.asking.stuck)
        return (
            f"{what} nobody answered for {waited}" if by is None else f"{what} {by} took over{_because(but)}"
        )
    if unanswered:
        return f"{watch.tag} stays: nobody answered{_but(but)}"
    return f"{watch.tag} stays, by order of {by}{_because(but)}"


def _but(words: str) -> str:
    return f", and it could not go back by itself: {words}" if words else ""


def would_have_words(watch: Watch, now: datetime) -> str:
    """What would have happened outside of shadow, and when."""
    at = moment(watch.would_have or (watch.breach.at if watch.breach else now), now)
    if watch.would_have_asked:
        return f"would have asked a person about {watch.tag} at {at}, because {watch.would_have_asked}"
    return f"would have gone back from {watch.tag} to {watch.goes_to} at {at}"


def _superseded(watch: Watch, now: datetime, _unanswered: bool, but: str) -> str:  # noqa: FBT001
    """*but*: what serves again, where the rollout was taken back."""
    if not but:
        return f"a newer deployment took over at {moment(now, now)}"
    by = "its platform broke it off" if watch.incomplete else "its platform or another hand, not rollbackd"
    return f"its rollout was taken back by {moment(now, now)} ({by}), and {but} serves again"


_ENDINGS: Mapping[State, Callable[[Watch, datetime, bool, str], str]] = {
    State.PASSED: _passed,
    State.UNPROVEN: _unproven,
    State.ROLLED_BACK: _rolled_back,
    State.KEPT: _kept,
    State.SUPERSEDED: _superseded,
}
