"""The policies on the page of Lambda are those that the code needs, and no more."""

import json
import re
from fnmatch import fnmatchcase

import pytest

from deploy.model import Release
from deploy.ports import AwsAccount, Need
from deploy.sources.sqs import functions
from deploy.targets.lambda_alias import KIND, Settings
from deploy.targets.lambda_alias.keeping import MOST
from tests.docs.pages import ROOT
from tests.watcher.commands import iam
from tests.watcher.commands.called import operations, permission

PAGE = (ROOT / "docs/lambda.md").read_text(encoding="utf-8")
READ, ACT = (
    json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL) if "Statement" in block
)
(RULE,) = (
    json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL) if "detail-type" in block
)
ACCOUNT = AwsAccount("main", "eu-central-1", "123456789012")


def needs(function: str = "checkout") -> tuple[Need, ...]:
    return KIND.needs(Settings(function=function, alias="live"), ACCOUNT, Release.of_tag("41"))


def test_the_two_policies_allow_what_the_code_calls_and_nothing_else():
    called = {permission(*each) for each in operations() if each[0] == "lambda"}

    assert iam.actions(READ, ACT) == called


def test_the_role_to_act_may_do_what_doctor_asks_for():
    assert [need for need in needs() if not iam.allows(ACT, need)] == []


@pytest.mark.parametrize("function", ["cart", "checkout-worker"])
def test_it_may_not_point_the_alias_of_another_function(function):
    assert [need for need in needs(function) if iam.allows(ACT, need)] == []


def test_the_role_to_read_changes_nothing():
    assert [action for action in iam.actions(READ) if iam.changes(action)] == []


@pytest.mark.parametrize("policy", [READ, ACT], ids=["read", "act"])
def test_each_action_is_awss_and_allowed_on_everything_only_where_it_cannot_be_narrowed(policy):
    for action, resources, statement in iam.statements(policy):
        assert iam.is_known(action)
        assert ("*" in resources) == statement["Sid"].endswith("NoNarrowerResource")
        assert ("*" in resources) == (not iam.kinds(action)), action


def test_the_tags_that_the_code_writes_may_be_written_and_no_others():
    (patterns, again) = (
        each["Condition"]["ForAllValues:StringLike"]["aws:TagKeys"]
        for action, _, each in iam.statements(ACT)
        if action.endswith("agResource")
    )

    assert patterns == again
    assert [
        need for need in needs() for key in need.context.values() if not fnmatchcase(key, patterns[0])
    ] == []
    assert not fnmatchcase("team", patterns[0])


def test_the_rule_lets_through_what_is_understood():
    names = {name.partition("2015")[0] for name in RULE["detail"]["eventName"]}

    assert names == {"UpdateAlias", *functions._CHANGES}


def test_how_many_versions_keep_their_marks_is_said_as_it_is():
    assert MOST == 12
    assert "the last twelve versions" in PAGE
