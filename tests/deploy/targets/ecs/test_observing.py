import asyncio
from datetime import timedelta

import pytest

from deploy.model import Live, Unreadable
from deploy.targets.ecs.history import Revision
from deploy.targets.ecs.looking import revision_of_rollout
from deploy.targets.ecs.observing import obstacles
from deploy.targets.ecs.service import service_of
from tests.deploy.targets.ecs.stage import KEY, LONG_AGO, Stage
from tests.fakes.aws import AwsError
from tests.fakes.aws.fixtures import NOON


def test_it_tells_what_serves_since_when_and_by_which_names(stage):
    live = stage.live()

    assert live.release.tag == "web:1"
    assert live.release.fingerprint.startswith("sha256:")
    assert live.release.names["version"] == "1.0"
    assert live.release.names["task_definition"] == "web:1"
    assert live.release.names["digest"].startswith("sha256:")
    assert live.in_flight is None
    assert live.shares == {live.release.fingerprint: 1.0}
    assert live.since == LONG_AGO
    assert live.obstacles == ()


def test_while_a_rollout_is_under_way_what_serves_is_what_most_old_tasks_run(stage):
    stage.deploy("web:2")
    stage.goes_on(seconds=25)

    live = stage.live()

    assert live.release.tag == "web:1"
    assert live.in_flight.tag == "web:2"
    assert live.shares == {live.release.fingerprint: 0.5, live.in_flight.fingerprint: 0.5}
    assert live.since == NOON


def test_of_a_release_that_runs_nowhere_yet_no_share_is_told_so_that_it_is_judged_from_its_beginning():
    stage = Stage(images=("shop:1.0", f"shop@sha256:{'2' * 64}", "shop:3.0"))
    stage.deploy("web:2")

    live = stage.live()

    assert live.shares == {live.release.fingerprint: 1.0}


def test_a_rollout_is_under_way_until_it_is_complete_and_the_old_tasks_are_gone(stage):
    stage.behaves("web:1", stops_in=timedelta(minutes=3))
    stage.deploy("web:2")
    stage.goes_on(minutes=1)
    draining = stage.live()
    stage.goes_on(minutes=9)
    over = stage.live()

    assert draining.in_flight.tag == "web:2"
    assert over.in_flight is None
    assert over.release.tag == "web:2"


def test_a_deployment_that_is_called_complete_before_the_old_tasks_end_is_still_on_its_way():
    new = {
        "id": "ecs-svc/2",
        "status": "PRIMARY",
        "rolloutState": "COMPLETED",
        "runningCount": 2,
        "createdAt": NOON,
    }
    old = {**new, "id": "ecs-svc/1", "status": "ACTIVE", "runningCount": 1, "createdAt": LONG_AGO}

    service = service_of({"desiredCount": 2, "deployments": [new, old]}, "prod")

    assert service.coming == service.primary


def test_a_release_all_of_whose_tasks_crash_is_still_the_one_that_serves():
    told = {
        "desiredCount": 2,
        "deployments": [
            {
                "id": "ecs-svc/1",
                "status": "PRIMARY",
                "rolloutState": "COMPLETED",
                "runningCount": 0,
                "createdAt": NOON,
            }
        ],
    }

    service = service_of(told, "prod")

    assert service.serving == service.primary
    assert service.coming is None


def test_behind_a_classic_balancer_which_tells_no_state_the_counts_tell():
    rollout = {"id": "ecs-svc/1", "status": "PRIMARY", "runningCount": 1, "createdAt": NOON}

    starting = service_of({"desiredCount": 2, "deployments": [{**rollout, "desiredCount": 2}]}, "prod")
    steady = service_of({"desiredCount": 1, "deployments": [{**rollout, "desiredCount": 1}]}, "prod")

    assert starting.coming == starting.primary
    assert steady.coming is None


def test_in_steady_state_one_call_is_all(stage):
    target = stage.target()
    stage.live(target)
    before = len(stage.world.calls)

    stage.live(target)

    assert [call.operation for call in stage.world.calls[before:]] == ["DescribeServices"]


def test_twenty_five_services_are_three_calls(stage):
    names = [f"web{number}" for number in range(25)]
    for name in names:
        stage.world.ecs.create_service(name, "web:1", LONG_AGO)
    targets = [stage.target(name) for name in names]

    async def all_at_once():
        return await asyncio.gather(*(target.observe() for target in targets))

    first = stage.run(all_at_once())
    counted = stage.world.count("ecs", "DescribeServices")
    asked_for = stage.world.count("ecs", "DescribeTaskDefinition")
    stage.run(all_at_once())

    assert all(isinstance(live, Live) for live in first)
    assert counted == 3
    assert asked_for <= 25
    assert stage.world.count("ecs", "DescribeServices") == 6
    assert stage.world.count("ecs", "DescribeTaskDefinition") == asked_for


def test_a_service_that_is_not_there_does_not_hurt_those_that_were_asked_for_with_it(stage):
    async def both():
        return await asyncio.gather(stage.target("nobody").observe(), stage.target().observe())

    missing, there = stage.run(both())

    assert isinstance(missing, Unreadable)
    assert "no service nobody" in missing.words
    assert isinstance(there, Live)
    assert stage.world.count("ecs", "DescribeServices") == 1


def test_a_deleted_service_is_unreadable_and_never_empty(stage):
    stage.world.ecs.delete_service("web", stage.clock.time)

    assert isinstance(stage.run(stage.target().observe()), Unreadable)


def test_a_service_that_is_scaled_to_nothing_serves_nothing_and_says_so(stage):
    stage.world.ecs.scale("web", 0, stage.clock.time)
    stage.goes_on(minutes=5)

    live = stage.live()

    assert live.release is None
    assert "scaled to nothing" in live.obstacles[0]


def test_a_strategy_that_is_not_known_is_an_obstacle():
    service = service_of({"deploymentConfiguration": {"strategy": "SHADOW"}, "desiredCount": 1}, "prod")

    assert "SHADOW: not in this version" in obstacles(service)[0]


def serving_and_coming(told):
    service = service_of(told, "prod")
    return [each and each.definition for each in (service.serving, service.coming)]


def test_what_codedeploy_deploys_is_read_by_its_task_sets():
    task_set = {
        "id": "ecs-svc/1",
        "status": "PRIMARY",
        "taskDefinition": "blue",
        "runningCount": 2,
        "createdAt": LONG_AGO,
    }
    younger = {
        **task_set,
        "id": "ecs-svc/2",
        "status": "ACTIVE",
        "taskDefinition": "green",
        "createdAt": NOON,
    }
    told = {
        "desiredCount": 2,
        "deploymentController": {"type": "CODE_DEPLOY"},
        "taskSets": [younger, task_set],
    }

    shifted = {**told, "taskSets": [{**younger, "status": "PRIMARY"}, {**task_set, "status": "ACTIVE"}]}

    assert serving_and_coming(told) == ["blue", "green"]
    assert serving_and_coming(shifted) == ["green", None]


@pytest.mark.parametrize("controller", ["CODE_DEPLOY", "EXTERNAL"])
def test_a_service_of_another_controller_is_known_by_its_tag_and_has_an_obstacle(controller):
    stage = Stage({"controller": controller})

    live = stage.live()

    assert live.release.tag == "web:1"
    assert live.release.is_only_a_tag
    assert "not in this version" in live.obstacles[0]


# ------------------------------------------------------------------------------------------------------- identities


def test_what_no_task_has_pulled_is_asked_for_again_and_then_known_by_one_fingerprint(stage):
    target = stage.target()
    stage.deploy("web:2")
    untold = stage.run(target.observe())
    stage.goes_on(seconds=25)
    told = stage.live(target)
    stage.goes_on(minutes=10)

    assert isinstance(untold, Unreadable)
    assert "no task has pulled" in untold.words
    assert stage.live(target).release == told.in_flight == stage.release("web:2")


def test_what_nobody_pulls_is_known_by_its_tag_after_five_minutes_which_is_the_same_release(stage):
    stage.behaves("web:2", starts_in=timedelta(minutes=30))
    stage.deploy("web:2")
    stage.goes_on(minutes=4)
    still = stage.run(stage.target().observe())
    stage.goes_on(minutes=2)
    by_tag = stage.live().in_flight

    assert isinstance(still, Unreadable)
    assert by_tag.fingerprint == "tag:web:2"
    assert by_tag.is_same_as(stage.release("web:2"))
    assert by_tag.names["version"] == "2.0"


def test_what_fails_to_start_twice_is_known_by_its_tag_at_once(stage):
    stage.behaves("web:2", fails_to_start="CannotPullContainerError: not now")
    stage.deploy("web:2")
    untold = stage.run(stage.target().observe())
    stage.goes_on(minutes=1)

    assert isinstance(untold, Unreadable)
    assert stage.live().in_flight.fingerprint == "tag:web:2"


def test_what_its_circuit_breaker_has_given_up_is_broken_off_and_ahead_still():
    stage = Stage(images=("shop:1.0", f"shop@sha256:{'2' * 64}", "shop:3.0"))
    stage.behaves("web:2", fails_to_start="CannotPullContainerError: not now")
    stage.deploy("web:2", deploymentCircuitBreaker={"enable": True, "rollback": False})
    before = stage.live()
    stage.goes_on(minutes=20)
    after = stage.live()

    assert (before.in_flight.tag, before.broken_off) == ("web:2", False)
    assert (after.in_flight.tag, after.broken_off) == ("web:2", True)


def test_a_revision_that_tells_nothing_is_not_asked_for_at_every_look(stage):
    stage.behaves("web:2", fails_to_start="CannotPullContainerError: not now")
    stage.deploy("web:2")
    stage.goes_on(minutes=6)
    target = stage.target()
    stage.live(target)
    stage.live(target)
    seldom = stage.world.count("ecs", "DescribeServiceRevisions")
    stage.goes_on(minutes=11)
    stage.live(target)

    assert seldom == 1
    assert stage.world.count("ecs", "DescribeServiceRevisions") == 2


def test_the_same_task_definition_with_a_moved_tag_is_another_release(stage):
    before = stage.live().release
    stage.world.ecr.push("shop", "1.0", "other", stage.clock.time)
    stage.world.ecs.register("web", stage.world.ecr.image("shop", "1.0"), stage.clock.time)
    stage.deployed("web:4")
    pulled = stage.live().release
    stage.world.ecr.push("shop", "1.0", "another still", stage.clock.time)
    stage.world.ecs.deploy("web", "web:4", stage.clock.time)
    stage.goes_on(seconds=25)
    both = stage.live()
    stage.goes_on(minutes=10)

    assert pulled.fingerprint != before.fingerprint
    assert both.release == pulled
    assert both.in_flight.tag == "web:4"
    assert both.in_flight.fingerprint != pulled.fingerprint
    assert stage.live().release == both.in_flight


def test_a_restart_of_the_same_content_is_no_other_release(stage):
    before = stage.live().release
    stage.deploy("web:1")
    stage.goes_on(seconds=25)

    live = stage.live()

    assert live.release == before
    assert live.in_flight == before


def test_an_image_pinned_to_its_digest_needs_nobody_to_tell_it():
    stage = Stage(images=(f"shop@sha256:{'a' * 64}", "shop:2.0", "shop:3.0"))

    live = stage.live()

    assert live.release.names["digest"] == f"sha256:{'a' * 64}"
    assert stage.world.count("ecs", "DescribeServiceRevisions") == 0


# ---------------------------------------------------------------------------------------------------- trouble


def test_a_missing_permission_is_said_with_what_to_do(stage):
    stage.world.identities.grant_own({"ecs:DescribeServices"})

    seen = stage.run(stage.target().observe())

    assert isinstance(seen, Unreadable)
    assert "AccessDeniedException" in seen.words
    assert "doctor" in seen.words


def test_throttling_that_lasts_is_unreadable_in_aws_own_words(stage):
    stage.world.faults.throttle("ecs")

    seen = stage.run(stage.target().observe())

    assert isinstance(seen, Unreadable)
    assert "ThrottlingException" in seen.words


def test_an_answer_that_does_not_come_is_unreadable_in_time(stage):
    stage.world.faults.slow("ecs", seconds=60, times=None)

    async def timed():
        began = asyncio.get_running_loop().time()
        return await stage.target().observe(), asyncio.get_running_loop().time() - began

    seen, took = stage.run(timed())

    assert isinstance(seen, Unreadable)
    assert took <= 7


def test_a_rollout_that_ecs_gave_up_is_still_what_is_ahead(stage):
    stage.behaves("web:2", fails_to_start="CannotPullContainerError: shop:2.0 not found")
    stage.deploy("web:2", deploymentCircuitBreaker={"enable": True, "rollback": False})
    stage.goes_on(minutes=10)

    live = stage.live()

    assert live.release.tag == "web:1"
    assert live.in_flight.tag == "web:2"


def test_a_lookup_for_one_that_was_called_off_does_not_take_the_others_with_it(stage):
    async def story():
        first = asyncio.ensure_future(stage.target().observe())
        second = asyncio.ensure_future(stage.target().observe())
        await asyncio.sleep(0.001)
        first.cancel()
        return await second

    assert isinstance(stage.run(story()), Live)


def test_our_own_move_is_recognised_by_its_key_and_nobody_elses(stage):
    stage.deployed("web:2")
    stage.run(stage.target().begin(stage.move(), KEY))
    stage.goes_on(minutes=10)
    ours = stage.live()
    stage.deployed("web:3")
    theirs = stage.live()
    stage.deployed("web:1")
    by_hand = stage.live()

    assert ours.key == KEY
    assert ours.release.tag == "web:1"
    assert theirs.key is None
    assert by_hand.key is None


def test_a_trace_that_anybody_has_written_is_no_key(stage):
    stage.world.home.tagging.put(
        stage.world.ecs.find("web").arn, {"rollbackd:move": "x; rm -rf /"}, stage.clock.time
    )

    assert stage.live().key is None


def test_an_error_that_is_none_of_a_permission_is_told_as_it_is(stage):
    stage.world.faults.fail("ecs", error=AwsError("ClusterNotFoundException", "Cluster not found."))

    seen = stage.run(stage.target().observe())

    assert isinstance(seen, Unreadable)
    assert "Cluster not found" in seen.words


def test_weights_that_cannot_be_read_are_not_guessed():
    stage = Stage({"configuration": {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 5}})
    stage.deploy("web:2")
    stage.goes_on(seconds=25)
    stage.world.faults.throttle("ecs", "DescribeServiceDeployments")

    assert isinstance(stage.run(stage.target().observe()), Unreadable)


def test_a_strategy_that_tells_no_weights_has_no_shares():
    stage = Stage({"configuration": {"strategy": "BLUE_GREEN"}})

    assert stage.live().shares == {}


def test_a_service_that_is_being_deleted_has_an_obstacle():
    service = service_of({"status": "DRAINING", "desiredCount": 1}, "prod")

    assert "being deleted" in obstacles(service)[0]


def test_a_service_without_any_deployment_serves_nothing():
    assert serving_and_coming({"desiredCount": 1}) == [None, None]


def test_a_name_that_is_too_long_for_a_tag_is_said(stage):
    stage.world.ecs.register("w" * 140, "shop:1.0", LONG_AGO)
    stage.world.ecs.create_service("long", f"{'w' * 140}:1", LONG_AGO)

    seen = stage.run(stage.target("long").observe())

    assert isinstance(seen, Unreadable)
    assert "too long for a tag" in seen.words


def test_where_deployment_and_revision_go_by_one_number_that_tells():
    old = {"id": "ecs-svc/11", "status": "PRIMARY", "taskDefinition": "web", "createdAt": NOON}
    new = {"id": "ecs-svc/22", "status": "ACTIVE", "taskDefinition": "web", "createdAt": LONG_AGO}
    service = service_of({"deployments": [old, new]}, "prod")
    revisions = [
        Revision("service-revision/prod/web/22", "web", NOON),
        Revision("service-revision/prod/web/11", "web"),
    ]

    found = [revision_of_rollout(service, rollout, revisions) for rollout in service.rollouts]

    assert found == [revisions[1], revisions[0]]


def test_two_deployments_of_one_definition_with_one_revision_are_not_told_apart():
    first = {"id": "ecs-svc/11", "status": "PRIMARY", "taskDefinition": "web", "createdAt": NOON}
    second = {**first, "id": "ecs-svc/22", "status": "ACTIVE", "createdAt": LONG_AGO}
    service = service_of({"deployments": [first, second]}, "prod")

    assert revision_of_rollout(service, service.rollouts[0], [Revision("arn", "web", NOON)]) is None
