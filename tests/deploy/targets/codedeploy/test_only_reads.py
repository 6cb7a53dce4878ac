"""Shadow has credentials that may only read, and AWS counts whatever else is tried."""

from deploy.model import Pause, Standing, Word
from tests.deploy.targets.codedeploy.stage import ACTOR, KEY, READS_ONLY, Stage, release
from tests.fakes.aws.fixtures import NOON

READS = {
    "BatchGetDeploymentGroups",
    "BatchGetDeployments",
    "ListDeployments",
    "ListDeploymentTargets",
    "BatchGetDeploymentTargets",
    "GetDeploymentConfig",
    "ListTagsForResource",
    "HeadObject",
    "GetBucketLifecycleConfiguration",
}


def everything(stage: Stage, account) -> None:
    move, target = stage.move(), stage.target(account=account)
    for reading in (
        target.observe(),
        target.resolve({}),
        target.resolve({"deployment": "d-1"}),
        target.progress(move, KEY),
        target.foretell(move),
        target.examine(),
        target.recall(NOON),
        target.waits(),
        target.begin(move, KEY),
        target.answer(Pause(), Word.GO_ON, KEY),
        target.mark([Standing(release(1), "proven", NOON)]),
    ):
        stage.run(reading)


def test_in_shadow_every_call_only_reads():
    stage = Stage({"config": "CodeDeployDefault.OneAtATime"})
    stage.codedeploy.configs["own"] = ("HOST_COUNT", 1)
    stage.behaves(2, fails_at="ValidateService", fails_on=("i-3",))
    stage.deployed(2)
    everything(stage, READS_ONLY)
    stage.deploy(3)
    stage.goes_on(seconds=20)
    everything(stage, READS_ONLY)

    assert {call.operation for call in stage.world.calls} <= READS
    assert stage.world.mutating_calls() == []


def test_what_may_act_changes_by_begin_and_mark_alone(stage):
    stage.deployed(2)
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
    stage.run(target.mark([Standing(release(1), "proven", NOON)]))

    assert only_read == []
    assert [call.operation for call in stage.world.mutating_calls()] == ["CreateDeployment", "TagResource"]
    assert {call.by for call in stage.world.mutating_calls()} == {ACTOR}
