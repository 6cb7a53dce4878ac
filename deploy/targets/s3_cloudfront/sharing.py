"""A site that is shared out between two releases: its key says who has what, and the edges are asked whether they go by it.

A viewer's release is picked at the edge by its bucket (`shares`). So what a weight has become there is not counted but asked for: the
last bucket that gets the newer release, and the first that does not.

Source:
    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/kvs-with-functions.html: edges follow within seconds
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from deploy.errors import AwsRefused
from deploy.model import (
    About,
    AlreadyThere,
    Beginning,
    Drifted,
    Finding,
    Gone,
    Level,
    Move,
    Moving,
    Progress,
    Refused,
    Release,
    Serving,
    Shift,
    Unreadable,
    percent,
)
from deploy.ports import World
from deploy.target import Place, with_hints
from deploy.targets.aws import split
from deploy.targets.aws.batching import together
from deploy.targets.aws.hinting import wanted
from deploy.targets.aws.keeping import Kept
from deploy.targets.aws.timing import within
from deploy.targets.aws.wording import refusal
from deploy.targets.s3_cloudfront.edge import BY_WEIGHT, ask
from deploy.targets.s3_cloudfront.foretelling import white_screen
from deploy.targets.s3_cloudfront.key_value_store import KeyValueStore
from deploy.targets.s3_cloudfront.moving import find
from deploy.targets.s3_cloudfront.pointer import Order, Pointer
from deploy.targets.s3_cloudfront.resolving import means
from deploy.targets.s3_cloudfront.settings import Settings, is_name
from deploy.targets.s3_cloudfront.shares import BUCKETS, asks_for, buckets_of
from deploy.targets.s3_cloudfront.target import BEGINS, KEPT, LOOKS, READS, Site
from deploy.targets.s3_cloudfront.wording import SOON

# Where nobody can ask the edge: until all of them know a key. AWS says "within a few seconds"; generous, and a guess.
SPREADS_IN = timedelta(seconds=30)

REMEDY = (
    "associate examples/aws/site-by-weight.js with viewer requests and viewer responses, and with the store"
)


class SharedSite(Site):
    """A site whose function picks one of two releases. See `Staged` and `StandingBy` in `deploy.target`."""

    def __init__(self, settings: Settings, place: Place, world: World) -> None:
        super().__init__(settings, place, world)
        self._store = KeyValueStore(settings, self._reader)
        self._sent: Kept[str, datetime] = Kept(KEPT)

    # ------------------------------------------------------------------------------------------------------- looking

    async def stands_by(self, hints: Mapping[str, str]) -> Release | Unreadable | Gone:
        """The release that *hints* mean, whose page is in its own prefix, whether anybody gets it or not. Reads only."""
        return await within(READS, self._stands_by(hints))

    async def _stands_by(self, hints: Mapping[str, str]) -> Release | Unreadable | Gone:
        name = hints.get("tag", hints.get("version", ""))
        if not is_name(name):
            return Gone(f"{wanted(hints)} is no name of a release")
        try:
            head = await self._reader.head(self._settings.bucket, self._settings.page_of(name))
            page = await self._reader.page(self._settings.bucket, head, self._settings.site) if head else None
        except AwsRefused as refused:
            return Unreadable(refusal(refused))
        if head is None or page is None:
            return Gone(f"{self._settings.page_of(name)} is not in {self._settings.bucket}: upload it first")
        release = page.release(name, head.told)
        if not means(release, hints):
            return Gone(f"{self._settings.page_of(name)} is not {wanted(hints)}: another page is there")
        return with_hints(release, hints)

    async def unready(self, release: Release) -> str | Unreadable:
        """Why *release* should not be given to anybody yet: its page is not what it was, or names files that are not there."""
        return await within(READS, self._unready(release))

    async def _unready(self, release: Release) -> str | Unreadable:
        try:
            source = await find(self._reader, self._settings, release)
            if isinstance(source, str):
                return source
            head = await self._reader.head(self._settings.bucket, source.key)
            return await white_screen(self._reader, self._settings, source, head)
        except AwsRefused as refused:
            return Unreadable(refusal(refused))

    async def shifted(self, shift: Shift, key: str) -> Progress | Unreadable:
        """How far that is: the key says it, and the edges go by it. Reads only."""
        return await within(READS, self._shifted(shift, key))

    async def _shifted(self, shift: Shift, key: str) -> Progress | Unreadable:
        pointer = await self._look()
        if isinstance(pointer, Unreadable):
            return pointer
        if pointer is None:
            return Drifted("there is no page any more: nothing is live")
        now = self._now()
        ordered = self._sent.get(key) or self._sent.keep(key, now)
        found = split.shifted(pointer.split, shift, ordered, now)
        if not isinstance(found, Serving):
            return found
        return await self._edges(pointer, shift.before, shift.after, shift.share)

    async def _arrived(self, pointer: Pointer | None, move: Move) -> Progress:
        return await self._edges(pointer, move.expect, move.to, 1.0)

    async def examine(self) -> Sequence[Finding]:
        """What `Site.examine` finds, and whether the function is there that picks one of two. Reads only."""
        found, words = await super().examine(), await self._unweighed()
        if isinstance(words, Unreadable):
            return [*found, Finding(Level.WARN, words.words, "let rollbackd ask the site", about=About.OWNER)]
        return [*found, Finding(Level.FAIL, words, REMEDY, about=About.OWNER)] if words else found

    async def _unweighed(self) -> str | Unreadable:
        """Why two names in the key would be an error for every viewer; empty: they are not, or nobody can ask."""
        found = await ask(self._ask, self._settings.site) if self._ask is not None else None
        if isinstance(found, str):
            return Unreadable(f"whether a function picks one of two releases is not known: {found}")
        if found is None or found.by_weight:
            return ""
        name, value = BY_WEIGHT
        return (
            f"the site is not served by a function that picks one of two releases (its page has no {name}: {value}): with two in"
            f" the key {self._settings.key} everybody would get an error"
        )

    async def _edges(self, pointer: Pointer | None, old: Release, new: Release, share: float) -> Progress:
        """Whether the edge goes by the weight: what the buckets at its limit get, or the first and the last."""
        first = buckets_of(share)
        if self._ask is None:
            since = pointer.since if pointer else None
            is_there = since is None or self._now() >= since + SPREADS_IN
            return Serving() if is_there else Moving("the edges are being told; nobody may ask them")
        # Of all of it the first bucket tells too: on the way back it is the one that had something else.
        limits = {first - 1: new, first: old} if first < BUCKETS else {0: new, BUCKETS - 1: new}
        told = await together(*(self._differs(bucket, each, (old, new)) for bucket, each in limits.items()))
        differs = next((words for words in told if words), "")
        if not differs:
            return Serving()
        return Moving(f"the key says {percent(share)} for {new.tag}; {differs}")

    async def _differs(self, bucket: int, wants: Release, known: tuple[Release, Release]) -> str:
        """What the edge gives to *bucket* instead of what is to be given; empty: that."""
        if self._ask is None or not 0 <= bucket < BUCKETS:
            return ""
        found = await ask(self._ask, self._settings.site, asks_for(self._settings.site, bucket))
        if isinstance(found, str):
            return found
        release = found.as_one_of(known)
        if release is not None and release.is_same_as(wants):
            return ""
        gives = release.tag if release is not None else found.named()
        return f"the edge still gives {gives} to viewers who are to have {wants.tag}"

    # -------------------------------------------------------------------------------------------------------- moving

    async def shift(self, shift: Shift, key: str) -> Beginning:
        """Look, and share the site out in one call, if nobody has written to the store meanwhile."""
        if not self._account.may_act:
            return Refused(
                f"the account {self._account.name} has no role to act: nothing was tried; configure `act:`"
            )
        ends = asyncio.get_running_loop().time() + BEGINS.total_seconds()
        found = await within(LOOKS, self._shares(shift))
        if isinstance(found, Unreadable):
            return Refused(f"nothing was sent: {found.words}", again_in=SOON)
        if not isinstance(found, Order):
            return found
        self._sent.keep(key, self._now())
        return await self._send(found, ends)

    async def _shares(self, shift: Shift) -> Order | AlreadyThere | Refused | Unreadable:
        pointer = await self._look()
        if isinstance(pointer, Unreadable):
            return pointer
        if pointer is None:
            return Refused(f"there is no page: neither {shift.before.tag} nor any other release is live")
        decided = split.decide_shift(pointer.split, shift)
        if decided is not None:
            return decided
        words = await self._unweighed() if pointer.beside is None else ""
        if words:
            return words if isinstance(words, Unreadable) else Refused(words)
        try:
            source = await find(self._reader, self._settings, shift.after)
        except AwsRefused as refused:
            return Unreadable(refusal(refused))
        return Refused(source) if isinstance(source, str) else self._store.share(pointer, shift)
