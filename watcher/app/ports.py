"""What the daemon stands on, so that a test can stand it on something else."""

import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from deploy.github import Access
from deploy.model import Finding, Permission, RollbackPlan
from deploy.ports import Aws, Command, Page, Rest, Send
from deploy.tags import Ledger
from watcher import clock, command
from watcher.config import Configuration
from watcher.notify.notifier import Notifier
from watcher.runtime.fleet import Key
from watcher.runtime.timing import TERMS, Terms
from watcher.store.store import Store

LedgerOf = Callable[[Key, str], Awaitable[Ledger]]  # by service and part


def _same_store(store: Store) -> Store:
    return store


def _same_notifiers(notifiers: Mapping[str, Notifier]) -> Mapping[str, Notifier]:
    return notifiers


class Examine(Protocol):
    """Looks whether a service could be put back, as `rollbackd ready` does."""

    async def __call__(
        self, configuration: Configuration, ports: "Ports", key: Key, ledger: LedgerOf
    ) -> Sequence[Finding]:
        """What was found of the service *key*. Reads only. *ledger*: what is remembered of its parts."""


class Permitted(Protocol):
    """Asks whether who acts may make the calls of a plan, as `rollbackd plan` says it."""

    async def __call__(
        self, configuration: Configuration, aws: Aws | None, plan: RollbackPlan, /
    ) -> Mapping[str, Sequence[Permission]]:
        """By part. Tries nothing, answers within seconds, and says it where it cannot be known."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The clock, and how programs are run; *around* is how a test gets between the daemon and its store, or its notifiers.

    Attributes:
        aws: ``None``: boto3, opened where an account is configured.
        until: How a moment is waited for; ``None``: by sleeping.
        environ: What a sidecar's names are looked up in. Secrets stand there too, so it is never shown.
        page, send, github: ``None``: HTTP, guarded by `daemon.reach`.
        examine: What is found of one service when it is looked at whether it could be put back; ``None``: nobody looks.
        permitted: Whether a plan's calls would be let through; ``None``: nobody asks.
        timing: How long leases last. No setting: what does not fit together would let two replicas act at once.
    """

    now: Callable[[], datetime] = clock.now
    monotonic: Callable[[], float] = clock.monotonic
    new_id: Callable[[str, datetime], str] = clock.new_id
    command: Command = command.run
    aws: Aws | None = None
    until: Callable[[datetime], Awaitable[None]] | None = None
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    page: Page | None = None
    send: Send | None = None
    github: Callable[[Access], Rest] | None = None
    around_store: Callable[[Store], Store] = _same_store
    around_notifiers: Callable[[Mapping[str, Notifier]], Mapping[str, Notifier]] = _same_notifiers
    examine: Examine | None = None
    permitted: Permitted | None = None
    timing: Terms = TERMS
