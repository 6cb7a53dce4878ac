"""What one capability makes of what goes wrong before anything is sent, and of keys that many calls share."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from deploy.errors import AwsRefused
from watcher.aws.capability import Capability
from watcher.aws.codes import NO_CREDENTIALS
from watcher.aws.keys import READING, Keyring
from watcher.aws.modes import USUAL
from watcher.aws.roles import AwsRoles
from watcher.aws.tally import Tally
from watcher.aws.threads import Threads
from watcher.telemetry.metrics import Metrics

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SHOP = AwsRoles("shop", "eu-central-1", read="arn:aws:iam::123456789012:role/reader")


class Far:
    """Clients, each of which does what the test says with the keys that it has."""

    def __init__(self, does: Any) -> None:
        self._does = does

    def get(self, _mode: Any, _roles: Any, _service: str, keys: Any) -> Any:
        return self._does(keys)


def a_capability(does: Any, keyring: Keyring | None = None) -> Capability:
    threads = Threads("test", 16)
    tally = Tally(Metrics(), lambda: NOON)
    return Capability(USUAL.read, {"shop": SHOP}, keyring, Far(does), lambda _scope, _more: threads, tally)  # type: ignore[arg-type]


async def test_credentials_that_come_out_of_date_are_a_refusal_and_no_bug():
    def does(_keys):
        raise RuntimeError("Credentials were refreshed, but the refreshed credentials are still expired.")

    with pytest.raises(AwsRefused) as caught:
        await a_capability(does)("shop", "ecs", "list_clusters")

    assert caught.value.code == NO_CREDENTIALS
    assert "still expired" in caught.value.words
    assert not caught.value.may_have_happened


async def test_another_mistake_stays_one():
    def does(_keys):
        raise RuntimeError("of ours")

    with pytest.raises(RuntimeError, match="of ours"):
        await a_capability(does)("shop", "ecs", "list_clusters")


async def test_keys_that_many_calls_see_refused_are_asked_for_anew_once():
    given = 0

    async def own(*_args, **_parameters):
        nonlocal given
        given += 1
        return {"Credentials": {"AccessKeyId": str(given), "SecretAccessKey": "s", "SessionToken": "t"}}

    keyring = Keyring(READING, own, lambda: NOON)
    first = await keyring.keys(SHOP, "list_clusters")

    for _ in range(10):
        keyring.forget("shop", first)
        await asyncio.sleep(0)
        await keyring.keys(SHOP, "list_clusters")

    assert given == 2
