"""The policies on the page of load balancing are those that the code needs, and no more."""

import json
import re

import pytest

from deploy.model import Release
from deploy.ports import AwsAccount, Need
from deploy.sources.sqs import balancers
from deploy.targets.aws.marking import key_of
from deploy.targets.load_balancer import KIND, Settings
from deploy.targets.load_balancer.group import FINGERPRINT_TAG, SINCE_TAG
from deploy.targets.load_balancer.settings import RELEASE_TAG
from deploy.targets.load_balancer.trace import TAG_KEY
from tests.docs.pages import ROOT
from tests.watcher.commands import iam
from tests.watcher.commands.called import operations, permission

PAGE = (ROOT / "docs/load-balancer.md").read_text(encoding="utf-8")
READ, ACT = (
    json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL) if "Statement" in block
)
(EVENTS,) = (
    json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL) if "detail-type" in block
)
ACCOUNT = AwsAccount("main", "eu-central-1", "123456789012")
PLACE = "arn:aws:elasticloadbalancing:eu-central-1:123456789012"
LISTENER = f"{PLACE}:listener/app/shop/0123456789abcdef/00112233445566aa"
RULE = f"{PLACE}:listener-rule/app/shop/0123456789abcdef/00112233445566aa/ffeeddccbbaa9988"
BLUE = Release("tag:v1", "v1", {"target_group": "targetgroup/blue/0123456789abcdef"})


def needs(**where: str) -> tuple[Need, ...]:
    return KIND.needs(Settings.model_validate(where), ACCOUNT, BLUE)


def test_the_two_policies_allow_what_the_code_calls_and_nothing_else():
    called = {permission(*each) for each in operations() if each[0] == "elbv2"}

    assert iam.actions(READ, ACT) == called


@pytest.mark.parametrize("where", [{"rule": RULE}, {"listener": LISTENER}])
def test_the_role_to_act_may_do_what_doctor_asks_for(where):
    assert [need for need in needs(**where) if not iam.allows(ACT, need)] == []


def test_it_may_change_no_other_rule():
    change, tag, *_ = needs(rule=RULE.replace("ffeeddccbbaa9988", "0000000000000000"))

    assert not iam.allows(ACT, change)
    assert not iam.allows(ACT, tag)


def test_the_role_to_read_changes_nothing():
    assert [action for action in iam.actions(READ) if iam.changes(action)] == []


@pytest.mark.parametrize("policy", [READ, ACT], ids=["read", "act"])
def test_each_action_is_awss_and_allowed_on_everything_only_where_it_cannot_be_narrowed(policy):
    for action, resources, statement in iam.statements(policy):
        assert iam.is_known(action)
        assert ("*" in resources) == statement["Sid"].endswith("NoNarrowerResource")
        assert ("*" in resources) == (not iam.kinds(action)), action


def test_the_tags_that_the_code_writes_may_be_written_and_none_that_says_what_runs():
    (keys,) = (
        each["Condition"]["ForAllValues:StringLike"]["aws:TagKeys"]
        for action, _, each in iam.statements(ACT)
        if action.endswith("AddTags")
    )

    assert set(keys) == {TAG_KEY, key_of("checkout", "production")}
    assert {RELEASE_TAG, SINCE_TAG, FINGERPRINT_TAG}.isdisjoint(keys)


def test_the_rule_lets_through_what_is_understood():
    assert set(EVENTS["detail"]["eventName"]) == set(balancers._CHANGES)
