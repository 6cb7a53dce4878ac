"""The policies on the page of Beanstalk are those that `init` writes and the code needs; its words are those of the code."""

import json
import re

from deploy.sources.sqs import beanstalk
from deploy.targets.beanstalk.keeping import NEWEST
from deploy.targets.beanstalk.policy import ADDITIONAL, ALL_AT_ONCE, IMMUTABLE, ROLLING, SPLITTING
from tests.docs.pages import ROOT
from tests.watcher.commands import iam
from watcher.commands._init import policies
from watcher.commands._init.names import Environments, Names

PAGE = (ROOT / "docs/beanstalk.md").read_text(encoding="utf-8")
READ, ACT = (
    json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL) if "Statement" in block
)
(RULE,) = (
    json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL) if "detail-type" in block
)
SHOP = Environments(Names(region="eu-central-1", account="123456789012"), "shop", ("shop-prod",))


def test_the_role_to_act_is_the_one_that_init_writes():
    assert policies.environments_act_policy(SHOP) == ACT


def test_the_role_to_read_is_the_one_that_init_writes_but_for_what_every_stack_reads():
    written = policies.environments_read_policy(SHOP)["Statement"]

    assert READ["Statement"] == written[: len(READ["Statement"])]
    assert [action for action in iam.actions(READ) if iam.changes(action)] == []


def test_the_rule_lets_through_what_is_understood():
    assert RULE["detail-type"] == [beanstalk.UPDATE]
    assert set(RULE["detail"]["Status"]) == set(beanstalk.PHASES)


def test_every_deployment_policy_is_on_the_page():
    assert [
        each for each in (ALL_AT_ONCE, ROLLING, ADDITIONAL, IMMUTABLE, SPLITTING) if f"| `{each}`" not in PAGE
    ] == []


def test_how_many_versions_are_asked_for_their_marks_is_said_as_it_is():
    assert NEWEST == 12
    assert "of the twelve newest versions" in PAGE
