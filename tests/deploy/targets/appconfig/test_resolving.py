"""Which release an announcement means: the one that its deployment brought, never something newer."""

import pytest

from deploy.model import Gone, Release, Unreadable
from tests.deploy.targets.appconfig.stage import BARE, SLOWLY


def resolve(stage, **hints):
    return stage.run(stage.target().resolve(hints))


def test_a_deployment_is_the_version_that_it_brings_also_once_it_was_taken_back(stage):
    number = stage.deploys("2", SLOWLY)
    stage.goes_on(minutes=4)
    coming = resolve(stage, deployment=f"ba8toh7/pgil2o7/{number}", tag="2")
    stage.appconfig.take_back(("ba8toh7", "pgil2o7"), number, stage.clock.time)
    after = resolve(stage, deployment=f"ba8toh7/pgil2o7/{number}")

    for found in (coming, after):
        assert isinstance(found, Release)
        assert found.tag == "2"


def test_a_deployment_that_another_has_followed_is_over(stage):
    stage.deploys("2", BARE)
    stage.goes_on(hours=1)

    assert isinstance(resolve(stage, deployment="ba8toh7/pgil2o7/1"), Gone)


def test_a_deployment_of_another_environment_is_none_of_ours(stage):
    assert isinstance(resolve(stage, deployment="ba8toh7/other77/1"), Gone)


def test_a_deployment_that_is_not_shown_yet_is_waited_for(stage):
    found = resolve(stage, deployment="ba8toh7/pgil2o7/9")

    assert found == Unreadable("AppConfig does not show deployment 9 yet", awaited=True)


@pytest.mark.parametrize("hints", [{"tag": "1"}, {"tag": "v41"}, {"version": "v41"}, {"version": "1"}])
def test_a_version_goes_by_its_number_and_by_its_label(stage, hints):
    found = resolve(stage, **hints)

    assert isinstance(found, Release)
    assert found.tag == "1"


def test_what_does_not_run_is_not_deployed_yet(stage):
    assert isinstance(resolve(stage, tag="7"), Unreadable)
