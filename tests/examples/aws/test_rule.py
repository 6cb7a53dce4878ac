"""The rule of EventBridge lets through what source `sqs` makes something of, of one cluster of ECS, and nothing else.

The pages of the other targets have rules of their own, with tests beside them.

moto's matcher of patterns reads the rule; the events are those that AWS documents.
"""

import json
from typing import Any

import pytest
from moto.events.models import EventPattern

from deploy.sources.sqs.parser import READS
from tests.deploy.sources.sqs.said import LINES
from tests.examples.aws import cloudformation

OF_ECS = {each for each in READS if each[0] == "aws.ecs"}
OURS = [line.event for line in LINES if (line.event.get("source"), line.event.get("detail-type")) in OF_ECS]
OTHERS = [
    line.event for line in LINES if (line.event.get("source"), line.event.get("detail-type")) not in OF_ECS
]


def rule(event: Any, cluster: str) -> EventPattern:
    """The rule, as it stands in the account and the region that *event* is of."""
    made = cloudformation.resources(
        **{
            "AWS::Region": event.get("region", "us-west-2"),
            "AWS::AccountId": event.get("account", "111122223333"),
        },
        ClusterName=cluster,
    )
    return EventPattern.load(json.dumps(made["Deployments"]["EventPattern"]))


def cluster_of(event: Any) -> str:
    return str(event["resources"][0].split("/")[1])


def test_the_rule_names_the_types_that_the_source_reads():
    pattern = cloudformation.resources()["Deployments"]["EventPattern"]

    assert {(source, kind) for source in pattern["source"] for kind in pattern["detail-type"]} == OF_ECS


@pytest.mark.parametrize("event", OURS, ids=lambda event: event["detail"]["eventName"])
def test_deployments_and_hooks_of_the_cluster_come_through(event):
    assert rule(event, cluster_of(event)).matches_event(event)


@pytest.mark.parametrize("event", OURS, ids=lambda event: event["detail"]["eventName"])
def test_those_of_another_cluster_do_not(event):
    assert not rule(event, "another").matches_event(event)
    assert not rule(event, cluster_of(event)[:-1]).matches_event(event)


def test_nothing_else_comes_through():
    assert len(OTHERS) > 10
    for event in OTHERS:
        assert not rule(event, "default").matches_event(event), event
