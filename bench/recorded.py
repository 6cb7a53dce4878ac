"""Real series of production, judged at moments at which nobody knows of a deployment: how often would one be blamed?

Each hour that has a week before it and a quiet watch after it (nothing in it that experts marked as unusual) is taken for
the moment of a deployment. Who it is that crashes is not known of these series, nor how many ran: they are the hardest for a
comparison with the past, which is why `docs/judgement.md` tells to let such a rule ask.

    python -m bench.recorded        in about a minute

Source: where each file of ``bench/recordings`` says.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rules.evaluate import Setting, prepare
from rules.model import BeforeAfter, Consequence, Indicator, Kind, Rule, RuleSet
from rules.replay import Recording, asks, rounds
from rules.sample import Bucket, Counts, Series
from rules.verdict import Outcome

RECORDINGS = Path(__file__).parent / "recordings"
NAME = "crashes"
HOUR = timedelta(hours=1)
HISTORY = timedelta(days=7)
WATCHED = 6 * HOUR
RAN = 100_000.0  # so many of which some crash: the series are normalised, and do not tell by what
WORSE = (2.0, 4.0, 10.0)  # times as many crashes from the switch on: how many of those are found?


@dataclass(frozen=True, slots=True)
class Hour:
    """What crashed until *end*, and whether experts found that unusual."""

    end: datetime
    crashes: float
    unusual: bool


def main() -> None:
    """Print the table: a row for each series, as it is and made worse."""
    print(f"{'series':16}{'crashes':>9}{'deployments':>13}{'back':>6}{'asked':>7}{'neither':>9}")
    for path in sorted(RECORDINGS.glob("*.txt")):
        hours = tuple(read(path))
        moments = tuple(quiet(hours))
        for times in (1.0, *WORSE):
            many = Counter(outcome(hours, place, times) for place in moments)
            print(
                f"{path.stem:16}{f'x {times:g}':>9}{len(moments):>13}{many['back']:>6}{many['asked']:>7}{many['neither']:>9}",
                flush=True,
            )


def read(path: Path) -> Iterator[Hour]:
    """The hours of one file, in their order."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        day, first, *counts = line.split()
        start = datetime.fromisoformat(day).replace(tzinfo=UTC) + int(first) * HOUR
        for place, count in enumerate(counts, start=1):
            yield Hour(start + place * HOUR, float(count.rstrip("*")), count.endswith("*"))


def quiet(hours: Sequence[Hour]) -> Iterator[int]:
    """The places at which a deployment can be made up: a week before it, and a watch after it without anything unusual."""
    week, watch = HISTORY // HOUR, WATCHED // HOUR
    for place in range(week, len(hours) - watch + 1):
        if not any(hour.unusual for hour in hours[place : place + watch]):
            yield place


def outcome(hours: Sequence[Hour], place: int, times: float = 1.0) -> str:
    """``back``, ``asked`` or ``neither``, if the hour at *place* is the first of a release with *times* the crashes."""
    at = hours[place].end - HOUR
    week, watch = hours[place - HISTORY // HOUR : place], hours[place : place + WATCHED // HOUR]
    indicator = Indicator(NAME, Kind.RATIO, "bench", "{}")
    rule = Rule(NAME, NAME, Consequence.ROLLBACK, NAME, BeforeAfter(history=HISTORY, ratio=1.5, plus=0.0))
    setting = Setting(0.001, at, WATCHED, WATCHED, {NAME: HOUR}, {NAME: timedelta(0)})
    brief = prepare(RuleSet((indicator,), (rule,)), setting, {NAME: (series(week),)})
    moments = [hour.end for hour in watch]
    for round_ in rounds(brief, {NAME: Recording((series(watch, times),))}, moments, at, at):
        if round_.judgement.outcome is Outcome.BREACHED:
            return "asked" if asks(round_.judgement, at) else "back"
    return "neither"


def series(hours: Sequence[Hour], times: float = 1.0) -> Series:
    """*hours* as a provider would tell them."""
    return Series(
        NAME,
        tuple(Bucket(hour.end - HOUR, hour.end, Counts(hour.crashes * times, RAN)) for hour in hours),
    )


if __name__ == "__main__":
    main()
