"""Which release an announcement means: by what is live and what is on its way, never by something newer than was announced.

S3 answers with what was written last: an event that tells of another content of the page than is there is over.
"""

from collections.abc import Mapping

from deploy.model import UNREAD, Gone, Release, Unreadable
from deploy.target import with_hints
from deploy.targets.s3_cloudfront.pointer import Pointer

DEPLOYMENT = "deployment"  # the hint with the ETag of the page, from the event


def resolve(
    pointer: Pointer | None, edge: Release | None, hints: Mapping[str, str]
) -> Release | Unreadable | Gone:
    """The release that *hints* mean; with none, the pointer's: it is live, or on its way to be."""
    if pointer is None:
        return Unreadable("there is no page: nothing is live")
    if DEPLOYMENT in hints:
        if hints[DEPLOYMENT] != pointer.version:
            return Gone("the page that was announced was replaced since")
        return with_hints(pointer.release, hints)
    named = hints.keys() & {"tag", "fingerprint", "version"}
    if not named:
        return with_hints(pointer.release, hints)
    found = next(
        (each for each in (pointer.release, edge) if each is not None and _goes_by(each, hints)), None
    )
    if found is None:
        said = " ".join(f"{name} {hints[name][:80]}" for name in sorted(named))
        return Unreadable(f"{said} is not live yet")
    return with_hints(found, hints)


def _goes_by(release: Release, hints: Mapping[str, str]) -> bool:
    """A version alone must be the page's; beside a tag it is a name like any other."""
    tag, fingerprint = hints.get("tag"), hints.get("fingerprint")
    if tag is None and fingerprint is None:
        return hints.get("version") in {release.tag, release.names.get("version")}
    if tag is not None and tag != release.tag:
        return False
    return fingerprint is None or fingerprint.startswith(UNREAD) or release.fingerprint == fingerprint
