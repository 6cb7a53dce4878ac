"""What judges made of seeded streams once, they make of them now, bit for bit.

A watch that is open while the daemon is upgraded goes on with its evidence, and ``rollbackd replay`` shows of a stored watch what
was seen then. So a change that is only to be faster changes no figure; one that is meant to writes `PINS` anew:

    python -m tests.rules.test_to_the_bit
"""

import json
import struct
from collections.abc import Iterable, Iterator
from hashlib import sha256
from math import exp, isfinite, lgamma, log, log1p
from pathlib import Path

import pytest

from rules.evidence import Memory
from rules.verdict import Judgement
from tests.rules.streams import FORMS, a_stream

PINS = Path(__file__).with_name("to_the_bit.json")
SEEDS = range(8)
NEARLY = 1e-9  # where another library of mathematics rounds otherwise


def mathematics() -> str:
    """How ``log``, ``exp`` and ``sum`` round here: the last bits are those of the C library, and of the version of Python."""
    numbers = [number / 97 for number in range(1, 2000)]
    return digest([*map(log, numbers), *map(exp, numbers), sum(numbers), *map(lgamma, numbers)])


def digest(figures: Iterable[float]) -> str:
    """Of all bits."""
    return sha256(b"".join(struct.pack(">d", each) for each in figures)).hexdigest()[:16]


def figures_of(form: str, seed: int) -> Iterator[float]:
    """All figures of all verdicts of a stream, and what is remembered at its end."""
    watch, buckets = a_stream(form, seed)
    for bucket, readings in buckets:
        yield from said(watch.reads(bucket.end, **readings))
    for key in sorted(watch.evidence.memories):
        yield from remembered(watch.evidence.memories[key])


def said(judgement: Judgement) -> Iterator[float]:
    for verdict in judgement.verdicts:
        yield float(list(type(verdict.outcome)).index(verdict.outcome))
        yield from (
            each for each in (verdict.log10_e, verdict.share, verdict.seen.wanted) if each is not None
        )
        if verdict.estimate is not None:
            bounds = (verdict.estimate.low, verdict.estimate.high)
            yield from (verdict.estimate.value, *(each for each in bounds if each is not None))
        if verdict.can_see is not None:
            yield verdict.can_see.level


def remembered(memory: Memory) -> Iterator[float]:
    yield from (memory.process.log_e, memory.process.information, *memory.process.weights)
    yield from (*memory.guess, *memory.proof, memory.tally.requests, memory.tally.bad)


def written() -> dict[str, object]:
    """What is pinned: a digest of each stream, and one figure of them all for where mathematics rounds otherwise."""
    streams = {}
    for form in FORMS:
        for seed in SEEDS:
            figures = list(figures_of(form, seed))
            streams[f"{form} {seed}"] = [digest(figures), len(figures), sum_of(figures)]
    return {"mathematics": mathematics(), "streams": streams}


def sum_of(figures: Iterable[float]) -> float:
    """One figure in which each of them counts, the large and the small; but for those that are not finite."""
    return sum(log1p(abs(each)) for each in figures if isfinite(each))


PINNED = json.loads(PINS.read_text(encoding="utf-8")) if PINS.exists() else {"streams": {}}


@pytest.mark.parametrize("form", FORMS)
def test_no_figure_of_a_stream_changes_by_a_bit(form):
    for seed in SEEDS:
        pin, many, total = PINNED["streams"][f"{form} {seed}"]

        figures = list(figures_of(form, seed))

        assert len(figures) == many
        assert sum_of(figures) == pytest.approx(total, rel=NEARLY)
        if mathematics() == PINNED["mathematics"]:
            assert digest(figures) == pin


def test_the_streams_hold_what_judges_say():
    """Breaches and health, in every form that can have both; else the pins would hold nothing still."""
    for form in FORMS:
        outcomes = set()
        for seed in SEEDS:
            watch, buckets = a_stream(form, seed)
            for bucket, readings in buckets:
                outcomes |= {each.outcome for each in watch.reads(bucket.end, **readings).verdicts}
        assert len(outcomes) >= 3, form


if __name__ == "__main__":
    PINS.write_text(json.dumps(written(), indent=0) + "\n", encoding="utf-8")
