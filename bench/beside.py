"""The judges side by side: good releases rolled back against delay over the mathematical limit, in one table and one picture.

The referee (``bench/referee``) plays the same deployments to our judge, to its reference judge, and to what others do by
default. A judge that finds a scenario in fewer than half of its runs has no delay there: the mean is over those that it
finds, and the table says how many they are.

    python -m bench.beside                                   table and docs/judges.png, in about 40 minutes
    python -m bench.beside --null 20 --bad 10 --picture FILE a quick look
    python -m bench.beside --results FILE.json               keep the figures, so that it goes on where it was cut off
"""

import argparse
import json
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.judgement import JUDGE, REFEREE

PICTURE = Path(__file__).parent.parent / "docs" / "judges.png"
NULL, BAD = 100, 40

# What others do by default: bench/referee/judges/peers.py says where each default stands.
PEERS = {
    "argo": "Argo Rollouts, 95 %, 3 failures",
    "argo1": "Argo Rollouts, 99 %, first failure",
    "flagger": "Flagger, 99 %, 5 failures",
    "cloudwatch": "CloudWatch alarm, 1 %, 3 of 3",
    "burnrate": "SRE workbook, fast burn",
    "kayenta": "Kayenta, hourly",
}
OURS = {"rollbackd": JUDGE, "rollbackd, one bucket": f"{JUDGE} --min-buckets 1"}


@dataclass(frozen=True, slots=True)
class Standing:
    """How one judge did.

    Attributes:
        name: For people.
        false: Good releases that it rolled back.
        good: Good releases that it saw.
        upper: Of the share of those, with 95 % confidence (0..1).
        found: Scenarios in which half of the bad releases were found.
        scenarios: How many there are.
        ratio: Geometric mean of the delay over the first moment at which any judge could have known, of those found.
    """

    name: str
    false: int
    good: int
    upper: float
    found: int
    scenarios: int
    ratio: float


def main() -> None:
    """Play, print, draw."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--null", type=int, default=NULL, help="good deployments a scenario")
    parser.add_argument("--bad", type=int, default=BAD, help="bad deployments a scenario")
    parser.add_argument("--picture", type=Path, default=PICTURE, help="where it is drawn (PNG)")
    parser.add_argument(
        "--results",
        type=Path,
        help="where the figures are kept (JSON); what stands there is not played again",
    )
    asked = parser.parse_args()
    standings = list(kept(asked.results))
    for name, command in judges().items():
        if name not in {each.name for each in standings}:
            standings.append(played(name, command, asked.null, asked.bad))
            keep(standings, asked.results)
    print(table(standings))
    draw(standings, asked.picture)
    print(f"\ndrawn: {asked.picture}")


def kept(file: Path | None) -> Sequence[Standing]:
    """What was played before a run was cut off."""
    if file is None or not file.exists():
        return ()
    return [Standing(**each) for each in json.loads(file.read_text())]


def keep(standings: Sequence[Standing], file: Path | None) -> None:
    """Write them down, where that is wanted."""
    if file is not None:
        file.write_text(json.dumps([asdict(each) for each in standings], indent=1) + "\n")


def judges() -> dict[str, str]:
    """The command line of each, by its name; ours first."""
    python = shlex.quote(sys.executable)
    peers = {words: f"{python} judges/peers.py {name}" for name, words in PEERS.items()}
    return {**OURS, "the referee's reference": f"{python} judges/reference.py", **peers}


def played(name: str, command: str, null: int, bad: int) -> Standing:
    """What the referee says of the judge *command*."""
    print(f"{name} ...", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "found.json"
        told = ["--judge", command, "--null", str(null), "--bad", str(bad), "--json", str(found)]
        subprocess.run(
            [sys.executable, "score.py", *told], cwd=REFEREE, check=True, stdout=subprocess.DEVNULL
        )
        total = json.loads(found.read_text())["total"]
    return Standing(
        name,
        total["false_rollbacks"],
        total["null_runs"],
        total["fa_upper95"] or 1.0,
        total["scenarios_with_median_detection"],
        total["scenarios"],
        total["geomean_ratio"],
    )


def table(standings: Sequence[Standing]) -> str:
    """One line a judge."""
    head = f"{'judge':36}{'good rolled back':>18}{'of 1,000, at most':>19}{'found':>9}{'delay':>8}"
    rows = (
        f"{each.name:36}{f'{each.false} of {each.good:,}':>18}{1000 * each.upper:>19.1f}"
        f"{f'{each.found} of {each.scenarios}':>9}{each.ratio:>8.2f}"
        for each in standings
    )
    return "\n".join([head, *rows])


def draw(standings: Sequence[Standing], file: Path) -> None:
    """Both axes logarithmic; where no good release was rolled back, an arrow down from what is excluded with 95 % confidence."""
    import matplotlib as mpl  # noqa: PLC0415 - slow to import, and needed only here

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415
    from matplotlib.ticker import FuncFormatter  # noqa: PLC0415

    figure, axes = plt.subplots(figsize=(9, 5.4), dpi=120)
    drawn = [each for each in standings if each.found]
    for each in drawn:
        ours = each.name in OURS
        wrong = 1000 * (each.false / each.good if each.false else each.upper)
        colour = "#0969da" if ours else "#57606a"
        axes.scatter(each.ratio, wrong, s=90 if ours else 45, color=colour, zorder=3)
        if not each.false:
            axes.annotate(
                "",
                (each.ratio, wrong / 1.9),
                (each.ratio, wrong),
                arrowprops={"arrowstyle": "->", "color": colour},
            )
        axes.annotate(
            f"{each.name}\nfinds {each.found} of {each.scenarios}",
            (each.ratio, wrong),
            xytext=(8, 3),
            textcoords="offset points",
            fontsize=8.5,
            color=colour,
            fontweight="bold" if ours else "normal",
        )
    axes.set(
        xscale="log",
        yscale="log",
        xlim=(0.5, 3 * max(each.ratio for each in drawn)),
        ylim=(0.1, 2000),
        xlabel="delay over the first moment at which any judge could know (median run; geometric mean of what it finds)",
        ylabel="good releases rolled back, of 1,000",
        title="Good releases rolled back, against how late bad ones are found",
    )
    axes.axhline(1, color="#1a7f37", linewidth=1, linestyle="--", zorder=1)
    axes.text(0.52, 1.08, "what rollbackd promises", color="#1a7f37", fontsize=8.5)
    axes.axvline(1, color="#8c959f", linewidth=0.8, linestyle=":", zorder=1)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda number, _: f"{number:g}"))
    axes.grid(which="major", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(file)
    plt.close(figure)


if __name__ == "__main__":
    main()
