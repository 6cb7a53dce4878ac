"""Whoever looks at a service itself: what the newest look came to, how many bad ones it takes until a verdict, and what looking costs the service."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from deploy.model import About, Finding, Level
from rules.brief import Brief, Case
from rules.duration import duration_text
from rules.evaluate import Timing, evaluate, start
from rules.foresight import acting
from rules.model import COMPARES, Indicator, Kind, Threshold
from rules.sample import Bucket, Counts, Reading, Series
from rules.verdict import Outcome
from watcher.runtime.inquiry import Inquiry, connection_of
from watcher.signals.limits import Addressed
from watcher.signals.page.query import Query as Page
from watcher.signals.probe.query import Probes
from watcher.signals.provider import Looked, Looking, Question
from watcher.signals.steps.query import Query as Suite

MOST = 200  # looks in a row: an hour of one each 15 s, and more
LISTED = 5  # addresses that a message lists
DAY = timedelta(days=1)
_REMEDY = "make the service well, or correct the url or path of the probe: a watch holds this against whatever is deployed"
_LONG = "a shorter `every`, or `threshold: {bad: 3, of: 5}`, which needs no more looks than it says"


def failing(inquiry: Inquiry, question: Question, reading: tuple[Series, ...]) -> Finding | None:
    """That the newest look at the service was bad, in the probe's own words; ``None``: it was good, or what was read is no probe."""
    newest = max(
        (each for series in reading for each in series.buckets if each.canary is not None),
        key=lambda bucket: bucket.end,
        default=None,
    )
    counts = newest.canary if newest is not None else None
    if newest is None or not isinstance(counts, Counts) or counts.bad <= 0:
        return None
    if question.indicator.kind is not Kind.PROBE:
        return None
    connected = inquiry.providers.get(connection_of(question.indicator))
    looked: Sequence[Looked] = ()
    if connected is not None and isinstance(connected.provider, Looking):
        looked = connected.provider.looked(question, newest.end)
    bad = [each for each in looked if each.words]
    many, total = (len(bad), len(looked)) if bad else (round(counts.bad), round(counts.total))
    head = "the newest look fails" if total == 1 else f"{many} of the {total} newest looks fail"
    whys = list(dict.fromkeys(each.words if total == 1 else f"{each.at}: {each.words}" for each in bad))
    said = "; ".join(whys[:LISTED]) + (f"; and {len(whys) - LISTED} more" if whys[LISTED:] else "")
    return Finding(Level.FAIL, f"{head}: {said}" if said else head, _REMEDY, About.HEALTH)


# ---------------------------------------------------------------------------------------------------- until a verdict


def compares(brief: Brief, rule: str) -> bool:
    """It holds the looks at one release against those at another."""
    return any(case.rule.id == rule and _compares(case) for case in brief.cases.values())


def _compares(case: Case) -> bool:
    return case.kind is Kind.PROBE and case.rule.judge is not None and case.rule.judge.kind in COMPARES


def until_a_verdict(brief: Brief, readings: Mapping[str, Reading]) -> Iterator[Finding]:
    """A finding for each rule that acts by a fixed limit on probes, or compares those of two releases: by the judges themselves.

    Args:
        brief: As that of a watch that opens now.
        readings: What came of what is live, by indicator: how many probes a look is.
    """
    alone = {voice.rule.id for voice in brief.voices if voice.part_of is None}
    for case in acting(brief):
        if case.rule.id not in alone or case.refusal is not None:
            continue  # it never speaks by itself
        if case.kind is Kind.PROBE and (_compares(case) or isinstance(case.rule.judge, Threshold)):
            yield _verdict(brief, case, _probes(readings.get(case.indicator)))


def _probes(reading: Reading | None) -> float:
    """How many probes the newest bucket has; one, where there is none yet."""
    buckets = (each for series in reading for each in series.buckets) if isinstance(reading, tuple) else ()
    totals = [
        each.canary.total for each in buckets if isinstance(each.canary, Counts) and each.canary.total > 0
    ]
    return totals[-1] if totals else 1.0


def _verdict(brief: Brief, case: Case, probes: float) -> Finding:
    every, judge = duration_text(case.bucket), case.rule.judge
    many = looks_until(brief, case, probes)
    where = "" if not _compares(case) else ", where those at the old release are good"
    if many is None:
        words = f"“{case.rule.name}”: {MOST} bad looks in a row, one each {every}{where}, are not enough for a verdict by itself"
        return Finding(Level.WARN, words, _LONG, about=About.SIGHT)
    within = duration_text(timedelta(seconds=round((many * case.bucket + case.settle).total_seconds())))
    looks = "1 bad look" if many == 1 else f"{many} bad looks in a row"
    words = f"“{case.rule.name}”: {looks}, one each {every}{where}, until a verdict: within {within}"
    if isinstance(judge, Threshold) and judge.bad < judge.of:
        words += f"; or {judge.bad} bad of any {judge.of}"
    return Finding(Level.OK, words, about=About.SIGHT)


def looks_until(brief: Brief, case: Case, probes: float) -> int | None:
    """After how many looks in a row, all of which fail, the rule of *case* breaches; ``None``: not after `MOST`.

    Args:
        brief: As that of a watch that opens now.
        case: What looks.
        probes: How many a look is.
    """
    evidence, at = start(brief), brief.opened_at
    good, bad = Counts(0.0, probes), Counts(probes, probes)
    for many in range(1, MOST + 1):
        bucket = Bucket(at, at + case.bucket, bad, good if _compares(case) else None)
        at = bucket.end
        told = {case.indicator: (Series(case.indicator, (bucket,)),)}
        round_ = evaluate(brief, evidence, told, Timing(at + case.settle, brief.opened_at, brief.opened_at))
        evidence = round_.evidence
        if any(
            each.rule == case.rule.id and each.outcome is Outcome.BREACHED
            for each in round_.judgement.verdicts
        ):
            return many
    return None


# ------------------------------------------------------------------------------------------------------------- its cost


def costs(inquiry: Inquiry, indicators: Sequence[Indicator]) -> Iterator[Finding]:
    """What looking costs the service: a finding for each thing that is looked at, however many indicators are read from it."""
    together: dict[object, list[tuple[Indicator, Addressed]]] = {}
    for indicator in indicators:
        query = _looks(inquiry, indicator)
        if query is not None:
            # A probe is one of its own; a page of metrics is read once, whatever is counted on it.
            key = (
                indicator.query
                if isinstance(query, Probes)
                else (query.addresses, query.discover, query.every)
            )
            together.setdefault((connection_of(indicator), repr(key)), []).append((indicator, query))
    for shared in together.values():
        yield _cost([indicator.id for indicator, _ in shared], shared[0][1])


def _looks(inquiry: Inquiry, indicator: Indicator) -> Addressed | None:
    """Its query, where its provider looks at addresses itself."""
    connected = inquiry.providers.get(connection_of(indicator))
    if connected is None or not connected.kind.looks_itself:
        return None
    query = connected.kind.query.model_validate_json(indicator.query)
    return query if isinstance(query, Addressed) else None


def _cost(names: Sequence[str], query: Addressed) -> Finding:
    each = query.times if isinstance(query, Probes) else 1
    steps = len(query.steps) if isinstance(query, Suite) else 1
    instances = len(query.addresses)
    requests = (DAY // query.every) * each * steps * max(instances, 1)
    at = "1 instance" if instances == 1 else f"{instances} instances"
    words = f"{', '.join(names)}: {_times(each)} each {duration_text(query.every)}"
    words += f" at {at}: " if instances else " at each task that runs: "
    words += f"{requests:,} requests a day" + ("" if instances else " of each")
    if steps > 1:
        words += f", {steps} steps a run"
    if isinstance(query, Page):
        words += ", and as many again for each file that the page names"
    return Finding(Level.OK, words, about=About.COST)


def _times(each: int) -> str:
    return "one look" if each == 1 else f"{each} looks"
