"""The release of a flag that is meant by what an announcement hints at. Pure."""

from collections.abc import Mapping

from deploy.model import Gone, Release, Unreadable
from deploy.target import with_hints
from deploy.targets.appconfig.deployment import Deployment
from deploy.targets.appconfig.flag.looking import FlagView
from deploy.targets.appconfig.resolving import DEPLOYMENT
from deploy.targets.appconfig.settings import Settings
from deploy.targets.aws.hinting import NAMES, goes_by, wanted
from deploy.targets.aws.split import Split


def resolve(view: FlagView, settings: Settings, hints: Mapping[str, str]) -> Release | Unreadable | Gone:
    """The release that *hints* mean; with none, the newest that is given to anybody, or is on its way."""
    if DEPLOYMENT in hints:
        found = _of_deployment(view, settings, hints[DEPLOYMENT])
    elif hints.keys() & set(NAMES):
        found = _of_names(view, hints)
    else:
        found = _newest(view.ahead) or Unreadable("nothing was deployed yet, and nothing is on its way")
    return with_hints(found, hints) if isinstance(found, Release) else found


def _of_deployment(view: FlagView, settings: Settings, id: str) -> Release | Unreadable | Gone:
    at, _, number = id.rpartition("/")
    if at != "/".join(settings.place) or not number.isdecimal():
        return Gone(f"{id[:80]} is no deployment of {settings.called}")
    head = view.newest
    if head is not None and int(number) == head.number:
        return _newest(view.head) or Gone(f"deployment {number[:12]} gives the flag to nobody")
    if int(number) > view.found.numbers:
        return Unreadable(f"AppConfig does not show deployment {number[:12]} yet", awaited=True)
    return Gone(f"deployment {number[:12]} is over, and another has followed, or it was taken back")


def _of_names(view: FlagView, hints: Mapping[str, str]) -> Release | Unreadable:
    """By its tag, or by the version or the label that brought it."""
    for split, deployment in ((view.head, view.newest), (view.below, view.found.below)):
        brought = _called(deployment)
        for release, _ in reversed(split.parts):
            called = {release.tag, *(brought if release is _newest(split) else ())}
            if goes_by(release, hints, called, called):
                return release
    return Unreadable(f"{wanted(hints)} is not deployed yet")


def _called(deployment: Deployment | None) -> tuple[str, ...]:
    return () if deployment is None else tuple(filter(None, (deployment.version, deployment.label)))


def _newest(split: Split) -> Release | None:
    return split.parts[-1][0] if split.parts else None
