"""What a move would do, for `rollbackd plan` and shadow: nothing is changed by saying it."""

import shlex

from deploy.model import Foretold, Move
from tests.deploy.targets.codedeploy.revisions import bundle, etag
from tests.deploy.targets.codedeploy.stage import Stage, release
from tests.fakes.aws import AwsError


def foretold(stage: Stage, expect: int = 2, to: int = 1) -> Foretold:
    return stage.run(stage.target().foretell(stage.move(expect, to)))


def test_of_a_completed_deployment_the_one_call_is_told_with_all_that_it_says(stage):
    stage.deployed(2)

    (call,) = foretold(stage).calls

    assert call == (
        "codedeploy:CreateDeployment applicationName=shop deploymentGroupName=prod"
        " revision={revisionType=S3,s3Location={bucket=artifacts,key=shop/1.1.zip,bundleType=zip,version=v1,eTag="
        + etag(1)
        + "}}"
        " description=rollbackd KEY: back to artifacts/shop/1.1.zip@v1"
        " ignoreApplicationStopFailures=true fileExistsBehavior=OVERWRITE"
        " autoRollbackConfiguration={enabled=false} overrideAlarmConfiguration={enabled=false}"
        " (CodeDeploy has no compare-and-set: while somebody else's deployment is under way it refuses ours, but one that began and"
        " ended between our look and the call would be undone)"
    )


def test_a_person_makes_it_by_one_line_for_the_shell(stage):
    stage.deployed(2)

    by_hand = foretold(stage).by_hand

    assert by_hand.startswith(
        "aws deploy create-deployment --application-name shop --deployment-group-name prod --revision '{"
    )
    assert " --ignore-application-stop-failures --file-exists-behavior OVERWRITE" in by_hand
    assert "--description 'rollbackd by hand: back to artifacts/shop/1.1.zip@v1'" in by_hand
    assert by_hand.endswith("--region eu-central-1")


def test_in_flight_the_stop_is_told_first(stage):
    bad = stage.deploy(2)
    stage.goes_on(seconds=20)
    assert foretold(stage).calls == (
        "codedeploy:TagResource shop/prod rollbackd:move",
        f"codedeploy:StopDeployment deploymentId={bad} autoRollbackEnabled=true",
    )
    stage.goes_on(seconds=20)

    first, then = foretold(stage).calls

    assert first == f"codedeploy:StopDeployment deploymentId={bad} autoRollbackEnabled=false"
    assert then.startswith("codedeploy:CreateDeployment ")


def test_how_long_it_takes_is_told_by_the_last_deployments(stage):
    stage.deployed(2)

    assert foretold(stage).takes == "about 65 s, at most 65 s, by the last 2 deployments"


def test_where_none_has_succeeded_nobody_knows_how_long():
    stage = Stage()
    stage.codedeploy.create_group("shop", "empty", stage.clock.time)

    found = stage.run(stage.target("empty").foretell(stage.move()))

    assert found.takes == "not known: no deployment of the group has succeeded yet"


def test_the_capacity_is_the_groups_own(stage):
    stage.deployed(2)

    assert foretold(stage).capacity == (
        "up to half of the instances may be away at once (CodeDeployDefault.HalfAtATime); each is taken out of its balancer first"
    )


def test_all_at_once_is_called_what_it_is():
    stage = Stage({"config": "CodeDeployDefault.AllAtOnce"})
    stage.deployed(2)

    assert foretold(stage).capacity.startswith(
        "all instances may be away at once: while it moves the service is down"
    )


def test_a_configuration_of_ones_own_is_read():
    stage = Stage()
    for name, rule in {"three-quarters": ("FLEET_PERCENT", 75), "two": ("HOST_COUNT", 2)}.items():
        stage.codedeploy.configs[name] = rule
        stage.codedeploy.create_group("shop", name, stage.clock.time, config=name)

    said = [
        stage.run(stage.target(name).foretell(stage.move())).capacity for name in ("three-quarters", "two")
    ]

    assert said[0].startswith("at least 75 % of the instances stay healthy (three-quarters)")
    assert said[1].startswith("at least 2 of the instances stay healthy (two)")


def test_without_a_balancer_visitors_meet_the_restart():
    stage = Stage(
        {"deploymentStyle": {"deploymentType": "IN_PLACE", "deploymentOption": "WITHOUT_TRAFFIC_CONTROL"}}
    )
    stage.deployed(2)

    assert foretold(stage).capacity.endswith("visitors of an instance meet its restart")


def test_a_bundle_that_may_have_been_overwritten_is_an_obstacle():
    named = bundle(1, version=None, eTag=None)
    stage = Stage(first=named)
    good = stage.live().release
    assert good is not None
    stage.deployed(2)

    found = stage.run(stage.target().foretell(Move("service", expect=release(2), to=good)))

    assert any("deployed without eTag and version" in words for words in found.obstacles)


def test_a_release_that_the_group_never_had_is_an_obstacle(stage):
    stage.deployed(2)

    found = foretold(stage, 2, 7)

    assert found.calls == ()
    assert any("none has brought artifacts/shop/1.7.zip@v7" in words for words in found.obstacles)
    assert found.by_hand == "deploy artifacts/shop/1.7.zip@v7 again, from where its bundle is"
    assert "none has brought" in found.gone[0]


def test_what_this_version_cannot_move_is_an_obstacle():
    stage = Stage({"deploymentStyle": {"deploymentType": "BLUE_GREEN"}})
    stage.deployed(2)

    assert any("BLUE_GREEN" in words for words in foretold(stage).obstacles)


def test_without_obstacles_there_are_none(stage):
    stage.deployed(2)

    assert foretold(stage).obstacles == ()


def test_where_the_group_cannot_be_read_the_words_are_the_obstacle(stage):
    stage.world.faults.fail("codedeploy", times=None)

    found = foretold(stage)

    assert "InternalFailure" in found.obstacles[0]
    assert found.unread
    assert found.by_hand == (
        "aws deploy list-deployments --application-name shop --deployment-group-name prod"
        " --include-only-statuses Succeeded --region eu-central-1"
    )


def test_what_cannot_be_read_beside_it_is_said_and_hides_nothing_else(stage):
    stage.deployed(2)
    denied = AwsError("AccessDeniedException", "not authorized")
    stage.world.faults.fail("codedeploy", "ListDeployments", error=denied, times=None)

    found = foretold(stage, 2, 7)

    assert found.takes.startswith("not known: list_deployments: AccessDeniedException")
    assert any(
        words.startswith("where the files of artifacts/shop/1.7.zip@v7 are cannot be read")
        for words in found.obstacles
    )
    assert found.capacity.startswith("up to half")
    assert found.gone == ()
    assert found.unread


def test_a_configuration_that_cannot_be_read_is_named():
    stage = Stage()
    stage.codedeploy.configs["own"] = ("HOST_COUNT", 1)
    stage.codedeploy.create_group("shop", "own", stage.clock.time, config="own")
    denied = AwsError("AccessDeniedException", "not authorized")
    stage.world.faults.fail("codedeploy", "GetDeploymentConfig", error=denied, times=None)

    found = stage.run(stage.target("own").foretell(stage.move()))

    assert found.capacity.startswith("by own, which cannot be read: ")


def test_the_name_of_a_bundle_is_quoted_for_the_shell_whatever_it_is():
    stage = Stage(first=bundle(1, key="a'b; rm -rf $HOME.zip"))
    stage.deployed(2)
    good = Stage(first=bundle(1, key="a'b; rm -rf $HOME.zip")).live().release
    bad = stage.live().release
    assert good is not None
    assert bad is not None
    move = Move("service", expect=bad, to=good)

    words = shlex.split(stage.run(stage.target().foretell(move)).by_hand)

    assert words[:3] == ["aws", "deploy", "create-deployment"]
    assert '"key": "a\'b; rm -rf $HOME.zip"' in words[words.index("--revision") + 1]


def test_instances_on_which_the_last_deployment_failed_are_named(stage):
    stage.behaves(2, fails_at="ApplicationStart", fails_on=("i-3",), log="port 80 is taken")
    made = stage.deployed(2)

    (said,) = foretold(stage).obstacles

    assert (
        said == f"{made} failed on i-3 at ApplicationStart: port 80 is taken; the way back may fail there too"
    )
