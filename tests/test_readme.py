"""What the README shows can be copied: its files have no mistake, and its commands are there."""

import re
from pathlib import Path

import click

from watcher.cli import Commands
from watcher.config import read_configuration
from watcher.config.registries import all_kinds

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def test_its_two_files_are_without_a_mistake(tmp_path):
    configuration, rules = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "web.yaml").write_text(rules)
    (tmp_path / "rollbackd.yaml").write_text(configuration)

    found = read_configuration(tmp_path / "rollbackd.yaml", all_kinds())

    assert list(found.services) == [("web", "production")]


def test_every_command_that_it_names_is_there():
    named = set(re.findall(r"rollbackd ([a-z]+) ", README)) - {"and"}

    assert named
    assert named <= set(Commands().list_commands(click.Context(click.Command("x"))))
