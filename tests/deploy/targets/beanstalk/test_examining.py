"""What ``doctor`` says of an environment before it is needed."""

import pytest

from deploy.model import Level
from tests.deploy.targets.beanstalk.stage import BUCKET, Stage


def found(stage: Stage) -> list[tuple[Level, str]]:
    return [(finding.level, finding.words) for finding in stage.run(stage.target().examine())]


def test_without_lifecycle_rules_and_all_at_once_it_is_well(stage):
    assert found(stage) == [(Level.OK, "no lifecycle rule deletes versions that may be gone back to")]


@pytest.mark.parametrize(("deletes", "words"), [(True, ", and their bundles"), (False, "together")])
def test_a_rule_that_keeps_few_versions_is_a_warning(stage, deletes, words):
    rule = {"Enabled": True, "MaxCount": 5, "DeleteSourceFromS3": deletes}
    stage.beanstalk.lifecycle["shop"] = {"MaxCountRule": rule, "MaxAgeRule": {"Enabled": False}}
    ((level, said),) = found(stage)

    assert level is Level.WARN
    assert "keeps 5 versions of the application" in said
    assert said.endswith(words)


def test_a_rule_that_deletes_by_age_is_a_warning_whatever_served(stage):
    stage.beanstalk.lifecycle["shop"] = {"MaxAgeRule": {"Enabled": True, "MaxAgeInDays": 30}}
    ((level, said),) = found(stage)

    assert level is Level.WARN
    assert "older than 30 days" in said


def test_rules_that_are_off_or_keep_many_are_none(stage):
    stage.beanstalk.lifecycle["shop"] = {
        "MaxCountRule": {"Enabled": True, "MaxCount": 200},
        "MaxAgeRule": {"Enabled": False, "MaxAgeInDays": 1},
    }

    assert [level for level, _ in found(stage)] == [Level.OK]


def test_all_at_once_is_a_warning_for_the_way_back_is_deployed_so_too():
    ((level, said),) = found(Stage(policy="AllAtOnce"))

    assert level is Level.WARN
    assert "the service is down meanwhile" in said


def test_one_instance_cannot_be_deployed_otherwise():
    stage = Stage(policy="AllAtOnce")
    stage.environment.options["aws:elasticbeanstalk:environment", "EnvironmentType"] = "SingleInstance"

    assert [level for level, _ in found(stage)] == [Level.OK]


def test_what_cannot_be_read_is_said(stage):
    stage.world.faults.throttle("elasticbeanstalk", "DescribeApplications", times=None)
    ((level, said),) = found(stage)

    assert level is Level.WARN
    assert "cannot be known" in said


def test_a_rule_of_the_bucket_that_deletes_bundles_is_a_warning(stage):
    bucket = stage.world.s3.find(BUCKET)
    bucket.rules = [{"ID": "tidy", "Status": "Enabled", "Filter": {}, "Expiration": {"Days": 90}}]

    ((level, said),) = found(stage)

    assert level is Level.WARN
    assert f"the lifecycle rule 'tidy' of {BUCKET} deletes what is older than 90 days" in said
    assert said.endswith("so it does with v1")
