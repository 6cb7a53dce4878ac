"""A group of machines on-premises: CodeDeploy knows them by the names that they were registered with, and by tags of its own."""

from collections.abc import Mapping
from typing import Any

import pytest

from deploy.model import Failed, Serving
from tests.deploy.targets.codedeploy.stage import KEY, Stage

RACKS = ("shop-rack-1", "shop-rack-2")
# https://docs.aws.amazon.com/codedeploy/latest/userguide/instances-on-premises.html
GROUP: Mapping[str, Any] = {
    "instances": RACKS,
    "config": "CodeDeployDefault.OneAtATime",
    "onPremisesInstanceTagFilters": [{"Key": "role", "Value": "shop", "Type": "KEY_AND_VALUE"}],
    "deploymentStyle": {"deploymentType": "IN_PLACE", "deploymentOption": "WITHOUT_TRAFFIC_CONTROL"},
}


@pytest.fixture
def stage() -> Stage:
    found = Stage(GROUP)
    found.deployed(2)
    return found


def test_what_is_bad_on_machines_on_premises_is_put_back_on_each_of_them(stage):
    move = stage.move()
    target = stage.target()
    stage.run(target.begin(move, KEY))
    stage.goes_on(minutes=10)

    assert stage.run(target.progress(move, KEY)) == Serving()
    assert stage.live().release.is_same_as(move.to)
    assert [each.id for each in stage.codedeploy.find("shop", "prod").instances] == list(RACKS)
    assert stage.changed() == ["CreateDeployment"]
    assert stage.world.bugs == []


def test_a_machine_on_premises_whose_script_fails_is_named_as_it_was_registered(stage):
    stage.behaves(1, fails_at="AfterInstall", fails_on=("shop-rack-2",), log="disk is full")
    move = stage.move()
    stage.run(stage.target().begin(move, KEY))
    stage.goes_on(minutes=10)

    found = stage.run(stage.target().progress(move, KEY))

    assert isinstance(found, Failed)
    assert "shop-rack-2 at AfterInstall: disk is full" in found.words
