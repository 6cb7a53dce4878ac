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
from tests.deploy.targets.lambda_alias.stage import KEY, READS_ONLY, Stage
from tests.fakes.aws.fixtures import NOON

READS = (
    *("GetAlias", "GetFunctionConfiguration", "GetProvisionedConcurrencyConfig", "ListEventSourceMappings"),
    "ListTags",
)


def everything(stage: Stage, account) -> None:
    move, target = stage.move(), stage.target(account=account)
    stage.run(target.observe())
    stage.run(target.resolve({}))
    stage.run(target.resolve({"tag": "7", "deployment": "e-1"}))
    stage.run(target.progress(move, KEY))
    stage.run(target.foretell(move))
    stage.run(target.recall(NOON))
    stage.run(target.begin(move, KEY))
    stage.run(target.mark([Standing(stage.release("1"), "proven", NOON)]))


def test_in_shadow_every_call_only_reads(stage):
    stage.points("2")
    everything(stage, READS_ONLY)
    stage.points("1", v2=0.1)
    everything(stage, READS_ONLY)

    assert {call.operation for call in stage.world.calls} == set(READS)
    assert stage.world.mutating_calls() == []


@pytest.mark.parametrize("in_flight", [True, False], ids=["in flight", "complete"])
@pytest.mark.parametrize("fault", ["throttle", "fail", "lose_answer"])
@pytest.mark.parametrize("operation", [*READS, "UpdateAlias"])
def test_whatever_is_refused_each_operation_answers_with_a_value(operation, fault, in_flight):
    stage = Stage()
    if in_flight:
        stage.points("1", v2=0.1)
    else:
        stage.points("2")
    getattr(stage.world.faults, fault)("lambda", operation, times=None)
    target, move = stage.target(), stage.move()

    assert isinstance(stage.run(target.observe()), Live | Unreadable)
    assert isinstance(stage.run(target.resolve({})), Release | Unreadable | Gone)
    assert isinstance(stage.run(target.foretell(move)), Foretold)
    assert isinstance(stage.run(target.begin(move, KEY)), Begun | Refused | Unclear)
    assert isinstance(stage.run(target.progress(move, KEY)), Moving | Serving | Unreadable)
    stage.run(target.recall(NOON))
