"""What the files say, as values. Nothing here is a secret: see ``secrets``."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network

from pydantic import BaseModel

from deploy.ports import AwsAccount
from rules.document import Node
from watcher.core.readiness import Daily
from watcher.core.service import Ceilings, Service, Team

Network = IPv4Network | IPv6Network
Key = tuple[str, str]  # service, environment


@dataclass(frozen=True, slots=True)
class Configured:
    """Something that has a kind: its kind and its settings.

    Attributes:
        settings: Validated; until `with_secrets` has put them in, each secret is a stand-in.
        node: Where it stands, sealed. Two that differ only in their place are equal.
        account: Of what runs on AWS: the account's name.
    """

    kind: str
    settings: BaseModel
    node: Node = field(repr=False, compare=False)
    account: str | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """How a service is heard from a source that hears of many.

    Attributes:
        source: Its name.
        narrowing: What of it is this service's, as its kind reads it.
        node: Where it stands. Two that differ only in their place are equal.
    """

    source: str
    narrowing: BaseModel
    node: Node = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Listen:
    """Where the daemon listens."""

    host: str = "127.0.0.1"
    port: int = 8080


@dataclass(frozen=True, slots=True)
class Tls:
    """Files of the certificate (with its chain) and of its key, PEM."""

    certificate: str
    key: str


@dataclass(frozen=True, slots=True)
class Token:
    """Who may call: the secret's SHA-256, what it may do, and for which services.

    Attributes:
        sha256: 64 hexadecimal digits, lower case.
        may: ``announce``, ``read``, ``order``, ``relay``.
        services: Names, or names with their environment (``checkout/production``); ``*`` stands for anything.
    """

    name: str
    sha256: str
    may: frozenset[str]
    services: tuple[str, ...] = ("*",)


def account_id(role: str) -> str:
    """The twelve digits in the ARN of a role."""
    return role.split(":")[4]


@dataclass(frozen=True, slots=True)
class Account:
    """An account of AWS in one region, and the ARNs of two roles.

    Attributes:
        read: ``None``: the daemon's own credentials.
        act: Assumed only to act; shadow never needs it.
        own_acts: Without a role to act, one's own credentials do. No file says so: a person at a shell is one, a daemon never.
    """

    name: str
    region: str
    read: str | None = None
    act: str | None = None
    own_acts: bool = False

    @property
    def aws(self) -> AwsAccount:
        """The account, as those know it who work in it."""
        role = self.read or self.act
        known = account_id(role) if role else None
        return AwsAccount(self.name, self.region, known, may_act=bool(self.act) or self.own_acts)


@dataclass(frozen=True, slots=True)
class Lever:
    """What disarms the daemon from outside: a file at the path *at*, or the parameter *at* in an account."""

    at: str
    account: str | None = None


@dataclass(frozen=True, slots=True)
class Daemon:
    """How this daemon runs.

    Attributes:
        reach: Private networks that providers and notifiers may connect to; public ones they may anyway.
        alone: A daemon that remembers nothing (``store: {memory: {}}``) acts only if this is said.
        heartbeat: The monitor that is told that all is well; its settings are a `HeartbeatModel`.
        relay: The central daemon that is told what this sidecar counts; its settings are a `RelayModel`.
        levers: What disarms it from outside.
        ready: When it is looked at each day whether every service could be put back; ``None``: never.
        written: The section, for `explain`.
    """

    store: Configured
    listen: Listen = Listen()
    public_url: str | None = None
    tls: Tls | None = None
    tokens: tuple[Token, ...] = ()
    reach: tuple[Network, ...] = ()
    ceilings: Ceilings = field(default=Ceilings())
    alone: bool = False
    heartbeat: Configured | None = None
    relay: Configured | None = None
    levers: tuple[Lever, ...] = ()
    ready: Daily | None = field(default=Daily())
    written: Node | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Effective:
    """What is in force for one service, with the lines it comes from.

    Attributes:
        layers: Defaults, environment and service in one; each leaf knows its own place. With what the target says of rules.
        promises: Its rules, by id.
        usual: The rule pack of its stack, where it names no rules; ``None``: it does.
    """

    layers: Node
    promises: Mapping[str, Node]
    usual: str | None = None


@dataclass(frozen=True, slots=True)
class Configuration:
    """All that the files say.

    Attributes:
        targets: By service, then by part, in the order in which they move back.
        heard: By service, how it is heard from sources that hear of many.
        alerts: Who tells of alerts by itself, by name.
        mirrors: Where the known-good release of each part of a service is said besides.
        digest: SHA-256 of what is in force, in hexadecimal digits: comments and order do not count.
    """

    file: str
    daemon: Daemon
    accounts: Mapping[str, Account]
    connections: Mapping[str, Configured]
    teams: Mapping[str, Team]
    sources: Mapping[str, Configured]
    services: Mapping[Key, Service]
    targets: Mapping[Key, Mapping[str, Configured]]
    effective: Mapping[Key, Effective] = field(repr=False, compare=False)
    digest: str
    heard: Mapping[Key, tuple[Heard, ...]] = field(default_factory=dict)
    alerts: Mapping[str, Configured] = field(default_factory=dict)
    mirrors: Mapping[Key, tuple[Configured, ...]] = field(default_factory=dict)
