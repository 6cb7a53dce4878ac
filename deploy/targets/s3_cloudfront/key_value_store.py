"""A key of a CloudFront key value store says which release is live; a CloudFront Function puts its prefix before each path.

With `traffic: by_weight` the key may name two, `OLD|NEW|PERCENT`, of which the function picks one for each viewer.

The prefix is part of the address under which edges keep a page: so nothing has to be fetched anew. The store compares and
sets as a whole (``If-Match``), and takes the pointer and our trace in one call, or neither.

Source:
    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/kvs-with-functions.html
    https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_kvs_UpdateKeys.html
"""

import shlex
from collections.abc import Mapping
from typing import Any

from deploy.model import Move, Shift, Unreadable
from deploy.targets.s3_cloudfront.pointer import Order, Pointer, Source
from deploy.targets.s3_cloudfront.reading import Reader
from deploy.targets.s3_cloudfront.settings import Settings, is_name
from deploy.targets.s3_cloudfront.shares import Shares, read_shares, written
from deploy.targets.s3_cloudfront.trace import Trace, read

TRACE = "rollbackd-move"  # the key of our trace


class KeyValueStore:
    """See `pointer.Layout`."""

    caches = False
    swaps_files = True

    def __init__(self, settings: Settings, reader: Reader) -> None:
        self._settings = settings
        self._reader = reader
        self._store = settings.store or ""

    async def look(self) -> Pointer | Unreadable | None:
        """The store and the key: the version is read first, so that what came between is refused by it."""
        settings = self._settings
        store = await self._reader.store(self._store)
        name = await self._reader.value(self._store, settings.key)
        if name is None:
            return None
        shared = read_shares(name) if settings.traffic else None
        if shared is not None and shared.old is not None:
            return await self._shared(shared, store)
        name = shared.new if shared is not None else name
        if not is_name(name):
            return Unreadable(
                f"the key {settings.key} says {name[:80]!r}, which is no name of a release{self._hint(name)}"
            )
        head = await self._reader.head(settings.bucket, settings.page_of(name))
        page = await self._reader.page(settings.bucket, head, settings.site) if head else None
        if head is None or page is None:
            return None
        trace, since = read(await self._reader.value(self._store, TRACE)), store.get("LastModified")
        return Pointer(
            page.release(name, head.told),
            str(store["ETag"]),
            since,
            trace if trace is not None and trace.made(name, since) else None,
        )

    def _hint(self, value: str) -> str:
        if self._settings.traffic is not None:
            return ", nor OLD|NEW|PERCENT, as 1.4.1|1.4.2|5, with a percentage from 0 to 100 and two decimals at most: write one of them"
        return "; where its function picks one of two, write `traffic: by_weight`" if "|" in value else ""

    async def _shared(self, shared: Shares, store: Mapping[str, Any]) -> Pointer | Unreadable:
        """Two releases share the traffic: each has its page."""
        found = []
        for name, other in ((shared.old or "", shared.new), (shared.new, shared.old)):
            key = self._settings.page_of(name)
            head = await self._reader.head(self._settings.bucket, key)
            if head is None:
                return Unreadable(
                    f"{name} has some of the traffic, and {key} is not in {self._settings.bucket}: put it back, or let the key"
                    f" {self._settings.key} say {other} alone"
                )
            page = await self._reader.page(self._settings.bucket, head, self._settings.site)
            if page is None:
                return Unreadable(f"{key} was replaced while it was read", awaited=True)
            found.append(page.release(name, head.told))
        old, new = found
        return Pointer(new, str(store["ETag"]), store.get("LastModified"), beside=old, share=shared.share)

    def share(self, pointer: Pointer, shift: Shift) -> Order:
        """The key, with what each of the two has, if nobody has written to the store meanwhile."""
        value = written(shift.before.tag, shift.after.tag, shift.share)
        puts = [{"Key": self._settings.key, "Value": value}]
        return self._order(value, {"KvsARN": self._store, "IfMatch": pointer.version, "Puts": puts})

    def order(self, pointer: Pointer, source: Source, trace: Trace) -> Order:
        """The key and our trace, if nobody has written to the store meanwhile."""
        puts = [{"Key": self._settings.key, "Value": source.release.tag}]
        written = trace.written()
        puts += [{"Key": TRACE, "Value": written}] if written else []
        parameters = {"KvsARN": self._store, "IfMatch": pointer.version, "Puts": puts}
        return self._order(source.release.tag, parameters)

    def trail(self, _pointer: Pointer, _trace: Trace) -> Order | None:
        """The move leaves it."""
        return None

    def unseen(self, move: Move) -> Order:
        """The call, without the comparison."""
        return self._order(move.to.tag, {})

    def _order(self, name: str, parameters: Mapping[str, Any]) -> Order:
        key = self._settings.key
        by_hand = (
            "aws",
            "cloudfront-keyvaluestore",
            "put-key",
            "--kvs-arn",
            self._store,
            "--key",
            key,
            "--value",
            name,
        )
        ask = shlex.join(
            ("aws", "cloudfront-keyvaluestore", "describe-key-value-store", "--kvs-arn", self._store)
        )
        return Order(
            "cloudfront-keyvaluestore",
            "update_keys",
            parameters,
            f"cloudfront-keyvaluestore:UpdateKeys {key} = {name}, if the store is what it was",
            f'{shlex.join(by_hand)} --if-match "$({ask} --query ETag --output text)"',
        )
