"""What is said in one tick, by calls and bytes, and how the table tells it."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.figure import Figure


@dataclass(frozen=True, slots=True)
class Tick:
    """What is said in one tick: the bytes of each question, and of each answer; ``None``: nobody gives one that can be used."""

    asked: Sequence[int]
    answered: Sequence[int] | None = None


def told(kind: str, when: str, size: str, least: int, tick: Tick) -> list[Figure]:
    """Its rows: so many calls of *kind*, of *size*, which could be *least*; and what these say and are answered.

    Raises:
        ValueError: There were fewer than there can be: something was not asked at all.
    """
    if len(tick.asked) < least:
        raise ValueError(f"{len(tick.asked)} calls of {kind} for {size}, which takes at least {least}")
    rows = [
        Figure(f"calls of {kind} {when}, {size} (at least {least:,})", "calls", [len(tick.asked)]),
        Figure(f"what these say, {size}", "kB", [sum(tick.asked) / 1000]),
    ]
    if tick.answered is not None:
        rows.append(Figure(f"what they are answered, {size}", "kB", [sum(tick.answered) / 1000]))
    return rows
