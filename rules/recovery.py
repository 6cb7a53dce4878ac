"""Is it well again? After a rollback the same indicators are looked at by their level, not as evidence against a release.

Both arms are counted together: the known-good release is on its way back, and what people get is what counts. Where they keep what
they have for hours, as pages that are open, what they are given is what counts: then only the known-good release does. The
newest buckets decide, as soon as they tell "acceptable" from "an effect worth seeing".
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import log

from rules.brief import Brief, Case
from rules.combine import ACTING
from rules.model import BurnRate, InState, PercentileRank, Slo, Threshold, TrafficDrop
from rules.objectives import state
from rules.objectives.dispersion import Block
from rules.objectives.estimate import interval
from rules.objectives.history import slot_of
from rules.objectives.percentile_rank import highest, is_high
from rules.objectives.promise import worth_seeing
from rules.objectives.threshold import is_beyond, point
from rules.objectives.wording import count_words, share_words, unit, what_failed
from rules.sample import Bucket, Counts, Series, State, Value
from rules.verdict import Estimate

LEAST = 2  # buckets
_MOST = 10  # buckets; what is older is past
_TELLS = 2.0  # nats, about one in seven: a person looks at it anyway, and more buckets follow
_LEVEL = 0.05  # of the interval that is shown


@dataclass(frozen=True, slots=True)
class Level:
    """How the indicators stand.

    Attributes:
        well: All of them are well; ``None`` if there is too little yet to tell, or nothing to compare with.
        words: The figures of the worst of them.
        estimate: Of the same.
    """

    well: bool | None
    words: str
    estimate: Estimate | None = None


def level(
    brief: Brief, buckets: Sequence[Series], since: datetime, *, lingers: bool = False, beside: bool = True
) -> Level:
    """How the indicators of the rules that act stand now.

    Args:
        brief: Of the watch that was rolled back.
        buckets: All its buckets, those before the rollback too: without a history the baseline then is what is usual.
        since: From when the known-good release serves again; only buckets that start then or later tell.
        lingers: Who has the release that was undone keeps it for long: a page that is open. What is told of it by its name then is of
            those, and says nothing of what people are given since.
        beside: What serves again is what the release was compared with. If not, and it lingers, the pages of neither are what people
            are given since.
    """
    acting = {voice.rule.id: voice.rule for voice in brief.voices if voice.rule.on_breach in ACTING}
    members = {member for rule in acting.values() for member in rule.all_of}
    levels = [
        _level(case, _given(case, found, since, beside=beside) if lingers else found, since)
        for case in brief.cases.values()
        if case.rule.id in acting or case.rule.id in members
        for found in (_of(case, buckets),)
    ]
    known = [each for each in levels if each is not None]
    if not known:
        return Level(None, "there is nothing yet to tell by")
    return min(known, key=lambda each: _RANK[each.well])


_RANK = {False: 0, None: 1, True: 2}


def _of(case: Case, buckets: Sequence[Series]) -> list[Bucket]:
    return sorted(
        (
            bucket
            for series in buckets
            if series.indicator == case.indicator and series.bound == case.bound
            for bucket in series.buckets
        ),
        key=lambda bucket: bucket.start,
    )


def _given(case: Case, buckets: Sequence[Bucket], since: datetime, *, beside: bool) -> list[Bucket]:
    """*buckets*, from *since* on of what serves again alone, where its indicator tells releases apart."""
    return [
        replace(bucket, canary=None, baseline=bucket.baseline if beside else None)
        if case.tells_arms and bucket.start >= since
        else bucket
        for bucket in buckets
    ]


def _level(case: Case, buckets: Sequence[Bucket], since: datetime) -> Level | None:
    newest = [bucket for bucket in buckets if bucket.start >= since][-_MOST:]
    if isinstance(case.rule.judge, Threshold):
        return _of_points(case, case.rule.judge, newest)
    if isinstance(case.rule.judge, PercentileRank):
        return _of_ranks(case, newest) if case.among else None
    if isinstance(case.rule.judge, InState):
        return _of_states(case, buckets, newest)
    return _of_shares(case, buckets, newest, since)


def _of_shares(
    case: Case, buckets: Sequence[Bucket], newest: Sequence[Bucket], since: datetime
) -> Level | None:
    if isinstance(case.rule.judge, TrafficDrop):
        return None  # where one release serves there is nothing to share
    allowed = _allowed(case, [bucket for bucket in buckets if bucket.start < since], since)
    return None if allowed is None else _of_counts(case, [_both(bucket) for bucket in newest], allowed)


def _both(bucket: Bucket) -> Block:
    arms = [arm for arm in (bucket.canary, bucket.baseline) if isinstance(arm, Counts)]
    return sum(arm.total for arm in arms), sum(arm.bad for arm in arms)


def _allowed(case: Case, before: Sequence[Bucket], since: datetime) -> float | None:
    """The worst acceptable share; ``None`` for a comparison that never had anything to compare with."""
    if isinstance(case.rule.judge, (Slo, BurnRate)):
        return case.ceiling
    if case.ceilings:
        return case.ceilings[slot_of(since)]
    beside = [bucket.baseline for bucket in before if isinstance(bucket.baseline, Counts)]
    requests = sum(counts.total for counts in beside)
    usual = sum(counts.bad for counts in beside) / requests if requests > 0 else case.usual
    return None if usual is None else max(case.margin.allows(usual), _LEAST_SHARE)


_LEAST_SHARE = 1e-6


def _of_counts(case: Case, blocks: Sequence[Block], allowed: float) -> Level:
    """By the newest two buckets with traffic, or by more, until they tell."""
    requests, bad, seen, well = 0.0, 0.0, 0, None
    for more, more_bad in reversed(blocks):
        requests, bad, seen = requests + more, bad + more_bad, seen + (more > 0)
        well = _is_well(case, requests, bad, allowed) if seen >= LEAST else None
        if well is not None:
            break
    words = f"{count_words(bad)} of {count_words(requests)} {unit(case)} {what_failed(case)}"
    if requests <= 0:
        return Level(None, words)
    low, high = interval(bad, requests, _LEVEL, case.phi or 1.0)
    share = bad / requests
    words = f"{words} ({share_words(share)}), {share_words(allowed)} is acceptable"
    return Level(well, words, Estimate(share, low, high))


def _is_well(case: Case, requests: float, bad: float, allowed: float) -> bool | None:
    """Not well if more is bad than the acceptable share explains; well if an effect worth seeing would have shown."""
    clump, expected, worth = case.phi or 1.0, requests * allowed, worth_seeing(case, allowed)
    if bad > expected and (bad * log(bad / expected) - (bad - expected)) / clump >= _TELLS:
        return False
    return True if (requests * worth - expected - bad * log(worth / allowed)) / clump >= _TELLS else None


def _of_points(case: Case, judge: Threshold, buckets: Sequence[Bucket]) -> Level:
    points = [
        share for bucket in buckets if (share := point(case, bucket.canary or bucket.baseline)) is not None
    ]
    newest = [is_beyond(judge, share) for share in points[-LEAST:]]
    words = f"{newest.count(True)} of the last {len(newest)} data points beyond the limit"
    estimate = Estimate(points[-1]) if points else None
    if len(newest) < LEAST or len(set(newest)) > 1:
        return Level(None, words, estimate)
    return Level(not newest[0], words, estimate)


def _of_ranks(case: Case, buckets: Sequence[Bucket]) -> Level:
    """By the newest values, as soon as they agree whether they are among the highest of the history."""
    arms = [bucket.canary or bucket.baseline for bucket in buckets]
    values = [arm.x for arm in arms if isinstance(arm, Value)]
    newest = [is_high(case, value) for value in values[-LEAST:]]
    words = f"{newest.count(True)} of the last {len(newest)} values above {highest(case):g}"
    estimate = Estimate(values[-1]) if values else None
    if len(newest) < LEAST or len(set(newest)) > 1:
        return Level(None, words, estimate)
    return Level(not newest[0], words, estimate)


def _of_states(case: Case, buckets: Sequence[Bucket], newest: Sequence[Bucket]) -> Level | None:
    """By the newest readings, as soon as they agree; what was bad before the deployment tells nothing of its undoing.

    Nor does a state of the release that was undone, by its name: an issue that is new with it stays so, whatever serves.
    """
    if case.tells_arms:
        return None
    stood = state.folded(case, buckets).stood
    if stood is not None and stood.before:
        return None
    readings = [bucket.canary for bucket in newest if isinstance(bucket.canary, State)][-LEAST:]
    words = f"the newest state is {readings[-1].name}" if readings else "no state was read yet"
    if len(readings) < LEAST or len({reading.bad for reading in readings}) > 1:
        return Level(None, words)
    return Level(not readings[-1].bad, words)
