"""``rollbackd deployed``: tell the daemon of a deployment."""

from dataclasses import replace

import click

from watcher.clock import monotonic
from watcher.commands._client import Unreachable, client
from watcher.commands._duration import SECONDS
from watcher.commands._names import names
from watcher.commands._orders import new_key
from watcher.commands._screen import as_json, data, say
from watcher.commands._time import moment
from watcher.commands._waiting import Patient

PHASES = ("started", "shifted", "paused", "complete", "failed")


@click.command()
@click.argument("service")
@click.argument("environment")
@click.argument("tag")
@click.option(
    "--phase", type=click.Choice(PHASES), default="complete", show_default=True, help="How far it is."
)
@click.option("--at", callback=moment, help="When that was; now, where it is left out.")
@click.option("--fingerprint", help="The content's digest, where you know it.")
@click.option("--part", help="Which part, where a service has several.")
@names
@click.option("--author", help="Whose change it is.")
@click.option("--irreversible", is_flag=True, help="It cannot be undone: going back past it asks.")
@click.option("--key", help="An Idempotency-Key, such as your run's id: sent twice, it is one announcement.")
@click.option(
    "--retry", type=SECONDS, default="30s", show_default=True, help="How long to try where nobody answers."
)
@as_json
def command(
    *,
    service: str,
    environment: str,
    tag: str,
    phase: str,
    at: str | None,
    fingerprint: str | None,
    part: str | None,
    names: dict[str, str],
    author: str | None,
    irreversible: bool,
    key: str | None,
    retry: float,
    as_json: bool,
) -> None:
    """Tell the daemon that TAG of SERVICE was deployed to ENVIRONMENT. Prints the announcement's id, for `rollbackd wait`.

    Exit status 2: it does not know the service; 3: it refused; 4: it does not answer.
    """
    body = {
        "service": service,
        "environment": environment,
        "tag": tag,
        "phase": phase,
        "at": at,
        "fingerprint": fingerprint,
        "part": part,
        "names": names or None,
        "author": author,
        "reversible": False if irreversible else None,
    }
    key = key or new_key()
    sending = Patient(client=replace(client(), tries=1), ends=monotonic() + retry)
    told = sending.persist(lambda: sending.client.post("/v1/deployments", body, key))
    if told is None:
        raise Unreachable("no daemon answered within the time", "ROLLBACKD_URL says where it listens")
    if as_json:
        data(told)
        return
    click.echo(told["announcement"])
    again = "it was announced before" if told["duplicate"] else "written down"
    say(f"{again}; the verdict: rollbackd wait {told['announcement']}")
