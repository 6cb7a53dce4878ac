"""The table itself: what every trigger does in every state, and that no state is a trap."""

import pytest

from deploy.model import Phase
from tests.builders import (
    NOON,
    a_back,
    a_blind_judgement,
    a_breach,
    a_judgement,
    a_live,
    a_watch,
    an_order,
    minutes,
    some_facts,
)
from tests.watcher.core.taken import due, happened, judged, ordered, progressed, recovered, refused, seen_live
from watcher.core.lifecycle import ORDERED, TABLE, Level, Trigger, orders_allowed
from watcher.core.watch import FINAL, TO_A_WATCH, ActionResult, ActionState, Armed, OrderKind, State
from watcher.errors import OrderRefused

FOREVER = NOON + minutes(10_000_000)


def test_every_state_is_in_the_table():
    assert set(TABLE) == set(State)


@pytest.mark.parametrize("state", State)
def test_the_final_states_are_those_that_nothing_leads_out_of(state):
    assert (not TABLE[state]) is state.is_final
    assert state.is_final is (state in FINAL)


@pytest.mark.parametrize("state", [state for state in State if not state.is_final])
def test_a_newer_deployment_ends_every_watch(state):
    assert TABLE[state][Trigger.NEWER_DEPLOYMENT].is_final


@pytest.mark.parametrize("state", State)
def test_from_every_state_an_end_can_be_reached(state):
    seen, ahead = set(), {state}
    while ahead:
        seen |= ahead
        ahead = {to for at in ahead for to in TABLE[at].values()} - seen

    assert seen & FINAL


def test_every_trigger_is_used():
    assert {trigger for leads in TABLE.values() for trigger in leads} == set(Trigger)


def test_every_order_to_a_watch_has_its_trigger():
    assert set(ORDERED) == TO_A_WATCH


@pytest.mark.parametrize("state", State)
def test_time_alone_ends_whatever_lives(state):
    if state.is_final:
        assert due(a_watch(state), FOREVER, some_facts()) is None
        return

    watch, steps = a_watch(state), 0
    while not watch.state.is_final:
        step = due(watch, FOREVER + steps * minutes(100_000), some_facts(way_back=None))
        assert step is not None, f"nothing ends {watch.state}"
        watch, steps = step.watch, steps + 1
        assert steps < 9, "it goes round"


@pytest.mark.parametrize("state", sorted(FINAL))
def test_nothing_happens_to_a_watch_that_has_ended(state):
    watch, facts = a_watch(state), some_facts()
    done = ActionResult(watch.action or "w_1.6.0", ActionState.DONE)
    attempted = judged(a_watch(), a_breach(), None, NOON, facts)

    assert attempted is not None
    assert judged(watch, a_breach(), "more", NOON, facts) is None
    assert due(watch, FOREVER, facts) is None
    assert happened(watch, done, NOON, facts) is None
    assert recovered(watch, Level(True, ""), NOON, facts) is None
    assert progressed(watch, Phase.COMPLETE, NOON, NOON, facts) is None
    assert seen_live(watch, {"service": a_live("v42")}, NOON, facts, newer="w_2") is None
    assert refused(watch, attempted, Armed("checkout", "production"), "", NOON, facts) is None
    assert orders_allowed(watch) == ()


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("kind", OrderKind)
def test_an_order_is_obeyed_if_it_is_allowed_and_refused_with_what_is_allowed_if_not(state, kind):
    watch = a_watch(state)
    allowed = orders_allowed(watch)

    if kind in allowed:
        step = ordered(watch, an_order(kind), NOON, some_facts())
        assert step.watch.revision == watch.revision + 1
        assert step.watch.state in TABLE[state].values()
        assert step.by == "olga"
        return

    with pytest.raises(OrderRefused) as refusal:
        ordered(watch, an_order(kind), NOON, some_facts())
    assert refusal.value.allowed == tuple(each.value for each in allowed)


ALLOWED = {
    State.WATCHING: "hold pass roll_back",
    State.COUNTING_DOWN: "hold pass keep roll_back",
    State.ASKING: "hold pass keep roll_back ask_again",
    State.HELD: "hold resume pass roll_back",
    State.ROLLING_BACK: "",
    State.STUCK: "keep roll_back",
    State.RECOVERING: "",
}


@pytest.mark.parametrize(("state", "allowed"), ALLOWED.items())
def test_what_people_may_say(state, allowed):
    assert " ".join(kind.value for kind in orders_allowed(a_watch(state))) == allowed


def test_keep_is_an_answer_to_a_breach():
    breached = a_watch(State.COUNTING_DOWN).breach

    assert OrderKind.KEEP in orders_allowed(a_watch(State.HELD, breach=breached))
    assert OrderKind.KEEP in orders_allowed(a_watch(State.WATCHING, breach=breached))


def test_every_change_of_state_is_one_that_the_table_lists():
    """All that the machine can do in one step, from every state, with every fact."""
    facts = some_facts()
    for state in State:
        watch = a_watch(state)
        steps = [
            *(
                judged(watch, judgement, "", NOON, facts)
                for judgement in (a_breach(), a_judgement(), a_blind_judgement())
            ),
            *(due(watch, at, facts) for at in (NOON, NOON + minutes(1), FOREVER)),
            *(happened(watch, ActionResult("w_1.6.0", result), NOON, facts) for result in ActionState),
            *(recovered(watch, Level(well, ""), FOREVER, facts) for well in (True, False, None)),
            *(
                seen_live(watch, {"service": a_live(tag)}, NOON, facts, "w_2")
                for tag in ("v42", "v43", "v44", None)
            ),
        ]
        for step in steps:
            if step is not None:
                assert step.watch.state in {state, *TABLE[state].values()}
                assert step.before == watch.revision
                assert step.watch.revision == watch.revision + 1
                assert (step.watch.due_at is None) is step.watch.state.is_final


def test_an_order_may_go_back_to_a_release_that_is_named():
    step = ordered(a_watch(), an_order(OrderKind.ROLL_BACK, to="v41"), NOON, some_facts(), a_back("v41"))

    assert step.watch.goes_to == "v41"
