"""The command line: ``rollbackd COMMAND``.

One module a command, in ``watcher.commands``, found by its name and imported when it is called: the container's health
check and a pipeline's ``wait`` start without the daemon's libraries. It is the one place where imports are lazy.

Words go to stderr, data to stdout. Exit statuses: 0 ok, 1 breach or findings, 2 usage, 3 refused, 4 unavailable, 5 unproven.
"""

import ast
import gc
import os
from importlib import import_module
from keyword import iskeyword
from pathlib import Path
from types import ModuleType

import click

from watcher import commands

HERE = Path(commands.__path__[0])


class Commands(click.Group):
    """Every module of ``watcher.commands`` is a command; those whose names begin with ``_`` are what they share."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, without importing any."""
        del ctx
        modules = (path.stem for path in HERE.glob("*.py"))
        return sorted(name.rstrip("_").replace("_", "-") for name in modules if not name.startswith("_"))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now."""
        if cmd_name not in self.list_commands(ctx):
            return None
        module = _imported(f"{commands.__name__}.{_path(cmd_name).stem}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does it, and with the nearest name where there is none such."""
        name = args[0]
        known = self.list_commands(ctx)
        if name not in known and not name.startswith("-"):
            from difflib import get_close_matches  # a quarter of the start of the health check

            near = get_close_matches(name, known, n=1)
            ctx.fail(f"there is no command {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """All commands, each with what the docstring of its module says after the colon; none is imported."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, _gist(_path(name))) for name in self.list_commands(ctx)])


def _imported(name: str) -> ModuleType:
    """The module. What is imported stays: looking for garbage among it would take a tenth of the daemon's start."""
    gc.disable()
    try:
        return import_module(name)
    finally:
        gc.freeze()
        gc.enable()


def _path(name: str) -> Path:
    """The module of a command; one that may not be called like a word of Python (``pass``) ends with an underscore."""
    module = name.replace("-", "_")
    return HERE / f"{module}_.py" if iskeyword(module) else HERE / f"{module}.py"


def _gist(path: Path) -> str:
    first = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition("\n")[0]
    return first.partition(": ")[2] or first


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="rollbackd", message="%(prog)s %(version)s")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Watch deployments, and put the last known-good release back when one is bad.

    Commands that speak to a running daemon find it at ROLLBACKD_URL (http://127.0.0.1:8080) and show ROLLBACKD_TOKEN.
    """
    if os.environ.get("NO_COLOR"):
        ctx.color = False
