"""What is said in one tick, by calls and bytes, and how the table tells it."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.figure import Figure


@dataclass(frozen=True, slots=True)
class Tick:
    """What is said in one tick: the bytes of each question, and of each answer."""

    asked: Sequence[int]
    answered: Sequence[int]


def told(kind: str, when: str, size: str, least: int, tick: Tick) -> list[Figure]:
    """Its rows: so many calls of *kind*, of *size*, which could be *least*; and what these say and are answered.

    Raises:
        ValueError: There were fewer than there can be: something was not asked at all.
    """
    if len(tick.asked) < least:
        raise ValueError(f"{len(tick.asked)} calls of {kind} for {size}, which takes at least {least}")
    return [
        Figure(f"calls of {kind} {when}, {size} (at least {least:,})", "calls", [len(tick.asked)]),
        Figure(f"what these say, {size}", "kB", [sum(tick.asked) / 1000]),
        Figure(f"what they are answered, {size}", "kB", [sum(tick.answered) / 1000]),
    ]
