"""Warming up: what a release has to show before it is given its first traffic, and how far it is.

The answers are those of a probe that a rule looks at too, read as it reads them. A round is good if so many instances of the
release have answered in it as have to, and every answer was good: in time, and of the right version, as the probe says.
"""

from dataclasses import replace
from datetime import datetime

from rules.sample import Bucket, Counts, Reading
from watcher.core.service import WarmUp
from watcher.core.watch import AtStage, Warmth, Watch


def is_warm(at: AtStage, need: WarmUp) -> bool:
    """It has answered well for long enough; or nobody is asked but its platform, which says so when it is to be moved."""
    return need.probe is None or at.warmth.good >= need.answers


def warming_since(watch: Watch, indicator: str) -> datetime | None:
    """From when on the probe *indicator* is read to warm up the release; ``None``: it is not."""
    need, at = watch.policy.rollout.warm_up, watch.at
    if need is None or need.probe != indicator or at is None or not at.is_before:
        return None
    return at.warmth.until or at.since


def warmed(watch: Watch, answers: Reading | None) -> AtStage | None:
    """Where *watch* stands, with what its probe has answered since.

    Args:
        watch: Any; only one that stands before its first stage is warmed up.
        answers: Of the probe; ``None``: nothing new is due. Where it says anything but counts the row is broken: silence is not
            warmth.
    """
    need, at = watch.policy.rollout.warm_up, watch.at
    if need is None or at is None or not at.is_before or answers is None:
        return at
    if not isinstance(answers, tuple):
        return replace(at, warmth=replace(at.warmth, good=0, words=answers.words))
    seen = at.warmth
    for bucket in sorted((each for series in answers for each in series.buckets), key=lambda each: each.end):
        seen = _grown(seen, bucket, need, at.since)
    return replace(at, warmth=seen)


def _grown(seen: Warmth, bucket: Bucket, need: WarmUp, since: datetime) -> Warmth:
    """*seen*, with one round more. A hole in between breaks the row: what was in it nobody knows."""
    if bucket.start < since or (seen.until is not None and bucket.end <= seen.until):
        return seen
    words = _wrong(bucket, need)
    follows_on = seen.until is None or bucket.start == seen.until
    good = 0 if words else (seen.good if follows_on else 0) + 1
    return Warmth(good, bucket.end, words)


def _wrong(bucket: Bucket, need: WarmUp) -> str:
    """Why a round is not good; empty if it is."""
    counts = bucket.canary
    if not isinstance(counts, Counts) or counts.total < need.instances:
        total = int(counts.total) if isinstance(counts, Counts) else 0
        return f"{total} of {need.instances} instances answered as this release"
    return f"{int(counts.bad)} of {int(counts.total)} answers were bad" if counts.bad else ""
