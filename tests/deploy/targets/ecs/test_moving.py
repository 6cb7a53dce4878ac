"""Asking ECS to move: each decision, and each way in which the answer may fail to come."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from deploy.model import AlreadyThere, Begun, Move, Refused, Release, RollbackPlan, Serving, Unclear
from deploy.rollback import Done, Going, Stopped, roll_back
from deploy.targets.ecs import Settings
from deploy.targets.ecs.looking import look
from deploy.targets.ecs.moving import decide
from tests.deploy.targets.ecs.stage import KEY, READS_ONLY, Stage
from tests.fakes.aws import AwsError

BREAKER = {"enable": True, "rollback": True}


def begin(stage, move=None, **settings):
    return stage.run(stage.target(**settings).begin(move or stage.move(), KEY))


def test_a_finished_deployment_is_undone_by_the_task_definition_and_nothing_else(stage):
    stage.deployed("web:2")

    answer = begin(stage)

    assert isinstance(answer, Begun)
    tag, update = stage.world.mutating_calls()
    assert (tag.operation, update.operation) == ("TagResource", "UpdateService")
    assert update.parameters == {"cluster": "prod", "service": "web", "taskDefinition": "web:1"}


def test_a_deployment_in_flight_is_undone_by_ecs_itself_if_that_goes_where_it_should(stage):
    stage.deploy("web:2")
    stage.goes_on(seconds=25)

    answer = begin(stage)

    assert isinstance(answer, Begun)
    (stop,) = [call for call in stage.world.mutating_calls() if call.operation != "TagResource"]
    assert stop.operation == "StopServiceDeployment"
    assert stop.parameters["stopType"] == "ROLLBACK"
    stage.goes_on(minutes=10)
    assert stage.live().release == stage.release("web:1")


def test_in_flight_over_an_unproven_release_the_known_good_one_is_set_and_not_merely_the_one_before(stage):
    stage.deployed("web:2")
    stage.deploy("web:3")
    stage.goes_on(seconds=25)

    begin(stage, stage.move("web:3", "web:1"))

    assert stage.changed() == ["UpdateService"]
    assert stage.wanted() == "web:1"


def test_a_deployment_over_another_that_was_in_flight_has_two_sources_and_is_not_stopped(stage):
    stage.behaves("web:1", stops_in=timedelta(minutes=5))
    stage.deploy("web:2")
    stage.goes_on(seconds=25)
    stage.deploy("web:3")
    stage.goes_on(seconds=25)

    begin(stage, stage.move("web:3", "web:1"))

    assert stage.changed() == ["UpdateService"]
    assert stage.wanted() == "web:1"


def test_a_third_release_is_never_undone(stage):
    move = stage.move()
    stage.deployed("web:3")

    answer = begin(stage, move)

    assert isinstance(answer, Refused)
    assert answer.third_tag == "web:3"
    assert stage.world.mutating_calls() == []


def test_a_third_release_on_its_way_is_never_undone(stage):
    move = stage.move()
    stage.deployed("web:2")
    stage.deploy("web:3")
    stage.goes_on(seconds=25)

    answer = begin(stage, move)

    assert isinstance(answer, Refused)
    assert answer.third_tag == "web:3"
    assert stage.changed() == []


def test_a_person_who_deploys_while_ecs_goes_back_is_never_undone(stage):
    stage.deploy("web:2")
    stage.goes_on(seconds=25)
    plan = RollbackPlan("checkout", "production", (stage.move(),))
    targets = {"service": stage.target()}

    async def intend(_: Move) -> bool:
        return True

    first = stage.run(roll_back(plan, targets, KEY, sent=0, intend=intend))
    stage.goes_on(seconds=3)
    stage.deploy("web:3")
    stage.goes_on(seconds=25)
    for sent in (0, 1):
        assert isinstance(stage.run(roll_back(plan, targets, KEY, sent=sent, intend=intend)), Stopped)
    stage.goes_on(minutes=10)

    assert isinstance(first, Going)
    assert stage.changed() == ["StopServiceDeployment"]
    assert stage.live().release.tag == "web:3"


def test_what_cannot_be_told_yet_is_asked_for_again_and_nothing_is_sent(stage):
    move = stage.move()
    stage.deploy("web:2")

    answer = begin(stage, move)

    assert isinstance(answer, Refused)
    assert answer.again_in is not None
    assert stage.world.mutating_calls() == []


def test_what_serves_already_is_not_sent(stage):
    assert begin(stage) == AlreadyThere()
    assert stage.world.mutating_calls() == []


def test_what_serves_already_by_content_under_another_number_is_not_sent(stage):
    stage.world.ecs.register("web", "shop:1.0", stage.clock.time)
    stage.deployed("web:4")

    assert begin(stage) == AlreadyThere()


def test_the_same_key_twice_is_one_move(stage):
    stage.deployed("web:2")
    begin(stage)
    stage.goes_on(seconds=25)

    again = begin(stage)

    assert isinstance(again, Begun)
    assert stage.changed() == ["UpdateService"]


def test_the_circuit_breaker_that_goes_back_meanwhile_is_watched_and_not_ordered_about():
    stage = Stage(images=("shop:1.0", f"shop@sha256:{'2' * 64}", "shop:3.0"))
    stage.behaves("web:2", fails_to_start="CannotPullContainerError: not now", stops_in=timedelta(minutes=1))
    stage.deploy("web:2", deploymentCircuitBreaker=BREAKER)
    bad = stage.live().in_flight
    stage.goes_on(minutes=2)
    move = Move("service", expect=bad, to=stage.release("web:1"))
    went_back = stage.world.ecs.find("web").history[0].status

    answer = begin(stage, move)
    stage.goes_on(minutes=10)

    assert went_back.startswith("ROLLBACK")
    assert isinstance(answer, Begun | AlreadyThere)
    assert stage.world.mutating_calls() == []
    assert stage.run(stage.target().progress(move, KEY)) == Serving()


def test_only_the_deployment_of_what_is_to_be_undone_is_stopped(stage):
    reader = stage.target()._reader
    stage.deploy("web:2")
    stage.goes_on(seconds=25)
    view = stage.run(look(reader, Settings(cluster="prod", service="web")))
    begin(stage)
    stage.goes_on(minutes=10)
    another = stage.deploy_and_arn("web:3")  # it would go back to web:1, too
    stage.goes_on(seconds=25)

    mixed = replace(view, service=replace(view.service, deployment=another))
    order = stage.run(decide(reader, mixed, stage.move()))

    assert order.operation == "update_service"


def test_ecs_that_was_told_to_go_back_a_moment_ago_is_not_told_again(stage):
    stage.deploy("web:2")
    stage.goes_on(seconds=25)
    move = stage.move()
    begin(stage, move)  # ROLLBACK_REQUESTED for a second: the bad one is still ahead

    again = begin(stage, move)

    assert isinstance(again, Begun)
    assert "by itself" in again.words
    assert stage.changed() == ["StopServiceDeployment"]


# ------------------------------------------------------------------------------------------------- what ECS refuses


def test_without_a_role_to_act_nothing_is_tried(stage):
    stage.deployed("web:2")

    answer = begin(stage, account=READS_ONLY)

    assert isinstance(answer, Refused)
    assert "no role to act" in answer.words
    assert stage.world.mutating_calls() == []


@pytest.mark.parametrize(
    ("service", "words"),
    [
        ({"controller": "CODE_DEPLOY"}, "CodeDeploy"),
        ({"controller": "EXTERNAL"}, "EXTERNAL"),
    ],
)
def test_what_this_version_cannot_move_is_refused_and_says_so(service, words):
    stage = Stage(service)
    stage.deployed("web:2")
    move = Move("service", Release.of_tag("web:2"), Release.of_tag("web:1"))

    answer = begin(stage, move)

    assert isinstance(answer, Refused)
    assert words in answer.words
    assert "not in this version" in answer.words
    assert stage.world.mutating_calls() == []


def test_a_permission_that_lacks_is_said_with_its_remedy(stage):
    stage.deployed("web:2")
    stage.world.identities.role("arn:aws:iam::123456789012:role/rollbackd-act", {"ecs:TagResource"})

    answer = begin(stage)

    assert isinstance(answer, Refused)
    assert answer.again_in is None
    assert "ecs:UpdateService" in answer.words
    assert "doctor" in answer.words


def test_a_tag_that_may_not_be_written_never_stops_the_rollback(stage):
    stage.deployed("web:2")
    stage.world.identities.role("arn:aws:iam::123456789012:role/rollbackd-act", {"ecs:UpdateService"})

    answer = begin(stage)

    assert isinstance(answer, Begun)
    assert "ecs:TagResource" in answer.words
    assert stage.wanted() == "web:1"


def test_a_tag_that_is_not_answered_never_stops_the_rollback(stage):
    stage.deployed("web:2")
    stage.world.faults.slow("ecs", "TagResource", seconds=60)

    async def timed():
        began = asyncio.get_running_loop().time()
        return await stage.target().begin(stage_move, KEY), asyncio.get_running_loop().time() - began

    stage_move = stage.move()
    answer, took = stage.run(timed())

    assert isinstance(answer, Begun)
    assert "not answered in time" in answer.words
    assert took <= 7


def test_throttled_it_is_not_now_and_sent_again_later(stage):
    stage.deployed("web:2")
    stage.world.faults.throttle("ecs", "UpdateService", times=1)

    first, second = begin(stage), begin(stage)

    assert isinstance(first, Refused)
    assert first.again_in is not None
    assert isinstance(second, Begun)
    assert stage.changed() == ["UpdateService", "UpdateService"]


def test_a_definition_that_was_deregistered_is_refused_in_aws_words_with_what_to_do(stage):
    stage.deployed("web:2")
    stage.world.ecs.definitions.deregister("web:1")

    answer = begin(stage)

    assert isinstance(answer, Refused)
    assert "TaskDefinition is inactive" in answer.words
    assert "register the same content anew" in answer.words


def test_a_deployment_that_ended_just_now_is_decided_anew(stage):
    stage.deploy("web:2")
    stage.goes_on(seconds=25)
    error = AwsError("ConflictException", "Service deployment is in state SUCCESSFUL and cannot be stopped.")
    stage.world.faults.fail("ecs", "StopServiceDeployment", error=error)

    answer = begin(stage)

    assert isinstance(answer, Refused)
    assert answer.again_in is not None


@pytest.mark.parametrize("operation", ["UpdateService", "StopServiceDeployment"])
def test_an_answer_lost_after_the_effect_is_unclear_and_the_move_is_not_sent_twice(stage, operation):
    stage.deploy("web:2")
    stage.goes_on(**({"minutes": 10} if operation == "UpdateService" else {"seconds": 25}))
    stage.world.faults.lose_answer("ecs", operation)

    first = begin(stage)
    stage.goes_on(seconds=3)
    again = begin(stage)
    stage.goes_on(minutes=10)

    assert isinstance(first, Unclear)
    assert isinstance(again, Begun | Refused)
    assert stage.changed() == [operation]
    assert stage.live().release == stage.release("web:1")


def test_an_answer_that_does_not_come_is_unclear_in_time(stage):
    stage.deployed("web:2")
    stage.world.faults.slow("ecs", "UpdateService", seconds=60)
    move = stage.move()

    async def timed():
        began = asyncio.get_running_loop().time()
        return await stage.target().begin(move, KEY), asyncio.get_running_loop().time() - began

    answer, took = stage.run(timed())

    assert isinstance(answer, Unclear)
    assert took <= 7


def test_a_service_that_cannot_be_read_is_not_moved(stage):
    stage.deployed("web:2")
    move = stage.move()
    stage.world.faults.throttle("ecs", "DescribeServices")

    answer = begin(stage, move)

    assert isinstance(answer, Refused)
    assert answer.again_in is not None
    assert stage.world.mutating_calls() == []


def test_a_kill_between_trace_and_move_does_not_look_like_a_move_and_the_move_is_made_once(stage):
    stage.deployed("web:2")
    stage.world.faults.fail("ecs", "UpdateService", error=AwsError("ThrottlingException", "Rate exceeded"))
    begin(stage)  # its trace is there, and nothing has moved
    stage.restarted()
    live = stage.live()
    plan, targets = RollbackPlan("checkout", "production", (stage.move(),)), {"service": stage.target()}

    async def intend(_: Move) -> bool:
        return True

    stage.run(roll_back(plan, targets, KEY, sent=0, intend=intend))
    stage.goes_on(minutes=10)

    assert live.key is None
    assert live.release.tag == "web:2"
    assert stage.run(roll_back(plan, targets, KEY, sent=0, intend=intend)) == Done()
    assert stage.wanted() == "web:1"


def test_a_kill_after_the_move_finds_it_by_its_trace_and_sends_nothing(stage):
    stage.deployed("web:2")
    begin(stage)
    stage.restarted().goes_on(seconds=25)
    plan, targets = RollbackPlan("checkout", "production", (stage.move(),)), {"service": stage.target()}

    async def intend(_: Move) -> bool:
        raise AssertionError("nothing is to be sent")

    going = stage.run(roll_back(plan, targets, KEY, sent=0, intend=intend))

    assert isinstance(going, Going)
    assert stage.changed() == ["UpdateService"]


def test_images_of_then_under_the_same_task_definition_cannot_be_brought_back_by_it(stage):
    image = stage.world.ecr.image("shop", "live")
    stage.world.ecr.push("shop", "live", "old", stage.clock.time)
    stage.world.ecs.register("web", image, stage.clock.time)
    stage.deployed("web:4")
    old = stage.live().release
    stage.world.ecr.push("shop", "live", "new", stage.clock.time)
    stage.deployed("web:4")
    new = stage.live().release

    answer = begin(stage, Move("service", expect=new, to=old))

    assert isinstance(answer, Refused)
    assert "pinned to their digests" in answer.words
    assert stage.world.mutating_calls() == []


def test_images_of_then_come_back_while_ecs_itself_can_still_go_back(stage):
    image = stage.world.ecr.image("shop", "live")
    stage.world.ecr.push("shop", "live", "old", stage.clock.time)
    stage.world.ecs.register("web", image, stage.clock.time)
    stage.deployed("web:4")
    old = stage.live().release
    stage.world.ecr.push("shop", "live", "new", stage.clock.time)
    stage.deploy("web:4")
    stage.goes_on(seconds=25)
    new = stage.live().in_flight

    begin(stage, Move("service", expect=new, to=old))
    stage.goes_on(minutes=10)

    assert stage.changed() == ["StopServiceDeployment"]
    assert stage.live().release == old


def test_where_nothing_runs_nothing_is_moved(stage):
    move = stage.move()
    stage.world.ecs.scale("web", 0, stage.clock.time)
    stage.goes_on(minutes=5)

    answer = begin(stage, move)

    assert isinstance(answer, Refused)
    assert "nothing runs" in answer.words
    assert stage.world.mutating_calls() == []


def test_a_rollback_of_another_hand_to_another_release_is_awaited_and_not_ordered_about(stage):
    stage.deployed("web:3")
    attempt = stage.deploy_and_arn("web:2")
    stage.goes_on(seconds=25)
    move = stage.move()
    person = stage.aws.act(
        "shop", "ecs", "stop_service_deployment", serviceDeploymentArn=attempt, stopType="ROLLBACK"
    )
    stage.run(person)

    awaited = begin(stage, move)
    stage.goes_on(minutes=10)
    settled = begin(stage, move)

    assert isinstance(awaited, Refused)
    assert awaited.again_in is not None
    assert isinstance(settled, Refused)
    assert settled.third_tag == "web:3"
    assert stage.changed() == ["StopServiceDeployment"]


def test_a_deployment_that_cannot_be_looked_into_is_not_moved_and_asked_for_again(stage):
    stage.deploy("web:2")
    stage.goes_on(seconds=25)
    move = stage.move()
    stage.world.faults.throttle("ecs", "DescribeServiceDeployments")

    answer = begin(stage, move)

    assert isinstance(answer, Refused)
    assert answer.again_in is not None
    assert stage.world.mutating_calls() == []


def test_a_key_that_fits_no_tag_is_moved_without_a_trace(stage):
    stage.deployed("web:2")

    answer = stage.run(stage.target().begin(stage.move(), "a key with blanks"))

    assert isinstance(answer, Begun)
    assert "fits in no tag" in answer.words
    assert stage.changed() == ["UpdateService"]


def test_what_codedeploy_must_do_is_said_in_aws_words_should_it_come_to_that(stage):
    stage.deployed("web:2")
    error = AwsError(
        "InvalidParameterException",
        "Unable to update task definition on services with a CODE_DEPLOY deployment controller.",
    )
    stage.world.faults.fail("ecs", "UpdateService", error=error)

    answer = begin(stage)

    assert isinstance(answer, Refused)
    assert answer.words.endswith("go back by a deployment of CodeDeploy")
