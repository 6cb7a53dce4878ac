import re

import pytest
from pydantic import ValidationError

from deploy.model import Release
from deploy.ports import AwsAccount
from deploy.targets.beanstalk import KIND, Settings, addresses
from deploy.targets.registry import TARGETS
from tests.deploy.targets.beanstalk.stage import MAY_ACT

ARN = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/awseb-AWSEB-1ABC/0123456789abcdef"
GOOD = {"application": "My shop", "environment": "shop-prod"}
BALANCERS = [ARN, "app/awseb-AWSEB-2ABC/0123456789abcdef"]
PAIR = {
    "application": "My shop",
    "environments": ["shop-blue", "shop-green"],
    "cname": "shop.eu-central-1.elasticbeanstalk.com",
}


def pair(**more: object) -> Settings:
    return Settings.model_validate({**PAIR, **more})


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


# -------------------------------------------------------------------------------------------- two that swap their names


def test_news_of_either_of_two_are_recognised_and_of_their_swaps_by_their_names_alone():
    assert addresses(pair(), MAY_ACT) == (
        "beanstalk:eu-central-1:123456789012:My shop/shop-blue",
        "beanstalk:eu-central-1:123456789012:My shop/shop-green",
        "beanstalk_swap:eu-central-1:123456789012:shop-blue",
        "beanstalk_swap:eu-central-1:123456789012:shop-green",
    )


def test_each_of_two_has_a_balancer_of_its_own():
    assert pair(load_balancers=BALANCERS).balancers == {
        "shop-blue": "app/awseb-AWSEB-1ABC/0123456789abcdef",
        "shop-green": "app/awseb-AWSEB-2ABC/0123456789abcdef",
    }
    assert pair().balancers == {}


@pytest.mark.parametrize(
    "name",
    [
        "shop.elasticbeanstalk.com",
        "shop-1.us-gov-west-1.elasticbeanstalk.com",
        "a" * 63 + ".eu-central-1.elasticbeanstalk.com",
        "shop-env.eba-8jkpz3ah.us-east-2.elasticbeanstalk.com",  # where nobody chose one
    ],
)
def test_a_name_may_be_of_any_region_and_of_before_there_were_some(name):
    assert pair(cname=name).moved == name


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"environment": "shop-prod"}, "either `environment`, or the two `environments`"),
        ({"environments": None}, "either `environment`, or the two `environments`"),
        ({"environments": ["shop-blue", "shop-blue"]}, "both `environments` are shop-blue"),
        ({"environments": ["shop-blue"]}, "environments"),
        ({"environments": ["shop-blue", "shop-green", "shop-red"]}, "environments"),
        ({"cname": None}, "add `cname: NAME.REGION.elasticbeanstalk.com`"),
        ({"cname": "shop.example"}, "cname"),
        ({"cname": "Shop.eu-central-1.elasticbeanstalk.com"}, "in small letters and with no dot at its end"),
        ({"cname": "shop.eu-central-1.elasticbeanstalk.com."}, "in small letters and with no dot at its end"),
        ({"cname": "shop.eu-central-1.elasticbeanstalk.com\n"}, "cname"),
        ({"load_balancer": ARN}, "write `load_balancers`"),
        ({"load_balancers": [ARN]}, "load_balancers"),
    ],
)
def test_what_is_no_pair_is_refused_with_its_remedy(wrong, words):
    with pytest.raises(ValidationError, match=re.escape(words)):
        pair(**wrong)


@pytest.mark.parametrize(
    ("cname", "words"),
    [
        (
            "shop.us-east-1.elasticbeanstalk.com",
            "the name is of us-east-1, and the account shop of eu-central-1",
        ),
        ("shop.eba-8jkpz3ah.us-east-1.elasticbeanstalk.com", "the name is of us-east-1"),
        ("shop.eu-central-1.elasticbeanstalk.com", None),
        ("shop.elasticbeanstalk.com", None),
    ],
)
def test_a_name_of_another_region_is_misplaced(cname, words):
    found = KIND.misplaced(pair(cname=cname), MAY_ACT)

    assert (found is None) if words is None else (found is not None and found[0].startswith(words))
    assert KIND.misplaced(Settings.model_validate(GOOD), MAY_ACT) is None


@pytest.mark.parametrize("wrong", [{"cname": PAIR["cname"]}, {"load_balancers": BALANCERS}])
def test_what_is_of_two_is_refused_of_one(wrong):
    with pytest.raises(ValidationError, match="is for the two `environments` that swap their names"):
        Settings.model_validate({**GOOD, **wrong})


def test_to_swap_back_it_needs_both_environments_and_updates_neither():
    needs = KIND.needs(pair(), MAY_ACT, Release.of_tag("v1"))
    at = "arn:aws:elasticbeanstalk:eu-central-1:123456789012"

    assert {(need.action, need.resource) for need in needs} == {
        ("elasticbeanstalk:SwapEnvironmentCNAMEs", f"{at}:environment/My shop/shop-blue"),
        ("elasticbeanstalk:SwapEnvironmentCNAMEs", f"{at}:environment/My shop/shop-green"),
        ("elasticbeanstalk:AddTags", f"{at}:applicationversion/My shop/v1"),
    }
    assert [need.context for need in needs if need.context] == [
        {"aws:TagKeys": "rollbackd:move.shop.eu-central-1.elasticbeanstalk.com"}
    ]
