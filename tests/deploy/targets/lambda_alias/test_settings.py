import pytest
from pydantic import ValidationError

from deploy.model import Release
from deploy.ports import AwsAccount
from deploy.targets.lambda_alias import KIND, Settings, addresses, misplaced
from deploy.targets.registry import TARGETS
from tests.deploy.targets.lambda_alias.stage import ARN, MAY_ACT

ACCOUNT = AwsAccount("shop", "eu-central-1")


def test_it_is_one_of_the_targets():
    assert TARGETS["lambda"] is KIND
    assert KIND.on_aws


def test_name_and_arn_mean_the_same():
    for written in ("checkout", ARN):
        settings = Settings(function=written, alias="live")
        assert settings.function_name == "checkout"
        assert addresses(settings, MAY_ACT) == ("lambda:eu-central-1:123456789012:checkout:live",)


@pytest.mark.parametrize(
    "written",
    [
        {},
        {"function": ""},
        {"function": "check out"},
        {"function": "checkout\n"},
        {"function": "checkout:live"},
        {"function": f"{ARN}:live"},
        {"function": "x" * 65},
        {"function": "checkout", "alias": "41"},
        {"function": "checkout", "alias": "$LATEST"},
        {"function": "checkout", "alias": "live\n"},
        {"function": "checkout", "traffic": "slowly"},
        {"function": "checkout", "codedeploy": "something"},
        {"function": "checkout", "codedeploy": {"application": "shop"}},
        {"function": "checkout", "version": "41"},
    ],
)
def test_what_lambda_would_not_take_is_refused(written):
    with pytest.raises(ValidationError):
        Settings.model_validate(written)


def test_of_a_mistake_in_the_group_only_that_one_is_told():
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate(
            {"function": "f", "codedeploy": {"application": "shop", "grupp": "x", "group": "x"}}
        )

    assert [each["loc"] for each in caught.value.errors()] == [("codedeploy", "group", "grupp")]


def test_without_an_alias_latest_is_what_is_called():
    settings = Settings(function="checkout")

    assert addresses(settings, ACCOUNT) == ("lambda:eu-central-1:*:checkout:$LATEST",)
    assert addresses(settings, None) == ()


def test_an_arn_tells_the_account_where_no_role_does():
    assert addresses(Settings(function=ARN, alias="live"), ACCOUNT) == (
        "lambda:eu-central-1:123456789012:checkout:live",
    )


@pytest.mark.parametrize(
    ("account", "words"),
    [
        (AwsAccount("shop", "us-east-1"), "of eu-central-1, and the account shop of us-east-1"),
        (
            AwsAccount("shop", "eu-central-1", "999900001111"),
            "of 123456789012, and the account shop is 999900001111",
        ),
    ],
)
def test_an_arn_of_elsewhere_is_misplaced(account, words):
    found = misplaced(Settings(function=ARN, alias="live"), account)

    assert found is not None
    assert words in found[0]


def test_what_is_where_it_says_is_not_misplaced():
    assert misplaced(Settings(function=ARN), MAY_ACT) is None
    assert misplaced(Settings(function="checkout"), ACCOUNT) is None


def test_to_put_it_back_it_needs_one_permission_on_the_function_and_its_marks():
    needs = KIND.needs(Settings(function="checkout", alias="live"), MAY_ACT, Release.of_tag("41"))

    assert [(need.action, need.resource) for need in needs] == [
        ("lambda:UpdateAlias", ARN),
        ("lambda:TagResource", ARN),
        ("lambda:UntagResource", ARN),
    ]
    assert [need.context for need in needs[1:]] == [{"aws:TagKeys": "rollbackd:service.environment.41"}] * 2


def test_what_cannot_be_moved_needs_nothing():
    assert KIND.needs(Settings(function="checkout"), MAY_ACT, Release.of_tag("LATEST.1")) == ()
