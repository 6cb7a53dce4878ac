"""The fake as `deploy.ports.Aws`, in virtual time."""

import asyncio
import json
from datetime import datetime, timedelta

import pytest

from deploy.errors import AwsRefused
from deploy.ports import Aws
from tests.fakes.aws import AwsError, AwsWorld, Direct, FakeBug, Scope
from tests.fakes.aws.fixtures import NOON

YESTERDAY = NOON - timedelta(days=1)
ACT = "arn:aws:iam::123456789012:role/act"
WEB = {"cluster": "prod", "service": "web"}

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


def now() -> datetime:
    return NOON + timedelta(seconds=asyncio.get_running_loop().time())


@pytest.fixture
def world():
    world = AwsWorld(now)
    world.ecs.register("web", "shop:1.4.0", at=YESTERDAY)
    world.ecs.register("web", "shop:1.4.1", at=YESTERDAY)
    world.ecs.create_service("web", "web:1", at=YESTERDAY, desired=4)
    yield world
    assert world.bugs == []


async def described(aws: Aws):
    answer = await aws.read("shop", "ecs", "describe_services", cluster="prod", services=["web"])
    return answer["services"][0]


async def test_a_deployment_goes_on_while_somebody_sleeps(world):
    aws: Aws = Direct(world)
    await aws.act("shop", "ecs", "update_service", **WEB, taskDefinition="web:2")

    await asyncio.sleep(60)

    service = await described(aws)
    assert service["deployments"][0]["rolloutState"] == "COMPLETED"
    assert service["deployments"][0]["createdAt"] == NOON


async def test_a_refusal_carries_the_code_of_aws(world):
    with pytest.raises(AwsRefused) as refused:
        await Direct(world).act("shop", "ecs", "update_service", **WEB, taskDefinition="web:9")

    assert (refused.value.operation, refused.value.code) == ("update_service", "ClientException")
    assert not refused.value.may_have_happened


async def test_a_read_is_tried_three_times(world):
    world.faults.throttle("ecs", times=2)
    await described(Direct(world))

    world.faults.throttle("ecs", times=3)
    with pytest.raises(AwsRefused, match="ThrottlingException"):
        await described(Direct(world))

    assert world.count("ecs", "DescribeServices") == 6


async def test_an_act_is_tried_once(world):
    world.faults.fail("ecs", "UpdateService")

    with pytest.raises(AwsRefused) as refused:
        await Direct(world).act("shop", "ecs", "update_service", **WEB, taskDefinition="web:2")

    assert refused.value.may_have_happened
    assert world.count("ecs", "UpdateService") == 1


@pytest.mark.parametrize(("fault", "code"), [("lost", "Unreachable"), ("slow", "Timeout")])
async def test_what_was_not_heard_may_have_happened(world, fault, code):
    if fault == "lost":
        world.faults.lose_answer("ecs", "UpdateService")
    else:
        world.faults.slow("ecs", "UpdateService", seconds=30)

    with pytest.raises(AwsRefused) as refused:
        await Direct(world).act("shop", "ecs", "update_service", **WEB, taskDefinition="web:2")

    assert (refused.value.code, refused.value.may_have_happened) == (code, True)
    assert (await described(Direct(world)))["taskDefinition"].endswith("web:2")


async def test_a_read_that_hangs_is_over_after_six_seconds(world):
    world.faults.slow("ecs", seconds=60, times=None)

    with pytest.raises(AwsRefused, match="Timeout"):
        await described(Direct(world))

    assert now() == NOON + timedelta(seconds=6)


async def test_the_role_to_act_is_another_than_the_one_to_read(world):
    world.identities.grant_own({"ecs:Describe*"})
    act = world.identities.role(ACT, {"ecs:UpdateService"})
    aws = Direct(world, {"shop": Scope("eu-central-1", act=act)})

    await described(aws)
    with pytest.raises(AwsRefused, match="AccessDenied"):
        await aws.read("shop", "ecs", "update_service", **WEB, desiredCount=3)
    await aws.act("shop", "ecs", "update_service", **WEB, desiredCount=3)

    assert [call.by for call in world.mutating_calls()] == [world.identities.own.arn, act]


async def test_what_is_tried_without_a_role_is_noted_and_not_done(world):
    aws = Direct(world, {"shop": Scope("eu-central-1")})

    with pytest.raises(AwsRefused, match="NoRoleToAct") as refused:
        await aws.act("shop", "ecs", "update_service", **WEB, taskDefinition="web:2")

    assert not refused.value.may_have_happened
    assert [call.refused for call in world.mutating_calls()] == ["NoRoleToAct"]
    assert (await described(aws))["taskDefinition"].endswith("web:1")


async def test_events_come_to_a_queue_that_is_polled(world):
    url = world.sqs.create_queue("deployments")
    world.carry("deployments")
    aws = Direct(world)
    started = asyncio.get_running_loop().create_task(asyncio.sleep(4))
    started.add_done_callback(lambda _: world.ecs.deploy("web", "web:2", at=now()))

    answer = await aws.poll("shop", "sqs", "receive_message", QueueUrl=url, WaitTimeSeconds=10)
    body = json.loads(answer["Messages"][0]["Body"])
    await aws.poll(
        *("shop", "sqs", "delete_message"), QueueUrl=url, ReceiptHandle=answer["Messages"][0]["ReceiptHandle"]
    )

    assert body["detail"]["eventName"] == "SERVICE_DEPLOYMENT_IN_PROGRESS"
    assert now() < NOON + timedelta(seconds=6)
    assert await aws.poll("shop", "sqs", "receive_message", QueueUrl=url, WaitTimeSeconds=10) == {}


async def test_a_bug_of_the_fake_is_no_refusal(world):
    world.faults.fail("ecs", "DescribeServices", error=AwsError("NoSuchCode"))

    with pytest.raises(FakeBug, match="NoSuchCode is no error of"):
        await described(Direct(world))
    with pytest.raises(FakeBug, match="boto3 has no"):
        await Direct(world).read("shop", "ecs", "describe_everything")

    assert len(world.bugs) == 1
    world.bugs.clear()
