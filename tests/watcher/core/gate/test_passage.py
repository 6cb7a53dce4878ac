"""What asks to pass, to its end; and what people are told of it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.builders import NOON, an_order, hours, minutes
from tests.watcher.core.gate.builders import (
    LONG,
    PASSED,
    STAGED,
    V43,
    a_freeze,
    a_ledger,
    a_mark,
    a_passage,
    a_release,
    an_ending,
    an_entry,
    says,
    staging,
)
from watcher.core.freeze import Freeze, Frozen
from watcher.core.gate import Answer, Because, Candidate, Passing, looked, ordered, unconfigured
from watcher.core.gate.wording import freeze_announced, notices, thaw_announced, window_announced
from watcher.core.service import Approval, Gating, Returning
from watcher.core.watch import OrderKind, Tone
from watcher.errors import OrderRefused

UNPROVEN = {"before": (staging(an_ending(STAGED, "unproven")),)}
POLICY = Gating(after=("staging",))


def seen(passage, now=NOON, policy=POLICY, **facts):
    return looked(passage, says(now=now, policy=policy, hotfix=passage.hotfix, **facts), policy, now)


def asked():
    return seen(a_passage(), **UNPROVEN)


def told(before, after, now=NOON):
    return list(notices(before, after, now))


def test_what_passed_is_over_and_nobody_is_told():
    after = seen(a_passage(), before=(PASSED,))

    assert (after.state, after.answer, after.revision) == (Passing.PASSED, Answer.PASS, 2)
    assert after.ended_at == NOON
    assert after.is_decided
    assert after.orders_allowed == ()
    assert told(a_passage(), after) == []
    assert seen(after, freezes=(a_freeze(),)) == after, "an answer stands"


def test_what_waits_says_until_when_and_changes_no_more_than_it_does():
    waits = seen(a_passage(), freezes=(a_freeze(),))

    assert (waits.state, waits.answer, waits.until) == (Passing.OPEN, Answer.WAIT, NOON + hours(2))
    assert waits.words == "frozen until 14:00:00 UTC, by olga: the sale"
    assert seen(waits, freezes=(a_freeze(),)) is waits
    assert told(a_passage(), waits) == []
    assert waits.orders_allowed == (OrderKind.HOTFIX,)


def test_nobody_waits_for_longer_than_a_day():
    long = (a_freeze(end=hours(60)),)
    waits = seen(a_passage(), freezes=long)
    over = seen(waits, now=NOON + hours(24), freezes=long)

    assert seen(waits, now=NOON + hours(24) - minutes(1), freezes=long).state is Passing.OPEN
    assert (over.state, over.because) == (Passing.REFUSED, Because.OVERDUE)
    assert over.words.startswith("waited for as long as one may: frozen until")


def test_a_person_is_asked_with_two_buttons():
    after = asked()
    (notice,) = told(a_passage(), after)

    assert (after.answer, after.expires_at) == (Answer.ASK, NOON + hours(8))
    assert notice.headline == (
        "checkout · production: may v43 be deployed? A person is needed: staging: the watch of v43 ended unproven"
    )
    assert notice.lines == (
        "Asked by token:ci. Unanswered by 20:00:00 UTC it is refused, and its pipeline ends",
    )
    assert [(each.label, each.at_gate) for each in notice.buttons] == [
        ("Let it pass", "approve"),
        ("Refuse it", "refuse"),
    ]
    assert notice.tone is Tone.ALARM
    assert notice.facts["gate"] == "g_1"
    assert notice.facts["question"] == NOON.isoformat()
    assert told(after, seen(after, now=NOON + minutes(1), **UNPROVEN)) == []


def test_an_approval_that_never_comes_ends_refused():
    before = asked()
    after = seen(before, now=NOON + hours(8), **UNPROVEN)
    (notice,) = told(before, after, NOON + hours(8))

    assert (after.state, after.because) == (Passing.REFUSED, Because.UNANSWERED)
    assert after.words == "nobody answered in time: staging: the watch of v43 ended unproven"
    assert notice.headline == f"checkout · production: v43 is refused before it is out: {after.words}"
    assert notice.lines[0] == "Asked by token:ci. Whoever answers now answers for the next asking"
    assert [each.at_gate for each in notice.buttons] == ["approve"]


def test_a_question_about_something_else_is_asked_anew_but_not_for_ever():
    before = asked()
    person = replace(POLICY, approval=Approval.PERSON)
    later = seen(before, now=NOON + hours(7), policy=person, **UNPROVEN)

    assert later.question_at == NOON + hours(7)
    assert len(told(before, later, NOON + hours(7))) == 1
    over = seen(later, now=NOON + hours(32), policy=person, before=(PASSED,))
    assert over.because is Because.OVERDUE


@pytest.mark.parametrize(
    ("kind", "state", "because"),
    [
        (OrderKind.APPROVE, Passing.PASSED, Because.APPROVED),
        (OrderKind.REFUSE, Passing.REFUSED, Because.DECLINED),
    ],
)
def test_a_persons_answer_is_the_answer(kind, state, because):
    before = asked()
    after = ordered(before, an_order(kind, reason="I looked"), NOON)
    after = seen(after, **UNPROVEN, decisions=(after.decision,)) if not after.is_decided else after
    (notice,) = told(before, after)

    assert (after.state, after.because) == (state, because)
    assert after.decision is not None
    assert after.decision.by == "olga"
    assert "olga" in notice.headline
    assert "I looked" in notice.headline
    assert notice.facts["answered_by"] == "olga"


def test_what_was_approved_waits_for_what_is_no_question():
    after = ordered(asked(), an_order(OrderKind.APPROVE), NOON)
    waits = seen(after, **UNPROVEN, decisions=(after.decision,), freezes=(a_freeze(),))

    assert waits.answer is Answer.WAIT
    assert seen(waits, now=NOON + hours(2), **UNPROVEN, decisions=(after.decision,)).state is Passing.PASSED


def test_who_answers_late_or_changes_their_mind_answers_for_the_next_asking():
    refused = seen(asked(), now=NOON + hours(8), **UNPROVEN)
    after = ordered(refused, an_order(OrderKind.APPROVE, reason="I looked"), NOON + hours(9))

    assert (after.state, after.because) == (Passing.REFUSED, Because.APPROVED)
    assert after.words == "olga approved v43: I looked; ask again"
    assert after.orders_allowed == (OrderKind.REFUSE,)
    assert after.decision is not None
    assert after.decision.covers == {Because.UNPROVEN}
    (notice,) = told(refused, after)
    assert (notice.event, notice.buttons) == ("gate.approved", ())
    taken_back = ordered(after, an_order(OrderKind.REFUSE), NOON + hours(10))
    assert taken_back.state is Passing.REFUSED
    assert len(told(after, taken_back)) == 1
    assert taken_back.orders_allowed == (OrderKind.APPROVE,)


def test_no_approval_lets_pass_what_was_quarantined_after_the_question():
    ledger = a_ledger(an_entry(quarantined=a_mark(minutes(1))))
    refused = seen(asked(), now=NOON + minutes(2), **UNPROVEN, ledgers=(ledger,))
    after = ordered(refused, an_order(OrderKind.APPROVE), NOON + minutes(3))

    assert refused.because is Because.QUARANTINED
    assert after.state is Passing.REFUSED


def test_a_question_is_asked_anew_of_another_content():
    before = asked()
    other = a_release("v43", "sha256:v43-staging-2", digest="sha256:5")
    moved = {"before": (staging(an_ending(other, "unproven"), entries=(an_entry(other),)),)}
    told_of = says(Candidate("v43"), POLICY, NOON + minutes(5), **moved)
    later = looked(before, told_of, POLICY, NOON + minutes(5))

    assert later.question != before.question
    assert len(told(before, later)) == 1


@pytest.mark.parametrize(
    ("passage", "kind", "says"),
    [
        (a_passage(), OrderKind.APPROVE, "cannot approve what is open, and asks nobody"),
        (a_passage(), OrderKind.HOLD, "cannot hold what is open"),
        (
            a_passage(state=Passing.PASSED, question_at=NOON),
            OrderKind.APPROVE,
            "cannot approve what is passed",
        ),
    ],
)
def test_what_nobody_was_asked_nobody_answers(passage, kind, says):
    with pytest.raises(OrderRefused, match=says):
        ordered(passage, an_order(kind), NOON)


def test_what_waits_already_is_made_a_hotfix_once_by_a_persons_word():
    waits = seen(a_passage(), freezes=(a_freeze(),))
    hot = ordered(waits, an_order(OrderKind.HOTFIX, reason="payments are down"), NOON)
    after = seen(hot, freezes=(a_freeze(),))
    (notice,) = told(waits, after)

    assert hot.orders_allowed == ()
    assert (after.state, after.because, after.by) == (Passing.PASSED, Because.HOTFIX, "token:ci")
    assert notice.lines[0] == "Asked by token:ci; that it is a hotfix says olga"
    with pytest.raises(OrderRefused, match="cannot hotfix what is passed"):
        ordered(after, an_order(OrderKind.HOTFIX, reason="again"), NOON)


def test_that_nobody_else_looked_at_it_is_said():
    before = replace(asked(), by="olga")
    approved = ordered(before, an_order(OrderKind.APPROVE), NOON)
    after = seen(approved, **UNPROVEN, decisions=(approved.decision,))

    assert told(before, after)[0].lines[0] == (
        "Asked by olga, and approved by the same: nobody else looked at it"
    )


def test_a_hotfix_is_told_and_says_what_it_passed_over():
    before = a_passage(hotfix="payments are down")
    after = seen(before, freezes=(a_freeze(),), **UNPROVEN)
    (notice,) = told(before, after)

    assert after.because is Because.HOTFIX
    assert notice.event == "gate.hotfix"
    assert notice.headline == "checkout · production: v43 passes as a hotfix: payments are down"
    assert notice.lines[1] == "passed over by the hotfix: frozen until 14:00:00 UTC, by olga: the sale"


def test_a_quarantined_release_that_comes_back_is_told_of_before_it_is_out():
    ledger = a_ledger(an_entry(a_release("v42"), quarantined=a_mark()))
    after = seen(a_passage(), ledgers=(ledger,), before=(PASSED,))
    (notice,) = told(a_passage(), after)

    assert after.state is Passing.REFUSED
    assert notice.headline == (
        "checkout · production: v43 is refused before it is out: v43 is v42, which is quarantined since 11:00:00 UTC:"
        " it failed 5 % of requests"
    )
    assert notice.lines[0].startswith("Asked by token:ci. It was not deployed. To let it: `rollbackd allow")
    assert notice.buttons == ()


def test_a_refusal_that_its_pipeline_hears_is_not_told_besides():
    failed = staging(an_ending(STAGED, "kept", breached=True))
    after = seen(a_passage(), before=(failed,))

    assert after.because is Because.FAILED
    assert told(a_passage(), after) == []


def test_a_service_that_is_not_configured_any_more_lets_nothing_pass():
    after = unconfigured(a_passage(), NOON)

    assert (after.state, after.because) == (Passing.REFUSED, Because.UNCONFIGURED)
    assert after.words == "checkout in production is not configured any more"
    assert unconfigured(after, NOON) is after


def test_it_never_stays_open_for_ever():
    person = Gating(approval=Approval.PERSON, quarantined=Returning.ASK)
    frozen = (a_freeze(end=timedelta(days=4000)),)
    for facts in ({}, {"freezes": frozen}, UNPROVEN):
        passage = a_passage()
        for hour in range(40):
            freezes = frozen if hour % 3 == 0 else facts.get("freezes", ())
            passage = seen(passage, now=NOON + hours(hour), policy=person, **(facts | {"freezes": freezes}))
        assert passage.is_decided, LONG
        assert passage.state is Passing.REFUSED


def test_a_freeze_is_announced_with_its_end_and_with_what_stays_on():
    notice = freeze_announced(
        Freeze("f_1", "*", "production", "olga", "the sale", NOON, NOON + hours(3)), NOON
    )

    assert notice.headline == (
        "all services · production: nothing is to be deployed until 15:00:00 UTC, by olga: the sale"
    )
    assert notice.lines == (
        "The gate lets nothing pass but a hotfix. What runs is watched as ever, and rolled back as ever",
    )
    later = freeze_announced(
        Freeze("f_1", "*", "*", "olga", "the sale", NOON + hours(1), NOON + hours(3)), NOON
    )
    assert later.headline.startswith(
        "all services: nothing is to be deployed from 13:00:00 UTC until 15:00:00"
    )
    thawed = thaw_announced(Freeze("f_1", "checkout", "*", "olga", "x", NOON, NOON), "bob", NOON)
    assert thawed.headline == "checkout · everywhere: deployments pass again, by bob"


def test_a_window_is_announced_once_for_all_its_services():
    span = Frozen("window:weekend", "nobody is there", NOON, NOON + hours(3))
    services = [(f"shop-{number}", "production") for number in range(12)]

    one = window_announced(span, services[:1], NOON)
    many = window_announced(span, services, NOON)

    assert one.headline == (
        "shop-0 · production: nothing is to be deployed until 15:00:00 UTC, by window:weekend: nobody is there"
    )
    assert many.headline.startswith("shop-0 · production and 11 more: nothing is to be deployed")
    assert many.lines[-1].startswith("Of shop-0 · production, shop-1 · production")
    assert many.lines[-1].endswith("shop-9 · production and 2 more")
    assert (
        window_announced(span, services[:2], NOON).lines[-1] == "Of shop-0 · production, shop-1 · production"
    )


def test_the_key_of_an_asking_is_all_its_names():
    assert V43.key == a_passage().named.key
    assert a_passage().key == ("checkout", "production")
