"""How soon and how wrongly the judges decide, and how fast.

Two measures. The *referee* (``bench/referee``, kept as it was published) plays deployments to ``rollbackd judge`` and
counts false rollbacks and the delay over the mathematical limit. The *speed* is taken in this process, on one core, by
CPU time, beside the reference judge's, so that a slow machine changes no ratio. The reference has the factors and the process
alone: what a bucket would have shown, how many came, and since when nothing serves beside it, only ours keeps.

    python -m bench.judgement                        both, in about ten minutes
    python -m bench.judgement --speed                the speed alone
    python -m bench.judgement --null 0 --bad 50      a quick look at delays; --only ID for one scenario
"""

import argparse
import io
import json
import runpy
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import process_time
from typing import Any

from rules.brief import Brief
from rules.evaluate import Setting, Timing, evaluate, prepare, start
from rules.evidence import Evidence, decode_evidence, encode_evidence
from rules.model import CanaryVsBaseline, Consequence, Indicator, Judge, Kind, Rule, RuleSet, Slo
from rules.objectives.registry import judge_of
from rules.sample import Bucket, Counts, Reading, Series

REFEREE = Path(__file__).parent / "referee"
JUDGE = shlex.join([sys.executable, "-c", "from watcher.commands.judge import command; command()"])
SLOWEST = 1.45  # geometric mean of delay over the feasible limit

NOON = datetime(2025, 6, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
BUCKETS = 1440  # of a day's watch; each figure is the best of REPEATS
REPEATS = 5
TICK = 10.0  # seconds between two rounds of a watch at its fastest


def main() -> None:
    """Print both measures. Exit status 1 if the referee finds what must not be."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--speed", action="store_true", help="measure the speed alone")
    parser.add_argument("--null", type=int, default=100, help="good deployments a scenario")
    parser.add_argument("--bad", type=int, default=50, help="bad deployments a scenario")
    parser.add_argument("--only", default="", help="the scenario with this in its id")
    asked = parser.parse_args()
    print_speed()
    if not asked.speed and not is_well(refereed(asked.null, asked.bad, asked.only)):
        raise SystemExit(1)


# ----------------------------------------------------------------------------------------------------------- referee


def refereed(null: int, bad: int, only: str) -> dict[str, Any]:
    """The referee's own figures; its table is printed as it goes."""
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "found.json"
        told = ["--null", str(null), "--bad", str(bad), "--only", only, "--json", str(found)]
        subprocess.run([sys.executable, "score.py", "--judge", JUDGE, *told], cwd=REFEREE, check=True)
        scored: dict[str, Any] = json.loads(found.read_text())
    return scored


def is_well(scored: Mapping[str, Any]) -> bool:
    """No false rollback, all found that can be, and soon enough."""
    false = sum(row["false_rollbacks"] for row in scored["rows"])
    missed = [row["id"] for row in scored["rows"] if row["detected"] <= 1 / 2]
    late = scored["total"]["geomean_ratio"]
    print(
        f"\nfalse rollbacks {false}, not found {missed or 'none'}, delay over the feasible limit {late:.2f} (at most {SLOWEST})"
    )
    return not false and not missed and (late <= SLOWEST or len(scored["rows"]) == 1)


# ------------------------------------------------------------------------------------------------------------- speed


@dataclass(frozen=True, slots=True)
class Form:
    """One way to judge a bucket, and the reference's counterpart, if it has one."""

    name: str
    kind: Kind
    judge: Judge
    counterpart: str | None = None


FORMS = (
    Form("a ceiling, counts", Kind.RATIO, Slo(0.99), "ceil_incs"),
    Form("two arms, counts", Kind.RATIO, CanaryVsBaseline(1.0, 0.0), "share_incs"),
    Form("two arms, counts, margin", Kind.RATIO, CanaryVsBaseline(), "share_incs"),
    Form("two arms, proportions", Kind.LATENCY, CanaryVsBaseline(1.0, 0.0), "two_prop_incs"),
    Form("two arms, proportions, margin", Kind.LATENCY, CanaryVsBaseline(1.5, 0.01)),
)


def print_speed() -> None:
    """CPU time a bucket and rule: of the judge alone, and of a whole round of one rule with its evidence read and written."""
    reference = reference_judge()
    print(f"{'µs a bucket and rule':32}{'judge':>8}{'reference':>11}{'ratio':>7}{'round':>8}{'a second':>10}")
    for form in FORMS:
        brief, buckets = a_brief(form), traffic(form)
        own = microseconds(lambda brief=brief, buckets=buckets: judged(brief, buckets))  # type: ignore[misc]
        whole = microseconds(lambda brief=brief, buckets=buckets: rounds(brief, buckets))  # type: ignore[misc]
        theirs = None
        if form.counterpart is not None:
            theirs = microseconds(lambda form=form, buckets=buckets: stepped(reference, form, buckets))  # type: ignore[misc]
        beside = f"{theirs:>11.1f}{own / theirs:>7.2f}" if theirs else f"{'–':>11}{'–':>7}"
        print(f"{form.name:32}{own:>8.1f}{beside}{whole:>8.1f}{1e6 / whole:>10,.0f}")
    fleet = microseconds(four_rules)
    print(
        f"\na watch of four rules: {fleet:.0f} µs a round; a thousand of them every {TICK:.0f} s take {1000 * fleet / 1e6 / TICK:.1%} of a core\n"
    )


def microseconds(run: Callable[[], None]) -> float:
    """CPU time of *run* over its buckets, the best of some."""
    best = float("inf")
    for _ in range(REPEATS):
        begun = process_time()
        run()
        best = min(best, process_time() - begun)
    return best / BUCKETS * 1e6


def traffic(form: Form) -> list[Bucket]:
    """A day of minutes of a healthy canary with a tenth of the traffic."""
    usual = 60 if form.kind is Kind.LATENCY else 1
    return [
        Bucket(
            NOON + minute * MINUTE,
            NOON + (minute + 1) * MINUTE,
            Counts(float(usual + minute % 3), 600.0),
            Counts(float(9 * usual + minute % 7), 5400.0),
        )
        for minute in range(BUCKETS)
    ]


def a_brief(*forms: Form) -> Brief:
    """Rules over an indicator each, with a day of history."""
    indicators = tuple(
        Indicator(
            form.name,
            form.kind,
            "bench",
            "{}",
            compares_arms=True,
            bounds=(0.3,) if form.kind is Kind.LATENCY else (),
        )
        for form in forms
    )
    rules = tuple(Rule(form.name, form.name, Consequence.ROLLBACK, form.name, form.judge) for form in forms)
    setting = Setting(
        false_rollback_probability=0.001,
        opened_at=NOON,
        at_least=30 * MINUTE,
        at_most=BUCKETS * MINUTE,
        buckets=dict.fromkeys((form.name for form in forms), MINUTE),
        settles=dict.fromkeys((form.name for form in forms), timedelta(0)),
    )
    past = {form.name: (a_series(form, [shifted(bucket) for bucket in traffic(form)]),) for form in forms}
    return prepare(RuleSet(indicators, rules), setting, past)


def a_series(form: Form, buckets: Sequence[Bucket]) -> Series:
    """*buckets* as a provider gives them."""
    return Series(form.name, tuple(buckets), 0.3 if form.kind is Kind.LATENCY else None)


def shifted(bucket: Bucket) -> Bucket:
    """The same a day earlier."""
    day = BUCKETS * MINUTE
    return Bucket(bucket.start - day, bucket.end - day, bucket.canary, bucket.baseline)


def judged(brief: Brief, buckets: Sequence[Bucket]) -> None:
    """The judge alone."""
    (case,) = brief.cases.values()
    judge = judge_of(case)
    memory = judge.start(case)
    for bucket in buckets:
        memory = judge.advance(case, memory, bucket)


def rounds(brief: Brief, buckets: Sequence[Bucket]) -> None:
    """A round a bucket: evidence read, reading assembled, judged, verdict given, evidence written."""
    (case,) = brief.cases.values()
    written = encode_evidence(start(brief))
    for bucket in buckets:
        reading = {case.indicator: (Series(case.indicator, (bucket,), case.bound),)}
        written = encode_evidence(round_of(brief, decode_evidence(written), reading, bucket.end))


def round_of(brief: Brief, evidence: Evidence, readings: Mapping[str, Reading], now: datetime) -> Evidence:
    """The evidence after one round."""
    return evaluate(brief, evidence, readings, Timing(now, NOON, NOON)).evidence


def four_rules() -> None:
    """A watch of four rules, round by round."""
    forms = FORMS[:4]
    brief, days = a_brief(*forms), [traffic(form) for form in forms]
    written = encode_evidence(start(brief))
    for buckets in zip(*days, strict=True):
        readings = {
            form.name: (a_series(form, [bucket]),) for form, bucket in zip(forms, buckets, strict=True)
        }
        written = encode_evidence(round_of(brief, decode_evidence(written), readings, buckets[0].end))


def reference_judge() -> dict[str, Any]:
    """The names of the reference judge. It plays the protocol when it is run; with nothing on stdin it ends at once."""
    stdin, sys.stdin = sys.stdin, io.StringIO()
    try:
        with redirect_stdout(io.StringIO()):
            return runpy.run_path(str(REFEREE / "judges" / "reference.py"))
    finally:
        sys.stdin = stdin


def stepped(reference: Mapping[str, Any], form: Form, buckets: Sequence[Bucket]) -> None:
    """The reference judge over the same traffic: its factors and its process, without a reading, a verdict or a memory."""
    evidence = reference["Evidence"](0.001, BUCKETS, len(reference["GRID"]))
    factors = reference[str(form.counterpart)]
    margin = form.judge if isinstance(form.judge, CanaryVsBaseline) else CanaryVsBaseline(1.0, 0.0)
    for bucket in buckets:
        canary, baseline = bucket.canary, bucket.baseline
        if isinstance(canary, Counts) and isinstance(baseline, Counts):
            pair = (canary.total, canary.bad, baseline.total, baseline.bad)
            told = {
                "ceil_incs": (*pair[:2], 0.001, 1.0),
                "share_incs": (*pair, margin.ratio, margin.plus, 1.0),
                "two_prop_incs": (*pair, 0.1),
            }[str(form.counterpart)]
            evidence.step(factors(*told))


if __name__ == "__main__":
    main()
