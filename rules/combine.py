"""How rules speak together: who speaks, at which level, what the group's evidence is, and the judgement of a round.

Rules with a promise whose breach rolls back are one group: they share the false-rollback probability by their weights,
the group's evidence is the weighted average of theirs, and it breaches at 1/alpha. Every other rule breaches alone, at a
level of its own, and adds nothing. An ``all_of`` has the least evidence of its members, who speak only through it.

Source:
    Vovk, Wang, "E-values: calibration, combination and applications": an average keeps the promise under any
    dependence; a minimum keeps it for "all of them are bad".
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import exp, inf, isfinite, log

from rules.brief import Brief, Case, Voice
from rules.evidence import Evidence, Memory, Tally
from rules.model import COMPARES, PROMISES, Consequence, Rule, WhenBlind
from rules.objectives.eprocess import log_mean
from rules.verdict import Because, Judgement, Outcome, Verdict

DOUBT = 0.01  # the level of a control: it only turns a rollback into a question
ACTING = frozenset({Consequence.ROLLBACK, Consequence.ASK})

_TEN = log(10)
_ON_ITS_WAY = 0.5  # log10 of the evidence: what is well has more than three to one once in three times
_MUCH = 0.1  # of the group's evidence: what has less, and would not breach alone, is not named
_ORDER = {outcome: place for place, outcome in enumerate(Outcome)}  # from best to worst


def voices(rules: Sequence[Rule], keys: Mapping[str, Sequence[str]], alpha: float) -> tuple[Voice, ...]:
    """How each rule is heard.

    Args:
        rules: All that is promised.
        keys: Of each rule's cases, by its id.
        alpha: The false-rollback probability of the deployment.
    """
    speakers = {rule.id: _speaker(rule, rules) for rule in rules}
    weights = _weights(rules)
    return tuple(
        Voice(
            rule=rule,
            keys=tuple(keys.get(rule.id, ())),
            part_of=None if speakers[rule.id] is rule else speakers[rule.id].id,
            weight=weights.get(speakers[rule.id].id, 0.0),
            alpha=DOUBT if speakers[rule.id].on_breach is Consequence.DOUBT else alpha,
            promises=_promises(rule, rules),
        )
        for rule in rules
    )


def _speaker(rule: Rule, rules: Sequence[Rule]) -> Rule:
    """Who speaks for *rule*: the first ``all_of`` that names it, or itself."""
    return next((other for other in rules if rule.id in other.all_of), rule)


def _promises(rule: Rule, rules: Sequence[Rule]) -> bool:
    """An ``all_of`` keeps the promise of any member: its evidence is never more than that member's."""
    if rule.all_of:
        return any(_promises(member, rules) for member in rules if member.id in rule.all_of)
    return rule.judge is not None and rule.judge.kind in PROMISES


def rests_on(rule: Rule, rules: Sequence[Rule], some: Collection[str]) -> bool:
    """*rule* is an ``all_of`` whose promise is that of *some* rules (ids) alone."""
    promising = [other.id for other in rules if other.id in rule.all_of and _promises(other, rules)]
    return bool(promising) and all(member in some for member in promising)


def _weights(rules: Sequence[Rule]) -> dict[str, float]:
    group = [
        rule
        for rule in rules
        if rule.on_breach is Consequence.ROLLBACK and _speaker(rule, rules) is rule and _promises(rule, rules)
    ]
    total = sum(rule.weight for rule in group)
    return {rule.id: rule.weight / total for rule in group}


@dataclass(frozen=True, slots=True)
class Sum:
    """The evidence of every rule and of the group, as natural logarithms.

    Attributes:
        rules: By id; ±∞ for a rule without a promise, which is all or nothing.
        group: ``None`` if no rule is in the group.
        shares: Of the group's evidence (0..1), by the id of its members.
    """

    rules: Mapping[str, float]
    group: float | None
    shares: Mapping[str, float]


def add_up(brief: Brief, memories: Mapping[str, Memory]) -> Sum:
    """The evidence as it stands."""
    rules = {
        voice.rule.id: log_mean([memories[key].process.log_e for key in voice.keys])
        for voice in brief.voices
        if voice.keys
    }
    for voice in brief.voices:
        if not voice.keys:
            rules[voice.rule.id] = min(
                (rules.get(member, -inf) for member in voice.rule.all_of), default=-inf
            )
    parts = {
        voice.rule.id: log(voice.weight) + rules[voice.rule.id] for voice in brief.voices if _in_group(voice)
    }
    group = log_mean(list(parts.values())) + log(len(parts)) if parts else None
    if group is None or group == -inf:
        return Sum(rules, group, dict.fromkeys(parts, 0.0))
    return Sum(rules, group, {rule: exp(part - group) for rule, part in parts.items()})


def _in_group(voice: Voice) -> bool:
    return voice.weight > 0 and voice.part_of is None


def latch(brief: Brief, evidence: Evidence, sums: Sum, at: datetime) -> Evidence:
    """Note which rules breach at *at*. A breach stays, but for a control, which is asked how it is now."""
    breached = _breaching_alone(brief, evidence.breached, sums, at)
    blamed = (*evidence.blamed, *(rule for rule in _blamed(brief, sums) if rule not in evidence.blamed))
    for rule in blamed:
        breached.setdefault(rule, at)
    if breached == evidence.breached:
        return evidence
    return replace(evidence, breached=breached, blamed=blamed)


def _breaching_alone(
    brief: Brief, before: Mapping[str, datetime], sums: Sum, at: datetime
) -> dict[str, datetime]:
    breached = dict(before)
    for voice in brief.voices:
        if voice.part_of is not None or _in_group(voice):
            continue
        if sums.rules[voice.rule.id] >= log(1 / voice.alpha):
            breached.setdefault(voice.rule.id, at)
        elif voice.rule.on_breach is Consequence.DOUBT:
            breached.pop(voice.rule.id, None)
    return breached


def _blamed(brief: Brief, sums: Sum) -> tuple[str, ...]:
    """Who makes the group breach, the most to blame first; nobody if it does not.

    Whoever would do it alone, and whoever has much of the evidence; there is always one.
    """
    if sums.group is None or sums.group < log(1 / brief.alpha):
        return ()
    first, *others = sorted(sums.shares, key=lambda rule: -sums.shares[rule])
    alone = exp(log(1 / brief.alpha) - sums.group)  # the share that would do
    return (first, *(rule for rule in others if sums.shares[rule] >= min(_MUCH, alone)))


def of_bounds(verdicts: Sequence[Verdict], log_e: float) -> Verdict:
    """One verdict of a rule over several series: the worst of them; among equals, that with the most evidence, or of which most is bad."""
    if len(verdicts) == 1:
        return verdicts[0]
    said = max(verdicts, key=lambda each: (_ORDER[each.outcome], each.log10_e or 0.0, _bad(each)))
    return replace(said, spent=any(verdict.spent for verdict in verdicts), log10_e=_log10(log_e))


def _bad(verdict: Verdict) -> float:
    return verdict.estimate.value if verdict.estimate else 0.0


def as_member(verdict: Verdict) -> Verdict:
    """The verdict of a rule that speaks only through an ``all_of``: it is shown, and counts nowhere else."""
    return replace(verdict, consequence=Consequence.TELL, because=Because.PART_OF)


def of_all(
    voice: Voice, members: Sequence[Verdict], log_e: float, breached: datetime | None, share: float | None
) -> Verdict:
    """The verdict of an ``all_of``: bad if all are bad, well if one is well; else what keeps its members from saying."""
    said = _said(members)
    outcome, because, words = said.outcome, said.because, said.words
    if breached is not None:
        outcome, because = Outcome.BREACHED, Because.EVIDENCE if voice.promises else Because.POINTS
        words = " and ".join(member.words for member in members)
    elif outcome is Outcome.BREACHED:
        outcome, because = Outcome.UNDECIDED, Because.NOT_SEEN_ENOUGH
    return replace(
        said,
        rule=voice.rule.id,
        name=voice.rule.name,
        consequence=voice.rule.on_breach,
        outcome=outcome,
        because=because,
        words=words,
        spent=outcome in (Outcome.UNDECIDED, Outcome.BLIND) and any(member.spent for member in members),
        log10_e=_log10(log_e) if voice.promises else None,
        threshold=log(1 / (voice.alpha * (voice.weight or 1.0))) / _TEN if voice.promises else None,
        share=share,
        asks_when_blind=voice.rule.when_blind is WhenBlind.ASK,
        proven=all(member.proven for member in members),
    )


def _said(members: Sequence[Verdict]) -> Verdict:
    """The member that decides while not all are bad: one that is well, else the worst that is not bad itself."""
    well = [member for member in members if member.outcome is Outcome.HEALTHY]
    open_ = [member for member in members if member.outcome is not Outcome.BREACHED]
    return max(well or open_ or members, key=lambda member: (_ORDER[member.outcome], member.log10_e or 0.0))


def _log10(log_e: float) -> float | None:
    return log_e / _TEN if isfinite(log_e) else None


def judgement(
    brief: Brief, evidence: Evidence, sums: Sum, verdicts: Sequence[Verdict], at: datetime
) -> Judgement:
    """All verdicts of a round, and what they come to."""
    speaking = [
        verdict for voice, verdict in zip(brief.voices, verdicts, strict=True) if voice.part_of is None
    ]
    acting = [verdict for verdict in speaking if verdict.consequence in ACTING]
    bad = {verdict.rule: verdict for verdict in acting if verdict.outcome is Outcome.BREACHED}
    first = [rule for rule in evidence.blamed if rule in bad]
    # What is proof against the release, and when it began, is asked of those alone that roll it back, where there are some.
    acts = [rule for rule, verdict in bad.items() if verdict.consequence is Consequence.ROLLBACK]
    return Judgement(
        at=at,
        outcome=Outcome.BREACHED if bad else _worst(acting),
        verdicts=tuple(verdicts),
        log10_e=None if sums.group is None else _log10(sums.group),
        threshold=None if sums.group is None else log(1 / brief.alpha) / _TEN,
        breached_by=tuple(dict.fromkeys((*first, *acts, *bad))),
        asks=bool(bad) and all(verdict.consequence is Consequence.ASK for verdict in bad.values()),
        doubts=tuple(each.name for each in _controls(speaking) if each.outcome is Outcome.BREACHED),
        controls=tuple(each.name for each in _controls(speaking) if _is_well(each)),
        compared=any(
            _compared(brief, evidence.memories, key)
            for key in (_keys(brief, acts or bad) if bad else tuple(brief.cases))
        ),
        alike=bool(bad) and all(_is_alike(brief, evidence.memories, sums, rule) for rule in acts or bad),
        proven=bool(acting) and all(each.proven and _may_pass(each) for each in acting),
    )


def _may_pass(verdict: Verdict) -> bool:
    return verdict.outcome is Outcome.HEALTHY or verdict.spent


def _controls(speaking: Sequence[Verdict]) -> list[Verdict]:
    return [verdict for verdict in speaking if verdict.consequence is Consequence.DOUBT]


def _is_well(control: Verdict) -> bool:
    """It is looked at, and not on its way to be worse either: it may be a bucket behind the rule that it holds back."""
    return control.outcome is Outcome.HEALTHY and (control.log10_e or 0.0) <= _ON_ITS_WAY


def _worst(acting: Sequence[Verdict]) -> Outcome:
    """Of those that are not spent; where there are none, nothing is decided."""
    outcomes = [verdict.outcome for verdict in acting if not verdict.spent]
    return max(outcomes, key=_ORDER.__getitem__, default=Outcome.UNDECIDED)


def _keys(brief: Brief, rules: Iterable[str]) -> tuple[str, ...]:
    """The cases of *rules*; of an ``all_of``, those of its members."""
    heard = {voice.rule.id: voice for voice in brief.voices}
    members = {member for rule in rules for member in (heard[rule].rule.all_of or (rule,))}
    return tuple(key for member in members if member in heard for key in heard[member].keys)


def _is_alike(brief: Brief, memories: Mapping[str, Memory], sums: Sum, rule: str) -> bool:
    """What *rule* looks at is compared by another, which finds the release no worse than what serves beside it."""
    own = _keys(brief, [rule])
    if any(_compares(brief, key) for key in own):
        return False
    alike = [
        brief.cases[key]
        for voice in brief.voices
        for key in voice.keys
        if _compared(brief, memories, key)
        and sums.rules[voice.rule.id] < 0
        and _fail_both(memories[key].tally)
    ]
    return all(any(_covers(case, brief.cases[key]) for case in alike) for key in own)


def _covers(compared: Case, alone: Case) -> bool:
    """Both look at the same: one indicator; or one kind of fault, once by release and once of the service as a whole."""
    same = (compared.kind, compared.rule.statistics.unit) == (alone.kind, alone.rule.statistics.unit)
    return compared.indicator == alone.indicator or (same and not alone.tells_arms)


def _fail_both(tally: Tally) -> bool:
    """What fails fails beside it too. If nothing beside it ever did, the release is not alike, but alone with it by now."""
    return tally.bad == 0 or tally.beside_bad > 0


def _compares(brief: Brief, key: str) -> bool:
    judge = brief.cases[key].rule.judge
    return judge is not None and judge.kind in COMPARES


def _compared(brief: Brief, memories: Mapping[str, Memory], key: str) -> bool:
    tally = memories[key].tally
    return _compares(brief, key) and tally.requests > 0 and tally.beside_requests > 0
