"""What a group runs, as the daemon wants to know it; and what forbids that the machine moves it."""

from collections.abc import Mapping
from datetime import UTC, datetime

from deploy.model import Live, Release
from deploy.targets.codedeploy.deployment import NOT_BEGUN, SUCCEEDED, Deployment, Group
from deploy.targets.codedeploy.looking import View
from deploy.targets.codedeploy.pausing import pause_of

_EVER = datetime.min.replace(tzinfo=UTC)


def live_of(view: View, region: str) -> Live:
    """What *view* shows."""
    coming = _coming(view)
    ours = view.move if _stands(view) else None
    return Live(
        release=view.release,
        in_flight=coming.release if coming else None,
        shares=shares(view),
        key=ours.key if ours else None,
        since=_since(coming or view.serving),
        obstacles=obstacles(view),
        broken_off=coming is not None and not coming.is_in_flight,
        pause=pause_of(view.last, view.waits, region) if view.last and view.waits and coming else None,
    )


def _coming(view: View) -> Deployment | None:
    """What is coming, as far as it says what it is."""
    coming = view.coming
    return coming if coming is not None and coming.release is not None else None


def _stands(view: View) -> bool:
    """The last deployment is on its way, or is what serves: not one that was broken off."""
    return view.last is not None and (view.last.is_in_flight or view.last.status == SUCCEEDED)


def obstacles(view: View) -> tuple[str, ...]:
    """What forbids that the machine moves the group: one sentence each, with its remedy."""
    ahead = view.ahead
    revision = ahead.revision if ahead else None
    said = (
        cannot(view.group),
        revision is not None
        and not revision.is_for_instances
        and view.group.platform == "Server"
        and f"what it runs is a revision of the type {revision.kind}: not in this version; deploy from S3 or GitHub",
    )
    return tuple(words for words in said if words)


def cannot(group: Group) -> str:
    """Why this version cannot move *group* at all; empty where it can."""
    if group.platform != "Server" and not group.shifts:
        return (
            f"it is a group for {group.platform}: not in this version; go back by a deployment of CodeDeploy"
        )
    if group.replaces and not group.copies:
        return (
            "its deployments are BLUE_GREEN, onto instances that somebody chooses (DISCOVER_EXISTING): which are free, nobody tells; go"
            " back by hand, while those of before are still there, or let it copy its Auto Scaling group (COPY_AUTO_SCALING_GROUP)"
        )
    if group.replaces and not group.is_behind:
        return "its deployments are BLUE_GREEN, and no balancer moves its traffic (WITHOUT_TRAFFIC_CONTROL): not in this version; go back by hand"
    return ""


def shares(view: View) -> Mapping[str, float]:
    """By the instances that serve: a balancer gives each the same. Those that are being worked on, or failed, count for nothing.

    A release in flight that no instance has yet has no traffic: it is judged from the first one on, which in place may be long
    after its deployment began. Where it was broken off before one had it, what it did to the others is not known, and no
    share is told; nor while CodeDeploy goes back from half of it, when which instance has what is not known.
    """
    last, serves = view.last, view.release
    if cannot(view.group):
        return {}
    if view.coming is None or last is None:
        return {serves.fingerprint: 1.0} if serves else {}
    if last is not view.coming or last.release is None or (serves and serves.is_same_as(last.release)):
        return {}
    if view.group.shifts:
        begun = last.status not in NOT_BEGUN
        return _shifted(last.release, serves, view.shift.weight if begun else 0.0)
    if view.group.replaces:
        return _replaced(last, serves)
    counts = last.counts
    have, left = counts.succeeded, counts.pending + counts.skipped + (1 if not counts.total else 0)
    new = (
        {last.release.fingerprint: have / (have + left) if have else 0.0} if have or last.is_in_flight else {}
    )
    old = {serves.fingerprint: left / (have + left)} if serves and left else {}
    return new | old


def _replaced(last: Deployment, serves: Release | None) -> Mapping[str, float]:
    """Blue-green on EC2: nothing until an instance has traffic, all once those of before wait for their end; between, nobody tells."""
    if last.release is None or (last.counts.succeeded and not last.moved):
        return {}
    return _shifted(last.release, serves, 1.0 if last.moved else 0.0)


def _shifted(coming: Release, serves: Release | None, weight: float | None) -> Mapping[str, float]:
    """By the weights that CodeDeploy gives them; it tells none of what it has left."""
    if weight is None:
        return {}
    old = {serves.fingerprint: 1.0 - weight} if serves and weight < 1 else {}
    return {coming.fingerprint: weight} | old


def _since(ahead: Deployment | None) -> datetime | None:
    return ahead.created if ahead is not None and ahead.created > _EVER else None
