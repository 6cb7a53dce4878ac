"""Asking the site to be moved: decided by what is live at that moment, and by compare-and-set.

A move is up to three calls, each of which may be made again with the same key: our trace, where the move does not leave it;
the move; and, once the pointer is there, that CloudFront fetches the page anew. The key is its ``CallerReference``: to the
same reference with the same paths CloudFront gives the invalidation that there is already.

Source:
    https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_CreateInvalidation.html
"""

from dataclasses import dataclass
from datetime import datetime

from deploy.errors import AwsRefused
from deploy.model import AlreadyThere, Beginning, Begun, Move, Refused, Release
from deploy.targets.s3_cloudfront.page import Page
from deploy.targets.s3_cloudfront.pointer import Layout, Order, Pointer, Source
from deploy.targets.s3_cloudfront.reading import Head, Reader
from deploy.targets.s3_cloudfront.settings import Settings
from deploy.targets.s3_cloudfront.trace import Trace


@dataclass(frozen=True, slots=True)
class Calls:
    """What is sent, in order; *clears*: what follows once the pointer is there."""

    trail: Order | None
    move: Order
    clears: Order | None


async def decide(
    reader: Reader,
    settings: Settings,
    layout: Layout,
    pointer: Pointer | None,
    move: Move,
    key: str,
    now: datetime,
) -> Calls | Order | Beginning:
    """What brings *pointer* to ``move.to``: calls that move it, or the order to clear the caches; or why there is none.

    ==================================== =====================================================
    the pointer is at                    what follows
    ==================================== =====================================================
    what is wanted                       the caches are cleared, unless they were
    a third release, or none             refused
    what is to be undone                 moved, if the wanted page is what it was
    ==================================== =====================================================

    Reads only, and may raise `AwsRefused`.
    """
    if pointer is None:
        return Refused(f"there is no page: neither {move.expect.tag} nor any other release is live")
    alone, third = pointer.split.alone, pointer.split.third(move)
    if alone is not None and alone.is_same_as(move.to):
        return await _clearing(reader, settings, layout, pointer, key)
    if third is not None:
        return Refused(f"{third.tag} is live, not {move.expect.tag}: somebody else has moved it", third.tag)
    source = await find(reader, settings, move.to)
    if isinstance(source, str):
        return Refused(source)
    trace = Trace(key, now, move.expect.tag, move.to.tag)
    clears = clear(settings, key) if layout.caches else None
    return Calls(layout.trail(pointer, trace), layout.order(pointer, source, trace), clears)


async def _clearing(
    reader: Reader, settings: Settings, layout: Layout, pointer: Pointer, key: str
) -> Order | Beginning:
    if not layout.caches:
        return AlreadyThere()
    if pointer.arriving:
        return Begun(words=pointer.arriving)
    if await reader.invalidation(settings.distribution, key, begun_at(pointer, reader.now())) is not None:
        return AlreadyThere()
    return clear(settings, key)


def begun_at(pointer: Pointer, now: datetime) -> datetime:
    """From when on an invalidation may be the one of the move that put *pointer* there."""
    return pointer.since or now


def clear(settings: Settings, key: str) -> Order:
    """CloudFront fetches the page anew."""
    paths, distribution = settings.invalidate, settings.distribution
    batch = {"CallerReference": key, "Paths": {"Quantity": len(paths), "Items": list(paths)}}
    said = " ".join(paths)
    quoted = " ".join(f"'{path}'" for path in paths)
    return Order(
        "cloudfront",
        "create_invalidation",
        {"DistributionId": distribution, "InvalidationBatch": batch},
        f"cloudfront:CreateInvalidation {distribution} {said}",
        f"aws cloudfront create-invalidation --distribution-id {distribution} --paths {quoted}",
    )


async def find(reader: Reader, settings: Settings, release: Release) -> Source | str:
    """The page of *release* in its own prefix; or why it cannot be gone back to. May raise `AwsRefused`."""
    found = await _page_of(reader, settings, release.tag)
    if isinstance(found, str):
        return found
    head, page = found
    there = page.release(release.tag, head.told)
    if not there.is_same_as(release):
        return (
            f"{head.key} is not what served as {release.tag}: it was written over"
            f" ({there.fingerprint[:19]}… now, {release.fingerprint[:19]}… then); put that content back, under a name of its own"
        )
    return Source(there, head.key, head.etag, await reader.tags_of(settings.bucket, head))


async def _page_of(reader: Reader, settings: Settings, name: str) -> tuple[Head, Page] | str:
    key = settings.page_of(name)
    head = await reader.head(settings.bucket, key)
    if head is None:
        return (
            f"{key} is not in {settings.bucket}: {name} was never put there, or deleted since; keep the prefixes of the releases"
            " that may be gone back to"
        )
    page = await reader.page(settings.bucket, head, settings.site)
    if page is None:
        raise AwsRefused(
            "get_object",
            "PreconditionFailed",
            f"{key} was replaced while it was read",
            may_have_happened=False,
        )
    return head, page
