"""What the pages say to type exists, and would be understood: commands, their options and arguments, and what is there to make."""

import re
import shlex
from pathlib import Path

import click
import pytest

from tests.docs.pages import PAGES, ROOT, blocks, code, named
from watcher.cli import main

_COMMAND = re.compile(r"(?:^|[`|;(&$] ?|bin/)rollbackd ([a-z]+)\b([^\n|;&#)>]*)", re.MULTILINE)
_OPTION = re.compile(r"(?:^|[\s(])(--[a-z][a-z-]*)")
_RESULT = re.compile(r"\$\([^()]*\)?")  # of a command within; the page shows its own right
_MAKE = re.compile(r"(?:^|[;&] ?)make ((?:[a-z]+ ?)+)", re.MULTILINE)
_TARGET = re.compile(r"^([a-z]+):", re.MULTILINE)


def command(name: str) -> click.Command:
    """The command of that name."""
    assert isinstance(main, click.Group)
    found = main.get_command(click.Context(main), name)
    assert found is not None, f"there is no command {name}"
    return found


def options(name: str) -> set[str]:
    """All options of a command, and of what is below it."""
    found = command(name)
    below = found.commands.values() if isinstance(found, click.Group) else ()
    return {"--help", *(option for each in (found, *below) for given in each.params for option in given.opts)}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_each_command_is_one_and_has_the_options_that_are_shown(page: Path):
    for name, rest in (found for text in code(page) for found in _COMMAND.findall(text)):
        assert set(_OPTION.findall(rest)) <= options(name), f"rollbackd {name}{rest}"


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_each_line_to_type_would_be_understood(page: Path):
    """As click reads it, without doing it. A file of rules is an argument of `check`; the configuration is an option of all."""
    shown = [re.sub(r"\\\n\s*", "", block.text) for block in blocks(page) if "yaml" not in block.info]
    for name, rest in (found for text in shown for found in _COMMAND.findall(_RESULT.sub("RESULT", text))):
        try:
            command(name).make_context(name, shlex.split(rest))
        except click.UsageError as wrong:
            pytest.fail(f"rollbackd {name}{rest}: {wrong.format_message()}")
        assert ("rollbackd.yaml" in rest) <= ("--config rollbackd.yaml" in rest), f"rollbackd {name}{rest}"


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_what_is_to_be_made_can_be(page: Path):
    there = set(_TARGET.findall((ROOT / "Makefile").read_text(encoding="utf-8")))

    made = {target for text in code(page) for found in _MAKE.findall(text) for target in found.split()}

    assert made <= there
