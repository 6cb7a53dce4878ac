"""Against the past: acceptable is a rate of at most ratio * (what is usual at this time of day) + plus.

For releases beside which nothing serves. The promise is conditional: it holds if the days before foretell this one, and
whatever else happens meanwhile counts against the release. Hence `rules.gate` replays the rule over the past, and what
began late only asks (`rules.onset`).

What is usual is not known but counted, so the ceiling is the most that the counts allow: a twentieth of the level is
spent on the chance that it was more. Half hours that the watch comes to later get less of it, and higher ceilings.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from math import log

from rules.brief import Case, Margin, Refusal
from rules.evidence import Memory, Process
from rules.model import BeforeAfter
from rules.objectives import slo
from rules.objectives.coverage import Moment
from rules.objectives.dispersion import clump
from rules.objectives.factors import NOTHING, ceiling_at_most
from rules.objectives.history import DAY, SLOTS, Past, Season, Span, slot_of
from rules.objectives.prepared import with_history
from rules.objectives.promise import in_proportions
from rules.objectives.wording import span_words
from rules.sample import Bucket
from rules.verdict import Because, Verdict

SPENT = 0.05  # of the level: that what is usual was more than it can have been
_KEPT = log(1 - SPENT)
_FORETOLD = "if the days before foretell this one"
_LEAST, _MOST = 1e-9, 1 - 1e-9
_HUGE = 1e6  # a rate of events; beyond it nothing can be told
_DAY_OR_NEARLY = 0.8 * DAY  # a provider may have holes


def prepare(case: Case, history: Past) -> Case:
    """Fix the ceilings of the day, and how errors clump; refuse a past that is too short."""
    past = history.since(case_until(history) - judge_of(case).history) if history else history
    case = replace(with_history(case, past), learns=False, margin=_margin(case))
    case = replace(case, assumes=", and ".join(each for each in (_FORETOLD, case.assumes) if each))
    if case.refusal is None and past.lasted < _DAY_OR_NEARLY:
        return replace(case, phi=case.phi or 1.0, refusal=_too_short(past))
    until = case_until(past)
    return at(case, Season(past, until, clump_of(case, past)), until, SLOTS)


def judge_of(case: Case) -> BeforeAfter:
    """The rule's own settings."""
    judge = case.rule.judge
    return judge if isinstance(judge, BeforeAfter) else BeforeAfter()


def case_until(past: Past) -> datetime:
    """When the past ended."""
    return past.spans[-1].end


def clump_of(case: Case, past: Past) -> float:
    """How many errors one cause makes, at most; where any number may have one, what the past shows."""
    return case.phi or clump(past) or 1.0


def _margin(case: Case) -> Margin:
    judge = judge_of(case)
    return Margin(judge.ratio, judge.plus)


def _too_short(past: Past) -> Refusal:
    has = span_words(past.lasted) if past.lasted else "nothing"
    return Refusal(
        Because.SHORT_HISTORY, f"there is too little history to compare with: {has} of at least a day"
    )


def at(case: Case, season: Season, since: datetime, slots: int, without: int | None = None) -> Case:
    """*case* with the ceilings of a watch that opens at *since*, for the next *slots* half hours; *without* one day of the past."""
    first, chance = slot_of(since), SPENT * case.alpha * (case.weight or 1.0) / case.bounds
    ceilings, usual = [_limit(case)] * SLOTS, [0.0] * SLOTS
    for order in range(slots):
        slot = (first + order) % SLOTS
        # In the order in which it comes to them: 1/2, 1/6, 1/12, ...; all together 1.
        part = (order + 1) * (order + 2) if season.by_time_of_day else 1
        most = season.at_most(slot, chance / part, without)
        ceilings[slot] = min(max(case.margin.allows(most), _LEAST), _limit(case))
        requests, bad = season.usual(slot, without)
        usual[slot] = bad / requests if requests > NOTHING else 0.0
    return replace(case, ceilings=tuple(ceilings), usuals=tuple(usual))


def _limit(case: Case) -> float:
    return _MOST if in_proportions(case) else _HUGE


def start(case: Case) -> Memory:
    """Nothing seen; what is spent on the ceilings is spent from the start, lest a group have it twice."""
    return slo.start(case)._replace(process=Process(log_e=_KEPT))


def advance(case: Case, memory: Memory, bucket: Bucket) -> Memory:
    """Weigh one settled bucket against the ceiling of its time of day.

    Source:
        docs/judgement.md, "Against the past".
    """
    middle = bucket.start + (bucket.end - bucket.start) / 2
    after = slo.against(case, _ceiling(case, middle), memory, bucket)
    if after is memory:
        return memory
    return after._replace(process=after.process._replace(log_e=after.process.log_e + _KEPT))


def at_most(case: Case, span: Span) -> float:
    """The most (nats) that `advance` adds to the evidence by a bucket like *span*, computed in a fraction of its time."""
    exact = in_proportions(case)
    bad = min(span.bad, span.requests) if exact else span.bad
    return ceiling_at_most(span.requests, bad, _ceiling(case, span.middle), case.phi, exact=exact)


def then(case: Case, moment: datetime) -> Case:
    """*case* as it stands at a time of day."""
    return replace(case, ceiling=_ceiling(case, moment))


def _ceiling(case: Case, moment: datetime) -> float:
    return case.ceilings[slot_of(moment)] if case.ceilings else _MOST


def verdict(case: Case, memory: Memory, moment: Moment) -> Verdict:
    """What the rule says now."""
    at_ = (memory.newest or moment.now) - min(case.bucket / 2, timedelta(minutes=1))
    return slo.verdict(then(case, at_), memory, moment)
