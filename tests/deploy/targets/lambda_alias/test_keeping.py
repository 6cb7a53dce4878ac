"""Marks on the function, and what is recalled by them once the store is lost."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from deploy.model import Move, Recalled, Release, Standing, Unreadable
from deploy.target import Keeper
from deploy.targets.lambda_alias.keeping import MOST, OUR_ROLLBACK, marks_of, tag_key
from tests.deploy.targets.lambda_alias.stage import KEY, LONG_AGO, MARK, MAY_ACT, READS_ONLY
from tests.fakes.aws import AwsError
from tests.fakes.aws.fixtures import NOON

YESTERDAY = NOON - timedelta(days=1)


def mark(stage, *standings, **settings):
    return stage.run(stage.target(**settings).mark(standings))


def recall(stage):
    found = stage.run(stage.restarted().target().recall(stage.clock.time))
    assert isinstance(found, Recalled), found
    return found


def tags(stage):
    return stage.functions.tags("checkout", stage.clock.time)


def test_a_target_of_lambda_is_a_keeper(stage):
    assert isinstance(stage.target(), Keeper)


def test_a_mark_says_grade_time_and_of_which_content(stage):
    release = stage.release("1")

    assert mark(stage, Standing(release, "proven", NOON)) == ""
    assert tags(stage) == {f"{MARK}.1": f"proven 2026-11-24T12:00:00Z {release.fingerprint[:23]}"}


def test_it_is_written_only_where_it_differs_and_all_in_one_call(stage):
    standings = [Standing(stage.release(n), "served", NOON) for n in ("1", "2")]

    mark(stage, *standings)
    mark(stage, *standings)

    assert [call.operation for call in stage.world.mutating_calls()] == ["TagResource"]


def test_other_tags_and_marks_of_others_stay(stage):
    stage.functions.tag("checkout", NOON, team="shop", rollbackd__cart="x")
    mark(stage, Standing(stage.release("1"), "proven", NOON))

    assert tags(stage)["team"] == "shop"
    assert tags(stage)["rollbackd:cart"] == "x"


def test_the_oldest_marks_make_room(stage):
    for number in range(1, MOST + 4):
        release = Release(f"sha256:{number:064}", str(number))
        mark(stage, Standing(release, "served", NOON))

    assert sorted(int(key.rpartition(".")[2]) for key in tags(stage)) == list(range(4, MOST + 4))


def test_in_shadow_nothing_is_written(stage):
    mark(stage, Standing(stage.release("1"), "proven", NOON), account=READS_ONLY)
    mark(stage, Standing(stage.release("1"), "proven", NOON), alias=None)

    assert stage.world.mutating_calls() == []


def test_a_mark_that_may_not_be_written_is_said(stage):
    stage.world.faults.fail("lambda", "TagResource", error=AwsError("AccessDeniedException", "not you"))

    assert "could not be marked" in mark(stage, Standing(stage.release("1"), "proven", NOON))


def test_keys_and_values_are_in_awss_grammar(stage):
    mark(stage, Standing(stage.release("1"), "quarantined", NOON, 'errors of "5 %" {now}'))

    for key, value in tags(stage).items():
        assert re.fullmatch(r"[\w .:/=+@-]{1,128}", key)
        assert re.fullmatch(r"[\w .:/=+@-]{0,256}", value)


def test_names_that_are_too_long_for_a_key_are_not_read_as_anothers():
    long = "s" * 63
    key = tag_key(long, "e" * 63, "41")

    assert len(key) <= 128
    assert marks_of({key: "proven 2026-11-24T12:00:00Z"}, long, "e" * 63).values == {}


# ---------------------------------------------------------------------------------------------------------------- recalling


def test_without_marks_what_has_long_been_published_is_what_served(stage):
    found = recall(stage)

    assert [(release.tag, since) for release, since in found.served] == [("1", LONG_AGO + timedelta(hours=1))]
    assert found.proven == {}


def test_what_was_published_within_a_day_is_a_deployment_to_be_watched(stage):
    stage.functions.deploy("checkout", "code 4", NOON - timedelta(hours=23))
    stage.points("4")

    assert recall(stage).served == ()


def test_what_was_proven_served_and_is_the_way_back(stage):
    stage.points("2")
    mark(
        stage, Standing(stage.release("1"), "proven", YESTERDAY), Standing(stage.release("2"), "served", NOON)
    )

    found = recall(stage)

    assert [(release.tag, since) for release, since in found.served] == [("1", YESTERDAY), ("2", NOON)]
    assert found.proven == {stage.release("1").fingerprint: YESTERDAY}


def test_what_was_proven_within_a_day_is_settled_however_young(stage):
    stage.functions.deploy("checkout", "code 4", NOON - timedelta(hours=3))
    stage.points("4")
    release = stage.live().release
    assert release is not None
    mark(stage, Standing(release, "proven", NOON))

    assert [each.tag for each, _ in recall(stage).served] == ["4"]


def test_what_is_in_flight_is_not_among_what_served(stage):
    stage.points("1", v2=0.1)
    mark(stage, Standing(stage.release("1"), "proven", YESTERDAY))

    assert [release.tag for release, _ in recall(stage).served] == ["1"]


def test_what_is_quarantined_is_known_by_its_content_and_its_number(stage):
    bad = stage.release("2")
    mark(stage, Standing(bad, "quarantined", NOON, "too many errors"))

    found = recall(stage)

    assert found.quarantined == {bad.fingerprint: (NOON, "too many errors")}
    assert [release.tag for release in found.others] == ["2"]


def test_a_mark_of_another_content_says_nothing(stage):
    mark(stage, Standing(Release(f"sha256:{'f' * 64}", "2"), "quarantined", NOON))

    assert recall(stage).quarantined == {}


def test_a_mark_from_the_future_says_nothing(stage):
    mark(stage, Standing(stage.release("2"), "quarantined", NOON + timedelta(days=1)))

    assert recall(stage).quarantined == {}


def test_a_mark_of_a_version_that_was_deleted_says_nothing(stage):
    mark(stage, Standing(stage.release("2"), "proven", NOON))
    stage.functions.delete_version("checkout", "2")

    assert recall(stage).proven == {}


@pytest.mark.parametrize("deleted", [False, True])
def test_what_our_own_last_rollback_left_is_quarantined(stage, deleted):
    bad = stage.release("2")
    stage.points("2")
    stage.run(stage.target().begin(stage.move(), KEY))
    if deleted:
        stage.functions.delete_version("checkout", "2")

    found = recall(stage)

    fingerprint = "tag:2" if deleted else bad.fingerprint
    assert found.quarantined == {fingerprint: (NOON, OUR_ROLLBACK)}
    assert [release.tag for release, _ in found.served] == ["1"]


def test_a_mark_from_before_our_last_rollback_does_not_lift_what_it_says(stage):
    stage.points("2")
    mark(stage, Standing(stage.release("2"), "served", YESTERDAY))
    stage.run(stage.target().begin(stage.move(), KEY))

    assert recall(stage).quarantined == {stage.release("2").fingerprint: (NOON, OUR_ROLLBACK)}


def test_what_we_went_back_to_served_however_young_it_is(stage):
    for number in ("4", "5"):
        stage.functions.deploy("checkout", f"code {number}", NOON - timedelta(hours=3))
    stage.points("4")
    good = stage.live().release
    stage.points("5")
    bad = stage.live().release
    stage.run(stage.target().begin(Move("service", expect=bad, to=good), KEY))

    assert [release.tag for release, _ in recall(stage).served] == ["4"]


def test_what_our_last_rollback_left_may_have_been_allowed_since(stage):
    stage.points("2")
    stage.run(stage.target().begin(stage.move(), KEY))
    stage.goes_on(hours=1)
    mark(stage, Standing(stage.release("2"), "unknown", NOON + timedelta(minutes=30)))

    assert recall(stage).quarantined == {}


def test_what_cannot_be_read_is_unreadable(stage):
    stage.world.faults.fail(
        "lambda", "ListTags", error=AwsError("AccessDeniedException", "not you"), times=None
    )

    assert isinstance(stage.run(stage.target().recall(NOON)), Unreadable)


def test_the_function_is_found_also_where_the_configuration_does_not_tell_the_accounts_id(stage):
    unknown = replace(MAY_ACT, id=None)
    mark(stage, Standing(stage.release("1"), "proven", NOON), account=unknown)

    found = stage.run(stage.target(account=unknown).recall(NOON))

    assert isinstance(found, Recalled)
    assert set(found.proven) == {stage.release("1").fingerprint}


@pytest.mark.parametrize("alias", ["staging", None])
def test_where_there_is_no_alias_there_are_no_marks(stage, alias):
    assert mark(stage, Standing(stage.release("1"), "proven", NOON), alias=alias) == ""

    found = stage.run(stage.target(alias=alias).recall(NOON))

    assert isinstance(found, Recalled)
    assert found.proven == {}
    assert stage.world.mutating_calls() == []
