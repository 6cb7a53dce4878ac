"""Which deployments are replayed: those that there were, or made-up ones at random times. Deterministic."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from rules.duration import duration_text
from watcher.commands._replay.samples import Samples, UnreadableSamples, moment_of

COLUMNS = ("at", "from", "to", "bad")


@dataclass(frozen=True, slots=True)
class Deployment:
    """One deployment.

    Attributes:
        at: When the new release took traffic (aware UTC).
        to, before: The new and the old release, as the samples call them; empty: not told apart.
        bad: It was a bad one, good, or nobody knows.
        made_up: Nothing was deployed then.
    """

    at: datetime
    to: str = ""
    before: str = ""
    bad: bool | None = None
    made_up: bool = False


def read_deployments(path: Path) -> tuple[Deployment, ...]:
    """The deployments in a CSV file with the columns ``at``, and where known ``from``, ``to`` and ``bad`` (true or false).

    Raises:
        UnreadableSamples: With the line that is wrong.
    """
    try:
        found = tuple(_each(path))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UnreadableSamples(
            f"{path} cannot be read: {error}", remedy="name a CSV file with the columns at, from, to, bad"
        ) from error
    if not found:
        raise UnreadableSamples(f"{path} has no deployment", remedy="write a line each: at,from,to,bad")
    return found


def _each(path: Path) -> Iterator[Deployment]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        unknown = [name for name in rows.fieldnames or () if name not in COLUMNS]
        if unknown:
            raise UnreadableSamples(
                f"{path}:1: unknown column {unknown[0][:30]!r}", remedy=f"known: {', '.join(COLUMNS)}"
            )
        for row in rows:
            if None in row:
                raise UnreadableSamples(
                    f"{path}:{rows.line_num}: {len(rows.fieldnames or ())} columns were expected",
                    remedy="write a comma alone between two values, and as many values as columns",
                )
            try:
                bad = {"": None, "true": True, "false": False}[(row.get("bad") or "").lower()]
                yield Deployment(
                    moment_of("at", row["at"] or ""), row.get("to") or "", row.get("from") or "", bad
                )
            except (KeyError, ValueError) as error:
                words = (
                    error
                    if isinstance(error, ValueError)
                    else "`at` is missing, or `bad` is neither true nor false"
                )
                raise UnreadableSamples(
                    f"{path}:{rows.line_num}: {words}",
                    remedy="write a line such as 2026-11-29T18:00:00Z,v41,v42,false",
                ) from None


def made_up(
    samples: Samples, many: int, lasting: timedelta, history: timedelta, seed: int
) -> tuple[Deployment, ...]:
    """*many* moments at which nothing was deployed, spread at random over what was recorded, oldest first.

    Each has *history* before it and *lasting* after it, if the recording is as long.

    Raises:
        UnreadableSamples: The recording is too short for one.
    """
    first, last = samples.first + history, samples.last - lasting
    if last <= first:
        needed, there = duration_text(history + lasting), duration_text(samples.last - samples.first)
        apart = f"{duration_text(history)} before it, and {duration_text(lasting)} after"
        raise UnreadableSamples(
            f"{there} was recorded, and a deployment needs {needed}: {apart}",
            remedy="record for longer, or say a shorter --at-least or --history",
        )
    chance = Random(seed)  # noqa: S311 - the same for the same seed, and no secret
    grain = max(samples.buckets.values())
    steps = (last - first) // grain
    found = sorted(chance.randint(0, steps) for _ in range(many))
    epoch = datetime.fromtimestamp(0, UTC)
    start = epoch + -(-(first - epoch) // grain) * grain
    return tuple(Deployment(min(start + step * grain, last), bad=False, made_up=True) for step in found)
