import pytest
from pydantic import ValidationError

from deploy.model import Release, Unreadable
from deploy.ports import AwsAccount
from deploy.targets.load_balancer import KIND, Settings, addresses, misplaced
from deploy.targets.registry import TARGETS
from tests.deploy.targets.load_balancer.stage import MAY_ACT

PLACE = "arn:aws:elasticloadbalancing:eu-central-1:123456789012"
LISTENER = f"{PLACE}:listener/app/shop/0123456789abcdef/00112233445566aa"
RULE = f"{PLACE}:listener-rule/app/shop/0123456789abcdef/00112233445566aa/ffeeddccbbaa9988"


def test_it_is_one_of_the_targets():
    assert TARGETS["load_balancer"] is KIND
    assert KIND.on_aws


def test_a_rule_and_a_listener_tell_where_they_are():
    for settings in (Settings(rule=RULE), Settings(listener=LISTENER)):
        assert settings.load_balancer_name == "app/shop/0123456789abcdef"
        assert (settings.account_id, settings.region) == ("123456789012", "eu-central-1")
        assert addresses(settings, MAY_ACT) == (f"load_balancer:{settings.arn}",)


@pytest.mark.parametrize(
    "written",
    [
        {},
        {"rule": RULE, "listener": LISTENER},
        {"rule": LISTENER},
        {"listener": RULE},
        {"rule": RULE.replace("app/", "net/")},
        {"rule": f"{RULE}\n"},
        {"rule": "ffeeddccbbaa9988"},
        {"rule": RULE, "release_tag": "no\nbreaks"},
        {"rule": RULE, "release_tag": ""},
        {"rule": RULE, "sessions": "lose"},
        {"rule": RULE, "groups": []},
    ],
)
def test_what_is_none_is_refused(written):
    with pytest.raises(ValidationError):
        Settings.model_validate(written)


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
def test_a_rule_of_elsewhere_is_misplaced(account, words):
    found = misplaced(Settings(rule=RULE), account)

    assert found is not None
    assert words in found[0]


def test_a_rule_of_here_is_not():
    assert misplaced(Settings(rule=RULE), MAY_ACT) is None
    assert misplaced(Settings(rule=RULE), AwsAccount("shop", "eu-central-1")) is None


def test_to_put_it_back_it_needs_this_rule_and_tags_on_it_and_on_the_group():
    release = Release("tag:v1", "v1", {"target_group": "targetgroup/blue/0123456789abcdef"})

    needs = KIND.needs(Settings(rule=RULE), MAY_ACT, release)

    assert [(need.action, need.resource) for need in needs] == [
        ("elasticloadbalancing:ModifyRule", RULE),
        ("elasticloadbalancing:AddTags", RULE),
        ("elasticloadbalancing:AddTags", f"{PLACE}:targetgroup/blue/0123456789abcdef"),
    ]
    assert needs[1].context == {"aws:TagKeys": "rollbackd:move"}


def test_of_a_listener_it_needs_that():
    needs = KIND.needs(Settings(listener=LISTENER), MAY_ACT, Release.of_tag("v1"))

    assert [(need.action, need.resource) for need in needs] == [
        ("elasticloadbalancing:ModifyListener", LISTENER),
        ("elasticloadbalancing:AddTags", LISTENER),
    ]


# ------------------------------------------------------------------------------------------------------ what is meant


@pytest.mark.parametrize(
    "hints", [{}, {"tag": "v2"}, {"version": "v2"}, {"tag": "v2", "fingerprint": "tag:v2"}]
)
def test_what_is_coming_is_meant(stage, hints):
    stage.weighs(blue=90, green=10)

    found = stage.run(stage.target().resolve(hints))

    assert isinstance(found, Release)
    assert found.tag == "v2"


@pytest.mark.parametrize(
    "hints", [{"tag": "v7"}, {"version": "v7"}, {"tag": "v1", "fingerprint": "sha256:other"}]
)
def test_what_has_no_traffic_is_waited_for(stage, hints):
    stage.elb.tag("blue", stage.clock.time, rollbackd__fingerprint="sha256:this")

    found = stage.run(stage.target().resolve(hints))

    assert isinstance(found, Unreadable)
    assert found.words.endswith("has no traffic yet")


def test_where_nothing_has_traffic_there_is_nothing_to_mean(stage):
    stage.weighs(blue=0, green=0)

    assert isinstance(stage.run(stage.target().resolve({})), Unreadable)
