"""Whether the files of old releases are still there: said before they are needed, by `rollbackd plan` and `doctor`."""

from collections.abc import Sequence

from deploy.model import About, Finding, Foretold, Level, Move
from deploy.target import Examined
from tests.deploy.targets.codedeploy.revisions import bundle, commit, key
from tests.deploy.targets.codedeploy.stage import Stage, release
from tests.fakes.aws import AwsError


def examined(stage: Stage, group: str = "prod") -> Sequence[Finding]:
    target = stage.target(group)
    assert isinstance(target, Examined)
    return stage.run(target.examine())


def foretold(stage: Stage, expect: int = 2, to: int = 1) -> Foretold:
    return stage.run(stage.target().foretell(stage.move(expect, to)))


def test_where_all_is_well_it_says_so(stage):
    stage.deployed(2)

    assert examined(stage) == [
        Finding(
            Level.OK,
            "the files of the last 2 releases are where they were deployed from",
            about=About.KEPT,
        )
    ]


def test_a_bundle_that_is_gone_is_named_before_it_is_needed(stage):
    stage.deployed(2)
    del stage.bucket.objects[key(1)]

    (found,) = examined(stage)

    assert found.level is Level.WARN
    assert found.words.startswith("artifacts/shop/1.1.zip@v1: its bundle is not in artifacts any more")
    assert found.words in foretold(stage).obstacles


def test_a_bundle_whose_bucket_is_gone_is_gone_too(stage):
    stage.deployed(2)
    stage.world.s3._buckets.clear()

    assert len(examined(stage)) == 2


def test_a_bundle_that_was_overwritten_is_told_by_its_etag():
    stage = Stage(first=bundle(1, version=None))
    stage.deployed(2)
    stage.world.s3.put("artifacts", key(1), b"something else", stage.clock.time)

    (found,) = examined(stage)

    assert "its bundle was overwritten" in found.words
    assert "CodeDeploy will refuse it" in found.words


def test_a_version_that_was_written_over_is_still_the_one_that_was_deployed(stage):
    stage.deployed(2)
    stage.world.s3.put("artifacts", key(1), b"something else", stage.clock.time)

    assert [each.level for each in examined(stage)] == [Level.OK]


def test_what_nobody_can_tell_is_told():
    stage = Stage(first=bundle(1, version=None, eTag=None))

    (found,) = examined(stage)

    assert "deployed without eTag and version" in found.words


def test_a_commit_is_not_looked_for():
    stage = Stage(first=commit("4f2a9c"))

    assert [each.level for each in examined(stage)] == [Level.OK]
    assert stage.world.count("s3", "HeadObject") == 0


def test_where_bundles_may_not_be_looked_at_doctor_says_so_and_plan_is_silent(stage):
    stage.deployed(2)
    denied = AwsError("AccessDenied", "Access Denied", 403)
    stage.world.faults.fail("s3", "HeadObject", error=denied, times=None)

    (found,) = examined(stage)

    assert found.level is Level.WARN
    assert "cannot be known" in found.words
    assert "s3:GetObjectVersion" in found.remedy
    assert foretold(stage).obstacles == ()


def test_each_release_is_looked_at_once_and_five_of_them(stage):
    for number in (2, 3, 4, 5, 6, 7, 7, 6):
        stage.deployed(number)

    examined(stage)

    looked_at = [call.parameters["Key"] for call in stage.world.calls if call.operation == "HeadObject"]
    assert looked_at == [key(number) for number in (6, 7, 5, 4, 3)]


def test_a_group_that_deploys_all_at_once_is_warned_of():
    stage = Stage({"config": "CodeDeployDefault.AllAtOnce"})

    (found,) = examined(stage)

    assert "the service is down meanwhile" in found.words
    assert "HalfAtATime" in found.remedy


def test_what_cannot_be_read_is_a_warning(stage):
    stage.world.faults.fail("codedeploy", times=None)

    (found,) = examined(stage)

    assert found.level is Level.WARN
    assert "InternalFailure" in found.words


def test_of_a_release_that_the_group_never_had_no_bundle_is_looked_for(stage):
    move = Move("service", expect=release(1), to=release(7))

    stage.run(stage.target().foretell(move))

    assert stage.world.count("s3", "HeadObject") == 0


def test_a_rule_that_deletes_bundles_is_named_once_for_all_of_them(stage):
    stage.deployed(2)
    marks = {"ID": "tidy", "Status": "Enabled", "Prefix": "shop/", "Expiration": {"Days": 90}}
    takes = {**marks, "NoncurrentVersionExpiration": {"NoncurrentDays": 7}}

    told = []
    for rule in (
        marks,
        takes,
    ):  # revisions name the version of their bundle, which is still there by the first
        stage.bucket.rules = [rule]
        told.append(examined(stage))
    (kept,), (found,) = told

    assert kept.level is Level.OK
    assert found.level is Level.WARN
    assert "the lifecycle rule 'tidy' of artifacts deletes versions 7 days after" in found.words
    assert found.remedy.startswith("let it delete by a tag")
