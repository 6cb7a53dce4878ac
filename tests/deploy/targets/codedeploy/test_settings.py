"""What may stand under `runs_on: [{codedeploy: …}]`, by what its events find it, and what acting needs."""

from typing import Any

import pytest
from pydantic import ValidationError

from deploy.model import Release
from deploy.ports import AwsAccount
from deploy.targets.codedeploy import KIND, Settings
from deploy.targets.registry import TARGETS

ACCOUNT = AwsAccount("shop", "eu-central-1", "123456789012")
PLAIN = {"application": "orders", "deployment_group": "production"}


def test_it_is_in_the_registry():
    assert TARGETS["codedeploy"] is KIND
    assert KIND.on_aws


def test_an_application_and_a_group_are_enough():
    settings = Settings.model_validate(PLAIN)

    assert settings.iis is None
    assert settings.behind is None


def test_iis_has_the_addresses_of_its_instances():
    settings = Settings.model_validate({**PLAIN, "iis": {"urls": ["http://10.0.1.11/health/ready"]}})

    assert settings.iis is not None
    assert settings.iis.urls == ("http://10.0.1.11/health/ready",)


@pytest.mark.parametrize(
    "more",
    [
        {"application": ""},
        {"application": "a/b"},
        {"application": "a" * 101},
        {"deployment_group": "two words"},
        {"deployment_group": "x\n"},
        {"iis": {"urls": []}},
        {"iis": {"urls": ["10.0.1.11/health"]}},
        {"iis": {"urls": ["file:///etc/passwd"]}},
        {"iis": {}},
        {"behind": {"load_balancer": "shop"}},
        {"strange": 1},
    ],
)
def test_what_does_not_fit_is_refused(more: dict[str, Any]):
    with pytest.raises(ValidationError):
        Settings.model_validate({**PLAIN, **more})


def test_its_events_find_it_by_account_region_and_names():
    settings = Settings.model_validate(PLAIN)
    unknown = AwsAccount("shop", "eu-central-1", None)

    assert KIND.addresses(settings, ACCOUNT) == ("codedeploy:eu-central-1:123456789012:orders/production",)
    assert KIND.addresses(settings, unknown) == ("codedeploy:eu-central-1:*:orders/production",)
    assert KIND.addresses(settings, None) == ()


def test_acting_needs_the_group_its_application_and_the_configurations_and_nothing_else():
    needs = KIND.needs(Settings.model_validate(PLAIN), ACCOUNT, Release.of_tag("v1"))
    arn = "arn:aws:codedeploy:eu-central-1:123456789012"

    assert {need.action: need.resource for need in needs} == {
        "codedeploy:CreateDeployment": f"{arn}:deploymentgroup:orders/production",
        "codedeploy:StopDeployment": "*",
        "codedeploy:GetDeploymentConfig": f"{arn}:deploymentconfig:CodeDeployDefault.OneAtATime",
        "codedeploy:GetApplicationRevision": f"{arn}:application:orders",
        "codedeploy:RegisterApplicationRevision": f"{arn}:application:orders",
        "codedeploy:TagResource": f"{arn}:deploymentgroup:orders/production",
        "codedeploy:UntagResource": f"{arn}:deploymentgroup:orders/production",
    }


def test_what_changes_something_is_allowed_for_our_tags_alone():
    needs = KIND.needs(Settings.model_validate(PLAIN), ACCOUNT, Release.of_tag("v1"))

    assert {need.action for need in needs if need.context == {"aws:TagKeys": "rollbackd:move"}} == {
        "codedeploy:TagResource",
        "codedeploy:UntagResource",
    }
