"""What a watch will be able to see, said in advance: how soon some effects would be found, and the smallest that would be.

What a bucket of the traffic adds for each effect of the grid follows from the judges' own factors and the counts that are
to be expected. With the prior over effects and the weight of "it broke at the deployment" that gives the number of buckets
until the evidence is enough; the cap gives the least. It is the time for an effect that was there from the switch on.

Deliberately absent: chance. Half of the time it takes longer; the tests hold the time against the median of the judges.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil, comb, exp, expm1, inf, log, sqrt
from operator import mul

from rules.assemble import increments
from rules.brief import Beat, Brief, Case
from rules.combine import ACTING
from rules.evidence import Evidence, Memory
from rules.model import COMPARES, PROMISES, BeforeAfter, Kind, TrafficDrop
from rules.objectives import before_after
from rules.objectives.canary_vs_baseline import GONE_AFTER, WAITS_AT_MOST
from rules.objectives.eprocess import FIRST, PRIOR
from rules.objectives.factors import (
    NOTHING,
    Pair,
    ceiling_counts,
    ceiling_proportions,
    compared_counts,
    compared_proportions,
)
from rules.objectives.history import DAY, slot_of
from rules.objectives.promise import clump_of, in_proportions, worth_seeing
from rules.objectives.wording import unit
from rules.sample import Counts, Reading, Series

ASSUMED = 0.1  # of the traffic goes to the new release, where nobody says how much does
_TIMES = (2.0, 5.0, 10.0)  # what is usual
_LEVELS = (0.01, 0.05, 1.0)  # of the requests; the last is a release that does nothing right
_APART = 1.25  # times; rungs that are closer say the same
_HALVINGS = 9  # of the logarithm of a level: to some per cent of it
_LEAST, _MOST = 1e-6, 0.999  # a foretold share is never none or all
_FAR = 100.0  # times the worst acceptable rate of events: no event has a largest rate
_MANY = 20  # errors; from here on it hardly matters whose each is
_ROUNDING = 1e-9


class Source(StrEnum):
    """Where traffic is known from."""

    SEEN = "seen"  # the watch saw it
    PAST = "past"  # the history had it, on average
    AT_LEAST = "at least"  # the history had so much, and may have had holes


@dataclass(frozen=True, slots=True)
class Flow:
    """The traffic of one case.

    Attributes:
        mine: Requests a second of the release under watch.
        beside: Requests a second of what serves beside it; 0 where that is not looked at.
        usual: The share of bad (a rate, of events) without the effect.
        phi: The largest number of errors that one cause is held to make; ``None``: any number.
        due: The share of the traffic that is due to the release (0..1).
        assumed: Nobody said which share; `ASSUMED` is meant.
        source: Where it is known from.
    """

    mine: float
    beside: float
    usual: float
    phi: float | None
    due: float = 1.0
    assumed: bool = False
    source: Source = Source.SEEN


@dataclass(frozen=True, slots=True)
class Rung:
    """An effect, and how long after the switch (or from now on) it is found; ``None``: not in this watch."""

    level: float
    within: timedelta | None


@dataclass(frozen=True, slots=True)
class Foresight:
    """What one series of a rule can see.

    Attributes:
        rule: The rule's id.
        name: The rule's name.
        kind: Of the indicator.
        unit: What is counted: ``requests``, ``probes``.
        bound: Of a latency, in seconds.
        flow: The traffic that it rests on.
        rungs: Some effects, the smallest first. Levels are shares of bad; of ``traffic_drop`` the part of its traffic that
            the release loses.
        least: The smallest that is found by the end of the shortest bake; ``None``: nothing is, or that is over.
        most: The smallest that is found in the longest.
        allowed: The worst acceptable.
        worth: What a healthy rule must have been able to see (`must_have_seen`, or twice the acceptable).
        useful: It can: *worth* is found in this watch.
        soon: What remains of the shortest bake.
        rest: What remains of the longest.
    """

    rule: str
    name: str
    kind: Kind
    unit: str
    bound: float | None
    flow: Flow
    rungs: tuple[Rung, ...]
    least: float | None
    most: float | None
    allowed: float
    worth: float
    useful: bool
    soon: timedelta
    rest: timedelta


# -------------------------------------------------------------------------------------------------------- the traffic


def rates(brief: Brief, histories: Mapping[str, Reading]) -> dict[str, float]:
    """Requests a second of the service in the history of each case, while there were any: holes are left out."""
    series = {
        (name, each.bound): each
        for name, reading in histories.items()
        if isinstance(reading, tuple) and name in brief.beats
        for each in reading
    }
    found = {of: _rate(brief.beats[of[0]], each) for of, each in series.items()}
    keyed = {case.key: found.get((case.indicator, case.bound), 0.0) for case in brief.cases.values()}
    return {key: rate for key, rate in keyed.items() if rate > 0}


def _rate(beat: Beat, series: Series) -> float:
    requests, seconds = 0.0, 0.0
    # What is no counter is only added up: a day of 10 s buckets is looked at while the watch waits.
    for bucket in increments(beat, series) if series.cumulative else series.buckets:
        arms = (bucket.canary, bucket.baseline)
        total = sum([arm.total for arm in arms if isinstance(arm, Counts)])
        if 0 < total < inf:
            requests += total
            seconds += (bucket.end - bucket.start).total_seconds()
    return requests / seconds if seconds > 0 else 0.0


def by_the_past(
    brief: Brief, share: float | None, measured: Mapping[str, float] | None = None
) -> dict[str, Flow]:
    """The traffic of each case as the history had it, on average; a case without a history is not in it.

    Args:
        brief: Fixed when the watch opened.
        share: Of the traffic that the release gets (0..1); ``None``: nobody knows.
        measured: See `rates`. Where that is not known, the counts are taken for those of all the time that was asked for:
            if less was recorded there is more traffic than that, and what is foretold is found earlier.
    """
    return {
        case.key: _foretold(brief, case, share, (measured or {}).get(case.key))
        for case in brief.cases.values()
        if case.usual is not None and case.usual_total > 0 and not (_judge(case) in COMPARES and share == 1)
    }


def _foretold(brief: Brief, case: Case, share: float | None, measured: float | None) -> Flow:
    second = measured or case.usual_total / _looked_back(brief, case).total_seconds()
    usual, source = _usual(case, brief.opened_at), Source.AT_LEAST if measured is None else Source.PAST
    if _judge(case) in COMPARES:
        due = ASSUMED if share is None else share
        return Flow(second * due, second * (1 - due), usual, case.phi, due, share is None, source)
    due = share if share is not None and case.tells_arms else 1.0
    return Flow(second * due, 0.0, usual, case.phi, due, source=source)


def _looked_back(brief: Brief, case: Case) -> timedelta:
    """How far back the history of *case* goes: as far as its judge looks; where it does not say, as far as another made it be asked for."""
    if isinstance(case.rule.judge, BeforeAfter):
        return case.rule.judge.history
    beside = [other.rule.judge for other in brief.cases.values() if other.indicator == case.indicator]
    return max([DAY, *(judge.history for judge in beside if isinstance(judge, BeforeAfter))])


def by_what_was_seen(brief: Brief, evidence: Evidence, now: datetime) -> dict[str, Flow]:
    """The traffic of each case as the watch has seen it so far; a case that has seen nothing, or has nothing beside it any more, is not in it."""
    return {
        key: _seen(brief.cases[key], memory, now)
        for key, memory in evidence.memories.items()
        if memory.tally.requests > NOTHING and _goes_on(brief.cases[key], memory)
    }


def _goes_on(case: Case, memory: Memory) -> bool:
    """It is looked at still: what compares has something beside it, and has had lately."""
    if memory.tally.buckets == 0 or _judge(case) not in COMPARES:
        return memory.tally.buckets > 0
    alone = memory.alone
    return memory.tally.beside_requests > NOTHING and (
        alone is None or alone.until - alone.since < GONE_AFTER
    )


def _seen(case: Case, memory: Memory, now: datetime) -> Flow:
    tally, seconds = memory.tally, memory.tally.buckets * case.bucket.total_seconds()
    usual = _usual(case, now)
    requests = tally.requests + tally.beside_requests
    due = memory.guess[0] / requests if isinstance(case.rule.judge, TrafficDrop) else 1.0
    if _judge(case) in COMPARES:
        usual = tally.beside_bad / tally.beside_requests
    return Flow(tally.requests / seconds, tally.beside_requests / seconds, usual, clump_of(case, memory), due)


def _usual(case: Case, at: datetime) -> float:
    if case.usuals:
        return case.usuals[slot_of(at)]
    return case.usual or 0.0


def _judge(case: Case) -> str:
    return case.rule.judge.kind if case.rule.judge else ""


# ------------------------------------------------------------------------------------------------------ what it can see


def foresee(
    brief: Brief,
    flows: Mapping[str, Flow],
    at: datetime,
    least: timedelta,
    most: timedelta,
) -> tuple[Foresight, ...]:
    """What the rules that can act will see, in the order of the rules.

    Args:
        brief: Fixed when the watch opened.
        flows: The traffic, by case; one that is not there is not spoken of.
        at: From when on, UTC: acceptable may depend on the time of day.
        least: What remains of the shortest bake.
        most: What remains of the watch.

    Returns:
        One for each case with a promise that can be judged at all, and whose rule acts (or is part of one that does).
    """
    return tuple(
        Outlook(case, flows[case.key], at).sees(least, most)
        for case in acting(brief)
        if case.key in flows and _is_weighed(case)
    )


def acting(brief: Brief) -> list[Case]:
    """The cases of the rules that act, or are part of one that does, in the order of the rules."""
    act = {voice.rule.id for voice in brief.voices if voice.rule.on_breach in ACTING}
    heard = [voice for voice in brief.voices if voice.rule.id in act or voice.part_of in act]
    return [brief.cases[key] for voice in heard for key in voice.keys]


def _is_weighed(case: Case) -> bool:
    """It can be judged at all, with a promise. Where all requests may be sent one way together, nothing is foretold."""
    robust = isinstance(case.rule.judge, TrafficDrop) and case.phi is None
    return case.refusal is None and _judge(case) in PROMISES and not robust


class Outlook:
    """One case with its traffic, at one time of the day."""

    def __init__(self, case: Case, flow: Flow, at: datetime) -> None:
        self.case, self.flow = case, flow
        self.allowed = _allowed(case, flow, at)
        self.needed = log(case.bounds / (case.alpha * (case.weight or 1.0)))
        if case.ceilings:
            self.needed -= log(1 - before_after.SPENT)
        self.joined = _joined(case, flow)

    def sees(self, least: timedelta, most: timedelta) -> Foresight:
        """All of it, with what remains of the shortest bake and of the longest."""
        case, worth = self.case, self.worth
        return Foresight(
            rule=case.rule.id,
            name=case.rule.name,
            kind=case.kind,
            unit=unit(case),
            bound=case.bound,
            flow=self.flow,
            rungs=tuple(Rung(level, self.delay(level, most)) for level in self.levels()),
            least=self.smallest(least),
            most=self.smallest(most),
            allowed=self.allowed,
            worth=worth,
            useful=self.delay(worth, most) is not None,
            soon=least,
            rest=most,
        )

    @property
    def worth(self) -> float:
        """What a healthy rule must have been able to see."""
        if isinstance(self.case.rule.judge, TrafficDrop):
            return (1 + self.allowed) / 2
        return worth_seeing(self.case, self.allowed)

    def levels(self) -> list[float]:
        """The rungs of the ladder: worse than acceptable, and apart from each other."""
        wanted = [*_LEVELS, self.worth, *(times * self.flow.usual for times in _TIMES)]
        found: list[float] = []
        for level in sorted(wanted):
            if self.allowed < level <= self.worst and (not found or level >= _APART * found[-1]):
                found.append(level)
        return found

    @property
    def worst(self) -> float:
        """The largest level there is."""
        return max(1.0, _FAR * self.allowed) if self.case.kind is Kind.EVENTS else 1.0

    def smallest(self, within: timedelta) -> float | None:
        """The smallest level that is found in this time; ``None`` if the largest is not."""
        low, high = max(self.allowed, _LEAST), self.worst
        if self.delay(high, within) is None:
            return None
        for _ in range(_HALVINGS):
            level = sqrt(low * high)
            if self.delay(level, within) is None:
                low = level
            else:
                high = level
        return high

    def delay(self, level: float, within: timedelta) -> timedelta | None:
        """From the first whole bucket until the one that tells is final; ``None`` if that takes longer than *within*."""
        case, before = self.case, self.case.settle + self.case.rule.statistics.warmup
        if self.joined is None:
            return None
        most = int((within - before) / (self.joined * case.bucket) + _ROUNDING)
        buckets = needs(self.adds(level), self.needed, case.cap, most)
        return None if buckets is None else before + buckets * self.joined * case.bucket

    def adds(self, level: float) -> list[float]:
        """What a bucket is expected to add for each effect of the grid. A bucket without any error counts as what it is."""
        seconds = (self.joined or 1) * self.case.bucket.total_seconds()
        mine, beside = self.flow.mine * seconds, self.flow.beside * seconds
        if isinstance(self.case.rule.judge, TrafficDrop):
            elsewhere = (mine + beside) * (1 - self.flow.due * (1 - level))
            ceiling = 1 - (1 - self.allowed) * self.flow.due
            return ceiling_proportions(mine + beside, elsewhere, ceiling, self.flow.phi or 1.0)
        pair = Pair(mine, mine * level, beside, beside * self.flow.usual)
        some = -expm1(-pair.bad - pair.beside_bad)  # the chance of an error, were errors independent
        erring = pair._replace(bad=pair.bad / some, beside_bad=pair.beside_bad / some)
        with_, without = self._of_some(erring), self._of(pair._replace(bad=0.0, beside_bad=0.0))
        return [some * each + (1 - some) * none for each, none in zip(with_, without, strict=True)]

    def _of_some(self, pair: Pair) -> list[float]:
        """The same of a bucket with errors. Where they count as one, it matters whose few are: the mean over who has them."""
        errors = round(pair.bad + pair.beside_bad)
        if self.flow.phi is not None or pair.beside_requests <= 0 or errors > _MANY:
            return self._of(pair)
        mine = pair.bad / (pair.bad + pair.beside_bad)
        chances = [comb(errors, bad) * mine**bad * (1 - mine) ** (errors - bad) for bad in range(errors + 1)]
        told = [
            self._of(pair._replace(bad=float(bad), beside_bad=float(errors - bad)))
            for bad in range(errors + 1)
        ]
        return [sum(map(mul, chances, each)) for each in zip(*told, strict=True)]

    def _of(self, pair: Pair) -> list[float]:
        """The increments of a bucket with these counts, as the judge of the case takes them."""
        case, phi, exact = self.case, self.flow.phi, in_proportions(self.case)
        if exact:
            pair = pair._replace(
                bad=min(pair.bad, pair.requests), beside_bad=min(pair.beside_bad, pair.beside_requests)
            )
        if _judge(case) not in COMPARES:
            form = ceiling_proportions if exact else ceiling_counts
            return form(pair.requests, pair.bad, self.allowed, phi)
        if exact:
            guess = min(max(self.flow.usual, _LEAST), _MOST)
            return compared_proportions(pair, case.margin, guess, phi)
        return compared_counts(pair, case.margin, phi, guess=self.flow.usual)


def _allowed(case: Case, flow: Flow, at: datetime) -> float:
    judge = case.rule.judge
    if isinstance(judge, TrafficDrop):
        return judge.drop
    if case.ceilings:
        return case.ceilings[slot_of(at)]
    return case.margin.allows(flow.usual) if case.ceiling is None else case.ceiling


def _joined(case: Case, flow: Flow) -> int | None:
    """How many buckets are weighed as one: until both arms have a request; ``None``: they never have, or there is only one arm."""
    arms = [flow.mine, flow.beside] if _judge(case) in COMPARES else [flow.mine]
    if min(arms) <= NOTHING:
        return None
    if len(arms) == 1:
        return 1
    buckets = ceil(1 / (min(arms) * case.bucket.total_seconds()) - _ROUNDING)
    return buckets if buckets <= 1 or buckets * case.bucket <= WAITS_AT_MOST else None


def needs(adds: Sequence[float], needed: float, cap: float, most: int) -> int | None:
    """How many buckets it takes until the evidence reaches *needed*, where each adds *adds*; ``None`` if more than *most*.

    Args:
        adds: The logarithm of a bucket's factor for each effect of the grid.
        needed: The logarithm that the evidence must reach.
        cap: The most that one bucket adds.
        most: Buckets.
    """
    low, high = max(ceil((needed - log(FIRST)) / cap - _ROUNDING), 1), most
    if low > high or _after(adds, high) < needed:
        return None
    while low < high:
        middle = (low + high) // 2
        if _after(adds, middle) < needed:
            low = middle + 1
        else:
            high = middle
    return low


def _after(adds: Sequence[float], buckets: int) -> float:
    """The logarithm of the evidence after so many buckets, of what began with the first."""
    top = max(adds) * buckets
    return (
        top
        + log(FIRST)
        + log(sum(prior * exp(each * buckets - top) for each, prior in zip(adds, PRIOR, strict=True)))
    )
