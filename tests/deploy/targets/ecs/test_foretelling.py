import re
from datetime import timedelta

import pytest

from deploy.model import Move, Release
from deploy.targets.ecs.definition import Definition, Image
from deploy.targets.ecs.foretelling import became_of, capacity, lasted
from deploy.targets.ecs.history import Attempt
from deploy.targets.ecs.service import Service
from tests.deploy.targets.ecs.stage import Stage
from tests.fakes.aws import AwsError
from tests.fakes.aws.fixtures import NOON


def foretell(stage, move=None):
    return stage.run(stage.target().foretell(move or stage.move()))


def test_a_finished_deployment_is_foretold_with_its_calls_time_and_capacity(stage):
    stage.deployed("web:2")

    foretold = foretell(stage)

    assert foretold.calls[0].startswith(
        "ecs:TagResource arn:aws:ecs:eu-central-1:123456789012:service/prod/web"
    )
    assert foretold.calls[1] == (
        "ecs:UpdateService cluster=prod service=web taskDefinition=web:1 (ECS has no compare-and-set: it is read right before, and"
        " what somebody deploys between our look and the call is replaced)"
    )
    assert foretold.by_hand == (
        "aws ecs update-service --cluster prod --service web --task-definition web:1 --region eu-central-1"
    )
    assert re.fullmatch(r"about \d+ s, at most \d+ s, by the last 2 deployments", foretold.takes)
    assert foretold.capacity == "all 4 tasks are kept, up to 6 may run"
    assert foretold.obstacles == ()
    assert stage.world.mutating_calls() == []


def test_what_is_foretold_in_flight_is_what_is_then_sent(stage):
    stage.deploy("web:2")
    stage.goes_on(seconds=25)

    foretold = foretell(stage)
    stage.run(stage.target().begin(stage.move(), "w_1.3.0"))

    arn = stage.world.ecs.find("web").history[0].arn
    assert foretold.calls[1] == (
        f"ecs:StopServiceDeployment serviceDeploymentArn={arn} stopType=ROLLBACK"
        " (it names the one deployment that it is of: what somebody else deploys is not touched)"
    )
    assert foretold.by_hand == (
        f"aws ecs stop-service-deployment --service-deployment-arn {arn} --stop-type ROLLBACK --region eu-central-1"
    )
    assert stage.changed() == ["StopServiceDeployment"]


def test_how_long_it_takes_is_told_by_those_that_came_to_an_end():
    def attempt(status, **lasts):
        return Attempt("arn", status, "", started=NOON, finished=NOON + timedelta(**lasts))

    ended = [
        attempt("SUCCESSFUL", minutes=4),
        attempt("ROLLBACK_SUCCESSFUL", minutes=7),
        attempt("SUCCESSFUL", minutes=3),
    ]
    others = [attempt("STOPPED", hours=3), Attempt("arn", "IN_PROGRESS", "", started=NOON)]

    assert lasted([*ended, *others]) == "about 4 min, at most 7 min, by the last 3 deployments"


@pytest.mark.parametrize(
    ("desired", "least", "most", "words"),
    [
        (10, 50, 200, "5 of 10 tasks may be gone at once, up to 20 may run"),
        (3, 50, 150, "1 of 3 tasks may be gone at once, up to 4 may run"),
        (4, 100, 200, "all 4 tasks are kept, up to 8 may run"),
        (1, 0, 100, "1 of 1 tasks may be gone at once, up to 1 may run"),
        (4, None, None, "all 4 tasks are kept, up to 8 may run"),
    ],
)
def test_capacity_is_told_in_tasks(desired, least, most, words):
    assert capacity(Service("web", "", "prod", desired=desired, least=least, most=most)) == words


def test_a_definition_that_was_deregistered_is_an_obstacle(stage):
    stage.deployed("web:2")
    stage.world.ecs.definitions.deregister("web:1")

    (obstacle,) = foretell(stage).obstacles

    assert "web:1 is INACTIVE" in obstacle
    assert "register the same content anew" in obstacle


def test_a_definition_that_is_not_there_any_more_is_an_obstacle(stage):
    stage.deployed("web:2")
    move = Move("service", stage.release("web:2"), Release.of_tag("shop:9"))

    assert "shop:9 cannot be read" in foretell(stage, move).obstacles[0]


def ecr_stage(*pushed: str) -> tuple[Stage, Move]:
    """``web:4`` by a tag of ECR served, and ``web:2`` has its place."""
    stage = Stage()
    for tag in pushed:
        stage.world.ecr.push("shop", tag, "old", stage.clock.time)
    stage.world.ecs.register("web", stage.world.ecr.image("shop", "live"), stage.clock.time)
    stage.deployed("web:4")
    good = stage.live().release
    stage.deployed("web:2")
    return stage, Move("service", expect=stage.release("web:2"), to=good)


def test_an_image_that_is_where_it_was_is_no_obstacle():
    stage, move = ecr_stage("live")

    assert foretell(stage, move).obstacles == ()
    assert stage.world.count("ecr", "DescribeImages") == 1


def test_a_tag_of_an_image_that_was_moved_is_an_obstacle():
    stage, move = ecr_stage("live")
    stage.world.ecr.push("shop", "live", "new", stage.clock.time)

    (obstacle,) = foretell(stage, move).obstacles

    assert "the tag was moved" in obstacle
    assert move.to.names["digest"] in obstacle


def test_an_image_that_is_gone_is_an_obstacle():
    stage, move = ecr_stage("another")

    (obstacle,) = foretell(stage, move).obstacles

    assert "ECR has no image" in obstacle


def test_where_ecr_may_not_be_read_nothing_is_said_of_images():
    stage, move = ecr_stage("another")
    stage.world.identities.grant_own({"ecs:*"})
    foretold = foretell(stage, move)

    assert foretold.obstacles == foretold.gone == ()
    assert foretold.unread


def test_what_went_before_is_not_asked_of_ecr_where_ecs_itself_goes_back():
    stage, move = ecr_stage("live")
    stage.run(stage.target().begin(move, "w_1.3.0"))
    stage.goes_on(minutes=10)
    stage.deploy("web:2")
    stage.goes_on(seconds=25)
    stage.world.ecr.push("shop", "live", "new", stage.clock.time)

    foretold = foretell(stage, move)

    assert "StopServiceDeployment" in foretold.calls[1]
    assert foretold.obstacles == ()


def test_a_controller_that_is_not_ecs_is_an_obstacle():
    codedeploy = Stage({"controller": "CODE_DEPLOY"})
    move = Move("service", Release.of_tag("web:2"), Release.of_tag("web:1"))

    assert "CodeDeploy" in foretell(codedeploy, move).obstacles[0]


def test_the_same_task_definition_cannot_be_gone_back_to_and_says_so():
    stage, move = ecr_stage("live")
    stage.run(stage.target().begin(move, "w_1.3.0"))
    stage.goes_on(minutes=10)
    old = stage.live().release
    stage.world.ecr.push("shop", "live", "new", stage.clock.time)
    stage.deployed("web:4")
    new = stage.live().release

    obstacles = foretell(stage, Move("service", expect=new, to=old)).obstacles

    assert any("only its images were others" in words for words in obstacles)


def test_a_service_that_cannot_be_read_is_foretold_as_far_as_it_can_be(stage):
    move = stage.move()
    stage.world.faults.throttle("ecs")

    foretold = foretell(stage, move)

    assert "ThrottlingException" in foretold.obstacles[0]
    assert foretold.by_hand.startswith(
        "aws ecs update-service --cluster prod --service web --task-definition web:1"
    )


def test_what_no_deployment_has_shown_is_not_known(stage):
    stage.clock.time = NOON + timedelta(days=100)

    assert "not known" in foretell(stage).takes


def test_a_history_that_may_not_be_read_hides_nothing_else(stage):
    stage.deployed("web:2")
    move = stage.move()
    stage.world.identities.grant_own({"ecs:Describe*"})

    foretold = foretell(stage, move)

    assert "AccessDenied" in foretold.takes
    assert foretold.by_hand


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"imageDigest": "sha256:now", "imageStatus": "ARCHIVED"}, "has archived the image"),
        ({"imageDigest": "sha256:now"}, "the tag was moved"),
        ({"imageDigest": "sha256:then"}, ""),
        (
            {
                "imageDigest": "sha256:now",
                "imageManifestMediaType": "application/vnd.oci.image.index.v1+json",
            },
            "",
        ),
    ],
)
def test_what_ecr_says_of_an_image_is_read_carefully(told, words):
    image = Image("web", "shop:live")

    said = became_of(told, Definition("arn", "web:1", "", (image,)), image, "sha256:then")

    assert words in said
    assert bool(said) == bool(words)


def test_a_plan_that_cannot_be_decided_says_why(stage):
    stage.deploy("web:2")
    stage.goes_on(seconds=25)
    move = stage.move()
    stage.world.faults.fail(
        "ecs", "DescribeServiceDeployments", error=AwsError("ClientException", "no such thing")
    )

    assert "no such thing" in foretell(stage, move).obstacles[0]
