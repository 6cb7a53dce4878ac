"""``rollbackd doctor``: the times of a platform are held against those of the watch, before either matters."""

from datetime import timedelta

import pytest

from deploy.model import Level
from deploy.target import AtHook, Waits
from tests.builders import a_policy, minutes
from watcher.commands._doctor.waits import compared
from watcher.core.service import Bake, Hooks, Rollout

ANSWERS = Rollout(hooks=Hooks.ANSWER, at_least=minutes(10))


def a_hook(within: timedelta) -> AtHook:
    return AtHook("POST_SCALE_UP", within, goes_back=True, otherwise="ECS rolls the deployment back")


def said(waits: Waits, **policy) -> list[tuple[Level, str]]:
    return [(each.level, each.words) for each in compared(waits, a_policy(**policy))]


@pytest.mark.parametrize("within", [5, 10])
def test_a_hook_that_does_not_wait_for_as_long_as_is_to_be_seen_is_named(within):
    ((level, words),) = said(Waits((a_hook(minutes(within)),)), rollout=ANSWERS)

    assert level is Level.WARN
    assert words == (
        f"at POST_SCALE_UP it waits for {within}m, and is to be seen well for 10m first (`rollout.at_least`): before that ECS rolls the"
        " deployment back"
    )


def test_a_hook_that_waits_for_long_enough_is_well():
    assert said(Waits((a_hook(minutes(11)),)), rollout=ANSWERS) == [
        (Level.OK, "the platform waits long enough for the watch")
    ]


def test_a_hook_that_nobody_here_answers_is_named_with_the_setting():
    (found,) = compared(Waits((a_hook(timedelta(days=1)),)), a_policy())

    assert "nobody here says one: after 1d ECS rolls the deployment back" in found.words
    assert "rollout: {hooks: answer}" in found.remedy


@pytest.mark.parametrize(("kept", "level"), [(29, Level.WARN), (30, Level.OK)])
def test_what_served_is_to_be_kept_for_as_long_as_the_watch_goes_on(kept, level):
    ((found, _),) = said(Waits(keeps=minutes(kept)), bake=Bake(at_least=minutes(30)))

    assert found is level


def test_what_waits_for_nothing_and_keeps_nothing_has_nothing_to_be_said_of():
    assert said(Waits()) == []


@pytest.mark.parametrize(("kept", "words"), [(30, "goes back in minutes"), (60, "long enough for the watch")])
def test_what_is_kept_for_the_shortest_watch_alone_is_said(kept, words):
    ((level, said_of_it),) = said(
        Waits(keeps=minutes(kept)), bake=Bake(at_least=minutes(30), at_most=minutes(60))
    )

    assert level is Level.OK
    assert said_of_it.endswith(words)
    assert ("up to 1h (`bake.at_most`)" in said_of_it) is (kept == 30)
