"""Opens what the daemon would open, but for the store, which a running daemon holds."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from pydantic import BaseModel

from deploy.model import About, Finding, Level
from deploy.ports import Aws
from deploy.source import Source
from watcher.app.opening import Hears, fleet_of, open_aws, open_ears, open_http, open_providers, sources_of
from watcher.app.ports import Ports
from watcher.config import Configuration
from watcher.errors import WatcherError
from watcher.http import Http
from watcher.notify.notifier import Kind, Notifier
from watcher.notify.notifier import Opening as NotifierOpening
from watcher.notify.registry import NOTIFIERS
from watcher.runtime.fleet import Fleet
from watcher.runtime.inquiry import Inquiry
from watcher.signals.provider import Opening
from watcher.telemetry.metrics import Metrics


@dataclass(frozen=True, slots=True)
class Opened:
    """What the checks work with."""

    configuration: Configuration
    ports: Ports
    aws: Aws | None
    inquiry: Inquiry
    fleet: Fleet
    http: Http
    notifiers: Mapping[str, object]
    ears: Mapping[str, Hears]
    sources: Mapping[str, Source]


@dataclass(frozen=True, slots=True)
class Unopened:
    """A connection that could not be opened."""

    error: WatcherError

    async def examine(self, _narrowings: Sequence[str]) -> Sequence[Finding]:
        """Why."""
        return [Finding(Level.FAIL, str(self.error), self.error.remedy, about=About.ACCESS)]


@asynccontextmanager
async def opened(configuration: Configuration, ports: Ports) -> AsyncIterator[Opened]:
    """Everything that *configuration*, with its secrets, names; closed at the end."""
    metrics = Metrics()
    async with AsyncExitStack() as stack:
        http = await open_http(configuration, ports, metrics, stack)
        aws = await open_aws(configuration, ports, metrics, stack)
        opening = Opening(http, ports.now, ports.monotonic, metrics, aws)
        inquiry = Inquiry(await open_providers(configuration, opening, stack), metrics)
        yield Opened(
            configuration,
            ports,
            aws,
            inquiry,
            fleet_of(configuration, ports, aws, http),
            http,
            await _notifiers(configuration, NotifierOpening(http, ports.now, aws=aws), stack),
            await _ears(configuration, ports, http, metrics, stack),
            sources_of(configuration),
        )


async def _notifiers(
    configuration: Configuration, opening: NotifierOpening, stack: AsyncExitStack
) -> Mapping[str, object]:
    """Without pictures, which are drawn from the store."""
    return {
        name: await told_open(NOTIFIERS[each.kind], each.settings, opening, stack)
        for name, each in configuration.connections.items()
        if each.kind in NOTIFIERS
    }


async def told_open(
    kind: Kind, settings: BaseModel, opening: NotifierOpening, stack: AsyncExitStack
) -> Notifier | Unopened:
    """The notifier, or why there is none: one that cannot be opened must not hide what the others say."""
    try:
        return await stack.enter_async_context(kind.open(settings, opening))
    except WatcherError as error:
        return Unopened(error)


async def _ears(
    configuration: Configuration, ports: Ports, http: Http, metrics: Metrics, stack: AsyncExitStack
) -> Mapping[str, Hears]:
    """None, where they cannot be opened: the same connections tell people, and that says why already."""
    try:
        return await open_ears(configuration, ports, http, metrics, stack)
    except WatcherError:
        return {}
