"""Instances and tasks that come and go: EC2 Auto Scaling, Application Auto Scaling, and what ECS does by itself.

Source:
    https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-event-reference.html
    https://docs.aws.amazon.com/autoscaling/ec2/userguide/instance-refresh-eventbridge-events.html
    https://docs.aws.amazon.com/autoscaling/application/userguide/automating-with-eventbridge.html
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_events.html
"""

import re
from collections.abc import Mapping

from deploy.source import Event
from deploy.sources.sqs.ecs import Place
from deploy.sources.sqs.envelope import moment
from watcher.changes.told import Told, named
from watcher.core.change import ChangeKind

# By the type of the event, which says all of what happened but to whom.
_INSTANCES: Mapping[str, str] = {
    "EC2 Instance Launch Successful": "launched an instance",
    "EC2 Instance Launch Unsuccessful": "could not launch an instance",
    "EC2 Instance Terminate Successful": "terminated an instance",
    "EC2 Instance Terminate Unsuccessful": "could not terminate an instance",
}
_REFRESHES: Mapping[str, str] = {
    "EC2 Auto Scaling Instance Refresh Started": "started",
    "EC2 Auto Scaling Instance Refresh Succeeded": "succeeded",
    "EC2 Auto Scaling Instance Refresh Failed": "failed",
    "EC2 Auto Scaling Instance Refresh Cancelled": "was cancelled",
    "EC2 Auto Scaling Instance Refresh Rollback Started": "is rolled back",
    "EC2 Auto Scaling Instance Refresh Rollback Succeeded": "was rolled back",
    "EC2 Auto Scaling Instance Refresh Rollback Failed": "could not be rolled back",
}
_SERVICE = re.compile(r"service/(?P<cluster>[A-Za-z0-9_-]{1,255})/(?P<service>[A-Za-z0-9_-]{1,255})")


def instance(event: Event) -> Told | None:
    """An instance came or went."""
    group = named(event.detail, "AutoScalingGroupName")
    if not group:
        return None
    return Told(ChangeKind.SCALING, f"Auto Scaling group `{group}` {_INSTANCES[event.kind]}", group)


def refresh(event: Event) -> Told | None:
    """All instances of a group are replaced, one by one."""
    group = named(event.detail, "AutoScalingGroupName")
    if not group:
        return None
    return Told(ChangeKind.REPLACEMENT, f"instance refresh of `{group}` {_REFRESHES[event.kind]}", group)


def activity(event: Event) -> Told | None:
    """Application Auto Scaling has scaled something; it tells only of what reached its maximum, if AWS keeps to its word."""
    name = named(event.detail, "resourceId")
    before, after = event.detail.get("oldDesiredCapacity"), event.detail.get("newDesiredCapacity")
    if not name or event.detail.get("statusCode") != "Successful":
        return None
    sizes = f" from {before} to {after}" if _is_count(before) and _is_count(after) else ""
    most = ", its maximum" if event.detail.get("scaledToMax") is True else ""
    at = moment(event.detail.get("startTime"))
    return Told(ChangeKind.SCALING, f"`{name}` scaled{sizes}{most}", name, at, _of_ecs(event, name))


def service_action(event: Event) -> Told | None:
    """ECS has changed how many tasks a service is to have. All else of the kind is a hint at its health, and no change."""
    place = Place.of(event.resources[0]) if event.resources else None
    if place is None or event.detail.get("eventName") != "SERVICE_DESIRED_COUNT_UPDATED":
        return None
    name = f"{place.cluster}/{place.service}"
    what = f"ECS service `{name}`, desired count changed"
    return Told(ChangeKind.SCALING, what, name, addresses=place.addresses())


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**9


def _of_ecs(event: Event, resource: str) -> tuple[str, ...]:
    found = _SERVICE.fullmatch(resource)
    if found is None:
        return ()
    return Place(event.region, event.account, found["cluster"], found["service"]).addresses()


INSTANCES, REFRESHES = tuple(_INSTANCES), tuple(_REFRESHES)
