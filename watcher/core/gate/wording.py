"""What people read of the gate, and of freezes."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from watcher.core.freeze import ALL, Freeze, Frozen
from watcher.core.gate.deciding import Because
from watcher.core.gate.passage import Passage, Passing
from watcher.core.watch import Button, Notice, Tone
from watcher.core.wording.figures import all_said, moment

_ASKED = "gate.asked"
MOST_NAMES = 10  # as many as one reads
# Refusals that a team wants to hear of, though a pipeline hears them too: what came back, and what a person is missed for.
_TOLD = frozenset({Because.QUARANTINED, Because.UNANSWERED, Because.DECLINED})


def notices(before: Passage | None, after: Passage, now: datetime) -> Iterable[Notice]:
    """What people are told of a change; nothing, where nobody is needed and nothing was passed over."""
    if after.state is Passing.OPEN:
        if after.question_at is not None and (before is None or before.question_at != after.question_at):
            yield _asked(after, now)
        return
    if after.because is Because.APPROVED or (
        after.state is Passing.PASSED and after.because is Because.HOTFIX
    ):
        yield _passed(after, now)
    elif after.state is Passing.REFUSED and (after.because in _TOLD or after.question_at is not None):
        yield _refused(after, now)


def _asked(passage: Passage, now: datetime) -> Notice:
    expires = moment(passage.expires_at, now) if passage.expires_at else "it ends"
    return _notice(
        passage,
        f"may {passage.candidate.words} be deployed? A person is needed: {passage.words}",
        (
            f"Asked by {passage.by}. Unanswered by {expires} it is refused, and its pipeline ends",
            *passage.notes,
        ),
        _ASKED,
        now,
        Tone.ALARM,
        (
            Button("Let it pass", at_gate="approve"),
            Button("Refuse it", at_gate="refuse"),
        ),
    )


def _passed(passage: Passage, now: datetime) -> Notice:
    event = "gate.hotfix" if passage.because is Because.HOTFIX else "gate.approved"
    asked = f"Asked by {passage.by}"
    if passage.because is Because.HOTFIX and passage.hotfix_by != passage.by:
        asked += f"; that it is a hotfix says {passage.hotfix_by}"
    if passage.decision is not None and passage.decision.by == passage.by:
        asked += ", and approved by the same: nobody else looked at it"
    return _notice(passage, passage.words, (asked, *passage.notes), event, now)


def _refused(passage: Passage, now: datetime) -> Notice:
    line = f"Asked by {passage.by}"
    if passage.because is Because.QUARANTINED:
        line += f". It was not deployed. To let it: `rollbackd allow … --service {passage.service}`, then ask again"
    elif passage.because is Because.UNANSWERED:
        line += ". Whoever answers now answers for the next asking"
    buttons = (Button("Let it pass after all", at_gate="approve"),) if passage.question_at else ()
    return _notice(
        passage,
        f"{passage.candidate.words} is refused before it is out: {passage.words}",
        (line, *passage.notes),
        "gate.refused",
        now,
        Tone.NOTE,
        buttons,
    )


def _notice(
    passage: Passage,
    headline: str,
    lines: tuple[str, ...],
    event: str,
    now: datetime,
    tone: Tone = Tone.NOTE,
    buttons: tuple[Button, ...] = (),
) -> Notice:
    head, rest = all_said(f"{passage.service} · {passage.environment}: {headline}", lines)
    return Notice(
        headline=head,
        lines=rest,
        buttons=buttons,
        tone=tone,
        event=event,
        service=passage.service,
        environment=passage.environment,
        at=now,
        facts={
            "gate": passage.id,
            "state": passage.state.value,
            "answer": passage.answer.value,
            "because": passage.because.value,
            "tag": passage.candidate.words,
            "asked_by": passage.by,
            "question": passage.question,
            **({"answered_by": passage.decision.by} if passage.decision else {}),
        },
    )


def freeze_announced(freeze: Freeze, now: datetime) -> Notice:
    """Somebody ordered a freeze."""
    begins = f"from {moment(freeze.start, now)} " if freeze.start > now else ""
    return _of_freeze(
        freeze,
        f"nothing is to be deployed {begins}until {moment(freeze.end, now)}, by {freeze.by}: {freeze.reason}",
        ("The gate lets nothing pass but a hotfix. What runs is watched as ever, and rolled back as ever",),
        "freeze.ordered",
        now,
    )


def window_announced(frozen: Frozen, services: Sequence[tuple[str, str]], now: datetime) -> Notice:
    """A freeze that comes again has begun, of *services* whose people are told in one place."""
    first = services[0]
    freeze = Freeze(frozen.by, *first, frozen.by, frozen.reason, frozen.start, frozen.until)
    notice = freeze_announced(freeze, now)
    if len(services) == 1:
        return notice
    more = f"{where(freeze)} and {len(services) - 1} more"
    names = ", ".join(f"{service} · {environment}" for service, environment in services[:MOST_NAMES])
    rest = f" and {len(services) - MOST_NAMES} more" if len(services) > MOST_NAMES else ""
    headline = notice.headline.replace(where(freeze), more, 1)
    return replace(notice, headline=headline, lines=(*notice.lines, f"Of {names}{rest}"))


def thaw_announced(freeze: Freeze, by: str, now: datetime) -> Notice:
    """It was ended before its time."""
    return _of_freeze(freeze, f"deployments pass again, by {by}", (), "freeze.lifted", now)


def _of_freeze(freeze: Freeze, headline: str, lines: tuple[str, ...], event: str, now: datetime) -> Notice:
    head, rest = all_said(f"{where(freeze)}: {headline}", lines)
    return Notice(
        headline=head,
        lines=rest,
        tone=Tone.NOTE,
        event=event,
        service=freeze.service,
        environment=freeze.environment,
        at=now,
        facts={
            "freeze": freeze.id,
            "by": freeze.by,
            "reason": freeze.reason,
            "until": freeze.end.isoformat(),
        },
    )


def where(freeze: Freeze) -> str:
    """Of which services, for people."""
    if freeze.service == ALL and freeze.environment == ALL:
        return "all services"
    service = "all services" if freeze.service == ALL else freeze.service
    environment = "everywhere" if freeze.environment == ALL else freeze.environment
    return f"{service} · {environment}"
