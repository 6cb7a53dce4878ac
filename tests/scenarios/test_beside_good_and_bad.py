"""Of all that may come beside a good release and a bad one there is a story, and it is told."""

import sys

import pytest

from tests.scenarios.beside_good_and_bad import PLUS


@pytest.mark.parametrize("what", PLUS)
def test_each_story_is_a_test_that_pytest_finds_and_nobody_has_switched_off(what):
    told = PLUS[what]

    assert told
    for story in told:
        name, module = story.__name__, sys.modules[story.__module__]
        marks = {mark.name for mark in getattr(story, "pytestmark", []) + getattr(module, "pytestmark", [])}
        assert name.startswith("test_")
        assert module.__name__.rpartition(".")[2].startswith("test_")
        assert getattr(module, name) is story  # no later one of its name hides it
        assert not marks & {"skip", "skipif", "xfail"}
