"""Events that are understood, and are no deployment: whoever conducts may want them, else they are recorded under their names."""

from collections.abc import Mapping

from deploy.source import Aside, Event
from deploy.sources.sqs.envelope import ALARM, shown
from deploy.sources.sqs.trail import TRAIL

_NO_TARGET = "is not a target of this version"
_INSTANCES = "what is live is read with the number of its instances"
_TASKS = "tasks are read by the signal ecs_tasks"
_CANARY = "a canary of Synthetics is no deployment"
_ALARM = "alarms are read, where a rule names them"

# By source and type.
KNOWN: Mapping[tuple[str, str], str] = {
    ("aws.ecs", "ECS Service Action"): "a hint at the health of a service: what is live is read anyway",
    ("aws.ecs", "ECS Task State Change"): _TASKS,
    ("aws.ecs", "ECS Container Instance State Change"): _TASKS,
    ("aws.codedeploy", "CodeDeploy Instance State-change Notification"): _INSTANCES,
    ("aws.elasticbeanstalk", "Other resource status change"): "of a resource of an environment: no release",
    ("aws.elasticbeanstalk", "Managed update status change"): "an update of the platform, and no release",
    (
        "aws.elasticbeanstalk",
        "Health status change",
    ): "the health of an environment is read, where a rule names it",
    ("aws.cloudwatch", "CloudWatch Alarm State Change"): _ALARM,
    ("aws.cloudwatch", ALARM): _ALARM,
    ("aws.synthetics", "Synthetics Canary Status Change"): _CANARY,
    ("aws.synthetics", "Synthetics Canary TestRun Successful"): _CANARY,
    ("aws.synthetics", "Synthetics Canary TestRun Failure"): _CANARY,
    ("aws.ecr", "ECR Image Action"): "an image that was pushed is not deployed yet",
    ("aws.ssm", "Parameter Store Change"): "a parameter is no deployment in this version",
}
_TRAILED: Mapping[str, str] = {"aws.ecs": "ECS tells of it itself"}


def aside(event: Event) -> Aside:
    """*event*, and why it is no deployment, by its name."""
    if event.kind == TRAIL:
        called = shown(event.detail.get("eventName"))
        why = _TRAILED.get(event.source, "a call of the API is not a deployment that this version knows")
        return Aside(event, f"{TRAIL}: {shown(event.source)} {called}: {why}")
    why = KNOWN.get((event.source, event.kind), "no deployment that this version knows")
    return Aside(event, f"{shown(event.kind)} of {shown(event.source)}: {why}")
