"""A static site as a target: what it serves is read, and it is moved by its pointer."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from deploy.errors import AwsRefused
from deploy.model import (
    Beginning,
    Begun,
    Finding,
    Foretold,
    Gone,
    Live,
    Move,
    Progress,
    Recalled,
    Refused,
    Release,
    Serving,
    Standing,
    Unclear,
    Unreadable,
)
from deploy.ports import Aws, AwsAccount, World
from deploy.target import Place
from deploy.targets.aws.keeping import Kept
from deploy.targets.aws.marking import key_of, value_of
from deploy.targets.aws.timing import within
from deploy.targets.aws.wording import refusal
from deploy.targets.s3_cloudfront import examining
from deploy.targets.s3_cloudfront.edge import Served, ask
from deploy.targets.s3_cloudfront.foretelling import foretell, unseen
from deploy.targets.s3_cloudfront.index_pointer import MOST_TAGS, IndexPointer
from deploy.targets.s3_cloudfront.key_value_store import KeyValueStore
from deploy.targets.s3_cloudfront.moving import Calls, decide
from deploy.targets.s3_cloudfront.origin_path import OriginPath
from deploy.targets.s3_cloudfront.pointer import Layout, Order, Pointer
from deploy.targets.s3_cloudfront.progressing import Ordered, progress, served
from deploy.targets.s3_cloudfront.reading import Reader
from deploy.targets.s3_cloudfront.recalling import recall
from deploy.targets.s3_cloudfront.resolving import resolve
from deploy.targets.s3_cloudfront.settings import INDEX_POINTER, ORIGIN_PATH, Settings
from deploy.targets.s3_cloudfront.wording import NO_PAGE, SOON, answered

T = TypeVar("T")

# An operation takes at most 7 s. A move first looks; what remains is for the call that counts, and then for the caches.
READS = timedelta(seconds=6.5)
LOOKS = timedelta(seconds=3)
BEGINS = timedelta(seconds=6.9)
TRAILS = timedelta(seconds=1.5)
RECALLS = timedelta(seconds=60)
MARKS = timedelta(seconds=30)
KEPT = 64  # releases of a site that were seen; and marks that were written


class Site:
    """See `deploy.target.Target`, `deploy.target.Keeper` and `deploy.target.Examined`."""

    def __init__(self, settings: Settings, place: Place, world: World) -> None:
        if world.aws is None or place.account is None:
            raise AssertionError("a target on AWS is opened with an account: its kind says `on_aws`")
        self.part = place.part
        self._settings = settings
        self._account: AwsAccount = place.account
        self._aws: Aws = world.aws
        self._now = world.now
        self._ask = world.page
        self._key = key_of(place.service, place.environment)
        name, read = self._account.name, self._aws.read
        self._reader = world.shared(("s3_cloudfront", self._account), lambda: Reader(name, read, world.now))
        self._layout = _layout(settings, self._account, self._reader)
        self._ordered = Ordered()
        self._known: Kept[str, Release] = Kept(KEPT)
        self._marked: Kept[str, str] = Kept(KEPT)

    # ------------------------------------------------------------------------------------------------------- looking

    async def resolve(self, hints: Mapping[str, str]) -> Release | Unreadable | Gone:
        """The release that *hints* (``deployment``, ``tag``, ``fingerprint``, ``version``) mean. See `resolving`."""
        return await within(READS, self._resolve(hints))

    async def _resolve(self, hints: Mapping[str, str]) -> Release | Unreadable | Gone:
        pointer = await self._look()
        if isinstance(pointer, Unreadable):
            return pointer
        return resolve(pointer, await self._edge(pointer), hints)

    async def observe(self) -> Live | Unreadable:
        """What the edge serves, and what is on its way to it: the pointer's, while they differ."""
        return await within(READS, self._observe())

    async def _observe(self) -> Live | Unreadable:
        pointer = await self._look()
        if isinstance(pointer, Unreadable):
            return pointer
        if pointer is None:
            return Live(None)
        if pointer.beside is not None:
            return _shared(pointer)
        release = await self._edge(pointer) or pointer.release
        waits = not release.is_same_as(pointer.release)
        return Live(
            release=release,
            in_flight=pointer.release if waits or pointer.arriving else None,
            shares={pointer.release.fingerprint: 0.0, release.fingerprint: 1.0} if waits else {},
            key=pointer.trace.key if pointer.trace else None,
            since=pointer.since,
            obstacles=pointer.obstacles,
        )

    async def _edge(self, pointer: Pointer | None) -> Release | None:
        """What the edge serves; ``None``: it does not say, or nobody can ask it."""
        if pointer is None or self._ask is None:
            return None
        found = await ask(self._ask, self._settings.site)
        if not isinstance(found, Served):
            return None
        known = self._known.get(found.fingerprint)
        return found.as_one_of((pointer.release, *([known] if known else ())))

    async def progress(self, move: Move, key: str) -> Progress | Unreadable:
        """How far the move is. Reads only."""
        return await within(READS, self._progress(move, key))

    async def _progress(self, move: Move, key: str) -> Progress | Unreadable:
        pointer = await self._look()
        if isinstance(pointer, Unreadable):
            return pointer
        try:
            found = await progress(
                self._reader, self._settings, self._layout, pointer, move, key, self._ordered
            )
        except AwsRefused as refused:
            return Unreadable(refusal(refused))
        return await self._arrived(pointer, move) if isinstance(found, Serving) else found

    async def _arrived(self, _pointer: Pointer | None, move: Move) -> Progress:
        return await served(self._ask, self._settings, move)

    async def foretell(self, move: Move) -> Foretold:
        """What `begin` would do now. Reads only."""
        found = await within(READS, self._foretell(move))
        if isinstance(found, Unreadable):
            return unseen(self._settings, self._layout, move, found.words)
        return found

    async def _foretell(self, move: Move) -> Foretold | Unreadable:
        pointer = await self._look()
        if pointer is None:
            return Unreadable(NO_PAGE)
        if isinstance(pointer, Unreadable):
            return pointer
        try:
            return await foretell(self._reader, self._settings, self._layout, pointer, move)
        except AwsRefused as refused:
            return Unreadable(refusal(refused))

    async def examine(self) -> Sequence[Finding]:
        """Whether what a rollback goes to will still be there. Reads only."""
        return await examining.examine(self._reader, self._settings)

    async def _look(self) -> Pointer | Unreadable | None:
        try:
            pointer = await self._layout.look()
        except AwsRefused as refused:
            return Unreadable(refusal(refused))
        if isinstance(pointer, Pointer):
            for release in (pointer.beside, pointer.release):
                if release is not None:
                    self._known.keep(release.fingerprint, release)
        return pointer

    # -------------------------------------------------------------------------------------------------------- moving

    async def begin(self, move: Move, key: str) -> Beginning:
        """Look, decide, move by compare-and-set, and have the page fetched anew. See `moving`."""
        if not self._account.may_act:
            return Refused(
                f"the account {self._account.name} has no role to act: nothing was tried; configure `act:`"
            )
        ends = asyncio.get_running_loop().time() + BEGINS.total_seconds()
        found = await within(LOOKS, self._decided(move, key))
        if isinstance(found, Unreadable):
            return Refused(f"nothing was sent: {found.words}", again_in=SOON)
        if isinstance(found, Order):
            return await self._send(found, ends)
        return await self._move(found, ends) if isinstance(found, Calls) else found

    async def _decided(self, move: Move, key: str) -> Calls | Order | Beginning | Unreadable:
        pointer = await self._look()
        if isinstance(pointer, Unreadable):
            return pointer
        try:
            calls = await decide(self._reader, self._settings, self._layout, pointer, move, key, self._now())
        except AwsRefused as refused:
            return Unreadable(refusal(refused))
        if isinstance(calls, Calls) and pointer is not None:
            self._ordered.note(key, pointer)
        return calls

    async def _move(self, calls: Calls, ends: float) -> Beginning:
        """What keeps the trace from being left, or the caches from being cleared, never keeps the move from being made."""
        loop, said = asyncio.get_running_loop(), []
        if calls.trail is not None:
            trailed = await self._send(calls.trail, min(ends, loop.time() + TRAILS.total_seconds()))
            said += [] if isinstance(trailed, Begun) else [f"its trace could not be left: {_words(trailed)}"]
        moved = await self._send(calls.move, ends)
        if not isinstance(moved, Begun):
            return moved
        # With an origin's path it is too early: an edge that does not know the new path would fetch the old page again.
        if calls.clears is not None and self._settings.layout == INDEX_POINTER:
            cleared = await self._send(calls.clears, ends)
            said += [] if isinstance(cleared, Begun) else [f"CloudFront is told later: {_words(cleared)}"]
        return Begun(moved.platform_id, "; ".join((moved.words, *said)))

    async def _send(self, order: Order, until: float) -> Beginning:
        try:
            async with asyncio.timeout_at(until):
                await self._aws.act(self._account.name, order.service, order.operation, **order.parameters)
        except AwsRefused as refused:
            return answered(refused)
        except TimeoutError:
            return Unclear(f"{order.told} was not answered in time")
        return Begun(words=order.told)

    # ------------------------------------------------------------------------------------------------------- keeping

    async def recall(self, now: datetime) -> Recalled | Unreadable:
        """What S3 remembers, and what our marks say. Reads only."""
        return await within(RECALLS, self._recall(now))

    async def _recall(self, now: datetime) -> Recalled | Unreadable:
        pointer = await self._look()
        if isinstance(pointer, Unreadable):
            return pointer
        try:
            return await recall(self._reader, self._settings, pointer, self._key, now)
        except AwsRefused as refused:
            return Unreadable(refusal(refused))

    async def mark(self, standings: Sequence[Standing]) -> str:
        """Write how releases stand onto their pages, as tags. Without a role to act it writes nothing."""
        if not self._account.may_act:
            return ""
        wanted = {each.release.tag: value_of(each) for each in standings}
        new = {name: value for name, value in wanted.items() if self._marked.get(name) != value}
        try:
            async with asyncio.timeout(MARKS.total_seconds()):
                said = [await self._mark(name, value) for name, value in new.items()]
        except TimeoutError:
            return "not all marks were written: S3 did not answer in time"
        return "; ".join(words for words in said if words)

    async def _mark(self, name: str, value: str) -> str:
        """Tags are written as a whole: those of others are read just before, and written again."""
        bucket, key = self._settings.bucket, self._settings.page_of(name)
        try:
            tags = dict(await self._reader.tags(bucket, key))
            if tags.get(self._key) != value:
                tags[self._key] = value
                if len(tags) > MOST_TAGS:
                    return f"{name} could not be marked: its page has {MOST_TAGS} tags already, the most that S3 takes"
                written = [{"Key": each, "Value": tags[each]} for each in tags]
                await self._aws.act(
                    self._account.name,
                    "s3",
                    "put_object_tagging",
                    Bucket=bucket,
                    Key=key,
                    Tagging={"TagSet": written},
                )
        except AwsRefused as refused:
            return f"{name} could not be marked: {refusal(refused)}"
        self._marked.keep(name, value)
        return ""


def _shared(pointer: Pointer) -> Live:
    """Two share the traffic; the newer is on its way, by the pointer: the edges are behind it by seconds."""
    split = pointer.split
    return Live(
        release=split.serving,
        in_flight=split.coming,
        shares=split.shares,
        since=pointer.since,
        obstacles=pointer.obstacles,
    )


def _layout(settings: Settings, account: AwsAccount, reader: Reader) -> Layout:
    if settings.layout == INDEX_POINTER:
        return IndexPointer(settings, account, reader)
    return OriginPath(settings, reader) if settings.layout == ORIGIN_PATH else KeyValueStore(settings, reader)


def _words(answer: Beginning) -> str:
    return answer.words if isinstance(answer, Refused | Unclear | Begun) else ""
