"""One release that asks to pass the gate, from the first asking to the answer. What is stored of it, and how it changes.

A passage is open while it waits or a person is asked, and ends passed or refused: none waits for ever. Whoever looks at it
looks at the facts of that moment; what a person said of it stays said, for this content and no other.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from watcher.core.gate.candidate import Candidate
from watcher.core.gate.deciding import Answer, Because, Decision, Gate, asks_about
from watcher.core.service import Gating
from watcher.core.watch import Message, Order, OrderKind
from watcher.core.wording.figures import said
from watcher.errors import OrderRefused


class Passing(StrEnum):
    """How far a passage is."""

    OPEN = "open"
    PASSED = "passed"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Passage:
    """One release that asks to pass.

    Attributes:
        revision: Grows by one with each change; the store refuses one that was made from another revision.
        candidate: What it was found to be.
        asked: What its pipeline called it: what a tag means may change while it waits, so it is found anew each time.
        by: Who asked.
        answer: What the gate said last, why, and until when that holds at least.
        hotfix: Why it is to pass a freeze, and what comes before; empty: it is none. *hotfix_by*: who says so.
        asked_at: Since when it asks.
        question_at: Since when a person is asked, until when, and about what.
        decision: What a person said of it.
    """

    id: str
    revision: int
    service: str
    environment: str
    candidate: Candidate
    by: str
    asked_at: datetime
    state: Passing = Passing.OPEN
    answer: Answer = Answer.WAIT
    because: Because = Because.CLEAR
    words: str = ""
    until: datetime | None = None
    notes: tuple[str, ...] = ()
    hotfix: str = ""
    hotfix_by: str = ""
    question_at: datetime | None = None
    expires_at: datetime | None = None
    asked_about: frozenset[Because] = frozenset()
    decision: Decision | None = None
    ended_at: datetime | None = None
    asked: Candidate | None = None  # in full; the same asks once at a time

    @property
    def named(self) -> Candidate:
        """As its pipeline named it."""
        return self.asked or self.candidate

    @property
    def key(self) -> tuple[str, str]:
        """(service, environment)."""
        return self.service, self.environment

    @property
    def is_decided(self) -> bool:
        """It will not change by itself any more."""
        return self.state is not Passing.OPEN

    @property
    def question(self) -> str:
        """Which question it is that a person is asked, so that an answer to an older one is known."""
        return self.question_at.isoformat() if self.question_at else ""

    @property
    def orders_allowed(self) -> tuple[OrderKind, ...]:
        """What a person may say of it now: an answer to what was asked, and another one than before; that it is a hotfix."""
        if self.state is Passing.OPEN:
            answers = () if self.question_at is None else (OrderKind.APPROVE, OrderKind.REFUSE)
            return answers if self.hotfix else (*answers, OrderKind.HOTFIX)
        if self.question_at is None:
            return ()
        approved = self.decision is not None and self.decision.approved
        may_pass = self.state is Passing.PASSED or approved
        return (OrderKind.REFUSE,) if may_pass else (OrderKind.APPROVE,)


@dataclass(frozen=True, slots=True)
class PassageStep:
    """One change of one passage. *before*: the revision that it was made from; 0: it begins to ask.

    Attributes:
        what: For the audit, by whom and why.
    """

    passage: Passage
    before: int
    what: str
    by: str
    why: str = ""
    messages: tuple[Message, ...] = ()


def looked(passage: Passage, told: Gate, policy: Gating, now: datetime) -> Passage:
    """*passage* as it is once the gate has *told* what it says now; the same one where nothing changed."""
    if passage.is_decided:
        return passage
    seen = _seen(passage, told, policy, now)
    if seen == passage:
        return passage
    return replace(seen, revision=passage.revision + 1)


def _seen(passage: Passage, told: Gate, policy: Gating, now: datetime) -> Passage:
    after = replace(
        passage,
        candidate=told.candidate,
        answer=told.answer,
        because=told.because,
        words=said(told.words),
        until=told.until,
        notes=tuple(said(each) for each in told.notes),
    )
    if told.answer in {Answer.PASS, Answer.REFUSE}:
        state = Passing.PASSED if told.answer is Answer.PASS else Passing.REFUSED
        return replace(after, state=state, until=None, ended_at=now)
    limit = passage.asked_at + policy.waits + (policy.asking if passage.question_at else timedelta(0))
    if now >= limit:
        return _over(after, Because.OVERDUE, f"waited for as long as one may: {after.words}", now)
    return after if told.answer is Answer.WAIT else _questioned(passage, after, asks_about(told), policy, now)


def _questioned(
    passage: Passage, after: Passage, about: frozenset[Because], policy: Gating, now: datetime
) -> Passage:
    """A person is asked: anew where it is about something else, or of something else."""
    is_other = passage.candidate.contents != after.candidate.contents
    if is_other or not about <= passage.asked_about or passage.expires_at is None:
        return replace(
            after,
            question_at=now,
            expires_at=now + policy.asking,
            asked_about=about,
            until=now + policy.asking,
        )
    if now >= passage.expires_at:
        return _over(after, Because.UNANSWERED, f"nobody answered in time: {after.words}", now)
    return replace(after, until=passage.expires_at)


def _over(passage: Passage, because: Because, words: str, now: datetime) -> Passage:
    return replace(
        passage,
        state=Passing.REFUSED,
        answer=Answer.REFUSE,
        because=because,
        words=words,
        until=None,
        ended_at=now,
    )


def unconfigured(passage: Passage, now: datetime) -> Passage:
    """Its service was taken out of the configuration: nobody says any more what must be so."""
    if passage.is_decided:
        return passage
    words = f"{passage.service} in {passage.environment} is not configured any more"
    return replace(_over(passage, Because.UNCONFIGURED, words, now), revision=passage.revision + 1)


def ordered(passage: Passage, order: Order, now: datetime) -> Passage:
    """*passage* with what a person said of it. What was approved, or is a hotfix now, may still have to wait: look again.

    Raises:
        OrderRefused: Nobody was asked, or that is what was said before.
    """
    if order.kind not in passage.orders_allowed:
        state = passage.state.value if passage.question_at else f"{passage.state.value}, and asks nobody"
        allowed = [each.value for each in passage.orders_allowed]
        raise OrderRefused(state, order.kind.value, allowed, what="what")
    if order.kind is OrderKind.HOTFIX:
        return replace(passage, revision=passage.revision + 1, hotfix=order.reason, hotfix_by=order.by)
    approved = order.kind is OrderKind.APPROVE
    decision = Decision(
        passage.candidate,
        approved,
        order.by,
        now,
        order.reason,
        passage.asked_about if approved else frozenset(),
    )
    after = replace(passage, revision=passage.revision + 1, decision=decision)
    why = f": {order.reason}" if order.reason else ""
    if not approved:
        words = f"{order.by} refused {passage.candidate.words}{why}"
        return _over(after, Because.DECLINED, words, now)
    if passage.is_decided:
        # Its pipeline has gone away with a no, and what stood against it may still: what is said now counts when it asks again.
        words = f"{order.by} approved {passage.candidate.words}{why}; ask again"
        return replace(after, because=Because.APPROVED, words=words)
    return after
