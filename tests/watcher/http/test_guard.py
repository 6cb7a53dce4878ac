"""Which addresses may be connected to."""

import ipaddress
import socket

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from hypothesis import given
from hypothesis import strategies as st

from watcher.http.guard import NEVER, Blocked, Guard, GuardedResolver, OnlyTo, forms

EVERYTHING = (ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0"))
TEN = (ipaddress.ip_network("10.0.0.0/8"),)


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",  # EC2, GCE, Azure
        "169.254.170.2",  # ECS
        "fd00:ec2::254",
        "fd00:ec2::23",
        "168.63.129.16",
        "100.100.100.200",
        "0.0.0.0",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "224.0.0.1",
        "ff02::1",
        "::ffff:169.254.169.254",  # mapped
        "::169.254.169.254",  # compatible
        "64:ff9b::a9fe:a9fe",  # NAT64
        "64:ff9b:1::a9fe:a9fe",
        "2002:a9fe:a9fe::",  # 6to4
        "2001:0:a9fe:a9fe::1",  # Teredo
    ],
)
def test_metadata_and_link_local_addresses_are_denied_in_every_form_whatever_is_allowed(address):
    assert not Guard(EVERYTHING).allows(address)


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "127.0.0.1",
        "::1",
        "fd12::1",
        "100.64.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::",
    ],
)
def test_private_addresses_are_denied_unless_their_network_is_allowed(address):
    assert not Guard().allows(address)
    assert Guard(EVERYTHING).allows(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.215.14", "2606:4700::1111"])
def test_public_addresses_are_allowed(address):
    assert Guard().allows(address)


def test_an_address_that_wraps_an_allowed_one_is_allowed():
    assert Guard(TEN).allows("::ffff:10.1.2.3")
    assert Guard(TEN).allows("64:ff9b::a01:203")
    assert not Guard(TEN).allows("64:ff9b::a9fe:a9fe")


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
def test_no_form_of_a_forbidden_address_gets_through(address):
    allowed = Guard(EVERYTHING).allows(str(address))

    hit = any(
        form.version == network.version and form in network
        for form in forms(str(address))
        for network in NEVER
    )
    assert not (allowed and hit)


@given(st.ip_addresses(v=4))
def test_wrapping_changes_nothing(address):
    bare = Guard(TEN).allows(str(address))
    hexed = f"{int(address) >> 16:x}:{int(address) & 0xFFFF:x}"

    assert Guard(TEN).allows(f"::ffff:{address}") == bare
    assert Guard(TEN).allows(f"64:ff9b::{hexed}") == bare


def test_a_socket_for_a_forbidden_address_is_never_made():
    info = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", 80))

    with pytest.raises(Blocked, match=r"169\.254\.169\.254 is not an allowed address: metadata"):
        Guard(EVERYTHING).socket(info)


class Names(AbstractResolver):
    """Resolves every name to the same addresses."""

    def __init__(self, *addresses: str) -> None:
        self._addresses = addresses

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=address, port=port, family=socket.AF_INET, proto=6, flags=0)
            for address in self._addresses
        ]

    async def close(self) -> None:
        pass


async def test_a_name_leads_to_its_allowed_addresses_alone():
    found = await GuardedResolver(Guard(TEN), Names("169.254.169.254", "10.0.0.7", "127.0.0.1")).resolve(
        "shop"
    )

    assert [each["host"] for each in found] == ["10.0.0.7"]


async def test_a_name_without_any_allowed_address_is_blocked_and_not_unknown():
    with pytest.raises(Blocked, match=r"add its network to `daemon\.reach`"):
        await GuardedResolver(Guard(), Names("10.0.0.7")).resolve("shop")


def test_who_may_ask_one_address_alone_may_ask_no_other():
    only = OnlyTo("169.254.170.2")

    assert only.allows("169.254.170.2")
    assert not any(only.allows(other) for other in ("169.254.169.254", "169.254.170.3", "8.8.8.8", "::1"))
