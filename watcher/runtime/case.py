"""A watch in hand in one round of the patrol: by what it is judged, what is asked for it, and what its step needs to know. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from deploy.tags import Ledger, suspect
from rules.brief import Spell
from rules.evaluate import Brief, Setting, wanted_since
from rules.evidence import Evidence, decode_evidence
from rules.model import BeforeAfter, Indicator, Kind, PercentileRank
from rules.sample import Bucket, Reading
from rules.verdict import Judgement, Outcome
from watcher.core.intake import names_of
from watcher.core.warming import warming_since
from watcher.core.watch import State, Watch
from watcher.signals.provider import Question

SEEN_LATE = timedelta(seconds=30)  # how often what is live is read
HISTORY = timedelta(days=1)  # never "the ten minutes before", which know neither clumps nor the time of day


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
        _question(
            watch,
            indicator,
            warming_since(watch, indicator.id)
            or wanted_since(brief, evidence, indicator.id, watch.traffic_at),
        )
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
        of=watch.key,
    )


def warming_answers(watch: Watch, readings: Mapping[str, Reading]) -> Reading | None:
    """What the probe answered by which the release is warmed up; ``None``: it is not warmed up, or nothing is due."""
    need = watch.policy.rollout.warm_up
    return readings.get(need.probe) if need is not None and need.probe is not None else None


def with_shares(case: Case, readings: Mapping[str, Reading]) -> dict[str, Reading]:
    """*readings*; the buckets of requests with the share that was due to the release in the whole of them, where it is known."""
    kinds = {name: beat.kind for name, beat in case.brief.beats.items()}
    return {
        name: _with_shares(case.watch, reading) if kinds.get(name) is Kind.REQUESTS else reading
        for name, reading in _while_shared_alike(case.watch, readings).items()
    }


def _while_shared_alike(watch: Watch, readings: Mapping[str, Reading]) -> Mapping[str, Reading]:
    """*readings*; where the shares changed in a bucket its arms are not held against each other.

    The one has more of the bucket's beginning and the other more of its end: what got worse for both in between would be the
    release's alone. A change is seen a moment late, and there is one at a time: a stage ends when its beginning was judged.
    """
    changed = watch.staged_at
    if changed is None:
        return readings

    def apart(bucket: Bucket) -> Bucket:
        is_mixed = bucket.start < changed and bucket.end > changed - SEEN_LATE
        return replace(bucket, baseline=None) if is_mixed and bucket.baseline is not None else bucket

    return {
        name: tuple(replace(series, buckets=tuple(map(apart, series.buckets))) for series in reading)
        if isinstance(reading, tuple)
        else reading
        for name, reading in readings.items()
    }


def _with_shares(watch: Watch, reading: Reading) -> Reading:
    if not isinstance(reading, tuple) or not watch.shares:
        return reading
    return tuple(
        replace(
            series,
            buckets=tuple(replace(each, share=_share_in(watch, each)) for each in series.buckets),
        )
        for series in reading
    )


def _share_in(watch: Watch, bucket: Bucket) -> float | None:
    """It is seen a moment after it changed, so in the moment before a change it is not known."""
    in_force = [share for since, share in watch.shares if since <= bucket.start]
    changes = any(bucket.start < since < bucket.end + SEEN_LATE for since, _ in watch.shares)
    return in_force[-1] if in_force and not changes else None


def before(watch: Watch) -> datetime:
    """Until when the old release was all there was: the watch may be opened long after the traffic came."""
    return min(watch.opened_at, watch.traffic_at or watch.opened_at)


def of_before(watch: Watch) -> list[Question]:
    """What is asked of the past: then the old release was all there was."""
    questions = [_question(watch, indicator, None) for indicator in watch.policy.rules.indicators]
    return [replace(each, canary=each.baseline or each.canary, baseline=None) for each in questions]


def by_length(watch: Watch) -> dict[timedelta, list[Question]]:
    """What is asked of the past, by how far back: as far as a rule looks, and for a day where none says."""
    asked: dict[timedelta, list[Question]] = {}
    for question in of_before(watch):
        judges = [rule.judge for rule in watch.policy.rules.rules if rule.indicator == question.indicator.id]
        lengths = [judge.history for judge in judges if isinstance(judge, (BeforeAfter, PercentileRank))]
        asked.setdefault(max([HISTORY, *lengths]), []).append(question)
    return asked


def is_back_at_its_baseline(watch: Watch) -> bool:
    """What a rollback put back is what the release was compared with: a person may have named another, or its files were gone."""
    if watch.plan is None or watch.arms.baseline is None:
        return True
    back = names_of(move.to for move in watch.plan.moves)["fingerprint"]
    return watch.arms.baseline.get("fingerprint", back) == back


def suspects(watch: Watch, ledgers: Mapping[str, Ledger], now: datetime) -> tuple[Spell, ...]:
    """When something served, of any part, by which nothing is to be measured: a suspicion is inherited, and no reference."""
    served_after = watch.policy.known_good.served_after
    return tuple(
        (span.start, span.end)
        for change in watch.deployment.parts
        if change.part in ledgers
        for span in suspect(ledgers[change.part], change.after.fingerprint, served_after, now)
    )


def setting_of(
    watch: Watch, beat: Callable[[Indicator], tuple[timedelta, timedelta]], spells: tuple[Spell, ...] = ()
) -> Setting:
    """The circumstances that its judges are prepared for. *beat*: how an indicator is sampled; *spells*: see `suspects`."""
    beats = {indicator.id: beat(indicator) for indicator in watch.policy.rules.indicators}
    return Setting(
        false_rollback_probability=watch.policy.false_rollback_probability,
        opened_at=watch.opened_at,
        at_least=watch.policy.bake.at_least,
        at_most=watch.policy.bake.at_most,
        buckets={name: bucket for name, (bucket, _) in beats.items()},
        settles={name: settle for name, (_, settle) in beats.items()},
        not_comparable=_not_comparable(watch),
        suspects=spells,
        early=watch.policy.bake.pass_early,
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
    """Nothing is wrong, nobody is asked and nothing is moved, so the step depends on no way back: it need not be looked up.

    That is nearly every round of nearly every watch.
    """
    at_ease = watch.state is State.WATCHING and watch.breach is None and watch.blind_since is None
    return at_ease and watch.at is None and judgement.outcome is not Outcome.BREACHED


def has_new_breach(watch: Watch, judgement: Judgement) -> bool:
    """A rule is bad that was not before: when it began is not known yet. That of a rule that only tells or doubts, too."""
    before_ = _judged_before(watch)
    return any(
        verdict.outcome is Outcome.BREACHED and not any(_is_bad(each, verdict.rule) for each in before_)
        for verdict in judgement.verdicts
    )


def _judged_before(watch: Watch) -> list[Judgement]:
    latched = [watch.breach.judgement] if watch.breach else []
    return [*latched, *([watch.judgement] if watch.judgement else [])]


def _is_bad(judgement: Judgement, rule: str) -> bool:
    verdict = judgement.verdict(rule)
    return verdict is not None and verdict.outcome is Outcome.BREACHED


def with_known_onset(watch: Watch, judgement: Judgement) -> Judgement:
    """*judgement* with the onsets that are known from before: of those of the latched breach it is them."""
    onsets = {
        verdict.rule: verdict.onset
        for each in reversed(_judged_before(watch))
        for verdict in each.verdicts
        if verdict.onset is not None
    }
    return replace(
        judgement,
        verdicts=tuple(
            replace(
                each, onset=onsets.get(each.rule, each.onset) if each.outcome is Outcome.BREACHED else None
            )
            for each in judgement.verdicts
        ),
    )
