"""The policies on the page of static sites are enough, and no more than what is called."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deploy.model import Begun, Release, Serving, Shift, Standing
from deploy.ports import AwsAccount
from deploy.rollback import Done
from deploy.targets.s3_cloudfront import KIND, Settings
from tests.deploy.targets.s3_cloudfront.stage import (
    ACTOR,
    KEY,
    KEY_VALUE_STORE,
    ORIGIN_PATH,
    READER,
    Stage,
)
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
STORE_ID = "0a1b2c3d-0000-0000-0000-000000000000"
OTHERS = [
    replace(SITE, layout=ORIGIN_PATH),
    replace(SITE, layout=KEY_VALUE_STORE, store=STORE_ID),
    replace(SITE, layout=KEY_VALUE_STORE, store=STORE_ID, traffic="by_weight"),
]
OTHER_LAYOUTS = pytest.mark.parametrize("site", OTHERS, ids=lambda site: site.traffic or site.layout)
LEFT_OUT = {ORIGIN_PATH: set(), KEY_VALUE_STORE: {"FetchAnew"}}


def test_they_are_those_that_init_writes_but_for_what_every_stack_reads():
    written = site_read_policy(SITE)["Statement"]

    assert written[: len(policy("the role to read")["Statement"])] == policy("the role to read")["Statement"]
    assert site_act_policy(SITE) == policy("the role to act")
    assert [need for need in needs() if not iam.allows(site_act_policy(SITE), need)] == []


def staged(site: Site) -> tuple[Stage, Site]:
    """A site of that layout, and *site* with the store that was made for it."""
    stage = Stage(site.layout, {"traffic": site.traffic} if site.traffic else {})
    return stage, replace(site, store=stage.settings.get("store", "").rpartition("/")[2])


def everything_of(stage: Stage, site: Site) -> None:
    """The same of another layout; where it is shared out, one stage of a rollout too."""
    if site.traffic is not None:
        stage.point("v1|v2|5")
        stage.goes_on(minutes=1)
        target: Any = stage.target()
        step = Shift("service", stage.release("v1"), stage.release("v2"), share=0.25, expect=0.05)
        assert isinstance(stage.run(target.shift(step, KEY)), Begun)
        stage.goes_on(minutes=1)
        assert stage.run(target.shifted(step, KEY)) == Serving()
    everything(stage)
    # A key that nobody has written yet is none of ours: not refused, but not there.
    missing = {"404", "NoSuchLifecycleConfiguration", "ResourceNotFoundException"}
    assert [call for call in stage.world.calls if call.refused and call.refused not in missing] == []


def granted(stage: Stage, read: Any, act: Any) -> None:
    for role, policy_of_role in ((READER, read), (ACTOR, act)):
        stage.world.identities.role(role, policies=[policy_of_role])


@OTHER_LAYOUTS
def test_with_what_init_writes_for_another_layout_it_is_read_moved_and_marked(site):
    stage, site = staged(site)
    granted(stage, site_read_policy(site), site_act_policy(site))

    everything_of(stage, site)


@OTHER_LAYOUTS
def test_each_statement_that_another_layout_has_of_its_own_is_needed(site):
    usual = {
        each["Sid"] for each in (*site_read_policy(SITE)["Statement"], *site_act_policy(SITE)["Statement"])
    }
    own = {
        each["Sid"]
        for written in (site_read_policy(site), site_act_policy(site))
        for each in written["Statement"]
        if each["Sid"] not in usual
    }
    assert own
    for left_out in own:
        stage, placed = staged(site)
        read, act = (
            {**written, "Statement": [each for each in written["Statement"] if each["Sid"] != left_out]}
            for written in (site_read_policy(placed), site_act_policy(placed))
        )
        granted(stage, read, act)
        with pytest.raises(AssertionError):
            everything_of(stage, placed)


@OTHER_LAYOUTS
def test_the_table_says_of_another_layout_what_init_writes_for_it(site):
    row = re.search(
        rf"^\| `{site.layout}` \| (.*?)\| (.*?) \|$", PAGE.partition("## Permissions")[2], re.MULTILINE
    )
    assert row is not None
    usual = {each["Sid"]: each for each in site_act_policy(SITE)["Statement"]}

    read, act = (
        [each for each in theirs["Statement"] if each["Sid"] not in {own["Sid"] for own in ours["Statement"]}]
        for theirs, ours in (
            (site_read_policy(site), site_read_policy(SITE)),
            (site_act_policy(site), site_act_policy(SITE)),
        )
    )

    for told, statements in ((row[1], read), (row[2], act)):
        named = set(re.findall(r"`([a-z0-9-]+:[A-Za-z]+)`", told))
        assert named == {action for each in statements for action in each["Action"]}
    gone = usual.keys() - {each["Sid"] for each in site_act_policy(site)["Statement"]}
    assert gone == {"MovePage", "ReadReleases"} | LEFT_OUT[site.layout]
    assert set(re.findall(r"no `([A-Za-z]+)`", row[2])) == LEFT_OUT[site.layout]


@OTHER_LAYOUTS
def test_the_role_to_act_of_another_layout_may_what_doctor_asks_for_and_nothing_of_another_site(site):
    asked = needs(layout=site.layout, store=site.store_arn if site.layout == KEY_VALUE_STORE else None)
    elsewhere = replace(
        site, bucket="other", distribution="E3EXAMPLE1ABC", store="1a1b2c3d-0000-0000-0000-000000000000"
    )

    assert [need for need in asked if not iam.allows(site_act_policy(site), need)] == []
    assert [need for need in asked if iam.allows(site_act_policy(elsewhere), need)] == []


@OTHER_LAYOUTS
def test_where_no_event_tells_of_a_move_no_queue_may_be_read(site):
    queue = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}

    assert queue <= iam.actions(site_read_policy(SITE))
    assert not queue & iam.actions(site_read_policy(site))


def needs(**layout: Any) -> Any:
    settings = Settings(
        bucket="shop-site", distribution="E2EXAMPLE1ABC", site="https://shop.example.com", **layout
    )
    account = AwsAccount("main", "eu-central-1", "123456789012")
    return KIND.needs(settings, account, Release.of_tag("1.4.2"))
