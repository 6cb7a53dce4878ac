"""Was it so before the release came? Then it is not the release's doing, and a rule that looks at it alone only asks.

Whoever deploys into an outage, a hotfix above all, would else be rolled back for it. What is looked at is the end of the past,
when a release served that was well: buckets just before the deployment, judged as those after it will be.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from math import ceil, exp, inf, log

from rules.brief import Case, Spell
from rules.evidence import Memory
from rules.model import BeforeAfter, BurnRate, Slo, Threshold
from rules.objectives import before_after, threshold
from rules.objectives.eprocess import cap
from rules.objectives.factors import NOTHING
from rules.objectives.history import SLOT, Past, Season, Span
from rules.objectives.registry import judge_of
from rules.objectives.wording import span_words
from rules.sample import Bucket, Counts, Value

LOOKED_BACK = timedelta(minutes=15)  # or `_LEAST` buckets, whichever is longer
_LEAST = 4
# News of a deployment may be late: the release may have served before it was heard of, and would excuse itself.
_LATE = timedelta(minutes=5)
_LEVEL = 0.01  # of saying so by chance, as a control's: it only makes a question of a rollback
_LONG = timedelta(hours=1)
_IN_SHORT = 5  # pieces of a short window: hours of buckets of seconds would be a second's work


def asked_about(case: Case, past: Past, suspects: Sequence[Spell] = ()) -> Case:
    """*case*, and why it only asks, if what it looks at was bad already; *past* is without *suspects*."""
    if case.refusal is not None:
        return case
    before = _before(past, _reaches_back(case))
    if len(before) < case.rule.statistics.min_buckets or _is_hidden(past, suspects):
        return case
    words = _bad_before(case, past, before)
    return replace(case, only_asks=f"it was so before: {words} before the deployment") if words else case


def _reaches_back(case: Case) -> timedelta:
    """How much of the past the judge needs, to say at its end how it is."""
    match case.rule.judge:
        case Threshold(of=points):
            return _recently(case) + points * case.bucket
        case BurnRate(windows=windows):
            return _recently(case) + max((each.long for each in windows), default=timedelta(0))
        case _:
            return LOOKED_BACK


def _bad_before(case: Case, past: Past, before: Sequence[Span]) -> str:
    """What it was like, in words; empty where it was well, or where the judge compares what serves at the same time."""
    match case.rule.judge:
        case BeforeAfter() | Slo():
            then = _foretold(case, past, before)
            return _counted(before) if _is_bad(then, before) and not _is_over(then, before) else ""
        case Threshold():
            memory = _last_breach(case, before)
            return "" if memory is None else threshold.told(case, memory)
        case BurnRate(windows=windows):
            fine = min((each.short for each in windows), default=case.bucket) / _IN_SHORT
            coarse = Past(tuple(before)).coarse(max(fine, case.bucket)).spans
            return "" if _last_breach(case, coarse) is None else _counted(before)
        case _:
            return ""


def _counted(before: Sequence[Span]) -> str:
    requests, bad = sum(span.requests for span in before), sum(span.bad for span in before)
    return f"{bad:,.0f} of {requests:,.0f} in {span_words(before[-1].end - before[0].start)}"


def _last_breach(case: Case, before: Sequence[Span]) -> Memory | None:
    """How it stood when a judge that is all or nothing was last beyond its limit, if that was lately."""
    judge, since, found = judge_of(case), before[-1].end - _recently(case), None
    memory = judge.start(case)
    for span in before:
        memory = judge.advance(case, memory, _bucket(span))
        if span.end > since and memory.process.log_e == inf:
            found = memory
    return found


def _recently(case: Case) -> timedelta:
    """An outage is not over as soon as that: it flaps, and as many data points as decide may still hold it."""
    points = case.rule.judge.of if isinstance(case.rule.judge, Threshold) else 1
    return max(_LATE, points * case.bucket)


def _before(past: Past, reaches_back: timedelta) -> Sequence[Span]:
    """The end of the past, oldest first, without what a late announcement may have put there."""
    if not past.spans:
        return ()
    heard = past.spans[-1].end
    known = [span for span in past.spans if span.middle <= heard - _LATE]
    if not known:
        return ()
    until = known[-1].end
    length = max(span.end - span.start for span in known[-_LEAST:])
    since = until - max(LOOKED_BACK, reaches_back, _LEAST * length)
    return [span for span in known if span.start >= since]


def _is_hidden(past: Past, suspects: Sequence[Spell]) -> bool:
    """What served last is suspected itself, and served for so long that what was before it says nothing of now."""
    return any(until is not None and until > past.spans[-1].end + _LONG for _, until in suspects)


def _is_bad(case: Case, before: Sequence[Span]) -> bool:
    """The mean, over all moments at which it may have begun, of the evidence at the end."""
    one_is_enough = cap(case.alpha, case.weight or 1.0, 1)  # for a question, where a rollback waits for more
    case = replace(case, cap=one_is_enough)
    evidence = [_evidence(case, before[place:]) for place in range(len(before))]
    return sum(evidence) / len(evidence) >= 1 / _LEVEL


def _is_over(case: Case, before: Sequence[Span]) -> bool:
    """It was well again: by evidence of 1 in 100 against its being as bad to the end as it was on the whole.

    Looked for from the end backwards. Where only few requests come, `_is_bad` alone would not forget; less than `_LATE` is
    not enough, for outages flap.
    """
    requests, evidence = sum(span.requests for span in before), 0.0
    worst = sum(span.bad for span in before) / max(requests, NOTHING)
    for span in reversed(before):
        allowed = min(_allowed(case, span), worst)
        clump = case.phi or max(1.0, span.requests * worst)  # errors of any number may have one cause
        evidence += (span.requests * (worst - allowed) - span.bad * log(worst / allowed)) / clump
        if evidence >= log(1 / _LEVEL) and before[-1].end - span.start >= _LATE:
            return True
    return False


def _allowed(case: Case, span: Span) -> float:
    """The most that is acceptable in *span*."""
    return (before_after.then(case, span.middle) if case.ceilings else case).ceiling or inf


def _foretold(case: Case, past: Past, before: Sequence[Span]) -> Case:
    """*case*, at the time of *before*, by what was usual without it."""
    if not isinstance(case.rule.judge, BeforeAfter):
        return case
    since, until = before[0].start, before_after.case_until(past)
    past = past.since(until - before_after.judge_of(case).history)
    slots = ceil((before[-1].end - since) / SLOT) + 1
    clump = before_after.clump_of(case, past)
    season = Season(past, until, clump)
    if season.by_time_of_day:
        return before_after.at(case, season, since, slots, without=_day(until, before[-1]))
    rest = Past(tuple(span for span in past.spans if span.end <= since))
    return before_after.at(case, Season(rest, until, clump), since, slots)


def _day(until: datetime, span: Span) -> int:
    return (until - span.end) // timedelta(days=1)


def _evidence(case: Case, spans: Sequence[Span]) -> float:
    """E at the end of *spans*, bounded where a float ends."""
    judge = judge_of(case)
    memory = judge.start(case)
    for span in spans:
        memory = judge.advance(case, memory, _bucket(span))
    return exp(min(memory.process.log_e, 700.0))


def _bucket(span: Span) -> Bucket:
    measure = Counts(span.bad, span.requests) if span.value is None else Value(span.value)
    return Bucket(span.start, span.end, measure)
