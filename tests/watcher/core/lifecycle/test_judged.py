"""A round of judging, in each state in which a watch is judged."""

from dataclasses import replace
from typing import Any

import pytest

from rules.model import Consequence
from rules.verdict import Because, Onset, Outcome
from tests.builders import (
    CHANNEL,
    NOON,
    READY,
    a_back,
    a_blind_judgement,
    a_breach,
    a_judgement,
    a_policy,
    a_question,
    a_verdict,
    a_watch,
    hours,
    minutes,
    seconds,
    some_facts,
)
from tests.watcher.core.taken import judged
from watcher.core.lifecycle import prepared
from watcher.core.service import Bake, Ceilings, Mode, Speak
from watcher.core.watch import (
    ActionKind,
    Armed,
    Below,
    Breach,
    Doubtful,
    NoOpenAction,
    NotQuarantined,
    Quarantine,
    State,
)


def round_of(watch, judgement, now=NOON, **facts):
    step = judged(watch, judgement, "more", now, some_facts(**facts))
    assert step is not None
    return step


# ---------------------------------------------------------------------------------------------------------- a healthy one


def test_a_round_without_news_keeps_the_evidence_and_says_nothing():
    step = round_of(a_watch(), a_judgement())

    assert step.watch.state is State.WATCHING
    assert (step.watch.revision, step.before) == (8, 7)
    assert step.watch.evidence == "more"
    assert step.watch.judgement == a_judgement()
    assert (step.messages, step.actions, step.requires) == ((), (), frozenset())


def test_evidence_that_is_not_given_stays():
    step = judged(a_watch(), a_judgement(), None, NOON, some_facts())

    assert step is not None
    assert step.watch.evidence == "evidence"


def test_a_prepared_watch_is_judged_at_once():
    step = prepared(a_watch(brief=None, evidence=None), "brief", "nothing yet", NOON)

    assert (step.watch.brief, step.watch.evidence, step.watch.due_at) == ("brief", "nothing yet", NOON)


@pytest.mark.parametrize(
    "state",
    [State.ROLLING_BACK, State.STUCK, State.RECOVERING, *(state for state in State if state.is_final)],
)
def test_a_watch_that_is_not_judged_any_more_is_left_alone(state):
    assert judged(a_watch(state), a_breach(), "more", NOON, some_facts()) is None


# ------------------------------------------------------------------------------------------------------------ the breach


def test_a_breach_with_no_countdown_rolls_back_at_once():
    step = round_of(a_watch(), a_breach())

    assert step.watch.state is State.ROLLING_BACK
    assert step.watch.action == "w_1.8.0"
    assert step.watch.decided_at == NOON
    assert step.watch.ordered_by is None
    (action,) = step.actions
    assert (action.id, action.kind, action.valid_in) == ("w_1.8.0", ActionKind.ROLL_BACK, State.ROLLING_BACK)
    assert action.deadline == NOON + minutes(30)
    (move,) = action.plan.moves
    assert (move.part, move.expect.tag, move.to.tag) == ("service", "v43", "v42")


def test_the_machine_rolls_back_only_under_all_its_guards():
    step = round_of(a_watch(), a_breach())

    assert step.requires == {
        Armed("checkout", "production"),
        NoOpenAction("checkout", "production"),
        NotQuarantined("checkout", "production", "service", "sha256:v42"),
        Below(1, NOON - minutes(10), "checkout", "production", watch="w_1"),
        Below(2, NOON - hours(24), "checkout", "production"),
        Below(3, NOON - hours(1)),
    }


def test_the_ceilings_are_the_policys():
    policy = a_policy(ceilings=Ceilings(service_per_day=5, fleet_per_hour=7))

    step = round_of(a_watch(policy=policy), a_breach())

    assert {guard.most for guard in step.requires if isinstance(guard, Below)} == {1, 5, 7}


def test_the_quarantine_is_laid_in_the_step_that_starts_the_rollback():
    step = round_of(a_watch(), a_breach())

    assert step.quarantines == (
        Quarantine("service", "sha256:v43", "rolled back: v43 fails 5.2 % of requests (usual 0.11 %)"),
    )


def test_the_actions_and_messages_of_a_step_are_numbered_in_one_row():
    step = round_of(a_watch(), a_breach())

    assert [action.id for action in step.actions] == ["w_1.8.0"]
    assert [(message.id, message.kind, message.channel) for message in step.messages] == [
        ("w_1.8.1", "show", CHANNEL),
        ("w_1.8.2", "append", CHANNEL),
    ]


def test_a_breach_with_a_countdown_gives_people_time_to_hold_it():
    step = round_of(a_watch(policy=a_policy(countdown=seconds(30))), a_breach())

    assert step.watch.state is State.COUNTING_DOWN
    assert step.watch.countdown_until == NOON + seconds(30)
    assert step.watch.due_at == NOON + seconds(30)
    assert (step.actions, step.quarantines, step.requires) == ((), (), frozenset())


def test_a_countdown_goes_on_while_it_is_judged():
    step = round_of(a_watch(State.COUNTING_DOWN), a_breach())

    assert step.watch.state is State.COUNTING_DOWN
    assert step.watch.countdown_until == NOON + seconds(30)


def test_a_countdown_that_ran_out_while_it_was_judged_starts_the_rollback():
    step = round_of(a_watch(State.COUNTING_DOWN), a_breach(), now=NOON + seconds(30))

    assert step.watch.state is State.ROLLING_BACK
    assert step.watch.countdown_until is None


def test_the_breach_is_latched_with_the_judgement_that_decided_it():
    first = round_of(a_watch(policy=a_policy(countdown=minutes(5))), a_breach())
    second = judged(
        first.watch, a_blind_judgement(NOON + minutes(1)), "more", NOON + minutes(1), some_facts()
    )

    assert second is not None
    assert second.watch.state is State.COUNTING_DOWN
    assert second.watch.breach == first.watch.breach


def test_doubt_that_arises_while_it_counts_down_softens_it_to_a_question():
    step = round_of(a_watch(State.COUNTING_DOWN), a_breach(doubts=("payments-db is well",)))

    assert step.watch.state is State.ASKING
    assert step.watch.countdown_until is None


# ------------------------------------------------------------------------------------------------------------- doubts

SERVED_AT_11: dict[str, Any] = {
    "traffic_at": NOON - minutes(60),
    "complete_at": NOON - minutes(60),
    "opened_at": NOON - minutes(60),
}
# Three minutes after the switch, and buckets of a minute.
SOON = Onset(NOON - minutes(7), NOON - minutes(7), NOON - minutes(6), grain=minutes(1))
JUST_NOW = Onset(NOON - minutes(3), NOON - minutes(4), NOON - minutes(2))


@pytest.mark.parametrize(
    ("because", "watch", "judgement", "facts"),
    [
        (Doubtful.MODE, {"policy": a_policy(Mode.ASK)}, a_breach(), {}),
        (Doubtful.RULE, {}, a_breach(asks=True), {}),
        (Doubtful.DISARMED, {}, a_breach(), {"armed": False}),
        (Doubtful.FLOOR, {}, a_breach(), {"way_back": a_back(floor=True)}),
        (Doubtful.TOO_FAR, {}, a_breach(), {"way_back": a_back(crosses=4)}),
        (Doubtful.NO_WAY_BACK, {}, a_breach(), {"way_back": None}),
        (Doubtful.CONTROL, {}, a_breach(doubts=("payments-db is well",)), {}),
        (Doubtful.LATE_ONSET, SERVED_AT_11, a_breach(onset=JUST_NOW, compared=False), {}),
        (Doubtful.LATE_ONSET, SERVED_AT_11, a_breach(onset=None, compared=False), {}),
        (Doubtful.SOON_ONSET, {}, a_breach(onset=SOON, compared=False), {}),
    ],
)
def test_a_breach_is_asked_about_where_there_is_doubt(because, watch, judgement, facts):
    step = round_of(a_watch(**watch), judgement, **facts)

    assert step.watch.state is State.ASKING
    assert step.watch.question is not None
    assert step.watch.question.because == (because,)
    assert step.watch.question.expires_at == NOON + hours(1)
    assert (step.actions, step.quarantines) == ((), ())


def test_a_question_names_all_its_reasons():
    step = round_of(a_watch(policy=a_policy(Mode.ASK)), a_breach(asks=True), armed=False, way_back=None)

    assert step.watch.question is not None
    assert step.watch.question.because == (
        Doubtful.NO_WAY_BACK,
        Doubtful.RULE,
        Doubtful.MODE,
        Doubtful.DISARMED,
    )


@pytest.mark.parametrize(
    "judgement",
    [
        a_breach(compared=False),
        a_breach(compared=True, onset=JUST_NOW),
        a_breach(compared=False, breached_by=()),
    ],
    ids=["since the switch", "compared at the same time", "nobody to blame"],
)
def test_an_onset_is_no_doubt_if_it_was_at_the_switch_or_something_was_compared(judgement):
    assert round_of(a_watch(), judgement).watch.state is State.ROLLING_BACK


def test_an_onset_soon_after_the_switch_is_no_doubt_where_a_control_is_well():
    step = round_of(a_watch(), a_breach(onset=SOON, compared=False, controls=("payments-db is well",)))

    assert step.watch.state is State.ROLLING_BACK


def test_a_late_onset_is_a_doubt_though_a_control_is_well():
    controlled = a_breach(onset=JUST_NOW, compared=False, controls=("payments-db is well",))

    assert round_of(a_watch(**SERVED_AT_11), controlled).watch.state is State.ASKING


def test_a_rule_that_may_only_ask_says_why():
    verdict = a_verdict(Outcome.BREACHED, only_asks="replayed over a week, it would have rolled back 9 times")
    step = round_of(a_watch(), a_judgement(verdict, breached_by=("errors",), asks=True, compared=True))

    assert step.watch.question is not None
    assert step.watch.question.words.endswith(
        "may only ask: replayed over a week, it would have rolled back 9 times"
    )


def test_a_breach_soon_after_the_switch_whose_beginning_nobody_knows_is_no_doubt():
    step = round_of(a_watch(), a_breach(onset=None, compared=False))

    assert step.watch.state is State.ROLLING_BACK


def test_as_many_releases_as_may_be_crossed_are_no_doubt():
    assert round_of(a_watch(), a_breach(), way_back=a_back(crosses=3)).watch.state is State.ROLLING_BACK


def test_a_question_goes_on_while_it_is_judged():
    step = round_of(a_watch(State.ASKING), a_breach())

    assert step.watch.state is State.ASKING
    assert step.watch.question == a_question()
    assert step.messages == ()


# --------------------------------------------------------------------------------------------------------------- held


def test_a_breach_while_it_is_held_waits_and_is_shown_at_once():
    step = round_of(a_watch(State.HELD), a_breach())

    assert step.watch.state is State.HELD
    assert step.watch.breach is not None
    assert step.messages[0].notice.event == "watch.held"


def test_a_held_watch_without_news_says_nothing():
    assert round_of(a_watch(State.HELD), a_judgement()).messages == ()


def test_a_latched_breach_is_decided_afresh_once_it_is_watched_again():
    watch = replace(a_watch(State.COUNTING_DOWN), state=State.WATCHING)

    assert round_of(watch, a_blind_judgement()).watch.state is State.ROLLING_BACK
    assert round_of(watch, a_blind_judgement(), armed=False).watch.state is State.ASKING


# --------------------------------------------------------------------------------------------------------------- blind


def blind_for(length, **changes):
    return a_watch(blind_since=NOON - length, **changes)


def test_a_rule_that_asks_when_it_is_blind_asks_after_five_minutes():
    step = round_of(blind_for(minutes(5)), a_blind_judgement(asks=True))

    assert step.watch.state is State.ASKING
    assert step.watch.question is not None
    assert step.watch.question.because == (Doubtful.BLIND,)
    assert step.watch.breach is None


@pytest.mark.parametrize(
    ("watch", "judgement"),
    [
        (a_watch(), a_blind_judgement(asks=True)),
        (blind_for(minutes(4)), a_blind_judgement(asks=True)),
        (blind_for(minutes(9)), a_blind_judgement(asks=False)),
        (blind_for(minutes(9)), a_judgement()),
        (blind_for(minutes(9), complete_at=None), a_blind_judgement(asks=True)),
        (blind_for(minutes(9), complete_at=NOON + minutes(1)), a_blind_judgement(asks=True)),
        (
            blind_for(minutes(9)),
            a_judgement(replace(a_blind_judgement(asks=True).verdicts[0], spent=True), a_verdict()),
        ),
    ],
    ids=["first round", "too short", "waits", "sees", "no traffic yet", "not complete then", "spent"],
)
def test_otherwise_the_blind_wait(watch, judgement):
    assert round_of(watch, judgement).watch.state is State.WATCHING


def test_blindness_is_counted_from_its_first_round():
    first = round_of(a_watch(), a_blind_judgement(asks=True))

    assert first.watch.blind_since == NOON
    assert round_of(first.watch, a_judgement()).watch.blind_since is None


BLIND_QUESTION = a_question(because=(Doubtful.BLIND,))


def asked_blind(**changes):
    return a_watch(State.ASKING, question=BLIND_QUESTION, breach=None, **changes)


def test_the_question_of_the_blind_is_withdrawn_when_it_sees_again():
    step = round_of(asked_blind(), a_judgement())

    assert step.watch.state is State.WATCHING
    assert step.watch.question is None
    assert step.messages[0].notice.event == "watch.sees_again"


def test_the_question_of_the_blind_stands_while_it_is_blind():
    step = round_of(asked_blind(), a_blind_judgement(asks=True))

    assert step.watch.state is State.ASKING
    assert step.watch.question == BLIND_QUESTION


def test_a_breach_found_while_the_blind_are_asked_is_decided():
    assert round_of(asked_blind(), a_breach()).watch.state is State.ROLLING_BACK
    assert round_of(asked_blind(), a_breach(asks=True)).watch.state is State.ASKING


def asked_by_a_rule(*because):
    """A rule that asks has breached, five minutes ago."""
    question = a_question(because=because or (Doubtful.RULE,))
    breach = Breach(NOON - minutes(5), a_breach(NOON - minutes(5), asks=True))
    return a_watch(State.ASKING, question=question, breach=breach)


def test_a_rule_that_rolls_back_does_so_though_a_person_is_asked_about_one_that_asks():
    assert round_of(asked_by_a_rule(), a_breach()).watch.state is State.ROLLING_BACK
    assert round_of(asked_by_a_rule(), a_breach(), armed=False).watch.state is State.ASKING


def test_while_only_rules_that_ask_are_breached_the_question_stands():
    watch = asked_by_a_rule()

    for judgement in (a_breach(asks=True), a_judgement(), a_blind_judgement()):
        step = round_of(watch, judgement)
        assert step.watch.state is State.ASKING
        assert step.watch.question == watch.question


def test_what_else_a_person_was_asked_for_stays_theirs():
    watch = asked_by_a_rule(Doubtful.RULE, Doubtful.FLOOR)

    assert round_of(watch, a_breach()).watch.question == watch.question


# ----------------------------------------------------------------------------------------------------------------- bake


def baked_for(length, **changes):
    return a_watch(complete_at=NOON - length, traffic_at=NOON - length, opened_at=NOON - length, **changes)


def test_a_release_passes_when_it_baked_and_every_rule_is_healthy():
    step = round_of(baked_for(minutes(30)), a_judgement())

    assert step.watch.state is State.PASSED
    assert step.watch.due_at is None
    assert step.watch.ended_at == NOON
    assert step.watch.ending is not None
    assert step.quarantines == ()


def test_it_does_not_pass_before_it_baked():
    assert round_of(baked_for(minutes(29)), a_judgement()).watch.state is State.WATCHING


def proven(*verdicts, **changes):
    return a_judgement(*(verdicts or (a_verdict(proven=True),)), proven=True, **changes)


def test_what_is_proven_well_passes_before_it_baked_and_it_is_said():
    step = round_of(baked_for(minutes(4)), proven())

    assert step.watch.state is State.PASSED
    assert step.watch.ending is not None
    assert (
        step.watch.ending.words
        == "passed early: every rule was proven well by 12:00:00 UTC (7,930 requests seen)"
    )


def test_what_is_proven_well_and_baked_passed_as_any():
    ending = round_of(baked_for(minutes(30)), proven()).watch.ending

    assert ending is not None
    assert ending.words.startswith("passed: every rule was healthy")


def test_what_is_proven_well_is_looked_at_with_all_its_traffic_too():
    """The newest bucket ended with the moment at which the rest of the traffic came."""
    assert round_of(baked_for(minutes(0)), proven()).watch.state is State.WATCHING


def test_a_comparison_that_is_over_need_not_have_seen_all_the_traffic():
    over = a_verdict(Outcome.UNDECIDED, because=Because.BASELINE_GONE, spent=True, proven=True)
    over = replace(over, seen=replace(over.seen, until=NOON - hours(1)))
    ready = a_verdict(rule=READY, proven=True)

    assert round_of(baked_for(minutes(4)), proven(over, ready)).watch.state is State.PASSED


def test_what_is_proven_well_does_not_pass_while_a_rule_is_blind():
    judgement = proven(a_verdict(proven=True), a_verdict(Outcome.BLIND, rule=READY))

    assert round_of(baked_for(minutes(4)), judgement).watch.state is State.WATCHING


def test_it_does_not_pass_before_it_has_all_its_traffic():
    watch = baked_for(hours(30), policy=a_policy(rollout_timeout=hours(48)))

    assert round_of(replace(watch, complete_at=None), a_judgement()).watch.state is State.WATCHING


def test_what_was_broken_off_ends_unproven_however_healthy_what_is_seen():
    """What is seen may be the old release, where no rule tells the two apart."""
    half = replace(baked_for(minutes(60)), incomplete=True)

    assert round_of(half, proven()).watch.state is State.WATCHING
    assert round_of(replace(baked_for(hours(24)), incomplete=True), proven()).watch.state is State.UNPROVEN


def test_what_was_broken_off_goes_back_all_the_same_where_it_breaches():
    half = replace(baked_for(minutes(4)), incomplete=True)

    assert round_of(half, a_breach()).watch.state is round_of(baked_for(minutes(4)), a_breach()).watch.state
    assert round_of(half, a_breach()).watch.breach is not None


ASKS = replace(READY, on_breach=Consequence.ASK)
TELLS = replace(READY, on_breach=Consequence.TELL)


@pytest.mark.parametrize(
    "judgement",
    [
        a_judgement(a_verdict(), a_verdict(Outcome.UNDECIDED, READY)),
        a_judgement(a_verdict(), a_verdict(Outcome.BLIND, READY)),
        a_judgement(a_verdict(), a_verdict(Outcome.BLIND, ASKS)),
        a_judgement(a_verdict(), a_verdict(Outcome.BLIND, READY), outcome=Outcome.HEALTHY),
        a_judgement(a_verdict(spent=True), a_verdict(rule=TELLS)),
        a_judgement(a_verdict(rule=TELLS)),
    ],
    ids=["undecided", "blind", "blind to ask", "the sum is wrong", "all are spent", "nothing can act"],
)
def test_silence_to_the_end_of_the_bake_is_not_success(judgement):
    assert round_of(baked_for(minutes(60)), judgement).watch.state is State.WATCHING
    assert round_of(baked_for(hours(24)), judgement).watch.state is State.UNPROVEN


@pytest.mark.parametrize(
    "judgement",
    [
        a_judgement(a_verdict(), a_verdict(Outcome.BREACHED, TELLS), outcome=Outcome.HEALTHY),
        a_judgement(
            a_verdict(Outcome.UNDECIDED, because=Because.BASELINE_GONE, spent=True), a_verdict(rule=READY)
        ),
    ],
    ids=["one that only tells", "one that is spent"],
)
def test_a_rule_that_cannot_act_any_more_does_not_keep_it_from_passing(judgement):
    assert round_of(baked_for(minutes(30)), judgement).watch.state is State.PASSED


def test_a_bake_in_runs_ends_with_the_last_run():
    bake = a_policy(bake=Bake(at_least=hours(1), at_most=hours(24), runs=2))

    one = round_of(baked_for(minutes(1), policy=bake), a_judgement(a_verdict(requests=1)))
    two = round_of(baked_for(minutes(1), policy=bake), a_judgement(a_verdict(requests=2)))

    assert (one.watch.state, two.watch.state) == (State.WATCHING, State.PASSED)


def test_a_pass_lifts_the_quarantine_of_a_release_that_came_back():
    step = round_of(baked_for(minutes(30), returning="it failed"), a_judgement())

    assert step.quarantines == (Quarantine("service", "sha256:v43", "v43 passed", lift=True),)


def test_a_release_that_breached_never_passes_by_itself():
    watch = replace(a_watch(State.ASKING), complete_at=NOON - hours(3))

    assert round_of(watch, a_judgement()).watch.state is State.ASKING


def test_people_who_like_it_hear_at_the_end_of_the_shortest_bake_why_it_goes_on():
    watch = baked_for(minutes(30), policy=a_policy(speak=Speak.ALL))
    wanting = a_judgement(a_verdict(Outcome.UNDECIDED))

    told = round_of(watch, wanting)
    later = judged(told.watch, wanting, "more", NOON + minutes(1), some_facts())

    assert [message.notice.event for message in told.messages] == ["watch.undecided"]
    assert later is not None
    assert later.messages == ()


# --------------------------------------------------------------------------------------------------------------- shadow

SHADOW = a_policy(Mode.SHADOW)


def test_in_shadow_a_breach_is_a_fact_and_a_message_and_nothing_is_done():
    step = round_of(a_watch(policy=SHADOW), a_breach())

    assert step.watch.state is State.WATCHING
    assert step.watch.would_have == NOON
    assert step.watch.breach is not None
    assert step.messages[0].notice.event == "watch.would_have"
    assert (step.actions, step.quarantines, step.requires) == ((), (), frozenset())


def test_in_shadow_it_is_said_when_a_person_would_have_been_asked():
    step = round_of(a_watch(policy=SHADOW), a_breach(asks=True))

    assert step.watch.would_have is None
    assert "would have asked" in step.messages[0].notice.headline


def test_in_shadow_a_breach_is_told_once():
    first = round_of(a_watch(policy=SHADOW), a_breach())
    second = judged(first.watch, a_breach(NOON + minutes(1)), "more", NOON + minutes(1), some_facts())

    assert second is not None
    assert second.watch.state is State.WATCHING
    assert second.messages == ()


def test_in_shadow_a_breached_watch_ends_kept_when_its_bake_is_over():
    first = round_of(baked_for(minutes(25), policy=SHADOW), a_breach())
    before = judged(first.watch, a_breach(), "more", NOON + minutes(9), some_facts())
    after = judged(first.watch, a_breach(), "more", NOON + minutes(10), some_facts())

    assert before is not None
    assert after is not None
    assert before.watch.state is State.WATCHING
    assert after.watch.state is State.KEPT
    assert after.watch.ending is not None
    assert after.watch.ending.would_have == NOON
    assert after.actions == ()


def test_in_shadow_a_breached_watch_without_all_its_traffic_goes_on():
    watch = a_watch(policy=SHADOW, complete_at=None)
    first = round_of(watch, a_breach())

    later = judged(first.watch, a_breach(), "more", NOON + minutes(40), some_facts())

    assert later is not None
    assert later.watch.state is State.WATCHING


def test_in_shadow_a_healthy_release_passes_as_anywhere():
    assert round_of(baked_for(minutes(30), policy=SHADOW), a_judgement()).watch.state is State.PASSED


# ---------------------------------------------------------------------------------------------------------------- speak


def test_a_release_that_passes_is_told_only_to_those_who_like_it():
    quiet = round_of(baked_for(minutes(30)), a_judgement())
    loud = round_of(baked_for(minutes(30), policy=a_policy(speak=Speak.ALL)), a_judgement())
    spoken = round_of(baked_for(minutes(30), spoken=True), a_judgement())

    assert quiet.messages == ()
    assert [message.kind for message in loud.messages] == ["show", "append"]
    assert [message.kind for message in spoken.messages] == ["show", "append"]


def test_an_unproven_end_is_told_to_everybody():
    step = round_of(baked_for(hours(24)), a_blind_judgement())

    assert {message.notice.event for message in step.messages} == {"watch.unproven"}


def test_a_watch_that_has_spoken_remembers_it():
    assert round_of(a_watch(), a_breach()).watch.spoken
    assert not round_of(a_watch(), a_breach(), channels=()).watch.spoken


def test_every_channel_is_told():
    step = round_of(a_watch(), a_breach(), channels=("slack:a", "webhook"))

    assert [(message.channel, message.kind) for message in step.messages] == [
        ("slack:a", "show"),
        ("slack:a", "append"),
        ("webhook", "show"),
        ("webhook", "append"),
    ]
    assert len({message.id for message in step.messages}) == 4


def test_a_round_that_did_not_look_for_the_way_back_leaves_it_as_it_is():
    watch = a_watch(way_back=a_back("v42"))

    step = judged(watch, a_judgement(), "more", NOON, replace(some_facts(way_back=None), looked_back=False))

    assert step is not None
    assert step.watch.way_back == a_back("v42")
