"""The command line as a whole: what it knows, what it says to a slip, how fast it starts."""

import os
import subprocess
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import click
import pytest

from tests.watcher.commands.speaking import ROLLBACKD, run
from watcher import cli, commands

MODULES = sorted(path.stem for path in Path(commands.__path__[0]).glob("[a-z]*.py"))
SLOW = (
    "aiohttp",
    "boto3",
    "botocore",
    "pydantic",
    "yaml",
    "structlog",
    "rich",
    "jinja2",
    "asyncio",
)


def test_a_name_that_is_no_command_is_answered_with_the_nearest():
    said = run("hodl")

    assert said.status == 2
    assert "there is no command 'hodl'; did you mean 'hold'?" in said.err
    assert not said.out


def test_a_name_that_is_near_to_nothing_is_answered_without_a_guess():
    said = run("xyzzy")

    assert said.status == 2
    assert "did you mean" not in said.err


def test_the_version_is_the_one_that_is_installed():
    assert run("--version").out == f"rollbackd {version('rollbackd')}\n"


def test_help_names_every_command_with_a_sentence():
    said = run("--help")

    assert said.status == 0
    for module in MODULES:
        name = module.rstrip("_").replace("_", "-")
        assert any(line.split()[:1] == [name] and len(line.split()) > 1 for line in said.out.splitlines()), (
            name
        )


def test_help_imports_no_command():
    code = "import sys; from watcher.cli import main; main(['--help'], standalone_mode=False); print(sorted(sys.modules))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "watcher.commands.run" not in done.stdout
    assert "'watcher.commands'" in done.stdout


@pytest.mark.parametrize("module", MODULES)
def test_every_module_is_a_command_that_explains_itself(module):
    found = import_module(f"watcher.commands.{module}").command

    assert isinstance(found, click.Command)
    assert found.help
    assert all(option.help for option in found.params if isinstance(option, click.Option))


def test_what_commands_share_is_no_command():
    assert run("_client").status == 2
    assert not [name for name in cli.main.list_commands(click.Context(cli.main)) if name.startswith("_")]


@pytest.mark.parametrize("command", ["health", "wait", "deployed", "hold", "rollback", "watches", "token"])
def test_a_command_of_a_pipeline_starts_without_the_daemons_libraries(command):
    code = f"import sys; import watcher.cli, watcher.commands.{command}; print(*sorted(sys.modules))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert set(SLOW) & set(done.stdout.split()) == set()


def test_no_traceback_where_a_pipe_is_closed_early():
    ours, theirs = os.pipe()
    os.close(ours)

    done = subprocess.run(
        [ROLLBACKD, "--help"], stdout=theirs, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(theirs)

    assert "Traceback" not in done.stderr
