"""The strategies of `docs/strategies.md` are those that are told, each with a good and with a bad release."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.targets.registry import TARGETS
from tests.scenarios.aws.conftest import is_long
from tests.scenarios.guide import STORIES, Story

PAGE = (Path(__file__).parents[2] / "docs" / "strategies.md").read_text(encoding="utf-8")


def rows() -> Iterator[tuple[str, str, str]]:
    """Strategy, platform and ``runs_on`` of each row of the page."""
    for section in PAGE.split("\n## ")[1:]:
        strategy, _, text = section.partition("\n")
        for line in re.findall(r"^\| (.+) \|$", text, re.MULTILINE):
            platform, runs_on, _ = line.split(" | ")
            if platform != "on":
                yield strategy.lower(), platform, runs_on


def test_the_page_and_the_stories_have_the_same_rows():
    assert [(strategy, platform) for strategy, platform, _ in rows()] == list(STORIES)


def test_every_target_has_a_strategy():
    named = {word for _, _, runs_on in rows() for word in re.findall(r"`(\w+)`", runs_on)}

    assert set(TARGETS) - named == set()


@pytest.mark.parametrize("told", STORIES.values(), ids=[" · ".join(key) for key in STORIES])
def test_each_is_told_with_a_good_and_with_a_bad_release_in_every_run(told):
    assert told.good is not told.bad
    for story in (told.good, told.bad):
        assert story.__name__.startswith("test_")
        assert not any(mark.name in {"long", "skip", "skipif", "xfail"} for mark in marks(story))
        assert not is_long(story.__module__, story.__name__)
        assert told.of in ids(story)


def marks(story: Story) -> list[pytest.Mark]:
    return list(getattr(story, "pytestmark", []))


def ids(story: Story) -> set[str]:
    """What a story can be told of; the empty one, where it has no parameters."""
    found = {""}
    for mark in marks(story):
        if mark.name == "parametrize":
            named = mark.kwargs.get("ids")
            values = [each if isinstance(each, tuple) else (each,) for each in mark.args[1]]
            found = {*named} if named else {str(value[0]) for value in values}
    return found
