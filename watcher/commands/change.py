"""``rollbackd change``: tell the daemon of something else that moved."""

import click

from watcher.commands._client import client
from watcher.commands._orders import new_key
from watcher.commands._screen import as_json, data, say
from watcher.commands._time import moment

KINDS = (
    *("flag", "parameter", "secret", "configuration", "scaling", "replacement"),
    *("deployment", "failover", "maintenance", "platform", "other"),
)


@click.command()
@click.argument("what")
@click.option("--service", help="Whose it is; everybody's, where it is left out.")
@click.option("--environment", help="In which environment; in all of them, where it is left out.")
@click.option("--at", callback=moment, help="When that was; now, where it is left out.")
@click.option(
    "--kind", type=click.Choice(KINDS), default="other", show_default=True, help="What sort of thing."
)
@click.option(
    "--name", help="What its system calls it, such as new-pricing: services call what is theirs by it."
)
@click.option("--key", help="An Idempotency-Key, such as your run's id: sent twice, it is one change.")
@as_json
def command(
    *,
    what: str,
    service: str | None,
    environment: str | None,
    at: str | None,
    kind: str,
    name: str | None,
    key: str | None,
    as_json: bool,
) -> None:
    """Tell the daemon, in words, WHAT else moved: a flag that was flipped, a migration that ran. Never a secret.

    It is shown beside the evidence when a release is suspected. Exit status 2: it does not know the service; 3: it refused; 4: it
    does not answer.
    """
    body = {
        "what": what,
        "service": service,
        "environment": environment,
        "at": at,
        "kind": kind,
        "name": name,
    }
    told = client().post(
        "/v1/changes", {name: value for name, value in body.items() if value is not None}, key or new_key()
    )
    if as_json:
        data(told)
    else:
        say("it was told before" if told["duplicate"] else "kept")
