"""Shadow has credentials that may only read; and whatever is refused, each operation answers with a value."""

import pytest

from deploy.model import (
    Begun,
    Foretold,
    Live,
    Moving,
    Refused,
    Release,
    Serving,
    Standing,
    Unclear,
    Unfinished,
    Unreadable,
)
from tests.deploy.targets.beanstalk.stage import KEY, READS_ONLY, Stage
from tests.fakes.aws.fixtures import NOON

READS = (
    *(
        "DescribeEnvironments",
        "DescribeInstancesHealth",
        "DescribeApplicationVersions",
        "DescribeApplications",
    ),
    *("DescribeConfigurationSettings", "DescribeEvents", "ListTagsForResource"),
)


def everything(stage: Stage, account) -> None:
    move, target = stage.move(), stage.target(account)
    stage.run(target.observe())
    stage.run(target.resolve({}))
    stage.run(target.resolve({"tag": "v7"}))
    stage.run(target.progress(move, KEY))
    stage.run(target.foretell(move))
    stage.run(target.recall(NOON))
    stage.run(target.examine())
    stage.run(target.begin(move, KEY))
    stage.run(target.mark([Standing(stage.release("v1"), "proven", NOON)]))


def test_in_shadow_every_call_only_reads(stage):
    stage.deployed("v2")
    everything(stage, READS_ONLY)
    stage.deploys("v3")
    everything(stage, READS_ONLY)

    assert {call.operation for call in stage.world.calls} == {
        *READS,
        "HeadObject",
        "GetBucketLifecycleConfiguration",
    }
    assert stage.world.mutating_calls() == []


@pytest.mark.parametrize("in_flight", [True, False], ids=["in flight", "complete"])
@pytest.mark.parametrize("fault", ["throttle", "fail", "lose_answer"])
@pytest.mark.parametrize(
    "operation", [*READS, "UpdateEnvironment", "AbortEnvironmentUpdate", "UpdateTagsForResource"]
)
def test_whatever_is_refused_each_operation_answers_with_a_value(operation, fault, in_flight):
    stage = Stage()
    if in_flight:
        stage.deploys("v2")
    else:
        stage.deployed("v2")
    getattr(stage.world.faults, fault)("elasticbeanstalk", operation, times=None)
    target, move = stage.target(), stage.move()

    assert isinstance(stage.run(target.observe()), Live | Unreadable)
    assert isinstance(stage.run(target.resolve({})), Release | Unreadable)
    assert isinstance(stage.run(target.foretell(move)), Foretold)
    assert isinstance(stage.run(target.begin(move, KEY)), Begun | Refused | Unclear)
    assert isinstance(stage.run(target.progress(move, KEY)), Moving | Serving | Unfinished | Unreadable)
    assert stage.run(target.examine())
    stage.run(target.recall(NOON))
