"""docs/aws.md says what the code says: its commands, its metrics, its figures, and the messages that it explains."""

import ast
import re
from datetime import timedelta
from functools import cache
from pathlib import Path

import click
import pytest

from tests.examples.aws.setting import FOLDER
from watcher.cli import Commands
from watcher.signals import cloudwatch, ecs_tasks
from watcher.signals.cloudwatch.query import SETTLE as FINAL
from watcher.signals.cloudwatch.query import SETTLE_SLOW as FINAL_SLOW
from watcher.signals.ecs_tasks import count

ROOT = FOLDER.parents[1]
PAGES = [ROOT / "docs" / "aws.md", FOLDER / "README.md"]
PAGE = PAGES[0].read_text(encoding="utf-8")
MESSAGES = re.findall(r"^\| `([^`]+)` \|", PAGE.split("## Troubleshooting")[1], re.MULTILINE)


@cache
def said() -> str:
    """All text that the code can say, with an ellipsis where something is put in."""
    words = []
    for package in ("deploy", "watcher"):
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.JoinedStr):
                    words.append("".join(_part(each) for each in node.values))
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    words.append(node.value)
    return "\n".join(words)


def _part(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else "…"


@pytest.mark.parametrize("message", [each for each in MESSAGES if "AccessDenied" not in each])
def test_a_message_that_is_explained_is_one_that_is_said(message):
    assert message in said()


def test_messages_are_explained():
    assert len(MESSAGES) > 5


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_that_is_named_is_there(page):
    named = set(re.findall(r"rollbackd ([a-z]+)\b", page.read_text(encoding="utf-8"))) - {"of", "on"}

    assert named
    assert named <= set(Commands().list_commands(click.Context(click.Command("x"))))


def test_every_metric_that_is_named_is_there():
    names = re.findall(r"`rollbackd_([a-z_]+)`", PAGE)

    assert names
    for name in names:
        assert f'"{name}"' in (ROOT / "watcher" / "telemetry" / "metrics.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_is_linked_is_there(page):
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert (page.parent / Path(target)).exists(), target


def test_how_late_it_is_said_to_be_is_how_late_it_is():
    assert timedelta(minutes=3) == FINAL
    assert timedelta(minutes=10) == FINAL_SLOW
    assert timedelta(seconds=15) == count.BUCKET == count.SETTLE
    assert cloudwatch.KIND.on_aws
    assert ecs_tasks.KIND.on_aws
