"""What an announcement hints at: whether a release that runs goes by the names that were hinted."""

from collections.abc import Collection, Mapping

from deploy.model import UNREAD, Release

NAMES = ("tag", "fingerprint", "version")


def goes_by(
    release: Release, hints: Mapping[str, str], tags: Collection[str], versions: Collection[str]
) -> bool:
    """*release* is what *hints* mean.

    Args:
        release: One that runs.
        hints: At least one of `NAMES` is among them.
        tags: What it may be called as a tag.
        versions: What a version must be that stands alone; beside a tag or a fingerprint it is a name like any other.
    """
    tag, fingerprint = hints.get("tag"), hints.get("fingerprint")
    if tag is None and fingerprint is None:
        return hints.get("version") in versions
    if tag is not None and tag not in tags:
        return False
    if fingerprint is None or fingerprint.startswith(UNREAD) or release.is_only_a_tag:
        return True
    return release.fingerprint == fingerprint


def wanted(hints: Mapping[str, str]) -> str:
    """What was hinted at, in words."""
    return " ".join(f"{name} {hints[name][:80]}" for name in NAMES if name in hints)
