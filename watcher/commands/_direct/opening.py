"""Opens one service's targets as the daemon does, and nothing else: no token of another system is needed, or asked for."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import BaseModel

from deploy.model import Foretold, RollbackPlan
from deploy.ports import Aws, AwsAccount
from deploy.target import Target
from rules.errors import Problem
from watcher.app.opening import fleet_of, open_aws, open_http
from watcher.app.ports import Ports
from watcher.app.reload import Learn
from watcher.commands._client import Misused
from watcher.config import (
    Account,
    Configuration,
    InvalidConfiguration,
    ReadSecrets,
    Reference,
    of_one_service,
    read_configuration,
    read_to_go_back,
)
from watcher.config.registries import all_kinds
from watcher.core.service import Service
from watcher.runtime.fleet import Key
from watcher.store.sqlite.opening import SqliteSettings
from watcher.store.sqlite.place import holder
from watcher.telemetry.metrics import Metrics


@dataclass(frozen=True, slots=True)
class Loaded:
    """One service of the configuration, and the accounts that it is in, as the configuration knows them.

    Attributes:
        aside: What is wrong in the files, and does not matter for this.
    """

    configuration: Configuration
    accounts: tuple[AwsAccount, ...]
    aside: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Opened:
    """The service, its targets by part, where they are, and what a rollback of it would do (reads only).

    Attributes:
        daemon: What is known of a daemon that runs here now; empty: nothing.
    """

    service: Service
    targets: Mapping[str, Target]
    accounts: tuple[AwsAccount, ...]
    aws: Aws | None
    foretell: Callable[[RollbackPlan], Awaitable[Mapping[str, Foretold]]]
    daemon: str = ""


def load(path: Path, key: Key, learn: Learn, *, own_credentials: bool = False) -> Loaded:
    """What the configuration at *path* says of the service *key*. *learn* is told each secret, so that none is ever shown.

    Where an account names no role to act, whoever asks acts with their own credentials; with *own_credentials* they also
    read with them, and no role is assumed. Mistakes in what this does not need are kept (`Loaded.aside`) and passed over.

    Raises:
        InvalidConfiguration: What is needed cannot be read, or a secret of the service's own targets cannot be had.
        Misused: There is no such service.
    """
    secrets = ReadSecrets(os.environ)

    def told(reference: Reference) -> str:
        value = secrets(reference)
        learn([value])
        return value

    whole, aside = _read(path, key)
    if key not in whole.targets:
        known = ", ".join(sorted("/".join(each) for each in whole.targets))
        raise Misused(f"no service {key[0]} in {key[1]} is configured", f"known: {known or 'none'}")
    alone = of_one_service(whole, key, told)
    accounts = {
        name: _for_a_person(each, own_credentials=own_credentials) for name, each in alone.accounts.items()
    }
    return Loaded(
        replace(alone, accounts=accounts), tuple(each.aws for each in alone.accounts.values()), aside
    )


def _read(path: Path, key: Key) -> tuple[Configuration, tuple[Problem, ...]]:
    """All of it; or, where it has mistakes, what is needed of it, and the mistakes."""
    kinds = all_kinds()
    try:
        return read_configuration(path, kinds), ()
    except InvalidConfiguration as invalid:
        needed = read_to_go_back(path, kinds, key)
        if needed is None:
            raise
        return needed, tuple(invalid.problems)


def _for_a_person(account: Account, *, own_credentials: bool) -> Account:
    if own_credentials:
        return replace(account, read=None, act=None, own_acts=True)
    return replace(account, own_acts=True)


@asynccontextmanager
async def opened(loaded: Loaded, ports: Ports) -> AsyncIterator[Opened]:
    """The service. Nothing is asked of a platform yet."""
    async with AsyncExitStack() as stack:
        metrics = Metrics()
        http = await open_http(loaded.configuration, ports, metrics, stack)
        aws = await open_aws(loaded.configuration, ports, metrics, stack)
        fleet = fleet_of(loaded.configuration, ports, aws, http)
        (key,) = fleet.targets
        daemon = _running(loaded.configuration.daemon.store.settings)
        yield Opened(fleet.services[key], fleet.targets[key], loaded.accounts, aws, fleet.foretell, daemon)


def _running(store: BaseModel | None) -> str:
    """A daemon has the store, as far as its file alone tells: of one of PostgreSQL that would take a secret."""
    process = holder(store.path.absolute()) if isinstance(store, SqliteSettings) else None
    if process is None:
        return ""
    return f"a daemon runs here: process {process} has its store. The same without --direct is asked of it, and known to it as a rollback"
