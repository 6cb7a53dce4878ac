import inspect
import re
from typing import get_args, get_type_hints

import pytest
from pydantic import BaseModel

from deploy.sources.registry import LATER as LATER_SOURCES
from deploy.sources.registry import SOURCES
from deploy.target import Target
from deploy.targets.registry import ELSEWHERE, TARGETS
from deploy.targets.registry import LATER as LATER_TARGETS

REGISTRIES = [(TARGETS, LATER_TARGETS), (SOURCES, LATER_SOURCES)]


@pytest.mark.parametrize(("kinds", "later"), REGISTRIES)
def test_a_kind_is_of_this_version_or_of_a_later_one(kinds, later):
    assert not set(kinds) & set(later)
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", name) for name in (*kinds, *later))


def test_what_is_done_elsewhere_is_of_no_version():
    assert not set(ELSEWHERE) & {*TARGETS, *LATER_TARGETS}


@pytest.mark.parametrize("kind", [*TARGETS.values(), *SOURCES.values()])
def test_every_kind_validates_its_settings_strictly(kind):
    assert issubclass(kind.settings, BaseModel)
    assert kind.settings.model_config["extra"] == "forbid"


@pytest.mark.parametrize("environments", [None, ("blue", "green")])
@pytest.mark.parametrize("name", TARGETS)
def test_every_target_says_what_it_does_not_undo(name, environments):
    settings = TARGETS[name].settings.model_construct(environments=environments)

    words = TARGETS[name].not_undone(settings)

    assert "secrets" in words
    assert "migrations" in words
    assert ("each has its own configuration" in words) == (name == "beanstalk" and environments is not None)


@pytest.mark.parametrize("kind", TARGETS.values())
def test_every_target_has_the_operations_of_the_protocol(kind):
    operations = [
        name for name, _ in inspect.getmembers(Target, inspect.isfunction) if not name.startswith("_")
    ]

    assert operations == ["begin", "foretell", "observe", "progress", "resolve"]
    # What gives one of several says which they have in common, or names each.
    opened = kind.open if inspect.isclass(kind.open) else get_type_hints(kind.open)["return"]
    for each in get_args(opened) or [opened]:
        assert all(inspect.iscoroutinefunction(getattr(each, name)) for name in operations)
