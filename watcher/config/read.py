"""The configuration as a whole: a pure function of files. Reading it again is reloading it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from rules.canonical import canonical
from rules.document import Mistakes, Node
from watcher.config.configuration import Configuration, Configured, Daemon, Key
from watcher.config.crosscheck import (
    check_acting,
    check_addresses,
    check_connections,
    check_daemon,
    check_heard,
    check_levers,
    check_sources,
    check_told,
)
from watcher.config.errors import InvalidConfiguration
from watcher.config.files import Files, read_files
from watcher.config.gates import with_windows
from watcher.config.kinds import Kinds
from watcher.config.mirrors import check_mirrors
from watcher.config.promises import Shelf
from watcher.config.proving import with_proofs
from watcher.config.pushed import tellers
from watcher.config.relaying import check_relay
from watcher.config.secrets import Secrets, unsealed
from watcher.config.sections import (
    HTTP,
    read_accounts,
    read_alerts,
    read_connections,
    read_daemon,
    read_sources,
    read_teams,
)
from watcher.config.services import Built, Surroundings, build_service, check_layers, layered
from watcher.core.service import Ceilings


def read_configuration(path: Path, kinds: Kinds) -> Configuration:
    """Read `rollbackd.yaml` at *path*, services.d beside it, and all rule files that they name. Offline.

    Raises:
        InvalidConfiguration: With all problems, whatever stands in the files. No secret is in any of them.
    """
    mistakes = Mistakes()
    files = read_files(path, mistakes)
    root = files.root
    section = root.get("daemon") or Node(root.at, {})
    daemon = read_daemon(section, kinds, mistakes)
    accounts = read_accounts(root.get("accounts"), mistakes)
    connections = read_connections(root.get("connections"), kinds, mistakes)
    written = _kinds(root, "connections")
    broken = {name: kind for name, kind in written.items() if name not in connections}
    notifiers = frozenset(name for name, kind in written.items() if _tells(kind, kinds))
    boards = _keys(root, "connections", set(kinds.boards))
    told_in = {name: connections.get(name) for name in sorted(notifiers)}
    teams = read_teams(root.get("teams"), notifiers, _token_names(section), mistakes, told_in, boards)
    known_accounts = _keys(root, "accounts")
    sources = read_sources(root.get("sources"), root, kinds, known_accounts, mistakes)
    alerts = read_alerts(root.get("alerts"), kinds, _keys(root, "sources"), mistakes)
    around = Surroundings(
        shelf=Shelf(
            path.parent,
            kinds,
            connections,
            known_accounts,
            tellers(alerts, _keys(root, "alerts"), sources, kinds),
            broken,
        ),
        accounts={name: accounts.get(name) for name in known_accounts},
        teams=teams,
        sources={name: sources.get(name) for name in (HTTP, *sorted(_keys(root, "sources") - {HTTP}))},
        ceilings=daemon.ceilings if daemon else Ceilings(),
        relays=section.get("relay") is not None,
        known=files.services.keys(),
        may_act=daemon is None or daemon.alone or daemon.store.kind != "memory",
    )
    check_layers(root, mistakes)
    services = _build_services(files, around, mistakes)
    gated = with_windows(
        root.get("freezes"), {key: built.service for key, built in services.items()}, mistakes
    )
    gated = with_proofs(gated, {key: built.targets for key, built in services.items()})
    if daemon:
        check_daemon(section, daemon, files.services.keys(), mistakes)
        check_relay(section, daemon, (built.service for built in services.values()), mistakes)
        check_levers(section, known_accounts, mistakes)
    check_connections(connections, known_accounts, kinds, mistakes)
    check_told(root.get("teams"), written, kinds, mistakes)
    check_acting(connections, accounts, kinds, mistakes)
    check_sources(sources, accounts, kinds, mistakes)
    check_addresses(services, accounts, kinds, mistakes)
    check_heard(services, sources, kinds, mistakes)
    check_mirrors(services, accounts, mistakes)
    if mistakes.problems or daemon is None:
        raise InvalidConfiguration(mistakes.problems)
    return Configuration(
        file=str(path),
        daemon=daemon,
        accounts=accounts,
        connections=connections,
        teams=teams,
        sources=sources,
        services=gated,
        targets={key: built.targets for key, built in services.items()},
        effective={key: built.effective for key, built in services.items()},
        digest=_digest(root, services),
        heard={key: built.heard for key, built in services.items()},
        alerts=alerts,
        mirrors={key: built.mirrors for key, built in services.items()},
    )


def with_secrets(configuration: Configuration, secrets: Secrets) -> Configuration:
    """*configuration* with its secrets, to open what is configured with; to be called once, when the daemon starts.

    Raises:
        InvalidConfiguration: Secrets that cannot be had, or do not fit; all of them, and none is repeated.
    """
    mistakes = Mistakes()
    opened = replace(
        configuration,
        daemon=_daemon_with_secrets(configuration.daemon, secrets, mistakes),
        connections=_each_with_secrets(configuration.connections, secrets, mistakes),
        sources=_each_with_secrets(configuration.sources, secrets, mistakes),
        alerts=_each_with_secrets(configuration.alerts, secrets, mistakes),
        targets={
            key: _each_with_secrets(parts, secrets, mistakes) for key, parts in configuration.targets.items()
        },
        mirrors={
            key: tuple(_one_with_secrets(each, secrets, mistakes) for each in mirrors)
            for key, mirrors in configuration.mirrors.items()
        },
    )
    if mistakes.problems:
        raise InvalidConfiguration(mistakes.problems)
    return opened


def of_one_service(configuration: Configuration, key: Key, secrets: Secrets) -> Configuration:
    """*configuration* with the service *key* alone, and the secrets of its targets: no other secret is asked for.

    For a person at a shell, who has none of the daemon's tokens. Its store, connections and sources cannot be opened.

    Raises:
        InvalidConfiguration: Secrets of the targets that cannot be had, or do not fit.
    """
    mistakes = Mistakes()
    parts = _each_with_secrets(configuration.targets[key], secrets, mistakes)
    if mistakes.problems:
        raise InvalidConfiguration(mistakes.problems)
    accounts = {each.account for each in parts.values()}
    return replace(
        configuration,
        accounts={name: each for name, each in configuration.accounts.items() if name in accounts},
        connections={},
        sources={},
        heard={},
        mirrors={},
        services={key: configuration.services[key]},
        targets={key: parts},
    )


def _build_services(files: Files, around: Surroundings, mistakes: Mistakes) -> dict[Key, Built]:
    services: dict[Key, Built] = {}
    for key, entry in files.services.items():
        if not entry.node.is_mapping:
            continue
        built = build_service(key, layered(files.root, key[1], entry.node), around, mistakes)
        if built is not None:
            services[key] = built
    return services


def _keys(root: Node, section: str, kinds: set[str] | None = None) -> frozenset[str]:
    """Names that stand in a section, though what they name may be wrong; of *kinds* alone, if given."""
    named = _kinds(root, section)
    return frozenset(name for name, kind in named.items() if kinds is None or kind in kinds)


def _kinds(root: Node, section: str) -> dict[str, str]:
    """The same, each with the kind that is written there."""
    node = root.get(section)
    return {name: _kind(entry.node) for name, entry in (node.entries() if node else ())}


def _tells(kind: str, kinds: Kinds) -> bool:
    """Connections of *kind* tell people. So may those of a kind that nobody knows: that it is none is told at its own place."""
    known = {*kinds.connections, *kinds.later_connections}
    return kind in {*kinds.notifiers, *kinds.later_notifiers} or kind not in known


def _kind(node: Node) -> str:
    return next((kind for kind, _ in node.entries()), "")


def _token_names(section: Node) -> frozenset[str]:
    tokens = section.get("tokens")
    names = [token.get("name") for token in (tokens.items() if tokens else ())]
    return frozenset(str(name.content) for name in names if name is not None)


def _daemon_with_secrets(daemon: Daemon, secrets: Secrets, mistakes: Mistakes) -> Daemon:
    heartbeat = daemon.heartbeat and _one_with_secrets(daemon.heartbeat, secrets, mistakes)
    relay = daemon.relay and _one_with_secrets(daemon.relay, secrets, mistakes)
    store = _one_with_secrets(daemon.store, secrets, mistakes)
    return replace(daemon, store=store, heartbeat=heartbeat, relay=relay)


def _each_with_secrets(
    configured: Mapping[str, Configured], secrets: Secrets, mistakes: Mistakes
) -> dict[str, Configured]:
    return {name: _one_with_secrets(each, secrets, mistakes) for name, each in configured.items()}


def _one_with_secrets(configured: Configured, secrets: Secrets, mistakes: Mistakes) -> Configured:
    node = unsealed(configured.node, secrets, mistakes)
    if node == configured.node:
        return configured
    settings: BaseModel | None = mistakes.read(node, type(configured.settings))
    return configured if settings is None else replace(configured, settings=settings)


def _digest(root: Node, services: Mapping[Key, Built]) -> str:
    whole: dict[str, Any] = {
        "file": root.without("services", "defaults", "environments").plain(),
        "services": {
            "/".join(key): [built.effective.layers.plain(), canonical(built.service.policy.rules)]
            for key, built in services.items()
        },
    }
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()
