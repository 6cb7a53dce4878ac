"""``rollbackd gate``: may this be deployed? For pipelines: before the deployment; the exit status is the answer."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import click

from watcher.clock import monotonic
from watcher.commands._client import Unreachable, at, client
from watcher.commands._duration import SECONDS
from watcher.commands._gates import AtGate
from watcher.commands._names import names
from watcher.commands._orders import new_key
from watcher.commands._screen import as_json, data, plain
from watcher.commands._waiting import TIMED_OUT

REFUSED = 3


@click.command()
@click.argument("service")
@click.argument("environment")
@click.option("--tag", help="What is to be deployed, as its registry calls it.")
@click.option("--digest", help="The digest of its image: what stays the same from staging to production.")
@click.option("--fingerprint", help="Its content, where you know it otherwise.")
@click.option("--sha", help="Its git commit.")
@names
@click.option("--wait", type=SECONDS, default="0s", show_default=True, help="How long to wait for an answer.")
@click.option("--hotfix", is_flag=True, help="Pass a freeze, and what comes before; with --reason.")
@click.option("--reason", help="Why it is a hotfix; it is told to the team, and kept in the audit.")
@as_json
def command(
    *,
    service: str,
    environment: str,
    tag: str | None,
    digest: str | None,
    fingerprint: str | None,
    sha: str | None,
    names: dict[str, str],
    wait: float,
    hotfix: bool,
    reason: str | None,
    as_json: bool,
) -> None:
    r"""Ask whether something may be deployed to SERVICE in ENVIRONMENT. Name it by all that you know of it.

    \b
    Exit status  0  it may be deployed
                 2  it is not said what, or the daemon does not know the service
                 3  it may not, or nobody answered; or the daemon refused to be asked
                 4  the daemon cannot be reached
                 7  not decided within --wait
    """
    if hotfix != bool(reason):
        raise click.UsageError("a hotfix has a reason: --hotfix --reason WHY")
    if not (tag or digest or fingerprint or sha or names):
        raise click.UsageError("say what is to be deployed: --tag, --digest, --sha, --fingerprint or --name")
    body = {
        "tag": tag,
        "fingerprint": fingerprint,
        "sha": sha,
        "names": names | ({"digest": digest} if digest else {}),
        "hotfix": reason,
    }
    path, key = at("v1", "services", service, environment, "gate"), new_key()
    asking = AtGate(client=replace(client(), tries=1) if wait else client(), ends=monotonic() + wait)
    asked = asking.persist(lambda: asking.client.post(path, body, key))
    if asked is None:
        raise Unreachable("no daemon answered within the time", "ROLLBACKD_URL says where it listens")
    told = asking.answer(asked)
    if as_json:
        data(told)
    else:
        click.echo(plain(told["words"]))
    raise SystemExit(status_of(told))


def status_of(told: Mapping[str, Any]) -> int:
    """The exit status that an answer is."""
    return {"passed": 0, "refused": REFUSED}.get(told["state"], TIMED_OUT)
