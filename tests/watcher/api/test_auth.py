"""The door's own parts, by themselves."""

from datetime import timedelta

import pytest

from tests.watcher.api.daemon import ADA, NOON, AToken
from watcher.api.auth import Failures, Principal, principal_of


def test_a_principal_is_named_after_its_token():
    who = principal_of(
        f"Bearer {ADA.secret}", [AToken("bob"), ADA], peer="203.0.113.7", host="rollbackd.example"
    )

    assert who is not None
    assert who.name == "token:ada"


@pytest.mark.parametrize(
    ("peer", "host", "heard"),
    [
        ("127.0.0.1", "127.0.0.1:8080", True),
        ("127.0.0.1", "localhost:8080", True),
        ("::1", "[::1]:8080", True),
        ("10.0.0.1", "127.0.0.1:8080", False),
        ("127.0.0.1", "rollbackd.example", False),
        (None, "localhost", False),
        ("/run/socket", "localhost", False),
    ],
)
def test_without_tokens_only_loopback_is_heard(peer, host, heard):
    who = principal_of("", [], peer=peer, host=host)

    assert (who is not None) is heard


def test_a_token_of_all_services_is_one_that_is_limited_to_none():
    everything = Principal("token:a", frozenset(), ("catalog", "*"))
    many = Principal("token:b", frozenset(), ("?*", "*/production", "[a-z]*"))

    assert everything.covers_all
    assert not many.covers_all


def test_an_address_may_fail_again_after_a_while():
    failures = Failures(most=2, refill=timedelta(seconds=6))
    first = [failures.failed("203.0.113.7", NOON) for _ in range(3)]

    assert first == [None, None, timedelta(seconds=6)]
    assert failures.failed("203.0.113.7", NOON + timedelta(seconds=3)) == timedelta(seconds=3)
    assert failures.failed("203.0.113.7", NOON + timedelta(seconds=6)) is None


def test_a_clock_that_goes_back_gives_nothing():
    failures = Failures(most=1)
    failures.failed("203.0.113.7", NOON)

    assert failures.failed("203.0.113.7", NOON - timedelta(hours=1)) is not None


def test_one_address_does_not_fill_the_bucket_of_another():
    failures = Failures(most=1)
    failures.failed("203.0.113.7", NOON)

    assert failures.failed("203.0.113.8", NOON) is None


def test_a_million_addresses_do_not_fill_the_memory():
    failures = Failures(addresses=100)

    for number in range(1000):
        failures.failed(f"2001:db8::{number:x}", NOON)

    assert len(failures) == 100
