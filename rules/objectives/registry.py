"""The judges of this version. A new one is a module beside this one, a line here, and its place in `rules.model.FITS`."""

from collections.abc import Mapping
from typing import Protocol

from rules.brief import Case
from rules.evidence import Memory
from rules.objectives import (
    before_after,
    burn_rate,
    canary_vs_baseline,
    percentile_rank,
    slo,
    state,
    threshold,
    traffic_drop,
)
from rules.objectives.coverage import Moment
from rules.objectives.history import Past
from rules.sample import Bucket
from rules.verdict import Verdict


class Objective(Protocol):
    """A judge: a module with these four functions, all of them pure."""

    def prepare(self, case: Case, history: Past) -> Case:
        """Fix, once, what depends on the history (requests and bad of past buckets; empty if there is none)."""

    def start(self, case: Case) -> Memory:
        """What is remembered before the first bucket."""

    def advance(self, case: Case, memory: Memory, bucket: Bucket) -> Memory:
        """The memory with one settled bucket more; ``process.log_e`` is its evidence against the release."""

    def verdict(self, case: Case, memory: Memory, moment: Moment) -> Verdict:
        """What the rule says of this series now."""


JUDGES: Mapping[str, Objective] = {
    "canary_vs_baseline": canary_vs_baseline,
    "slo": slo,
    "before_after": before_after,
    "traffic_drop": traffic_drop,
    "threshold": threshold,
    "burn_rate": burn_rate,
    "percentile_rank": percentile_rank,
    "state": state,
}


def judge_of(case: Case) -> Objective:
    """The judge of *case*.

    Raises:
        KeyError: Its rule has none; such rules measure nothing, and make no case.
    """
    return JUDGES[case.rule.judge.kind if case.rule.judge else ""]
