"""Which release an announcement means: by what AppConfig says of that deployment, never by something newer than it."""

from collections.abc import Mapping

from deploy.model import Gone, Release, Unreadable
from deploy.target import with_hints
from deploy.targets.appconfig.looking import View
from deploy.targets.appconfig.settings import Settings
from deploy.targets.aws.hinting import NAMES, goes_by, wanted

DEPLOYMENT = "deployment"  # the hint that names it: APPLICATION/ENVIRONMENT/NUMBER


def resolve(view: View, settings: Settings, hints: Mapping[str, str]) -> Release | Unreadable | Gone:
    """The release that *hints* mean; with none, what is coming, else what serves."""
    if DEPLOYMENT in hints:
        found = _of_deployment(view, settings, hints[DEPLOYMENT])
    elif hints.keys() & set(NAMES):
        found = _of_names(view, hints)
    else:
        found = view.ahead or Unreadable("nothing was deployed yet, and nothing is on its way")
    return with_hints(found, hints) if isinstance(found, Release) else found


def _of_deployment(view: View, settings: Settings, id: str) -> Release | Unreadable | Gone:
    at, _, number = id.rpartition("/")
    if at != "/".join(settings.place) or not number.isdecimal():
        return Gone(f"{id[:80]} is no deployment of {settings.called}")
    if view.last is not None and int(number) == view.last.deployment.number:
        return view.last.release
    if int(number) > view.numbers:
        return Unreadable(f"AppConfig does not show deployment {number[:12]} yet", awaited=True)
    return Gone(f"deployment {number[:12]} is over, and another has followed")


def _of_names(view: View, hints: Mapping[str, str]) -> Release | Unreadable:
    for deployed in (view.head, view.below):
        if deployed is None:
            continue
        release = deployed.release
        called = {
            release.tag,
            *(release.names[name] for name in ("version", "label") if name in release.names),
        }
        if goes_by(release, hints, called, called):
            return release
    return Unreadable(f"{wanted(hints)} is not deployed yet")
