"""Did the data come? Fresh, covered, started: what every judge asks before it says healthy.

Silence is not health: a rule whose data stopped or never came is blind, and says why.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from rules.brief import Case
from rules.evidence import Memory, Trouble
from rules.objectives.wording import span_words
from rules.sample import Bucket
from rules.verdict import Because, Outcome

COVERED = 0.8  # of the buckets of the last `at_least` must have come
STALE_AFTER = 3  # buckets beyond the settle time
_STALE_AT_LEAST = timedelta(minutes=1)  # a lost poll or two of a fast source is no blindness
_LONGEST = 8640  # buckets that "came" looks back: a day of 10 s

_VERBS = {
    Because.NO_DATA: "no data",
    Because.UNAVAILABLE: "cannot be read",
    Because.INVALID: "cannot be judged",
    Because.UNKNOWN: "cannot be judged",
}


@dataclass(frozen=True, slots=True)
class Moment:
    """When a verdict is asked for, and what is known then of the indicator and the watch.

    Attributes:
        since: When the new release began to take traffic; ``None`` before that.
        ends_at: When the watch ends at the latest.
        complete_at: When it had all the traffic that it will get; ``None`` before that.
        trouble: What kept the newest reading from holding counts.
        breached: When the rule breached; ``None`` if it did not.
        against: The logarithm of the evidence that decides: the group's, or the rule's own; ``None`` without a promise.
        share: The rule's part of the group's evidence (0..1); ``None`` outside of it.
    """

    now: datetime
    since: datetime | None
    ends_at: datetime
    trouble: Trouble | None = None
    breached: datetime | None = None
    against: float | None = None
    share: float | None = None
    complete_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a rule stands, without the figures."""

    outcome: Outcome
    because: Because
    words: str


def window(at_least: timedelta, bucket: timedelta) -> int:
    """How many buckets "came" looks back; at least 1."""
    return min(max(ceil(at_least / bucket), 1), _LONGEST)


def marked(case: Case, memory: Memory, bucket: Bucket) -> tuple[datetime, int]:
    """The end of the newest bucket, and the bits of those that came, once *bucket* has come too."""
    if bucket.start == memory.newest and bucket.end - bucket.start == case.bucket:  # as usual
        return bucket.end, (memory.came << 1 | 1) & _mask(case)
    own = (1 << max(1, _lengths(case, bucket.start, bucket.end))) - 1
    if memory.newest is None:
        return bucket.end, own & _mask(case)
    passed = max(1, _lengths(case, memory.newest, bucket.end))
    return bucket.end, (memory.came << passed | own) & _mask(case)


def _lengths(case: Case, start: datetime, end: datetime) -> int:
    """How many buckets long a span is; no more than is looked back."""
    return min(round((end - start) / case.bucket), case.window)


def _mask(case: Case) -> int:
    return (1 << case.window) - 1


def blindness(case: Case, memory: Memory, moment: Moment) -> Standing | None:
    """Why the rule cannot say healthy for want of data; ``None`` if all that should have come came."""
    if case.refusal is not None:
        return Standing(Outcome.BLIND, case.refusal.because, case.refusal.words)
    if moment.trouble is not None and moment.trouble.because is Because.INVALID:
        return _troubled(moment.trouble)
    if moment.since is None:
        return Standing(Outcome.UNDECIDED, Because.NOT_STARTED, "the new release takes no traffic yet")
    return _absence(case, memory, moment, moment.since + case.rule.statistics.warmup)


def _absence(case: Case, memory: Memory, moment: Moment, since: datetime) -> Standing | None:
    late = moment.now - (memory.newest or since)
    if late > case.settle + max(STALE_AFTER * case.bucket, _STALE_AT_LEAST):
        return _troubled(moment.trouble) if moment.trouble else _stale(memory, late)
    if memory.newest is None:
        return Standing(Outcome.UNDECIDED, Because.NOT_STARTED, "no bucket is final yet")
    return _holes(case, memory, moment, since, memory.newest)


def _troubled(trouble: Trouble) -> Standing:
    return Standing(Outcome.BLIND, trouble.because, f"{_VERBS[trouble.because]}: {trouble.words}")


def _stale(memory: Memory, late: timedelta) -> Standing:
    if memory.newest is None:
        return Standing(Outcome.BLIND, Because.NO_DATA, f"no data for {span_words(late)}")
    return Standing(Outcome.BLIND, Because.STALE, f"nothing new for {span_words(late)}")


def _holes(case: Case, memory: Memory, moment: Moment, since: datetime, newest: datetime) -> Standing | None:
    """Counts the buckets that "came" looks back on, whole ones; one may be on its way, or hold the switch."""
    expected = min((moment.now - case.settle - since) // case.bucket, case.window)
    looked_at = max(_lengths(case, since, newest), 0)
    came = (memory.came & ((1 << looked_at) - 1)).bit_count()
    if came >= COVERED * (expected - 1):
        return None
    return Standing(Outcome.BLIND, Because.HOLES, f"only {came} of {expected} buckets came")
