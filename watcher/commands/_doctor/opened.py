"""Opens what the daemon would open, but for the store, which a running daemon holds."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from deploy.ports import Aws
from watcher.app.opening import fleet_of, open_aws, open_http, open_providers
from watcher.app.ports import Ports
from watcher.config import Configuration
from watcher.http import Http
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


@asynccontextmanager
async def opened(configuration: Configuration, ports: Ports) -> AsyncIterator[Opened]:
    """Everything that *configuration*, with its secrets, names; closed at the end."""
    metrics = Metrics()
    async with AsyncExitStack() as stack:
        http = await open_http(configuration, ports, metrics, stack)
        aws = await open_aws(configuration, ports, metrics, stack)
        opening = Opening(http, ports.now, ports.monotonic, metrics, aws)
        inquiry = Inquiry(await open_providers(configuration, opening, stack), metrics)
        yield Opened(configuration, ports, aws, inquiry, fleet_of(configuration, ports, aws), http)
