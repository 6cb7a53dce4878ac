"""How far a move is: the pointer is there, CloudFront's edges were told and have done it, and the edge serves the release."""

from dataclasses import dataclass, field
from datetime import datetime

from deploy.model import Drifted, Failed, Move, Moving, Progress, Serving, Unfinished, Unreadable
from deploy.ports import Page as Ask
from deploy.targets.aws.keeping import Kept
from deploy.targets.s3_cloudfront.edge import Served, ask
from deploy.targets.s3_cloudfront.moving import begun_at
from deploy.targets.s3_cloudfront.pointer import Layout, Pointer
from deploy.targets.s3_cloudfront.reading import Reader
from deploy.targets.s3_cloudfront.settings import Settings

KEPT = 16  # moves of one site


@dataclass
class Ordered:
    """How the pointer stood when a move was ordered, by key: so an order that did not arrive is told from one undone by others."""

    _stood: Kept[str, tuple[str, datetime | None]] = field(default_factory=lambda: Kept(KEPT))

    def note(self, key: str, pointer: Pointer) -> None:
        """The move *key* is sent now."""
        self._stood.keep(key, (pointer.version, pointer.since))

    def did_not_arrive(self, key: str, pointer: Pointer) -> bool:
        """The pointer is still what it was then."""
        return self._stood.get(key) == (pointer.version, pointer.since)

    def knows(self, key: str) -> bool:
        """The move was ordered by this very process."""
        return self._stood.get(key) is not None


async def progress(
    reader: Reader,
    settings: Settings,
    layout: Layout,
    pointer: Pointer | None,
    move: Move,
    key: str,
    ordered: Ordered,
) -> Progress | Unreadable:
    """How far *move* is, by *pointer*; the caches are read too once the pointer is there. May raise `AwsRefused`."""
    if pointer is None:
        return Drifted(f"there is no page any more: neither {move.to.tag} nor any other release is live")
    alone, third = pointer.split.alone, pointer.split.third(move)
    if alone is not None and alone.is_same_as(move.to):
        return await _caches(reader, settings, layout, pointer, move, key)
    if third is None:
        return _still(pointer, move, key, ordered)
    other = third.tag
    if other == move.to.tag:
        return Failed(f"{other} is live, but not as it was: its page was written over since")
    return Drifted(f"{other} is live, not {move.to.tag}: somebody else has moved it", other)


def _still(pointer: Pointer, move: Move, key: str, ordered: Ordered) -> Progress:
    """What was to be undone is live. By compare-and-set an order that was lost may be sent again: only one of both is taken."""
    if not ordered.knows(key):
        return Moving(f"{move.expect.tag} is still live; {move.to.tag} was ordered")
    if ordered.did_not_arrive(key, pointer):
        return Unfinished(f"{move.expect.tag} is still live: the order did not arrive")
    return Drifted(f"{move.expect.tag} is live again: somebody else has put it back", move.expect.tag)


async def _caches(
    reader: Reader, settings: Settings, layout: Layout, pointer: Pointer, move: Move, key: str
) -> Progress:
    if pointer.arriving:
        return Moving(pointer.arriving)
    if not layout.caches:
        return Serving()
    found = await reader.invalidation(settings.distribution, key, begun_at(pointer, reader.now()))
    if found is None:
        return Unfinished(f"{move.to.tag} is live in the bucket; CloudFront is not told yet")
    return (
        Serving()
        if found.done
        else Moving(f"{move.to.tag} is live in the bucket; CloudFront fetches it ({found.id})")
    )


async def served(page: Ask | None, settings: Settings, move: Move) -> Progress:
    """Whether the edge serves what is wanted, now that everything else is done."""
    if page is None:
        return Serving()
    found = await ask(page, settings.site)
    if isinstance(found, str):
        return Moving(f"{move.to.tag} is live in the bucket, and the caches are cleared; but {found}")
    release = found.as_one_of((move.to, move.expect))
    if release is not None and release.is_same_as(move.to):
        return Serving()
    return Moving(f"{move.to.tag} is live in the bucket; the edge still serves {_called(found, move)}")


def _called(found: Served, move: Move) -> str:
    release = found.as_one_of((move.to, move.expect))
    return release.tag if release is not None else found.named()
