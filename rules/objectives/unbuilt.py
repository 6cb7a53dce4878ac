"""A judge that the grammar knows and this version does not: blind, and says so. Never a silent pass."""

from collections.abc import Sequence

from rules.brief import Case
from rules.evidence import Memory
from rules.model import WhenBlind
from rules.objectives.coverage import Moment
from rules.objectives.dispersion import Block
from rules.sample import Bucket
from rules.verdict import Because, Outcome, Verdict


def prepare(case: Case, history: Sequence[Block]) -> Case:  # noqa: ARG001  (as every judge)
    """Nothing to fix."""
    return case


def start(case: Case) -> Memory:  # noqa: ARG001  (as every judge)
    """Nothing seen."""
    return Memory()


def advance(case: Case, memory: Memory, bucket: Bucket) -> Memory:  # noqa: ARG001  (as every judge)
    """Nothing is looked at."""
    return memory


def verdict(case: Case, memory: Memory, moment: Moment) -> Verdict:  # noqa: ARG001  (as every judge)
    """Blind."""
    return Verdict(
        rule=case.rule.id,
        name=case.rule.name,
        consequence=case.rule.on_breach,
        outcome=Outcome.BLIND,
        because=Because.INVALID,
        words=case.refusal.words if case.refusal else "not in this version",
        asks_when_blind=case.rule.when_blind is WhenBlind.ASK,
    )
