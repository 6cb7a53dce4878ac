"""Builds the daemon, once, on one exit stack; tests call the same function with ports of their own.

Everything is made here and handed down; nothing below reads the configuration, and nothing is looked up in a global.
"""

import ssl
from asyncio import TaskGroup
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from aiohttp import web

from deploy.model import Foretold, Permission, RollbackPlan
from deploy.ports import Aws
from deploy.tags import Ledger
from watcher.api.deps import Deps
from watcher.api.handlers.health import unwell
from watcher.api.server import build as build_api
from watcher.api.server import runner
from watcher.app import relaying
from watcher.app.made import Crashed, Heard, Made
from watcher.app.opening import (
    feeds_of,
    fleet_of,
    open_aws,
    open_ears,
    open_http,
    open_notifiers,
    open_providers,
    open_store,
    sources_of,
    tellers_of,
)
from watcher.app.ports import Permitted, Ports
from watcher.app.reload import InForce
from watcher.config import Configuration, Configured, Tls
from watcher.config.models import HeartbeatModel
from watcher.config.relaying import RelayModel
from watcher.core.readiness import Readied
from watcher.core.service import Service
from watcher.errors import WatcherError
from watcher.http import Http
from watcher.runtime.alerts import remembered
from watcher.runtime.answers import Answers
from watcher.runtime.bells import Bells
from watcher.runtime.crew import Pace
from watcher.runtime.daemon import Daemon
from watcher.runtime.feeder import Asides, first_of
from watcher.runtime.fleet import Current, Key
from watcher.runtime.heartbeat import Heartbeat
from watcher.runtime.inquiry import Inquiry
from watcher.runtime.janitor import Janitor
from watcher.runtime.levers import EVERY as LEVERS_EVERY
from watcher.runtime.levers import FileLever, Lever, Levers, ParameterLever
from watcher.runtime.readiness import EVERY as READY_EVERY
from watcher.runtime.readiness import Readiness
from watcher.runtime.rounds import Boundary, Loop, Runs
from watcher.signals.provider import Opening
from watcher.store.besides import Besides
from watcher.store.store import Store
from watcher.telemetry.metrics import Metrics
from watcher.telemetry.watchdog import Watchdog

Foretell = Callable[[RollbackPlan], Awaitable[Mapping[str, Foretold]]]


class CannotListen(WatcherError):
    """The address cannot be had, or the files of the certificate cannot be used."""


@dataclass(frozen=True, slots=True)
class Running:
    """A daemon that is built and hears people; its loops go when it is told to run."""

    daemon: Daemon
    store: Store
    in_force: InForce
    address: tuple[str, int]


@asynccontextmanager
async def build(
    configuration: Configuration, ports: Ports, metrics: Metrics, crashed: Crashed = lambda _error: None
) -> AsyncIterator[Running]:
    """Open everything that *configuration* (with its secrets) names, and listen. It is closed in the opposite order.

    Raises:
        StoreMisplaced: And what else the store raises where it cannot be opened.
        CannotListen: The address is another's, or the certificate cannot be used.
        ImpossibleTiming: Two replicas might act at once.
    """
    ports.timing.check()
    async with AsyncExitStack() as stack:
        store = await open_store(configuration, ports, metrics, stack)
        http = await open_http(configuration, ports, metrics, stack)
        aws = await open_aws(configuration, ports, metrics, stack)
        current = Current(fleet_of(configuration, ports, aws, http))
        answers = Answers()
        opening = Opening(
            http,
            ports.now,
            ports.monotonic,
            metrics,
            aws,
            relayed=store.relayed,
            until=ports.until,
            alerts=remembered(store, answers.is_deaf, ports.now),
            moved=Besides(store, lambda: current.services, answers.is_deaf).of,
        )
        inquiry = Inquiry(await open_providers(configuration, opening, stack), metrics)
        notifiers = await open_notifiers(configuration, ports, http, aws, store, stack)
        metrics.will_tell(notifiers)
        ears = await open_ears(configuration, ports, http, metrics, stack)
        feeds = feeds_of(configuration, ports, aws, http)
        in_force = InForce(
            configuration, sources_of(configuration), current, ports, metrics, aws, feeds, http
        )
        in_force.say()

        heard = Heard(
            lambda: in_force.configuration.daemon.tokens,
            lambda: in_force.sources,
            lambda: in_force.feeds,
            lambda: in_force.senders,
            lambda: tellers_of(in_force.configuration),
            lambda: in_force.barriers,
        )
        made = Made(store, current, inquiry, notifiers, Bells(), metrics, ports, crashed, answers)
        watchdog = Watchdog(ports.timing.watchdog, ports.monotonic, metrics)
        janitor = Janitor(store, metrics, ports.now, heard.kinds)
        relay = configuration.daemon.relay
        changes = made.changes()
        alerts = made.alerts(heard, http, changes)
        asides = first_of(alerts.aside, changes)
        daemon = Daemon(_loops(relay, made, heard, janitor, http, asides), watchdog, ports.monotonic)
        hearing = {name: each.ear for name, each in ears.items()}
        deps = replace(made.deps(heard, daemon, janitor), ears=lambda: hearing, alerts=alerts, asides=changes)
        if ports.permitted is not None:
            deps = replace(deps, foretell=_with_permissions(deps.foretell, ports.permitted, in_force, aws))
        if relay is not None:  # a sidecar hears of no deployment, and obeys no order
            deps = replace(deps, services=dict)
        levers = levers_of(configuration, aws, made)
        # Before anything is done: what is held off must not start in the first seconds.
        await levers.go_round()
        daemon.loops = (
            *daemon.loops,
            *([Loop("levers", levers.go_round, LEVERS_EVERY, failed=made.failed)] if levers.levers else ()),
            *_heartbeat(configuration, http, made, daemon, janitor),
            *_readiness(in_force, made),
            *(loop for each in ears.values() for loop in each.loops(deps, made.failed)),
        )
        address = await _listen(configuration, deps, stack)
        stack.enter_context(watchdog.watching())
        yield Running(daemon, store, in_force, address)


def _loops(
    relay: Configured | None, made: Made, heard: Heard, janitor: Janitor, http: Http, asides: Asides
) -> tuple[Runs, ...]:
    """What goes round: all loops of a daemon; of a sidecar its own, and what keeps house."""
    if relay is not None and isinstance(relay.settings, RelayModel):
        keeps_house = Loop("janitor", janitor.go_round, Pace().janitor, None, made.failed)
        return (keeps_house, *relaying.loops(relay.settings, made, http, made.ports.environ))
    return made.crew(feeds=heard.fed, asides=asides, barriers=heard.barriers).loops(janitor)


def _with_permissions(
    foretell: Foretell, permitted: Permitted, in_force: InForce, aws: Aws | None
) -> Foretell:
    """What *foretell* says of a plan, and whether each of its calls would be let through: one that would not stands in the way."""

    async def asked(plan: RollbackPlan) -> Mapping[str, Foretold]:
        async with TaskGroup() as asking:
            told = asking.create_task(_all(foretell(plan)))
            may = asking.create_task(permitted(in_force.configuration, aws, plan))
        return {
            part: with_permissions(each, may.result().get(part, ())) for part, each in told.result().items()
        }

    return asked


async def _all(foretold: Awaitable[Mapping[str, Foretold]]) -> Mapping[str, Foretold]:
    return await foretold


def with_permissions(foretold: Foretold, permissions: Sequence[Permission]) -> Foretold:
    """What is foretold, with whether it may be done; only a call that would be made stands in the way."""
    made = {call.split(" ")[0] for call in foretold.calls}
    denied = [each.words for each in permissions if each.allowed is False and each.action in made]
    return replace(
        foretold, permissions=tuple(permissions), obstacles=(*foretold.obstacles, *dict.fromkeys(denied))
    )


def levers_of(configuration: Configuration, aws: Aws | None, made: Made) -> Levers:
    """What holds the daemon off from outside."""
    levers: list[Lever] = []
    for each in configuration.daemon.levers:
        if each.account is None:
            levers.append(FileLever(Path(each.at)))
        elif aws is not None:
            levers.append(ParameterLever(aws.read, each.account, each.at))
    ports = made.ports
    return Levers(levers, made.store, made.current, made.bells, ports.now, ports.new_id)


def _readiness(in_force: InForce, made: Made) -> Iterator[Loop]:
    """The loop that looks each day whether every service could be put back."""
    daily, ports, store = in_force.configuration.daemon.ready, made.ports, made.store
    look = ports.examine
    if daily is None or look is None or in_force.configuration.daemon.relay is not None:
        return

    async def ledger(key: Key, part: str) -> Ledger:
        return await store.ledger(*key, part)

    async def examine(service: Service) -> Readied:
        found = await look(in_force.configuration, ports, service.key, ledger)
        return Readied(*service.key, tuple(found))

    boundary = Boundary("readiness", made.failed)
    readiness = Readiness(
        store,
        made.current,
        made.bells,
        made.metrics,
        boundary,
        ports.now,
        ports.new_id,
        daily,
        ports.now(),
        examine,
    )
    yield Loop("readiness", readiness.go_round, READY_EVERY, failed=made.failed)


def _heartbeat(
    configuration: Configuration, http: Http, made: Made, daemon: Daemon, janitor: Janitor
) -> Iterator[Loop]:
    """The loop that tells a monitor that all is well, where there is one. It asks the daemon that it is a part of."""
    configured = configuration.daemon.heartbeat
    if configured is not None and isinstance(configured.settings, HeartbeatModel):
        settings, metrics, now = configured.settings, made.metrics, made.ports.now
        heartbeat = Heartbeat(settings.url, http, metrics, now, lambda: unwell(made.status(daemon, janitor)))
        yield Loop("heartbeat", heartbeat.go_round, settings.every.total_seconds(), failed=made.failed)


async def _listen(configuration: Configuration, deps: Deps, stack: AsyncExitStack) -> tuple[str, int]:
    """Serve the API; the address that it is bound to (port 0 lets the system choose)."""
    where = configuration.daemon.listen
    serving = runner(build_api(deps))
    await serving.setup()
    stack.push_async_callback(serving.cleanup)
    tls = _tls(configuration.daemon.tls)
    try:
        await web.TCPSite(serving, where.host, where.port, ssl_context=tls).start()
    except OSError as error:
        raise CannotListen(
            f"nobody can be heard at {where.host}:{where.port}: {error.strerror or error}",
            remedy="choose another `daemon.http.listen`, or free the address",
        ) from error
    host, port, *_ = serving.addresses[0]
    return str(host), int(port)


def _tls(files: Tls | None) -> ssl.SSLContext | None:
    if files is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        # Without a password a key that is locked would be asked for at the terminal.
        context.load_cert_chain(files.certificate, files.key, password="")
    except OSError as error:
        raise CannotListen(
            f"the certificate {files.certificate} and the key {files.key} cannot be used: {error.strerror or error}",
            remedy="put files in PEM at `daemon.http.tls`: the certificate with its chain, and its key, not locked",
        ) from error
    return context
