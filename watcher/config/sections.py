"""The sections of `rollbackd.yaml` that stand beside the services: daemon, accounts, connections, teams, sources."""

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import time
from typing import Protocol, runtime_checkable

from pydantic import BaseModel

from rules.document import Mistakes, Node, quoted, unknown
from watcher.config.configuration import Account, Configured, Daemon, Lever, Tls, Token
from watcher.config.kinds import Kinds
from watcher.config.models import (
    AccountModel,
    DaemonModel,
    HeartbeatModel,
    LeverModel,
    ReadyModel,
    TeamModel,
    zone_of,
)
from watcher.config.references import named, refer, refer_each
from watcher.config.relaying import read_relay
from watcher.config.secrets import sealed
from watcher.core.readiness import Daily
from watcher.core.service import Ceilings, Escalation, Team

HTTP = "http"  # the source behind POST /v1/deployments
DEFAULT_STORE = "/var/lib/rollbackd/state.db"
PERSON = re.compile(r"[UWS][A-Z0-9]{2,20}")  # of Slack: a user, one of an organisation, a user group
WHO = "write token:NAME"


@runtime_checkable
class Hearing(Protocol):
    """Settings of a connection in which people may order."""

    @property
    def hears(self) -> bool:
        """It is set up to hear them."""


def read_configured(
    node: Node, what: str, known: Mapping[str, type[BaseModel]], later: Collection[str], mistakes: Mistakes
) -> Configured | None:
    """What *node* says of something that has kinds."""
    chosen = mistakes.kind(node, what, known, later)
    if chosen is None:
        return None
    model = known[chosen.kind]
    settings = sealed(chosen.settings, model, mistakes)
    value = mistakes.read(settings, model)
    return None if value is None else Configured(chosen.kind, value, settings)


def read_daemon(section: Node, kinds: Kinds, mistakes: Mistakes) -> Daemon | None:
    """``daemon``; where no store is named, it is SQLite at its usual place."""
    where = section.get("store")
    chosen = where and read_configured(where, "store", kinds.stores, kinds.later_stores, mistakes)
    written = mistakes.read(section, DaemonModel)
    if written is None:
        return None
    tls = written.http.tls
    return Daemon(
        store=chosen or _usual_store(section, kinds),
        listen=written.http.listen,
        public_url=written.http.public_url,
        tls=Tls(tls.certificate, tls.key) if tls else None,
        tokens=tuple(Token(t.name, t.sha256, frozenset(t.may), tuple(t.services)) for t in written.tokens),
        reach=tuple(written.reach),
        ceilings=Ceilings(written.ceilings.service_per_day, written.ceilings.fleet_per_hour),
        alone=written.alone,
        heartbeat=_heartbeat(section.get("heartbeat"), mistakes),
        relay=read_relay(section.get("relay"), mistakes),
        levers=tuple(_lever(each) for each in written.disarmed_by),
        ready=_daily(written.ready) if written.ready.enabled else None,
        written=section,
    )


def _daily(written: ReadyModel) -> Daily:
    return Daily(time.fromisoformat(written.at), zone_of(written.zone))


def _lever(written: LeverModel) -> Lever:
    return Lever(written.ssm.parameter, written.ssm.account) if written.ssm else Lever(written.file or "")


def _heartbeat(node: Node | None, mistakes: Mistakes) -> Configured | None:
    if node is None:
        return None
    settings = sealed(node, HeartbeatModel, mistakes)
    value = mistakes.read(settings, HeartbeatModel)
    return None if value is None else Configured("heartbeat", value, settings)


def _usual_store(section: Node, kinds: Kinds) -> Configured:
    settings = kinds.stores["sqlite"].model_validate({"path": DEFAULT_STORE})
    return Configured("sqlite", settings, Node(section.at, {}))


def read_accounts(section: Node | None, mistakes: Mistakes) -> dict[str, Account]:
    """``accounts``, by name."""
    accounts: dict[str, Account] = {}
    for name, entry in named(section, "an account", mistakes):
        written = mistakes.read(entry.node, AccountModel)
        if written is not None:
            accounts[name] = Account(name, written.region, written.read, written.act)
    return accounts


def read_connections(section: Node | None, kinds: Kinds, mistakes: Mistakes) -> dict[str, Configured]:
    """``connections``, by name."""
    connections: dict[str, Configured] = {}
    for name, entry in named(section, "a connection", mistakes):
        connection = read_configured(
            entry.node, "connection", kinds.connections, kinds.later_connections, mistakes
        )
        if connection is not None:
            connections[name] = connection
    return connections


def read_sources(
    section: Node | None, root: Node, kinds: Kinds, accounts: Collection[str], mistakes: Mistakes
) -> dict[str, Configured]:
    """``sources``, by name. The one that is told over HTTP is always there, and is called `HTTP`."""
    known = {name: kind.settings for name, kind in kinds.sources.items()}
    sources = {HTTP: Configured(HTTP, kinds.sources[HTTP].settings.model_validate({}), Node(root.at, {}))}
    for name, entry in named(section, "a source", mistakes):
        source = read_configured(entry.node, "source", known, kinds.later_sources, mistakes)
        if source is not None and kinds.sources[source.kind].feed is not None:
            source = replace(source, account=refer(source.node.get("account"), "account", accounts, mistakes))
        if source is not None and (source.kind == HTTP) != (name == HTTP):
            mistakes.add(
                entry.key,
                "deployments that are told over HTTP come from a source called http",
                "write http: {http: {}}",
            )
        if source is not None:
            sources[name] = source
    return sources


def read_alerts(
    section: Node | None, kinds: Kinds, sources: Collection[str], mistakes: Mistakes
) -> dict[str, Configured]:
    """``alerts``, by name. A rule names them and queues alike, so no two may have one name."""
    senders: dict[str, Configured] = {}
    known = {name: kind.settings for name, kind in kinds.senders.items()}
    for name, entry in named(section, "who tells of alerts", mistakes):
        sender = read_configured(entry.node, "sender of alerts", known, (), mistakes)
        if name in sources:
            mistakes.add(entry.key, f"{quoted(name)} is a source already", "give one of the two another name")
        elif sender is not None:
            senders[name] = sender
    return senders


def read_teams(
    section: Node | None,
    notifiers: Collection[str],
    tokens: Collection[str],
    mistakes: Mistakes,
    connections: Mapping[str, Configured | None],
    boards: Collection[str] = frozenset(),
) -> dict[str, Team]:
    """``teams``, by name.

    Args:
        section: What is written.
        notifiers: Names of the connections that tell people.
        tokens: Names of the tokens.
        mistakes: Gets what is wrong.
        connections: By name; ``None``: a mistake in it is told at its own place. In some of them people can order.
        boards: Names of those connections that disturb nobody.
    """
    teams: dict[str, Team] = {}
    for name, entry in named(section, "a team", mistakes):
        written = mistakes.read(entry.node, TeamModel)
        tell = tuple(_tell(entry.node.get("tell"), notifiers, mistakes))
        _check_principals(entry.node.get("may_order"), tokens, connections, mistakes)
        shown = frozenset(each for each in tell if each.partition(":")[0] in boards)
        called = entry.node.get("escalate") and _called(entry.node, notifiers, boards, tell, mistakes)
        escalate = written and written.escalate
        escalation = Escalation(escalate.after, tuple(called or ())) if escalate else None
        teams[name] = Team(name, tell, tuple(written.may_order) if written else (), shown, escalation)
    return teams


def _called(
    team: Node, notifiers: Collection[str], boards: Collection[str], tell: Collection[str], mistakes: Mistakes
) -> list[str]:
    """Who is called besides, where nobody has answered: neither a board, which calls nobody, nor who is told anyway."""
    section = team.get("escalate")
    to = section and section.get("to")
    called = _tell(to, notifiers, mistakes)
    for each in called:
        if each in tell or each.partition(":")[0] in boards:
            words = f"{quoted(each)} is told anyway, or calls nobody"
            mistakes.add(to or team, words, "name a connection that calls somebody, and is not under `tell`")
    return called


def _tell(section: Node | None, notifiers: Collection[str], mistakes: Mistakes) -> list[str]:
    told: list[str] = []
    for referred in refer_each(section, "connection that tells people", notifiers, mistakes):
        narrowing = referred.narrowing
        if narrowing is None:
            told.append(referred.name)
        elif isinstance(narrowing.content, str) and narrowing.content:
            told.append(f"{referred.name}:{narrowing.content}")
        else:
            mistakes.add(narrowing, "expected what narrows the connection, as text", "write {name: CHANNEL}")
    return told


def _check_principals(
    section: Node | None,
    tokens: Collection[str],
    connections: Mapping[str, Configured | None],
    mistakes: Mistakes,
) -> None:
    for item in section.items() if section else ():
        kind, colon, name = str(item.content).partition(":")
        if kind == "token" and colon:
            if name not in tokens:
                mistakes.add(item, *unknown("token", name, tokens))
        elif colon:
            _check_person(item, kind, name, connections, mistakes)
        elif item.content != "local":  # whoever sits on this machine, where no token is configured
            mistakes.add(item, "expected who may order", WHO)


def _check_person(
    item: Node, connection: str, id: str, connections: Mapping[str, Configured | None], mistakes: Mistakes
) -> None:
    """Somebody in the workspace of a connection, or one of its user groups; names are no ids, for people change them."""
    found = connections.get(connection)
    if connection in connections and found is None:
        return
    if not _hears(found):
        hearing = [name for name, each in connections.items() if _hears(each)]
        known = f"; those that do: {', '.join(hearing)}" if hearing else ""
        words = f"{quoted(connection)} is no connection that hears people{known}"
        mistakes.add(
            item, words, f"{WHO}, or give a connection to Slack an `app_token` or a `signing_secret`"
        )
    elif not PERSON.fullmatch(id):
        mistakes.add(
            item,
            f"{quoted(id)} is not the id of a person (U…, W…) or of a user group (S…)",
            f"write {connection}:U…; Slack shows the id in the menu of a profile or of a group",
        )


def _hears(connection: Configured | None) -> bool:
    return (
        connection is not None
        and isinstance(connection.settings, Hearing)
        and bool(connection.settings.hears)
    )
