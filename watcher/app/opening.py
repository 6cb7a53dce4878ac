"""Opens what the configuration names: the store, the providers, the notifiers, the targets, the sources."""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from functools import partial
from importlib.metadata import version
from typing import Protocol

from pydantic import SecretStr

from deploy.errors import DeployError, Unanswered
from deploy.mirrors.mirror import Mirror
from deploy.mirrors.registry import MIRRORS
from deploy.model import Finding
from deploy.ports import Aws, AwsAccount, Got, Page, Send, World
from deploy.source import Barrier, Directory, Feed, Source, Whose
from deploy.source import Opening as SourceOpening
from deploy.sources.registry import SOURCES
from deploy.target import Place, Target
from deploy.targets.registry import TARGETS
from watcher.api.deps import Deps
from watcher.api.slack.ear import Ear
from watcher.app.ports import Ports
from watcher.aws import AwsRoles
from watcher.aws import open_aws as connect
from watcher.config import Configuration, Configured
from watcher.core.wording import Chart, chart
from watcher.http import Fault, Guard, Http, HttpRefused, Request
from watcher.http.answer import harmless
from watcher.notify.github.connection import rest
from watcher.notify.notifier import Notifier
from watcher.notify.notifier import Opening as NotifierOpening
from watcher.notify.registry import NOTIFIERS
from watcher.notify.slack.connection import must_be_installed
from watcher.notify.slack.settings import Settings as SlackSettings
from watcher.runtime.fleet import Fleet, Key
from watcher.runtime.inquiry import Connected
from watcher.runtime.rounds import Failed, Runs
from watcher.signals.alert.senders.registry import SENDERS
from watcher.signals.alert.senders.sender import Sender
from watcher.signals.provider import Opening as ProviderOpening
from watcher.signals.provider import connection_in
from watcher.signals.registry import PROVIDERS
from watcher.store.registry import STORES
from watcher.store.store import Opening as StoreOpening
from watcher.store.store import Store
from watcher.telemetry.metrics import Metrics

READS_WITHIN = timedelta(seconds=4)  # one request of a source; several fit into the feeder's patience
LOOKS_WITHIN = timedelta(seconds=3)  # one page of a target, which has 7 s for everything
LARGEST_PAGE = 2 * 1024 * 1024  # bytes


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


async def open_aws(
    configuration: Configuration, ports: Ports, metrics: Metrics, stack: AsyncExitStack
) -> Aws | None:
    """AWS, where an account is configured: a daemon without one imports no boto3."""
    if ports.aws is not None or not configuration.accounts:
        return ports.aws
    accounts = {
        account.name: AwsRoles(account.name, account.region, account.read, account.act, account.own_acts)
        for account in configuration.accounts.values()
    }
    return await stack.enter_async_context(connect(accounts, metrics, ports.now))


async def open_providers(
    configuration: Configuration, opening: ProviderOpening, stack: AsyncExitStack
) -> dict[str, Connected]:
    """Each connection under its name; a kind that needs none under its own, and one on AWS once for each account."""
    needing_none = {
        name: (kind, None, opening)
        for name, kind in PROVIDERS.items()
        if (kind.settings is None or kind.stands_alone) and not kind.on_aws
    }
    on_aws = {
        connection_in(name, account.name): (kind, None, replace(opening, account=account.aws))
        for account in configuration.accounts.values()
        for name, kind in PROVIDERS.items()
        if kind.on_aws
    }
    connected = {
        name: (PROVIDERS[each.kind], each.settings, replace(opening, connection=name))
        for name, each in configuration.connections.items()
        if each.kind in PROVIDERS
    }
    return {
        name: Connected(kind.at(settings), await stack.enter_async_context(kind.open(settings, given)))
        for name, (kind, settings, given) in (needing_none | on_aws | connected).items()
    }


async def open_notifiers(
    configuration: Configuration,
    ports: Ports,
    http: Http,
    aws: Aws | None,
    store: Store,
    stack: AsyncExitStack,
) -> Mapping[str, Notifier]:
    """Each connection that tells people, under its name."""
    public_url = configuration.daemon.public_url
    opening = NotifierOpening(
        http, ports.now, public_url=public_url, chart_of=partial(_chart_of, store), aws=aws
    )
    notifiers = {
        name: await stack.enter_async_context(NOTIFIERS[each.kind].open(each.settings, opening))
        for name, each in configuration.connections.items()
        if each.kind in NOTIFIERS
    }
    return ports.around_notifiers(notifiers)


async def _chart_of(store: Store, watch: str) -> Chart | None:
    """The picture of a watch, from what is stored of it."""
    found = await store.get(watch)
    return None if found is None else chart(found, await store.buckets(watch))


class Hears(Protocol):
    """A connection that people click in."""

    @property
    def ear(self) -> Ear:
        """Where clicks arrive."""

    async def examine(self, public_url: str | None) -> Sequence[Finding]:
        """Whether clicks can come, for ``rollbackd doctor``."""

    def loops(self, deps: Deps, failed: Failed) -> Sequence[Runs]:
        """What goes on for it while the daemon runs."""


async def open_ears(
    configuration: Configuration, ports: Ports, http: Http, metrics: Metrics, stack: AsyncExitStack
) -> Mapping[str, Hears]:
    """The connections in which people click, by name. Nobody is asked anything yet.

    Raises:
        SlackMissing: The extra is not installed.
    """
    hearing = {
        name: each.settings
        for name, each in configuration.connections.items()
        if isinstance(each.settings, SlackSettings) and each.settings.hears
    }
    if not hearing:
        return {}
    must_be_installed()
    from watcher.api.slack.opening import open_ear  # noqa: PLC0415 - slack_sdk is an extra, and costs 40 MiB

    return {
        name: await stack.enter_async_context(open_ear(name, settings, http, ports.now, metrics))
        for name, settings in hearing.items()
    }


def fleet_of(configuration: Configuration, ports: Ports, aws: Aws | None, http: Http | None = None) -> Fleet:
    """The services, with their targets. Touches no platform."""
    page: Page | None = ports.page or (partial(_page, http) if http is not None else None)
    send: Send | None = ports.send or (partial(_sent, http) if http is not None else None)
    github = ports.github or (partial(rest, http, ports.now) if http is not None else None)
    world = World(command=ports.command, now=ports.now, aws=aws, page=page, send=send, github=github)
    targets: dict[Key, Mapping[str, Target]] = {
        key: {
            part: TARGETS[each.kind].open(
                each.settings, Place(*key, part, _account(configuration, each)), world
            )
            for part, each in parts.items()
        }
        for key, parts in configuration.targets.items()
    }
    stays = {
        key: {part: TARGETS[each.kind].not_undone(each.settings) for part, each in parts.items()}
        for key, parts in configuration.targets.items()
    }
    return Fleet(configuration.services, targets, _mirrors_of(configuration, world), stays)


def _mirrors_of(configuration: Configuration, world: World) -> dict[Key, Mapping[str, Sequence[Mirror]]]:
    return {
        key: {
            part: [
                MIRRORS[each.kind].open(
                    each.settings, Place(*key, part, _account(configuration, each)), world
                )
                for each in mirrors
                if (world.aws if MIRRORS[each.kind].on_aws else world.github) is not None
            ]
            for part in configuration.targets[key]
        }
        for key, mirrors in configuration.mirrors.items()
        if key in configuration.targets
    }


def sources_of(configuration: Configuration) -> Mapping[str, Source]:
    """The sources of deploy events, by name."""
    runs = _directory(configuration)
    return {
        name: SOURCES[each.kind].open(
            each.settings, SourceOpening(name, _looking_up(runs, _heard(configuration, name)))
        )
        for name, each in configuration.sources.items()
    }


def senders_of(configuration: Configuration) -> Mapping[str, Sender]:
    """Who tells of alerts, by name. Raises as `opened_sender`."""
    return {name: opened_sender(each) for name, each in configuration.alerts.items()}


def opened_sender(configured: Configured) -> Sender:
    """Who tells of alerts. Touches nothing.

    Raises:
        WatcherError: A library is missing.
    """
    sender: Sender = SENDERS[configured.kind].open(configured.settings)
    return sender


def tellers_of(configuration: Configuration) -> Mapping[str, str]:
    """The kinds of all who may tell of alerts: alarms come by queues too."""
    queues = {
        name: each.kind for name, each in configuration.sources.items() if SOURCES[each.kind].feed is not None
    }
    return queues | {name: each.kind for name, each in configuration.alerts.items()}


def _looking_up(*directories: Mapping[str, Sequence[Whose]]) -> Directory:
    return lambda address: [each for directory in directories for each in directory.get(address, ())]


def _heard(configuration: Configuration, source: str) -> Mapping[str, Sequence[Whose]]:
    """Who is heard from which address of *source*."""
    found: dict[str, list[Whose]] = {}
    for key, every in configuration.heard.items():
        for heard in every:
            if heard.source == source:
                kind = SOURCES[configuration.sources[source].kind]
                for address, part in kind.heard_at(heard.narrowing):
                    found.setdefault(address, []).append(Whose(*key, part))
    return found


def feeds_of(
    configuration: Configuration, ports: Ports, aws: Aws | None, http: Http | None = None
) -> Mapping[str, Feed]:
    """Those of the sources that are asked in a loop, by name."""
    found: dict[str, Feed | None] = {}
    for name, each in configuration.sources.items():
        kind = SOURCES[each.kind]
        if kind.feed is not None and aws is not None:
            found[name] = kind.feed(each.settings, aws, ports.now)
        elif kind.reads is not None and http is not None:
            found[name] = kind.reads(each.settings, partial(_got, http, each.kind), ports.now)
    return {name: feed for name, feed in found.items() if feed is not None}


def barriers_of(
    configuration: Configuration, ports: Ports, http: Http | None = None
) -> Mapping[str, Barrier]:
    """The gates of platforms that are kept, by the name of the source that tells of them."""
    if http is None:
        return {}
    runs, found = _directory(configuration), {}
    for name, each in configuration.sources.items():
        kind = SOURCES[each.kind]
        if kind.barrier is not None:
            opening = SourceOpening(name, _looking_up(runs, _heard(configuration, name)))
            found[name] = kind.barrier(each.settings, opening, partial(rest, http, ports.now), ports.now)
    return {name: barrier for name, barrier in found.items() if barrier is not None}


async def _got(http: Http, system: str, url: str, headers: Mapping[str, str], token: str) -> Got:
    """As `deploy.ports.Get`, for the source *system*."""
    secret = {"Authorization": SecretStr(f"Bearer {token}")}
    return await _answer(http, Request(system, url, headers=headers, secrets=secret, timeout=READS_WITHIN))


async def _page(http: Http, url: str) -> Got:
    """As `deploy.ports.Page`: on a connection of its own, so that a balancer of names is not asked at one address for ever."""
    return await _answer(http, Request("target", url, timeout=LOOKS_WITHIN, most=LARGEST_PAGE, fresh=True))


# Until then nothing was sent that anybody could have carried out.
_NOT_SENT = frozenset(
    {
        Fault.BAD_URL, Fault.BLOCKED, Fault.DNS, Fault.OURS, Fault.UNREACHABLE, Fault.REFUSED, Fault.CONNECT_TIMEOUT,
        Fault.TLS,
    }
)  # fmt: skip


async def _sent(
    http: Http,
    method: str,
    url: str,
    headers: Mapping[str, str],
    secrets: Mapping[str, str],
    body: bytes | None = None,
) -> Got:
    """As `deploy.ports.Send`. What changes something has a connection of its own: one that was kept may be dead, and nobody knows."""
    hidden = {name: SecretStr(value) for name, value in secrets.items()}
    request = Request(
        "target", url, method, headers, hidden, body, LOOKS_WITHIN, LARGEST_PAGE, fresh=method != "GET"
    )
    try:
        answer = await http.send(request)
    except HttpRefused as refused:
        happened = method != "GET" and refused.fault not in _NOT_SENT
        raise Unanswered(refused.words, remedy=refused.remedy, may_have_happened=happened) from refused
    return Got(answer.status, answer.headers, harmless(request, answer))


async def _answer(http: Http, request: Request) -> Got:
    try:
        answer = await http.send(request)
    except HttpRefused as refused:
        raise DeployError(refused.words, remedy=refused.remedy) from refused
    return Got(answer.status, answer.headers, harmless(request, answer))


def _directory(configuration: Configuration) -> Mapping[str, Sequence[Whose]]:
    """Who runs at which address of a platform."""
    found: dict[str, list[Whose]] = {}
    for key, parts in configuration.targets.items():
        for part, each in parts.items():
            whose = Whose(*key, part if len(parts) > 1 else None)
            account = _account(configuration, each)
            for address in TARGETS[each.kind].addresses(each.settings, account):
                found.setdefault(address, []).append(whose)
    return found


def _account(configuration: Configuration, configured: Configured) -> AwsAccount | None:
    account = configuration.accounts.get(configured.account or "")
    return account.aws if account else None
