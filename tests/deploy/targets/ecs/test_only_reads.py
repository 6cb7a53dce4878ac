"""Shadow has credentials that may only read, and AWS counts whatever else is tried."""

from deploy.model import Pause, Standing, Word
from tests.deploy.targets.ecs.stage import KEY, READS_ONLY, Stage
from tests.fakes.aws.fixtures import NOON

READS = {
    "DescribeServices",
    "ListServiceDeployments",
    "DescribeServiceDeployments",
    "DescribeServiceRevisions",
    "DescribeTaskDefinition",
    "DescribeImages",
}


def everything(stage: Stage, account) -> None:
    move = stage.move()
    target = stage.target(account=account)
    stage.run(target.observe())
    stage.run(target.resolve({}))
    stage.run(target.resolve({"deployment": "ecs-svc/1"}))
    stage.run(target.progress(move, KEY))
    stage.run(target.foretell(move))
    stage.run(target.recall(NOON))
    stage.run(target.examine())
    stage.run(target.waits())
    stage.run(target.begin(move, KEY))
    stage.run(target.answer(Pause(), Word.GO_ON, KEY))
    stage.run(target.mark([Standing(stage.release("web:1"), "proven", NOON)]))


def test_in_shadow_every_call_only_reads(stage):
    stage.deployed("web:2")
    everything(stage, READS_ONLY)
    stage.deploy("web:3")
    stage.goes_on(seconds=25)
    everything(stage, READS_ONLY)

    assert {call.operation for call in stage.world.calls} <= READS
    assert stage.world.mutating_calls() == []


def test_what_may_act_changes_by_begin_and_mark_alone(stage):
    stage.deployed("web:2")
    move, target = stage.move(), stage.target()
    for reading in (
        target.observe(),
        target.resolve({}),
        target.progress(move, KEY),
        target.foretell(move),
        target.recall(NOON),
    ):
        stage.run(reading)
    only_read = list(stage.world.mutating_calls())
    stage.run(target.begin(move, KEY))
    stage.run(target.mark([Standing(stage.release("web:1"), "proven", NOON)]))

    assert only_read == []
    assert [call.operation for call in stage.world.mutating_calls()] == [
        "TagResource",
        "UpdateService",
        "TagResource",
    ]
    assert {call.by for call in stage.world.mutating_calls()} == {
        "arn:aws:iam::123456789012:role/rollbackd-act"
    }
