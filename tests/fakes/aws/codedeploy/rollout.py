"""How a deployment goes on: instance by instance, within what the group keeps healthy, to its end; pure but for the group's own tables.

Source:
    https://docs.aws.amazon.com/codedeploy/latest/userguide/instances-health.html (the minimum of healthy instances) [D]
    https://docs.aws.amazon.com/codedeploy/latest/userguide/deployments-rollback-and-redeploy.html (files that are left) [D]
"""

from dataclasses import replace
from datetime import datetime, timedelta

from tests.fakes.aws.codedeploy.state import Behaviour, Deployment, Group, OnInstance

STARTS = timedelta(seconds=5)  # until the agents have polled [U]
STOPS = timedelta(seconds=10)  # from the request until it is stopped [U]
FAILS_AFTER = timedelta(seconds=10)  # that a script takes to fail [U]


def goes_on(
    deployment: Deployment, group: Group, behaviours: dict[str, Behaviour], at: datetime
) -> tuple[Deployment, Group]:
    """Both, after what was to happen at *at*."""
    if deployment.stops is not None and deployment.stops[0] <= at:
        return _broken_off(deployment, group, "Stopped", ("MANUAL_STOP", "The deployment was stopped."), at)
    if group.alarming and deployment.status == "InProgress" and _heeds_alarms(deployment):
        words = (
            "ALARM_ACTIVE",
            "One or more alarms have been activated according to the group's configuration.",
        )
        return _broken_off(deployment, group, "Stopped", words, at)
    if deployment.status == "Created":
        deployment = replace(deployment, status="InProgress", started=at)
    for each in deployment.on:
        if each.ends is not None and each.ends <= at:
            deployment, group = _ended(deployment, group, each, behaviours)
    deployment, group = _begun(deployment, group, behaviours, at)
    return _settled(deployment, group, at)


def _heeds_alarms(deployment: Deployment) -> bool:
    return bool(deployment.asked.get("overrideAlarmConfiguration", {}).get("enabled", True))


def _begun(
    deployment: Deployment, group: Group, behaviours: dict[str, Behaviour], at: datetime
) -> tuple[Deployment, Group]:
    """As many more instances as may be away."""
    total = len(deployment.on)
    kept = 0 if deployment.is_of_the_fleet else min(group.kept, total)
    away = deployment.count("InProgress", "Failed")
    for each in [found for found in deployment.on if found.status == "Pending"]:
        # [D] OneAtATime is met by all but the last one; with one instance it is deployed to all the same.
        if total - away - 1 < min(kept, total - 1):
            break
        begun, group = _on_one(deployment, group, each, behaviours, at)
        deployment = deployment.with_(begun)
        away += 1
    return deployment, group


def _on_one(
    deployment: Deployment, group: Group, each: OnInstance, behaviours: dict[str, Behaviour], at: datetime
) -> tuple[OnInstance, Group]:
    instance = group.instance(each.instance)
    failing = _failing(deployment, group, each.instance, behaviours)
    takes = behaviours.get(deployment.behaviour, Behaviour()).takes
    event, log = failing or (None, "")
    # A stop script that fails has changed nothing yet; everything later has taken the old release away.
    untouched = event == "ApplicationStop"
    group = group.with_(instance if untouched else replace(instance, runs=None))
    ends = at + (min(FAILS_AFTER, takes) if failing else takes)
    return replace(each, status="InProgress", begun=at, ends=ends, failed_at=event, log=log), group


def _failing(
    deployment: Deployment, group: Group, id: str, behaviours: dict[str, Behaviour]
) -> tuple[str, str] | None:
    """The lifecycle event that will fail on this instance."""
    instance, asked = group.instance(id), deployment.asked
    old, new = (behaviours.get(key or "", Behaviour()) for key in (instance.installed, deployment.behaviour))
    if old.fails("ApplicationStop", id) and not asked.get("ignoreApplicationStopFailures", False):
        return "ApplicationStop", old.log
    if instance.leftovers and asked.get("fileExistsBehavior", "DISALLOW") == "DISALLOW":
        return "Install", "The deployment failed because a specified file already exists at this location"
    event = new.fails_at
    if event is not None and event != "ApplicationStop" and new.fails(event, id):
        return event, new.log
    return None


def _ended(
    deployment: Deployment, group: Group, each: OnInstance, behaviours: dict[str, Behaviour]
) -> tuple[Deployment, Group]:
    if each.failed_at is None:
        instance = group.instance(each.instance)
        done = replace(
            instance,
            runs=deployment.behaviour,
            installed=deployment.behaviour,
            leftovers=behaviours.get(deployment.behaviour, Behaviour()).litters,
        )
        return deployment.with_(replace(each, status="Succeeded", ends=None)), group.with_(done)
    return deployment.with_(replace(each, status="Failed", ends=None)), group


def _settled(deployment: Deployment, group: Group, at: datetime) -> tuple[Deployment, Group]:
    """Its end, if it has come; else when it goes on."""
    if deployment.count("InProgress"):
        ends = [each.ends for each in deployment.on if each.ends is not None]
        return replace(deployment, wakes=min(ends)), group
    failed = deployment.count("Failed")
    total = len(deployment.on)
    enough = total - failed >= min(group.kept, max(total - 1, 0)) and failed < total
    if deployment.count("Pending") or not enough:
        words = "The overall deployment failed because too many individual instances failed deployment."
        return _broken_off(deployment, group, "Failed", ("HEALTH_CONSTRAINTS", words), at)
    return replace(deployment, status="Succeeded", completed=at, wakes=None), group


def _broken_off(
    deployment: Deployment, group: Group, status: str, error: tuple[str, str], at: datetime
) -> tuple[Deployment, Group]:
    """[D] Instances are left "in an indeterminate deployment state"."""
    becomes = {"Pending": "Skipped", "InProgress": "Failed"}
    on = tuple(
        replace(each, status=becomes.get(each.status, each.status), ends=None) for each in deployment.on
    )
    return replace(deployment, status=status, error=error, completed=at, wakes=None, on=on), group
