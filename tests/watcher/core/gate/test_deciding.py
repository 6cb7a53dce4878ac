"""What the gate says."""

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import NOON, a_watch, hours, minutes
from tests.watcher.core.gate.builders import (
    AFTER_STAGING,
    DIGEST,
    LATELY,
    PASSED,
    QUESTIONS,
    STAGED,
    V43,
    a_decision,
    a_freeze,
    a_ledger,
    a_mark,
    a_release,
    an_ending,
    an_entry,
    says,
    staging,
)
from watcher.core.gate import BY_HOTFIX, TROUBLED, Answer, Because, Candidate
from watcher.core.service import Approval, Gating, Look, Returning
from watcher.core.watch import State
from watcher.core.wording.figures import said

QUARANTINED = a_ledger(an_entry(a_release("v42", version="4.2"), quarantined=a_mark()))
UNPROVEN = staging(an_ending(STAGED, "unproven"))
FAILED = staging(an_ending(STAGED, "rolled_back", breached=True))
UNSEEN = staging(entries=())


def short(told):
    return told.answer, told.because


def test_what_passed_in_staging_may_be_deployed():
    told = says(before=(PASSED,))

    assert short(told) == (Answer.PASS, Because.CLEAR)
    assert told.words == "v43 may be deployed"


def test_without_a_policy_only_what_is_known_to_be_bad_is_kept_out():
    assert short(says(Candidate("v1"))) == (Answer.PASS, Because.CLEAR)


@pytest.mark.parametrize(
    "asked",
    [
        Candidate("v42"),
        Candidate("checkout:77", names={"digest": DIGEST}),
        Candidate("v99", names={"version": "4.2"}),
        Candidate(fingerprint="sha256:v42-here"),
        Candidate("v42", fingerprint="build-12"),
    ],
)
def test_a_quarantined_release_is_refused_by_whatever_name_it_comes(asked):
    told = says(asked, ledgers=(QUARANTINED,), before=())

    assert short(told) == (Answer.REFUSE, Because.QUARANTINED)
    assert "quarantined since 11:00:00 UTC: it failed 5 % of requests" in said(told.words)


IMAGE_LIST = "sha256:" + "6" * 64  # of all platforms: what a registry tells, and no platform


@pytest.mark.parametrize(
    "asked",
    [
        Candidate("v42", names={"digest": IMAGE_LIST}),
        Candidate(names={"version": "4.2", "digest": IMAGE_LIST}),
        Candidate(names={"digest": f"shop/checkout@{DIGEST}"}),
        Candidate(names={"digest": DIGEST.upper()}),
        Candidate(fingerprint=DIGEST.removeprefix("sha256:")),
    ],
)
def test_a_digest_that_nobody_has_seen_or_that_is_written_otherwise_clears_no_quarantined_name(asked):
    assert short(says(asked, ledgers=(QUARANTINED,))) == (Answer.REFUSE, Because.QUARANTINED)


def test_a_tag_that_was_moved_passes_by_a_content_that_is_known_and_not_by_the_tag_alone():
    moved = a_release("v42", "sha256:v42-staging", digest=IMAGE_LIST)
    before = (staging(an_ending(moved), entries=(an_entry(moved),)),)
    by_content = Candidate("v42", names={"digest": IMAGE_LIST})

    assert says(by_content, ledgers=(QUARANTINED,), before=before).answer is Answer.PASS
    assert says(Candidate("v42"), ledgers=(QUARANTINED,), before=before).because is Because.QUARANTINED


def test_a_name_that_goes_from_release_to_release_says_nothing_of_a_new_one():
    latest = a_ledger(
        an_entry(a_release("svc:1", image_tag="latest", digest=IMAGE_LIST)),
        an_entry(a_release("svc:2", image_tag="latest"), quarantined=a_mark()),
    )
    new = Candidate("latest", names={"digest": "sha256:" + "7" * 64})

    assert says(new, ledgers=(latest,)).answer is Answer.PASS
    assert says(Candidate("latest"), ledgers=(latest,)).because is Because.QUARANTINED


def test_the_fingerprint_of_one_part_clears_no_other_part():
    worker = a_ledger(an_entry(a_release("v42", "sha256:worker"), quarantined=a_mark()), part="worker")
    asked = Candidate("v42", "sha256:api")

    told = says(asked, ledgers=(a_ledger(an_entry(a_release("v42", "sha256:api")), part="api"), worker))
    assert told.because is Because.QUARANTINED


def test_what_a_person_distrusts_is_refused_as_what_was_rolled_back():
    ledger = a_ledger(an_entry(allowed=a_mark(), distrusted=a_mark(LATELY, "it loses orders")))
    told = says(ledgers=(ledger,), hotfix="now")

    assert short(told) == (Answer.REFUSE, Because.QUARANTINED)
    assert said(told.words) == "v43 is distrusted since 11:50:00 UTC: it loses orders"


def test_it_is_said_which_release_it_is_that_comes_under_another_name():
    told = says(Candidate("v99", names={"digest": DIGEST}), ledgers=(QUARANTINED,))

    assert said(told.words).startswith("v99 is v42, which is quarantined")


def test_a_person_may_be_asked_about_a_quarantined_one():
    policy = Gating(quarantined=Returning.ASK)
    asked = Candidate("v42", names={"digest": DIGEST})
    before = a_decision(candidate=asked, covers=QUESTIONS, at=-hours(2))
    after = a_decision(candidate=asked, covers=QUESTIONS)

    assert short(says(asked, policy, ledgers=(QUARANTINED,))) == (Answer.ASK, Because.QUARANTINED)
    old = says(asked, policy, ledgers=(QUARANTINED,), decisions=(before,))
    assert short(old) == (Answer.ASK, Because.QUARANTINED)
    assert "it was approved before that" in old.words
    assert says(asked, policy, ledgers=(QUARANTINED,), decisions=(after,)).because is Because.APPROVED


def test_the_same_image_with_settings_that_are_known_to_be_others_is_another_release():
    ledger = a_ledger(
        an_entry(a_release("v42"), quarantined=a_mark()), an_entry(a_release("v43", "sha256:mended"))
    )

    assert says(Candidate("v43", "sha256:mended"), ledgers=(ledger,)).answer is Answer.PASS
    assert says(Candidate(names={"digest": DIGEST}), ledgers=(ledger,)).answer is Answer.REFUSE


@pytest.mark.parametrize(
    ("before", "answer", "because", "words"),
    [
        (FAILED, Answer.REFUSE, Because.FAILED, "staging: v43 ended rolled back there"),
        (UNPROVEN, Answer.ASK, Because.UNPROVEN, "staging: the watch of v43 ended unproven"),
        (UNSEEN, Answer.WAIT, Because.UNSEEN, "staging: v43 was never seen"),
    ],
)
def test_what_did_not_pass_in_staging_does_not_pass_by_itself(before, answer, because, words):
    told = says(before=(before,))

    assert short(told) == (answer, because)
    assert told.words == words


def test_what_was_never_seen_is_waited_for_a_while_and_then_refused():
    first = says(before=(UNSEEN,), asked_at=NOON)
    later = says(before=(UNSEEN,), asked_at=NOON, now=NOON + minutes(15))

    assert (first.answer, first.until) == (Answer.WAIT, NOON + minutes(15))
    assert short(later) == (Answer.REFUSE, Because.UNSEEN)


def test_what_is_watched_in_staging_is_waited_for():
    living = a_watch(environment="staging", opened_at=NOON - minutes(18), complete_at=NOON - minutes(18))
    told = says(Candidate("v43"), before=(staging(entries=(), living=living),))

    assert short(told) == (Answer.WAIT, Because.WATCHED)
    assert told.words == "staging: v43 is still watched, 12 min more"
    assert told.until == NOON + minutes(12)


def test_a_freeze_lets_nothing_pass_until_it_is_over():
    told = says(freezes=(a_freeze(),))

    assert short(told) == (Answer.WAIT, Because.FROZEN)
    assert said(told.words) == "frozen until 14:00:00 UTC, by olga: the sale"
    assert told.until == NOON + hours(2)
    assert says(freezes=(a_freeze(),), now=NOON + hours(2)).answer is Answer.PASS


def test_a_hotfix_passes_a_freeze_and_what_comes_before_and_says_what_it_passed_over():
    told = says(hotfix="payments are down", freezes=(a_freeze(),), before=(UNPROVEN,))

    assert short(told) == (Answer.PASS, Because.HOTFIX)
    assert told.words == "v43 passes as a hotfix: payments are down"
    assert [said(each) for each in told.notes] == [
        "passed over by the hotfix: frozen until 14:00:00 UTC, by olga: the sale",
        "passed over by the hotfix: staging: the watch of v43 ended unproven",
    ]


def test_a_hotfix_that_passes_over_nothing_is_a_deployment_like_any():
    assert says(hotfix="payments are down").because is Because.CLEAR


def test_a_hotfix_is_not_what_a_person_refused_nor_what_is_quarantined():
    assert says(hotfix="now", decisions=(a_decision(approved=False),)).because is Because.DECLINED
    assert says(V43, hotfix="now", ledgers=(QUARANTINED,)).because is Because.QUARANTINED


@pytest.mark.parametrize("state", State)
def test_while_the_release_before_is_in_trouble_nothing_is_deployed_over_it(state):
    told = says(living=a_watch(state))

    assert (told.answer is Answer.WAIT) is (state in TROUBLED)
    if state in TROUBLED:
        assert told.words == f"v43 is {state.words}: w_1"
        assert told.until is None
        assert says(living=a_watch(state), hotfix="now").because is Because.BUSY


@pytest.mark.parametrize(
    ("looks", "words"),
    [
        ([Look.SMOKE], "staging: v43 passed, and no smoke suite and no probe looks at it there"),
        ([Look.TASKS], "staging: v43 passed, and no rule looks at its tasks there"),
        (
            [Look.SMOKE, Look.TASKS],
            "staging: v43 passed, and no smoke suite and no probe looks at it and no rule looks at its tasks there",
        ),
    ],
)
def test_what_passed_where_nobody_uses_it_or_sees_its_tasks_is_asked_about(looks, words):
    policy = replace(AFTER_STAGING, unlooked=tuple(("staging", look) for look in looks))
    told = says(policy=policy, before=(PASSED,))

    assert short(told) == (Answer.ASK, Because.UNLOOKED)
    assert told.words == words
    assert short(says(policy=policy, before=(FAILED,)))[0] is Answer.REFUSE
    assert says(policy=policy, before=(PASSED,), hotfix="payments are down").because is Because.HOTFIX
    approved = a_decision(covers={Because.UNLOOKED})
    assert short(says(policy=policy, before=(PASSED,), decisions=(approved,))) == (
        Answer.PASS,
        Because.APPROVED,
    )


def test_where_a_person_approves_each_release_what_looks_at_it_before_is_theirs_to_know():
    policy = replace(AFTER_STAGING, approval=Approval.PERSON, unlooked=(("staging", Look.SMOKE),))

    assert [each.because for each in says(policy=policy, before=(PASSED,)).reasons] == [Because.APPROVAL]


def test_a_person_approves_each_release_where_that_is_wanted():
    policy = Gating(approval=Approval.PERSON)
    approved = a_decision(covers={Because.APPROVAL}, why="looks good")

    assert short(says(policy=policy)) == (Answer.ASK, Because.APPROVAL)
    told = says(policy=policy, decisions=(approved,))
    assert short(told) == (Answer.PASS, Because.APPROVED)
    assert told.words == "v43 passes: olga approved it: looks good"


def test_nobody_is_asked_while_one_has_to_wait_anyway():
    told = says(before=(UNPROVEN,), freezes=(a_freeze(),))

    assert told.answer is Answer.WAIT
    assert [each.answer for each in told.reasons] == [Answer.WAIT, Answer.ASK]


def test_of_two_that_are_waited_for_the_later_counts_and_of_one_that_nobody_knows_none():
    later = a_freeze(id="f_2", end=hours(3))

    assert says(freezes=(a_freeze(), later)).until == NOON + hours(3)
    assert says(freezes=(a_freeze(),), living=a_watch(State.STUCK)).until is None


def test_an_approval_is_for_what_was_asked_about_and_for_this_content_alone():
    approved = a_decision(covers={Because.UNPROVEN})
    other = a_decision(candidate=Candidate("v43", names={"digest": "sha256:5"}), covers=QUESTIONS)
    tagged = a_decision(candidate=Candidate("v43"), covers=QUESTIONS)
    person = Gating(after=("staging",), approval=Approval.PERSON)

    assert says(before=(UNPROVEN,), decisions=(approved,)).because is Because.APPROVED
    assert says(policy=person, before=(UNPROVEN,), decisions=(approved,)).answer is Answer.ASK
    assert says(before=(UNPROVEN,), decisions=(other,)).answer is Answer.ASK
    assert says(before=(UNPROVEN,), decisions=(tagged,)).answer is Answer.ASK, "tags move"
    assert says(freezes=(a_freeze(),), decisions=(approved,)).answer is Answer.WAIT


def test_the_last_word_counts():
    no, yes = a_decision(approved=False, why="not today"), a_decision(covers=QUESTIONS, at=-minutes(1))

    told = says(before=(UNPROVEN,), decisions=(no,))
    assert short(told) == (Answer.REFUSE, Because.DECLINED)
    assert told.words == "olga refused v43: not today"
    assert says(before=(UNPROVEN,), decisions=(no, yes)).answer is Answer.PASS


def test_that_nothing_would_be_rolled_back_is_said_beside_the_answer():
    assert says(disarmed="disarmed by olga: database work").notes == (
        "disarmed by olga: database work: nothing would be rolled back by itself",
    )


LEDGERS = st.sampled_from([(), (QUARANTINED,), (a_ledger(an_entry()),)])
BEFORE = st.lists(st.sampled_from([PASSED, UNPROVEN, FAILED, UNSEEN]), max_size=2).map(tuple)
NAMED = st.builds(
    Candidate,
    st.sampled_from(["v42", "v43", None]),
    st.sampled_from([None, DIGEST, "build-1", "sha256:v42-here"]),
    st.sampled_from([{}, {"digest": DIGEST}, {"version": "4.2"}]),
).filter(lambda asked: asked.tag or asked.fingerprint or asked.names)
DECISIONS = st.lists(
    st.builds(
        a_decision,
        st.booleans(),
        candidate=NAMED,
        covers=st.frozensets(st.sampled_from(sorted(QUESTIONS))),
        at=st.sampled_from([-hours(2), -minutes(5)]),
    ),
    max_size=2,
).map(tuple)
POLICIES = st.builds(Gating, approval=st.sampled_from(Approval), quarantined=st.sampled_from(Returning))


@given(
    asked=NAMED,
    policy=POLICIES,
    before=BEFORE,
    ledgers=LEDGERS,
    decisions=DECISIONS,
    frozen=st.booleans(),
    living=st.sampled_from([None, *State]),
    hotfix=st.sampled_from(["", "now"]),
)
def test_nothing_frozen_or_quarantined_passes_without_the_word_that_is_for_it(
    asked, policy, before, ledgers, decisions, frozen, living, hotfix
):
    facts = {
        "ledgers": ledgers,
        "before": before,
        "decisions": decisions,
        "freezes": (a_freeze(),) if frozen else (),
        "living": a_watch(living) if living else None,
        "asked_at": NOON - hours(1),
    }
    told = says(asked, policy, hotfix=hotfix, **facts)
    quarantined = ledgers == (QUARANTINED,) and says(asked, ledgers=ledgers).answer is Answer.REFUSE

    assert told == says(asked, policy, hotfix=hotfix, **facts), "the same facts give the same answer"
    if told.answer is not Answer.PASS:
        assert told.reasons[0].because is told.because
        assert told.words
        return
    if frozen:
        assert hotfix
    if quarantined:
        assert policy.quarantined is Returning.ASK
        assert any(each.approved and Because.QUARANTINED in each.covers for each in decisions)
    if any(each is not PASSED for each in before) or policy.approval is Approval.PERSON:
        assert hotfix or told.because is Because.APPROVED
    if living is not None:
        assert living not in TROUBLED


def test_what_a_hotfix_passes_over_is_neither_quarantine_nor_a_persons_no():
    assert not BY_HOTFIX & {Because.QUARANTINED, Because.DECLINED, Because.BUSY}
    assert all(
        says(policy=AFTER_STAGING, before=(each,), hotfix="now", freezes=freezes).answer is Answer.PASS
        for each, freezes in product((PASSED, UNPROVEN, FAILED, UNSEEN), ((), (a_freeze(),)))
    )
