"""What can be seen: the smallest effect that is found, against minutes and traffic, with the floor of each source; one picture.

It is what `rules.foresight` says before a watch, for a canary with a tenth of the traffic beside a version that fails one
request in a thousand, at the margin that rules have by default. The floor of a source is its settle time and two buckets:
no traffic and no severity moves it.

    python -m bench.sight [FILE]      docs/sight.png by default, in seconds
"""

import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rules.brief import Brief
from rules.evaluate import Setting, prepare
from rules.foresight import Flow, Outlook
from rules.model import CanaryVsBaseline, Consequence, Indicator, Kind, Rule, RuleSet
from watcher.signals.registry import PROVIDERS

PICTURE = Path(__file__).parent.parent / "docs" / "sight.png"
TRAFFIC = (1.0, 10.0, 100.0, 1000.0)  # requests a second of the service
SHARE, USUAL = 0.1, 0.001
BUCKET = timedelta(seconds=10)
# How long a bucket usually is: the shortest that is usual, except where the vendor has one length alone.
USUAL_BUCKETS = {
    "scrape": BUCKET,
    "ecs_tasks": timedelta(seconds=15),
    "prometheus": timedelta(minutes=1),
    "cloudwatch": timedelta(minutes=1),
}
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
_NAMED_AT = 9.0  # minutes; where the lines are apart
MINUTES = tuple(1.25**power for power in range(-5, 33))  # from 20 s to a day


def main() -> None:
    """Draw it, and print some of its points."""
    file = Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURE
    curves = {rate: smallest(rate) for rate in TRAFFIC}
    for rate, points in curves.items():
        told = ", ".join(f"{level:.2%} in {minutes:.0f} min" for minutes, level in list(points.items())[::6])
        print(f"{rate:>6,.0f} requests a second: {told}")
    draw(curves, file)
    print(f"drawn: {file}")


def smallest(rate: float) -> Mapping[float, float]:
    """By minutes: the smallest share of failing requests that is found in the median of that time."""
    brief = a_brief()
    (case,) = brief.cases.values()
    outlook = Outlook(case, Flow(rate * SHARE, rate * (1 - SHARE), USUAL, 1.0, due=SHARE), NOON)
    found = {minutes: outlook.smallest(timedelta(minutes=minutes)) for minutes in MINUTES}
    return {minutes: level for minutes, level in found.items() if level is not None}


def a_brief() -> Brief:
    """One comparison with the default margin, buckets of ten seconds, errors that are independent."""
    indicator = Indicator("errors", Kind.RATIO, "scrape", "{}", compares_arms=True)
    rule = Rule("errors", "errors", Consequence.ROLLBACK, "errors", CanaryVsBaseline())
    setting = Setting(
        false_rollback_probability=0.001,
        opened_at=NOON,
        at_least=timedelta(minutes=30),
        at_most=timedelta(days=1),
        buckets={"errors": BUCKET},
        settles={"errors": timedelta(0)},
    )
    return prepare(RuleSet((indicator,), (rule,)), setting, {})


def floors() -> Mapping[str, float]:
    """By source, in minutes: two buckets of the usual length, and until the second is final."""
    return {
        name: (2 * length + PROVIDERS[name].settle).total_seconds() / 60
        for name, length in USUAL_BUCKETS.items()
    }


def draw(curves: Mapping[float, Mapping[float, float]], file: Path) -> None:
    """Minutes against the smallest share that is found, a line for each traffic, a mark for each source's floor."""
    import matplotlib as mpl  # noqa: PLC0415 - slow to import, and needed only here

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter  # noqa: PLC0415

    figure, axes = plt.subplots(figsize=(9, 5.4), dpi=120)
    colours = ("#b6d4fe", "#6ea8fe", "#0969da", "#063970")
    for (rate, points), colour in zip(curves.items(), colours, strict=True):
        axes.plot(list(points), list(points.values()), color=colour, linewidth=2)
        at = min(points, key=lambda minutes: abs(minutes - _NAMED_AT))
        axes.annotate(
            f"{rate:,.0f} requests/s",
            (at, points[at]),
            xytext=(4, 5),
            textcoords="offset points",
            fontsize=8.5,
            color=colour,
        )
    for order, (name, minutes) in enumerate(sorted(floors().items(), key=lambda each: each[1])):
        axes.axvline(minutes, color="#8c959f", linewidth=0.8, linestyle=":")
        axes.text(minutes, 0.97 - 0.045 * order, f" {name}: {minutes:.1f} min at the least", fontsize=8, color="#57606a",
                  va="top", transform=axes.get_xaxis_transform())  # fmt: skip
    acceptable = CanaryVsBaseline().ratio * USUAL + CanaryVsBaseline().plus
    axes.axhline(acceptable, color="#bf8700", linewidth=1, linestyle="--")
    axes.text(0.4, acceptable * 1.05, "acceptable", fontsize=8.5, color="#bf8700")
    axes.axhline(USUAL, color="#1a7f37", linewidth=1, linestyle="--")
    axes.text(0.4, USUAL * 1.05, "usual", fontsize=8.5, color="#1a7f37")
    times = {0.5: "30 s", 1: "1 min", 5: "5 min", 10: "10 min", 60: "1 h", 360: "6 h", 1440: "24 h"}
    axes.set(
        xscale="log",
        yscale="log",
        xlim=(0.33, 1600),
        ylim=(USUAL * 0.8, 3),
        xlabel="time since the switch (median)",
        ylabel="failing requests of the new release",
        title=f"The smallest defect that is found: {SHARE:.0%} of the traffic, beside a version that fails {USUAL:.1%}",
    )
    axes.xaxis.set_major_locator(FixedLocator(list(times)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda at, _: times[at]))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g} %"))
    axes.grid(which="major", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(file)
    plt.close(figure)


if __name__ == "__main__":
    main()
