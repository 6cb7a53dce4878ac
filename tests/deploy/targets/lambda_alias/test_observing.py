"""What is called, as an alias tells it: releases by content, shares by weights, our own move; and what forbids moving it."""

import asyncio
from datetime import timedelta

import pytest

from deploy.model import Live, Unreadable
from tests.deploy.targets.lambda_alias.stage import KEY, Stage
from tests.fakes.aws import AwsError
from tests.fakes.aws.fixtures import NOON


def test_the_version_that_the_alias_points_to_serves(stage):
    live = stage.live()

    assert live.release is not None
    assert live.release.tag == "1"
    assert live.release.fingerprint.startswith("sha256:")
    assert live.in_flight is None
    assert live.shares == {live.release.fingerprint: 1.0}
    assert live.obstacles == ()


def test_signal_systems_know_a_release_by_its_version_and_by_its_description(stage):
    stage.functions.deploy("checkout", "code 4", NOON, description="v1.4.2")
    stage.points("4")

    release = stage.live().release

    assert release is not None
    assert release.names["lambda_version"] == release.names["version"] == "4"
    assert release.names["description"] == "v1.4.2"
    assert release.names["function"] == "checkout"


def test_a_second_version_with_a_weight_is_on_its_way_with_its_share(stage):
    stage.points("1", v2=0.1)

    live = stage.live()

    assert live.release is not None
    assert live.in_flight is not None
    assert (live.release.tag, live.in_flight.tag) == ("1", "2")
    assert live.shares == {
        live.release.fingerprint: pytest.approx(0.9),
        live.in_flight.fingerprint: pytest.approx(0.1),
    }


def test_the_higher_number_is_the_newer_one_also_where_it_was_promoted_first(stage):
    stage.points("2", v1=0.9)

    live = stage.live()

    assert live.release is not None
    assert live.in_flight is not None
    assert (live.release.tag, live.in_flight.tag) == ("1", "2")


def test_numbers_are_numbers_and_ten_is_newer_than_nine(stage):
    for number in range(4, 11):
        stage.functions.deploy("checkout", f"code {number}", NOON)
    stage.points("9", v10=0.1)

    live = stage.live()

    assert live.in_flight is not None
    assert live.in_flight.tag == "10"


@pytest.mark.parametrize(("share", "serves"), [(0.0, "1"), (1.0, "2")])
def test_a_weight_of_nothing_or_of_everything_is_no_rollout(stage, share, serves):
    stage.points("1", v2=share)

    live = stage.live()

    assert live.release is not None
    assert live.release.tag == serves
    assert live.in_flight is None
    assert stage.world.count("lambda", "GetFunctionConfiguration") == 1


def test_the_same_content_under_a_new_number_is_the_same_release(stage):
    stage.functions.publish("checkout", NOON, "published once more")  # `$LATEST` is what version 3 is
    stage.points("3")
    before = stage.live().release
    stage.points("4")

    after = stage.live().release

    assert after.tag == "4"
    assert after.is_same_as(before)


@pytest.mark.parametrize(
    "content",
    [
        {"Environment": {"Variables": {"TABLE": "other"}}},
        {"MemorySize": 512},
        {"Handler": "app.other"},
        {"Layers": [{"Arn": "arn:aws:lambda:eu-central-1:123456789012:layer:base:2"}]},
    ],
    ids=lambda content: next(iter(content)),
)
def test_the_same_code_with_another_configuration_is_another_release(stage, content):
    stage.functions.deploy("checkout", "code 3", NOON, **content)
    stage.points("4")

    found = stage.live().release

    assert found is not None
    assert not found.is_same_as(stage.release("3"))


def test_what_aws_changes_by_itself_makes_no_other_release(stage):
    before = stage.live().release
    stage.functions.becomes(
        "checkout",
        "1",
        NOON,
        State="Inactive",
        StateReasonCode="Idle",
        RuntimeVersionConfig={"RuntimeVersionArn": f"arn:aws:lambda:eu-central-1::runtime:{'a' * 64}"},
        SnapStart={"ApplyOn": "None", "OptimizationStatus": "On"},
    )

    assert stage.restarted().live().release == before


def test_the_environment_is_never_shown(stage):
    stage.functions.deploy(
        "checkout", "code 4", NOON, Environment={"Variables": {"PASSWORD": "hunter2secret"}}
    )
    stage.points("4")
    target = stage.target()

    shown = repr((stage.live(target), stage.run(target.resolve({})), vars(target._reader)))

    assert "hunter2secret" not in shown
    assert "PASSWORD" not in shown


def test_a_version_whose_environment_may_not_be_decrypted_is_known_by_its_number(stage):
    error = {"ErrorCode": "AccessDenied", "Message": "kms says no"}
    stage.functions.deploy("checkout", "code 4", NOON, Environment={"Error": error})
    stage.points("4")

    release = stage.live().release

    assert release is not None
    assert release.is_only_a_tag
    assert release.tag == "4"


def test_a_function_without_the_alias_serves_nothing_yet(stage):
    assert stage.live(stage.target(alias="staging")) == Live(None)


def test_a_function_that_is_not_there_is_unreadable_and_never_nothing(stage):
    found = stage.run(stage.target(function="chekout").observe())

    assert isinstance(found, Unreadable)
    assert "Function not found" in found.words


def test_a_function_that_is_called_like_an_alias_is_not_taken_for_one_without(stage):
    found = stage.run(stage.target(function="alias-service").observe())

    assert isinstance(found, Unreadable)


def test_an_alias_that_points_to_a_version_that_cannot_be_found_is_unreadable(stage):
    stage.functions.delete_version("checkout", "1")

    found = stage.run(stage.target().observe())

    assert isinstance(found, Unreadable)
    assert "version 1" in found.words


def test_looking_again_is_one_call(stage):
    target = stage.target()
    stage.live(target)
    stage.world.calls.clear()

    stage.live(target)

    assert [call.operation for call in stage.world.calls] == ["GetAlias"]


def test_a_refusal_is_told_in_lambdas_words_with_what_to_do(stage):
    stage.world.faults.fail("lambda", error=AwsError("AccessDeniedException", "not you", 403), times=None)

    found = stage.run(stage.target().observe())

    assert isinstance(found, Unreadable)
    assert "AccessDeniedException: not you" in found.words
    assert "rollbackd doctor" in found.words


# ------------------------------------------------------------------------------------------------------------ our own move


def test_our_own_move_is_recognised_by_what_it_left_in_the_description(stage):
    stage.points("2")
    stage.run(stage.target().begin(stage.move(), KEY))

    live = stage.restarted().live()

    assert live.key == KEY
    assert live.since == NOON


def test_what_somebody_else_does_afterwards_is_not_ours(stage):
    stage.points("2")
    stage.run(stage.target().begin(stage.move(), KEY))
    stage.points("3")

    live = stage.live()

    assert live.key is None
    assert live.since is None


def test_what_somebody_writes_into_a_description_is_no_move_of_ours(stage):
    for words in ("[rollbackd:move]", f"[rollbackd:move {KEY} 1 2 1]", f"[rollbackd:move {KEY} soon 2 1]"):
        stage.functions.point("checkout", "live", "1", NOON, description=words)

        assert stage.live().key is None


# ---------------------------------------------------------------------------------------------------------------- $LATEST


def test_a_function_that_is_called_without_an_alias_is_watched_by_its_content(stage):
    target = stage.target(alias=None)
    before = stage.live(target)
    stage.functions.update("checkout", "code 4", NOON)
    after = stage.live(target)

    assert before.release is not None
    assert after.release is not None
    assert before.release.tag.startswith("LATEST.")
    assert not after.release.is_same_as(before.release)
    assert after.release.tag != before.release.tag
    assert after.in_flight is None


def test_it_cannot_be_rolled_back_and_the_lines_to_add_are_said(stage):
    (words,) = stage.live(stage.target(alias=None)).obstacles

    for line in (
        "aws lambda publish-version --function-name checkout",
        "aws lambda create-alias --function-name checkout --name live",
        "AutoPublishAlias: live",
        "alias: live",
    ):
        assert line in words


def test_an_alias_that_points_to_it_cannot_be_rolled_back_either(stage):
    stage.points("$LATEST")

    live = stage.live()

    assert live.release is not None
    assert live.release.tag.startswith("LATEST.")
    assert "no version to go back to" in live.obstacles[0]


# --------------------------------------------------------------------------------------------------------------- CodeDeploy


def test_what_sam_has_made_and_is_moved_by_weights_is_not_moved_before_it_is_said_who_moves_it(stage):
    stage.functions.tag("checkout", NOON, lambda__createdBy="SAM")
    stage.points("1", v2=0.1)

    (words,) = stage.live().obstacles

    assert "codedeploy: {application" in words
    assert stage.live(stage.target(codedeploy="nothing")).obstacles == ()


def test_what_sam_has_made_and_nobody_moves_now_is_no_obstacle(stage):
    stage.functions.tag("checkout", NOON, lambda__createdBy="SAM")

    assert stage.live().obstacles == ()


def test_what_others_have_made_and_is_moved_by_weights_is_no_obstacle(stage):
    stage.points("1", v2=0.1)

    assert stage.live().obstacles == ()


def test_reads_that_are_late_show_what_was(stage):
    stage.points("2")
    stage.world.faults.stale("lambda", by=timedelta(seconds=10))

    assert stage.live().release == stage.release("1")


def test_many_who_look_at_one_alias_at_one_time_are_one_call():
    stage = Stage()
    targets = [stage.target() for _ in range(3)]

    async def all_look() -> list[object]:
        return await asyncio.gather(*(target.observe() for target in targets))

    found = stage.run(all_look())

    assert all(isinstance(each, Live) for each in found)
    assert stage.world.count("lambda", "GetAlias") == 1
    assert len(set(map(repr, found))) == 1
