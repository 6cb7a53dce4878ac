from datetime import timedelta

import pytest

from deploy.model import Drifted, Failed, Move, Moving, Release, Serving, Unreadable
from deploy.targets.ecs.looking import View
from deploy.targets.ecs.progressing import progress as how_far
from deploy.targets.ecs.service import Service
from tests.deploy.targets.ecs.stage import KEY, Ended, Stage

BREAKER = {"enable": True, "rollback": True}


def progress(stage, move=None):
    return stage.run(stage.target().progress(move or stage.move(), KEY))


def begun(stage, move=None):
    return stage.run(stage.target().begin(move or stage.move(), KEY))


def test_it_is_moving_with_counts_until_all_is_steady_and_then_serves(stage):
    stage.deployed("web:2")
    begun(stage)
    ordered = progress(stage)
    stage.goes_on(seconds=25)
    half = progress(stage)
    stage.goes_on(minutes=10)

    assert isinstance(ordered, Moving)
    assert half == Moving("2 of 4 tasks run web:1, 2 of before still run")
    assert progress(stage) == Serving()


def test_old_tasks_that_are_still_there_are_not_yet_serving_though_all_new_ones_run():
    stage = Stage({"configuration": {"maximumPercent": 200}})
    stage.deployed("web:2")
    stage.behaves("web:2", stops_in=timedelta(minutes=5))
    begun(stage)
    stage.goes_on(seconds=25)

    found = progress(stage)

    assert isinstance(found, Moving)
    assert found.words.startswith("4 of 4 tasks run web:1")


def test_a_native_rollback_serves_when_it_is_over(stage):
    stage.deploy("web:2")
    stage.goes_on(seconds=25)
    begun(stage)
    requested = progress(stage)
    stage.goes_on(seconds=5)
    under_way = progress(stage)
    stage.goes_on(minutes=5)

    assert isinstance(requested, Moving)
    assert isinstance(under_way, Moving)
    assert progress(stage) == Serving()


def test_the_same_content_under_another_number_serves(stage):
    move = stage.move()
    stage.world.ecs.register("web", "shop:1.0", stage.clock.time)
    stage.deployed("web:4")

    assert progress(stage, move) == Serving()


def test_a_release_of_which_only_the_tag_is_known_serves_by_its_tag(stage):
    assert progress(stage, Move("service", Release.of_tag("web:2"), Release.of_tag("web:1"))) == Serving()


def test_a_tag_of_an_image_that_was_moved_since_is_not_the_release_that_was_wanted(stage):
    stage.world.ecr.push("shop", "live", "old", stage.clock.time)
    stage.world.ecs.register("web", stage.world.ecr.image("shop", "live"), stage.clock.time)
    stage.deployed("web:4")
    good = stage.live().release
    stage.deployed("web:2")
    bad = stage.live().release
    stage.world.ecr.push("shop", "live", "new", stage.clock.time)
    move = Move("service", expect=bad, to=good)
    begun(stage, move)
    stage.goes_on(minutes=10)

    found = progress(stage, move)

    assert stage.wanted() == "web:4"
    assert isinstance(found, Failed)
    assert "the tag of an image was moved since" in found.words
    assert "pinned to their digests" in found.by_hand


def test_another_release_that_serves_or_comes_is_a_drift(stage):
    stage.deployed("web:2")
    begun(stage)
    stage.goes_on(minutes=2)
    stage.deploy("web:3")
    at_once = progress(stage)
    stage.goes_on(seconds=25)
    coming = progress(stage)
    stage.goes_on(minutes=10)
    serving = progress(stage)

    assert isinstance(at_once, Unreadable)  # it might be the same content under another number
    for found in (coming, serving):
        assert isinstance(found, Drifted)
        assert found.tag == "web:3"


def test_a_known_good_release_that_does_not_start_any_more_has_failed_when_ecs_takes_it_back():
    stage = Stage({"configuration": {"deploymentCircuitBreaker": BREAKER}})
    stage.deployed("web:2")
    move = stage.move()
    stage.behaves("web:1", fails_to_start="CannotPullContainerError: shop:1.0 not found")
    begun(stage, move)
    seen = []
    for _ in range(60):
        stage.goes_on(seconds=10)
        seen.append(progress(stage, move))

    failed = next(found for found in seen if isinstance(found, Failed))
    assert "ECS takes web:1 back" in failed.words
    assert "circuit breaker" in failed.words
    assert failed.by_hand == (
        "aws ecs update-service --cluster prod --service web --task-definition web:1 --region eu-central-1"
    )
    assert all(isinstance(found, Moving | Failed) for found in seen)


def test_a_known_good_release_that_ecs_gives_up_without_going_back_has_failed():
    stage = Stage({"configuration": {"deploymentCircuitBreaker": {"enable": True, "rollback": False}}})
    stage.deployed("web:2")
    move = stage.move()
    stage.behaves("web:1", fails_to_start="CannotPullContainerError: shop:1.0 not found")
    begun(stage, move)
    stage.goes_on(minutes=10)

    failed = progress(stage, move)

    assert isinstance(failed, Failed)
    assert "ECS gave up on web:1" in failed.words
    assert "tasks failed to start" in failed.words
    assert "tasks failed one after another" in failed.words


def test_tasks_that_fail_meanwhile_are_told_in_ecs_words(stage):
    stage.deployed("web:2")
    stage.behaves("web:1", crashes_after=timedelta(seconds=5))
    begun(stage)
    stage.goes_on(seconds=40)

    found = progress(stage)

    assert isinstance(found, Moving)
    assert "failed one after another" in found.words


@pytest.mark.parametrize("status", ["ROLLBACK_FAILED", "STOPPED"])
def test_a_native_rollback_that_does_not_get_back_has_failed_in_ecs_words(stage, status):
    stage.deploy("web:2")
    stage.goes_on(seconds=25)
    begun(stage)
    stage.aws = Ended(stage.aws, status)

    found = progress(stage.restarted())

    assert isinstance(found, Failed)
    assert f"did not get back to web:1 ({status}): it went wrong" in found.words
    assert "update-service" in found.by_hand


def test_a_deployment_that_was_stopped_because_another_took_over_is_no_failure(stage):
    stage.deployed("web:3")
    stage.deploy("web:2")
    stage.goes_on(seconds=25)
    stage.world.faults.throttle("ecs", "UpdateService", times=1)
    begun(stage)  # its trace is there, and reads do not show it yet
    stage.aws = Ended(stage.aws, "STOPPED")

    assert isinstance(progress(stage.restarted()), Moving)


def test_an_older_deployment_of_the_same_release_that_ecs_took_back_says_nothing_of_the_move(stage):
    stage.deploy("web:3")
    stage.goes_on(seconds=25)
    begun(stage, stage.move("web:3", "web:1"))
    stage.goes_on(hours=1)
    move = stage.move("web:1", "web:3")
    stage.world.faults.throttle("ecs", "UpdateService", times=1)
    begun(stage, move)  # its trace is there, and reads do not show it yet

    assert isinstance(progress(stage, move), Moving)


def test_an_order_that_was_lost_on_its_way_is_said_after_two_minutes_and_not_after_half_an_hour(stage):
    stage.deployed("web:2")
    stage.world.faults.throttle("ecs", "UpdateService", times=1)
    begun(stage)  # the trace is there; for all that can be seen, the answer was lost
    stage.goes_on(minutes=1)
    early = progress(stage)
    stage.goes_on(minutes=2)

    late = progress(stage)

    assert isinstance(early, Moving)
    assert isinstance(late, Failed)
    assert "the order was lost" in late.words
    assert "web:1" in late.by_hand


def test_a_stale_read_just_after_the_move_is_moving(stage):
    stage.deployed("web:2")
    stage.goes_on(minutes=1)
    begun(stage)
    stage.goes_on(seconds=5)
    stage.world.faults.stale("ecs", by=timedelta(seconds=30))

    assert isinstance(progress(stage), Moving)


@pytest.mark.parametrize("operation", ["DescribeServices", "DescribeServiceDeployments"])
def test_what_cannot_be_read_is_unreadable_and_nothing_is_guessed(stage, operation):
    stage.deployed("web:2")
    begun(stage)
    stage.goes_on(seconds=25)
    move = stage.move()
    stage.world.faults.throttle("ecs", operation)

    assert isinstance(progress(stage, move), Unreadable)


def test_a_service_that_runs_nothing_any_more_is_waited_for():
    view = View(Service("web", "", "prod"), {})
    move = Move("service", Release.of_tag("web:2"), Release.of_tag("web:1"))
    stage = Stage()

    assert isinstance(stage.run(how_far(stage.target()._reader, view, move, None, "")), Moving)


def test_what_ecs_has_no_history_of_is_moving_by_its_counts(stage):
    move = Move("service", Release.of_tag("web:1"), Release.of_tag("web:2"))
    stage.clock.go_on(days=100)

    assert isinstance(progress(stage, move), Moving)


def test_a_throttling_storm_of_ten_minutes_takes_few_calls_and_the_rollback_lands(stage):
    stage.deployed("web:2")
    move = stage.move()
    stage.world.faults.throttle("ecs", until=stage.clock.time + timedelta(minutes=10))
    began, sent = len(stage.world.calls), False
    for _ in range(200):
        if not sent:
            answer = begun(stage, move)
            sent = type(answer).__name__ == "Begun"
        elif progress(stage, move) == Serving():
            break
        stage.goes_on(seconds=5)

    assert progress(stage, move) == Serving()
    assert stage.changed() == ["UpdateService"]
    assert len(stage.world.calls) - began < 800
