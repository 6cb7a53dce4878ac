"""What an environment runs: its instances are believed, and what it is told to run while an update goes on."""

import asyncio
from datetime import timedelta

import pytest

from deploy.model import Live, Unreadable
from tests.deploy.targets.beanstalk.stage import ENVIRONMENT, LONG_AGO, Stage
from tests.fakes.aws import AwsError
from tests.fakes.aws.fixtures import NOON

START = LONG_AGO + timedelta(hours=4)


def test_in_steady_state_it_is_one_call_that_asks_for_environments(stage):
    target = stage.target()
    stage.live(target)
    assert stage.asked("DescribeConfigurationSettings") == 0
    before = len(stage.world.calls)
    for _ in range(3):
        stage.goes_on(seconds=30)
        stage.live(target)

    assert [call.operation for call in stage.world.calls[before:]] == ["DescribeEnvironments"] * 3


def test_many_environments_are_one_call(stage):
    for number in range(30):
        stage.beanstalk.create_environment("shop", f"shop-{number:02}", "v1", LONG_AGO)
    targets = [stage.target(environment=f"shop-{number:02}") for number in range(30)]

    async def all_of_them() -> list[Live | Unreadable]:
        return list(await asyncio.gather(*(target.observe() for target in targets)))

    found = stage.run(all_of_them())

    assert all(isinstance(each, Live) for each in found)
    assert stage.asked("DescribeEnvironments") == 1


def test_a_release_is_the_content_of_its_bundle_and_is_moved_by_its_label(stage):
    release = stage.live().release

    assert release is not None
    assert release.tag == "v1"
    assert release.fingerprint.startswith("etag:")
    assert release.names["version"] == "v1"


def test_since_when_it_serves_is_told_by_its_instances(stage):
    assert stage.live().since == START


def test_a_change_of_settings_later_makes_no_release_younger(stage):
    stage.beanstalk.set_status(ENVIRONMENT, "Ready", NOON)

    assert stage.live().since == START


def test_an_update_that_no_instance_has_begun_is_coming_and_has_no_traffic(stage):
    stage.deploys("v2")
    live = stage.live()

    assert (live.release, live.in_flight) == (stage.release("v1"), stage.release("v2"))
    assert live.shares == {stage.release("v1").fingerprint: 1.0, stage.release("v2").fingerprint: 0.0}
    assert live.since == NOON


def test_while_it_rolls_the_share_is_that_of_the_instances_that_have_it(stage):
    stage.deploys("v2")
    stage.goes_on(seconds=135)  # two are done, the third is being worked on
    live = stage.live()

    assert live.in_flight == stage.release("v2")
    assert not live.broken_off
    assert live.shares == {
        stage.release("v1").fingerprint: pytest.approx(1 / 3),
        stage.release("v2").fingerprint: pytest.approx(2 / 3),
    }


def test_where_traffic_is_split_the_setting_says_how_and_not_the_instances():
    stage = Stage(policy="TrafficSplitting")
    stage.deploys("v2")
    stage.goes_on(seconds=90)

    assert stage.beanstalk.runs(ENVIRONMENT) == {"v1": 4, "v2": 4}
    assert stage.live().shares == {
        stage.release("v1").fingerprint: pytest.approx(0.9),
        stage.release("v2").fingerprint: pytest.approx(0.1),
    }


def test_immutable_instances_share_it_by_their_number():
    stage = Stage(policy="Immutable")
    stage.deploys("v2")
    stage.goes_on(seconds=90)

    assert stage.live().shares == {
        stage.release("v1").fingerprint: 0.5,
        stage.release("v2").fingerprint: 0.5,
    }


def test_once_it_is_ready_and_whole_nothing_is_on_its_way(stage):
    stage.deployed("v2")
    live = stage.live()

    assert (live.release, live.in_flight) == (stage.release("v2"), None)
    assert live.shares == {stage.release("v2").fingerprint: 1.0}


@pytest.mark.parametrize("reverts", [True, False], ids=["the label goes back", "the label stays"])
def test_what_has_failed_half_way_is_ahead_still_whatever_the_label_says(stage, reverts):
    stage.environment.bad.add("v2")
    stage.environment.reverts = reverts
    stage.deployed("v2")
    live = stage.live()

    assert stage.beanstalk.runs(ENVIRONMENT) == {"v1": 3, "v2": 1}
    assert (live.release, live.in_flight) == (stage.release("v1"), stage.release("v2"))
    assert live.broken_off


def test_what_has_failed_beside_the_old_instances_is_gone():
    stage = Stage(policy="Immutable")
    stage.environment.bad.add("v2")
    stage.deployed("v2")
    live = stage.live()

    assert (live.release, live.in_flight) == (stage.release("v1"), None)


def test_the_way_back_that_no_instance_has_begun_is_what_is_coming(stage):
    stage.deploys("v2")
    stage.goes_on(seconds=80)
    stage.beanstalk.abort(ENVIRONMENT, stage.clock.time)
    stage.goes_on(minutes=2)
    stage.deploys("v1")
    live = stage.live()

    assert stage.beanstalk.runs(ENVIRONMENT) == {"v1": 2, "v2": 2}
    assert live.in_flight == stage.release("v1")
    assert live.release == stage.release("v2")


def test_of_an_environment_that_is_not_well_the_instances_are_asked_each_time(stage):
    stage.environment.bad.add("v2")
    stage.deployed("v2")
    target = stage.target()
    stage.live(target)
    before = stage.asked("DescribeInstancesHealth")
    stage.live(target)

    assert stage.asked("DescribeInstancesHealth") == before + 1


def test_all_pages_of_instances_are_read():
    stage = Stage(policy="Immutable")
    stage.environment = stage.beanstalk.create_environment("shop", ENVIRONMENT, "v1", LONG_AGO, instances=25)
    stage.beanstalk.deploys_by(ENVIRONMENT, "Immutable")
    stage.deploys("v2")
    stage.goes_on(seconds=90)

    assert stage.live().shares[stage.release("v2").fingerprint] == 0.5


def test_basic_health_tells_what_it_is_told_to_run_and_that_the_machine_cannot_see(stage):
    stage.environment.enhanced = False
    stage.deploys("v2")
    assert stage.live().obstacles != ()
    stage.goes_on(minutes=10)
    live = stage.live()

    assert live.release == stage.release("v2")
    assert live.shares == {}
    (obstacle,) = live.obstacles
    assert "basic" in obstacle
    assert "SystemType=enhanced" in obstacle
    assert stage.asked("DescribeInstancesHealth") == 0


def test_an_environment_that_is_terminated_serves_nothing_and_cannot_be_moved(stage):
    stage.beanstalk.set_status(ENVIRONMENT, "Terminated", NOON)
    live = stage.live()

    assert live.release is None
    assert any("Terminated" in words for words in live.obstacles)


@pytest.mark.parametrize("wrong", [{"environment": "shop-test"}, {"application": "other"}])
def test_an_environment_that_is_not_there_is_unreadable_and_never_empty(stage, wrong):
    found = stage.run(stage.target(**wrong).observe())

    assert isinstance(found, Unreadable)
    assert "has no environment" in found.words


def test_a_label_that_is_no_tag_is_said_and_not_used(stage):
    stage.beanstalk.create_version("shop", "Sample Application", "sample", NOON)
    stage.deployed("Sample Application")
    found = stage.run(stage.target().observe())

    assert isinstance(found, Unreadable)
    assert "'Sample Application'" in found.words
    assert "deploy with labels of" in found.words


def test_throttled_for_good_it_is_unreadable(stage):
    stage.world.faults.throttle("elasticbeanstalk", times=None)
    found = stage.run(stage.target().observe())

    assert isinstance(found, Unreadable)
    assert "Throttling" in found.words


# ----------------------------------------------------------------------------------------------------------- content


def test_the_same_bundle_under_another_label_is_the_same_release(stage):
    stage.beanstalk.create_version("shop", "v2-again", "code 2", NOON)
    stage.deployed("v2-again")
    release = stage.live().release

    assert release is not None
    assert release.tag == "v2-again"
    assert release.is_same_as(stage.release("v2"))


def test_a_bundle_that_was_written_over_is_known_by_its_label_alone(stage):
    stage.world.s3.put(
        stage.beanstalk.versions["shop", "v1"]["SourceBundle"]["S3Bucket"], "shop/v1.zip", "other", NOON
    )
    release = stage.live().release

    assert release is not None
    assert release.is_only_a_tag
    assert release.is_same_as(stage.release("v1"))


@pytest.mark.parametrize("code", ["403", "404"])
def test_a_bundle_that_cannot_be_seen_is_known_by_its_label_alone(stage, code):
    error = AwsError(code, "", int(code))
    stage.world.faults.fail("s3", "HeadObject", error=error, times=None)
    release = stage.live().release

    assert release is not None
    assert release.is_only_a_tag


def test_a_bundle_that_cannot_be_read_for_now_makes_no_other_release_of_it(stage):
    stage.world.faults.fail("s3", "HeadObject", times=None)

    assert isinstance(stage.run(stage.target().observe()), Unreadable)


def test_a_version_that_was_deleted_while_it_serves_is_known_by_its_label_alone(stage):
    stage.beanstalk.delete_version("shop", "v1")
    release = stage.live().release

    assert release is not None
    assert (release.fingerprint, release.tag) == ("tag:v1", "v1")


def test_a_label_that_is_made_anew_and_deployed_again_is_another_release(stage):
    target = stage.target()
    before = stage.live(target).release
    stage.beanstalk.create_version("shop", "v1", "something else", NOON)
    stage.goes_on(minutes=2)
    stage.deployed("v1")
    after = stage.live(target).release

    assert before is not None
    assert after is not None
    assert after.tag == before.tag == "v1"
    assert not after.is_same_as(before)


def test_a_version_that_was_built_is_not_taken_for_written_over(stage):
    stage.beanstalk.create_version("shop", "built", "code 4", NOON + timedelta(minutes=9), DateCreated=NOON)
    stage.goes_on(minutes=10)
    stage.deployed("built")
    release = stage.live().release

    assert release is not None
    assert not release.is_only_a_tag


def test_its_commit_and_its_description_are_names_of_it(stage):
    source = {"SourceType": "Git", "SourceRepository": "CodeCommit", "SourceLocation": "shop/0a1b2c3d"}
    stage.beanstalk.create_version(
        "shop", "c1", "code 5", NOON, Description="1.5.0", SourceBuildInformation=source
    )
    stage.deployed("c1")
    release = stage.live().release

    assert release is not None
    assert (release.names["commit"], release.names["description"]) == ("0a1b2c3d", "1.5.0")
