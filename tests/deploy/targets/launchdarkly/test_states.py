"""How a flag is set is a release: its tag can be set again, its fingerprint is all that decides who gets what."""

import json

import pytest

from deploy.model import (
    Live,
    Unreadable,
)
from deploy.targets.launchdarkly.state import release_of, set_to
from tests.fakes.launchdarkly import FLAG, weighted
from tests.fakes.launchdarkly.world import OTHER, Told


@pytest.mark.parametrize(
    ("change", "tag"),
    [
        ({"on": False}, "off"),
        ({"on": True}, "on.true"),
        ({"on": True, "fallthrough": {"variation": 2}}, "on.2"),
        ({"on": True, "fallthrough": weighted(v0=5, v1=95)}, "on.true:5+false:95"),
        ({"on": True, "fallthrough": weighted(v0=0.5, v1=99.5)}, "on.true:0.5+false:99.5"),
        ({"on": True, "fallthrough": weighted(v0=100, v1=0)}, "on.true"),
        ({"on": True, "fallthrough": {"variation": 7}}, "on.7"),
    ],
)
def test_how_it_is_set_is_its_tag(stage, change, tag):
    assert stage.sets(**change).tag == tag


def test_who_is_told_apart_otherwise_stands_in_the_tag(stage):
    rollout = weighted(v0=5, v1=95)["rollout"] | {"contextKind": "device", "bucketBy": "region"}

    assert stage.sets(on=True, fallthrough={"rollout": rollout}).tag == "on.true:5+false:95/device/region"


def test_rules_targets_and_prerequisites_make_another_release_of_it(stage):
    rule = {
        "_id": "r1",
        "ref": "x",
        "variation": 1,
        "clauses": [{"attribute": "email", "op": "endsWith", "values": ["@a"]}],
    }
    bare = stage.sets(on=True)
    found = [
        stage.sets(rules=[rule]),
        stage.sets(rules=[rule | {"variation": 0}]),
        stage.sets(rules=[], contextTargets=[{"variation": 1, "values": ["ada"], "contextKind": "user"}]),
        stage.sets(contextTargets=[], prerequisites=[{"key": "other", "variation": 0}]),
    ]

    assert len({each.fingerprint for each in (bare, *found)}) == 5
    assert all(each.tag.startswith("on.true@") for each in found)


@pytest.mark.parametrize(
    "change",
    [
        {"trackEvents": True},
        {"contextTargets": [{"variation": 1, "values": [], "contextKind": "user"}]},
        {"rules": [{"_id": "r", "disabled": True, "clauses": []}]},
    ],
    ids=["events", "a target of nobody", "a rule that is switched off"],
)
def test_what_decides_nothing_is_no_content(stage, change):
    before = stage.sets(on=True)

    assert stage.sets(**change).is_same_as(before)


def test_what_is_changed_while_it_is_off_is_another_release_only_once_it_is_on(stage):
    off = stage.sets(on=False)

    assert stage.sets(fallthrough={"variation": 2}).is_same_as(off)
    assert not stage.sets(offVariation=2).is_same_as(off)


def test_another_environment_is_none_of_ours(stage):
    before = stage.sets(on=True)
    stage.world.sets(environment=OTHER, on=True, fallthrough={"variation": 2})

    assert stage.live().release.is_same_as(before)


def test_each_tag_can_be_set_again_and_what_is_none_cannot(stage):
    stage.sets(on=True)
    flag = stage.run(stage.target()._client.flag())

    for tag in (
        "off",
        "on.true",
        "on.2",
        "on.true:5+false:95",
        "on.true:0.005+false:99.995",
        "on.true:50+false:50/device/key",
    ):
        after = set_to(flag, tag)
        assert after is not None
        assert release_of(after, FLAG).tag == tag
    for tag in (
        "on",
        "on.3",
        "on.third",
        "on.0:5+1:94",
        "on.0+1",
        "on.many@12345678",
        "on.nothing",
        "v42",
        "on.0:5+1:95/x",
    ):
        assert set_to(flag, tag) is None, tag


@pytest.mark.parametrize(
    ("values", "tag"),
    [
        ([False, True], "on.false:5+true:95"),
        (["blue", "green"], "on.0:5+1:95"),
        ([1, 0], "on.0:5+1:95"),
        (["true", "false"], "on.0:5+1:95"),
        ([{"a": 1}, None], "on.0:5+1:95"),
    ],
)
def test_a_variation_goes_by_its_value_where_that_is_true_or_false_and_shows_no_other(stage, values, tag):
    stage.world.variations = values

    found = stage.sets(on=True, fallthrough=weighted(v0=5, v1=95))
    after = set_to(stage.run(stage.target()._client.flag()), tag)

    assert found.tag == tag
    assert after is not None
    assert release_of(after, FLAG).is_same_as(found)


def test_by_its_place_it_can_be_set_all_the_same(stage):
    stage.sets(on=True)
    flag = stage.run(stage.target()._client.flag())

    after = set_to(flag, "on.0:5+1:95")

    assert after is not None
    assert release_of(after, FLAG).tag == "on.true:5+false:95"


def test_more_than_a_tag_can_say_is_told_by_its_content(stage):
    stage.world.variations = [str(number) for number in range(25)]
    many = {f"v{number}": 4.0 for number in range(25)}

    found = stage.sets(on=True, fallthrough=weighted(**many))

    assert found.tag.startswith("on.many@")
    assert not stage.sets(fallthrough=weighted(**(many | {"v0": 5.0, "v1": 3.0}))).is_same_as(found)


def test_an_archived_flag_gives_nothing(stage):
    stage.world.archived = True
    live = stage.run(stage.target().observe())

    assert isinstance(live, Live)
    assert live.release is None


def test_an_experiment_is_not_moved_by_itself(stage):
    rollout = weighted(v0=50, v1=50)["rollout"] | {"experimentAllocation": {"defaultVariation": 0}}
    stage.sets(on=True, fallthrough={"rollout": rollout})

    assert "an experiment decides" in stage.live().obstacles[0]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<html>", "not an answer of LaunchDarkly"),
        (b"{}", "not an answer of LaunchDarkly: variations"),
        (b'{"variations": [], "environments": {"staging": {}}}', "not an answer of LaunchDarkly"),
        (b'{"variations": [], "environments": {}}', "the project has no environment production"),
        (
            json.dumps({"variations": [{"value": 1}] * 201}).encode(),
            "not an answer of LaunchDarkly: variations",
        ),
    ],
)
def test_what_is_no_flag_is_unreadable_and_says_where(stage, body, words):
    stage.world.befalls("GET", Told(200, body))

    found = stage.run(stage.target().observe())

    assert isinstance(found, Unreadable)
    assert words in found.words
