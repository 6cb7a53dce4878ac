"""Which release an announcement means: by what is live and what is on its way, never by something newer than was announced.

S3 answers with what was written last: an event that tells of another content of the page than is there is over.
"""

from collections.abc import Mapping

from deploy.model import Gone, Release, Unreadable
from deploy.target import with_hints
from deploy.targets.aws.hinting import NAMES, goes_by, wanted
from deploy.targets.s3_cloudfront.pointer import Pointer
from deploy.targets.s3_cloudfront.wording import NO_PAGE

DEPLOYMENT = "deployment"  # the hint with the ETag of the page, from the event


def resolve(
    pointer: Pointer | None, edge: Release | None, hints: Mapping[str, str]
) -> Release | Unreadable | Gone:
    """The release that *hints* mean; with none, the pointer's: it is live, or on its way to be."""
    if pointer is None:
        return Unreadable(NO_PAGE)
    if DEPLOYMENT in hints:
        if hints[DEPLOYMENT] != pointer.version:
            return Gone("the page that was announced was replaced since")
        return with_hints(pointer.release, hints)
    if not any(name in hints for name in NAMES):
        return with_hints(pointer.release, hints)
    seen = (pointer.release, pointer.beside, edge)
    found = next((each for each in seen if each is not None and means(each, hints)), None)
    return Unreadable(f"{wanted(hints)} is not live yet") if found is None else with_hints(found, hints)


def means(release: Release, hints: Mapping[str, str]) -> bool:
    """*release* is what *hints* mean."""
    return goes_by(release, hints, (release.tag,), {release.tag, release.names.get("version", release.tag)})
