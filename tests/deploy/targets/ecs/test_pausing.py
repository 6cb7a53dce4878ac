"""A rollout that waits at a hook of ECS: how it is seen, and what it is told."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from deploy.model import AlreadyThere, Begun, Live, Move, Pause, Refused, Unclear, Word
from deploy.ports import Aws, AwsCall
from deploy.target import Hooked, Waiting
from deploy.targets.ecs.history import attempt_of
from tests.deploy.targets.ecs.shifting import Shifting, hook
from tests.deploy.targets.ecs.stage import ACTOR, KEY, READS_ONLY, Stage
from tests.fakes.aws import AwsError
from tests.fakes.aws.fixtures import NOON

AFTER_TESTS = hook("POST_TEST_TRAFFIC_SHIFT", timeoutInMinutes=90)
BEFORE_EACH_STEP = hook("PRE_PRODUCTION_TRAFFIC_SHIFT")


@pytest.fixture
def paused() -> Shifting:
    """``web:2`` waits after the shift of the test traffic."""
    stage = Shifting("BLUE_GREEN", AFTER_TESTS)
    stage.waiting()
    return stage


def answer(stage, word=Word.GO_ON, pause=None, **settings):
    target = stage.target(**settings)
    return stage.run(target.answer(pause or Pause(stage.hook), word, KEY))


# -------------------------------------------------------------------------------------------------------------- seen


def test_a_pause_is_seen_with_its_end_what_follows_and_what_a_person_runs(paused):
    pause = paused.live().pause

    arn = paused.world.ecs.find("web").history[0].arn
    by_hand = (
        f"aws ecs continue-service-deployment --service-deployment-arn {arn} --hook-id {paused.hook} --action"
    )
    assert (pause.hook, pause.stage) == (paused.hook, "POST_TEST_TRAFFIC_SHIFT")
    assert timedelta(minutes=89) < pause.until - paused.clock.time <= timedelta(minutes=90)
    assert pause.otherwise == "ECS rolls the deployment back"
    assert pause.go_on == f"{by_hand} CONTINUE --region eu-central-1"
    assert pause.go_back == f"{by_hand} ROLLBACK --region eu-central-1"


def test_what_goes_on_by_itself_says_so():
    stage = Shifting("BLUE_GREEN", hook("POST_SCALE_UP", timeoutInMinutes=5, action="CONTINUE"))
    stage.waiting()

    assert stage.live().pause.otherwise == "ECS lets the deployment go on"


def test_a_hook_of_a_rolling_deployment_is_seen_too():
    stage = Shifting("ROLLING", hook("POST_SCALE_UP"))
    stage.deploy("web:2")
    stage.goes_on(minutes=2)

    live = stage.live()

    assert live.pause.stage == "POST_SCALE_UP"
    assert live.obstacles == ()


def test_each_step_waits_under_another_id_and_by_the_same_name_as_its_event():
    stage = Shifting("LINEAR", BEFORE_EACH_STEP, linearConfiguration={"stepPercent": 50.0})
    first = stage.waiting()
    before = stage.live().pause
    stage.by_hand("CONTINUE")
    between = stage.live().pause
    stage.goes_on(minutes=7)
    after = stage.live().pause

    told = [
        each["detail"]["lifecycleStage"]
        for each in stage.world.advance()
        if each["detail-type"] == "ECS Hook State Change"
    ]
    assert before.hook == first
    assert between is None
    assert after.hook not in {first, ""}
    assert {before.stage, after.stage} == {"PRE_PRODUCTION_TRAFFIC_SHIFT"} == set(told)


def test_of_two_hooks_the_one_that_runs_out_first_is_answered_first():
    late, soon = (hook("POST_SCALE_UP", timeoutInMinutes=minutes) for minutes in (60, 10))
    stage = Shifting("BLUE_GREEN", late, soon)
    stage.waiting()

    first = stage.live().pause
    answer(stage, pause=first)
    second = stage.live().pause

    assert first.until < second.until
    assert first.hook != second.hook


@dataclass
class Late:
    """AWS, of which one call already tells the newest deployment, and the other still the one before as it was."""

    aws: Aws
    arn: str
    attempt: Mapping[str, Any]

    @property
    def act(self) -> AwsCall:
        return self.aws.act

    @property
    def poll(self) -> AwsCall:
        return self.aws.poll

    async def read(self, scope: str, service: str, operation: str, /, **parameters: Any) -> Mapping[str, Any]:
        if operation == "describe_service_deployments":
            return self.attempt
        answer = await self.aws.read(scope, service, operation, **parameters)
        for told in answer.get("services", ()):
            told |= {"currentServiceDeployment": self.arn}
        return answer


def overtaken(stage: Shifting, tag: str) -> Shifting:
    """*tag* was deployed by another hand while ``web:2`` waited, and half of AWS has not heard of it."""
    arn = stage.world.ecs.find("web").history[0].arn
    call = stage.aws.read("shop", "ecs", "describe_service_deployments", serviceDeploymentArns=[arn])
    told = stage.run(call)
    stage.deploy(tag)
    stage.aws = Late(stage.aws, arn, told)
    stage.restarted()
    return stage


def test_the_hook_of_a_deployment_that_was_overtaken_is_not_that_of_the_newest(paused):
    hook = paused.hook

    stage = overtaken(paused, "web:3")
    stage.goes_on(seconds=25)

    assert stage.live().in_flight.tag == "web:3"
    assert stage.live().pause is None
    assert answer(stage, pause=Pause(hook)) == AlreadyThere()
    assert stage.answers() == []


def test_a_way_back_lets_only_itself_go_on_and_not_the_bad_release_that_it_took_the_place_of(paused):
    stage = overtaken(paused, "web:1")
    stage.goes_on(seconds=25)
    arn, at = stage.world.ecs.find("web").arn, int(stage.clock.time.timestamp())
    trace = [{"key": "rollbackd:move", "value": f"{KEY} update {at} web:2 web:1"}]
    stage.run(stage.aws.act("shop", "ecs", "tag_resource", resourceArn=arn, tags=trace))

    stage.run(stage.target().begin(Move("service", stage.release("web:2"), stage.release("web:1")), KEY))

    assert stage.answers() == []


def test_a_function_that_is_asked_is_nobody_to_answer():
    told = {"hookId": "h-1", "status": "AWAITING_ACTION", "expiresAt": NOON}
    hooks = [{**told, "targetType": "AWS_LAMBDA"}, {**told, "hookId": "h-2", "targetType": "PAUSE"}]

    found = attempt_of({"status": "IN_PROGRESS", "lifecycleHookDetails": hooks})

    assert [each.hook for each in found.waiting] == ["h-2"]


def test_what_goes_back_waits_for_nobody(paused):
    answer(paused, Word.GO_BACK)

    assert paused.live().pause is None


def test_many_that_wait_are_read_in_one_call():
    stage = Shifting("BLUE_GREEN", AFTER_TESTS)
    configuration = stage.service["configuration"]
    names = [f"web-{number}" for number in range(15)]
    for name in names:
        stage.world.ecs.create_service(
            name, "web:1", stage.clock.time, desired=1, configuration=configuration
        )
    stage.goes_on(minutes=5)
    for name in names:
        stage.world.ecs.deploy(name, "web:2", stage.clock.time)
    stage.goes_on(seconds=30)
    targets = [stage.target(name) for name in names]

    async def all_of_them():
        return await asyncio.gather(*(target.observe() for target in targets))

    lives = stage.run(all_of_them())

    assert all(isinstance(each, Live) and each.pause is not None for each in lives)
    assert stage.world.count("ecs", "DescribeServiceDeployments") == 1


def test_the_target_is_one_that_can_be_answered_and_that_waits():
    assert isinstance(Stage().target(), Hooked)
    assert isinstance(Stage().target(), Waiting)


# ------------------------------------------------------------------------------------------------------------ answered


def test_it_is_told_to_go_on_at_this_very_hook_and_nothing_else_is_changed(paused):
    waits = paused.hook

    said = answer(paused)
    paused.goes_on(minutes=10)

    (call,) = paused.world.mutating_calls()
    assert isinstance(said, Begun)
    assert (call.operation, call.by) == ("ContinueServiceDeployment", ACTOR)
    assert (call.parameters["hookId"], call.parameters["action"]) == (waits, "CONTINUE")
    assert paused.live().release == paused.release("web:2")


def test_it_is_told_to_go_back_and_that_is_known_as_ours(paused):
    said = answer(paused, Word.GO_BACK)
    paused.goes_on(minutes=5)

    assert isinstance(said, Begun)
    assert paused.answers() == ["ROLLBACK"]
    assert paused.live().release == paused.release("web:1")
    assert paused.live().key == KEY


def test_twice_is_once(paused):
    pause = Pause(paused.hook)
    answer(paused, pause=pause)

    assert answer(paused, pause=pause) == AlreadyThere()
    assert paused.answers() == ["CONTINUE"]


def test_a_person_who_was_quicker_has_answered(paused):
    pause = paused.live().pause
    paused.by_hand("ROLLBACK")

    assert answer(paused, pause=pause) == AlreadyThere()
    assert paused.answers() == []


def test_a_pause_that_is_over_is_never_mistaken_for_the_next():
    stage = Shifting("CANARY", BEFORE_EACH_STEP)
    pause = Pause(stage.waiting())
    answer(stage, pause=pause)
    stage.goes_on(minutes=11)

    assert stage.hook != pause.hook
    assert answer(stage, pause=pause) == AlreadyThere()
    assert stage.answers() == ["CONTINUE"]


def test_a_pause_without_an_id_is_the_one_that_waits_now(paused):
    answer(paused, pause=Pause(stage="POST_TEST_TRAFFIC_SHIFT"))

    assert paused.answers() == ["CONTINUE"]


def test_where_nothing_is_on_its_way_nothing_waits(stage):
    assert answer(stage, pause=Pause("ecs-pause-1")) == AlreadyThere()
    assert stage.world.mutating_calls() == []


def test_without_a_role_to_act_no_word_is_said(paused):
    said = answer(paused, account=READS_ONLY)

    assert isinstance(said, Refused)
    assert "no role to act" in said.words


def test_an_answer_that_is_lost_is_unclear_and_saying_it_again_is_harmless(paused):
    pause = Pause(paused.hook)
    paused.world.faults.lose_answer("ecs", "ContinueServiceDeployment")

    lost = answer(paused, pause=pause)
    again = answer(paused, pause=pause)

    assert isinstance(lost, Unclear)
    assert again == AlreadyThere()


@pytest.mark.parametrize(
    ("code", "is_final"),
    [
        ("InvalidParameterException", False),
        ("ClientException", False),
        ("ThrottlingException", False),
        ("AccessDeniedException", True),
        ("UnsupportedFeatureException", True),
    ],
)
def test_what_ecs_refuses_is_asked_for_again_unless_nothing_would_come_of_it(paused, code, is_final):
    paused.world.faults.fail("ecs", "ContinueServiceDeployment", error=AwsError(code, "no"))

    said = answer(paused)

    assert isinstance(said, Refused)
    assert (said.again_in is None) is is_final


@pytest.mark.parametrize("operation", ["DescribeServices", "DescribeServiceDeployments"])
def test_what_cannot_be_read_is_not_answered(paused, operation):
    pause = Pause(paused.hook)
    paused.world.faults.throttle("ecs", operation, times=None)

    said = answer(paused, pause=pause)

    assert isinstance(said, Refused)
    assert said.again_in is not None
    assert paused.answers() == []


def test_nobody_answers_and_ecs_goes_back_by_itself_which_is_watched(paused):
    paused.goes_on(minutes=95)
    ahead = paused.run(paused.target().observe())

    assert ahead.release == paused.release("web:1")
    assert paused.answers() == []
    assert ahead.key is None
