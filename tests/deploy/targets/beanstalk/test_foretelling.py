"""What a move would do, before it is made."""

from datetime import timedelta

import pytest

from deploy.targets.beanstalk.environment import Happened
from deploy.targets.beanstalk.foretelling import lasted
from tests.deploy.targets.beanstalk.stage import BUCKET, ENVIRONMENT, Stage
from tests.fakes.aws.fixtures import NOON


def said(stage: Stage) -> str:
    return " ".join(stage.foretold().obstacles)


def test_it_foretells_the_calls_in_order_and_that_there_is_no_compare_and_set(stage):
    stage.deployed("v2")
    mark, update = stage.foretold().calls

    assert mark.startswith("elasticbeanstalk:UpdateTagsForResource v1 rollbackd:move.shop-prod")
    assert update.startswith(
        "elasticbeanstalk:UpdateEnvironment ApplicationName=shop EnvironmentName=shop-prod VersionLabel=v1"
    )
    assert "no compare-and-set" in update


def test_in_flight_the_update_is_broken_off_first(stage):
    stage.deploys("v2")
    abort, _, update = stage.foretold().calls

    assert abort.startswith("elasticbeanstalk:AbortEnvironmentUpdate EnvironmentName=shop-prod")
    assert "breaks off whatever is under way" in abort
    assert "batches that were done keep the new version" in update


@pytest.mark.parametrize("policy", ["Immutable", "TrafficSplitting"])
def test_beside_the_old_instances_that_may_be_all(policy):
    stage = Stage(policy=policy)
    stage.deploys("v2")

    assert "that alone has put everything back" in stage.foretold().calls[-1]


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ("AllAtOnce", "down meanwhile, for all instances are deployed to at once"),
        ("Rolling", "a batch of 1 instance is gone at a time, and the others serve"),
        ("RollingWithAdditionalBatch", "all are kept, for a batch of 1 instance is started first"),
        ("Immutable", "all instances stay until as many new ones are healthy"),
        ("TrafficSplitting", "have 10% of the traffic for 5 min"),
    ],
)
def test_what_becomes_of_the_capacity_follows_from_the_deployment_policy(policy, words):
    stage = Stage(policy=policy)
    stage.deployed("v2")

    assert stage.foretold().capacity.startswith(f"{policy}: ")
    assert words in stage.foretold().capacity


def test_with_the_policy_unsaid_it_is_all_at_once_as_with_aws(stage):
    stage.environment.options.clear()

    assert stage.foretold().capacity.startswith("AllAtOnce: down meanwhile")


def test_batches_may_be_shares_and_one_instance_has_no_batches(stage):
    options = stage.environment.options
    options["aws:elasticbeanstalk:command", "BatchSizeType"] = "Percentage"
    options["aws:elasticbeanstalk:command", "BatchSize"] = "30"
    shares = stage.foretold().capacity
    options["aws:elasticbeanstalk:environment", "EnvironmentType"] = "SingleInstance"
    single = stage.restarted().foretold().capacity

    assert "a batch of 30 %" in shares
    assert "down meanwhile, for the one instance is deployed to at once" in single


def test_how_long_it_takes_is_told_by_the_updates_that_ended_well(stage):
    stage.deployed("v2")
    stage.deployed("v3")
    stage.environment.bad.add("v2")
    stage.deployed("v2")

    assert stage.foretold().takes == "about 4 min, at most 4 min, by the last 2 updates"


def test_an_end_whose_beginning_is_not_remembered_tells_nothing():
    began, ended = "Environment update is starting.", "Environment update completed successfully."
    newest_first = [
        Happened(NOON + timedelta(minutes=minute), "INFO", words)
        for minute, words in ((90, ended), (5, ended), (3, began), (1, ended))
    ]

    assert lasted(newest_first) == "about 2 min, at most 2 min, by the last 1 updates"


def test_where_none_is_remembered_it_says_so(stage):
    assert stage.foretold().takes.startswith("how long is not known")


def test_an_update_under_way_must_end_first(stage):
    stage.deploys("v2")

    assert stage.foretold().takes.startswith("it is Updating, and must be Ready first; then ")


def test_it_says_how_a_person_does_it(stage):
    assert stage.foretold().by_hand == (
        "aws elasticbeanstalk update-environment --application-name shop --environment-name shop-prod --version-label v1"
        " --region eu-central-1"
    )


def test_nothing_stands_in_the_way_of_a_version_that_is_there(stage):
    stage.deployed("v2")

    assert stage.foretold().obstacles == ()


def test_a_version_that_was_deleted_stands_in_the_way_once(stage):
    stage.deployed("v2")
    stage.beanstalk.delete_version("shop", "v1")

    assert said(stage).count("v1 is no application version any more") == 1
    assert "lifecycle rule" in said(stage)
    assert stage.foretold().gone == stage.foretold().obstacles


def test_where_no_version_is_to_be_seen_none_is_taken_for_deleted(stage):
    stage.deployed("v2")
    stage.beanstalk.delete_version("shop", "v1")
    stage.beanstalk.delete_version(
        "shop", "v2"
    )  # which AWS refuses of what is deployed: so the role may not see them
    foretold = stage.foretold()

    assert foretold.gone == ()
    assert foretold.unread


def test_a_bundle_that_is_gone_or_another_stands_in_the_way(stage):
    stage.deployed("v2")
    stage.world.s3.put(BUCKET, "shop/v1.zip", "other", stage.clock.time)
    other = said(stage)
    stage.world.s3.delete(BUCKET, "shop/v1.zip", stage.clock.time)

    assert "was written over" in other
    assert "is gone" in said(stage)


def test_basic_health_stands_in_the_way(stage):
    stage.environment.enhanced = False

    assert "SystemType=enhanced" in said(stage)


def test_what_cannot_be_read_is_said_with_the_call_all_the_same(stage):
    stage.world.faults.throttle("elasticbeanstalk", "DescribeConfigurationSettings", times=None)
    foretold = stage.foretold()

    assert foretold.calls[0].startswith("elasticbeanstalk:UpdateEnvironment ")
    assert "Throttling" in foretold.obstacles[0]
    assert foretold.unread


def test_an_environment_that_is_not_there_has_its_call_and_why(stage):
    del stage.beanstalk.environments[ENVIRONMENT]
    foretold = stage.foretold()

    assert "VersionLabel=v1" in foretold.calls[0]
    assert "has no environment" in foretold.obstacles[0]
