from datetime import timedelta

from deploy.model import Gone, Release, Unreadable
from deploy.targets.ecs.looking import View
from deploy.targets.ecs.resolving import Seen
from deploy.targets.ecs.resolving import resolve as of_hints
from deploy.targets.ecs.service import service_of
from tests.fakes.aws.fixtures import NOON

ID = "deployment"


def resolve(stage, target=None, **hints):
    return stage.run((target or stage.target()).resolve(hints))


def test_an_event_means_the_deployment_that_it_names_and_nothing_newer(stage):
    first = stage.world.ecs.find("web").primary.id
    second = stage.deploy("web:2")
    stage.goes_on(seconds=25)

    assert resolve(stage, deployment=first).tag == "web:1"
    assert resolve(stage, deployment=second).tag == "web:2"
    assert ID not in resolve(stage, deployment=second).names


def test_a_deployment_that_was_seen_and_has_a_younger_one_in_its_place_is_gone(stage):
    target = stage.target()
    stage.live(target)
    old = stage.world.ecs.find("web").primary.id
    stage.deployed("web:2")

    assert isinstance(resolve(stage, target, deployment=old), Gone)


def test_a_deployment_that_was_never_seen_is_asked_for_again_and_gone_after_a_minute(stage):
    target = stage.target()

    first = resolve(stage, target, deployment="ecs-svc/99")
    stage.goes_on(seconds=59)
    second = resolve(stage, target, deployment="ecs-svc/99")
    stage.goes_on(seconds=2)
    third = resolve(stage, target, deployment="ecs-svc/99")

    assert isinstance(first, Unreadable)
    assert isinstance(second, Unreadable)
    assert isinstance(third, Gone)


def test_a_deployment_that_is_not_visible_yet_is_asked_for_again_and_then_found(stage):
    target = stage.target()
    new = stage.deploy("web:2")
    stage.goes_on(seconds=25)
    fault = stage.world.faults.stale("ecs", by=timedelta(seconds=30))
    stale = resolve(stage, target, deployment=new)
    stage.world.faults.lift(fault)

    assert isinstance(stale, Unreadable)
    assert resolve(stage, target, deployment=new).tag == "web:2"


def test_a_stale_read_after_a_fresh_one_does_not_make_a_deployment_gone(stage):
    target = stage.target()
    new = stage.deploy("web:2")
    stage.goes_on(seconds=25)
    assert isinstance(resolve(stage, target, deployment=new), Release)

    stage.world.faults.stale("ecs", by=timedelta(seconds=30))

    assert isinstance(resolve(stage, target, deployment=new), Unreadable)


def test_a_deployment_of_which_ecs_itself_speaks_and_which_it_does_not_show_is_gone():
    said = {"createdAt": NOON, "message": "(service web) (deployment ecs-svc/7) deployment completed."}
    view = View(service_of({"desiredCount": 1, "deployments": [], "events": [said]}, "prod"), {})

    assert isinstance(of_hints(view, {ID: "ecs-svc/7"}, Seen(), NOON), Gone)
    assert isinstance(of_hints(view, {ID: "ecs-svc/"}, Seen(), NOON), Unreadable)


def test_what_was_rolled_back_meanwhile_is_not_taken_for_what_came_instead(stage):
    target = stage.target()
    new = stage.deploy("web:2")
    stage.goes_on(seconds=25)
    stage.live(target)
    stage.run(target.begin(stage.move(), "w_1.3.0"))
    stage.goes_on(minutes=2)

    found = resolve(stage, target, deployment=new)

    assert isinstance(found, Gone | Unreadable)
    stage.goes_on(minutes=2)
    assert isinstance(resolve(stage, target, deployment=new), Gone)


def test_a_version_means_what_runs_by_that_version(stage):
    stage.deploy("web:2")
    stage.goes_on(seconds=25)

    assert resolve(stage, version="2.0").tag == "web:2"
    assert resolve(stage, version="1.0").tag == "web:1"
    assert isinstance(resolve(stage, version="9.9"), Unreadable)


def test_a_tag_is_a_task_definition_by_number_or_by_arn(stage):
    arn = stage.world.ecs.find("web").task_definition

    assert resolve(stage, tag="web:1").tag == "web:1"
    assert resolve(stage, tag=arn).tag == "web:1"
    assert isinstance(resolve(stage, tag="web:2"), Unreadable)


def test_a_fingerprint_must_be_the_one_that_runs(stage):
    known = stage.live().release.fingerprint

    assert resolve(stage, fingerprint=known).tag == "web:1"
    assert resolve(stage, tag="web:1", fingerprint="tag:web:1").tag == "web:1"
    assert isinstance(resolve(stage, tag="web:1", fingerprint="sha256:other"), Unreadable)


def test_a_version_beside_a_tag_is_a_name_and_what_the_platform_says_of_it_wins(stage):
    found = resolve(stage, tag="web:1", version="4.2", sentry="shop@4.2")

    assert found.names["version"] == "1.0"
    assert found.names["sentry"] == "shop@4.2"


def test_what_is_coming_and_cannot_be_told_yet_is_asked_for_again_and_what_serves_is_told(stage):
    new = stage.deploy("web:2")

    assert isinstance(resolve(stage), Unreadable)
    assert isinstance(resolve(stage, deployment=new), Unreadable)
    assert isinstance(resolve(stage, tag="web:2"), Unreadable)
    assert resolve(stage, tag="web:1").tag == "web:1"


def test_where_nothing_runs_nothing_is_meant(stage):
    stage.world.ecs.scale("web", 0, stage.clock.time)
    stage.goes_on(minutes=2)

    assert isinstance(resolve(stage), Unreadable)
