"""What a store that was lost learns from AppConfig, and how releases are marked there."""

from datetime import timedelta

from deploy.model import Recalled, Standing
from tests.deploy.targets.appconfig.stage import BARE, KEY, MARK, PLACE, READS_ONLY
from tests.fakes.aws.fixtures import NOON


def recalled(stage) -> Recalled:
    found = stage.run(stage.restarted().target().recall(stage.clock.time))
    assert isinstance(found, Recalled)
    return found


def test_which_version_served_when_is_remembered(stage):
    stage.deploys("2", BARE)
    stage.goes_on(hours=30)
    stage.deploys("3", BARE)
    stage.goes_on(hours=30)

    found = recalled(stage)

    assert [release.tag for release, _ in found.served] == ["1", "2", "3"]
    assert [at for _, at in found.served][1] == NOON + timedelta(seconds=2)


def test_what_is_young_is_watched_still_and_not_among_them(stage):
    stage.deploys("2", BARE)
    stage.goes_on(hours=1)

    assert [release.tag for release, _ in recalled(stage).served] == ["1"]


def test_what_our_own_rollback_left_is_quarantined(stage):
    stage.deploys("2", BARE)
    stage.goes_on(hours=1)
    stage.run(stage.target().begin(stage.move(), KEY))
    stage.goes_on(minutes=1)
    found = recalled(stage)

    assert set(found.quarantined) == {stage.release("2").fingerprint}
    assert [release.tag for release, _ in found.served] == ["1"]
    assert [release.tag for release in found.others] == ["2"]


def test_also_where_the_old_version_was_deployed_anew(stage):
    stage.deploys("2", BARE)
    stage.goes_on(hours=80)
    stage.run(stage.target(strategy=BARE).begin(stage.move(), KEY))
    stage.goes_on(minutes=1)

    assert set(recalled(stage).quarantined) == {stage.release("2").fingerprint}


def test_marks_are_tags_of_the_deployments_that_people_can_read_and_we_read_back(stage):
    stage.deploys("2", BARE)
    stage.goes_on(hours=30)
    marks = [
        Standing(stage.release("1"), "proven", NOON - timedelta(days=20)),
        Standing(stage.release("2"), "quarantined", NOON, "errors of 5 %"),
    ]
    target = stage.target()

    assert stage.run(target.mark(marks)) == ""
    before = len(stage.world.mutating_calls())
    assert stage.run(target.mark(marks)) == ""

    assert len(stage.world.mutating_calls()) == before == 2
    assert stage.appconfig.tags(PLACE, 1, stage.clock.time)[MARK].startswith("proven 2026-")
    found = recalled(stage)
    assert set(found.proven) == {stage.release("1").fingerprint}
    assert found.quarantined[stage.release("2").fingerprint][1] == "errors of 5"


def test_a_mark_from_the_future_is_none(stage):
    stage.run(stage.target().mark([Standing(stage.release("1"), "proven", NOON + timedelta(days=1))]))

    assert recalled(stage).proven == {}


def test_without_a_role_to_act_nothing_is_marked(stage):
    assert (
        stage.run(stage.target(account=READS_ONLY).mark([Standing(stage.release("1"), "proven", NOON)])) == ""
    )
    assert stage.world.mutating_calls() == []


def test_what_may_not_be_marked_is_said(stage):
    stage.world.faults.fail("appconfig", "TagResource", times=None)

    said = stage.run(stage.target().mark([Standing(stage.release("1"), "proven", NOON)]))

    assert said.startswith("the deployments could not be marked: ")
