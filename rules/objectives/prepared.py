"""What is fixed when a watch opens: from rule, setting and history to a `Case`, but for what a judge adds to it."""

from collections.abc import Sequence
from dataclasses import replace
from math import ceil, log

from rules.brief import Case, Refusal, Setting, Voice
from rules.model import COMPARES, Consequence, Indicator, Rule
from rules.objectives.coverage import window
from rules.objectives.dispersion import Block, clump, storms
from rules.objectives.eprocess import cap
from rules.objectives.factors import NOTHING
from rules.objectives.fitting import misfits
from rules.verdict import Because

_A_HABIT = 2  # storms in a history; one may be a past outage
_LONGEST = 100_000  # buckets of an onset's horizon: more than a week of 10 s


def opened(voice: Voice, key: str, indicator: Indicator, bound: float | None, setting: Setting) -> Case:
    """The case of a rule over one series, before its judge has looked at the history.

    Args:
        voice: The rule, its level and its weight.
        key: What the case is called.
        indicator: What is measured.
        bound: Of the series in seconds, where the indicator is a latency.
        setting: The circumstances of the watch.
    """
    rule, bucket, bounds = voice.rule, setting.buckets[indicator.id], max(len(indicator.bounds), 1)
    return Case(
        key=key,
        rule=rule,
        indicator=indicator.id,
        kind=indicator.kind,
        bound=bound,
        bucket=bucket,
        settle=setting.settles[indicator.id],
        window=window(setting.at_least, bucket),
        alpha=voice.alpha,
        weight=voice.weight,
        horizon=min(max(ceil(setting.at_most / bucket), 1), _LONGEST),
        cap=_cap(voice, bounds),
        tells_arms=indicator.compares_arms,
        refusal=_refusal(rule, indicator, setting),
        bounds=bounds,
    )


def _cap(voice: Voice, bounds: int) -> float:
    """A control has to be as quick as the rules that it holds back: of its cap only what lets no bucket decide alone is left."""
    least = voice.rule.statistics.min_buckets
    if voice.rule.on_breach is Consequence.DOUBT and least > 1:
        return log(bounds / voice.alpha) / (least - 1)
    return cap(voice.alpha, (voice.weight or 1.0) / bounds, least)


def _refusal(rule: Rule, indicator: Indicator, setting: Setting) -> Refusal | None:
    judge = rule.judge.kind if rule.judge else ""
    if judge in COMPARES and indicator.id in setting.not_comparable:
        return Refusal(Because.NOT_COMPARABLE, setting.not_comparable[indicator.id])
    for why, remedy in misfits(rule, setting.buckets[indicator.id], setting.at_most):
        return Refusal(Because.INVALID, f"{why}: {remedy}")
    return None


def with_history(case: Case, history: Sequence[Block]) -> Case:
    """The case with what is usual, and with how errors come in clumps, as far as rule or history tell.

    Args:
        case: As `opened`.
        history: Requests and bad of past buckets in order; empty if there is none.

    Returns:
        A case whose `phi` is ``None`` and which `learns`, where neither tells.
    """
    requests, bad = sum(block[0] for block in history), sum(block[1] for block in history)
    usual = bad / requests if requests > NOTHING else None
    case = replace(case, usual=usual, usual_total=requests, assumes=_assumes_of_routing(case))
    match case.rule.statistics.correlation:
        case "independent":
            return case
        case "robust":
            return replace(case, phi=None)
        case "auto":
            phi = clump(history)
            case = replace(case, phi=phi, learns=phi is None)
            return _wary(case) if phi is not None and storms(history, phi) >= _A_HABIT else case
        case number:
            return replace(case, phi=max(float(number), 1.0))


def _wary(case: Case) -> Case:
    """One bucket more to a breach where storms of one bucket are usual: two of them must not be enough."""
    least = case.rule.statistics.min_buckets
    return case if least <= 1 else replace(case, cap=case.cap * (least - 1) / least)


def _assumes_of_routing(case: Case) -> str:
    statistics = case.rule.statistics
    if statistics.routing == "sticky" and statistics.unit == "requests":
        return "if no single user makes many of the errors (the routing is sticky: count users)"
    return ""
