"""Multi-window, multi-burn-rate: breached while the budget burns too fast over a long window *and* over a short one.

For teams that alert like this already. It is quick and makes no promise: how often a good release is blamed depends on
how it fails by chance in an hour, and the verdict says so.

Windows end at the watermark. They hold what the release under watch served, and nothing else: what failed before it is
not its fault, so of the part of a window before it, and of buckets that did not come, none has failed, and the traffic
is taken to have been as in the rest. A release that fails wholly is found within minutes by a window of an hour, and
what was bad before never counts against it.

Deliberately absent: the history. It would make a window whole, and say nothing of this release.

Source:
    Google, "The Site Reliability Workbook", chapter 5, "Multiwindow, Multi-Burn-Rate Alerts":
    https://sre.google/workbook/alerting-on-slos/
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import inf

from rules.brief import Case
from rules.evidence import Cell, Memory, Process, Tally
from rules.model import BurnRate, BurnWindow, WhenBlind
from rules.objectives.coverage import COVERED, Moment, Standing, blindness, marked
from rules.objectives.dispersion import Block
from rules.objectives.prepared import with_history
from rules.objectives.promise import in_proportions, worth_seeing
from rules.objectives.wording import about, count_words, share_words, span_words, unit
from rules.sample import Bucket, Counts
from rules.verdict import Because, Estimate, Outcome, Seen, Verdict

_SHORT_IN = (
    5  # cells that a short window has at least, where buckets are no longer: it may be longer by a fifth
)
_SHOWS = 3.0  # failures; where so many are expected, none at all comes once in twenty times
_SLACK = 1e-9  # shares that differ by rounding
_WHOLE = 9.95  # from here on a rate has no decimals
_NO_PROMISE = "no promise: burn rates say how fast the budget goes, not how often a good release is blamed"


def prepare(case: Case, history: Sequence[Block]) -> Case:
    """The history only tells what is usual (for the onset)."""
    case = replace(with_history(case, history), learns=False, assumes="")
    return replace(
        case,
        phi=case.phi or 1.0,
        ceiling=min((_limit(case, each) for each in _judge(case).windows), default=None),
    )


def start(case: Case) -> Memory:
    """Nothing seen, and so nothing against the release."""
    return Memory(process=Process(log_e=-inf), cells=((),) * len(_judge(case).windows))


def advance(case: Case, memory: Memory, bucket: Bucket) -> Memory:
    """Take in one settled bucket, and look at all windows that end with it.

    The evidence is all or nothing: infinite while a pair burns too fast, so that it can be a member of ``all_of``.
    """
    if not isinstance(bucket.canary, Counts):
        return memory
    requests, bad = bucket.canary.total, bucket.canary.bad
    clamped = in_proportions(case) and bad > requests
    bad = requests if clamped else bad
    newest, came = marked(case, memory, bucket)
    tally = memory.tally
    memory = memory._replace(
        origin=memory.origin or bucket.start,
        newest=newest,
        came=came,
        tally=Tally(
            tally.buckets + 1, tally.requests + requests, tally.bad + bad, clamped=tally.clamped + clamped
        ),
        cells=tuple(
            _moved_on(case, pair, cells, bucket, Counts(bad, requests))
            for pair, cells in zip(_judge(case).windows, memory.cells, strict=True)
        ),
    )
    burns = any(pair.burns for pair in pairs(case, memory))
    return memory._replace(process=Process(memory.process.placed + 1, log_e=inf if burns else -inf))


def _judge(case: Case) -> BurnRate:
    judge = case.rule.judge
    return judge if isinstance(judge, BurnRate) else BurnRate(0.0, ())


def _limit(case: Case, window: BurnWindow) -> float:
    """The share of bad that burns as fast as is allowed."""
    return window.burn * (1 - _judge(case).objective)


def _cell(case: Case, window: BurnWindow) -> timedelta:
    """How long a cell of the window is: whole buckets, and one where the short window holds few."""
    return max(window.short // (_SHORT_IN * case.bucket), 1) * case.bucket


def _moved_on(
    case: Case, window: BurnWindow, cells: tuple[Cell, ...], bucket: Bucket, counts: Counts
) -> tuple[Cell, ...]:
    """The window with *bucket* in it, and without the cells that it has left behind: their number has a bound."""
    length = _cell(case, window)
    came, failed = max(round((bucket.end - bucket.start) / case.bucket), 1), int(counts.bad > 0)
    if cells and bucket.end <= cells[-1].start + length:
        last = cells[-1]
        newest = Cell(
            last.start,
            last.total + counts.total,
            last.bad + counts.bad,
            last.came + came,
            last.failed + failed,
        )
        cells = cells[:-1]
    else:
        newest = Cell(bucket.start, counts.total, counts.bad, came, failed)
    begins = bucket.end - window.long
    return (*(each for each in cells if each.start + length > begins), newest)


@dataclass(frozen=True, slots=True)
class Span:
    """What one window holds.

    Attributes:
        due: Buckets that it has room for.
        lived: Buckets of these since the first of the release.
        came: Buckets that did come.
        failed: Buckets of them in which something was bad.
    """

    due: int
    lived: int
    came: int
    failed: int
    total: float
    bad: float

    @property
    def share(self) -> float | None:
        """The share of bad in the window (of events as in the bucket above 1); ``None`` without requests."""
        if self.total <= 0:
            return None
        return self.bad / self.total * min(self.came / self.due, 1.0)

    @property
    def has_holes(self) -> bool:
        """Too few of the buckets that it could have came; one may hold the switch."""
        return self.came < COVERED * (self.lived - 1)


@dataclass(frozen=True, slots=True)
class Pair:
    """A long and a short window as they stand.

    Attributes:
        limit: The share of bad beyond which both have to be.
        least: Buckets in which something was bad; with fewer it does not breach.
    """

    window: BurnWindow
    limit: float
    least: int
    long: Span
    short: Span

    @property
    def burns(self) -> bool:
        """Both windows are beyond the limit, and not by one bucket alone. Without requests nothing burns."""
        return self.worst > 1 + _SLACK and self.long.failed >= self.least

    @property
    def worst(self) -> float:
        """How many times the limit the better of both windows is."""
        return min(self.long.share or 0.0, self.short.share or 0.0) / self.limit


def pairs(case: Case, memory: Memory) -> list[Pair]:
    """Every pair of windows as it stands at the watermark."""
    if memory.newest is None:
        return []
    least, until = case.rule.statistics.min_buckets, memory.newest
    return [
        Pair(
            window,
            _limit(case, window),
            least,
            _span(case, memory, cells, until - window.long, _cell(case, window)),
            _span(case, memory, cells, until - window.short, _cell(case, window)),
        )
        for window, cells in zip(_judge(case).windows, memory.cells, strict=True)
    ]


def _span(case: Case, memory: Memory, cells: Sequence[Cell], begins: datetime, length: timedelta) -> Span:
    """What came since *begins*. A cell that only ends in it belongs to it, which is then so much longer."""
    inside = [each for each in cells if each.start + length > begins]
    until, origin = memory.newest or begins, memory.origin or begins
    begins = min([begins, *(each.start for each in inside)])
    return Span(
        due=max(round((until - begins) / case.bucket), 1),
        lived=round((until - max(begins, origin)) / case.bucket),
        came=sum(each.came for each in inside),
        failed=sum(each.failed for each in inside),
        total=sum(each.total for each in inside),
        bad=sum(each.bad for each in inside),
    )


def verdict(case: Case, memory: Memory, moment: Moment) -> Verdict:
    """What the rule says now."""
    tally = memory.tally
    standing = _standing(case, memory, moment)
    return Verdict(
        rule=case.rule.id,
        name=case.rule.name,
        consequence=case.rule.on_breach,
        outcome=standing.outcome,
        because=standing.because,
        words=standing.words,
        seen=Seen(tally.buckets, tally.requests, tally.bad, memory.newest, _wanted(case)),
        estimate=_estimate(case, memory),
        promise=_NO_PROMISE,
        only_asks=case.only_asks,
        asks_when_blind=case.rule.when_blind is WhenBlind.ASK,
    )


def _estimate(case: Case, memory: Memory) -> Estimate | None:
    """The share of bad of the release in the long window of the worst pair."""
    found = [pair.long for pair in sorted(pairs(case, memory), key=_badness) if pair.long.total > 0]
    return Estimate(found[-1].bad / found[-1].total) if found else None


def _badness(pair: Pair) -> float:
    return pair.worst


def _wanted(case: Case) -> float:
    """Requests; with fewer an effect worth seeing need not have shown at all."""
    return _SHOWS / min(worth_seeing(case, _limit(case, each)) for each in _judge(case).windows)


def _standing(case: Case, memory: Memory, moment: Moment) -> Standing:
    if moment.breached is not None:
        return Standing(Outcome.BREACHED, Because.BURN, _words(case, memory))
    blind = blindness(case, memory, moment)
    if blind is not None:
        return blind
    for pair in pairs(case, memory):
        for span, length in ((pair.long, pair.window.long), (pair.short, pair.window.short)):
            if span.has_holes:
                words = f"only {span.came} of {span.lived} buckets came in the window of {span_words(length)}"
                return Standing(Outcome.BLIND, Because.HOLES, words)
    return _seen_enough(case, memory)


def _seen_enough(case: Case, memory: Memory) -> Standing:
    """Healthy, once one of the pairs would have found an effect worth seeing: in a window that is long, early on nothing shows."""
    soonest = min(pairs(case, memory), key=lambda pair: _after(case, pair))
    lived = min(soonest.long.came / soonest.long.due, soonest.short.came / soonest.short.due)
    if lived * worth_seeing(case, soonest.limit) < soonest.limit * (1 - _SLACK):
        seen, wanted = span_words(soonest.long.came * case.bucket), span_words(_after(case, soonest))
        return Standing(Outcome.UNDECIDED, Because.NOT_SEEN_ENOUGH, f"{seen} of about {wanted} seen")
    if memory.tally.requests < _wanted(case):
        words = f"{count_words(memory.tally.requests)} of {about(_wanted(case))} {unit(case)} seen"
        return Standing(Outcome.UNDECIDED, Because.NOT_SEEN_ENOUGH, words)
    return Standing(Outcome.HEALTHY, Because.WITHIN, _words(case, memory))


def _after(case: Case, pair: Pair) -> timedelta:
    """How long it takes until an effect worth seeing is beyond the limit of the pair."""
    return pair.window.long * (pair.limit / worth_seeing(case, pair.limit))


def _words(case: Case, memory: Memory) -> str:
    """How the worst pair stands: ``a burn rate of 23 over 1 h and of 60 over 5 min; 14.4 is the limit (the budget is 0.1 %)``."""
    pair = max(pairs(case, memory), key=_badness)
    budget, window = 1 - _judge(case).objective, pair.window
    long, short = _rate(pair.long, budget), _rate(pair.short, budget)
    return (
        f"a burn rate of {long} over {span_words(window.long)} and of {short} over {span_words(window.short)};"
        f" {window.burn:g} is the limit (the budget is {share_words(budget)})"
    )


def _rate(span: Span, budget: float) -> str:
    rate = (span.share or 0.0) / budget
    return f"{rate:.2g}" if rate < _WHOLE else f"{rate:,.0f}"
