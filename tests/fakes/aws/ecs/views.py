"""What ECS tells of a service: each function makes one shape of the model of the values in ``state``."""

from collections.abc import Mapping
from typing import Any

from tests.fakes.aws.ecs.deployments import threshold
from tests.fakes.aws.ecs.state import (
    Deployment,
    Revision,
    Service,
    ServiceDeployment,
    Task,
    TaskDefinition,
)

_AS_TOLD = {"PRE_PRODUCTION_TRAFFIC_SHIFT": "PRODUCTION_TRAFFIC_SHIFT"}
_FARGATE = {"launchType": "FARGATE", "platformVersion": "1.4.0", "platformFamily": "Linux"}


def filled(**members: Any) -> dict[str, Any]:
    """Without what there is not: AWS leaves a member out, and never says null."""
    return {name: value for name, value in members.items() if value is not None}


def service(of: Service) -> dict[str, Any]:
    """A ``Service``, without its tags."""
    rolls = of.controller in {None, "ECS"}
    current = of.current
    return filled(
        serviceArn=of.arn,
        serviceName=of.name,
        clusterArn=of.cluster,
        status=of.status,
        desiredCount=of.desired,
        runningCount=of.counted("RUNNING"),
        pendingCount=of.counted("PENDING"),
        **{**_FARGATE, **of.more},
        taskDefinition=of.task_definition,
        deploymentConfiguration=dict(of.configuration),
        deployments=[
            _deployment(of, each, "PRIMARY" if index == 0 else "ACTIVE")
            for index, each in enumerate(of.deployments)
        ],
        events=[{"id": name, "createdAt": at, "message": text} for name, at, text in of.messages],
        createdAt=of.created_at,
        currentServiceDeployment=current.arn if current and rolls else None,
        currentServiceRevisions=_current_revisions(of) if rolls else None,
        deploymentController={"type": of.controller} if of.controller else None,
        schedulingStrategy="REPLICA",
        enableECSManagedTags=False,
        propagateTags="NONE",
        enableExecuteCommand=False,
    )


def _deployment(of: Service, each: Deployment, status: str) -> dict[str, Any]:
    rolls = of.controller in {None, "ECS"}
    return filled(
        id=each.id,
        status=status,
        taskDefinition=each.task_definition,
        desiredCount=of.desired if status == "PRIMARY" else len(of.tasks_of(each.id, "PENDING", "RUNNING")),
        pendingCount=len(of.tasks_of(each.id, "PENDING")),
        runningCount=len(of.tasks_of(each.id, "RUNNING")),
        failedTasks=each.failed,
        createdAt=each.created_at,
        updatedAt=each.updated_at,
        rolloutState=each.rollout_state if rolls else None,  # [M] only where ECS itself deploys
        rolloutStateReason=each.reason if rolls else None,
        **_FARGATE,
    )


def _current_revisions(of: Service) -> list[dict[str, Any]]:
    return [
        {
            "arn": each.revision,
            "requestedTaskCount": of.desired if index == 0 else 0,
            "runningTaskCount": len(of.tasks_of(each.id, "RUNNING")),
            "pendingTaskCount": len(of.tasks_of(each.id, "PENDING")),
        }
        for index, each in enumerate(of.deployments)
    ]


def brief(of: Service, each: ServiceDeployment) -> dict[str, Any]:
    """A row of ``ListServiceDeployments``."""
    return {**_common(of, each), "targetServiceRevisionArn": each.target}


def _common(of: Service, each: ServiceDeployment) -> dict[str, Any]:
    return filled(
        serviceDeploymentArn=each.arn,
        serviceArn=of.arn,
        clusterArn=of.cluster,
        startedAt=each.started_at,
        createdAt=each.created_at,
        finishedAt=each.finished_at,
        status=each.status,
        statusReason=each.status_reason,
    )


def service_deployment(of: Service, each: ServiceDeployment) -> dict[str, Any]:
    """A ``ServiceDeployment``, whole."""
    weight = (each.weight if each.rollback is None else 0.0) if each.blue_green else None
    breaker = each.configuration.get("deploymentCircuitBreaker", {})
    return filled(
        **_common(of, each),
        stoppedAt=each.stopped_at,
        updatedAt=each.updated_at,
        sourceServiceRevisions=[
            _counted(of, arn, None if weight is None else 100.0 - weight) for arn in each.sources
        ],
        targetServiceRevision=_counted(of, each.target, weight, requested=of.desired),
        # [M] The stage before each step has a name for hooks and for events, and none here.
        lifecycleStage=_AS_TOLD.get(each.stage, each.stage) if each.in_flight else None,
        lifecycleHookDetails=[
            {
                "hookId": hook.id,
                "targetType": "PAUSE",
                "status": hook.status,
                "expiresAt": hook.expires_at,
                "timeoutAction": hook.on_timeout,
            }
            for hook in each.hooks
        ],
        deploymentConfiguration=dict(each.configuration),
        rollback={
            "reason": each.rollback.reason,
            "startedAt": each.rollback.started_at,
            "serviceRevisionArn": each.rollback.revision,
        }
        if each.rollback
        else None,
        deploymentCircuitBreaker={
            "status": _breaker(each, enabled=breaker.get("enable", False)),
            "failureCount": each.failures,
            "threshold": threshold(breaker, of.desired),
        },
    )


def _breaker(each: ServiceDeployment, *, enabled: bool) -> str:
    if each.tripped:
        return "TRIGGERED"
    if not enabled:
        return "DISABLED"
    return "MONITORING" if each.in_flight else "MONITORING_COMPLETE"


def _counted(of: Service, arn: str, weight: float | None, requested: int = 0) -> dict[str, Any]:
    ids = {each.id for each in of.deployments if each.revision == arn}
    return filled(
        arn=arn,
        requestedTaskCount=requested,
        runningTaskCount=sum(len(of.tasks_of(name, "RUNNING")) for name in ids),
        pendingTaskCount=sum(len(of.tasks_of(name, "PENDING")) for name in ids),
        requestedProductionTrafficWeight=weight,
    )


def revision(of: Service, each: Revision, definition: TaskDefinition) -> dict[str, Any]:
    """A ``ServiceRevision``. The digest of an image is told once a task has pulled it [D]."""
    return {
        "serviceRevisionArn": each.arn,
        "serviceArn": of.arn,
        "clusterArn": of.cluster,
        "taskDefinition": each.task_definition,
        "containerImages": [
            filled(
                containerName=container["name"],
                image=container["image"],
                imageDigest=each.images.get(container["name"]),
            )
            for container in definition.content["containerDefinitions"]
        ],
        "createdAt": each.created_at,
        "guardDutyEnabled": False,
        **_FARGATE,
    }


def task(of: Service, each: Task, definition: TaskDefinition) -> dict[str, Any]:
    """A ``Task`` of Fargate, without its tags."""
    wanted = "STOPPED" if each.status in {"STOPPING", "STOPPED"} else "RUNNING"
    last = "DEACTIVATING" if each.status == "STOPPING" else each.status
    checked = any("healthCheck" in container for container in definition.content["containerDefinitions"])
    health = each.health if checked else "UNKNOWN"  # [M] without a health check it stays unknown
    network = {"attachmentId": f"eni-attach-{each.id[:12]}", "privateIpv4Address": each.address}
    return filled(
        taskArn=each.arn,
        clusterArn=of.cluster,
        taskDefinitionArn=each.task_definition,
        availabilityZone=each.zone,
        group=f"service:{of.name}",
        startedBy=each.deployment,
        desiredStatus=wanted,
        lastStatus=last,
        healthStatus=health,
        createdAt=each.created_at,
        startedAt=each.started_at,
        stoppingAt=each.stopping_at,
        stoppedAt=each.stopped_at,
        executionStoppedAt=each.stopped_at,
        stopCode=each.stop_code,
        stoppedReason=each.stopped_reason,
        connectivity="CONNECTED" if each.started_at else None,
        attachments=[_interface(each)],
        containers=[
            filled(
                containerArn=f"{each.arn.replace(':task/', ':container/')}/{container['name']}",
                taskArn=each.arn,
                name=container["name"],
                image=container["image"],
                imageDigest=each.images.get(container["name"]),
                lastStatus=last,
                exitCode=each.exit_code,
                reason=each.container_reason,
                healthStatus=health,
                networkInterfaces=[network],
                cpu="0",
            )
            for container in definition.content["containerDefinitions"]
        ],
        cpu=definition.content.get("cpu", "256"),
        memory=definition.content.get("memory", "512"),
        overrides={"containerOverrides": []},
        enableExecuteCommand=False,
        version=each.version,
        **_FARGATE,
    )


def _interface(each: Task) -> dict[str, Any]:
    return {
        "id": f"eni-attach-{each.id[:12]}",
        "type": "ElasticNetworkInterface",
        "status": "ATTACHED",
        "details": [
            {"name": "subnetId", "value": f"subnet-{each.zone}"},
            {"name": "privateIPv4Address", "value": each.address},
        ],
    }


def task_definition(of: TaskDefinition) -> dict[str, Any]:
    """A ``TaskDefinition``, without its tags."""
    return {
        **_with_defaults(of.content),
        "taskDefinitionArn": of.arn,
        "family": of.family,
        "revision": of.revision,
        "status": of.status,
        "registeredAt": of.registered_at,
        "registeredBy": f"arn:aws:iam::{of.arn.split(':')[4]}:role/pipeline",
        "compatibilities": ["EC2", "FARGATE"],
        "requiresAttributes": [{"name": "com.amazonaws.ecs.capability.docker-remote-api.1.18"}],
    }


def _with_defaults(content: Mapping[str, Any]) -> dict[str, Any]:
    """ECS answers more than was registered: empty lists, and what it fills in [D]."""
    empty: dict[str, Any] = {"volumes": [], "placementConstraints": []}
    containers = [
        {
            "cpu": 0,
            "essential": True,
            "environment": [],
            "mountPoints": [],
            "volumesFrom": [],
            "portMappings": [],
            "systemControls": [],
            **container,
        }
        for container in content["containerDefinitions"]
    ]
    return {**empty, **content, "containerDefinitions": containers}
