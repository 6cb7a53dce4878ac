"""The policies on the page of feature flags are those that the code needs, and no more."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from deploy.model import Release
from deploy.ports import AwsAccount, Need
from deploy.sources.sqs import appconfig
from deploy.targets.appconfig import KIND, Settings
from tests.docs.pages import ROOT
from tests.watcher.commands import iam
from tests.watcher.commands.called import operations, permission
from watcher.commands._init.names import Names, Profiles
from watcher.commands._init.policies import profiles_act_policy, profiles_read_policy

PAGE = (ROOT / "docs/flags.md").read_text(encoding="utf-8")
BLOCKS = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]
READ, ACT, COUNT, WRITE = (block for block in BLOCKS if "Statement" in block)
(RULE,) = (block for block in BLOCKS if "detail-type" in block)
ACCOUNT = AwsAccount("main", "eu-central-1", "123456789012")
INIT = Profiles(
    Names(account="123456789012", region="eu-central-1"), "ba8toh7", "pgil2o7", ("ga3tqep",), "7h4k2m1"
)


def needs(environment: str = "pgil2o7") -> tuple[Need, ...]:
    settings = Settings(application="ba8toh7", environment=environment, profile="ga3tqep", strategy="7h4k2m1")
    return KIND.needs(settings, ACCOUNT, Release.of_tag("41"))


def test_the_two_policies_allow_what_the_code_calls_and_nothing_else():
    called = {permission(*each) for each in operations() if each[0] == "appconfig"}

    assert iam.actions(READ, ACT) | iam.actions(COUNT, WRITE) == called
    assert iam.actions(READ, ACT) & iam.actions(COUNT, WRITE) == set()


def test_they_are_those_that_init_writes():
    common = {"ReadMetricsNoNarrowerResource", "ReadAlarms", "HearDeployments", "AskWhatTheRolesMay"}
    read = [each for each in profiles_read_policy(INIT)["Statement"] if each["Sid"] not in common]

    assert READ["Statement"] == read
    assert ACT["Statement"] == profiles_act_policy(INIT)["Statement"]
    for policy, more, of in ((READ, COUNT, profiles_read_policy), (ACT, WRITE, profiles_act_policy)):
        assert _without(of(replace(INIT, flag="pricing")), policy) == more["Statement"]


def _without(policy: Mapping[str, Any], known: Mapping[str, Any]) -> list[Any]:
    """The statements of *policy* about AppConfig that are not *known*."""
    about = [each for each in policy["Statement"] if each["Action"][0].startswith("appconfig:")]
    return [each for each in about if each not in known["Statement"]]


def test_the_role_to_act_may_do_what_doctor_asks_for_and_nothing_in_another_environment():
    assert [need for need in needs() if not iam.allows(ACT, need)] == []
    other = [need for need in needs("other77") if "/environment/" in need.resource]
    assert [need for need in other if iam.allows(ACT, need)] == []


@pytest.mark.parametrize("policy", [READ, ACT, COUNT, WRITE], ids=["read", "act", "count", "write"])
def test_each_action_is_awss_and_never_allowed_on_everything(policy):
    for action, resources, _ in iam.statements(policy):
        assert iam.is_known(action)
        assert "*" not in resources


def test_the_rule_lets_through_what_is_understood():
    assert set(RULE["detail-type"]) == set(appconfig.PHASES)
