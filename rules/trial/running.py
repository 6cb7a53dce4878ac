"""One test, played: the rounds of a watch over its series, and what was not as expected. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from rules.bake import may_end, passes
from rules.duration import duration_text
from rules.evaluate import Setting, prepare
from rules.model import Rule, RuleSet
from rules.replay import ASKED, Recording, Round, asks, is_outgrown, rounds
from rules.trial.values import DEPLOYED, End, Expectation, Trial
from rules.verdict import Judgement, Outcome, Verdict


@dataclass(frozen=True, slots=True)
class Failure:
    """An expectation that did not hold, in words."""

    expectation: Expectation
    words: str


@dataclass(frozen=True, slots=True)
class Told:
    """A change of what was said. *rule*: its id; ``None`` for all together, of which it is told too when they pass."""

    after: timedelta
    rule: str | None
    outcome: Outcome | End
    words: str


@dataclass(frozen=True, slots=True)
class _Story:
    """What became of the watch.

    Attributes:
        over: When it ends at the latest.
        breached: The first breach of all rules together, unless it had ended before; and one by which its question was outgrown, with
            why each only asks a person: empty where the rollback starts by itself.
        passed: When it passed.
        early: It may be proven well before its shortest time.
    """

    played: tuple[Round, ...]
    over: datetime
    breached: tuple[tuple[Round, str], ...]
    passed: Round | None
    early: bool


def run(trial: Trial, rules: RuleSet) -> tuple[tuple[Failure, ...], tuple[Told, ...]]:
    """Play *trial*: what was not as expected, and everything that was said, as it changed."""
    story = _told(trial, tuple(_played(trial, rules)))
    failures = tuple(Failure(each, words) for each in trial.expectations if (words := _wrong(each, story)))
    return failures, tuple(sorted(_changes(story, rules.rules), key=lambda told: told.after))


def _told(trial: Trial, played: tuple[Round, ...]) -> _Story:
    complete = DEPLOYED + trial.complete
    over, passed = complete + trial.at_most, None
    breached: list[tuple[Round, str]] = []
    for round_ in played:
        if breached:
            first, why = breached[0]
            if round_.now > first.now + ASKED or not is_outgrown(why, round_.judgement):
                continue
            breached.append((round_, asks(round_.judgement, _switched(trial, round_.now))))
            break
        if round_.now > over:
            break
        if round_.judgement.outcome is Outcome.BREACHED:
            breached.append((round_, asks(round_.judgement, _switched(trial, round_.now))))
        elif may_end(round_.judgement, trial.at_least, complete, round_.now):
            passed = round_
            break
    return _Story(played, over, tuple(breached), passed, trial.early is not None)


def _played(trial: Trial, rules: RuleSet) -> Iterator[Round]:
    names = [indicator.id for indicator in rules.indicators]
    setting = Setting(
        false_rollback_probability=trial.false_rollback_probability,
        opened_at=DEPLOYED,
        at_least=trial.at_least,
        at_most=trial.at_most,
        buckets=trial.buckets,
        settles=dict.fromkeys(names, trial.settle),
        early=trial.early,
    )
    brief = prepare(rules, setting, trial.history)
    recordings = {name: Recording(series) for name, series in trial.series.items()}
    yield from rounds(brief, recordings, _moments(trial), DEPLOYED + trial.traffic, DEPLOYED + trial.complete)


def _moments(trial: Trial) -> list[datetime]:
    """Whenever a bucket becomes final, to the last expectation or the end of the series; and when something is expected.

    And when the bake may end, where it is expected to.
    """
    asked = {time for each in trial.expectations for time in (each.at, each.by) if time is not None}
    ends = [
        bucket.end - DEPLOYED
        for each in trial.series.values()
        for series in each
        for bucket in series.buckets
    ]
    until = max([*asked, *(end + trial.settle for end in ends)])
    moments = set(asked)
    if any(each.says is End.PASSED for each in trial.expectations):
        moments |= {end for end in (trial.complete + trial.at_least,) if end <= until}
    for length in set(trial.buckets.values()):
        moments |= {
            place * length + trial.settle for place in range(1, int((until - trial.settle) / length) + 1)
        }
    return [DEPLOYED + moment for moment in sorted(moments)]


def _switched(trial: Trial, now: datetime) -> datetime:
    """From when the release served, as that is known at *now*."""
    complete = DEPLOYED + trial.complete
    return complete if complete <= now else DEPLOYED + trial.traffic


def _wrong(expected: Expectation, story: _Story) -> str:
    """Why *expected* did not hold; empty if it did."""
    if expected.at is not None:
        return _at(expected, _last(story, expected.at), story)
    if expected.by is not None:
        return _by(expected, story)
    for round_ in story.played:
        if _is_so(expected, round_, story):
            return f"expected never {expected.says}, and it was at {_after(round_)}: {_words(round_, expected.rule)}"
    return ""


def _last(story: _Story, at: timedelta) -> Round:
    return [round_ for round_ in story.played if round_.now <= DEPLOYED + at][-1]


def _is_so(expected: Expectation, round_: Round, story: _Story) -> bool:
    if expected.says is End.PASSED:
        return story.passed is not None and story.passed.now <= round_.now
    return _outcome(round_.judgement, expected.rule) is expected.says


def _at(expected: Expectation, round_: Round, story: _Story) -> str:
    if _is_so(expected, round_, story):
        return _then(expected, round_, story)
    return f"expected {expected.says} at {_after(round_)}, and it was {_was(expected, round_, story)}"


def _by(expected: Expectation, story: _Story) -> str:
    limit = DEPLOYED + (expected.by or timedelta())
    found = [round_ for round_ in story.played if _is_so(expected, round_, story)]
    if found and found[0].now <= limit:
        return _then(expected, found[0], story)
    late = f"it was so only at {_after(found[0])}" if found else "it never was"
    was = _was(expected, _last(story, expected.by or timedelta()), story)
    return f"expected {expected.says} by {duration_text(expected.by or timedelta())}, and {late}; then it was {was}"


def _was(expected: Expectation, round_: Round, story: _Story) -> str:
    said = f"{_outcome(round_.judgement, expected.rule)}: {_words(round_, expected.rule)}"
    unproven = expected.says is End.PASSED and story.early and not round_.judgement.proven
    return f"{said}; not proven well" if unproven and passes(round_.judgement) else said


def _then(expected: Expectation, round_: Round, story: _Story) -> str:
    """What a breach starts, it starts when it comes: what is said later changes nothing about it, unless it outgrows a question."""
    if expected.then is None:
        return ""
    wanted = "a question" if expected.then == "ask" else "a rollback"
    started = [each for each in story.breached if each[0].now <= round_.now]
    if not started:
        return f"expected {wanted} at {_after(round_)}, and nothing is started: {_why_not(round_, story)}"
    breached, why = started[-1]
    if (expected.then == "ask") is bool(why):
        return ""
    said = f"expected {wanted} at {_after(breached)}, and "
    return said + (f"a person is asked: {why}" if why else "the rollback starts by itself")


def _why_not(round_: Round, story: _Story) -> str:
    if story.passed is not None:
        return f"the watch passed at {_after(story.passed)}"
    if round_.now > story.over:
        return f"the watch was over at {duration_text(story.over - DEPLOYED)}"
    return "no rule that can act breached"


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


def _changes(story: _Story, rules: Sequence[Rule]) -> Iterator[Told]:
    for name in (None, *(rule.id for rule in rules)):
        said = [(round_, _outcome(round_.judgement, name)) for round_ in story.played]
        changed = [said[0], *(now for before, now in pairwise(said) if now[1] is not before[1])]
        for round_, outcome in changed:
            yield Told(round_.now - DEPLOYED, name, outcome, _words(round_, name))
    if story.passed is not None:
        how = "proven well" if story.passed.judgement.proven else "its bake is over"
        yield Told(story.passed.now - DEPLOYED, None, End.PASSED, how)
