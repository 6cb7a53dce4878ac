"""The policies on the page of CodeDeploy are those that ``rollbackd init codedeploy`` writes."""

import json
import re
from typing import Any

from tests.docs.pages import ROOT
from watcher.commands._init.names import Fleet, Names
from watcher.commands._init.policies import fleet_act_policy, fleet_read_policy

PAGE = (ROOT / "docs/codedeploy.md").read_text(encoding="utf-8")
READ, ACT = (
    json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL) if "Statement" in block
)
ORDERS = Fleet(Names(region="eu-central-1", account="123456789012"), "orders", ("production",))


def of_codedeploy(policy: Any) -> Any:
    """Without what every stack has."""
    said = [each for each in policy["Statement"] if each["Action"][0].startswith("codedeploy:")]
    return {**policy, "Statement": said}


def test_the_policy_to_read_is_the_one_that_is_written():
    assert of_codedeploy(fleet_read_policy(ORDERS)) == READ


def test_the_policy_to_act_is_the_one_that_is_written():
    assert fleet_act_policy(ORDERS) == ACT
