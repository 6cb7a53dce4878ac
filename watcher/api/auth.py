"""Who asks, and what they may: bearer tokens from the configuration.

A token is 256 random bits, so its SHA-256 may stand in a file that many can read, and a slow hash would protect nothing.
What a token *may* (its scopes and services) and what a person may order of a team's service (`may_order`) are two
questions; an order needs both.

Where no token is configured, only the machine itself is heard: a peer on the loopback address that also calls us by a
loopback name, which no page in a browser can do under a name of its own (DNS rebinding). Its principal is ``local``.
"""

import hashlib
import hmac
import ipaddress
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Protocol
from urllib.parse import urlsplit

from watcher.core.service import Service

ALL = "*"


class Scope(StrEnum):
    """What a route needs."""

    PUBLIC = "public"
    SIGNED = "signed"  # no token: the handler checks the signature of the system that sends it
    ANNOUNCE = "announce"
    READ = "read"
    ORDER = "order"
    RELAY = "relay"


class Token(Protocol):
    """One line of the configuration."""

    @property
    def name(self) -> str:
        """Its name: the principal is ``token:NAME``."""

    @property
    def sha256(self) -> str:
        """Of the whole secret, as 64 lower-case hex digits."""

    @property
    def may(self) -> frozenset[str]:
        """Its scopes: ``announce``, ``read``, ``order``, ``relay``."""

    @property
    def services(self) -> tuple[str, ...]:
        """Which it is good for: globs over the service (``check*``), or over both (``*/staging``)."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever asks: `name` is what the audit says."""

    name: str
    may: frozenset[str]
    services: tuple[str, ...]
    also: frozenset[str] = frozenset()  # what `may_order` may call it too: a person's id, a group

    def covers(self, service: str, environment: str) -> bool:
        """It is good for this service. For all of them (``*``, ``*``) only if it is limited to none."""
        return covered(self.services, service, environment)

    @property
    def covers_all(self) -> bool:
        """It is limited to no service."""
        return self.covers(ALL, ALL)

    def may_order(self, service: Service) -> bool:
        """The service's team lets it order; a team that names nobody leaves it to the tokens."""
        return not service.team.may_order or not {self.name, *self.also}.isdisjoint(service.team.may_order)


LOCAL = Principal("local", frozenset(scope.value for scope in Scope), (ALL,))
NOBODY = Principal("nobody", frozenset({Scope.PUBLIC.value}), ())


def principal_of(
    authorization: str, tokens: Sequence[Token], *, peer: str | None, host: str
) -> Principal | None:
    """Whoever sends this ``Authorization``; ``None``: nobody knows.

    All tokens are compared, always, so that the time tells nothing.
    """
    if not tokens:
        return LOCAL if _is_loopback(peer) and _is_loopback(_name_in(host)) else None
    scheme, _, secret = authorization.partition(" ")
    digest = hashlib.sha256(secret.strip().encode(errors="surrogateescape")).hexdigest().encode()
    found = [token for token in tokens if hmac.compare_digest(digest, token.sha256.encode())]
    if scheme.lower() != "bearer" or not secret.strip() or not found:
        return None
    return Principal(f"token:{found[0].name}", found[0].may | NOBODY.may, found[0].services)


@dataclass(slots=True)
class _Bucket:
    left: float
    at: datetime


class Failures:
    """How many wrong tokens an address may send: a bucket each, of the addresses heard last.

    A right token is never refused for the wrong ones of its neighbours: behind a load balancer all share one address. Guessing
    256 bits is hopeless anyway; the bucket keeps the log and the machine quiet.
    """

    def __init__(
        self, most: int = 10, refill: timedelta = timedelta(seconds=6), addresses: int = 4096
    ) -> None:
        self._most = most
        self._refill = refill
        self._addresses = addresses
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def failed(self, address: str, now: datetime) -> timedelta | None:
        """Count one failure; how long to wait where there were too many."""
        bucket = self._buckets.pop(address, None) or _Bucket(float(self._most), now)
        bucket.left = min(float(self._most), bucket.left + max((now - bucket.at) / self._refill, 0.0))
        bucket.at = now
        self._buckets[address] = bucket
        while len(self._buckets) > self._addresses:
            self._buckets.popitem(last=False)

        if bucket.left < 1:
            return self._refill * (1 - bucket.left)
        bucket.left -= 1
        return None


def services_in_reach(principal: Principal, services: Mapping[tuple[str, str], Service]) -> Sequence[Service]:
    """The services that *principal* may see, by name."""
    return [services[key] for key in sorted(services) if principal.covers(*key)]


def covered(globs: Iterable[str], service: str, environment: str) -> bool:
    """One of *globs* names the service, as the ``services`` of a token do."""
    return any(_matches(glob, service, environment) for glob in globs)


def _matches(glob: str, service: str, environment: str) -> bool:
    """``fnmatch`` knows no slash, so both halves are matched by themselves; brackets are no wildcards of a service's name."""
    of_service, slash, of_environment = glob.partition("/")
    return _fits(service, of_service) and (not slash or _fits(environment, of_environment))


def _fits(name: str, glob: str) -> bool:
    """``*`` as a name means all of them: only ``*`` covers it."""
    return glob == ALL if name == ALL else fnmatchcase(name, glob)


def _name_in(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _is_loopback(address: str | None) -> bool:
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address or "").is_loopback
    except ValueError:
        return False
