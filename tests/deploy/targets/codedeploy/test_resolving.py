"""Which release an announcement means."""

import asyncio

import pytest

from deploy.model import Gone, Release, Unreadable
from tests.deploy.targets.codedeploy.revisions import bundle, etag
from tests.deploy.targets.codedeploy.stage import Stage, release


def resolved(stage: Stage, **hints: str):
    return stage.run(stage.target().resolve(hints))


def test_an_event_means_what_its_deployment_deploys(stage):
    made = stage.deploy(2)

    assert resolved(stage, deployment=made) == release(2)


def test_one_that_is_over_and_that_nothing_has_followed_means_it_still(stage):
    made = stage.deployed(2)

    assert resolved(stage, deployment=made) == release(2)


def test_one_that_another_has_followed_is_gone(stage):
    made = stage.deployed(2)
    stage.deploy(3)

    found = resolved(stage, deployment=made)

    assert isinstance(found, Gone)
    assert made in found.words


def test_one_for_instances_that_came_is_no_deployment_of_the_group(stage):
    made = stage.codedeploy.scale_out("shop", "prod", "i-5", stage.clock.time)

    found = resolved(stage, deployment=made)

    assert isinstance(found, Gone)
    assert "autoscaling" in found.words


def test_one_of_another_group_is_none_of_ours(stage):
    stage.codedeploy.create_group("shop", "other", stage.clock.time)
    made = stage.codedeploy.deploy("shop", "other", bundle(2), stage.clock.time)

    found = resolved(stage, deployment=made)

    assert isinstance(found, Gone)
    assert "shop/other" in found.words


def test_what_is_no_id_hides_nothing_from_others_that_are_asked_about_with_it(stage):
    made, target = stage.deploy(2), stage.target()

    async def both():
        return await asyncio.gather(
            target.resolve({"deployment": "d-forged"}), target.resolve({"deployment": made})
        )

    forged, told = stage.run(both())

    assert isinstance(forged, Unreadable)
    assert told == release(2)


def test_one_that_codedeploy_does_not_know_yet_is_awaited(stage):
    found = resolved(stage, deployment="d-LATER1234")

    assert found == Unreadable("CodeDeploy does not know the deployment d-LATER1234 yet", awaited=True)


def test_codedeploys_own_way_back_means_what_it_goes_back_to(stage):
    stage.behaves(2, fails_at="ValidateService")
    stage.deploy(2, autoRollbackConfiguration={"enabled": True, "events": ["DEPLOYMENT_FAILURE"]})
    stage.goes_on(seconds=40)

    assert resolved(stage, deployment=stage.last().id) == release(1)


@pytest.mark.parametrize("called", ["artifacts/shop/1.2.zip@v2", "shop/1.2.zip", "1.2.zip", "1.2"])
def test_what_runs_is_found_by_what_people_call_it(stage, called):
    stage.deploy(2)

    assert resolved(stage, tag=called) == release(2)


def test_a_version_alone_is_the_one_of_the_file(stage):
    stage.deploy(2)

    assert resolved(stage, version="1.2") == release(2)
    assert isinstance(resolved(stage, version="1.9"), Unreadable)


def test_beside_a_tag_a_version_is_a_name_like_any_other(stage):
    found = resolved(stage, tag="1.1", version="2026.11", sentry="shop@7")

    assert isinstance(found, Release)
    assert found.names["version"] == "1.1"  # what the platform says wins
    assert found.names["sentry"] == "shop@7"


def test_a_fingerprint_must_be_the_same(stage):
    assert resolved(stage, fingerprint=f"etag:{etag(1)}") == release(1)
    assert isinstance(resolved(stage, fingerprint="etag:e9"), Unreadable)
    assert isinstance(resolved(stage, tag="1.1", fingerprint="etag:e9"), Unreadable)


def test_what_does_not_run_yet_is_asked_for_again(stage):
    found = resolved(stage, tag="artifacts/shop/1.3.zip@v3")

    assert isinstance(found, Unreadable)
    assert "does not run yet" in found.words


def test_where_nothing_was_deployed_nothing_is_meant(stage):
    stage.codedeploy.create_group("shop", "empty", stage.clock.time)

    assert isinstance(stage.run(stage.target("empty").resolve({})), Unreadable)
