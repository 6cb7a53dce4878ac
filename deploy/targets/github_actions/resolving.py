"""Which release an announcement means."""

from collections.abc import Mapping

from deploy.github import is_whole
from deploy.model import TAG, Release, Unreadable
from deploy.target import with_hints
from deploy.targets.aws.hinting import NAMES, goes_by, wanted
from deploy.targets.github_actions.looking import View


def resolve(view: View, hints: Mapping[str, str]) -> Release | Unreadable:
    """The release that *hints* mean, as GitHub shows it; with none, what is coming, else what serves.

    A tag that is not shown yet is what it says, where releases are known by their tags alone.
    """
    shown = [each.release for each in (view.coming, view.serving) if each is not None]
    if not hints.keys() & set(NAMES):
        return (
            with_hints(shown[0], hints)
            if shown
            else Unreadable("nothing was deployed, and nothing is on its way")
        )
    for release in shown:
        versions = {release.tag, *release.names.values()}
        if goes_by(release, hints, {release.tag}, versions):
            return with_hints(release, hints)
    tag = hints.get("tag")
    if is_whole(TAG, tag) and tag and all(release.is_only_a_tag for release in shown):
        return with_hints(Release.of_tag(tag), hints)
    return Unreadable(f"{wanted(hints)} is not deployed yet", awaited=True)
