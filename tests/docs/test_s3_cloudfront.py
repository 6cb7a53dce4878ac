"""The policies on the page of static sites are enough, and no more than what is called."""

import json
import re
from pathlib import Path
from typing import Any

from deploy.model import Release, Standing
from deploy.ports import AwsAccount
from deploy.rollback import Done
from deploy.targets.s3_cloudfront import KIND, Settings
from tests.deploy.targets.s3_cloudfront.stage import ACTOR, READER, Stage
from tests.deploy.targets.s3_cloudfront.test_moving import Performer
from tests.fakes.aws.fixtures import NOON
from tests.watcher.commands import iam
from watcher.commands._init.names import Names, Site
from watcher.commands._init.policies import site_act_policy, site_read_policy

PAGE = Path("docs/s3-cloudfront.md").read_text(encoding="utf-8")


def policy(of: str) -> Any:
    found = re.search(rf"^```json of {of}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None, of
    return json.loads(found[1])


def everything(stage: Stage) -> None:
    """All that a site is asked for, and one rollback."""
    stage.deployed("v2")
    performer = Performer(stage)
    assert performer.calls(100) == Done()
    target = stage.target()
    stage.run(target.foretell(performer.move))
    stage.run(target.recall(NOON))
    stage.run(target.examine())
    assert stage.run(target.mark([Standing(stage.release("v1"), "proven", NOON)])) == ""


def test_with_both_policies_a_site_is_read_moved_and_marked():
    stage = Stage()
    stage.world.identities.role(READER, policies=[policy("the role to read")])
    stage.world.identities.role(ACTOR, policies=[policy("the role to act")])

    everything(stage)

    missing = {"404", "NoSuchLifecycleConfiguration"}
    assert [call for call in stage.world.calls if call.refused and call.refused not in missing] == []


def test_each_statement_of_the_role_to_act_is_needed():
    statements = policy("the role to act")["Statement"]
    for left_out in statements:
        stage = Stage()
        kept = [each for each in statements if each is not left_out]
        stage.world.identities.role(ACTOR, policies=[{"Version": "2012-10-17", "Statement": kept}])
        try:
            everything(stage)
        except AssertionError:
            continue
        raise AssertionError(f"{left_out['Sid']} is not needed")


def test_nothing_that_changes_anything_is_allowed_on_all():
    for statement in policy("the role to act")["Statement"]:
        assert all(resource not in {"*", "arn:aws:s3:::shop-site/*"} for resource in statement["Resource"])


def test_the_pattern_of_the_rule_is_the_one_for_the_page():
    pattern = policy("EventBridge")

    assert pattern["source"] == ["aws.s3"]
    assert pattern["detail-type"] == ["Object Created"]


SITE = Site(Names(account="123456789012"), "shop-site", "E2EXAMPLE1ABC", "https://shop.example.com")


def test_they_are_those_that_init_writes_but_for_what_every_stack_reads():
    written = site_read_policy(SITE)["Statement"]

    assert written[: len(policy("the role to read")["Statement"])] == policy("the role to read")["Statement"]
    assert site_act_policy(SITE) == policy("the role to act")
    assert [need for need in needs() if not iam.allows(site_act_policy(SITE), need)] == []


def needs() -> Any:
    settings = Settings(bucket="shop-site", distribution="E2EXAMPLE1ABC", site="https://shop.example.com")
    account = AwsAccount("main", "eu-central-1", "123456789012")
    return KIND.needs(settings, account, Release.of_tag("1.4.2"))
