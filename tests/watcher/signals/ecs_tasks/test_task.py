"""A task of DescribeTasks, as AWS tells it."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from tests.watcher.signals.ecs_tasks.shop import second
from watcher.signals.ecs_tasks.ending import Failure
from watcher.signals.ecs_tasks.task import read_task

ARN = "arn:aws:ecs:eu-central-1:123456789012:task/prod/36ad4ef947bb470b89010d864574237e"
RUNS: dict[str, Any] = {
    "taskArn": ARN,
    "taskDefinitionArn": "arn:aws:ecs:eu-central-1:123456789012:task-definition/web:7",
    "createdAt": second(0),
    "startedAt": second(20),
    "lastStatus": "RUNNING",
    "desiredStatus": "RUNNING",
    "availabilityZone": "eu-central-1b",
    "attachments": [
        {
            "type": "ElasticNetworkInterface",
            "status": "ATTACHED",
            "details": [
                {"name": "subnetId", "value": "subnet-1"},
                {"name": "privateIPv4Address", "value": "10.0.1.7"},
            ],
        }
    ],
    "containers": [{"name": "web"}, {"name": "sidecar", "networkInterfaces": [{"attachmentId": "a"}]}],
}
CRASHES = {
    **RUNS,
    "lastStatus": "DEPROVISIONING",
    "desiredStatus": "STOPPED",
    "stoppingAt": second(61),
    "executionStoppedAt": second(60),
    "stopCode": "EssentialContainerExited",
    "stoppedReason": "Essential container in task exited",
    "containers": [{"name": "web", "exitCode": 1}, {"name": "sidecar", "exitCode": 137}],
}


def test_a_task_that_runs():
    task = read_task(RUNS)

    assert (task.arn, task.task_definition, task.zone) == (ARN, "web:7", "eu-central-1b")
    assert (task.created, task.started, task.ended, task.failure) == (second(0), second(20), None, None)
    assert task.is_running
    assert not task.is_over
    assert task.address == "10.0.1.7"


def test_a_task_has_ended_when_its_end_began_and_not_only_when_it_is_gone():
    crashes, gone = (
        read_task(CRASHES),
        read_task({**CRASHES, "lastStatus": "STOPPED", "stoppedAt": second(60) + timedelta(minutes=1)}),
    )

    assert crashes.ended == gone.ended == second(60)
    assert crashes.failure is gone.failure is Failure.CRASHED
    assert (crashes.is_over, gone.is_over) == (False, True)
    assert not crashes.is_running


def test_a_task_is_the_release_that_it_runs_also_when_its_cluster_is_told_in_the_long_form():
    assert (
        read_task(
            {**RUNS, "taskDefinitionArn": "arn:aws-cn:ecs:x:1:task-definition/a_b-c:12"}
        ).task_definition
        == "a_b-c:12"
    )


def test_the_address_may_stand_with_the_containers():
    told = {
        **RUNS,
        "attachments": [],
        "containers": [{"networkInterfaces": [{"privateIpv4Address": "10.0.1.8"}]}],
    }

    assert read_task(told).address == "10.0.1.8"


def test_a_task_on_its_hosts_network_has_no_address_of_its_own():
    told = {**RUNS, "attachments": [], "containers": [{"networkBindings": [{"hostPort": 32768}]}]}

    assert read_task(told).address is None


def test_what_a_later_aws_says_besides_is_left_out():
    assert read_task({**RUNS, "mood": "good", "lastStatus": "TELEPORTING"}).is_running


@pytest.mark.parametrize(
    "broken",
    [{"createdAt": None}, {"taskArn": 'x" OR 1'}, {"containers": "none"}, {"lastStatus": "x" * 5000}],
)
def test_what_is_not_of_aws_s_shape_is_refused(broken):
    with pytest.raises(ValidationError):
        read_task({**RUNS, **broken})


def an_interface(address):
    detail = {"name": "privateIPv4Address", "value": address}
    return {"attachments": [{"type": "ElasticNetworkInterface", "details": [detail]}]}


def test_an_interface_that_has_no_address_yet_gives_none():
    assert read_task({**RUNS, **an_interface("")}).address is None


def test_an_address_that_is_none_is_refused_as_any_other_wrong_shape_is():
    with pytest.raises(ValidationError):
        read_task({**RUNS, **an_interface("fe80::1")})
