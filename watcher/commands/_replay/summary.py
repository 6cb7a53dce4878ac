"""What many replayed deployments say together: how often, how wrongly, how early, and what each rule cost."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import exp, lgamma, log, log1p
from typing import Any

from rules.duration import duration_text
from rules.model import RuleSet
from watcher.commands._replay.playing import Ended, Replayed

_SURE = 0.95
_FOUND = frozenset({Ended.ROLLED_BACK, Ended.ASKED})


@dataclass(frozen=True, slots=True)
class OfRule:
    """What one rule did.

    Attributes:
        breached: Deployments in which it breached first, or with the others.
        wrong: Of these, good ones that would have been rolled back.
        held_up: Deployments that it kept from passing.
    """

    rule: str
    name: str
    breached: int
    wrong: int
    held_up: int


@dataclass(frozen=True, slots=True)
class Summary:
    """The whole.

    Attributes:
        good, bad: Deployments that are known to be so.
        wrong: Good ones that would have been rolled back.
        at_most: With 95 % confidence, the share of good deployments that would be (0..1); ``None`` without any.
        missed: Bad ones of which nobody would have been told.
        early: That passed early, proven well.
        sooner: By how much, in the middle of those that would have passed without it; ``None`` where there was none.
        too_early: Of these, those that would have been rolled back, or asked about, without it.
        soonest, usual, latest: From the deployment to the rollback or the question; ``None`` where there was none.
    """

    ends: dict[Ended, int]
    good: int
    bad: int
    wrong: int
    at_most: float | None
    missed: int
    soonest: timedelta | None
    usual: timedelta | None
    latest: timedelta | None
    rules: tuple[OfRule, ...]
    early: int = 0
    sooner: timedelta | None = None
    too_early: int = 0


def summed_up(replayed: Sequence[Replayed], rules: RuleSet) -> Summary:
    """What *replayed* say together."""
    good = [each for each in replayed if each.deployment.bad is False]
    bad = [each for each in replayed if each.deployment.bad is True]
    wrong = sum(each.is_wrong for each in good)
    delays = sorted(each.after for each in replayed if each.ended in _FOUND)
    early = [each.otherwise for each in replayed if each.otherwise is not None]
    sooner = sorted(each.sooner for each in replayed if each.sooner is not None)
    return Summary(
        ends={ended: many for ended in Ended if (many := sum(each.ended is ended for each in replayed))},
        good=len(good),
        bad=len(bad),
        wrong=wrong,
        at_most=highest_share(wrong, len(good)) if good else None,
        missed=sum(each.is_missed for each in bad),
        soonest=delays[0] if delays else None,
        usual=delays[len(delays) // 2] if delays else None,
        latest=delays[-1] if delays else None,
        rules=tuple(
            OfRule(
                rule.id,
                rule.name,
                sum(rule.id in each.blamed for each in replayed),
                sum(rule.id in each.blamed and each.is_wrong for each in replayed),
                sum(rule.id in each.held_up for each in replayed),
            )
            for rule in rules.rules
        ),
        early=len(early),
        sooner=sooner[len(sooner) // 2] if sooner else None,
        too_early=sum(each.ended in _FOUND for each in early),
    )


def highest_share(found: int, of: int) -> float:
    """The one-sided upper bound of a share, with 95 % confidence, after *found* of *of* (Clopper and Pearson, 1934)."""
    if found >= of:
        return 1.0
    ways = [lgamma(of + 1) - lgamma(k + 1) - lgamma(of - k + 1) for k in range(found + 1)]  # logarithms
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        reached = sum(exp(way + k * log(middle) + (of - k) * log1p(-middle)) for k, way in enumerate(ways))
        low, high = (middle, high) if reached > 1 - _SURE else (low, middle)
    return high


def words(summary: Summary) -> list[str]:
    """The whole, in sentences."""
    ends = ", ".join(f"{many} {ended.value.replace('_', ' ')}" for ended, many in summary.ends.items())
    said = [f"{sum(summary.ends.values())} deployments: {ends}"]
    if summary.at_most is not None:
        said.append(
            f"{summary.wrong} of {summary.good} good ones would have been rolled back"
            f" (with 95 % confidence at most {100 * summary.at_most:.2g} %)"
        )
    if summary.bad:
        said.append(f"{summary.missed} of {summary.bad} bad ones would have gone unnoticed")
    if summary.usual is not None and summary.soonest is not None and summary.latest is not None:
        said.append(
            f"Found after {duration_text(summary.usual)} in the middle"
            f" ({duration_text(summary.soonest)} to {duration_text(summary.latest)})"
        )
    if summary.early:
        said.append(_early_words(summary))
    return said


def _early_words(summary: Summary) -> str:
    sooner = f", {duration_text(summary.sooner)} sooner in the middle" if summary.sooner else ""
    missed = f"; {summary.too_early} of them would have been found later" if summary.too_early else ""
    return f"{summary.early} passed early, proven well{sooner}{missed}"


def as_data(replayed: Sequence[Replayed], summary: Summary) -> dict[str, Any]:
    """For programs; times in seconds, moments in ISO 8601, UTC."""
    return {
        "deployments": [
            {
                "at": each.deployment.at.isoformat(),
                "from": each.deployment.before or None,
                "to": each.deployment.to or None,
                "bad": each.deployment.bad,
                "made_up": each.deployment.made_up,
                "ended": each.ended,
                "after_seconds": each.after.total_seconds(),
                "why": each.why,
                "blamed": list(each.blamed),
                "held_up": list(each.held_up),
                "log10_e": each.log10_e,
                "wrong": each.is_wrong,
                "missed": each.is_missed,
                "otherwise": _otherwise(each),
            }
            for each in replayed
        ],
        "summary": {
            "ends": {ended.value: many for ended, many in summary.ends.items()},
            "good": summary.good,
            "bad": summary.bad,
            "wrong": summary.wrong,
            "wrong_share_at_most": summary.at_most,
            "missed": summary.missed,
            "early": {
                "passed": summary.early,
                "sooner_seconds": summary.sooner.total_seconds() if summary.sooner else None,
                "too_early": summary.too_early,
            },
            "found_after_seconds": {
                name: value.total_seconds() if value is not None else None
                for name, value in (
                    ("soonest", summary.soonest),
                    ("median", summary.usual),
                    ("latest", summary.latest),
                )
            },
            "rules": [
                {
                    "rule": each.rule,
                    "name": each.name,
                    "breached": each.breached,
                    "wrong": each.wrong,
                    "held_up": each.held_up,
                }
                for each in summary.rules
            ],
        },
    }


def _otherwise(replayed: Replayed) -> dict[str, Any] | None:
    """How one that passed early would have ended without that."""
    late = replayed.otherwise
    return None if late is None else {"ended": late.ended, "after_seconds": late.after.total_seconds()}
