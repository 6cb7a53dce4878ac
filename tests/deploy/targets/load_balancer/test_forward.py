"""The actions of a rule, as they are read and as they go back: nothing but the weights may differ."""

from typing import Any

import pytest

from deploy.targets.load_balancer.forward import Forward, forward_of, rewritten
from tests.fakes.aws.balancing.state import forwarding

LOGIN: dict[str, Any] = {
    "Type": "authenticate-oidc",
    "Order": 1,
    "AuthenticateOidcConfig": {
        "Issuer": "https://id.example",
        "AuthorizationEndpoint": "https://id.example/a",
        "TokenEndpoint": "https://id.example/t",
        "UserInfoEndpoint": "https://id.example/u",
        "ClientId": "shop",
    },
}


def test_where_an_action_forwards_to_and_how_long_who_came_is_bound():
    found = forward_of([LOGIN, forwarding({"b": 90, "g": 10}, sticky=3600, order=2)])

    assert found == Forward({"b": 90, "g": 10}, sticky=True, lasting=3600)
    assert found.shares == {"b": 0.9, "g": 0.1}


def test_the_old_form_with_one_group_forwards_everything_to_it():
    found = forward_of([{"Type": "forward", "TargetGroupArn": "b"}])

    assert found is not None
    assert found.shares == {"b": 1.0}


def test_what_redirects_or_answers_forwards_nothing():
    assert forward_of([{"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_301"}}]) is None


def test_of_no_weight_nobody_has_a_share():
    assert Forward({"b": 0, "g": 0}).shares == {"b": 0.0, "g": 0.0}


@pytest.mark.parametrize(
    ("weights", "wanted", "given"),
    [
        ({"b": 90, "g": 10}, ["b"], {"b": 100, "g": 0}),
        ({"b": 0, "g": 100}, ["b"], {"b": 100, "g": 0}),
        ({"b": 0, "g": 999}, ["b"], {"b": 100, "g": 0}),
        ({"a": 20, "b": 30, "g": 50}, ["a", "b"], {"a": 20, "b": 30, "g": 0}),
        ({"a": 0, "b": 0, "g": 50}, ["a", "b"], {"a": 100, "b": 100, "g": 0}),
    ],
)
def test_everything_is_given_to_what_is_wanted_and_others_keep_their_place(weights, wanted, given):
    found = Forward(weights).given_to(wanted, stays=False)

    assert list(found.weights.items()) == list(given.items())


@pytest.mark.parametrize(
    ("sticky", "stays", "then"), [(True, False, False), (True, True, True), (False, True, False)]
)
def test_who_is_bound_is_let_go_unless_they_are_to_stay(sticky, stays, then):
    assert Forward({"b": 1}, sticky=sticky, lasting=60).given_to(["b"], stays=stays).sticky is then


def test_all_else_goes_back_as_it_came():
    actions = [LOGIN, forwarding({"b": 90, "g": 10}, sticky=3600, order=7)]

    login, forward = rewritten(actions, Forward({"b": 100, "g": 0}))

    assert login == {
        **LOGIN,
        "AuthenticateOidcConfig": {**LOGIN["AuthenticateOidcConfig"], "UseExistingClientSecret": True},
    }
    assert forward == {
        "Type": "forward",
        "Order": 7,
        "ForwardConfig": {
            "TargetGroups": [{"TargetGroupArn": "b", "Weight": 100}, {"TargetGroupArn": "g", "Weight": 0}],
            "TargetGroupStickinessConfig": {"Enabled": False},
        },
    }


def test_a_secret_that_is_told_all_the_same_is_never_sent_back():
    told = {**LOGIN, "AuthenticateOidcConfig": {**LOGIN["AuthenticateOidcConfig"], "ClientSecret": "hunter2"}}

    (login,) = rewritten([told], Forward({}))

    assert "ClientSecret" not in login["AuthenticateOidcConfig"]


def test_a_cookie_that_stays_lasts_as_long_as_before():
    (forward,) = rewritten([forwarding({"b": 1}, sticky=600)], Forward({"b": 1}, sticky=True, lasting=600))

    assert forward["ForwardConfig"]["TargetGroupStickinessConfig"] == {
        "Enabled": True,
        "DurationSeconds": 600,
    }
    assert "TargetGroupArn" not in forward
