"""What goes wrong between a caller and AWS."""

from datetime import timedelta

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from tests.fakes.aws import Direct, FakeBug
from tests.fakes.aws.fixtures import NOON

YESTERDAY = NOON - timedelta(days=1)
PATIENT = Config(retries={"mode": "standard", "total_max_attempts": 3})


@pytest.fixture
def ecs(aws_world, boto):
    aws_world.ecs.register("web", "shop:1.4.0", at=YESTERDAY)
    aws_world.ecs.register("web", "shop:1.4.1", at=YESTERDAY)
    aws_world.ecs.create_service("web", "web:1", at=YESTERDAY)
    return boto("ecs")


def code_of(refused):
    return refused.value.response["Error"]["Code"]


def described(ecs):
    return ecs.describe_services(cluster="prod", services=["web"])["services"][0]


def test_a_throttled_call_does_nothing(ecs, aws_world):
    aws_world.faults.throttle("ecs", times=1)

    with pytest.raises(ClientError) as refused:
        ecs.update_service(cluster="prod", service="web", taskDefinition="web:2")

    assert code_of(refused) == "ThrottlingException"
    assert described(ecs)["taskDefinition"].endswith("web:1")
    assert [call.refused for call in aws_world.mutating_calls()] == ["ThrottlingException"]


@pytest.mark.parametrize("service", ["ecs", "cloudwatch"])
def test_botocore_knows_throttling_and_tries_again(aws_world, boto, service):
    aws_world.faults.throttle(service, times=2)
    client = boto(service, config=PATIENT)

    client.list_metrics() if service == "cloudwatch" else client.describe_clusters()

    assert [call.refused is None for call in aws_world.calls] == [False, False, True]


def test_a_storm_lasts_until_it_is_over(ecs, aws_world, aws_clock):
    aws_world.faults.throttle("ecs", until=NOON + timedelta(minutes=10))

    aws_clock.go_on(minutes=9, seconds=59)
    with pytest.raises(ClientError):
        described(ecs)
    aws_clock.go_on(seconds=1)

    assert described(ecs)["status"] == "ACTIVE"


def test_a_500_is_tried_again_by_botocore_also_where_something_changes(aws_world, ecs, boto):
    aws_world.faults.fail("ecs", "UpdateService")

    boto("ecs", config=PATIENT).update_service(cluster="prod", service="web", taskDefinition="web:2")

    assert aws_world.count("ecs", "UpdateService") == 2


def test_a_lost_answer_comes_after_the_effect(ecs, aws_world):
    aws_world.faults.lose_answer("ecs", "UpdateService")

    with pytest.raises(ConnectionClosedError):
        ecs.update_service(cluster="prod", service="web", taskDefinition="web:2")

    assert described(ecs)["taskDefinition"].endswith("web:2")
    assert [call.answered for call in aws_world.mutating_calls()] == [False]


def test_a_slow_answer_comes_after_the_effect(aws_world, ecs, boto):
    aws_world.faults.slow("ecs", "UpdateService", seconds=1)
    hasty = boto("ecs", config=Config(read_timeout=0.2, retries={"total_max_attempts": 1}))

    with pytest.raises(ReadTimeoutError):
        hasty.update_service(cluster="prod", service="web", taskDefinition="web:2")

    assert described(ecs)["taskDefinition"].endswith("web:2")


def test_a_stale_read_tells_what_was_true_a_while_ago(ecs, aws_world, aws_clock):
    ecs.update_service(cluster="prod", service="web", taskDefinition="web:2")
    aws_world.faults.stale("ecs", by=timedelta(seconds=30), until=NOON + timedelta(minutes=1))

    aws_clock.go_on(seconds=29)
    stale = described(ecs)
    aws_clock.go_on(seconds=2)
    late = described(ecs)
    aws_clock.go_on(seconds=29)
    fresh = described(ecs)

    assert stale["taskDefinition"].endswith("web:1")
    assert [each["rolloutState"] for each in late["deployments"]] == ["IN_PROGRESS", "COMPLETED"]
    assert [each["rolloutState"] for each in fresh["deployments"]] == ["COMPLETED"]


def test_a_change_is_never_stale(ecs, aws_world, aws_clock):
    ecs.update_service(cluster="prod", service="web", taskDefinition="web:2")
    aws_world.faults.stale("ecs", by=timedelta(hours=1))
    aws_clock.go_on(minutes=1)

    ecs.update_service(cluster="prod", service="web", taskDefinition="web:1")

    assert aws_world.ecs.find("web").task_definition.endswith("web:1")
    assert len(aws_world.ecs.find("web").history) == 3


def test_another_hand_is_not_counted_as_a_call(ecs, aws_world):
    aws_world.ecs.deploy("web", "web:2", at=NOON)

    assert described(ecs)["taskDefinition"].endswith("web:2")
    assert aws_world.mutating_calls() == []


async def test_what_comes_spoilt_is_spoilt_by_a_wire_and_where_there_is_none_that_is_a_mistake(aws_world):
    aws_world.faults.spoil("ecs", how="half an answer")

    with pytest.raises(FakeBug, match="stands between sockets"):
        await Direct(aws_world).read("shop", "ecs", "describe_clusters")


def test_a_fault_may_be_lifted(ecs, aws_world):
    fault = aws_world.faults.throttle("ecs")
    aws_world.faults.lift(fault)

    assert described(ecs)["status"] == "ACTIVE"
