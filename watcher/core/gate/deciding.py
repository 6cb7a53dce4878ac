"""The gate before production: may this be deployed now? Facts in, an answer out.

What refuses comes before what waits, and what waits before what asks: nobody is asked for what may not be deployed yet
anyway. Nothing passes by a person's word but what that word was asked for; a freeze gives way to a hotfix alone, and a
quarantine to ``allow`` (or to a person who is asked about it, where the configuration says so).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from deploy.model import Release
from deploy.tags import Ledger
from watcher.core.freeze import Freeze, frozen
from watcher.core.gate.candidate import Candidate, contents, is_one, known_as, marked, may_be_one
from watcher.core.gate.trial import Before, Trial, Tried, tried
from watcher.core.service import Approval, Gating, Look, Returning
from watcher.core.watch import State, Watch
from watcher.core.wording.figures import moment


class Answer(StrEnum):
    """What the gate says."""

    PASS = "pass"
    WAIT = "wait"
    ASK = "ask"
    REFUSE = "refuse"


class Because(StrEnum):
    """Why it says so."""

    CLEAR = "clear"  # nothing stands against it
    APPROVED = "approved"  # a person let it pass
    HOTFIX = "hotfix"  # it passed a freeze, or what comes before, by a person's word
    QUARANTINED = "quarantined"  # it was rolled back here, or a person distrusts it
    DECLINED = "declined"  # a person refused it
    FAILED = "failed"  # it did not pass in an environment that comes before
    FROZEN = "frozen"
    WATCHED = "watched"  # it is still watched in an environment that comes before
    UNSEEN = "unseen"  # it was never seen there
    BUSY = "busy"  # the release before it is in trouble: its watch is not over
    UNPROVEN = "unproven"  # it neither passed nor failed there
    UNLOOKED = "unlooked"  # it passed there, and what has to look at it for that did not
    APPROVAL = "approval"  # a person has to approve every release
    UNANSWERED = "unanswered"  # nobody answered in time
    OVERDUE = "overdue"  # it waited for as long as one may
    UNCONFIGURED = "unconfigured"  # the service is not known any more


# What a hotfix passes: never a quarantine, never a person's refusal, never a service that is going back.
BY_HOTFIX = frozenset(
    {
        *(Because.FROZEN, Because.WATCHED, Because.UNSEEN, Because.UNPROVEN, Because.UNLOOKED),
        *(Because.FAILED, Because.APPROVAL),
    }
)
# States in which a watch is over soon, one way or the other, and in which another deployment would confuse what happens.
TROUBLED = frozenset(
    {State.COUNTING_DOWN, State.ASKING, State.HELD, State.ROLLING_BACK, State.STUCK, State.RECOVERING}
)
_BY_TRIAL = {
    Trial.FAILED: (Answer.REFUSE, Because.FAILED),
    Trial.UNPROVEN: (Answer.ASK, Because.UNPROVEN),
    Trial.WATCHED: (Answer.WAIT, Because.WATCHED),
}
_LOOKS = {
    Look.SMOKE: "no smoke suite and no probe looks at it",
    Look.TASKS: "no rule looks at its tasks",
}
_WORST_FIRST = (Answer.REFUSE, Answer.WAIT, Answer.ASK)


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person said of a release at this gate, and to which questions."""

    candidate: Candidate
    approved: bool
    by: str
    at: datetime
    why: str = ""
    covers: frozenset[Because] = frozenset()


@dataclass(frozen=True, slots=True)
class GateFacts:
    """What is known, looked up by whoever asks the gate.

    Attributes:
        ledgers: Of the service's parts, here.
        before: The environments that come before, as the policy names them.
        living: The watch of the service that lives here.
        decisions: What persons said at this gate, oldest first.
        asked_at: Since when it asks to pass.
        disarmed: By whom the daemon is disarmed, until when and why; empty if it is not.
    """

    ledgers: tuple[Ledger, ...] = ()
    before: tuple[Before, ...] = ()
    living: Watch | None = None
    freezes: tuple[Freeze, ...] = ()
    decisions: tuple[Decision, ...] = ()
    asked_at: datetime | None = None
    disarmed: str = ""


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that stands against it. *until*: when that may be otherwise, at the earliest."""

    answer: Answer
    because: Because
    words: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Gate:
    """What the gate says.

    Attributes:
        because: The first reason.
        words: All reasons of this answer, for people. Times in it are marked (`watcher.core.wording.figures.said`).
        until: Of a wait: when to look again, at the earliest; ``None``: nobody knows.
        reasons: Of every answer, the worst first.
        notes: What one should know beside it.
        candidate: With the content that it was found to have.
    """

    answer: Answer
    because: Because
    words: str
    candidate: Candidate
    until: datetime | None = None
    reasons: tuple[Reason, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _At:
    """Which gate, and when."""

    service: str
    environment: str
    policy: Gating
    now: datetime


def gate(
    service: str,
    environment: str,
    policy: Gating,
    asked: Candidate,
    facts: GateFacts,
    now: datetime,
    hotfix: str = "",
) -> Gate:
    """What the gate of a service says of what is to be deployed.

    Args:
        service: Its name.
        environment: Where.
        policy: What must be so before a deployment.
        asked: What is to be deployed.
        facts: What is known.
        now: When.
        hotfix: Why it passes a freeze and what comes before all the same; empty: it does not. Who may say so is asked elsewhere.
    """
    candidate = known_as(asked, _releases(facts))
    at = _At(service, environment, policy, now)
    found = [*_against(at, asked, candidate, facts)]
    passed_over = [each for each in found if hotfix and each.because in BY_HOTFIX]
    standing = [each for each in found if each not in passed_over]
    approval = _approval(asked, candidate, facts, standing)
    if approval is not None:
        standing = [each for each in standing if each.answer is not Answer.ASK]
    standing.sort(key=lambda each: _WORST_FIRST.index(each.answer))
    notes = _notes(facts, passed_over)
    if standing:
        return _stands(standing, candidate, notes)
    because, words = _passes(candidate, hotfix if passed_over else "", approval)
    return Gate(Answer.PASS, because, words, candidate, notes=notes)


def _releases(facts: GateFacts) -> list[Release]:
    own = [entry.release for ledger in facts.ledgers for entry in ledger.entries]
    return [*own, *(release for before in facts.before for release in before.releases)]


def _against(at: _At, asked: Candidate, candidate: Candidate, facts: GateFacts) -> Iterator[Reason]:
    """Everything that stands against it."""
    last = _last_word(candidate, facts.decisions)
    if last is not None and not last.approved:
        why = f": {last.why}" if last.why else ""
        yield Reason(Answer.REFUSE, Because.DECLINED, f"{last.by} refused {candidate.words}{why}")
    yield from _quarantined(at, asked, candidate, facts)
    holds = frozen(facts.freezes, at.policy.windows, at.service, at.environment, at.now)
    if holds is not None:
        words = f"frozen until {moment(holds.until, at.now)}, by {holds.by}: {holds.reason}"
        yield Reason(Answer.WAIT, Because.FROZEN, words, holds.until)
    for before in facts.before:
        reason = _tried(at, tried(candidate, before, at.now), facts)
        if reason is not None:
            yield reason
    if facts.living is not None and facts.living.state in TROUBLED:
        watch = facts.living
        yield Reason(Answer.WAIT, Because.BUSY, f"{watch.tag} is {watch.state.words}: {watch.id}")
    if at.policy.approval is Approval.PERSON:
        yield Reason(Answer.ASK, Because.APPROVAL, "a person approves each release")


def _quarantined(at: _At, asked: Candidate, candidate: Candidate, facts: GateFacts) -> Iterator[Reason]:
    """It was rolled back here, or a person distrusts it, by whatever name it comes again."""
    found = marked(asked, facts.ledgers, _releases(facts))
    if not found:
        return
    last = max(found, key=lambda each: each.mark.at)
    tag = last.release.tag
    answer = Answer.ASK if at.policy.quarantined is Returning.ASK else Answer.REFUSE
    known = f"{candidate.words} is {tag}, which" if candidate.words != tag else tag
    words = f"{known} is {last.word} since {moment(last.mark.at, at.now)}: {last.mark.why}"
    if asked.contents and not asked.contents & contents(last.release):
        words += ". The name is the same, and nobody has seen the content that is named: name it by the fingerprint it is known by"
    # A person who said yes before it was quarantined did not say it of this.
    if any(
        is_one(candidate, each.candidate) and each.approved and each.at < last.mark.at
        for each in facts.decisions
    ):
        words += "; it was approved before that"
    yield Reason(answer, Because.QUARANTINED, words)


def _tried(at: _At, result: Tried, facts: GateFacts) -> Reason | None:
    if result.trial is Trial.PASSED:
        return _unlooked(at.policy, result)
    if result.trial is Trial.UNSEEN:
        return _unseen(at, result, facts)
    answer, because = _BY_TRIAL[result.trial]
    return Reason(answer, because, result.words, result.until)


def _unlooked(policy: Gating, result: Tried) -> Reason | None:
    """It passed by rules of which none looks at what must be looked at, if it is to go on without a person."""
    lacks = [_LOOKS[look] for environment, look in policy.unlooked if environment == result.environment]
    if policy.approval is Approval.PERSON or not lacks:
        return None
    return Reason(Answer.ASK, Because.UNLOOKED, f"{result.words}, and {' and '.join(lacks)} there")


def _unseen(at: _At, result: Tried, facts: GateFacts) -> Reason:
    """It may just have been deployed there, and not be heard of yet."""
    since = facts.asked_at or at.now
    if at.now < since + at.policy.seen_within:
        return Reason(Answer.WAIT, Because.UNSEEN, result.words, since + at.policy.seen_within)
    return Reason(Answer.REFUSE, Because.UNSEEN, result.words)


def _last_word(candidate: Candidate, decisions: Sequence[Decision]) -> Decision | None:
    """What was said last. A refusal holds for all that it may be; an approval for what it was beyond doubt."""
    for each in sorted(decisions, key=lambda each: each.at, reverse=True):
        fits = is_one if each.approved else may_be_one
        if fits(candidate, each.candidate):
            return each
    return None


def _approval(
    asked: Candidate, candidate: Candidate, facts: GateFacts, standing: Sequence[Reason]
) -> Decision | None:
    """The word of a person that covers every question there is."""
    last = _last_word(candidate, facts.decisions)
    questions = {each.because for each in standing if each.answer is Answer.ASK}
    if last is None or not last.approved or not questions or not questions <= last.covers:
        return None
    if Because.QUARANTINED in questions and any(
        each.mark.at > last.at for each in marked(asked, facts.ledgers, _releases(facts))
    ):
        return None
    return last


def _notes(facts: GateFacts, passed_over: Sequence[Reason]) -> tuple[str, ...]:
    told = [f"passed over by the hotfix: {each.words}" for each in passed_over]
    if facts.disarmed:
        told.append(f"{facts.disarmed}: nothing would be rolled back by itself")
    return tuple(told)


def _stands(standing: Sequence[Reason], candidate: Candidate, notes: tuple[str, ...]) -> Gate:
    answer = standing[0].answer
    those = [each for each in standing if each.answer is answer]
    times = [each.until for each in those]
    until = max((each for each in times if each is not None), default=None)
    return Gate(
        answer,
        those[0].because,
        "; ".join(each.words for each in those),
        candidate,
        until=until if None not in times else None,
        reasons=tuple(standing),
        notes=notes,
    )


def _passes(candidate: Candidate, hotfix: str, approval: Decision | None) -> tuple[Because, str]:
    if hotfix:
        return Because.HOTFIX, f"{candidate.words} passes as a hotfix: {hotfix}"
    if approval is not None:
        why = f": {approval.why}" if approval.why else ""
        return Because.APPROVED, f"{candidate.words} passes: {approval.by} approved it{why}"
    return Because.CLEAR, f"{candidate.words} may be deployed"


def asks_about(told: Gate) -> frozenset[Because]:
    """What a person is asked about."""
    return frozenset(each.because for each in told.reasons if each.answer is Answer.ASK)
