"""Proven well: evidence that a release is *not* worse than so much, so that a bake may end before its shortest time.

The e-process of the judges, turned round. Its null is a release that is worse than `PassEarly.worse_than` allows in every
bucket; its factors are those of the judges for effects below 1, whose mean is at most 1 under that null; and it has no
onset, since what is asked is how the release was from the switch on. So a release that is so bad is ever proven well with
at most `PassEarly.miss_probability` (Ville), for each rule, and as all rules have to be proven, for all of them together.

It tells of what was seen. What begins to fail later, it has not foretold: that is what the rest of a bake is for.

Deliberately absent: comparisons with the past. What was usual is counted, and not known, and a proof needs it from below;
such rules, and those without a promise, hold the bake up for its shortest time.

Source:
    docs/judgement.md, "Proven well".
"""

from collections.abc import Collection, Sequence
from math import exp, log

from rules.brief import Case, Margin, PassEarly
from rules.evidence import Memory
from rules.model import CanaryVsBaseline, Rule, Slo, TrafficDrop
from rules.objectives.canary_vs_baseline import paired
from rules.objectives.eprocess import cap, log_mean
from rules.objectives.factors import NOTHING, Effects, Pair, ceiling_proportions, of_an_error
from rules.objectives.promise import clump_of, in_proportions
from rules.objectives.traffic_drop import split
from rules.objectives.wording import share_words
from rules.sample import Bucket, Counts

BETTER: Effects = tuple((size, log(size)) for size in (0.15, 0.25, 0.4, 0.55, 0.7, 0.85))  # times the worst
_MORE: Effects = tuple((1 / size, -log_size) for size, log_size in BETTER)  # of the traffic's odds
_PROVABLE = (CanaryVsBaseline, Slo, TrafficDrop)


def is_provable(rule: Rule, rules: Collection[Rule]) -> bool:
    """Something can prove that *rule* is well; of an ``all_of``, that all of its members are."""
    if rule.all_of:
        return all(is_provable(each, ()) for each in rules if each.id in rule.all_of)
    return isinstance(rule.judge, _PROVABLE) and rule.statistics.correlation != "robust"


def grown(early: PassEarly, case: Case, before: Memory, bucket: Bucket) -> tuple[float, ...]:
    """The logarithm of the evidence for each effect, with one settled bucket more.

    Args:
        early: What is to be proven.
        case: Fixed when the watch opened.
        before: What was known before this bucket: how errors clump must not be learned from what is weighed by it.
        bucket: Settled.
    """
    logs = before.proof or (0.0,) * len(BETTER)
    increments = _increments(early, case, clump_of(case, before), bucket)
    after = [old + by for old, by in zip(logs, increments, strict=True)] if increments else logs
    # As a breach needs several buckets, so does a proof; what is taken away is taken from all alike.
    most = cap(early.miss_probability, 1.0, case.rule.statistics.min_buckets)
    excess = max(log_mean(after) - log_mean(logs) - most, 0.0)
    return tuple(each - excess for each in after)


def _increments(early: PassEarly, case: Case, phi: float | None, bucket: Bucket) -> Sequence[float]:
    """Of one bucket; nothing where it proves nothing, as where errors may clump at will."""
    if phi is None:
        return ()
    match case.rule.judge, bucket.canary, bucket.baseline:
        case CanaryVsBaseline(), Counts() as canary, Counts() as baseline:
            pair, _ = paired(case, canary, baseline)
            return compared(pair, early.worse_than, phi) if pair.compares else ()
        case Slo(), Counts(bad, total), _:
            bad = min(bad, total) if in_proportions(case) else bad
            return below(total, bad, _worst(early, case), phi) if total > NOTHING else ()
        case TrafficDrop(drop=drop), _, _:
            told = split(bucket)
            if told is None:
                return ()
            (requests, elsewhere), share = told
            return ceiling_proportions(requests, requests - elsewhere, (1 - drop) * share, phi, _MORE)
        case _:
            return ()


def _worst(early: PassEarly, case: Case) -> float:
    """The share of bad from which on an absolute objective is worse than is to be proven."""
    return early.worse_than.allows(case.ceiling or 0.0)


def compared(pair: Pair, worst: Margin, phi: float) -> list[float]:
    """Two arms: the logarithm of a factor for each effect, of mean at most 1 where the canary is at least as bad as *worst*.

    With A < 1 < B the factors of an error of the canary and of one beside it, n1 p1 (A - 1) + n0 p0 (B - 1) is at most
    n1 plus (A - 1) for every p1 >= ratio * p0 + plus, which is what the last term takes away. Events are Poisson, sums of
    single requests are less spread. How errors clump is as in `rules.objectives.factors`, with the arms exchanged: what
    speaks for the release is an error beside it. Of one that speaks against, a phi-th is allowed by all clumps.
    """
    mine = pair.requests * worst.ratio
    both, extra = mine + pair.beside_requests, pair.requests * worst.plus
    found = []
    for size, log_size in BETTER:
        log_spread = log(both / (mine * size + pair.beside_requests))
        better = size * both / (mine * size + pair.beside_requests)
        gain = pair.bad * (log_size + log_spread) / phi + pair.beside_bad * of_an_error(
            exp(log_spread), log_spread, phi
        )
        found.append(gain - extra * (better - 1) / phi)
    return found


def below(requests: float, bad: float, worst: float, phi: float) -> list[float]:
    """One arm: the same, where at least the share *worst* is bad."""
    return [(bad * log_size - requests * worst * (size - 1)) / phi for size, log_size in BETTER]


def is_proven(early: PassEarly, memory: Memory) -> bool:
    """The evidence is enough, now: what got worse afterwards takes it back."""
    return bool(memory.proof) and log_mean(memory.proof) >= log(1 / early.miss_probability)


def words(early: PassEarly, case: Case) -> str:
    """What is proven: ``proven less than 2 times as bad as the old version``."""
    worst = early.worse_than
    match case.rule.judge:
        case Slo():
            return f"proven below {share_words(_worst(early, case))}"
        case TrafficDrop(drop=drop):
            return f"proven more than {share_words(1 - drop)} of its share"
        case _:
            more = f" and {share_words(worst.plus)}" if worst.plus else ""
            return f"proven less than {worst.ratio:g} times the old version's{more}"
