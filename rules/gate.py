"""May a rule that compares with the past act alone? It is replayed over that past, at moments at which nothing was deployed.

The days but one foretell that one, in windows that do not overlap, each day's a little later than the day's before. More
wrong rollbacks than the level allows, and the rule says so and only asks: what it takes for granted does not hold here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from math import ceil, log

from rules.brief import Case
from rules.model import BeforeAfter
from rules.objectives import before_after
from rules.objectives.eprocess import cap
from rules.objectives.history import DAY, SLOT, Past, Season, Span
from rules.objectives.wording import span_words
from rules.onset import Came, came_of, onset_of
from rules.sample import Bucket, Counts

COARSE = timedelta(minutes=5)  # a week of these is replayed in a tenth of a second
SHORTEST, LONGEST = timedelta(minutes=30), timedelta(hours=2)  # of a window
_LEAST_BUCKETS = 6  # of a window
_SLACK = 1e-6  # nats: more than sums differ by rounding


@dataclass(frozen=True, slots=True)
class Replayed:
    """In how many windows of the past the rule was tried, and in how many it would have rolled back."""

    windows: int
    wrong: int

    def holds(self, alpha: float) -> bool:
        """No more wrong rollbacks than the level explains; none at all was tried: it does not."""
        return self.windows > 0 and self.wrong <= self.windows * alpha


def gated(case: Case, past: Past) -> Case:
    """*case*, and why it only asks, if the past says so."""
    if not isinstance(case.rule.judge, BeforeAfter) or case.refusal is not None or case.only_asks:
        return case
    past = past.since(before_after.case_until(past) - case.rule.judge.history)
    replayed = replay(case, past)
    if replayed.holds(case.alpha):
        return case
    when = f"at {replayed.windows} moments of the {span_words(past.lasted)} before, without a deployment"
    words = f"replayed {when}, it would have rolled back {replayed.wrong} times"
    return replace(case, only_asks=words)


def replay(case: Case, past: Past) -> Replayed:
    """Try the rule over its own past."""
    coarse = past.coarse(max(COARSE, case.bucket))
    season = Season(coarse, before_after.case_until(past), before_after.clump_of(case, past))
    length = max(span.end - span.start for span in coarse.spans)
    steps = max(ceil(min(max(case.window * case.bucket, SHORTEST), LONGEST) / length), _LEAST_BUCKETS)
    buckets = max(
        1, ceil(case.rule.statistics.min_buckets * case.bucket / length)
    )  # two of a minute are in one of five
    case = replace(case, bucket=length, cap=cap(case.alpha, case.weight or 1.0, buckets))
    verdicts = [_rolls_back(case, season, coarse, window) for window in _windows(coarse, steps)]
    return Replayed(len(verdicts), sum(verdicts))


@dataclass(frozen=True, slots=True)
class _Window:
    """Spans of one day of the past; *day* is counted back from its end."""

    day: int
    spans: Sequence[Span]


def _windows(past: Past, steps: int) -> Iterator[_Window]:
    until = before_after.case_until(past)
    days: dict[int, list[Span]] = {}
    for span in past.spans:
        days.setdefault((until - span.end) // DAY, []).append(span)
    for day, spans in days.items():
        for first in range(day % steps, len(spans) - steps + 1, steps):
            yield _Window(day, spans[first : first + steps])


def _rolls_back(case: Case, season: Season, past: Past, window: _Window) -> bool:
    """The rule, from the first span of the window on."""
    since = window.spans[0].start
    slots = ceil((window.spans[-1].end - since) / SLOT) + 1
    if season.by_time_of_day:
        case = before_after.at(case, season, since, slots, without=window.day)
    else:
        others = Past(tuple(span for span in past.spans if not _near(span, window)))
        rest = Season(others, before_after.case_until(past), before_after.clump_of(case, past))
        case = before_after.at(case, rest, since, slots)
    return _is_wrong(case, window.spans)


def _near(span: Span, window: _Window) -> bool:
    return window.spans[0].start <= span.start < window.spans[-1].end


def _bucket(span: Span) -> Bucket:
    return Bucket(span.start, span.end, Counts(span.bad, span.requests))


def _is_wrong(case: Case, spans: Sequence[Span]) -> bool:
    """It breaches, and would not only ask because it began late."""
    enough = log(1 / (case.alpha * (case.weight or 1.0)))
    if sum(before_after.at_most(case, span) for span in spans) < enough - _SLACK:
        return False  # nearly always
    memory, buckets = before_after.start(case), [_bucket(span) for span in spans]
    for place, bucket in enumerate(buckets, start=1):
        memory = before_after.advance(case, memory, bucket)
        if memory.process.log_e >= enough:
            began = onset_of([case], {case.key: buckets[:place]})
            return began is None or came_of(began, buckets[0].start) is Came.AT_ONCE
    return False
