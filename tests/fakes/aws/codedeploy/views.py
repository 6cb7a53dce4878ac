"""What CodeDeploy says of a group, a deployment and its targets, in the shapes of its API."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.fakes.aws.codedeploy.shifting import EVENTS, OF_LAMBDA
from tests.fakes.aws.codedeploy.state import Deployment, Group, OnInstance

ORDER = (
    "ApplicationStop", "DownloadBundle", "BeforeInstall", "Install", "AfterInstall", "ApplicationStart", "ValidateService",
)  # fmt: skip


def group(
    found: Group, last: Deployment | None, succeeded: Deployment | None, account: str
) -> Mapping[str, Any]:
    """One of the ``deploymentGroupsInfo``."""
    told: dict[str, Any] = {
        "applicationName": found.application,
        "deploymentGroupId": f"id-of-{found.name}",
        "deploymentGroupName": found.name,
        "deploymentConfigName": found.config,
        "serviceRoleArn": f"arn:aws:iam::{account}:role/codedeploy",
        "computePlatform": "Server",
        "deploymentStyle": {"deploymentType": "IN_PLACE", "deploymentOption": "WITH_TRAFFIC_CONTROL"},
        "autoRollbackConfiguration": {
            "enabled": bool(found.auto_rollback),
            "events": list(found.auto_rollback),
        },
        **found.more,
    }
    if succeeded is not None:
        told["lastSuccessfulDeployment"] = _last(succeeded)
        told["targetRevision"] = dict(succeeded.revision)
    if last is not None:
        told["lastAttemptedDeployment"] = _last(last)
    return told


def _last(found: Deployment) -> Mapping[str, Any]:
    told = {"deploymentId": found.id, "status": found.status, "createTime": found.created}
    return told | ({"endTime": found.completed} if found.completed else {})


def deployment(found: Deployment, config: str, platform: str) -> Mapping[str, Any]:
    """A ``DeploymentInfo``."""
    told: dict[str, Any] = {
        "applicationName": found.application,
        "deploymentGroupName": found.group,
        "deploymentConfigName": found.asked.get("deploymentConfigName", config),
        "deploymentId": found.id,
        "revision": dict(found.revision),
        "status": found.status,
        "createTime": found.created,
        "creator": found.creator,
        "computePlatform": platform,
        "ignoreApplicationStopFailures": found.asked.get("ignoreApplicationStopFailures", False),
        "fileExistsBehavior": found.asked.get("fileExistsBehavior", "DISALLOW"),
        "autoRollbackConfiguration": found.asked.get("autoRollbackConfiguration", {"enabled": False}),
        "deploymentStyle": {"deploymentType": "IN_PLACE", "deploymentOption": "WITH_TRAFFIC_CONTROL"},
    }
    if found.moved:
        told["instanceTerminationWaitTimeStarted"] = True
    if found.on:
        told["deploymentOverview"] = {
            name: found.count(name)
            for name in ("Pending", "InProgress", "Succeeded", "Failed", "Skipped", "Ready")
        }
    said = {
        "previousRevision": dict(found.previous) or None,
        "description": found.description or None,
        "startTime": found.started,
        "completeTime": found.completed,
        "errorInformation": {"code": found.error[0], "message": found.error[1]} if found.error else None,
        "rollbackInfo": _rollback(found) or None,
    }
    return told | {name: value for name, value in said.items() if value is not None}


def _rollback(found: Deployment) -> Mapping[str, Any]:
    told = {"rollbackDeploymentId": found.undone_by, "rollbackTriggeringDeploymentId": found.undoes}
    return {name: value for name, value in told.items() if value is not None}


def target(found: Deployment, each: OnInstance, arn: str, group: Group | None) -> Mapping[str, Any]:
    """A ``DeploymentTarget``."""
    told: dict[str, Any] = {
        "deploymentId": found.id,
        "targetId": each.instance,
        "targetArn": f"{arn}:instance/{each.instance}",
        "status": each.status,
        "lifecycleEvents": _events(each),
    }
    platform = group.platform if group else "Server"
    if platform != "Server":
        told["lifecycleEvents"] = _hooks(found, OF_LAMBDA if platform == "Lambda" else EVENTS)
    weight = 100.0 * (group.traffic.get(found.behaviour, 0.0) if group else 0.0)
    if platform == "Lambda":
        told["lambdaFunctionInfo"] = {"functionName": each.instance, "targetVersionWeight": weight}
        return {"deploymentTargetType": "LambdaTarget", "lambdaTarget": told}
    if platform == "ECS":
        sets = [("Blue", 100.0 - weight), ("Green", weight)]
        told["taskSetsInfo"] = [{"taskSetLabel": label, "trafficWeight": share} for label, share in sets]
        return {"deploymentTargetType": "ECSTarget", "ecsTarget": told}
    return {"deploymentTargetType": "InstanceTarget", "instanceTarget": told}


def _hooks(found: Deployment, names: Sequence[str]) -> list[Mapping[str, Any]]:
    """Of ECS and Lambda. [U] What has no function is told as Succeeded once it is over."""
    ended = {name: (status, at) for name, status, at in found.events}
    at = found.waits[0] if found.waits else None
    reached = names.index(at) if at else (len(names) if found.status == "Succeeded" else 0)
    events: list[Mapping[str, Any]] = []
    for number, name in enumerate(names):
        if name == at:
            events.append({"lifecycleEventName": name, "status": "InProgress", "startTime": found.begun})
        elif name in ended:
            status, when = ended[name]
            events.append({"lifecycleEventName": name, "status": status, "endTime": when})
        else:
            events.append(
                {"lifecycleEventName": name, "status": "Succeeded" if number < reached else "Pending"}
            )
    return events


def _events(each: OnInstance) -> list[Mapping[str, Any]]:
    events: list[Mapping[str, Any]] = []
    failed = False
    for name in ORDER:
        if each.status == "Failed" and name == each.failed_at:
            failed = True
            said = {
                "errorCode": "ScriptFailed",
                "scriptName": f"{name}.ps1",
                "message": f"Script at specified location: {name}.ps1 failed with exit code 1",
                "logTail": each.log,
            }
            events.append({"lifecycleEventName": name, "status": "Failed", "diagnostics": said})
            continue
        done = (
            "Skipped"
            if failed
            else {"Succeeded": "Succeeded", "Skipped": "Skipped"}.get(each.status, "Pending")
        )
        events.append({"lifecycleEventName": name, "status": done})
    return events
