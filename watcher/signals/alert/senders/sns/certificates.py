"""The certificates that SNS signs with: fetched from SNS over TLS, looked at, and kept.

What makes one trusted is where it lies: it is fetched only from the host that answers for the topic's region, whose own
certificate the system's authorities vouch for. What is fetched must be called as SNS is called there, be valid now, and have an
RSA key of at least 2,048 bits. Its own chain up to a root is not built: SNS does not send the certificates in between, and who
could put another file on that host could put those there too.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from watcher.http import Http, HttpRefused, Request
from watcher.signals.alert.senders.sender import Unproven

SYSTEM = "sns"  # a label of the metrics of outgoing requests
TIMEOUT = timedelta(seconds=5)
LARGEST = 64 * 1024  # bytes of a PEM; one certificate has some 2 KiB
MOST_KEPT = 16  # SNS has one at a time in each region
MOST_FETCHED = (
    10  # in `SPAN`; who knows the name of a topic can make us ask for certificates that are not there
)
SPAN = timedelta(minutes=1)
AGAIN = timedelta(seconds=10)  # before one that could not be had is asked for again
SHORTEST_KEY = 2048  # bits
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Certificate:
    """One that may be signed with between two times."""

    key: rsa.RSAPublicKey
    begin: datetime
    end: datetime

    def signs(self, signature: bytes, signed: bytes) -> bool:
        """*signature* is that of *signed*: RSA with PKCS #1 v1.5, over SHA-256."""
        try:
            self.key.verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            return False
        return True

    def is_valid(self, now: datetime) -> bool:
        """It may be signed with now."""
        return self.begin <= now <= self.end


class Certificates:
    """Those that were seen, by where they lie; fetched one at a time."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Certificate] = OrderedDict()
        self._failed: OrderedDict[str, tuple[datetime, Unproven]] = OrderedDict()
        self._fetched: list[datetime] = []
        self._one = asyncio.Lock()

    async def at(self, http: Http, url: str, names: Collection[str], now: datetime) -> Certificate | Unproven:
        """The certificate at *url*, which was checked; called by one of *names*, and valid now.

        Who waits for another's fetching finds what it has found. What could not be had is not asked for again within
        `AGAIN`, and after `MOST_FETCHED` in a minute nothing is.
        """
        if url not in self._kept:
            async with self._one:
                unproven = None if url in self._kept else await self._get(http, url, names, now)
            if unproven is not None:
                return unproven
        certificate = self._kept[url]
        self._kept.move_to_end(url)
        if not certificate.is_valid(now):
            return Unproven(f"the certificate of SNS is valid from {certificate.begin} to {certificate.end}")
        return certificate

    async def _get(self, http: Http, url: str, names: Collection[str], now: datetime) -> Unproven | None:
        """Fetch it, and keep it; or say why not."""
        failed_at, why = self._failed.get(url, (None, None))
        if failed_at is not None and now - failed_at < AGAIN:
            return why
        self._fetched = [at for at in self._fetched if now - at < SPAN]
        if len(self._fetched) >= MOST_FETCHED:
            return Unproven(f"{MOST_FETCHED} certificates were asked for within a minute", later=True)
        self._fetched.append(now)
        found = await _fetched(http, url, names)
        if isinstance(found, Unproven):
            _put(self._failed, url, (now, found))
            return found
        _put(self._kept, url, found)
        return None


async def _fetched(http: Http, url: str, names: Collection[str]) -> Certificate | Unproven:
    try:
        answer = await http.fetch(Request(SYSTEM, url, timeout=TIMEOUT, most=LARGEST))
    except HttpRefused as refused:
        return Unproven(f"the certificate of SNS cannot be had: {refused.words}", later=True)
    return read(answer.body, names)


def _put(kept: OrderedDict[str, V], url: str, value: V) -> None:
    kept[url] = value
    kept.move_to_end(url)
    while len(kept) > MOST_KEPT:
        kept.popitem(last=False)


_UNREADABLE = (  # what cryptography raises for a certificate that is none; they have no root in common
    ValueError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)


def read(pem: bytes, names: Collection[str]) -> Certificate | Unproven:
    """The first certificate in *pem*, if it is called by one of *names* and its key is long enough."""
    try:
        found = x509.load_pem_x509_certificate(pem)
        called, key = _called(found), found.public_key()
    except _UNREADABLE:
        return Unproven("what lies where SNS has its certificates is none")
    if called.isdisjoint(names):
        return Unproven(f"a certificate of SNS that is called {', '.join(sorted(called))[:200]!r}")
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size < SHORTEST_KEY:
        return Unproven(f"a certificate of SNS whose key is not RSA with at least {SHORTEST_KEY} bits")
    return Certificate(key, found.not_valid_before_utc, found.not_valid_after_utc)


def _called(certificate: x509.Certificate) -> set[str]:
    """Its names of hosts, else its common name."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return {str(each.value) for each in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)}
    return set(names.value.get_values_for_type(x509.DNSName))
