"""The generic webhook: what stands in it, and how it is signed."""

import json
from dataclasses import replace

import pytest
from pydantic import SecretStr, ValidationError

from tests.contract import test_markers, test_notifiers, test_pagers, test_verdicts
from tests.contract.notifier_contract import NotifierContract, a_message
from tests.fakes.world import START
from watcher.core.watch import Link
from watcher.notify.registry import LATER, NOTIFIERS
from watcher.notify.webhook import Settings, payload, signature

SECRET = SecretStr("0123456789abcdef")


def test_the_body_says_everything_a_machine_needs():
    assert json.loads(payload(a_message(), "C0")) == {
        "links": [],
        "id": "w_1.3.0",
        "kind": "append",
        "channel": "C0",
        "event": "watch.breached",
        "watch": "w_1",
        "service": "checkout",
        "environment": "production",
        "at": START.isoformat(),
        "tone": "alarm",
        "headline": "checkout production: 7.1 % errors, rolling back to v1",
        "lines": ["errors: 7.1 % against 0.4 %", "since 12:03"],
        "facts": {"from": "v1", "to": "v2"},
        "orders": [{"label": "Hold", "order": "hold", "to": None, "for": "30m"}],
    }


def test_it_says_where_other_systems_show_what_is_wrong():
    notice = replace(a_message().notice, links=(Link("errors at a.example", "https://a.example/d?x=1"),))
    told = json.loads(payload(replace(a_message(), notice=notice), "C0"))

    assert told["links"] == [{"label": "errors at a.example", "url": "https://a.example/d?x=1"}]


def test_the_signature_is_the_one_that_the_documentation_computes():
    # printf '1764000000.{}' | openssl dgst -sha256 -hmac 0123456789abcdef
    assert (
        signature(SECRET, "1764000000", b"{}")
        == "v1=7d30677170eef90881d27d4ed43c2fbd6dc9b8344fa6abe28751fe26722a3342"
    )


@pytest.mark.parametrize(
    "other",
    [
        ("1764000001", b"{}", SECRET),
        ("1764000000", b"{ }", SECRET),
        ("1764000000", b"{}", SecretStr("0123456789abcdeF")),
    ],
)
def test_time_body_and_secret_are_all_signed(other):
    timestamp, body, secret = other

    assert signature(secret, timestamp, body) != signature(SECRET, "1764000000", b"{}")


@pytest.mark.parametrize(
    "url", ["ftp://a/", "http://user:word@a/", "http://", "a", "http://a/#b", "http://a/ b"]
)
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(ValidationError):
        Settings(url=url, secret=SECRET)


def test_a_secret_that_can_be_guessed_is_refused_and_not_repeated():
    with pytest.raises(ValidationError) as refused:
        Settings(url="http://a/", secret=SecretStr("hunter2"))

    assert "hunter2" not in str(refused.value)
    assert "at least 16 characters" in str(refused.value.errors()[0]["ctx"]["error"].remedy)


def test_every_notifier_keeps_the_contract():
    kinds = {
        value.kind
        for module in (test_markers, test_notifiers, test_pagers, test_verdicts)
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, NotifierContract) and hasattr(value, "kind")
    }

    assert kinds == set(NOTIFIERS)
    assert not set(LATER) & set(NOTIFIERS)
