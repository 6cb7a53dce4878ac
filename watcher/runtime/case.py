"""A watch in hand in one round of the patrol: by what it is judged, what is asked for it, and what its step needs to know. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from rules.evaluate import Brief, Setting, wanted_since
from rules.evidence import Evidence, decode_evidence
from rules.model import Indicator
from rules.verdict import Judgement, Outcome
from watcher.core.watch import State, Watch
from watcher.signals.provider import Question


@dataclass(frozen=True, slots=True)
class Case:
    """A watch, by what it is judged, what is known so far, and what is asked for it now."""

    watch: Watch
    brief: Brief
    evidence: Evidence
    questions: tuple[Question, ...]


def case_of(watch: Watch, brief: Brief) -> Case:
    """The case of a watch that is prepared. *brief* is frozen, and known; the evidence is new in every round.

    Raises:
        UnreadableEvidence: Another version wrote it.
    """
    evidence = decode_evidence(watch.evidence or "")
    questions = (
        _question(watch, indicator, wanted_since(brief, evidence, indicator.id, watch.traffic_at))
        for indicator in watch.policy.rules.indicators
        if indicator.id in brief.beats
    )
    return Case(watch, brief, evidence, tuple(questions))


def _question(watch: Watch, indicator: Indicator, since: datetime | None) -> Question:
    return Question(
        id=f"{watch.id}/{indicator.id}",
        indicator=indicator,
        canary=watch.arms.canary,
        baseline=watch.arms.baseline if indicator.compares_arms else None,
        since=since,
    )


def before(watch: Watch) -> datetime:
    """Until when the old release was all there was: the watch may be opened long after the traffic came."""
    return min(watch.opened_at, watch.traffic_at or watch.opened_at)


def of_before(watch: Watch) -> list[Question]:
    """What is asked of the past: then the old release was all there was."""
    questions = [_question(watch, indicator, None) for indicator in watch.policy.rules.indicators]
    return [replace(each, canary=each.baseline or each.canary, baseline=None) for each in questions]


def setting_of(watch: Watch, beat: Callable[[Indicator], tuple[timedelta, timedelta]]) -> Setting:
    """The circumstances that its judges are prepared for. *beat*: how an indicator is sampled."""
    beats = {indicator.id: beat(indicator) for indicator in watch.policy.rules.indicators}
    return Setting(
        false_rollback_probability=watch.policy.false_rollback_probability,
        opened_at=watch.opened_at,
        at_least=watch.policy.bake.at_least,
        at_most=watch.policy.bake.at_most,
        buckets={name: bucket for name, (bucket, _) in beats.items()},
        settles={name: settle for name, (_, settle) in beats.items()},
        not_comparable=_not_comparable(watch),
    )


def _not_comparable(watch: Watch) -> Mapping[str, str]:
    """Why arms cannot be told apart, by indicator: said at once, not found out later."""
    if watch.arms.baseline is None:
        words = "nothing is known to have served before, so there is nothing to compare with"
    elif watch.arms.baseline == watch.arms.canary:
        words = "both releases have the same names, so their signals cannot be told apart"
    else:
        return {}
    return {indicator.id: words for indicator in watch.policy.rules.indicators if indicator.compares_arms}


def is_quiet(watch: Watch, judgement: Judgement) -> bool:
    """Nothing is wrong and nobody is asked, so the step depends on no way back: it need not be looked up.

    That is nearly every round of nearly every watch.
    """
    at_ease = watch.state is State.WATCHING and watch.breach is None and watch.blind_since is None
    return at_ease and judgement.outcome is not Outcome.BREACHED


def has_new_breach(watch: Watch, judgement: Judgement) -> bool:
    """A rule is bad that was not when the breach was latched: when it began is not known yet."""
    latched = watch.breach.judgement if watch.breach else None
    return any(_is_bad(judgement, rule) and not _is_bad(latched, rule) for rule in judgement.breached_by)


def _is_bad(judgement: Judgement | None, rule: str) -> bool:
    verdict = judgement.verdict(rule) if judgement else None
    return verdict is not None and verdict.outcome is Outcome.BREACHED


def with_known_onset(watch: Watch, judgement: Judgement) -> Judgement:
    """*judgement* with the onsets that the latched breach knows."""
    latched = watch.breach.judgement if watch.breach else judgement
    onsets = {verdict.rule: verdict.onset for verdict in latched.verdicts}
    return replace(
        judgement,
        verdicts=tuple(replace(each, onset=onsets.get(each.rule)) for each in judgement.verdicts),
    )
