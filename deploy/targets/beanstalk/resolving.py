"""Which release an announcement means: by what the environment runs, never by something newer than what was announced.

Beanstalk's own events name no version, so they mean what is ahead when they are read. A pipeline names its label, before or
after it has told Beanstalk.
"""

from collections.abc import Mapping

from deploy.model import UNREAD, Release, Unreadable
from deploy.target import with_hints
from deploy.targets.beanstalk.looking import View

_NAMES = ("tag", "fingerprint", "version")


def resolve(view: View, hints: Mapping[str, str]) -> Release | Unreadable:
    """The release that *hints* mean; with none, what is coming, else what serves."""
    if not hints.keys() & set(_NAMES):
        ahead = view.ahead
        return with_hints(ahead, hints) if ahead else Unreadable("nothing serves, and nothing is on its way")
    first = [label for label in (view.coming, view.serving) if label is not None]
    for label in dict.fromkeys((*first, *view.releases)):
        if _goes_by(view.releases[label], hints):
            return with_hints(view.releases[label], hints)
    wanted = " ".join(f"{name} {hints[name][:80]}" for name in _NAMES if name in hints)
    return Unreadable(f"{wanted} does not run yet")


def _goes_by(release: Release, hints: Mapping[str, str]) -> bool:
    """A version alone is the label, or what the description says; beside a tag it is a name like any other."""
    tag, fingerprint = hints.get("tag"), hints.get("fingerprint")
    if tag is None and fingerprint is None:
        return hints.get("version") in {release.tag, release.names.get("description")}
    if tag is not None and tag != release.tag:
        return False
    if fingerprint is None or fingerprint.startswith(UNREAD) or release.is_only_a_tag:
        return True
    return release.fingerprint == fingerprint
