"""Which release an announcement means: by what CodeDeploy says of that deployment, never by something newer than it.

An event names its deployment, and CodeDeploy tells for ever what that deployed. One that another has followed is over; and
those that CodeDeploy makes for instances that come or go are no deployments of the group.
"""

from collections.abc import Mapping

from deploy.model import UNREAD, Gone, Release, Unreadable
from deploy.target import with_hints
from deploy.targets.codedeploy.deployment import Deployment
from deploy.targets.codedeploy.looking import View
from deploy.targets.codedeploy.reading import Reader

DEPLOYMENT = "deployment"  # the hint with the id of the event
# By what else than its tag somebody may call a release; each is a name of the revision.
_CALLED = ("key", "file", "commit", "version")


async def resolve(reader: Reader, view: View, hints: Mapping[str, str]) -> Release | Unreadable | Gone:
    """The release that *hints* mean; with none, what is coming, else what serves. May raise `AwsRefused`."""
    if DEPLOYMENT in hints:
        found = _of_deployment(view, hints[DEPLOYMENT], await reader.deployment(hints[DEPLOYMENT]))
    elif hints.keys() & {"tag", "fingerprint", "version"}:
        found = _of_names(view, hints)
    else:
        ahead = view.ahead
        found = (
            _release(ahead) if ahead else Unreadable("nothing was deployed yet, and nothing is on its way")
        )
    return with_hints(found, hints) if isinstance(found, Release) else found


def _of_deployment(view: View, id: str, found: Deployment | None) -> Release | Unreadable | Gone:
    if found is None:
        return Unreadable(f"CodeDeploy does not know the deployment {id[:80]} yet", awaited=True)
    if (found.application, found.group) != (view.group.application, view.group.name):
        return Gone(f"{id[:80]} is a deployment of {found.application}/{found.group}, which is another group")
    if found.is_of_the_fleet:
        return Gone(f"{id[:80]} is for instances that came or went ({found.creator}): the group is as it was")
    if view.last is not None and view.last.id != found.id and view.last.created > found.created:
        return Gone(f"the deployment {id[:80]} is over, and another has followed")
    return _release(found)


def _release(deployment: Deployment) -> Release | Unreadable:
    return deployment.release or Unreadable(f"CodeDeploy does not say what {deployment.id} deploys")


def _of_names(view: View, hints: Mapping[str, str]) -> Release | Unreadable:
    """What is ahead or serves and goes by the names that were hinted; what is ahead first."""
    for deployment in (view.ahead, view.last, view.serving):
        release = deployment.release if deployment else None
        if release is not None and _goes_by(release, hints):
            return release
    wanted = " ".join(
        f"{name} {hints[name][:80]}" for name in ("tag", "fingerprint", "version") if name in hints
    )
    return Unreadable(f"{wanted} does not run yet")


def _goes_by(release: Release, hints: Mapping[str, str]) -> bool:
    """A version alone must be the one of the revision; beside a tag it is a name like any other."""
    tag, fingerprint = hints.get("tag"), hints.get("fingerprint")
    if tag is None and fingerprint is None:
        return hints.get("version") == release.names.get("version")
    if tag is not None and tag not in {release.tag, *(release.names.get(name) for name in _CALLED)}:
        return False
    if fingerprint is None or fingerprint.startswith(UNREAD) or release.is_only_a_tag:
        return True
    return release.fingerprint == fingerprint
