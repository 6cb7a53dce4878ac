"""One test, played: the rounds of a watch over its series, and what was not as expected. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from rules.duration import duration_text
from rules.evaluate import Setting, prepare
from rules.model import Rule, RuleSet
from rules.replay import Recording, Round, asks, rounds
from rules.trial.reading import DEPLOYED, Expectation, Trial
from rules.verdict import Judgement, Outcome, Verdict


@dataclass(frozen=True, slots=True)
class Failure:
    """An expectation that did not hold, in words."""

    expectation: Expectation
    words: str


@dataclass(frozen=True, slots=True)
class Told:
    """A change of what was said. *rule*: its id; ``None`` for all together."""

    after: timedelta
    rule: str | None
    outcome: Outcome
    words: str


@dataclass(frozen=True, slots=True)
class _Started:
    """What the first breach of all rules together started. *why*: a person is asked; empty: the rollback starts by itself."""

    round: Round
    why: str


def run(trial: Trial, rules: RuleSet) -> tuple[tuple[Failure, ...], tuple[Told, ...]]:
    """Play *trial*: what was not as expected, and everything that was said, as it changed."""
    played = tuple(_played(trial, rules))
    first = next((round_ for round_ in played if round_.judgement.outcome is Outcome.BREACHED), None)
    started = None if first is None else _Started(first, asks(first.judgement, _switched(trial, first.now)))
    failures = tuple(
        Failure(each, words) for each in trial.expectations if (words := _wrong(each, played, started))
    )
    return failures, tuple(sorted(_changes(played, rules.rules), key=lambda told: told.after))


def _played(trial: Trial, rules: RuleSet) -> Iterator[Round]:
    names = [indicator.id for indicator in rules.indicators]
    setting = Setting(
        false_rollback_probability=trial.false_rollback_probability,
        opened_at=DEPLOYED,
        at_least=trial.at_least,
        at_most=trial.at_most,
        buckets=trial.buckets,
        settles=dict.fromkeys(names, trial.settle),
    )
    brief = prepare(rules, setting, trial.history)
    recordings = {name: Recording(series) for name, series in trial.series.items()}
    yield from rounds(brief, recordings, _moments(trial), DEPLOYED + trial.traffic, DEPLOYED + trial.complete)


def _moments(trial: Trial) -> list[datetime]:
    """Whenever a bucket becomes final, to the last expectation or the end of the series; and when something is expected."""
    asked = {time for each in trial.expectations for time in (each.at, each.by) if time is not None}
    ends = [
        bucket.end - DEPLOYED
        for each in trial.series.values()
        for series in each
        for bucket in series.buckets
    ]
    until = max([*asked, *(end + trial.settle for end in ends)])
    moments = set(asked)
    for length in set(trial.buckets.values()):
        moments |= {
            place * length + trial.settle for place in range(1, int((until - trial.settle) / length) + 1)
        }
    return [DEPLOYED + moment for moment in sorted(moments)]


def _switched(trial: Trial, now: datetime) -> datetime:
    """From when the release served, as that is known at *now*."""
    complete = DEPLOYED + trial.complete
    return complete if complete <= now else DEPLOYED + trial.traffic


def _wrong(expected: Expectation, played: Sequence[Round], started: _Started | None) -> str:
    """Why *expected* did not hold; empty if it did."""
    if expected.at is not None:
        return _at(expected, _last(played, expected.at), started)
    if expected.by is not None:
        return _by(expected, played, started)
    for round_ in played:
        if _outcome(round_.judgement, expected.rule) is expected.says:
            return f"expected never {expected.says}, and it was at {_after(round_)}: {_words(round_, expected.rule)}"
    return ""


def _last(played: Sequence[Round], at: timedelta) -> Round:
    return [round_ for round_ in played if round_.now <= DEPLOYED + at][-1]


def _at(expected: Expectation, round_: Round, started: _Started | None) -> str:
    found = _outcome(round_.judgement, expected.rule)
    if found is expected.says:
        return _then(expected, round_, started)
    return (
        f"expected {expected.says} at {_after(round_)}, and it was {found}: {_words(round_, expected.rule)}"
    )


def _by(expected: Expectation, played: Sequence[Round], started: _Started | None) -> str:
    limit = DEPLOYED + (expected.by or timedelta())
    found = [round_ for round_ in played if _outcome(round_.judgement, expected.rule) is expected.says]
    if found and found[0].now <= limit:
        return _then(expected, found[0], started)
    late = f"it was so only at {_after(found[0])}" if found else "it never was"
    until = _last(played, expected.by or timedelta())
    was = f"; then it was {_outcome(until.judgement, expected.rule)}: {_words(until, expected.rule)}"
    return f"expected {expected.says} by {duration_text(expected.by or timedelta())}, and {late}{was}"


def _then(expected: Expectation, round_: Round, started: _Started | None) -> str:
    """What a breach starts, it starts when it comes: what is said later changes nothing about it."""
    if expected.then is None:
        return ""
    wanted = "a question" if expected.then == "ask" else "a rollback"
    if started is None or started.round.now > round_.now:
        return f"expected {wanted} at {_after(round_)}, and nothing is started: no rule that can act breached"
    if (expected.then == "ask") is bool(started.why):
        return ""
    said = f"expected {wanted} at {_after(started.round)}, and "
    return said + (f"a person is asked: {started.why}" if started.why else "the rollback starts by itself")


def _outcome(judgement: Judgement, rule: str | None) -> Outcome:
    return judgement.outcome if rule is None else _verdict(judgement, rule).outcome


def _verdict(judgement: Judgement, rule: str) -> Verdict:
    return next(verdict for verdict in judgement.verdicts if verdict.rule == rule)


def _words(round_: Round, rule: str | None) -> str:
    judgement = round_.judgement
    if rule is not None:
        return _verdict(judgement, rule).words
    worst = [verdict for verdict in judgement.verdicts if verdict.outcome is judgement.outcome]
    return "; ".join(f"{verdict.rule}: {verdict.words}" for verdict in worst) or "no rule says so alone"


def _after(round_: Round) -> str:
    return duration_text(round_.now - DEPLOYED)


def _changes(played: Sequence[Round], rules: Sequence[Rule]) -> Iterator[Told]:
    for name in (None, *(rule.id for rule in rules)):
        said = [(round_, _outcome(round_.judgement, name)) for round_ in played]
        changed = [said[0], *(now for before, now in pairwise(said) if now[1] is not before[1])]
        for round_, outcome in changed:
            yield Told(round_.now - DEPLOYED, name, outcome, _words(round_, name))
