"""Which release an announcement means."""

import pytest

from deploy.model import Gone, Release, Unreadable


def resolve(stage, target=None, **hints):
    return stage.run((target or stage.target()).resolve(hints))


@pytest.mark.parametrize("hints", [{}, {"tag": "2"}, {"version": "2"}, {"tag": "2", "version": "v1.4.2"}])
def test_what_is_coming_is_meant(stage, hints):
    stage.points("1", v2=0.1)

    found = resolve(stage, **hints)

    assert isinstance(found, Release)
    assert found.is_same_as(stage.release("2"))


def test_what_the_description_says_is_a_version_too(stage):
    stage.functions.publish("checkout", stage.clock.time, "v1.4.2")
    stage.points("4")

    found = resolve(stage, version="v1.4.2")

    assert isinstance(found, Release)
    assert found.tag == "4"


def test_another_content_than_the_one_that_was_announced_is_not_meant(stage):
    assert isinstance(resolve(stage, tag="1", fingerprint="sha256:other"), Unreadable)
    assert isinstance(resolve(stage, tag="1", fingerprint="tag:1"), Release)


def test_a_pipeline_that_announces_before_it_moves_is_waited_for(stage):
    found = resolve(stage, tag="2")

    assert isinstance(found, Unreadable)
    assert found.words == "tag 2 is not called yet"


def test_what_the_trail_told_late_is_over_once_it_does_not_show_for_a_minute(stage):
    stage.points("3")
    target = stage.target()

    at_first = resolve(stage, target, tag="2", deployment="e-1")
    stage.goes_on(seconds=59)
    still = resolve(stage, target, tag="2", deployment="e-1")
    stage.goes_on(seconds=1)
    over = resolve(stage, target, tag="2", deployment="e-1")

    assert at_first == Unreadable("tag 2 is not called yet", awaited=True)
    assert isinstance(still, Unreadable)
    assert isinstance(over, Gone)


def test_what_the_trail_told_and_shows_is_meant(stage):
    stage.points("2")

    found = resolve(stage, tag="2", deployment="e-1")

    assert isinstance(found, Release)
    assert "deployment" not in found.names


def test_latest_is_meant_by_its_own_name(stage):
    target = stage.target(alias=None)

    for hints in ({}, {"tag": "$LATEST"}):
        found = resolve(stage, target, **hints)
        assert isinstance(found, Release)
        assert found.tag.startswith("LATEST.")
    assert isinstance(resolve(stage, tag="$LATEST"), Unreadable)


def test_where_nothing_is_called_there_is_nothing_to_mean(stage):
    assert isinstance(resolve(stage, stage.target(alias="staging")), Unreadable)


# ------------------------------------------------------------------------------------- what is to be given its first calls


def stands_by(stage, **hints):
    return stage.run(stage.target().stands_by(hints))


@pytest.mark.parametrize("hints", [{"tag": "2"}, {"version": "2"}, {"tag": "2", "fingerprint": "tag:2"}])
def test_a_version_that_is_published_is_found_though_nothing_calls_it(stage, hints):
    found = stands_by(stage, **hints)

    assert isinstance(found, Release)
    assert found.is_same_as(stage.release("2"))
    assert stage.changed() == []


def test_one_that_is_called_is_found_by_what_its_description_says(stage):
    stage.functions.publish("checkout", stage.clock.time, "v1.4.2")
    stage.points("1", v4=0.1)

    assert stands_by(stage, version="v1.4.2").tag == "4"


@pytest.mark.parametrize(
    ("hints", "words"),
    [
        ({"tag": "9"}, "checkout has no version 9: publish it first"),
        ({"tag": "v1.4.2"}, "tag v1.4.2 is no number of a version of checkout"),
        ({"tag": "$LATEST"}, "is no number of a version"),
        ({"tag": "2", "fingerprint": "sha256:other"}, "version 2 of checkout is another content than"),
    ],
)
def test_what_is_not_there_is_gone_and_not_waited_for(stage, hints, words):
    found = stands_by(stage, **hints)

    assert isinstance(found, Gone)
    assert words in found.words


def test_where_lambda_does_not_answer_nothing_is_known(stage):
    stage.world.faults.fail("lambda", times=None)

    assert isinstance(stands_by(stage, tag="2"), Unreadable)
