"""Is it the release? How often a good release that is judged against the past is rolled back for an outage of something else.

A flat service is switched all at once. Something that it needs fails for five minutes, ten or three minutes after the switch;
or the release itself fails from the switch on. Each row is one size and one rate of traffic: how many of the deployments are
rolled back, asked about, or neither; and when half of those that act were found.

    python -m bench.release                800 deployments a cell, in about ten minutes
    python -m bench.release --runs 100     a quick look
"""

import argparse
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from statistics import median

import numpy as np

from rules.evaluate import Brief, Came, Setting, Timing, came, evaluate, prepare, start, with_onset
from rules.model import BeforeAfter, Consequence, Indicator, Kind, Rule, RuleSet
from rules.sample import Bucket, Counts, Series
from rules.verdict import Outcome

NOON = datetime(2025, 6, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
NAME = "errors"
USUAL = 0.002
WATCHED = 60  # minutes
SIZES = (0.005, 0.01, 0.03, 0.1, 0.5)
RATES = (4, 20, 100)  # requests a second
STORIES = {
    "outage after 10 min": (10, 15),
    "outage after 3 min": (3, 8),
    "defect from the switch on": (0, WATCHED),
}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=800, help="deployments a cell")
    runs = parser.parse_args().runs
    print(
        f"{'requests/s':>10} {'more fail':>9}  {'':28}{'back':>6}{'asked':>7}{'none':>6}{'found after':>13}"
    )
    for rate in RATES:
        brief = a_brief(rate)
        for size in SIZES:
            for story, (since, until) in STORIES.items():
                shares = [USUAL + size * (since <= minute < until) for minute in range(WATCHED)]
                found = [outcome(brief, rate, shares, np.random.default_rng(seed)) for seed in range(runs)]
                print(f"{rate:>10} {size:>9.1%}  {story:28}{row(found, since)}", flush=True)


def row(found: Sequence[tuple[str, int]], since: int) -> str:
    """One cell's figures."""
    many = Counter(what for what, _ in found)
    acted = [minute - since for what, minute in found if what == "back"]
    soon = f"{median(acted):.0f} min" if acted else "–"
    return f"{many['back']:>6}{many['asked']:>7}{many['none']:>6}{soon:>13}"


def a_brief(rate: int) -> Brief:
    """A rule against a week of five-minute buckets."""
    indicator = Indicator(NAME, Kind.RATIO, "bench", "{}")
    rule = Rule(NAME, NAME, Consequence.ROLLBACK, NAME, BeforeAfter(plus=0.0))
    setting = Setting(0.001, NOON, 30 * MINUTE, WATCHED * MINUTE, {NAME: MINUTE}, {NAME: timedelta(0)})
    chance, length, week = np.random.default_rng(7), 5 * MINUTE, 7 * 24 * 12
    past = [
        Bucket(
            NOON - (week - place) * length,
            NOON - (week - place - 1) * length,
            counted(chance, 300 * rate, USUAL),
        )
        for place in range(week)
    ]
    return prepare(RuleSet((indicator,), (rule,)), setting, {NAME: (Series(NAME, tuple(past)),)})


def counted(chance: np.random.Generator, requests: int, share: float) -> Counts:
    """So many of *requests* fail, by chance."""
    return Counts(float(chance.binomial(requests, share)), float(requests))


def outcome(brief: Brief, rate: int, shares: Sequence[float], chance: np.random.Generator) -> tuple[str, int]:
    """``back``, ``asked`` or ``none``, and after how many minutes."""
    evidence = start(brief)
    judged: list[Series] = []
    for minute, share in enumerate(shares):
        bucket = Bucket(
            NOON + minute * MINUTE, NOON + (minute + 1) * MINUTE, counted(chance, 60 * rate, share)
        )
        reading = {NAME: (Series(NAME, (bucket,)),)}
        found = evaluate(brief, evidence, reading, Timing(bucket.end, NOON, NOON))
        evidence = found.evidence
        judged += found.buckets
        if found.judgement.outcome is Outcome.BREACHED:
            at_once = came(with_onset(found.judgement, brief, judged), NOON) is Came.AT_ONCE
            return ("back" if at_once and not found.judgement.asks else "asked"), minute + 1
    return "none", WATCHED


if __name__ == "__main__":
    main()
