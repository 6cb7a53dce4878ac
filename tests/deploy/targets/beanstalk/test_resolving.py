"""Which release an announcement means."""

import pytest

from deploy.model import Release, Unreadable
from tests.deploy.targets.beanstalk.stage import NOTHING, Stage


def resolved(stage: Stage, **hints: str) -> Release:
    found = stage.run(stage.target().resolve(hints))
    assert isinstance(found, Release), found
    return found


def test_an_event_of_beanstalk_means_what_is_coming_and_else_what_serves(stage):
    serving = resolved(stage)
    stage.deploys("v2")

    assert serving == stage.release("v1")
    assert resolved(stage) == stage.release("v2")


def test_a_label_is_meant_wherever_it_runs_and_nothing_newer(stage):
    stage.deploys("v2")

    assert resolved(stage, tag="v1") == stage.release("v1")
    assert resolved(stage, tag="v2") == stage.release("v2")
    assert resolved(stage, version="v2") == stage.release("v2")


@pytest.mark.parametrize("hints", [{"tag": "v3"}, {"version": "v3"}, {"fingerprint": "etag:0123"}])
def test_what_does_not_run_yet_is_asked_for_again(stage, hints):
    found = stage.run(stage.target().resolve(hints))

    assert isinstance(found, Unreadable)
    assert "does not run yet" in found.words


def test_by_its_content_it_is_found_under_any_label(stage):
    assert resolved(stage, fingerprint=stage.release("v1").fingerprint).tag == "v1"
    found = stage.run(stage.target().resolve({"tag": "v1", "fingerprint": "etag:0123"}))
    assert isinstance(found, Unreadable)


def test_of_two_labels_of_one_content_the_one_that_is_coming_is_meant(stage):
    stage.beanstalk.create_version("shop", "v1-again", "code 1", stage.clock.time)
    stage.deploys("v1-again")
    stage.goes_on(seconds=80)

    assert resolved(stage, fingerprint=stage.release("v1").fingerprint).tag == "v1-again"


def test_a_version_may_be_what_the_description_says(stage):
    stage.beanstalk.create_version("shop", "b-77", "code 77", stage.clock.time, Description="1.7.0")
    stage.deploys("b-77")

    assert resolved(stage, version="1.7.0").tag == "b-77"


def test_what_only_the_announcement_knows_is_kept(stage):
    found = resolved(stage, tag="v1", sentry="shop@1", reversible="false")

    assert found.names["sentry"] == "shop@1"
    assert not found.reversible


def test_where_nothing_serves_nothing_is_meant(stage):
    stage.beanstalk.create_environment("shop", NOTHING, "", stage.clock.time, instances=0)
    found = stage.run(stage.target(environment=NOTHING).resolve({}))

    assert isinstance(found, Unreadable)
