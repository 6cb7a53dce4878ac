"""``rollbackd doctor``: a rule of a balancer that a platform moves by itself is no target besides."""

from datetime import timedelta
from pathlib import Path

import pytest

from deploy.model import Level
from tests.fakes.aws import AwsWorld, Direct, Scope
from tests.fakes.aws.balancing.state import forwarding
from tests.fakes.aws.fixtures import NOON, Clock
from tests.watcher.commands.test_doctor import ACT, READ, RULES
from watcher.app.ports import Ports
from watcher.app.reload import load
from watcher.commands import doctor
from watcher.commands._doctor.comparing import compared
from watcher.config import Configuration

CONFIGURATION = f"""\
version: 1
daemon: {{store: {{memory: {{}}}}, alone: true}}
accounts:
  shop: {{region: eu-central-1, read: "{READ}", act: "{ACT}"}}
defaults: {{account: shop}}
services:
  web:
    production:
      runs_on: [{{OWNER}}]
      rules: [{{file: web.yaml}}]
  edge:
    production:
      runs_on: [{{load_balancer: {{rule: "RULE"}}}}]
      rules: [{{file: web.yaml}}]
"""


@pytest.fixture
def world():
    world = AwsWorld(Clock(NOON))
    for role in (READ, ACT):
        world.identities.role(role)
    yield world
    assert world.bugs == []


def a_rule(world: AwsWorld) -> str:
    groups = {
        world.balancing.create_group(name, NOON): weight for name, weight in (("blue", 100), ("green", 0))
    }
    world.balancing.release("blue", "v1", NOON)
    return world.balancing.create_rule(NOON, [forwarding(groups)])


def a_rule_that_ecs_moves(world: AwsWorld, strategy: str = "BLUE_GREEN") -> str:
    rule = a_rule(world)
    world.ecs.register("web", "shop:1.0", NOON - timedelta(days=1))
    group = world.balancing.group("blue").arn
    behind = {
        "targetGroupArn": group,
        "containerName": "web",
        "containerPort": 80,
        "advancedConfiguration": {"productionListenerRule": rule, "alternateTargetGroupArn": group},
    }
    world.ecs.create_service(
        *("web", "web:1"),
        at=NOON - timedelta(days=1),
        configuration={"strategy": strategy, "bakeTimeInMinutes": 5},
        loadBalancers=[behind],
    )
    return rule


def told(world: AwsWorld, folder: Path, owning: str, rule: str) -> tuple[Configuration, Ports]:
    (folder / "web.yaml").write_text(RULES)
    path = folder / "rollbackd.yaml"
    path.write_text(CONFIGURATION.replace("{OWNER}", f"{{{owning}}}").replace("RULE", rule))
    aws = Direct(world, {"shop": Scope("eu-central-1", read=READ, act=ACT)})
    return load(path), Ports(now=world.now, aws=aws)


async def owner(world: AwsWorld, folder, owning: str, rule: str):
    found = await compared(*told(world, folder, owning, rule))
    (of_the_rule,) = [each for each in found if each.check == "owner"]
    assert of_the_rule.subject == "service edge/production"
    return of_the_rule.finding


@pytest.mark.parametrize(("strategy", "level"), [("BLUE_GREEN", Level.FAIL), ("ROLLING", Level.OK)])
async def test_a_rule_that_ecs_moves_is_a_failure_with_what_to_take_out(world, tmp_path, strategy, level):
    rule = a_rule_that_ecs_moves(world, strategy)

    found = await owner(world, tmp_path, "ecs: {cluster: prod, service: web}", rule)

    assert found.level is level
    if level is Level.FAIL:
        assert "is moved by the platform of web/production too" in found.words
        assert (
            found.remedy == "take the target load_balancer out: web/production is put back by its own target"
        )


@pytest.mark.parametrize("moved", [True, False])
async def test_a_rule_of_a_listener_that_codedeploy_moves_rules_of_is_told_and_may_be_another_one(
    world, tmp_path, moved
):
    rule = a_rule(world)
    listener = rule.replace(":listener-rule/", ":listener/").rpartition("/")[0]
    pair = {
        "targetGroups": [{"name": "blue"}, {"name": "green"}],
        "prodTrafficRoute": {"listenerArns": [listener if moved else f"{listener[:-1]}0"]},
    }
    world.codedeploy.create_group(
        *("shop", "prod", NOON),
        computePlatform="ECS",
        loadBalancerInfo={"targetGroupPairInfoList": [pair]},
    )

    found = await owner(world, tmp_path, "codedeploy: {application: shop, deployment_group: prod}", rule)

    assert found.level is (Level.WARN if moved else Level.OK)
    if moved:
        assert "those that forward to its own target groups" in found.words


async def test_a_platform_that_cannot_be_read_is_not_taken_for_one_that_moves_nothing(world, tmp_path):
    found = await owner(world, tmp_path, "ecs: {cluster: prod, service: nobody}", a_rule(world))

    assert found.level is Level.WARN
    assert "whether the platform of web/production moves" in found.words
    assert "Cluster not found" in found.words


async def test_of_the_rule_alone_its_owner_is_found_all_the_same(world, tmp_path):
    rule = a_rule_that_ecs_moves(world)
    configuration, ports = told(world, tmp_path, "ecs: {cluster: prod, service: web}", rule)

    found = await doctor.examined(configuration, ports, key=("edge", "production"))

    (of_the_rule,) = [each for each in found if each.check == "owner"]
    assert of_the_rule.finding.level is Level.FAIL
    assert {each.service for each in found} == {None, "edge/production"}
