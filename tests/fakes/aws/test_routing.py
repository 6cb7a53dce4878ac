"""To which target the fake balancer sends a request: cookies before weights, targets that take requests, and time to drain."""

from datetime import timedelta

import pytest

from tests.fakes.aws.balancing.routing import Cookies, is_answered, routed
from tests.fakes.aws.balancing.state import forwarding
from tests.fakes.aws.fixtures import NOON

YESTERDAY = NOON - timedelta(days=1)
CHANCES = [number / 100 for number in range(100)]


def after(seconds: float):
    return NOON + timedelta(seconds=seconds)


@pytest.fixture
def elb(aws_world):
    made = aws_world.balancing
    for group in ("blue", "green"):
        made.create_group(group, YESTERDAY, stickiness__enabled="true")
    return made


@pytest.fixture
def rule(elb):
    weights = {elb.group("blue").arn: 90, elb.group("green").arn: 10}
    return elb.create_rule(YESTERDAY, [forwarding(weights, sticky=600)])


def test_who_has_no_cookie_comes_to_groups_by_their_weights_and_to_each_of_their_targets(elb, rule):
    came = [routed(elb, rule, Cookies(), NOON, chance) for chance in CHANCES]

    assert [each.group for each in came].count("green") == 10
    assert {each.target for each in came if each.group == "blue"} == {f"i-blue-{n}" for n in range(3)}


def test_a_cookie_goes_before_a_weight_of_nothing_until_it_ends_or_stickiness_is_off(elb, rule):
    first = routed(elb, rule, Cookies(), NOON, 0.95)
    elb.weigh(rule, {"blue": 100, "green": 0}, after(1), sticky=600)
    bound = [routed(elb, rule, first.cookies, after(599), chance) for chance in CHANCES]
    ended = routed(elb, rule, first.cookies, after(600), 0.95)
    elb.weigh(rule, {"blue": 100, "green": 0}, after(2))
    off = routed(elb, rule, first.cookies, after(3), 0.95)

    assert {(each.group, each.target) for each in bound} == {("green", first.target)}
    assert (first.group, ended.group, off.group) == ("green", "blue", "blue")


def test_a_group_binds_to_a_target_only_where_it_says_so_and_while_that_is_healthy(elb, rule):
    first = routed(elb, rule, Cookies(), NOON, 0.1)
    same = {routed(elb, rule, first.cookies, after(1), chance).target for chance in CHANCES}
    elb.have("blue", after(2), "healthy", "draining", "healthy")
    others = {routed(elb, rule, first.cookies, after(3), chance).target for chance in CHANCES}
    elb.group("blue").attributes["stickiness.enabled"] = "false"
    free = {routed(elb, rule, first.cookies, after(1), chance).target for chance in CHANCES}

    assert same == {"i-blue-1"} == {first.target}
    assert others == {"i-blue-0", "i-blue-2"}
    assert len(free) == 3


@pytest.mark.parametrize(("until", "is_there"), [(99, True), (100 + 300, True), (100 + 301, False)])
def test_a_request_under_way_has_as_long_as_its_group_lets_targets_drain(elb, rule, until, is_there):
    request = routed(elb, rule, Cookies(), NOON, 0.1)
    elb.have("blue", after(100), "healthy", "draining", "healthy")

    assert is_answered(elb, request, after(until)) is is_there


def test_an_instance_that_is_gone_at_once_answers_nothing_any_more(elb, rule):
    request = routed(elb, rule, Cookies(), NOON, 0.1)
    elb.have("blue", after(100), "healthy")

    assert is_answered(elb, request, after(100)) is True
    assert is_answered(elb, request, after(101)) is False
