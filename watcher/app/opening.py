"""Opens what the configuration names: the store, the providers, the notifiers, the targets, the sources."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from importlib.metadata import version

from deploy.ports import World
from deploy.source import Source
from deploy.sources.registry import SOURCES
from deploy.target import Place, Target
from deploy.targets.registry import TARGETS
from watcher.app.ports import Ports
from watcher.config import Configuration
from watcher.http import Guard, Http
from watcher.notify.notifier import Notifier
from watcher.notify.notifier import Opening as NotifierOpening
from watcher.notify.registry import NOTIFIERS
from watcher.runtime.fleet import Fleet, Key
from watcher.runtime.inquiry import Connected
from watcher.signals.provider import Opening as ProviderOpening
from watcher.signals.registry import PROVIDERS
from watcher.store.registry import STORES
from watcher.store.store import Opening as StoreOpening
from watcher.store.store import Store
from watcher.telemetry.metrics import Metrics


async def open_store(
    configuration: Configuration, ports: Ports, metrics: Metrics, stack: AsyncExitStack
) -> Store:
    """The store; raises what its kind raises where it cannot be opened."""
    chosen = configuration.daemon.store
    opening = StoreOpening(ports.now, failed=lambda operation: metrics.store_errors.labels(operation).inc())
    return ports.around_store(
        await stack.enter_async_context(STORES[chosen.kind].open(chosen.settings, opening))
    )


async def open_http(
    configuration: Configuration, ports: Ports, metrics: Metrics, stack: AsyncExitStack
) -> Http:
    """What is sent to the outside goes through here, and only to where it may."""
    guard = Guard(configuration.daemon.reach)
    return await stack.enter_async_context(Http.open(guard, metrics, ports.now, version("rollbackd")))


async def open_providers(
    configuration: Configuration, ports: Ports, http: Http, metrics: Metrics, stack: AsyncExitStack
) -> dict[str, Connected]:
    """Each connection under its name; a kind that needs none under its own."""
    opening = ProviderOpening(http, ports.now, ports.monotonic, metrics)
    needing_none = {name: (kind, None) for name, kind in PROVIDERS.items() if kind.settings is None}
    connected = {
        name: (PROVIDERS[each.kind], each.settings)
        for name, each in configuration.connections.items()
        if each.kind in PROVIDERS
    }
    return {
        name: Connected(kind, await stack.enter_async_context(kind.open(settings, opening)))
        for name, (kind, settings) in (needing_none | connected).items()
    }


async def open_notifiers(
    configuration: Configuration, ports: Ports, http: Http, stack: AsyncExitStack
) -> Mapping[str, Notifier]:
    """Each connection that tells people, under its name."""
    opening = NotifierOpening(http, ports.now)
    notifiers = {
        name: await stack.enter_async_context(NOTIFIERS[each.kind].open(each.settings, opening))
        for name, each in configuration.connections.items()
        if each.kind in NOTIFIERS
    }
    return ports.around_notifiers(notifiers)


def fleet_of(configuration: Configuration, ports: Ports) -> Fleet:
    """The services, with their targets. Touches no platform."""
    world = World(command=ports.command)
    targets: dict[Key, Mapping[str, Target]] = {
        key: {
            part: TARGETS[each.kind].open(each.settings, Place(*key, part), world)
            for part, each in parts.items()
        }
        for key, parts in configuration.targets.items()
    }
    return Fleet(configuration.services, targets)


def sources_of(configuration: Configuration) -> Mapping[str, Source]:
    """The sources of deploy events, by name."""
    return {
        name: SOURCES[each.kind].open(each.settings, name) for name, each in configuration.sources.items()
    }
