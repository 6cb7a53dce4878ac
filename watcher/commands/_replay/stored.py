"""A watch that a daemon kept, judged once more: the same buckets must give the same numbers, bit for bit."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rules.brief import Brief
from rules.evaluate import Timing, evaluate, start
from rules.evidence import Evidence, UnreadableEvidence, decode_brief, decode_evidence
from rules.sample import Series
from watcher.commands._replay.samples import UnreadableSamples
from watcher.errors import WatcherError
from watcher.store.documents import decode_buckets


@dataclass(frozen=True, slots=True)
class Compared:
    """One rule over one series, as it was and as it is now.

    Attributes:
        key: The rule's id; where a latency has several bounds, with the bound.
        same: Everything that the judge remembers is the same, bit for bit.
        buckets: How many were judged.
    """

    key: str
    same: bool
    buckets: int


@dataclass(frozen=True, slots=True)
class Again:
    """A stored watch, judged again. *breached*: which rules breached, at which bucket, and which are to blame, is the same."""

    watch: str
    rules: tuple[Compared, ...]
    breached: bool

    @property
    def is_same(self) -> bool:
        """Nothing differs."""
        return self.breached and all(rule.same for rule in self.rules)


def judged_again(told: Mapping[str, Any]) -> Again:
    """Judge what ``GET /v1/watches/ID/record`` *told* with the judges of this version.

    Raises:
        UnreadableSamples: Another version wrote it.
    """
    try:
        brief, kept = decode_brief(told["brief"]), decode_evidence(told["evidence"])
        rounds = _rounds(told["series"])
    except (UnreadableEvidence, WatcherError) as error:
        raise UnreadableSamples(
            f"{told['watch']} cannot be read: {error}",
            remedy="run the version of rollbackd that the daemon is of",
        ) from error
    again = _folded(brief, kept, rounds)
    return Again(
        told["watch"],
        tuple(
            Compared(key, again.memories.get(key) == memory, memory.tally.buckets)
            for key, memory in kept.memories.items()
        ),
        (again.breached, again.blamed) == (kept.breached, kept.blamed),
    )


def _folded(brief: Brief, kept: Evidence, rounds: Sequence[Sequence[Series]]) -> Evidence:
    """The evidence of all buckets, round by round: at which of them the rules together breach depends on what had come by then."""
    evidence = start(brief)
    for round_ in rounds:
        readings: dict[str, tuple[Series, ...]] = {}
        for each in _known(kept, round_):
            readings[each.indicator] = (*readings.get(each.indicator, ()), each)
        if not readings:
            continue
        now = max(
            bucket.end + brief.beats[name].settle
            for name, reading in readings.items()
            for each in reading
            for bucket in each.buckets
        )
        evidence = evaluate(brief, evidence, readings, Timing(now, kept.since, kept.since)).evidence
    return evidence


def _known(kept: Evidence, series: Sequence[Series]) -> Iterator[Series]:
    """*series*, up to where the evidence goes: the buckets are read after it, and the daemon may have judged meanwhile."""
    for each in series:
        until = kept.intakes[each.indicator].watermark
        buckets = tuple(bucket for bucket in each.buckets if until is not None and bucket.end <= until)
        if buckets:
            yield Series(each.indicator, buckets, each.bound)


def _rounds(told: Sequence[Mapping[str, Any]]) -> Sequence[Sequence[Series]]:
    """What was judged together: what was saved with one step, in the order of the steps."""
    rounds: dict[int, list[Series]] = {}
    for each in told:
        buckets, begin = decode_buckets(each["buckets"]), 0
        saved = each.get("saved", ())
        if sum(many for _, many in saved) != len(buckets):
            raise UnreadableEvidence(
                "record", f"which buckets of {each['indicator']} were saved together is not told"
            )
        for revision, many in saved:
            part = Series(each["indicator"], buckets[begin : begin + many], each["bound"])
            rounds.setdefault(revision, []).append(part)
            begin += many
    return [rounds[revision] for revision in sorted(rounds)]
