"""Deployments of services that are not configured here: for those that are, they are changes.

Of a deployment that goes as it should the beginning is told, and not the end: one line, and that is when things move.

Source:
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_deployment_events.html
    https://docs.aws.amazon.com/codedeploy/latest/userguide/monitoring-cloudwatch-events.html
    https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/AWSHowTo.eventbridge.html
"""

from collections.abc import Mapping

from deploy.source import Event
from deploy.sources.sqs.ecs import Place
from deploy.sources.sqs.envelope import moment
from watcher.changes.told import Told, clean, named
from watcher.core.change import ChangeKind

MOST_STATUS = 80
_OF_ECS: Mapping[str, str] = {
    "SERVICE_DEPLOYMENT_IN_PROGRESS": "deployed",
    "SERVICE_DEPLOYMENT_FAILED": "deployment failed",
}
_OF_CODEDEPLOY: Mapping[str, str] = {
    "START": "deployed",
    "FAILURE": "deployment failed",
    "STOP": "deployment stopped",
}


def of_ecs(event: Event) -> Told | None:
    """A service of ECS."""
    place = Place.of(event.resources[0]) if event.resources else None
    done = _OF_ECS.get(named(event.detail, "eventName"))
    if place is None or done is None:
        return None
    name = f"{place.cluster}/{place.service}"
    at = moment(event.detail.get("updatedAt"))
    return Told(ChangeKind.DEPLOYMENT, f"ECS service `{name}` {done}", name, at)


def of_codedeploy(event: Event) -> Told | None:
    """A deployment group of CodeDeploy."""
    application, group = named(event.detail, "application"), named(event.detail, "deploymentGroup")
    done = _OF_CODEDEPLOY.get(named(event.detail, "state"))
    if not application or not group or done is None:
        return None
    name = f"{application}/{group}"
    return Told(ChangeKind.DEPLOYMENT, f"CodeDeploy `{name}` {done}", name)


def of_beanstalk(event: Event) -> Told | None:
    """An environment of Elastic Beanstalk: created, updated, terminated, each told as it begins and ends."""
    application, environment = named(event.detail, "ApplicationName"), named(event.detail, "EnvironmentName")
    status = clean(event.detail.get("Status"), MOST_STATUS)
    if not application or not environment or not status:
        return None
    name = f"{application}/{environment}"
    return Told(ChangeKind.DEPLOYMENT, f"Elastic Beanstalk `{name}`: {status}", name)
