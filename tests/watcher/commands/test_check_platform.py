"""``rollbackd check --platform``: the configuration is held against what stands on its platforms, and nothing else is asked."""

from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from deploy.model import Level
from tests.fakes.aws import AwsWorld, Direct, Scope
from tests.fakes.aws.fixtures import NOON, Clock
from tests.watcher.commands.test_doctor import ACT, CONFIGURATION, READ, RULES
from watcher.app.ports import Ports
from watcher.app.reload import load
from watcher.commands import check
from watcher.commands._doctor.checks import Found
from watcher.commands._doctor.comparing import compared

OF_ECR = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop"
COUNTS = (
    '{"rules": [{"rulePriority": 1, "selection": {"tagStatus": "any", "countType": "imageCountMoreThan",'
    ' "countNumber": 1}, "action": {"type": "expire"}}]}'
)
LOCAL = """\
version: 1
daemon: {store: {memory: {}}, alone: true}
services:
  web:
    production:
      runs_on: [{command: {live: [/bin/true], move: [/bin/true, "${tag}", "${key}"]}}]
      rules: [{file: web.yaml}]
"""


@pytest.fixture
def world():
    now = Clock(NOON)
    world = AwsWorld(now)
    began = now() - timedelta(days=2)
    for number, tag in enumerate(("1.4.0", "1.4.1")):
        world.ecr.push("shop", tag, at=began + timedelta(hours=number))
        world.ecs.register("web", f"{OF_ECR}:{tag}", at=began)
    world.ecs.create_service(
        *("web", "web:1"), at=began, configuration={"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 5}
    )
    world.ecs.deploy("web", "web:2", at=now() - timedelta(days=1))
    for role in (READ, ACT):
        world.identities.role(role)
    world.advance()
    yield world
    assert world.bugs == []


def written(folder: Path, configuration: str = CONFIGURATION) -> Path:
    (folder / "web.yaml").write_text(RULES)
    path = folder / "rollbackd.yaml"
    path.write_text(configuration)
    return path


async def found_by(world: AwsWorld, folder: Path) -> list[Found]:
    aws = Direct(world, {"shop": Scope("eu-central-1", read=READ, act=ACT)})
    return await compared(load(written(folder)), Ports(now=world.now, aws=aws))


async def test_the_bake_the_old_tasks_and_rules_that_delete_images_are_told_with_what_to_set(world, tmp_path):
    world.ecr.lifecycle["shop"] = COUNTS

    found = await found_by(world, tmp_path)
    lines = list(check.unfitting(found))

    assert [(each.subject, each.check, each.finding.level) for each in found] == [
        ("service web/production", "kept", Level.OK),
        ("service web/production", "kept", Level.FAIL),
        ("service web/production", "kept", Level.FAIL),
        ("service web/production", "waits", Level.WARN),
    ]
    assert "the rule 1 of ECR's lifecycle policy deletes images but the newest 1" in lines[0]
    assert "imageCountMoreThan 999" in lines[1]
    assert "what served is kept for 5m once the new release has all the traffic" in lines[4]
    assert "`bake.at_least`" in lines[5]


@pytest.mark.parametrize(
    ("runs_on", "words"),
    [
        ("ecs: {cluster: prod, service: nobody}", "no service nobody"),
        ("lambda: {function: nobody, alias: live}", "Function not found: nobody"),
        (
            "s3_cloudfront: {bucket: nobodys, distribution: E2EXAMPLE1ABC, site: https://a.example}",
            "bucket does not exist",
        ),
    ],
)
async def test_what_is_not_there_is_a_failure_and_not_a_platform_on_which_all_fits(
    world, tmp_path, runs_on, words
):
    ecs = "ecs: {cluster: prod, service: web}"
    assert ecs in CONFIGURATION
    aws = Direct(world, {"shop": Scope("eu-central-1", read=READ, act=ACT)})
    path = written(tmp_path, CONFIGURATION.replace(ecs, runs_on))

    found = await compared(load(path), Ports(now=world.now, aws=aws))

    assert any(each.finding.level is Level.FAIL and words in each.finding.words for each in found)


async def test_it_reads_and_asks_for_nothing_else(world, tmp_path):
    await found_by(world, tmp_path)

    assert world.mutating_calls() == []
    assert {call.service for call in world.calls} <= {"ecs", "ecr"}


@pytest.mark.parametrize("flag", [[], ["--platform"]])
def test_a_mistake_is_told_before_anybody_is_asked(tmp_path, flag):
    path = written(tmp_path, LOCAL.replace("alone: true", "alnoe: true"))

    result = CliRunner().invoke(check.command, ["--config", str(path), *flag])

    assert result.exit_code == 2
    assert "on platforms" not in result.stdout


def test_where_there_is_nothing_to_be_held_against_it_says_so(tmp_path):
    rules = (
        'version: 1\nindicators: {up: {probe: {http: {urls: ["http://127.0.0.1:9/"]}}}}\nrules:\n'
        "  - {name: it answers, indicator: up, judge: {slo: {objective: 99%}}, on_breach: rollback}\n"
    )
    path = written(tmp_path, LOCAL)
    (tmp_path / "web.yaml").write_text(rules)

    result = CliRunner().invoke(check.command, ["--config", str(path), "--platform"])

    assert result.stderr == ""
    assert result.stdout.endswith("0 mistakes\n0 findings on platforms, 0 of what does not fit\n")
    assert result.exit_code == 0
