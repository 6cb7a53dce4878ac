"""What is wrong, with numbers, and how sure that is: lines that several messages share."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from rules.model import Kind
from rules.objectives.wording import odds_words, share_words
from rules.verdict import Because, Estimate, Judgement, Outcome, Verdict
from watcher.core.watch import Watch
from watcher.core.wording.figures import moment


def name(watch: Watch) -> str:
    """How a message begins: service and environment."""
    return f"{watch.service} · {watch.environment}"


def blamed(judgement: Judgement) -> list[Verdict]:
    """The verdicts that the breach rests on, the most to blame first."""
    return [verdict for rule in judgement.breached_by if (verdict := judgement.verdict(rule)) is not None]


def blind(judgement: Judgement | None) -> list[Verdict]:
    """The verdicts that see nothing."""
    verdicts = judgement.verdicts if judgement else ()
    return [verdict for verdict in verdicts if verdict.outcome is Outcome.BLIND and not verdict.spent]


def fault(watch: Watch) -> str:
    """What is wrong, with a number: "v43 fails 5.2 % of requests (usual 0.11 %)"."""
    judgement = watch.breaching
    verdicts = blamed(judgement) if judgement else []
    if verdicts:
        return _fault(watch, verdicts[0])
    unseen = blind(watch.judgement)
    if unseen:
        return f"{watch.tag} cannot be judged: {listed(f'{verdict.name} ({verdict.words})' for verdict in unseen)}"
    return f"{watch.tag} is breached" if watch.breach else f"{watch.tag} is watched"


def _fault(watch: Watch, verdict: Verdict) -> str:
    kind, estimate = kind_of(watch, verdict), verdict.estimate
    if kind in _FAILS and estimate is not None:
        fails = _FAILS[kind].format(share_words(estimate.value), _counted(watch, verdict))
        return f"{watch.tag} {fails}{_usual(estimate)}"
    return f"{watch.tag}: {verdict.name}: {verdict.words}"


_FAILS = {
    Kind.RATIO: "fails {} of {}",
    Kind.LATENCY: "is slow in {} of requests",
    Kind.PROBE: "fails {} of probes",
}


def _counted(watch: Watch, verdict: Verdict) -> str:
    """What the rule of *verdict* counts: requests, or what it says, such as tasks."""
    return next(rule.statistics.unit for rule in watch.policy.rules.rules if rule.id == verdict.rule)


def _usual(estimate: Estimate) -> str:
    return "" if estimate.baseline is None else f" (usual {share_words(estimate.baseline)})"


def kind_of(watch: Watch, verdict: Verdict) -> Kind | None:
    """What the rule of *verdict* measures; ``None`` for an ``all_of``."""
    rules = watch.policy.rules
    named = next((rule.indicator for rule in rules.rules if rule.id == verdict.rule), None)
    return next((indicator.kind for indicator in rules.indicators if indicator.id == named), None)


def evidence(watch: Watch, now: datetime) -> list[str]:
    """The lines that say what a breach rests on: how many, since when, what it was compared with, how sure."""
    judgement = watch.breaching
    if judgement is None or not (verdicts := blamed(judgement)):
        return []
    return [
        *_seen(watch, verdicts, now),
        _began(watch, judgement, verdicts, now),
        sure(watch, verdicts[0]),
    ]


def _seen(watch: Watch, verdicts: list[Verdict], now: datetime) -> Iterator[str]:
    worst, others = verdicts[0], verdicts[1:]
    since = moment(watch.traffic_at or watch.opened_at, now)
    yield f"{worst.name}: {worst.words}, since {since}"
    if others:
        yield f"Also: {listed(f'{verdict.name} ({verdict.words})' for verdict in others)}"


def _began(watch: Watch, judgement: Judgement, verdicts: list[Verdict], now: datetime) -> str:
    onset = next((verdict.onset for verdict in verdicts if verdict.onset), None)
    began = f"Breached at {moment(judgement.at, now)}"
    if onset is not None:
        began = (
            f"Began {moment(onset.at, now)} (between {moment(onset.low, now)} and {moment(onset.high, now)})"
        )
    serves = (
        f"began to serve {moment(watch.traffic_at, now)}" if watch.traffic_at else "is not known to serve yet"
    )
    compared = "Compared at the same time" if judgement.compared else "Nothing was compared at the same time"
    worse = f". Does not hold any more either: {listed(judgement.doubts)}" if judgement.doubts else ""
    return f"{began}; {watch.tag} {serves}. {compared}{worse}"


def sure(watch: Watch, verdict: Verdict) -> str:
    """How often a good release would look like this; or, honestly, that nobody knows."""
    if verdict.because is Because.STATE:
        return "Sure? As sure as whoever set the alarm: how often it is wrong is not known here"
    if verdict.because is Because.RANK:
        return f"Sure? There is {verdict.promise}"
    if verdict.log10_e is None:
        return "Sure? There is no promise: this rule has a fixed limit, and does not weigh what it sees"
    limit = odds_words(watch.policy.false_rollback_probability)
    promise = verdict.promise or f"a good release would look like this less than {_odds(verdict)} deployments"
    return f"Sure? {promise[0].upper()}{promise[1:]} (your limit: {limit})"


def _odds(verdict: Verdict) -> str:
    return odds_words(10 ** -(verdict.log10_e or 0.0))


def way(watch: Watch) -> str:
    """Where a rollback goes, how well that release is known, and what it leaves out."""
    back = watch.way_back
    if back is None and watch.missing:
        gone = listed(f"{each.release.tag}: {each.words}" for each in watch.missing)
        return f"There is no way back: what is known to be good is not there any more ({gone})"
    if back is None:
        return "There is no way back: no release before it is known to be good"
    crosses = {0: "", 1: ", crosses 1 release"}.get(back.crosses, f", crosses {back.crosses} releases")
    floor = ", past a release that cannot be undone" if back.floor else ""
    return f"Way back: {watch.goes_to} ({back.grade.value}{crosses}{floor})"


def listed(words: Iterable[str]) -> str:
    """Several things in one line."""
    return " · ".join(words)


def way_stays(watch: Watch) -> str:
    """For watches that end without a verdict."""
    return f"The way back stays {watch.goes_to}" if watch.goes_to else "There is no way back"
