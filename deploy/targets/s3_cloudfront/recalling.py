"""What the platform remembers of a site, for a store that was lost: which releases were live, and how our marks say they stand.

With `index_pointer` in a bucket with versioning the page itself has a history. The other layouts remember nothing but what
is live: the marks on the pages of the releases say the rest.

Source:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/Versioning.html
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from deploy.errors import AwsRefused
from deploy.model import Recalled, Release
from deploy.targets.aws.batching import together
from deploy.targets.aws.marking import Mark, mark_of
from deploy.targets.s3_cloudfront.pointer import Pointer
from deploy.targets.s3_cloudfront.reading import MISSING, Head, Reader
from deploy.targets.s3_cloudfront.settings import INDEX_POINTER, Settings, is_name
from deploy.targets.s3_cloudfront.trace import SKEW

NEWEST = 50  # versions of the page: some weeks of a busy site
YOUNG = timedelta(hours=24)  # what was deployed since may still be watched
OUR_ROLLBACK = "rollbackd rolled it back"

Served = list[tuple[Release, datetime]]


async def recall(
    reader: Reader, settings: Settings, pointer: Pointer | None, key: str, now: datetime
) -> Recalled:
    """What is remembered. *key*: of our marks. May raise `AwsRefused`."""
    if pointer is None:
        return Recalled()
    past = await _past(reader, settings) if settings.layout == INDEX_POINTER else []
    every = [*past, (pointer.beside or pointer.release, pointer.since or now)]
    # Of two that share, the newer served nothing alone; it may be one that was rolled back before.
    marks = await _marks(reader, settings, [*(release for release, _ in every), pointer.release], key, now)
    served = _served(every)
    if not _is_settled(pointer, marks, now):
        served = [
            each
            for each in served
            if not each[0].is_same_as(pointer.release) or each[1] < (pointer.since or now)
        ]
    quarantined = _undone(pointer, every, marks) | {
        of: (mark.since, mark.why) for of, mark in marks.items() if mark.grade == "quarantined"
    }
    return Recalled(
        served=tuple(served),
        proven={of: mark.since for of, mark in marks.items() if mark.grade == "proven"},
        quarantined=quarantined,
    )


async def _past(reader: Reader, settings: Settings) -> Served:
    """The releases that the page was, the oldest first; the last is what it is now."""
    heads = await reader.versions(settings.bucket, settings.pointer, NEWEST)
    found = await together(*(_release(reader, settings, head) for head in reversed(heads)))
    return [
        (release, head.modified)
        for release, head in zip(found, reversed(heads), strict=True)
        if release is not None
    ]


async def _release(reader: Reader, settings: Settings, head: Head) -> Release | None:
    told = await reader.head(settings.bucket, head.key, head.version)
    page = await reader.page(settings.bucket, head, settings.site)
    if told is None or page is None:
        return None
    name = told.told or page.marker or ""
    return page.release(name, told.told) if is_name(name) else None


async def _marks(
    reader: Reader, settings: Settings, releases: Sequence[Release], key: str, now: datetime
) -> Mapping[str, Mark]:
    """The mark of each release, by fingerprint. One from the future is none: no bad ending would ever be newer."""
    by_name = {release.tag: release for release in releases}
    tags = await together(*(_tags(reader, settings, name) for name in by_name))
    marks: dict[str, Mark] = {}
    for release, told in zip(by_name.values(), tags, strict=True):
        mark = mark_of(told, key)
        if mark is not None and mark.is_of(release) and mark.since <= now + SKEW:
            marks[release.fingerprint] = mark
    return marks


async def _tags(reader: Reader, settings: Settings, name: str) -> Mapping[str, str]:
    try:
        return await reader.tags(settings.bucket, settings.page_of(name))
    except AwsRefused as refused:
        if refused.code in MISSING:
            return {}
        raise


def _served(every: Served) -> Served:
    """Without what was live already."""
    served: Served = []
    for release, since in every:
        if not served or not served[-1][0].is_same_as(release):
            served.append((release, max(since, served[-1][1]) if served else since))
    return served


def _is_settled(pointer: Pointer, marks: Mapping[str, Mark], now: datetime) -> bool:
    """What is live is no deployment that is to be watched still."""
    mark = marks.get(pointer.release.fingerprint)
    proven = mark is not None and mark.grade == "proven"
    return proven or pointer.trace is not None or pointer.since is None or pointer.since <= now - YOUNG


def _undone(pointer: Pointer, every: Served, marks: Mapping[str, Mark]) -> dict[str, tuple[datetime, str]]:
    """The release that our own last rollback left; a mark that came later says better."""
    trace = pointer.trace
    if trace is None or trace.expect is None:
        return {}
    bad = next((release for release, _ in reversed(every) if release.tag == trace.expect), None)
    of = bad.fingerprint if bad else Release.of_tag(trace.expect).fingerprint
    mark = marks.get(of)
    return {} if mark is not None and mark.since > trace.at else {of: (trace.at, OUR_ROLLBACK)}
