"""The policies on the page of Beanstalk are those that `init` writes and the code needs; its words are those of the code."""

import json
import re

from deploy.sources.sqs import beanstalk
from deploy.sources.sqs.trail import TRAIL
from deploy.targets.beanstalk.keeping import NEWEST
from deploy.targets.beanstalk.moving import LOST_AFTER
from deploy.targets.beanstalk.policy import ADDITIONAL, ALL_AT_ONCE, IMMUTABLE, ROLLING, SPLITTING
from deploy.targets.beanstalk.swap.pairing import TTL
from tests.docs.pages import ROOT
from tests.watcher.commands import iam
from watcher.commands._init import policies
from watcher.commands._init.names import Environments, Names

PAGE = (ROOT / "docs/beanstalk.md").read_text(encoding="utf-8")
SWAPS, READ, ACT = (
    json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL) if "Statement" in block
)
TRAIL_RULE, RULE = (
    json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL) if "detail-type" in block
)
NAMES = Names(region="eu-central-1", account="123456789012")
SHOP = Environments(NAMES, "shop", ("shop-prod",))
CNAME = "shop.eu-central-1.elasticbeanstalk.com"
PAIR = Environments(NAMES, "shop", ("shop-blue", "shop-green"), cname=CNAME)


def test_the_role_to_act_is_the_one_that_init_writes():
    assert policies.environments_act_policy(SHOP) == ACT


def test_the_role_to_read_is_the_one_that_init_writes_but_for_what_every_stack_reads():
    written = policies.environments_read_policy(SHOP)["Statement"]

    assert READ["Statement"] == written[: len(READ["Statement"])]
    assert [action for action in iam.actions(READ) if iam.changes(action)] == []


def test_the_rule_lets_through_what_is_understood():
    assert RULE["detail-type"] == [beanstalk.UPDATE]
    assert set(RULE["detail"]["Status"]) == set(beanstalk.PHASES)


def test_of_two_that_swap_a_name_the_role_to_act_is_the_one_that_init_writes():
    assert policies.environments_act_policy(PAIR) == SWAPS


def test_the_rule_for_the_trail_lets_through_what_is_understood():
    assert TRAIL_RULE["detail-type"] == [TRAIL]
    assert TRAIL_RULE["detail"]["eventName"] == [beanstalk.SWAP]


def test_for_how_long_people_meet_both_is_said_as_it_is():
    assert TTL.total_seconds() == 60
    assert "For 60 s after a swap" in PAGE
    assert LOST_AFTER.total_seconds() == 120
    assert "two minutes later the name is where it was" in PAGE


def test_every_deployment_policy_is_on_the_page():
    assert [
        each for each in (ALL_AT_ONCE, ROLLING, ADDITIONAL, IMMUTABLE, SPLITTING) if f"| `{each}`" not in PAGE
    ] == []


def test_how_many_versions_are_asked_for_their_marks_is_said_as_it_is():
    assert NEWEST == 12
    assert "of the twelve newest versions" in PAGE
