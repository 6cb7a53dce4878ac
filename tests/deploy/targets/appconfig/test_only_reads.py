"""Shadow has credentials that may only read; and whatever is refused, each operation answers with a value."""

import pytest

from deploy.model import (
    Begun,
    Foretold,
    Gone,
    Live,
    Moving,
    Refused,
    Release,
    Serving,
    Standing,
    Unclear,
    Unreadable,
)
from tests.deploy.targets.appconfig.stage import BARE, KEY, READS_ONLY, SLOWLY, Stage
from tests.fakes.aws.fixtures import NOON

READS = (
    *("ListDeployments", "GetDeployment", "GetConfigurationProfile", "GetHostedConfigurationVersion"),
    *("ListTagsForResource", "GetEnvironment", "GetDeploymentStrategy"),
)


def everything(stage: Stage, account) -> None:
    move, target = stage.move(), stage.target(account=account)
    stage.run(target.observe())
    stage.run(target.resolve({}))
    stage.run(target.resolve({"tag": "7", "deployment": "ba8toh7/pgil2o7/1"}))
    stage.run(target.progress(move, KEY))
    stage.run(target.foretell(move))
    stage.run(target.examine())
    stage.run(target.recall(NOON))
    stage.run(target.begin(move, KEY))
    stage.run(target.mark([Standing(stage.release("1"), "proven", NOON)]))


def test_in_shadow_every_call_only_reads(stage):
    stage.deploys("2", BARE)
    stage.goes_on(hours=80)
    everything(stage, READS_ONLY)
    stage.deploys("3", SLOWLY)
    everything(stage, READS_ONLY)

    assert {call.operation for call in stage.world.calls} == set(READS)
    assert stage.world.mutating_calls() == []


@pytest.mark.parametrize("hours", [1, 80], ids=["reverted", "anew"])
@pytest.mark.parametrize("operation", [*READS, "StartDeployment", "StopDeployment", "TagResource"])
def test_whatever_is_refused_each_operation_answers_with_a_value(operation, hours):
    stage = Stage()
    stage.deploys("2", BARE)
    stage.goes_on(hours=hours)
    fault = stage.world.faults.lose_answer if hours == 1 else stage.world.faults.fail
    fault("appconfig", operation, times=None)
    target, move = stage.target(), stage.move()

    assert isinstance(stage.run(target.observe()), Live | Unreadable)
    assert isinstance(stage.run(target.resolve({})), Release | Unreadable | Gone)
    assert isinstance(stage.run(target.foretell(move)), Foretold)
    assert stage.run(target.examine())
    assert isinstance(stage.run(target.begin(move, KEY)), Begun | Refused | Unclear)
    assert isinstance(stage.run(target.progress(move, KEY)), Moving | Serving | Unreadable)
    stage.run(target.recall(NOON))
    assert stage.world.bugs == []
