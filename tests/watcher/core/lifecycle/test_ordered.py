"""What people say."""

import pytest

from deploy.tags import Grade
from tests.builders import (
    NOON,
    a_back,
    a_breach,
    a_policy,
    a_question,
    a_release,
    a_watch,
    an_order,
    hours,
    minutes,
    some_facts,
)
from tests.watcher.core.taken import judged, ordered
from watcher.core.service import Asking, Mode
from watcher.core.watch import (
    Armed,
    Below,
    Doubtful,
    NoOpenAction,
    NotQuarantined,
    OrderKind,
    Quarantine,
    State,
)
from watcher.errors import OrderIncomplete, OrderRefused


def told(watch, kind, target=None, now=NOON, facts=None, **order):
    return ordered(watch, an_order(kind, **order), now, facts or some_facts(), target)


# ----------------------------------------------------------------------------------------------------------------- hold


@pytest.mark.parametrize("state", [State.WATCHING, State.COUNTING_DOWN, State.ASKING])
def test_hold_pauses_for_a_quarter_of_an_hour(state):
    step = told(a_watch(state), OrderKind.HOLD)

    assert step.watch.state is State.HELD
    assert step.watch.hold.until == NOON + minutes(15)
    assert (step.watch.hold.by, step.watch.hold.reason) == ("olga", "I looked")
    assert (step.by, step.why) == ("olga", "I looked")
    assert step.watch.countdown_until is None
    assert step.watch.question is None


def test_hold_lasts_as_long_as_one_says_but_a_day_at_most():
    assert told(a_watch(), OrderKind.HOLD, lasting=hours(2)).watch.hold.until == NOON + hours(2)
    assert told(a_watch(), OrderKind.HOLD, lasting=hours(30)).watch.hold.until == NOON + hours(24)


def test_a_hold_that_is_prolonged_ends_a_day_after_it_began():
    longer = told(a_watch(State.HELD), OrderKind.HOLD, lasting=hours(24), now=NOON + hours(3))

    assert longer.watch.hold.since == NOON - minutes(1)
    assert longer.watch.hold.until == NOON - minutes(1) + hours(24)


def test_a_hold_of_no_time_at_all_ends_now():
    assert told(a_watch(), OrderKind.HOLD, lasting=-hours(1)).watch.hold.until == NOON
    assert told(a_watch(State.HELD), OrderKind.HOLD, now=NOON + hours(30)).watch.hold.until == NOON + hours(
        30
    )


def test_hold_keeps_what_is_known_of_the_breach():
    watch = a_watch(State.COUNTING_DOWN)

    assert told(watch, OrderKind.HOLD).watch.breach == watch.breach


def test_resume_watches_on_and_a_latched_breach_is_decided_at_once():
    held = a_watch(State.HELD, breach=a_watch(State.ASKING).breach)

    step = told(held, OrderKind.RESUME)

    assert step.watch.state is State.WATCHING
    assert step.watch.due_at == NOON
    assert judged(step.watch, a_breach(), "", NOON, some_facts()).watch.state is State.ROLLING_BACK


# ------------------------------------------------------------------------------------------------------- pass and keep


@pytest.mark.parametrize("state", [State.WATCHING, State.COUNTING_DOWN, State.ASKING, State.HELD])
def test_pass_ends_it_by_a_persons_word(state):
    step = told(a_watch(state), OrderKind.PASS)

    assert step.watch.state is State.PASSED
    assert step.watch.ending.by == "olga"
    assert step.watch.ending.words == "passed by the word of olga: I looked"
    assert step.quarantines == ()


def test_pass_lifts_a_quarantine():
    step = told(a_watch(returning="it failed"), OrderKind.PASS)

    assert step.quarantines == (Quarantine("service", "sha256:v43", "v43 passed", lift=True),)


@pytest.mark.parametrize("state", [State.COUNTING_DOWN, State.ASKING, State.STUCK])
def test_keep_ends_it_where_it_is(state):
    step = told(a_watch(state), OrderKind.KEEP)

    assert step.watch.state is State.KEPT
    assert step.watch.ending.by == "olga"
    assert step.quarantines == ()


def test_keep_of_what_is_stuck_says_that_it_was_not_rolled_back():
    step = told(a_watch(State.STUCK), OrderKind.KEEP, reason="")

    assert step.watch.ending.words == (
        "v43 was not rolled back: the rollback to v42 did not finish, and olga took over"
    )


def test_keep_in_answer_to_the_blind_ends_unproven_for_nothing_was_seen():
    watch = a_watch(State.ASKING, question=a_question(because=(Doubtful.BLIND,)), breach=None)

    step = told(watch, OrderKind.KEEP)

    assert step.watch.state is State.UNPROVEN
    assert step.watch.ending.words == "kept by olga, though it could not be judged: I looked"


def test_keep_without_a_breach_is_refused_for_there_is_nothing_to_put_up_with():
    with pytest.raises(OrderRefused, match="cannot keep a watch that is watching") as refusal:
        told(a_watch(), OrderKind.KEEP)

    assert refusal.value.remedy == "allowed now: hold, pass, roll_back"


def test_in_shadow_a_breach_may_be_kept_by_a_person():
    watch = a_watch(policy=a_policy(Mode.SHADOW), breach=a_watch(State.ASKING).breach)

    assert told(watch, OrderKind.KEEP).watch.ending.words == "v43 stays, by order of olga: I looked"


# ------------------------------------------------------------------------------------------------------------- ask again


def test_a_question_can_be_put_off():
    step = told(a_watch(State.ASKING), OrderKind.ASK_AGAIN)

    assert step.watch.state is State.ASKING
    assert step.watch.question.again_at == NOON + minutes(15)
    assert step.watch.question.expires_at == NOON + minutes(75)
    assert step.watch.question.because == a_question().because
    assert step.watch.due_at <= NOON + minutes(15)


def test_it_can_be_put_off_for_as_long_as_one_says_and_a_day_at_most():
    watch = a_watch(State.ASKING, policy=a_policy(asking=Asking(lasting=minutes(5))))

    step = told(watch, OrderKind.ASK_AGAIN, lasting=hours(48))

    assert step.watch.question.again_at == NOON + hours(24)
    assert step.watch.question.expires_at == NOON + hours(24) + minutes(5)


# ------------------------------------------------------------------------------------------------------------- roll back


@pytest.mark.parametrize(
    "state", [State.WATCHING, State.COUNTING_DOWN, State.ASKING, State.HELD, State.STUCK]
)
def test_a_person_may_roll_back_and_is_bound_neither_by_the_switch_nor_by_ceilings(state):
    step = told(a_watch(state), OrderKind.ROLL_BACK)

    assert step.watch.state is State.ROLLING_BACK
    assert step.watch.ordered_by == step.actions[0].ordered_by == "olga"
    assert step.requires == {
        NoOpenAction("checkout", "production"),
        NotQuarantined("checkout", "production", "service", "sha256:v42"),
    }
    assert not any(isinstance(guard, Armed | Below) for guard in step.requires)


def test_a_release_that_a_person_rolled_back_may_not_come_back_unnoticed_either():
    step = told(a_watch(), OrderKind.ROLL_BACK)

    assert step.quarantines == (Quarantine("service", "sha256:v43", "rolled back by olga"),)


def test_a_person_may_go_past_a_floor_and_across_many_releases():
    facts = some_facts(way_back=a_back("v38", floor=True, crosses=9))

    assert told(a_watch(), OrderKind.ROLL_BACK, facts=facts).watch.goes_to == "v38"


def test_in_shadow_a_person_may_roll_back():
    assert told(a_watch(policy=a_policy(Mode.SHADOW)), OrderKind.ROLL_BACK).actions


def test_a_person_may_name_where_to_go_back_to():
    back = a_back("v39", grade=Grade.UNKNOWN, crosses=3)

    step = told(a_watch(State.STUCK), OrderKind.ROLL_BACK, target=back, to="v39")

    assert step.watch.way_back == back
    assert step.watch.plan.moves[0].to == a_release("v39")
    assert NotQuarantined("checkout", "production", "service", "sha256:v39") in step.requires


@pytest.mark.parametrize(
    ("watch", "order", "target", "way_back", "words"),
    [
        (a_watch(), {}, None, None, "there is no known-good release to go back to"),
        (a_watch(), {"to": "v1"}, None, a_back(), "nobody knows a release 'v1'"),
        (a_watch(), {"to": "v43"}, a_back("v43"), a_back(), "v43 is what is to be undone"),
        (
            a_watch(
                deployment=a_watch().deployment.__class__(
                    "checkout", "production", a_watch().deployment.parts * 2, NOON, "queue"
                )
            ),
            {"to": "v41"},
            a_back("v41"),
            a_back(),
            "a deployment of 2 parts cannot go back to one release",
        ),
    ],
)
def test_an_order_that_lacks_what_it_needs_is_refused_with_a_remedy(watch, order, target, way_back, words):
    with pytest.raises(OrderIncomplete, match=words) as refusal:
        told(watch, OrderKind.ROLL_BACK, target=target, facts=some_facts(way_back=way_back), **order)

    assert refusal.value.remedy


def test_an_order_passes_while_it_is_disarmed_and_the_message_warns():
    facts = some_facts(armed=False, disarmed="disarmed by piet until 13:00: database work")

    step = told(a_watch(), OrderKind.ROLL_BACK, facts=facts)

    assert step.watch.state is State.ROLLING_BACK
    assert (
        "Although rollbackd is disarmed by piet until 13:00: database work: it starts nothing by itself, "
        "but olga ordered this"
    ) in step.messages[0].notice.lines


def test_an_order_without_a_reason_is_its_own():
    assert told(a_watch(), OrderKind.HOLD, reason="").why == "hold"
    assert told(a_watch(), OrderKind.ROLL_BACK, reason="").why == "roll_back"
