"""The contract of targets against ministack, as ``test_targets_moto.py`` has it against moto.

It compares what moto does not: a move of an alias with a stale `RevisionId` is refused there, as Lambda refuses it.
"""

from collections.abc import Callable, Mapping
from typing import Any

import aiohttp
import boto3
import pytest
from botocore.config import Config

from deploy.targets.registry import TARGETS
from tests.contract.emulators import ministack
from tests.contract.emulators.members import OfADocument, OfAnAlias, OfDeployments
from tests.contract.emulators.tapped import tapped

Client = Callable[[str], Any]


@pytest.fixture(scope="module")
def emulator(tmp_path_factory):
    with ministack.running(tmp_path_factory.mktemp("ministack")) as app:
        yield app


@pytest.fixture
def client(emulator):
    """A client of a service there, by its name."""
    once = Config(retries={"total_max_attempts": 1})
    with tapped(emulator) as (url, _tap):
        yield lambda service: boto3.client(
            service,
            endpoint_url=url,
            region_name="eu-central-1",
            aws_access_key_id="x",
            aws_secret_access_key="y",
            config=once,
        )


class TestLambdaOnMinistack(OfAnAlias):
    disagreeing = ministack.DISAGREEING["lambda"]


class TestFlagdOnMinistack(OfADocument):
    disagreeing = ministack.DISAGREEING["flagd"]


class TestAppConfigOnMinistack(OfDeployments):
    disagreeing = ministack.DISAGREEING["appconfig"]


RUN = {"appconfig": TestAppConfigOnMinistack, "lambda": TestLambdaOnMinistack, "flagd": TestFlagdOnMinistack}


def test_each_target_on_aws_runs_at_ministack_or_it_is_said_why_not():
    on_aws = sorted(name for name, kind in TARGETS.items() if kind.on_aws)

    assert sorted([*RUN, *ministack.NOT_THERE, *ministack.UNANSWERED]) == on_aws


def test_each_disagreement_is_of_a_test_that_there_is():
    assert set(ministack.DISAGREEING) <= set(RUN)
    for target, disagreeing in ministack.DISAGREEING.items():
        assert set(disagreeing) <= set(dir(RUN[target]))


async def test_what_is_said_to_be_missing_at_ministack_is(emulator):
    """Of the services that it is asked to be, it tells which it is."""
    with tapped(emulator) as (url, _tap):
        async with aiohttp.ClientSession() as http, http.get(url + ministack.HEALTH) as answer:
            there = set((await answer.json())["services"])

    assert {"appconfig", "lambda", "s3"} <= there
    assert not set(ministack.NOT_THERE.values()) & there


def of_ecs(client: Client) -> bool:
    ecs = client("ecs")
    ecs.create_cluster(clusterName="shop")
    container = {"name": "web", "image": "checkout:1", "memory": 64}
    for _ in range(2):
        ecs.register_task_definition(family="checkout", containerDefinitions=[container])
    ecs.create_service(cluster="shop", serviceName="web", taskDefinition="checkout:1", desiredCount=1)
    ecs.update_service(cluster="shop", service="web", taskDefinition="checkout:2")
    return bool(ecs.list_service_deployments(cluster="shop", service="web")["serviceDeployments"])


def of_a_balancer(client: Client) -> bool:
    elb = client("elbv2")
    vpc = client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
    subnets = [each["SubnetId"] for each in client("ec2").describe_subnets()["Subnets"]][:2]
    balancer = elb.create_load_balancer(Name="shop", Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]
    groups = [
        elb.create_target_group(Name=name, Protocol="HTTP", Port=80, VpcId=vpc)["TargetGroups"][0][
            "TargetGroupArn"
        ]
        for name in ("blue", "green")
    ]
    shared = [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in zip(groups, (90, 10), strict=True)]
    told = elb.create_listener(
        LoadBalancerArn=balancer,
        Protocol="HTTP",
        Port=80,
        DefaultActions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": shared}}],
    )["Listeners"][0]["DefaultActions"][0]
    return bool(told.get("ForwardConfig", {}).get("TargetGroups") == shared)


AS_ON_AWS: Mapping[str, Callable[[Client], bool]] = {
    "ecs": of_ecs,
    "load_balancer": of_a_balancer,
}


@pytest.mark.parametrize("target", AS_ON_AWS)
def test_what_is_said_to_be_answered_otherwise_is(target, client):
    assert not AS_ON_AWS[target](client), f"it does as AWS does now: {ministack.UNANSWERED[target]}"
