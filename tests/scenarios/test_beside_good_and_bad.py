"""Of all that may come beside a good release and a bad one there is a story, and it is told."""

import sys
from collections.abc import Callable
from typing import Any

import pytest

from tests.scenarios.aws.conftest import is_long
from tests.scenarios.beside_good_and_bad import PLUS


@pytest.mark.parametrize("what", PLUS)
def test_each_story_is_a_test_that_pytest_finds_and_nobody_has_switched_off(what):
    told = PLUS[what]

    assert told
    for story in told:
        name, module = story.__name__, sys.modules[story.__module__]
        marks = marks_of(story)
        assert name.startswith("test_")
        assert module.__name__.rpartition(".")[2].startswith("test_")
        assert getattr(module, name) is story  # no later one of its name hides it
        assert not marks & {"skip", "skipif", "xfail"}


def test_of_each_at_least_one_story_is_told_in_every_run_and_not_by_the_long_one_alone():
    assert [what for what in PLUS if not any(map(is_always_told, PLUS[what]))] == []


def is_always_told(story: Callable[..., Any]) -> bool:
    return "long" not in marks_of(story) and not is_long(story.__module__, story.__name__)


def marks_of(story: Callable[..., Any]) -> set[str]:
    """Its own, and those of its module."""
    module = sys.modules[story.__module__]
    return {mark.name for mark in getattr(story, "pytestmark", []) + getattr(module, "pytestmark", [])}
