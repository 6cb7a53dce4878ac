import pytest
from pydantic import ValidationError

from deploy.model import Release
from deploy.ports import AwsAccount
from deploy.targets.beanstalk import KIND, Settings, addresses
from deploy.targets.registry import TARGETS
from tests.deploy.targets.beanstalk.stage import MAY_ACT

ARN = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/awseb-AWSEB-1ABC/0123456789abcdef"
GOOD = {"application": "My shop", "environment": "shop-prod"}


def test_it_is_one_of_the_targets():
    assert TARGETS["beanstalk"] is KIND
    assert KIND.on_aws


def test_its_events_are_recognised_by_account_region_application_and_environment():
    settings = Settings.model_validate(GOOD)

    assert addresses(settings, MAY_ACT) == ("beanstalk:eu-central-1:123456789012:My shop/shop-prod",)
    assert addresses(settings, AwsAccount("shop", "eu-central-1")) == (
        "beanstalk:eu-central-1:*:My shop/shop-prod",
    )
    assert addresses(settings, None) == ()


@pytest.mark.parametrize("written", [ARN, "app/awseb-AWSEB-1ABC/0123456789abcdef"])
def test_a_balancer_is_named_by_its_arn_or_the_end_of_it(written):
    settings = Settings.model_validate({**GOOD, "load_balancer": written})

    assert settings.load_balancer_name == "app/awseb-AWSEB-1ABC/0123456789abcdef"


def test_without_a_balancer_it_has_none():
    assert Settings.model_validate(GOOD).load_balancer_name is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"application": ""},
        {"application": "a/b"},
        {"application": "shop\n"},
        {"application": "x" * 101},
        {"environment": "abc"},
        {"environment": "-shop"},
        {"environment": "shop-"},
        {"environment": "shop_prod"},
        {"environment": "x" * 41},
        {"environment": "shop-prod\n"},
        {"load_balancer": "awseb-AWSEB-1ABC"},
        {"load_balancer": "net/awseb-AWSEB-1ABC/0123456789abcdef"},
        {"label": "v1"},
    ],
)
def test_what_beanstalk_would_not_take_is_refused(wrong):
    with pytest.raises(ValidationError):
        Settings.model_validate({**GOOD, **wrong})


def test_what_it_needs_names_the_environment_and_the_version_alone():
    needs = KIND.needs(Settings.model_validate(GOOD), MAY_ACT, Release.of_tag("v1"))
    at = "arn:aws:elasticbeanstalk:eu-central-1:123456789012"

    assert {(need.action, need.resource) for need in needs} == {
        ("elasticbeanstalk:UpdateEnvironment", f"{at}:environment/My shop/shop-prod"),
        ("elasticbeanstalk:AbortEnvironmentUpdate", f"{at}:environment/My shop/shop-prod"),
        ("elasticbeanstalk:AddTags", f"{at}:applicationversion/My shop/v1"),
    }
    assert [need.context for need in needs if need.context] == [{"aws:TagKeys": "rollbackd:move.shop-prod"}]
