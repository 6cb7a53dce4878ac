"""What the function of a lifecycle hook of CodeDeploy tells by the queue."""

from datetime import UTC, datetime, timedelta

import pytest

from deploy.model import Announcement, Phase
from deploy.source import Aside, Ignored, Rejected
from tests.deploy.sources.sqs.said import GROUP_AT, read, running_at

DETAIL = {
    "application": "myApplication",
    "deploymentGroup": "myDeploymentGroup",
    "deploymentId": "d-123456789",
    "stage": "BeforeAllowTraffic",
}
TOLD = {
    "version": "0",
    "id": "0f" * 32,
    "detail-type": "CodeDeploy Lifecycle Hook",
    "source": "rollbackd",
    "account": "123456789012",
    "region": "us-east-1",
    "time": "2026-11-24T11:00:00Z",
    "resources": [],
    "detail": DETAIL,
}


def told(**detail):
    return {**TOLD, "detail": {**DETAIL, **detail}}


def test_it_says_that_a_deployment_waits_at_which_hook_and_until_when():
    found = read(TOLD)

    assert isinstance(found, Announcement)
    assert (found.service, found.environment, found.phase) == ("checkout", "production", Phase.PAUSED)
    assert found.platform_ids == ("d-123456789",)
    assert found.pause is not None
    assert (found.pause.hook, found.pause.stage) == ("d-123456789:BeforeAllowTraffic", "BeforeAllowTraffic")
    assert found.pause.until == datetime(2026, 11, 24, 11, tzinfo=UTC) + timedelta(hours=1)
    assert found.pause.otherwise == "CodeDeploy fails the deployment"
    assert found.pause.go_back.startswith("aws deploy stop-deployment")


def test_two_hooks_of_one_deployment_are_two_news():
    keys = [
        found.dedup_key
        for said in (TOLD, TOLD, told(stage="AfterAllowTraffic"))
        if isinstance(found := read(said), Announcement)
    ]

    assert keys[0] == keys[1] != keys[2]


@pytest.mark.parametrize("stage", [None, "", "Before Allow", "x" * 65, 7])
def test_what_is_no_lifecycle_event_is_rejected_with_its_place(stage):
    found = read(told(stage=stage))

    assert isinstance(found, Rejected)
    assert found.where == "detail.stage"


def test_what_is_no_deployment_is_rejected_with_its_place():
    found = read(told(deploymentId="d-1; rm -rf /"))

    assert isinstance(found, Rejected)
    assert found.where == "detail.deploymentId"


def test_a_group_of_nobody_is_ignored_and_named():
    found = read(TOLD, where=running_at())

    assert isinstance(found, Aside | Ignored)
    assert GROUP_AT in found.why
