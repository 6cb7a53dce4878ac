"""The three capabilities. Each has threads, clients and time-outs of its own: none waits for another."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from deploy.ports import AwsCall
from watcher.aws.capability import Capability
from watcher.aws.clients import Clients
from watcher.aws.keys import ACTING, READING, Keyring
from watcher.aws.modes import Mode, Modes
from watcher.aws.roles import AwsRoles
from watcher.aws.signing_v4 import SignerV4
from watcher.aws.tally import Tally
from watcher.aws.threads import Threads
from watcher.telemetry.metrics import Metrics


class Door:
    """AWS. Implements `deploy.ports.Aws`; opened by `open_aws`."""

    def __init__(
        self,
        accounts: Mapping[str, AwsRoles],
        metrics: Metrics,
        now: Callable[[], datetime],
        endpoint: str | None,
        modes: Modes,
    ) -> None:
        self._accounts = accounts
        self._tally = Tally(metrics, now)
        self._clients = Clients(self._tally.received, endpoint)
        self._threads: dict[tuple[str, ...], Threads] = {}

        own = self._capability(modes.assume, None)
        self._reading = Keyring(READING, own, now)
        self._acting = Keyring(ACTING, own, now, lambda account: self._clients.forget(modes.act, account))
        self.read: AwsCall = self._capability(modes.read, self._reading)
        self.act: AwsCall = self._capability(modes.act, self._acting)
        self.poll: AwsCall = self._capability(modes.poll, self._reading)
        self._signer = SignerV4(accounts, self._reading)
        self.sign = self._signer.sign  # see `watcher.aws.Signs`

    @property
    def skew(self) -> timedelta | None:
        """How far our clock was ahead of AWS's at the last answer, to the second; ``None`` before there was one."""
        return self._tally.skew

    def close(self) -> None:
        """Let threads and connections end once they are free, and drop the keys."""
        for threads in self._threads.values():
            threads.close()
        self._acting.close()
        self._reading.close()
        self._clients.close()
        self._signer.close()

    def _capability(self, mode: Mode, keyring: Keyring | None) -> Capability:
        def threads(scope: str, parameters: Mapping[str, Any]) -> Threads:
            # A queue is polled all the time: it has a thread of its own, so that no other waits for it.
            queue = parameters.get("QueueUrl", "") if mode.name == "poll" else ""
            which = (mode.name, scope, queue) if queue else (mode.name,)
            if which not in self._threads:
                self._threads[which] = Threads(f"aws-{mode.name}", mode.threads)
            return self._threads[which]

        return Capability(mode, self._accounts, keyring, self._clients, threads, self._tally)
