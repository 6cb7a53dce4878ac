"""Key value stores of CloudFront: compare-and-set on the whole store.

Source:
    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/kvs-with-functions-kvp.html
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from tests.fakes.aws.calls import Asked
from tests.fakes.aws.cloudfront.state import Store
from tests.fakes.aws.timeline import Timeline
from tests.fakes.aws.trouble import AwsError


class Stores:
    """All of one account."""

    def __init__(self, account: str, draw: Callable[[str], str]) -> None:
        self._account = account
        self._draw = draw
        self._stores: dict[str, Store] = {}

    # -- what happens

    def create(self, at: datetime, **keys: str) -> Store:
        """A store with these *keys*."""
        drawn = self._draw("store")
        number = f"{drawn[:8]}-{drawn[8:12]}-{drawn[12:16]}-{drawn[16:20]}-{drawn[20:32]}"
        made = Store(f"arn:aws:cloudfront::{self._account}:key-value-store/{number}", at)
        self._stores[made.arn] = made
        self._write(made, keys, at)
        return made

    def find(self, arn: str) -> Store:
        """A store that is there."""
        if arn not in self._stores:
            raise AwsError("ResourceNotFoundException", "The key value store was not found.", 404)
        return self._stores[arn]

    def put(self, arn: str, key: str, value: str | None, at: datetime) -> None:
        """Another hand writes a key, or takes it away."""
        self._write(self.find(arn), {key: value}, at)

    def _write(self, store: Store, keys: Mapping[str, str | None], at: datetime) -> None:
        for key, value in keys.items():
            store.keys.setdefault(key, Timeline()).put(at, value)
        store.versions.put(at, f"KV{self._draw('version')[:12].upper()}")

    # -- the API

    def describe(self, asked: Asked) -> Mapping[str, Any]:
        """``DescribeKeyValueStore``."""
        store = self.find(asked["KvsARN"])
        times = {"Created": store.created, "LastModified": store.versions.times[-1]}
        return {
            **_size(store, asked.now),
            **times,
            "KvsARN": store.arn,
            "ETag": store.versions.latest,
            "Status": "READY",
        }

    def get_key(self, asked: Asked) -> Mapping[str, Any]:
        """``GetKey``."""
        store = self.find(asked["KvsARN"])
        value = store.value(asked["Key"], asked.now)
        if value is None:
            raise AwsError("ResourceNotFoundException", f"Key {asked['Key']} was not found.", 404)
        return {"Key": asked["Key"], "Value": value, **_size(store, asked.now)}

    def update_keys(self, asked: Asked) -> Mapping[str, Any]:
        """``UpdateKeys``. [D] All of it or nothing, if the store is what it was."""
        store = self.find(asked["KvsARN"])
        if asked["IfMatch"] != store.versions.latest:
            raise AwsError("ConflictException", "The If-Match version is not the current one.", 409)
        puts = {each["Key"]: each["Value"] for each in asked.get("Puts", [])}
        gone = {each["Key"]: None for each in asked.get("Deletes", [])}
        self._write(store, {**puts, **gone}, asked.now)
        return {"ETag": store.versions.latest, **_size(store, asked.now)}

    def operations(self) -> Mapping[str, Callable[[Asked], Mapping[str, Any]]]:
        """What the stores answer to."""
        return {
            "DescribeKeyValueStore": self.describe,
            "GetKey": self.get_key,
            "UpdateKeys": self.update_keys,
        }


def _size(store: Store, now: datetime) -> dict[str, Any]:
    there = {key: value for key in store.keys if (value := store.value(key, now)) is not None}
    return {
        "ItemCount": len(there),
        "TotalSizeInBytes": sum(len(key) + len(value) for key, value in there.items()),
    }
