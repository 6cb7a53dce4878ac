"""``rollbackd demo``: a small world on loopback, a bad release, and its rollback by the real daemon."""

from importlib import import_module
from pathlib import Path

import click

KINDS = ("good", "errors", "slow", "dead", "flaky")


@click.command()
@click.option("--release", type=click.Choice(KINDS), help="One release alone instead of the whole play.")
@click.option("--sandbox", is_flag=True, help="Leave the world running, to be broken by hand.")
@click.option("--seed", default=1, show_default=True, help="Of all chance in the world.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where configuration, logs and report go; a new directory under the system's, if not given.",
)
@click.option("--plain", is_flag=True, help="Plain lines, on a terminal too.")
def command(release: str | None, sandbox: bool, seed: int, out: Path | None, plain: bool) -> None:
    """See it work, in a minute and a half: no account, no server, nothing to configure.

    Exit status 0 only if everything that is claimed at the end really happened.
    """
    demo = import_module(
        "watcher.demo.main"
    )  # by name: the demo talks to the daemon like any user, and so does this to it
    raise SystemExit(demo.main(release=release, in_sandbox=sandbox, seed=seed, out=out, plain=plain))
