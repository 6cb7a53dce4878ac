"""A rollout that the daemon moves forward: where it stands, when it may go on, and what is asked instead."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from deploy.model import Answer, Live, Pause, Release, Shift
from rules.model import Consequence
from rules.verdict import Onset, Outcome
from tests.builders import (
    NOON,
    READY,
    a_blind_judgement,
    a_breach,
    a_deployment,
    a_judgement,
    a_policy,
    a_release,
    a_verdict,
    a_watch,
    an_order,
    hours,
    minutes,
    seconds,
    some_facts,
)
from tests.watcher.core.taken import due, forwarded, judged, ordered, refused, staged, standing
from watcher.core.freeze import Frozen
from watcher.core.lifecycle import next_due, orders_allowed
from watcher.core.service import Hooks, Mode, Rollout, Stage, Unseen
from watcher.core.stages import leads_on
from watcher.core.watch import (
    ActionKind,
    ActionResult,
    ActionState,
    Armed,
    AtStage,
    Doubtful,
    NoOpenAction,
    NotQuarantined,
    OrderKind,
    State,
    Watch,
)
from watcher.errors import OrderRefused

STAGES = Rollout(stages=(Stage(0.05), Stage(0.25, bake=minutes(7)), Stage(1.0)))
HOOKS = Rollout(hooks=Hooks.ANSWER, at_least=minutes(10), at_most=hours(2))
V42, V43, V44 = (a_release(tag) for tag in ("v42", "v43", "v44"))
HERE = AtStage(NOON - minutes(20), "service", 0.05, before=V42)
PAUSE = Pause("hook-1", "AFTER_A_TENTH", until=NOON + hours(5), otherwise="ECS rolls back")
AT_HOOK = AtStage(NOON - minutes(20), "service", 0.1, PAUSE)
FACTS = some_facts()
DONE, FAILED, REFUSED = ActionState.DONE, ActionState.FAILED, ActionState.REFUSED


def in_stages(at: AtStage | None = HERE, state: State = State.WATCHING, **changes: Any) -> Watch:
    policy = a_policy(changes.pop("mode", Mode.AUTO), rollout=replace(STAGES, **changes.pop("rollout", {})))
    plain = {"stages": STAGES.stages, "traffic_at": NOON - minutes(20), "complete_at": None, "spoken": False}
    return a_watch(state, **{**plain, "policy": policy, "at": at, "opened_at": NOON - minutes(20), **changes})


def at_hook(at: AtStage | None = AT_HOOK, **changes: Any) -> Watch:
    policy = a_policy(changes.pop("mode", Mode.AUTO), rollout=replace(HOOKS, **changes.pop("rollout", {})))
    stages = (Stage(0.1, gate="AFTER_A_TENTH"), Stage())
    return in_stages(at, **{"policy": policy, "stages": stages, **changes})


def well(until: datetime = NOON):
    return a_judgement(a_verdict(seen=replace(a_verdict().seen, until=until)), at=NOON)


def shared(share: float, other: Release = V43) -> dict[str, Live]:
    return {"service": Live(V42, other, {"sha256:v42": 1 - share, other.fingerprint: share})}


def waiting(pause: Pause | None = PAUSE, share: float = 0.1) -> dict[str, Live]:
    return {"service": replace(shared(share)["service"], pause=pause)}


def at_work(at: AtStage = HERE) -> AtStage:
    return replace(at, action="w_1.7.0", acted_at=NOON - minutes(1))


# ------------------------------------------------------------------------------------------------- where does it stand?


def test_a_share_that_is_one_of_its_stages_is_where_it_stands():
    step = staged(in_stages(None), shared(0.25), NOON, FACTS)

    assert step.watch.at == AtStage(NOON, "service", 0.25, before=V42)
    assert step.watch.stage == 1
    assert step.watch.staged_at == NOON
    assert (step.actions, step.messages) == ((), ())


@pytest.mark.parametrize(
    "live", [shared(0.05), shared(0.0), {}, {"service": Live(V42, None, {"sha256:v42": 1.0})}]
)
def test_what_is_as_it_was_or_is_not_seen_changes_nothing(live):
    assert staged(in_stages(), live, NOON, FACTS) is None


def test_while_it_is_moved_its_performer_looks():
    assert staged(in_stages(at_work()), shared(0.4), NOON, FACTS) is None


@pytest.mark.parametrize("watch", [a_watch(), a_watch(State.ROLLING_BACK), in_stages(complete_at=NOON)])
def test_what_is_not_moved_by_the_daemon_or_is_over_stands_nowhere(watch):
    assert staged(watch, shared(0.4), NOON, FACTS) is None


def test_several_parts_share_no_traffic_out():
    parts = (*a_deployment().parts, replace(a_deployment().parts[0], part="worker"))
    watch = in_stages(None, deployment=a_deployment(parts=parts))

    assert staged(watch, shared(0.25), NOON, FACTS) is None


def test_what_another_hand_did_is_asked_about_and_is_where_it_stands():
    step = staged(in_stages(), shared(0.4), NOON, FACTS)

    assert step.watch.state is State.ASKING
    assert step.watch.question.because == (Doubtful.STAGE_MOVED,)
    assert (step.watch.at.share, step.watch.stage) == (0.4, 1)


@pytest.mark.parametrize("watch", [in_stages(mode=Mode.SHADOW), in_stages(state=State.HELD)])
def test_in_shadow_and_while_it_is_held_nobody_is_asked_about_that(watch):
    step = staged(watch, shared(0.4), NOON, FACTS)

    assert (step.watch.state, step.watch.at.share) == (watch.state, 0.4)


def test_a_question_about_where_it_was_is_withdrawn_when_it_goes_on_by_another_hand():
    asking = judged(in_stages(mode=Mode.ASK), well(), None, NOON, FACTS).watch

    step = staged(asking, shared(0.25), NOON, FACTS)

    assert (step.watch.state, step.watch.question) == (State.WATCHING, None)
    assert step.messages[0].notice.headline.endswith("v43 is watched on, at 25 % of the traffic")


def test_traffic_that_comes_between_two_stages_starts_its_clock():
    over = replace(AT_HOOK, is_over=True)
    step = staged(at_hook(None, traffic_at=None), waiting(None), NOON, FACTS)
    already = staged(at_hook(over), waiting(PAUSE), NOON, FACTS)

    assert step.watch.traffic_at == NOON
    assert already is None


def test_a_hook_that_was_said_to_be_answered_and_waits_all_the_same_is_answered_again():
    over = at_hook(replace(AT_HOOK, is_over=True), staged_at=NOON - minutes(2))

    step = staged(over, waiting(PAUSE), NOON, FACTS)

    assert staged(over, waiting(PAUSE), NOON - seconds(1), FACTS) is None
    assert leads_on(step.watch) == leads_on(at_hook())


def test_a_hook_is_one_more_stage_before_the_last():
    step = staged(at_hook(None, stages=(Stage(),)), waiting(), NOON, FACTS)

    assert step.watch.at == AtStage(NOON, "service", 0.1, PAUSE)
    assert [each.gate for each in step.watch.stages] == ["AFTER_A_TENTH", None]
    assert step.watch.stage == 0


def test_the_next_hook_is_the_next_stage_and_there_is_an_end_to_them():
    following = Pause("hook-2", "AFTER_HALF")
    step = staged(at_hook(), waiting(following), NOON, FACTS)
    full = at_hook(None, stages=(Stage(),) * 100)

    assert (step.watch.stage, step.watch.at.pause) == (1, following)
    assert staged(full, waiting(following), NOON, FACTS) is None


def test_a_hook_of_another_rollout_is_none_of_ours():
    other = replace(waiting()["service"], in_flight=V44)

    assert staged(at_hook(None), {"service": other}, NOON, FACTS) is None


def test_once_it_waits_no_longer_it_stands_at_no_hook():
    assert staged(at_hook(), waiting(None), NOON, FACTS).watch.at is None
    assert staged(at_hook(), {}, NOON, FACTS) is None


def test_news_say_where_it_stands_in_the_same_step_but_leave_questions_for_later():
    watch = at_hook(None, stages=(Stage(),), traffic_at=None)
    told = ordered(watch, an_order(OrderKind.HOLD), NOON, FACTS)
    with_it = standing(watch, told, waiting(), NOON, FACTS)
    surprised = ordered(in_stages(), an_order(OrderKind.HOLD), NOON, FACTS)

    assert (with_it.watch.revision, with_it.watch.at.pause) == (8, PAUSE)
    assert with_it.watch.traffic_at == NOON
    assert standing(watch, None, waiting(), NOON, FACTS).watch.at.pause == PAUSE
    assert standing(in_stages(), None, {}, NOON, FACTS) is None
    assert standing(in_stages(), surprised, shared(0.05), NOON, FACTS) is surprised
    moved = replace(surprised, watch=replace(surprised.watch, state=State.WATCHING))
    assert standing(in_stages(), moved, shared(0.4), NOON, FACTS) is moved


# ------------------------------------------------------------------------------------------------------- may it go on?


def test_seen_well_for_long_enough_it_goes_on():
    step = judged(in_stages(), well(), None, NOON, FACTS)

    (action,) = step.actions
    assert action.kind is ActionKind.MOVE_TO_STAGE
    assert action.forward == Shift("service", V42, V43, 0.25, expect=0.05)
    assert (action.valid_in, action.plan.moves, action.ordered_by) == (State.WATCHING, (), None)
    assert step.requires == {
        NoOpenAction("checkout", "production"),
        Armed("checkout", "production"),
        NotQuarantined("checkout", "production", "service", "sha256:v43"),
    }
    assert step.watch.at == replace(HERE, action=action.id, acted_at=NOON)
    assert step.watch.state is State.WATCHING


def test_at_a_hook_that_is_an_answer():
    step = judged(at_hook(), well(), None, NOON, FACTS)

    assert step.actions[0].kind is ActionKind.ANSWER_HOOK
    assert step.actions[0].forward == Answer("service", V43, PAUSE)


@pytest.mark.parametrize(
    "judgement",
    [
        well(until=NOON - minutes(11)),  # it came nine minutes ago: signals are late
        a_judgement(a_verdict(), a_verdict(Outcome.UNDECIDED, READY)),
        a_blind_judgement(),
    ],
)
def test_until_it_was_seen_well_for_its_bake_it_stays(judgement):
    step = judged(in_stages(), judgement, None, NOON, FACTS)

    assert (step.actions, step.watch.state) == ((), State.WATCHING)


def test_a_stage_may_have_a_bake_of_its_own():
    second = replace(HERE, since=NOON - minutes(8), share=0.25)

    step = judged(in_stages(second, stage=1), well(), None, NOON, FACTS)

    assert step.actions[0].forward.share == 1.0


def test_what_is_bad_goes_back_and_what_was_under_way_is_no_longer_valid():
    step = judged(in_stages(at_work()), a_breach(), None, NOON, FACTS)

    assert step.watch.state is State.ROLLING_BACK
    assert step.watch.at is None
    assert step.actions[0].kind is ActionKind.ROLL_BACK


@pytest.mark.parametrize(
    ("began", "becomes"),
    [(1, State.ROLLING_BACK), (-20, State.ASKING), (9, State.ASKING)],
)
def test_what_breaks_with_a_later_share_is_the_releases_fault_and_goes_back_by_itself(began, becomes):
    """Nothing serves beside that tells: it counts from the last share, not from the first request an hour ago."""
    staged_at = NOON - minutes(15)
    at = staged_at + minutes(began)
    onset = Onset(at, at - minutes(1), at + minutes(1), grain=minutes(1))
    watch = in_stages(traffic_at=NOON - hours(1), staged_at=staged_at)

    step = judged(watch, a_breach(compared=False, onset=onset), None, NOON, FACTS)

    assert step.watch.state is becomes


def test_what_breaks_with_a_later_share_is_not_told_by_a_rule_that_asks():
    """What rolls back began long after it."""
    staged_at = NOON - minutes(15)
    late, soon = (Onset(at, at, at, grain=minutes(1)) for at in (staged_at + minutes(9), staged_at))
    asks = a_verdict(Outcome.BREACHED, replace(READY, on_breach=Consequence.ASK), onset=soon)
    breach = a_breach(compared=False, onset=late, breached_by=("errors", "ready"))
    both = replace(breach, verdicts=(*breach.verdicts, asks))

    step = judged(in_stages(traffic_at=NOON - hours(1), staged_at=staged_at), both, None, NOON, FACTS)

    assert step.watch.state is State.ASKING


@pytest.mark.parametrize(
    "watch", [in_stages(replace(HERE, share=1.0)), in_stages(replace(HERE, before=None))]
)
def test_where_nothing_leads_on_nothing_is_done(watch):
    assert judged(watch, well(), None, NOON, FACTS).actions == ()


def test_while_it_is_moved_it_is_not_moved_again():
    assert judged(in_stages(at_work()), well(), None, NOON, FACTS).actions == ()


def test_the_mode_asks_unless_it_is_written_that_it_goes_forward():
    asks = judged(in_stages(mode=Mode.ASK), well(), None, NOON, FACTS)
    goes = judged(in_stages(mode=Mode.ASK, rollout={"forward": Mode.AUTO}), well(), None, NOON, FACTS)
    obstructed = judged(in_stages(obstacles=("CodeDeploy moves it",)), well(), None, NOON, FACTS)

    assert asks.watch.question.because == (Doubtful.STAGE_MODE,)
    assert [len(step.actions) for step in (asks, goes, obstructed)] == [0, 1, 0]
    assert "CodeDeploy moves it" in obstructed.watch.question.words


def test_in_shadow_it_is_said_once():
    said = judged(in_stages(mode=Mode.SHADOW), well(), None, NOON, FACTS)
    again = judged(said.watch, well(), None, NOON + minutes(1), FACTS)

    assert [each.notice.event for each in said.messages] == ["rollout.would_advance"] * 2
    assert (said.actions, again.messages) == ((), ())


def test_disarmed_it_stays_and_asks_at_the_end_of_its_longest_bake():
    disarmed = some_facts(armed=False, disarmed="disarmed by olga until 13:00: a migration")
    early = judged(in_stages(), well(), None, NOON, disarmed)
    late = judged(in_stages(replace(HERE, since=NOON - hours(2))), well(), None, NOON, disarmed)

    assert (early.actions, early.watch.state) == ((), State.WATCHING)
    assert late.watch.question.because == (Doubtful.STAGE_DISARMED,)
    assert "by olga" in late.watch.question.words


def test_in_a_freeze_a_person_is_asked_unless_it_was_let_out_in_spite_of_it():
    held = some_facts(frozen="until 13:00, by olga: the holidays")
    late = judged(in_stages(), well(), None, NOON, held)
    hotfix = judged(
        in_stages(frozen=Frozen("olga", "the holidays", NOON, NOON + hours(1))), well(), None, NOON, held
    )

    assert late.watch.question.because == (Doubtful.STAGE_FROZEN,)
    assert (late.actions, late.watch.at.share) == ((), 0.05)
    assert (
        "a freeze began before it was moved on to 25 % of the traffic: until 13:00, by olga"
        in late.watch.question.words
    )
    assert len(hotfix.actions) == 1


def test_at_the_end_of_its_longest_bake_a_person_is_asked():
    late = in_stages(replace(HERE, since=NOON - hours(2)))

    step = judged(late, a_blind_judgement(), None, NOON, FACTS)

    assert step.watch.question.because == (Doubtful.STAGE_UNDECIDED,)
    assert step.watch.at.share == 0.05
    assert "by errors" not in step.messages[0].notice.headline


def test_at_a_hook_that_is_soon_answered_by_its_platform_a_person_is_asked_before():
    soon = replace(AT_HOOK, pause=replace(PAUSE, until=NOON + minutes(9)))

    assert judged(at_hook(soon), a_blind_judgement(), None, NOON, FACTS).watch.state is State.ASKING


def test_before_there_is_traffic_a_hook_asks_or_goes_on_by_its_setting():
    asks = judged(at_hook(traffic_at=None), a_blind_judgement(), None, NOON, FACTS)
    goes = judged(
        at_hook(traffic_at=None, rollout={"before_traffic": Unseen.GO_ON}), well(), None, NOON, FACTS
    )
    says = judged(at_hook(traffic_at=None, mode=Mode.SHADOW), a_blind_judgement(), None, NOON, FACTS)

    assert asks.watch.question.because == (Doubtful.STAGE_UNSEEN,)
    assert len(goes.actions) == 1
    assert says.messages[0].notice.event == "rollout.would_advance"


def test_a_rule_that_asks_when_it_is_blind_asks_at_a_stage_too():
    blind = in_stages(blind_since=NOON - minutes(6))

    step = judged(blind, a_blind_judgement(asks=True), None, NOON, FACTS)

    assert step.watch.question.because == (Doubtful.BLIND,)


def test_while_a_stage_asks_a_breach_goes_back_and_health_changes_nothing():
    asking = judged(in_stages(mode=Mode.ASK, rollout={"forward": Mode.ASK}), well(), None, NOON, FACTS).watch
    asking = replace(asking, policy=replace(asking.policy, mode=Mode.AUTO))

    assert judged(asking, a_breach(), None, NOON, FACTS).watch.state is State.ROLLING_BACK
    assert judged(asking, well(), None, NOON, FACTS).watch.state is State.ASKING


def test_a_release_that_a_person_has_marked_meanwhile_does_not_go_forward_and_is_asked_about():
    watch = in_stages()
    attempted = judged(watch, well(), None, NOON, FACTS)
    marked = next(each for each in attempted.requires if isinstance(each, NotQuarantined))

    step = refused(watch, attempted, marked, "sha256:v43 is distrusted by olga: it leaks", NOON, FACTS)
    known = judged(in_stages(returning="5.2 % failed, 3 Nov"), well(), None, NOON, FACTS)

    assert step.watch.state is State.ASKING
    assert step.watch.question.words.endswith("sha256:v43 is distrusted by olga: it leaks")
    assert marked not in known.requires


def test_a_guard_that_does_not_hold_leaves_it_where_it_is_without_a_question():
    watch = in_stages()
    attempted = judged(watch, well(), "more", NOON, FACTS)
    by_order = ordered(watch, an_order(OrderKind.ADVANCE), NOON, FACTS)

    step = refused(watch, attempted, Armed("checkout", "production"), "disarmed", NOON, FACTS)

    assert (step.watch.state, step.watch.at, step.actions) == (State.WATCHING, HERE, ())
    assert step.watch.evidence == "more"
    assert refused(watch, by_order, NoOpenAction("checkout", "production"), "", NOON, FACTS) is not None


# ---------------------------------------------------------------------------------------------------- what came of it


def test_the_next_share_is_the_next_stage():
    step = forwarded(in_stages(at_work()), ActionResult("w_1.7.0", DONE), NOON, FACTS)

    assert step.watch.at == AtStage(NOON, "service", 0.25, before=V42)
    assert (step.watch.stage, step.watch.staged_at) == (1, NOON)
    assert step.results[0].state is DONE


def test_the_last_stage_makes_it_complete():
    last = at_work(replace(HERE, share=0.25))
    step = forwarded(in_stages(last, stage=1), ActionResult("w_1.7.0", DONE), NOON, FACTS)

    assert (step.watch.complete_at, step.watch.at, step.watch.stage) == (NOON, None, 2)
    assert [each.release for each in step.serves] == [V43]


def test_news_that_it_is_complete_may_come_first():
    told = in_stages(at_work(replace(HERE, share=0.25)), complete_at=NOON - seconds(9))

    step = forwarded(told, ActionResult("w_1.7.0", DONE), NOON, FACTS)

    assert step.watch.complete_at == NOON - seconds(9)
    assert step.results[0].state is DONE


def test_a_hook_that_was_answered_is_over():
    step = forwarded(at_hook(at_work(AT_HOOK)), ActionResult("w_1.7.0", DONE), NOON, FACTS)

    assert step.watch.at == replace(AT_HOOK, is_over=True)
    assert judged(step.watch, well(), None, NOON + hours(9), FACTS).actions == ()


@pytest.mark.parametrize(
    ("result", "because"),
    [
        (ActionResult("w_1.7.0", FAILED, "AccessDenied", by_hand="aws …"), Doubtful.STAGE_FAILED),
        (ActionResult("w_1.7.0", REFUSED, "v43 has 40 %", third_tag="v43"), Doubtful.STAGE_MOVED),
    ],
)
def test_what_failed_is_asked_about_and_may_be_tried_again(result, because):
    step = forwarded(in_stages(at_work()), result, NOON, FACTS)

    assert step.watch.question.because == (because,)
    assert result.words in step.watch.question.words
    assert step.results == (result,)
    assert OrderKind.ADVANCE in orders_allowed(step.watch)


def test_news_of_one_that_is_open_change_nothing_and_of_an_older_one_only_close_it():
    older = ActionResult("w_1.5.0", DONE)

    assert forwarded(in_stages(at_work()), ActionResult("w_1.7.0", ActionState.BEGUN), NOON, FACTS) is None
    assert forwarded(a_watch(State.PASSED), older, NOON, FACTS) is None
    step = forwarded(in_stages(at_work()), older, NOON, FACTS)
    assert (step.results, step.watch.at) == ((older,), at_work())


def test_one_that_is_not_done_in_its_time_is_asked_about():
    slow = in_stages(replace(at_work(), acted_at=NOON - minutes(30)))

    step = due(slow, NOON, FACTS)

    assert step.watch.question.because == (Doubtful.STAGE_FAILED,)
    assert "not done after 30 min" in step.watch.question.words
    assert step.results[0].state is FAILED
    assert due(in_stages(at_work()), NOON, FACTS) is None


def test_a_stage_that_nobody_judges_asks_by_the_clock_and_ends_unproven():
    forgotten = in_stages(replace(HERE, since=NOON - hours(3)))

    asked = due(forgotten, NOON, FACTS).watch
    ended = due(asked, NOON + hours(1), FACTS)

    assert asked.question.because == (Doubtful.STAGE_UNDECIDED,)
    assert ended.watch.state is State.UNPROVEN
    assert "left at 5 % of the traffic" in ended.watch.ending.words


def test_between_two_stages_the_clocks_wait_for_the_next_and_in_shadow_for_nobody():
    over = at_hook(replace(AT_HOOK, is_over=True), staged_at=NOON - minutes(30))
    shadow = in_stages(mode=Mode.SHADOW, opened_at=NOON - hours(2), traffic_at=NOON - hours(2))

    assert next_due(over, None, seconds(0), NOON - minutes(1)) <= NOON + minutes(30)
    assert due(over, NOON + minutes(29), FACTS) is None
    assert due(over, NOON + minutes(30), FACTS).watch.complete_at == NOON + minutes(30)
    assert due(shadow, NOON, FACTS).watch.complete_at == NOON - hours(1)


@pytest.mark.parametrize(
    "watch",
    [
        in_stages(mode=Mode.SHADOW, opened_at=NOON - hours(2)),
        in_stages(None, opened_at=NOON - hours(2)),
        at_hook(mode=Mode.SHADOW, opened_at=NOON - hours(2)),
    ],
)
def test_what_was_never_seen_with_all_the_traffic_does_not_pass_by_the_clock(watch):
    """It may serve a twentieth: as a known-good release it would be gone back to."""
    baking = due(watch, NOON, FACTS).watch

    after = judged(baking, well(NOON + minutes(59)), None, NOON + minutes(59), FACTS)
    over = baking.complete_at + baking.policy.bake.at_most
    late = judged(baking, well(over), None, over, FACTS)

    assert after.watch.state is State.WATCHING
    assert late.watch.state is State.UNPROVEN


# -------------------------------------------------------------------------------------------------------------- orders


@pytest.mark.parametrize("state", [State.WATCHING, State.HELD])
def test_a_person_may_have_it_go_on_now(state):
    step = ordered(in_stages(state=state), an_order(OrderKind.ADVANCE), NOON, some_facts(armed=False))

    assert step.watch.state is State.WATCHING
    assert (step.actions[0].ordered_by, step.actions[0].bound) == ("olga", False)
    assert step.requires == {NoOpenAction("checkout", "production")}
    assert (step.by, step.why) == ("olga", "I looked")


def test_a_person_who_is_asked_may_say_so_too():
    asking = judged(in_stages(mode=Mode.ASK), well(), None, NOON, FACTS).watch

    step = ordered(asking, an_order(OrderKind.ADVANCE, reason=""), NOON, FACTS)

    assert (step.watch.state, step.watch.question, step.why) == (State.WATCHING, None, "advance")


@pytest.mark.parametrize(
    "watch",
    [
        a_watch(),
        in_stages(None),
        in_stages(at_work()),
        in_stages(replace(HERE, share=1.0)),
        in_stages(state=State.COUNTING_DOWN),
        in_stages(state=State.HELD, breach=a_watch(State.ASKING).breach),
        in_stages(state=State.ROLLING_BACK),
    ],
)
def test_where_it_is_bad_or_nothing_leads_on_nobody_may_say_so(watch):
    assert OrderKind.ADVANCE not in orders_allowed(watch)
    with pytest.raises(OrderRefused):
        ordered(watch, an_order(OrderKind.ADVANCE), NOON, FACTS)


def test_a_hold_forgets_what_moved_it_and_not_where_it_is():
    step = ordered(in_stages(at_work()), an_order(OrderKind.HOLD), NOON, FACTS)

    assert step.watch.at == HERE


def test_to_keep_what_a_stage_asks_about_leaves_it_there_unproven():
    asking = judged(in_stages(mode=Mode.ASK), well(), None, NOON, FACTS).watch

    step = ordered(asking, an_order(OrderKind.KEEP), NOON, FACTS)

    assert step.watch.state is State.UNPROVEN
    assert step.watch.ending.words == (
        "left at 5 % of the traffic, neither proven nor refuted: kept by olga: I looked"
    )
