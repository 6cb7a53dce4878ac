"""Sharing calls out between two versions: one call, with the alias's revision, and nobody else's alias."""

from deploy.model import Begun, Refused, Release, Shift, Unreadable
from deploy.targets.lambda_alias import KIND, Settings
from tests.deploy.targets.lambda_alias.stage import KEY, READS_ONLY, Stage


def shift(share: float = 0.05, expect: float = 0.0) -> Shift:
    return Shift("service", Release.of_tag("1"), Release.of_tag("2"), share, expect)


def test_it_is_one_call_with_the_revision_and_leaves_the_description_alone():
    stage = Stage()

    assert isinstance(stage.run(stage.target().shift(shift(), KEY)), Begun)

    (call,) = stage.world.mutating_calls()
    assert call.parameters["FunctionVersion"] == "1"
    assert call.parameters["RoutingConfig"] == {"AdditionalVersionWeights": {"2": 0.05}}
    assert call.parameters["RevisionId"]
    assert "Description" not in call.parameters


def test_without_a_role_to_act_nothing_is_tried_and_what_cannot_be_read_is_not_moved():
    stage = Stage()
    assert isinstance(stage.run(stage.target(READS_ONLY).shift(shift(), KEY)), Refused)
    stage.world.faults.fail("lambda", times=None)

    refused = stage.run(stage.target().shift(shift(), KEY))

    assert isinstance(refused, Refused)
    assert refused.again_in is not None
    assert isinstance(stage.run(stage.target().shifted(shift(), KEY)), Unreadable)


def test_an_alias_that_is_not_there_or_has_no_versions_is_not_moved():
    stage = Stage()
    no_alias = stage.run(stage.target(alias="other").shift(shift(), KEY))

    assert isinstance(no_alias, Refused)
    assert stage.world.mutating_calls() == []


def test_stages_are_refused_where_codedeploy_moves_the_alias_or_there_is_none():
    plain = Settings(function="checkout", alias="live")
    group = {"application": "shop", "group": "checkout"}
    moved = Settings.model_validate({"function": "checkout", "alias": "live", "codedeploy": group})

    assert KIND.unstaged(plain) is None
    assert "CodeDeploy" in (KIND.unstaged(moved) or ("",))[0]
    assert "no version" in (KIND.unstaged(Settings(function="checkout")) or ("",))[0]
