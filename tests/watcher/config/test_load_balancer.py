"""Weights behind a balancer: the pack of the stack, and what its target says of it."""

import json
from pathlib import Path

import pytest

from tests.watcher.config.sample import folder
from watcher.config import InvalidConfiguration, read_configuration
from watcher.config.configuration import Configuration
from watcher.config.registries import all_kinds

PLACE = "arn:aws:elasticloadbalancing:eu-central-1:123456789012"
LISTENER = f"{PLACE}:listener/app/shop/0123456789abcdef/00112233445566aa"
RULE = f"{PLACE}:listener-rule/app/shop/0123456789abcdef/00112233445566aa/ffeeddccbbaa9988"
KEY = ("checkout", "production")
MAIN = """\
version: 1
daemon: {store: {memory: {}}, alone: true}
accounts: {shop: {region: eu-central-1}}
defaults: {account: shop}
services:
  checkout:
    production:
      runs_on: [{load_balancer: {%s}}]
"""


def read(tmp_path: Path, settings: str) -> Configuration:
    return read_configuration(folder(tmp_path, MAIN % settings), all_kinds())


def wrong(tmp_path: Path, settings: str) -> list[str]:
    with pytest.raises(InvalidConfiguration) as caught:
        read(tmp_path, settings)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize("where", [f'rule: "{RULE}"', f'listener: "{LISTENER}"'])
@pytest.mark.parametrize(("traffic", "consequence"), [("by_weight", "rollback"), ("at_once", "tell")])
def test_groups_are_compared_where_they_share_the_traffic(tmp_path, where, traffic, consequence):
    found = read(tmp_path, f"{where}, traffic: {traffic}")

    rules = found.services[KEY].policy.rules
    assert found.effective[KEY].usual == "alb-weighted"
    assert {rule.id: rule.on_breach.value for rule in rules.rules}["group-failed-beside"] == consequence
    assert json.loads(rules.indicator("group_failed_requests").query)["dimensions"] == {
        "LoadBalancer": "app/shop/0123456789abcdef",
        "TargetGroup": "${arm.target_group}",
    }


@pytest.mark.parametrize(("sessions", "lingers"), [("move", False), ("stay", True)])
def test_whose_session_stays_on_the_bad_release_says_nothing_of_whether_its_way_back_helped(
    tmp_path, sessions, lingers
):
    found = read(tmp_path, f'rule: "{RULE}", traffic: by_weight, sessions: {sessions}')

    assert found.services[KEY].policy.lingers is lingers


def test_how_the_weights_are_moved_is_not_guessed_but_asked_for(tmp_path):
    (problem,) = wrong(tmp_path, f'rule: "{RULE}"')

    assert "no rules are named" in problem
    assert "traffic: by_weight" in problem


def test_neither_and_both_are_told(tmp_path):
    for settings in ("traffic: at_once", f'rule: "{RULE}", listener: "{LISTENER}", traffic: at_once'):
        assert any("either `rule` or `listener`" in problem for problem in wrong(tmp_path, settings))


def test_a_rule_of_another_region_is_said(tmp_path):
    (problem,) = wrong(tmp_path, f'rule: "{RULE.replace("eu-central-1", "us-east-1")}", traffic: at_once')

    assert "the ARN is of us-east-1, and the account shop of eu-central-1" in problem


def test_one_rule_is_one_part_of_one_service(tmp_path):
    text = MAIN % f'rule: "{RULE}", traffic: at_once'
    second = text[text.index("  checkout:") :].replace("  checkout:", "  cart:")
    with pytest.raises(InvalidConfiguration, match="runs there already"):
        read_configuration(folder(tmp_path, text + second), all_kinds())
