"""An absolute objective: acceptable is bad / total <= burn_rate * (1 - objective), whatever else serves.

The promise is strong if the service was inside the objective before. It looks at the arm under watch alone: an outage
of a dependency counts against the release, which is what controls and comparisons are for.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import inf

from rules.brief import Case
from rules.evidence import Memory, Tally
from rules.model import Slo
from rules.objectives.coverage import Moment, blindness, marked
from rules.objectives.dispersion import Block
from rules.objectives.eprocess import weigh
from rules.objectives.factors import (
    EFFECTS,
    NOTHING,
    ORDINARY,
    Effects,
    ceiling_counts,
    ceiling_proportions,
    effect,
    moderated,
)
from rules.objectives.prepared import with_history
from rules.objectives.promise import bad_of, in_proportions, number, size, worth_seeing
from rules.objectives.promise import verdict as promised
from rules.sample import Bucket, Counts
from rules.verdict import Verdict

_LEAST = 1e-9  # an objective of 100 % leaves no share to test against; the least failure is then a breach
_MOST = 1 - 1e-9


def prepare(case: Case, history: Sequence[Block]) -> Case:
    """Fix the ceiling, and how errors clump; without a history errors are taken for independent, and the verdict says so."""
    judge = case.rule.judge
    ceiling = judge.burn_rate * (1 - judge.objective) if isinstance(judge, Slo) else inf
    case = replace(with_history(case, history), ceiling=min(max(ceiling, _LEAST), _MOST))
    if not case.learns:
        return case
    assumes = "if its errors are independent (there is no history to tell)"
    return replace(case, phi=1.0, learns=False, assumes=case.assumes or assumes)


def start(case: Case) -> Memory:  # noqa: ARG001  (a judge's start is given its case)
    """Nothing seen."""
    return Memory()


def advance(case: Case, memory: Memory, bucket: Bucket) -> Memory:
    """Weigh one settled bucket against the ceiling.

    Args:
        case: Fixed when the watch opened: the ceiling, the cap, the horizon.
        memory: What is known so far.
        bucket: Settled; only the arm under watch is looked at.

    Returns:
        The memory with this bucket in it.

    Source:
        Ville's inequality over a mixture of likelihood ratios; docs/judgement.md, "A ceiling".
    """
    return against(case, _ceiling(case), memory, bucket)


def against(case: Case, ceiling: float, memory: Memory, bucket: Bucket) -> Memory:
    """As `advance`, with a ceiling that is not the case's own."""
    if not isinstance(bucket.canary, Counts):
        return memory
    requests, bad = bucket.canary.total, bucket.canary.bad
    clamped = in_proportions(case) and bad > requests
    bad = min(bad, requests) if in_proportions(case) else bad
    newest, came = marked(case, memory, bucket)
    tally = memory.tally
    return Memory(
        origin=memory.origin or bucket.start,
        newest=newest,
        came=came,
        tally=Tally(
            tally.buckets + 1, tally.requests + requests, tally.bad + bad, clamped=tally.clamped + clamped
        ),
        process=weigh(
            case,
            memory.process,
            _moderated(case, ceiling, requests, bad),
            number(case, memory, bucket.start, bucket.end),
            _gain(case, ceiling, requests, worth_seeing(case, ceiling)),
        ),
    )


def _ceiling(case: Case) -> float:
    return case.ceiling if case.ceiling is not None else _MOST


def _increments(
    case: Case, ceiling: float, requests: float, bad: float, effects: Effects = EFFECTS
) -> list[float]:
    form = ceiling_proportions if in_proportions(case) else ceiling_counts
    return form(requests, bad, ceiling, case.phi, effects)


def _moderated(case: Case, ceiling: float, requests: float, bad: float) -> Sequence[float]:
    """No more for an effect than it makes of a bucket."""
    plain = _increments(case, ceiling, requests, bad)
    if case.phi is None or max(plain) <= ORDINARY:
        return plain
    return moderated(
        plain,
        bad,
        case.phi,
        lambda size: bad_of(case, requests, ceiling, size),
        lambda fewer, effects: _increments(case, ceiling, requests, fewer, effects),
    )


def _gain(case: Case, ceiling: float, requests: float, level: float) -> float:
    """What a bucket of so many requests is expected to add if *level* of them are bad."""
    if requests <= NOTHING:
        return 0.0
    bad = requests * level
    (gain,) = _increments(case, ceiling, requests, bad, effect(size(case, level, ceiling)))
    return gain if case.phi is not None else gain * min(1.0, bad)


def verdict(case: Case, memory: Memory, moment: Moment) -> Verdict:
    """What the rule says now."""
    mean, ceiling = memory.tally.requests / max(memory.tally.buckets, 1), _ceiling(case)
    return promised(
        case,
        memory,
        moment,
        blindness(case, memory, moment),
        lambda level: _gain(case, ceiling, mean, level),
        ceiling,
    )
