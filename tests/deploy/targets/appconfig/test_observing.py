"""What is told of a profile: what serves, what comes with which share, what was taken back, and whose doing it was."""

import asyncio
from datetime import timedelta

import pytest

from deploy.model import Live, Unreadable
from tests.deploy.targets.appconfig.stage import (
    KEY,
    LONG_AGO,
    MAY_ACT,
    OTHER,
    PLACE,
    PROFILE,
    SLOWLY,
    Stage,
)
from tests.fakes.aws.fixtures import NOON


def tags(live: Live) -> tuple[str | None, str | None]:
    return live.release.tag if live.release else None, live.in_flight.tag if live.in_flight else None


def test_what_was_deployed_last_serves_with_its_names(stage):
    live = stage.live()

    assert tags(live) == ("1", None)
    assert live.release is not None
    assert live.release.names == {"version": "1", "label": "v41"}
    assert live.release.fingerprint.startswith("sha256:")
    assert live.since == LONG_AGO
    assert live.shares == {live.release.fingerprint: 1.0}


def test_what_is_being_deployed_comes_with_its_share(stage):
    stage.deploys("2", SLOWLY)
    stage.goes_on(minutes=4)
    live = stage.live()

    assert tags(live) == ("1", "2")
    assert live.since == NOON
    assert live.shares == pytest.approx(
        {stage.release("2").fingerprint: 0.2, stage.release("1").fingerprint: 0.8}
    )


def test_what_is_validated_has_nobody_yet(stage):
    stage.deploys("2", SLOWLY)

    live = stage.live()

    assert tags(live) == ("1", "2")
    assert live.shares[stage.release("2").fingerprint] == 0


def test_what_all_clients_have_serves_while_appconfig_minds_its_alarms_still(stage):
    stage.deploys("2")
    stage.goes_on(minutes=1)

    assert tags(stage.live()) == ("2", None)


def test_what_is_being_taken_back_gives_way_to_what_was_before(stage):
    stage.appconfig.find(*PLACE).takes_back = timedelta(minutes=1)
    number = stage.deploys("2", SLOWLY)
    stage.goes_on(minutes=4)
    stage.appconfig.take_back(PLACE, number, stage.clock.time)
    going = stage.live()
    stage.goes_on(minutes=2)

    assert tags(going) == ("1", "1")
    assert tags(stage.live()) == ("1", None)


def test_what_was_reverted_serves_no_more(stage):
    number = stage.deploys("2")
    stage.goes_on(hours=1)
    stage.appconfig.take_back(PLACE, number, stage.clock.time)
    stage.goes_on(minutes=1)
    live = stage.live()

    assert tags(live) == ("1", None)
    assert live.since is None
    assert live.key is None


def test_the_same_content_under_another_number_is_the_same_release(stage):
    version = stage.appconfig.write(PLACE[0], PROFILE, '{\n "limit": 1\n}')
    before = stage.live().release
    stage.deploys(version)
    stage.goes_on(minutes=1)
    after = stage.live().release

    assert after is not None
    assert before is not None
    assert after.tag == version
    assert after.is_same_as(before)


def test_a_number_that_was_deleted_and_given_again_is_another_release_once_it_is_deployed(stage):
    stage.appconfig.profiles[PLACE[0], PROFILE].reuses = True
    target = stage.target()
    before = stage.live(target).release
    for content in ('{"limit": 4}', '{"limit": 5}'):
        stage.appconfig.delete(PLACE[0], PROFILE, "4")
        number = stage.appconfig.write(PLACE[0], PROFILE, content)
        stage.deploys(number)
        stage.goes_on(minutes=11)
        release = stage.live(target).release
        assert (number, release.tag) == ("4", "4")
        assert not release.is_same_as(before)
        before = release


def test_when_a_flag_was_written_is_no_content(stage):
    profile = stage.appconfig.profiles[PLACE[0], PROFILE]
    profile.kind = "AWS.AppConfig.FeatureFlags"
    found = []
    for at in ("2026-01-01", "2026-02-02"):
        flags = f'{{"flags": {{"new": {{"name": "new", "_createdAt": "{at}"}}}}, "values": {{"new": {{"enabled": true, "_updatedAt": "{at}"}}}}}}'
        stage.deploys(stage.appconfig.write(PLACE[0], PROFILE, flags))
        stage.goes_on(hours=1)
        found.append(stage.live().release)

    assert found[0].tag != found[1].tag
    assert found[0].is_same_as(found[1])


def test_one_flag_more_is_another_release(stage):
    assert not stage.release("1").is_same_as(stage.release("2"))


@pytest.mark.parametrize("location", ["ssm-parameter://limits", "s3://bucket/limits.json"])
def test_what_lies_elsewhere_is_known_by_its_version_alone(stage, location):
    stage.appconfig.create(PLACE[0], PLACE[1], "else777", location=location)
    stage.deploys(".x9", profile="else777")
    stage.goes_on(minutes=1)
    live = stage.live(stage.target(profile="else777"))

    assert live.release is not None
    assert live.release.is_only_a_tag
    assert live.release.tag == "v:.x9"


def test_the_deployments_of_another_profile_are_not_ours(stage):
    stage.deploys("1", SLOWLY, profile=OTHER)
    stage.goes_on(minutes=4)

    assert tags(stage.live()) == ("1", None)
    assert stage.live(stage.target(profile=OTHER)).release is None


def test_where_appconfig_does_not_list_the_profiles_each_deployment_is_asked_once(stage):
    stage.appconfig.lists_profiles = False
    target = stage.target()

    assert tags(stage.live(target)) == ("1", None)
    stage.live(target)
    assert stage.world.count("appconfig", "GetDeployment") == 1


def test_what_stands_behind_a_page_of_others_is_found(stage):
    for _ in range(60):
        stage.deploys("1", "bare", profile=OTHER)
        stage.goes_on(minutes=1)

    assert tags(stage.live()) == ("1", None)
    assert stage.world.count("appconfig", "ListDeployments") == 2


def test_what_stands_behind_more_than_is_looked_through_is_said_and_not_taken_for_nothing(stage):
    for _ in range(260):
        stage.deploys("1", "bare", profile=OTHER)
        stage.goes_on(minutes=1)

    found = stage.run(stage.target().observe())

    assert isinstance(found, Unreadable)
    assert "of other profiles" in found.words


def test_in_steady_state_one_call_tells_of_all_profiles(stage):
    async def twice() -> None:
        first, second = stage.target(), stage.target(profile=OTHER)
        for _ in range(2):
            await asyncio.gather(first.observe(), second.observe())

    stage.run(stage.target().observe())
    before = len(stage.world.calls)
    stage.run(twice())

    operations = [call.operation for call in stage.world.calls[before:]]
    assert operations.count("ListDeployments") == 2
    assert set(operations) == {"ListDeployments", "ListTagsForResource"}
    assert operations.count("ListTagsForResource") == 1


def test_an_application_that_is_not_there_is_unreadable_in_appconfigs_words(stage):
    found = stage.run(stage.target(application="gone777").observe())

    assert isinstance(found, Unreadable)
    assert "could not be found" in found.words


def test_our_own_move_is_told_by_its_key_also_by_a_daemon_that_has_just_started(stage):
    stage.deploys("2")
    stage.goes_on(hours=1)
    stage.run(stage.target().begin(stage.move(), KEY))

    assert stage.restarted().live().key == KEY
    assert stage.live().since == stage.clock.time


def test_a_trace_on_a_deployment_that_was_not_taken_back_is_no_move(stage):
    stage.deploys("2")
    stage.goes_on(hours=1)
    stage.world.faults.fail("appconfig", "StopDeployment")
    stage.run(stage.target().begin(stage.move(), KEY))

    assert tags(stage.live()) == ("2", None)
    assert stage.live().key is None


def test_without_the_accounts_number_there_are_no_traces_and_all_else_is_told():
    stage = Stage()
    nameless = type(MAY_ACT)("shop", "eu-central-1", None, may_act=True)

    assert tags(stage.live(stage.target(account=nameless))) == ("1", None)
    assert stage.world.count("appconfig", "ListTagsForResource") == 0
