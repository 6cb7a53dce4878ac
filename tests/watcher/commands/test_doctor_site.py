"""``rollbackd doctor`` for a static site: what is live, the way back, and whether what it needs is kept."""

from datetime import timedelta
from pathlib import Path

import pytest

from deploy.model import Level
from tests.deploy.targets.s3_cloudfront.pages import BUCKET, DISTRIBUTION, SITE
from tests.deploy.targets.s3_cloudfront.stage import ACTOR, READER, Stage
from tests.watcher.commands.test_doctor import of, the
from watcher.app.ports import Ports
from watcher.app.reload import load
from watcher.commands import doctor
from watcher.commands._doctor.checks import Found

CONFIGURATION = f"""\
version: 1
daemon: {{store: {{memory: {{}}}}, alone: true}}
accounts:
  shop: {{region: eu-central-1, read: "{READER}", act: "{ACTOR}"}}
defaults: {{account: shop, mode: auto}}
services:
  web:
    production:
      runs_on: [{{s3_cloudfront: {{bucket: {BUCKET}, distribution: {DISTRIBUTION}, site: "{SITE}"}}}}]
      rules: [{{file: web.yaml}}]
"""
RULES = """\
version: 1
indicators: {alarm: {state: {cloudwatch: {alarms: [site-broken]}}}}
rules: [{name: no alarm, indicator: alarm, judge: {state: {for: 1m}}, on_breach: ask}]
"""
SUBJECT = "service web/production"


@pytest.fixture
def stage() -> Stage:
    """``v2`` is live since two days."""
    made = Stage()
    made.deployed("v2")
    made.goes_on(days=2)
    return made


async def examined(stage: Stage, folder: Path) -> list[Found]:
    path = folder / "rollbackd.yaml"
    path.write_text(CONFIGURATION, encoding="utf-8")
    (folder / "web.yaml").write_text(RULES, encoding="utf-8")
    return await doctor.examined(load(path), Ports(now=stage.clock, aws=stage.aws, page=stage.visitor))


async def test_it_says_what_is_live_the_way_back_and_that_what_it_needs_is_kept(stage, tmp_path):
    found = await examined(stage, tmp_path)

    assert the(found, SUBJECT, "live").words.startswith("v2 (fingerprint sha256:")
    assert the(found, SUBJECT, "way back").words.startswith("to v1 (fingerprint sha256:")
    assert the(found, SUBJECT, "kept").level is Level.OK
    assert the(found, SUBJECT, "to act").level is Level.OK
    assert stage.changed() == []


async def test_a_rule_that_will_delete_releases_fails_before_it_has_deleted_any(stage, tmp_path):
    rule = {"ID": "tidy", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 30}}
    stage.world.s3.find(BUCKET).rules = [rule]

    found = the(await examined(stage, tmp_path), SUBJECT, "kept")

    assert found.level is Level.FAIL
    assert "'tidy' deletes what is older than 30 days" in found.words


async def test_files_that_are_gone_already_stand_in_the_way_back(stage, tmp_path):
    stage.world.s3.delete(BUCKET, "main-v1.js", stage.clock() - timedelta(days=1))

    found = of(await examined(stage, tmp_path), SUBJECT, "way back")

    assert any("white screen: the page of v1 names main-v1.js" in each.words for each in found)


async def test_a_permission_to_act_that_is_missing_is_named_without_trying_it(stage, tmp_path):
    stage.world.identities.role(ACTOR, {"s3:*"})

    found = of(await examined(stage, tmp_path), SUBJECT, "to act")

    assert any("cloudfront:CreateInvalidation" in each.words for each in found)
    assert stage.changed() == []
