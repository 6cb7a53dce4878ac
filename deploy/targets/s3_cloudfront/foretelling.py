"""What a move would do, before it is made: the calls, how long, what people see meanwhile, what stands in its way. Reads only."""

import re

from deploy.model import Foretold, Move, Refused
from deploy.targets.aws.batching import together
from deploy.targets.s3_cloudfront.moving import Calls, clear, decide, find
from deploy.targets.s3_cloudfront.pointer import Layout, Order, Pointer, Source
from deploy.targets.s3_cloudfront.reading import Head, Reader
from deploy.targets.s3_cloudfront.settings import INDEX_POINTER, ORIGIN_PATH, Settings

AT_ONCE = 20  # files that are looked for at one time
NAMED = 3  # missing files that are named; the rest are counted
_AGE = re.compile(r"\b(?:s-maxage|max-age)=(\d{1,10})")
_ASKS_FIRST = re.compile(r"\b(?:no-cache|no-store)\b")
_TAKES = {
    ORIGIN_PATH: "some minutes: CloudFront tells all its edges of the new path, and is then told to fetch the page anew (it does"
    " not say how long that took the last times)",
    INDEX_POINTER: "a second in the bucket, one to two minutes until all edges have fetched the page anew (CloudFront does not say"
    " how long that took the last times)",
}
_SECONDS = "some seconds, until all edges know the key"


async def foretell(
    reader: Reader, settings: Settings, layout: Layout, pointer: Pointer, move: Move
) -> Foretold:
    """What would follow if *move* were made now. May raise `AwsRefused`."""
    calls = await decide(reader, settings, layout, pointer, move, "KEY", reader.now())
    refused = (calls.words,) if isinstance(calls, Refused) and calls.third_tag is None else ()
    said, by_hand = _orders(settings, layout, calls if isinstance(calls, Calls) else None, move)
    found = await find(reader, settings, move.to)
    stands, gone = await in_the_way(reader, settings, found)
    return Foretold(
        calls=said,
        takes=_TAKES.get(settings.layout, _SECONDS),
        capacity="none is taken away: all edges go on serving",
        sessions=_people(layout, move),
        by_hand=by_hand,
        obstacles=tuple(dict.fromkeys((*refused, *pointer.obstacles, *stands))),
        gone=(gone,) if gone else (),
    )


def unseen(settings: Settings, layout: Layout, move: Move, words: str) -> Foretold:
    """What can be said of *move* while the site cannot be read."""
    said, by_hand = _orders(settings, layout, None, move)
    return Foretold(calls=said, by_hand=by_hand, obstacles=(words,), unread=True)


def _orders(
    settings: Settings, layout: Layout, calls: Calls | None, move: Move
) -> tuple[tuple[str, ...], str]:
    clears = clear(settings, "KEY") if layout.caches else None
    found = calls or Calls(None, layout.unseen(move), clears)
    orders: list[Order] = [each for each in (found.trail, found.move, found.clears) if each is not None]
    return tuple(each.told for each in orders), " && ".join(each.by_hand for each in orders if each.by_hand)


def _people(layout: Layout, move: Move) -> str:
    """What becomes of those who have the site open."""
    tabs = f"who has it open keeps {move.expect.tag} until they load it anew, for hours"
    if layout.swaps_files:
        return f"{tabs}, and asks for files of {move.expect.tag} that are not there any more: what is loaded late breaks"
    return f"{tabs}; whoever comes from then on gets {move.to.tag}"


async def in_the_way(reader: Reader, settings: Settings, source: Source | str) -> tuple[tuple[str, ...], str]:
    """What stands against going to *source*: its page, the files that it names, how it is cached. May raise `AwsRefused`.

    Returns:
        All of it, and by which of it the release is not there any more, if it is not.
    """
    if isinstance(source, str):
        return (source,), source
    head = await reader.head(settings.bucket, source.key)
    missing = await white_screen(reader, settings, source, head)
    return tuple(words for words in (missing, _kept(source, head)) if words), missing


async def white_screen(reader: Reader, settings: Settings, source: Source, head: Head | None) -> str:
    """Which files that the page names are not there: without them a browser shows nothing."""
    page = await reader.page(settings.bucket, head, settings.site) if head else None
    keys = [settings.key_of(path, source.release.tag) for path in page.files] if page else []
    missing: list[str] = []
    for start in range(0, len(keys), AT_ONCE):
        some = keys[start : start + AT_ONCE]
        found = await together(*(_is_there(reader, settings, key) for key in some))
        missing += [key for key, there in zip(some, found, strict=True) if not there]
    if not missing:
        return ""
    more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
    return (
        f"white screen: the page of {source.release.tag} names {', '.join(missing[:NAMED])}{more}, which"
        f" {'is' if len(missing) == 1 else 'are'} not in {settings.bucket}: put back what was deleted"
    )


async def _is_there(reader: Reader, settings: Settings, key: str) -> bool:
    return await reader.head(settings.bucket, key) is not None


def _kept(source: Source, head: Head | None) -> str:
    """Browsers that keep the page do not ask the edge: no invalidation reaches them."""
    return kept_by_browsers(f"the page of {source.release.tag}", head.caching if head else "no-cache")


def kept_by_browsers(what: str, caching: str) -> str:
    """What is wrong with the ``Cache-Control`` of a page; empty: nothing."""
    if _ASKS_FIRST.search(caching):
        return ""
    ages = [int(age) for age in _AGE.findall(caching)]
    if caching and ages and max(ages) == 0:
        return ""
    said = f"Cache-Control: {caching[:80]}" if caching else "no Cache-Control"
    return f"{what} has {said}: browsers may keep it, and no invalidation reaches them; upload it with `--cache-control no-cache`"
