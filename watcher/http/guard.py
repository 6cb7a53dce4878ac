"""Which addresses may be connected to. Checked on the address itself, at the moment of connecting.

A URL comes from a configuration or a rule file, a name from DNS: neither can be trusted to lead where it seems to. So
names are resolved to allowed addresses only, and every socket is made by `Guard.socket`, which looks at the address that
is connected to: no spelling (``0x7f000001``), redirect or rebinding comes past it.

Public addresses are allowed. Private ones (RFC 1918, ULA, loopback, shared) are allowed where the configuration names
their network. Those that hand out credentials (metadata services) and link-local ones are denied whatever it says.
"""

import errno
import socket
from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

NEVER: tuple[Network, ...] = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8",  # "this host": connects to loopback on Linux
        "169.254.0.0/16",  # link-local: metadata of EC2, ECS, GCE, Azure
        "fe80::/10",
        "fd00:ec2::/32",  # metadata of EC2 and EKS over IPv6
        "fd20:ce::254/128",  # of GCE
        "168.63.129.16/32",  # of Azure; a public address
        "100.100.100.200/32",  # of Alibaba Cloud
        "192.0.0.192/32",  # of Oracle Cloud
        "255.255.255.255/32",
        "::/128",
    )
)
_V4_COMPATIBLE = IPv6Network("::/96")
_NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))


class Blocked(OSError):
    """The address is not allowed. The message names the address, and the remedy."""

    def __init__(self, address: str) -> None:
        remedy = (
            "metadata and link-local addresses never are"
            if _is_never(address)
            else f"add its network to `daemon.reach`, such as `reach: [{_network(address)}]`"
        )
        super().__init__(errno.EACCES, f"{address} is not an allowed address: {remedy}")


class Guard:
    """Decides on addresses, makes the sockets, and resolves names to what is allowed."""

    def __init__(self, allow: Iterable[Network] = ()) -> None:
        self._allow = tuple(allow)

    def allows(self, address: str) -> bool:
        """*address* may be connected to, and so may every address that is wrapped in it."""
        return all(self._allows(form) for form in forms(address))

    def socket(self, info: tuple[int, int, int, str, tuple[object, ...]]) -> socket.socket:
        """A socket for the address in *info*, as ``getaddrinfo`` gives it. For ``TCPConnector(socket_factory=...)``.

        Raises:
            Blocked: It is not allowed.
        """
        family, kind, protocol, _, address = info
        if not self.allows(str(address[0])):
            raise Blocked(str(address[0]))
        return socket.socket(family, kind, protocol)

    def _allows(self, address: Address) -> bool:
        if _is_in(address, NEVER) or address.is_multicast:
            return False
        return address.is_global or _is_in(address, self._allow)


class OnlyTo(Guard):
    """Allows one address, whatever it is, and no other: for what the platform itself says to ask, such as a task's metadata."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self._only = ip_address(address)

    def allows(self, address: str) -> bool:
        """*address* is the one."""
        return ip_address(address) == self._only


class GuardedResolver(AbstractResolver):
    """The system's resolver, without the addresses that are not allowed.

    So a name with one allowed address is reached there, and how that fails is not hidden behind what was blocked.
    """

    def __init__(self, guard: Guard, names: AbstractResolver | None = None) -> None:
        self._guard = guard
        self._names = names or ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The allowed addresses of *host*.

        Raises:
            Blocked: It has addresses, and none is allowed.
            OSError: It has none.
        """
        found = await self._names.resolve(host, port, family)
        allowed = [each for each in found if self._guard.allows(each["host"])]
        if found and not allowed:
            raise Blocked(found[0]["host"])
        return allowed

    async def close(self) -> None:
        """Let go of the system's resolver."""
        await self._names.close()


def forms(address: str) -> tuple[Address, ...]:
    """The address, and those that are wrapped in it: v4-mapped, v4-compatible, 6to4, Teredo, NAT64."""
    outer = ip_address(address.partition("%")[0])
    return (outer,) if isinstance(outer, IPv4Address) else (*_own(outer), *_inside(outer))


def _own(outer: IPv6Address) -> Iterator[Address]:
    # A mapped or translated address is nothing but the one inside; of the others the outer counts too.
    if outer.ipv4_mapped is None and not _is_in(outer, _NAT64):
        yield outer


def _inside(outer: IPv6Address) -> Iterator[Address]:
    last = IPv4Address(int(outer) & 0xFFFFFFFF)
    if outer.ipv4_mapped is not None:
        yield outer.ipv4_mapped
    if outer.sixtofour is not None:
        yield outer.sixtofour
    if outer.teredo is not None:
        yield from outer.teredo
    if _is_in(outer, _NAT64) or (outer in _V4_COMPATIBLE and int(outer) > 1):
        yield last


def _network(address: str) -> Network:
    """A network around *address*, as large as a VPC usually is: to be read, and made to fit."""
    innermost = forms(address)[-1]
    return ip_network((innermost, 16 if isinstance(innermost, IPv4Address) else 56), strict=False)


def _is_in(address: Address, networks: Sequence[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)


def _is_never(address: str) -> bool:
    return any(_is_in(form, NEVER) for form in forms(address))
