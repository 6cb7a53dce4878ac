"""``rollbackd start``: begin a rollout. For pipelines: once the new release stands beside the old one, without traffic."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import click

from watcher.clock import monotonic
from watcher.commands._client import Refused, Unreachable, at, client
from watcher.commands._duration import SECONDS
from watcher.commands._gates import AtGate
from watcher.commands._orders import new_key, reason
from watcher.commands._screen import as_json, data, say, warn
from watcher.commands._waiting import TimedOut

AT_THE_GATE = "urn:rollbackd:at-the-gate"


@click.command()
@click.argument("service")
@click.argument("environment")
@click.argument("tag")
@click.option("--fingerprint", help="The content's digest, where you know it.")
@reason()
@click.option("--hotfix", is_flag=True, help="Pass a freeze, and what comes before; with --reason.")
@click.option("--wait", type=SECONDS, default="0s", show_default=True, help="How long to wait at the gate.")
@click.option("--key", help="An Idempotency-Key, such as your run's id: sent twice, it is begun once.")
@as_json
def command(
    *,
    service: str,
    environment: str,
    tag: str,
    fingerprint: str | None,
    reason: str,
    hotfix: bool,
    wait: float,
    key: str | None,
    as_json: bool,
) -> None:
    r"""Begin the rollout of TAG of SERVICE in ENVIRONMENT: give it the first stage. Prints the watch's id, for `rollbackd wait`.

    TAG stands there already, and has no traffic: a version that was published, a target group with its targets.

    \b
    Exit status  0  it begins, or had begun before
                 2  the daemon does not know the service
                 3  the gate refuses it, or something else stands against it
                 4  the daemon, or the platform, cannot be reached
                 7  it is not through the gate within --wait
    """
    if hotfix and not reason:
        raise click.UsageError("a hotfix has a reason: --hotfix --reason WHY")
    body = {
        "tag": tag,
        "fingerprint": fingerprint,
        "reason": reason,
        "hotfix": reason if hotfix else None,
    }
    asking = AtGate(client=replace(client(), tries=1) if wait else client(), ends=monotonic() + wait)
    told = _Start(
        asking, at("v1", "services", service, environment, "rollout"), body, key or new_key()
    ).told()
    warn(told["warnings"])
    if as_json:
        data(told)
        return
    click.echo(told["watch"])
    if not told["begun"]:
        first = f"{100 * told['first']:.4g} %"
        say(f"{told['tag']} begins with {first} of the traffic; the verdict: rollbackd wait {told['watch']}")


@dataclass
class _Start:
    """Orders it, until it is through the gate."""

    asking: AtGate
    path: str
    body: Mapping[str, object]
    key: str

    def told(self) -> Mapping[str, Any]:
        """What the daemon says.

        Raises:
            Failed: It does not begin.
        """
        while True:
            try:
                told = self.asking.persist(lambda: self.asking.client.post(self.path, self.body, self.key))
            except Refused as refused:
                self._wait_for(refused)
            else:
                if told is None:
                    raise Unreachable(
                        "no daemon answered within the time", "ROLLBACKD_URL says where it listens"
                    )
                return dict(told)

    def _wait_for(self, refused: Refused) -> None:
        """The gate's answer; whatever else stands against it will not go away by waiting."""
        gate = refused.problem.get("gate")
        if refused.problem.get("type") != AT_THE_GATE or gate is None:
            raise refused
        asked = self.asking.ask(at("v1", "gates", str(gate)), 0.0)
        answer = self.asking.answer(asked) if asked is not None else None
        if answer is None or not answer["decided"]:
            raise TimedOut(refused.message, refused.remedy)
