"""Blue-green, linear and canary: what is seen while ECS moves the traffic, and how it is moved back."""

from datetime import timedelta

import pytest

from deploy.model import (
    AlreadyThere,
    Begun,
    Failed,
    Level,
    Move,
    Moving,
    Refused,
    Release,
    RollbackPlan,
    Serving,
    Unfinished,
)
from deploy.rollback import AT_ONCE, Done, Going, roll_back
from deploy.target import AtHook, Waits
from deploy.targets.ecs.examining import examine, waits_of
from deploy.targets.ecs.service import Service
from deploy.targets.ecs.strategy import Strategy, strategy_of
from deploy.targets.ecs.trace import TAG_KEY, Trace
from tests.deploy.targets.ecs.shifting import Shifting, hook
from tests.deploy.targets.ecs.stage import KEY
from tests.fakes.aws import AwsError

CANARY = {"canaryConfiguration": {"canaryPercent": 10.0, "canaryBakeTimeInMinutes": 5}}
LINEAR = {"linearConfiguration": {"stepPercent": 50.0, "stepBakeTimeInMinutes": 3}}
BEFORE_EACH_STEP = hook("PRE_PRODUCTION_TRAFFIC_SHIFT")
LAST = hook("POST_PRODUCTION_TRAFFIC_SHIFT")


def begin(stage, move=None):
    return stage.run(stage.target().begin(move or stage.move(), KEY))


def progress(stage, target=None):
    return stage.run((target or stage.target()).progress(stage.move(), KEY))


# ------------------------------------------------------------------------------------------------------ what is seen


@pytest.mark.parametrize(
    ("strategy", "more", "shares"),
    [
        ("BLUE_GREEN", {}, [1.0]),
        ("CANARY", CANARY, [0.1, 1.0]),
        ("LINEAR", LINEAR, [0.5, 1.0]),
    ],
)
def test_the_shares_are_the_weights_of_each_step_and_nothing_is_in_its_way(strategy, more, shares):
    stage = Shifting(strategy, BEFORE_EACH_STEP, **more)
    stage.waiting()
    seen = [stage.live()]
    for _ in shares:
        stage.by_hand("CONTINUE")
        seen.append(stage.live())
        stage.goes_on(minutes=6)

    assert [each.shares[each.in_flight.fingerprint] for each in seen] == [0.0, *shares]
    assert {each.release.tag for each in seen} == {"web:1"}
    assert {each.in_flight.tag for each in seen} == {"web:2"}
    assert {each.obstacles for each in seen} == {()}


def test_the_weights_of_images_that_are_pinned_are_told_too():
    stage = Shifting("CANARY", **CANARY)
    for digit in "67":
        stage.world.ecs.register("web", f"shop@sha256:{digit * 64}", stage.clock.time)
    stage.deployed("web:4")
    stage.goes_on(minutes=10)
    stage.deploy("web:5")
    stage.goes_on(seconds=25)

    live = stage.live()

    assert (live.release.tag, live.in_flight.tag) == ("web:4", "web:5")
    assert live.shares == {live.release.fingerprint: 0.9, live.in_flight.fingerprint: 0.1}


def test_in_steady_state_nothing_more_is_read_than_of_any_service():
    stage = Shifting("CANARY", BEFORE_EACH_STEP, **CANARY)
    target = stage.target()
    stage.live(target)
    before = len(stage.world.calls)

    stage.live(target)

    assert [call.operation for call in stage.world.calls[before:]] == ["DescribeServices"]


def test_an_unknown_member_of_a_strategy_has_the_default_of_aws():
    assert strategy_of({"strategy": "CANARY"}).told() == "5 % of the traffic, and all of it after 10 min"
    assert strategy_of({"strategy": "LINEAR"}).shifts_for == timedelta(minutes=54)
    assert strategy_of({}) == Strategy()


# --------------------------------------------------------------------------------------------------- going back in flight


@pytest.mark.parametrize("strategy", ["BLUE_GREEN", "LINEAR", "CANARY"])
def test_what_waits_at_a_hook_is_told_to_go_back_there(strategy):
    stage = Shifting(strategy, BEFORE_EACH_STEP)
    waits = stage.waiting()

    answer = begin(stage)
    stage.goes_on(minutes=5)

    assert isinstance(answer, Begun)
    assert stage.changed() == ["ContinueServiceDeployment"]
    (call,) = [call for call in stage.world.mutating_calls() if call.operation != "TagResource"]
    assert (call.parameters["hookId"], call.parameters["action"]) == (waits, "ROLLBACK")
    assert progress(stage) == Serving()
    assert stage.live().release == stage.release("web:1")
    assert stage.live().key == KEY


def test_what_moves_between_two_hooks_is_stopped_and_the_traffic_is_back_at_once():
    stage = Shifting("CANARY", **CANARY)
    stage.deploy("web:2")
    stage.goes_on(minutes=2)
    assert stage.share("web:2") == 0.1

    begin(stage)
    stage.goes_on(seconds=2)

    assert stage.changed() == ["StopServiceDeployment"]
    assert stage.share("web:2") == 0.0


def test_in_the_bake_time_the_traffic_goes_back_in_seconds():
    stage = Shifting()
    stage.deploy("web:2")
    stage.goes_on(minutes=2)
    assert stage.share("web:2") == 1.0

    begin(stage)
    stage.goes_on(seconds=2)

    assert stage.changed() == ["StopServiceDeployment"]
    assert stage.share("web:1") == 1.0


@pytest.mark.parametrize(
    "code", ["AccessDeniedException", "InvalidParameterException", "ThrottlingException"]
)
def test_a_hook_that_does_not_take_the_word_is_gone_round_by_stopping_the_deployment(code):
    stage = Shifting("BLUE_GREEN", BEFORE_EACH_STEP)
    stage.waiting()
    stage.world.faults.fail("ecs", "ContinueServiceDeployment", error=AwsError(code, "no"), times=None)
    target, move = stage.target(), stage.move()

    first = stage.run(target.begin(move, KEY))
    second = stage.run(target.begin(move, KEY))
    stage.goes_on(minutes=2)

    assert isinstance(first, Refused)
    assert first.again_in is not None
    assert isinstance(second, Begun)
    assert stage.changed() == ["ContinueServiceDeployment", "StopServiceDeployment"]
    assert progress(stage) == Serving()


def test_a_word_whose_answer_was_lost_is_read_and_not_said_again():
    stage = Shifting("BLUE_GREEN", BEFORE_EACH_STEP)
    stage.waiting()
    stage.world.faults.lose_answer("ecs", "ContinueServiceDeployment")
    plan, targets = RollbackPlan("checkout", "production", (stage.move(),)), {"service": stage.target()}

    async def intend(_: Move) -> bool:
        return True

    sent, outcome = 0, None
    for _ in range(8):
        outcome = stage.run(roll_back(plan, targets, KEY, sent=sent, intend=intend))
        sent = getattr(outcome, "sent", sent)
        stage.goes_on(seconds=15)

    assert outcome == Done()
    assert stage.answers() == ["ROLLBACK"]


def test_a_word_that_never_arrived_is_said_again_once_that_is_certain():
    stage = Shifting("BLUE_GREEN", BEFORE_EACH_STEP)
    stage.waiting()
    trace = Trace(KEY, stage.clock.time, "web:2", "web:1", native=True).written() or ""
    arn = stage.world.ecs.find("web").arn
    stage.world.home.tagging.put(arn, {TAG_KEY: trace}, stage.clock.time)  # and nothing else came of it
    soon = progress(stage)
    stage.goes_on(minutes=3)

    assert isinstance(soon, Moving)
    assert isinstance(progress(stage), Unfinished)


# ------------------------------------------------------------------------------------------------- going back afterwards


def rolled_back(stage, minutes=40):
    """The way back, as the performer goes it: what it was told at each look."""
    plan, targets = RollbackPlan("checkout", "production", (stage.move(),)), {"service": stage.target()}

    async def intend(_: Move) -> bool:
        return True

    sent, outcomes = 0, []
    for _ in range(minutes * 6):
        outcomes.append(stage.run(roll_back(plan, targets, KEY, sent=sent, intend=intend)))
        if isinstance(outcomes[-1], Done):
            return outcomes
        assert isinstance(outcomes[-1], Going), outcomes[-1]
        sent = outcomes[-1].sent
        if outcomes[-1].look_again_in > AT_ONCE:
            stage.goes_on(seconds=10)
    return outcomes


def complete(stage):
    """``web:2`` was deployed; at each hook a person has let it go on."""
    stage.waiting()
    while stage.world.ecs.find("web").current:
        if any(each.status == "AWAITING_ACTION" for each in stage.world.ecs.find("web").history[0].hooks):
            stage.by_hand("CONTINUE")
        stage.goes_on(minutes=2)


def test_our_own_deployment_is_told_to_go_on_at_each_of_its_hooks():
    stage = Shifting("CANARY", BEFORE_EACH_STEP, LAST, **CANARY)
    complete(stage)

    outcomes = rolled_back(stage)

    assert outcomes[-1] == Done()
    assert stage.changed().count("UpdateService") == 1
    assert stage.answers() == ["CONTINUE", "CONTINUE", "CONTINUE"]
    assert stage.share("web:1") == 1.0


def test_our_own_deployment_whose_trace_could_not_be_left_is_told_to_go_on_all_the_same():
    stage = Shifting("CANARY", BEFORE_EACH_STEP, LAST, **CANARY)
    complete(stage)
    stage.world.faults.throttle("ecs", "TagResource")

    outcomes = rolled_back(stage)

    assert outcomes[-1] == Done()
    assert stage.answers() == ["CONTINUE", "CONTINUE", "CONTINUE"]


def test_it_is_over_when_all_the_traffic_is_back_and_not_only_after_the_bake_time():
    stage = Shifting("BLUE_GREEN", bakeTimeInMinutes=60)
    stage.deploy("web:2")
    stage.goes_on(minutes=90)
    began = stage.clock.time

    assert rolled_back(stage)[-1] == Done()

    assert stage.clock.time - began < timedelta(minutes=2)
    assert stage.world.ecs.find("web").history[0].stage == "BAKE_TIME"
    assert stage.live().key == KEY


def test_what_another_hand_deploys_is_not_told_to_go_on_by_us():
    stage = Shifting("BLUE_GREEN", BEFORE_EACH_STEP)
    complete(stage)
    stage.waiting("web:1")

    answer = begin(stage)

    assert isinstance(answer, Begun)
    assert stage.answers() == []
    assert "another hand" in progress(stage).words


def test_a_move_of_ours_with_another_key_is_not_told_to_go_on_by_this_one():
    stage = Shifting("BLUE_GREEN", BEFORE_EACH_STEP)
    complete(stage)
    begin(stage)
    stage.goes_on(seconds=30)

    answer = stage.run(stage.target().begin(stage.move(), "w_2.1.0"))

    assert isinstance(answer, Begun)
    assert stage.answers() == []


def test_a_way_back_whose_hook_timed_out_has_failed_and_says_so():
    stage = Shifting(
        "BLUE_GREEN", hook("PRE_PRODUCTION_TRAFFIC_SHIFT", timeoutInMinutes=1, action="ROLLBACK")
    )
    complete(stage)
    begin(stage)
    stage.goes_on(minutes=10)

    found = progress(stage)

    assert isinstance(found, Failed)
    assert "takes web:1 back" in found.words
    assert "aws ecs update-service" in found.by_hand


def test_the_same_key_twice_is_one_deployment():
    stage = Shifting("BLUE_GREEN")
    stage.deployed("web:2")
    begin(stage)
    stage.goes_on(seconds=25)

    begin(stage)

    assert stage.changed() == ["UpdateService"]


# ----------------------------------------------------------------------------------------------------------- beforehand


def test_in_flight_it_is_foretold_that_the_traffic_goes_back_in_seconds_and_until_when():
    stage = Shifting("BLUE_GREEN", BEFORE_EACH_STEP)
    waits = stage.waiting()

    foretold = stage.run(stage.target().foretell(stage.move()))

    arn = stage.world.ecs.find("web").history[0].arn
    assert foretold.calls[1] == (
        f"ecs:ContinueServiceDeployment serviceDeploymentArn={arn} hookId={waits} action=ROLLBACK"
        " (it names the one deployment that it is of: what somebody else deploys is not touched)"
    )
    assert foretold.by_hand == (
        f"aws ecs continue-service-deployment --service-deployment-arn {arn} --hook-id {waits} --action ROLLBACK"
        " --region eu-central-1"
    )
    assert foretold.takes.startswith(
        "seconds, while the old tasks stand (until 5 min after all the traffic has moved): only the traffic goes back"
    )
    assert foretold.capacity == "all 4 tasks are kept until the traffic has moved: up to 8 may run"
    assert foretold.obstacles == ()


def test_afterwards_it_is_foretold_how_the_service_moves_and_where_it_waits():
    stage = Shifting("LINEAR", BEFORE_EACH_STEP, **LINEAR)
    complete(stage)

    foretold = stage.run(stage.target().foretell(stage.move()))

    assert foretold.calls[1].startswith("ecs:UpdateService")
    assert foretold.takes.endswith(
        "by the service's own strategy LINEAR: 50 % of the traffic every 3 min; from the first of it to all takes 3 min; it"
        " waits at PRE_PRODUCTION_TRAFFIC_SHIFT, and is told to go on there"
    )


def found(**configuration):
    service = Service("web", "arn", "prod", strategy=strategy_of(configuration))
    return [(each.level, each.words) for each in examine(service)]


def test_a_hook_that_goes_on_by_itself_is_warned_of_for_a_dead_daemon_would_let_it_pass():
    lax = hook("POST_PRODUCTION_TRAFFIC_SHIFT", timeoutInMinutes=30, action="CONTINUE")

    ((level, words),) = found(strategy="CANARY", bakeTimeInMinutes=5, lifecycleHooks=[lax])

    assert level is Level.WARN
    assert "goes on by itself after 30 min: a daemon that is dead would let a bad release pass" in words


def test_a_function_in_place_of_a_pause_is_named():
    asks = {
        "hookTargetArn": "arn:aws:lambda:eu-central-1:123456789012:function:check",
        "lifecycleStages": ["POST_TEST_TRAFFIC_SHIFT"],
    }

    ((_, words),) = found(strategy="BLUE_GREEN", bakeTimeInMinutes=5, lifecycleHooks=[asks])

    assert "asks the function check, and not this daemon" in words


def test_a_hook_before_anything_runs_has_nothing_to_judge():
    ((_, words),) = found(lifecycleHooks=[hook("PRE_SCALE_UP", "POST_SCALE_UP")])

    assert "its hook at PRE_SCALE_UP waits before anything of the new release runs" in words


def test_old_tasks_that_are_not_kept_are_warned_of_unless_a_hook_keeps_them():
    ((_, words),) = found(strategy="BLUE_GREEN")

    assert "taken away as soon as the traffic is moved" in words
    assert found(strategy="BLUE_GREEN", lifecycleHooks=[LAST]) == [
        (Level.OK, "it is deployed by BLUE_GREEN, and waits for a word at POST_PRODUCTION_TRAFFIC_SHIFT")
    ]


def test_what_it_waits_for_is_told_for_each_stage_and_what_is_kept_includes_the_last_hook():
    waits = waits_of(
        strategy_of(
            {
                "strategy": "BLUE_GREEN",
                "bakeTimeInMinutes": 10,
                "lifecycleHooks": [
                    hook("POST_TEST_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT", timeoutInMinutes=60)
                ],
            }
        )
    )

    assert [each.stage for each in waits.hooks] == [
        "POST_TEST_TRAFFIC_SHIFT",
        "POST_PRODUCTION_TRAFFIC_SHIFT",
    ]
    assert waits.hooks[0] == AtHook(
        "POST_TEST_TRAFFIC_SHIFT",
        timedelta(hours=1),
        goes_back=True,
        otherwise="ECS rolls the deployment back",
    )
    assert waits.keeps == timedelta(minutes=70)
    assert waits_of(Strategy()).keeps is None


def test_the_target_says_so_of_its_service():
    stage = Shifting("BLUE_GREEN", LAST)

    assert [each.level for each in stage.run(stage.target().examine())] == [Level.OK]
    waits = stage.run(stage.target().waits())
    assert isinstance(waits, Waits)
    assert waits.keeps == timedelta(days=1, minutes=5)
    stage.world.faults.throttle("ecs", times=None)
    assert "cannot be seen" in stage.run(stage.target().examine())[0].words


def test_a_release_that_is_there_already_needs_no_word():
    stage = Shifting("BLUE_GREEN", BEFORE_EACH_STEP)

    assert begin(stage, Move("service", Release.of_tag("web:2"), stage.release("web:1"))) == AlreadyThere()
