"""The fake load balancing over HTTP, as an unmodified boto3 sees it; where moto emulates it too, both say the same."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from tests.fakes.aws.balancing.state import forwarding
from tests.fakes.aws.fixtures import NOON

YESTERDAY = NOON - timedelta(days=1)
OIDC = {
    "Issuer": "https://id.example",
    "AuthorizationEndpoint": "https://id.example/a",
    "TokenEndpoint": "https://id.example/t",
    "UserInfoEndpoint": "https://id.example/u",
    "ClientId": "shop",
}


@pytest.fixture
def elb(aws_world):
    made = aws_world.balancing
    for group in ("blue", "green"):
        made.create_group(group, YESTERDAY)
    return made


@pytest.fixture
def rule(elb):
    weights = {elb.group("blue").arn: 100, elb.group("green").arn: 0}
    return elb.create_rule(YESTERDAY, [forwarding(weights, sticky=600)])


@pytest.fixture
def client(elb, boto):
    return boto("elbv2")


def forward(elb: Any, **weights: Any) -> list[dict[str, Any]]:
    groups = [{"TargetGroupArn": elb.group(name).arn, "Weight": weight} for name, weight in weights.items()]
    return [{"Type": "forward", "Order": 1, "ForwardConfig": {"TargetGroups": groups}}]


def code_of(call: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call()
    return str(refused.value.response["Error"]["Code"])


def test_a_rule_is_described_as_it_was_put(client, rule, elb):
    (told,) = client.describe_rules(RuleArns=[rule])["Rules"]

    (action,) = told["Actions"]
    assert action["ForwardConfig"]["TargetGroupStickinessConfig"] == {"Enabled": True, "DurationSeconds": 600}
    assert [each["Weight"] for each in action["ForwardConfig"]["TargetGroups"]] == [100, 0]
    assert "TargetGroupArn" not in action


def test_all_actions_are_replaced_stickiness_too(client, rule, elb):
    client.modify_rule(RuleArn=rule, Actions=forward(elb, blue=0, green=1))

    assert elb.weights(rule) == {"blue": 0, "green": 1}
    (told,) = client.describe_rules(RuleArns=[rule])["Rules"]
    assert told["Actions"][0]["ForwardConfig"]["TargetGroupStickinessConfig"] == {"Enabled": False}


def test_one_rule_that_is_not_there_refuses_them_all(client, rule):
    other = f"{rule[:-16]}0000000000000000"

    assert code_of(lambda: client.describe_rules(RuleArns=[rule, other])) == "RuleNotFound"
    with pytest.raises(client.exceptions.RuleNotFoundException):
        client.describe_rules(RuleArns=[other])


def test_what_cannot_be_is_refused(client, rule, elb):
    unknown = [{"TargetGroupArn": f"{elb.group('blue').arn[:-16]}0000000000000000", "Weight": 1}]
    missing = [{"Type": "forward", "Order": 1, "ForwardConfig": {"TargetGroups": unknown}}]

    assert (
        code_of(lambda: client.modify_rule(RuleArn=rule, Actions=forward(elb, blue=1000)))
        == "ValidationError"
    )
    assert code_of(lambda: client.modify_rule(RuleArn=rule, Actions=missing)) == "TargetGroupNotFound"
    twice = forward(elb, blue=1) * 2
    assert code_of(lambda: client.modify_rule(RuleArn=rule, Actions=twice)) == "ValidationError"
    assert elb.weights(rule) == {"blue": 100, "green": 0}


def test_a_login_keeps_its_secret_only_where_that_is_asked_for(client, rule, elb):
    login = {
        "Type": "authenticate-oidc",
        "Order": 1,
        "AuthenticateOidcConfig": {**OIDC, "ClientSecret": "hunter2"},
    }
    last = {**forward(elb, blue=1)[0], "Order": 2}
    client.modify_rule(RuleArn=rule, Actions=[login, last])
    (told,) = client.describe_rules(RuleArns=[rule])["Rules"]

    assert "ClientSecret" not in told["Actions"][0]["AuthenticateOidcConfig"]
    assert code_of(lambda: client.modify_rule(RuleArn=rule, Actions=told["Actions"])) == "ValidationError"
    kept = {**login, "AuthenticateOidcConfig": {**OIDC, "UseExistingClientSecret": True}}
    client.modify_rule(RuleArn=rule, Actions=[kept, last])
    assert elb.actions(rule)[0]["AuthenticateOidcConfig"]["ClientSecret"] == "hunter2"


def test_a_group_that_no_rule_names_is_not_checked(client, rule, elb):
    def states(name: str) -> set[str]:
        told = client.describe_target_health(TargetGroupArn=elb.group(name).arn)["TargetHealthDescriptions"]
        return {each["TargetHealth"]["State"] for each in told}

    assert (states("blue"), states("green")) == ({"healthy"}, {"healthy"})
    elb.weigh(rule, {"blue": 1}, NOON)
    assert states("green") == {"unused"}


def test_tags_are_told_of_twenty_at_a_time(client, rule, elb):
    client.add_tags(ResourceArns=[rule], Tags=[{"Key": "a", "Value": "b"}])
    told = client.describe_tags(ResourceArns=[rule, elb.group("blue").arn])["TagDescriptions"]

    assert {each["ResourceArn"]: each.get("Tags", []) for each in told} == {
        rule: [{"Key": "a", "Value": "b"}],
        elb.group("blue").arn: [],
    }
    assert code_of(lambda: client.describe_tags(ResourceArns=[rule] * 21)) == "ValidationError"


def test_who_is_bound_by_a_cookie_comes_back_whatever_the_weight(elb, rule):
    elb.bind(rule, "ada", "green", NOON)

    assert elb.guest(rule, "ada", NOON + timedelta(seconds=599)) == "green"
    assert elb.guest(rule, "bob", NOON) == "blue"


def test_a_cookie_ends_and_each_visit_renews_it(elb, rule):
    elb.bind(rule, "ada", "green", NOON)
    elb.guest(rule, "ada", NOON + timedelta(seconds=500))

    assert elb.guest(rule, "ada", NOON + timedelta(seconds=1000)) == "green"
    assert elb.guest(rule, "ada", NOON + timedelta(seconds=1601)) == "blue"


def test_the_trail_tells_of_weights_minutes_later(client, rule, elb, aws_world, aws_clock):
    client.modify_rule(RuleArn=rule, Actions=forward(elb, blue=90, green=10))
    at_once = aws_world.advance()
    aws_clock.go_on(minutes=3)

    (told,) = aws_world.advance()
    assert at_once == []
    assert told["detail"]["requestParameters"]["ruleArn"] == rule


# ----------------------------------------------------------------------------------------------------- beside moto


@pytest.fixture
def motos() -> Iterator[tuple[Any, str]]:
    """A listener at moto that forwards to two groups by weights."""
    keys = {"region_name": "eu-central-1", "aws_access_key_id": "x", "aws_secret_access_key": "y"}
    with mock_aws():
        ec2, made = boto3.client("ec2", **keys), boto3.client("elbv2", **keys)
        zones = [each["SubnetId"] for each in ec2.describe_subnets()["Subnets"]][:2]
        vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
        (balancer,) = made.create_load_balancer(Name="shop", Subnets=zones)["LoadBalancers"]
        groups = [
            made.create_target_group(Name=name, Protocol="HTTP", Port=80, VpcId=vpc)["TargetGroups"][0][
                "TargetGroupArn"
            ]
            for name in ("blue", "green")
        ]
        actions = [forwarding({groups[0]: 90, groups[1]: 10}, sticky=600)]
        (listener,) = made.create_listener(
            LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTP", Port=80, DefaultActions=actions
        )["Listeners"]
        yield made, listener["ListenerArn"]


def test_both_describe_a_listener_that_forwards_by_weights_in_the_same_shape(client, elb, motos):
    other, listener = motos
    weights = {elb.group("blue").arn: 90, elb.group("green").arn: 10}
    own = elb.create_rule(NOON, [forwarding(weights, sticky=600)], listener=True)

    (ours,) = client.describe_listeners(ListenerArns=[own])["Listeners"][0]["DefaultActions"]
    (theirs,) = other.describe_listeners(ListenerArns=[listener])["Listeners"][0]["DefaultActions"]

    assert ours["ForwardConfig"].keys() == theirs["ForwardConfig"].keys()
    assert [each["Weight"] for each in ours["ForwardConfig"]["TargetGroups"]] == [
        each["Weight"] for each in theirs["ForwardConfig"]["TargetGroups"]
    ]
    sticky = "TargetGroupStickinessConfig"
    assert ours["ForwardConfig"][sticky] == theirs["ForwardConfig"][sticky]
