"""A plan says of each call whether the role to act may make it, by IAM's dry run; what is not known is said so."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from deploy.model import Foretold, Move, Permission, RollbackPlan
from tests.builders import a_release
from tests.fakes.aws import Direct, Scope
from tests.fakes.aws.fixtures import NOON, Clock
from tests.watcher.commands.test_doctor import ACT, CONFIGURATION, READ, RULES, a_shop
from tests.watcher.runtime.at_work import virtual
from watcher.app.build import with_permissions
from watcher.app.reload import load
from watcher.commands import run
from watcher.commands._ready.examining import of_one
from watcher.commands._ready.permitting import permitted

PLAN = RollbackPlan("web", "production", (Move("service", a_release("web:2"), a_release("web:1")),))


@pytest.fixture
def world():
    return a_shop(Clock(NOON))


def configured(tmp_path, text=CONFIGURATION):
    path = tmp_path / "rollbackd.yaml"
    (tmp_path / "web.yaml").write_text(RULES)
    path.write_text(text)
    return load(path)


async def asked(tmp_path, world, text=CONFIGURATION):
    aws = Direct(world, {"shop": Scope("eu-central-1", read=READ, act=ACT)})
    found = await permitted(configured(tmp_path, text), aws, PLAN)
    assert world.mutating_calls() == []
    return found["service"]


async def test_what_the_role_may_and_may_not_is_told_of_each_call_and_nothing_is_tried(tmp_path, world):
    world.identities.role(ACT, {"sts:*", "ecs:UpdateService", "ecs:TagResource"})

    found = {each.action: each for each in await asked(tmp_path, world)}

    assert {action: each.allowed for action, each in found.items()} == {
        "ecs:UpdateService": True,
        "ecs:StopServiceDeployment": False,
        "ecs:ContinueServiceDeployment": False,
        "ecs:TagResource": True,
    }
    assert found["ecs:UpdateService"].words == "ecs:UpdateService: allowed"
    assert found["ecs:StopServiceDeployment"].words.startswith(
        f"{ACT} may not ecs:StopServiceDeployment on arn:aws:ecs:eu-central-1:123456789012:service-deployment/prod/web/"
    )


async def test_where_the_dry_run_is_not_allowed_it_is_not_known_and_said_why(tmp_path, world):
    world.identities.role(READ, {"sts:*", "ecs:*"})

    (found,) = await asked(tmp_path, world)

    assert found.allowed is None
    assert found.words.startswith("not known before it is tried: ")
    assert found.words.endswith(f"allow iam:SimulatePrincipalPolicy on {ACT} to whoever reads")


async def test_where_no_role_acts_and_where_iam_decides_nothing_it_is_not_known(tmp_path, world):
    shadow = CONFIGURATION.replace(f', act: "{ACT}"', "").replace("mode: auto", "mode: shadow")
    program = CONFIGURATION.replace(
        "ecs: {cluster: prod, service: web}", "command: {live: [/bin/true], move: [/bin/true]}"
    )

    (no_role,) = await asked(tmp_path, world, shadow)
    (no_iam,) = await asked(tmp_path, world, program)

    assert no_role.words == "not known: accounts.shop names no role to act, and none is tried"
    assert no_iam.words == "not known before it is tried: only what IAM decides has a dry run"


class Hangs:
    """An account that never answers."""

    async def read(self, *_whom: str, **_parameters: object) -> Mapping[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError("nobody has answered")

    act = poll = read


@virtual
async def test_a_plan_does_not_wait_for_an_iam_that_hangs(tmp_path):
    (found,) = (await permitted(configured(tmp_path), Hangs(), PLAN))["service"]

    assert found.words == "not known: IAM did not answer within 8 s"
    assert asyncio.get_running_loop().time() == 8


def test_the_daemon_is_handed_what_the_commands_know():
    handed = run.ports()

    assert (handed.permitted, handed.examine) == (permitted, of_one)


def test_only_a_call_that_would_be_made_and_is_denied_stands_in_the_way():
    foretold = Foretold(("ecs:UpdateService cluster=prod",), obstacles=("the image is gone",))
    denied = Permission("ecs:UpdateService", False, "may not update")
    other = Permission("ecs:StopServiceDeployment", False, "may not stop")

    told = with_permissions(foretold, (denied, other))

    assert told == replace(
        foretold, permissions=(denied, other), obstacles=("the image is gone", "may not update")
    )
    assert with_permissions(foretold, (replace(denied, allowed=None),)).obstacles == ("the image is gone",)
