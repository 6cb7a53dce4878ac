"""The engine under any course of things: what the scheduler never does, and several callers at once."""

import itertools
import threading
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.aws import AwsWorld, Behaviour
from tests.fakes.aws.fixtures import NOON, Clock

YESTERDAY = NOON - timedelta(days=1)
DEFINITIONS = ("web:1", "web:2", "web:3")

behaviours = st.builds(
    Behaviour,
    starts_in=st.integers(1, 60).map(lambda seconds: timedelta(seconds=seconds)),
    stops_in=st.integers(0, 60).map(lambda seconds: timedelta(seconds=seconds)),
)
hands = st.lists(
    st.tuples(st.integers(0, 90), st.sampled_from([*DEFINITIONS, "stop", "scale up", "scale down"])),
    max_size=6,
)


def a_world(clock: Clock, **arguments: Any) -> AwsWorld:
    world = AwsWorld(clock)
    for number in range(3):
        world.ecs.register("web", f"shop:{number}", at=YESTERDAY)
    world.ecs.create_service("web", "web:1", at=YESTERDAY, **arguments)
    world.advance()
    return world


def act(world: AwsWorld, hand: str) -> None:
    service = world.ecs.find("web")
    own = world.identities.own
    if hand == "stop":
        arn = service.history[0].arn
        world.ask("ecs", "StopServiceDeployment", {"serviceDeploymentArn": arn}, own, world.region)
        return
    count = {"scale up": service.desired + 1, "scale down": max(service.desired - 1, 1)}.get(hand)
    change = {"taskDefinition": hand} if count is None else {"desiredCount": count}
    answer = world.ask(
        "ecs", "UpdateService", {"cluster": "prod", "service": "web", **change}, own, world.region
    )
    assert answer.error is None


@given(
    hands=hands,
    good=behaviours,
    desired=st.integers(1, 6),
    percents=st.sampled_from(
        [(100, 200), (0, 100), (50, 200)]
    ),  # others leave a single task no room to be replaced
)
def test_whatever_people_do_a_good_service_becomes_steady_on_the_last_that_was_wanted(
    hands, good, desired, percents
):
    clock = Clock()
    configuration = {"minimumHealthyPercent": percents[0], "maximumPercent": percents[1]}
    world = a_world(clock, desired=desired, configuration=configuration)
    for name in DEFINITIONS:
        world.ecs.behave(name, good)

    for seconds, hand in hands:
        clock.go_on(seconds=seconds)
        act(world, hand)
    clock.go_on(hours=2)
    world.advance()

    service = world.ecs.find("web")
    assert [each.rollout_state for each in service.deployments] == ["COMPLETED"]
    assert service.current is None
    assert service.counted("RUNNING") == service.desired
    assert service.counted("PENDING", "STOPPING") == 0
    assert {task.task_definition for task in service.tasks if task.status == "RUNNING"} == {
        service.task_definition
    }
    assert world.bugs == []


@given(
    good=behaviours, desired=st.integers(1, 6), percents=st.sampled_from([(100, 200), (50, 100), (100, 150)])
)
def test_a_deployment_keeps_within_its_least_and_its_most(good, desired, percents):
    clock = Clock()
    least, most = (desired * percent / 100 for percent in percents)
    configuration = {"minimumHealthyPercent": percents[0], "maximumPercent": percents[1]}
    world = a_world(clock, desired=desired, configuration=configuration)
    world.ecs.behave("web:2", good)
    act(world, "web:2")

    for _ in range(150):
        clock.go_on(seconds=2)
        world.advance()
        service = world.ecs.find("web")
        assert service.counted("RUNNING") >= least
        assert service.counted("RUNNING", "PENDING") <= most


def test_where_there_is_room_neither_beside_nor_below_a_deployment_never_moves():
    clock = Clock()
    world = a_world(clock, desired=1, configuration={"minimumHealthyPercent": 100, "maximumPercent": 150})
    act(world, "web:2")

    clock.go_on(hours=2)
    world.advance()

    assert [each.task_definition[-5:] for each in world.ecs.find("web").tasks] == ["web:1"]
    assert [each.rollout_state for each in world.ecs.find("web").deployments] == ["IN_PROGRESS", "COMPLETED"]


def test_the_same_course_of_things_is_the_same_world():
    def told() -> list[str]:
        clock = Clock()
        world = a_world(clock)
        act(world, "web:2")
        clock.go_on(minutes=5)
        return [event["id"] for event in world.advance()]

    assert told() == told()


def test_several_threads_may_ask_at_once():
    clock = Clock()
    world = a_world(clock, desired=3)
    seconds = itertools.count()
    broken: list[BaseException] = []

    def ask() -> None:
        try:
            for _ in range(40):
                clock.time = NOON + timedelta(seconds=next(seconds))
                act(world, DEFINITIONS[next(seconds) % 3])
                who = world.identities.own
                parameters = {"cluster": "prod", "services": ["web"]}
                answer = world.ask("ecs", "DescribeServices", parameters, who, world.region)
                assert answer.content["services"][0]["status"] == "ACTIVE"
        except BaseException as error:  # noqa: BLE001 - it is told by the test
            broken.append(error)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert broken == []
    assert world.count("ecs", "DescribeServices") == 160
    assert len({call.at for call in world.calls}) > 1
