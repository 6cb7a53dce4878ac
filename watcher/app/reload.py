"""Reads the configuration, and reads it again: one with a mistake leaves the running one in force."""

import asyncio
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from deploy.ports import Aws
from deploy.source import Barrier, Feed, Source
from watcher.app.opening import barriers_of, feeds_of, fleet_of, senders_of, sources_of
from watcher.app.ports import Ports
from watcher.config import (
    Configuration,
    Daemon,
    InvalidConfiguration,
    ReadSecrets,
    Reference,
    read_configuration,
    with_secrets,
)
from watcher.config.registries import all_kinds
from watcher.errors import WatcherError
from watcher.http import Http
from watcher.runtime.fleet import Current
from watcher.signals.alert.senders.sender import Sender
from watcher.telemetry.metrics import Metrics

Learn = Callable[[Iterable[str]], None]
log = structlog.stdlib.get_logger("rollbackd.app")


def _nobody_learns(_secrets: Iterable[str]) -> None:
    """Nothing is logged from here on."""


def load(path: Path, learn: Learn = _nobody_learns) -> Configuration:
    """The configuration at *path*, checked wholly, with its secrets. *learn* is told each secret, so that none is ever logged.

    Raises:
        InvalidConfiguration: With all problems.
    """
    secrets = ReadSecrets(os.environ)

    def told(reference: Reference) -> str:
        value = secrets(reference)
        learn([value])
        return value

    return with_secrets(read_configuration(path, all_kinds()), told)


@dataclass
class InForce:
    """What a reload swaps: services with their targets, sources with their feeds, who tells of alerts, tokens.

    Attributes:
        opened: What everything else was opened with, and stays so until a restart.
    """

    configuration: Configuration
    sources: Mapping[str, Source]
    current: Current
    ports: Ports
    metrics: Metrics
    aws: Aws | None = None
    feeds: Mapping[str, Feed] = field(default_factory=dict)
    http: Http | None = None
    learn: Learn = _nobody_learns
    senders: Mapping[str, Sender] = field(init=False)
    barriers: Mapping[str, Barrier] = field(init=False)
    opened: Configuration = field(init=False)
    # One after the other: of two that are told at once, the one that read the older files must not come last.
    _reading: asyncio.Lock = field(init=False, default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self.opened = self.configuration
        self.senders = senders_of(self.configuration)
        self.barriers = barriers_of(self.configuration, self.ports, self.http)

    async def reload(self) -> bool:
        """Read the files again; ``False``: they have mistakes, or need an account that is not open so, and nothing has changed."""
        async with self._reading:
            return await self._reload()

    async def _reload(self) -> bool:
        try:
            fresh = await asyncio.to_thread(load, Path(self.configuration.file), self.learn)
        except InvalidConfiguration as invalid:
            return self._refused(*map(str, invalid.problems))
        opened = self.opened.accounts
        unopened = sorted(name for name, account in fresh.accounts.items() if opened.get(name) != account)
        if unopened:
            words = f"accounts were added or changed ({', '.join(unopened)}): they are opened when the daemon starts, so start it again"
            return self._refused(words)
        try:
            senders = senders_of(fresh)
            fleet = fleet_of(fresh, self.ports, self.aws, self.http)
            barriers = barriers_of(fresh, self.ports, self.http)
        except WatcherError as missing:  # a library, which the image has
            return self._refused(f"{missing}: {missing.remedy}")
        self._say_what_needs_a_restart(fresh)
        self.current.swap(fleet)
        self.configuration, self.sources = fresh, sources_of(fresh)
        self.feeds = feeds_of(fresh, self.ports, self.aws, self.http)
        self.barriers, self.senders = barriers, senders
        self.say()
        log.info("configuration.reloaded", digest=fresh.digest[:12], services=len(fresh.services))
        return True

    def _refused(self, *problems: str) -> bool:
        """Say why what is written now is not in force. A mistake of an author has no trace."""
        self.metrics.config_reloaded.set(0)
        for problem in problems:
            log.error("configuration.refused", problem=problem)
        return False

    def say(self) -> None:
        """Which configuration is in force, as a metric."""
        self.metrics.config.clear()
        self.metrics.config.labels(self.configuration.digest[:12]).set(1)
        self.metrics.config_reloaded.set(1)

    def _say_what_needs_a_restart(self, fresh: Configuration) -> None:
        was, will_be = self.opened.daemon, fresh.daemon
        changed = {
            "daemon.store": was.store != will_be.store,
            "daemon.http": _heard_at(was) != _heard_at(will_be),
            "daemon.reach": was.reach != will_be.reach,
            "daemon.heartbeat": was.heartbeat != will_be.heartbeat,
            "daemon.relay": was.relay != will_be.relay,
            "daemon.disarmed_by": was.levers != will_be.levers,
            "daemon.ready": was.ready != will_be.ready,
            "accounts": self.opened.accounts != fresh.accounts,
            "connections": self.opened.connections != fresh.connections,
        }
        if any(changed.values()):
            log.warning("configuration.needs_restart", keys=[key for key, is_so in changed.items() if is_so])


def _heard_at(daemon: Daemon) -> tuple[object, ...]:
    return daemon.listen, daemon.tls, daemon.public_url
