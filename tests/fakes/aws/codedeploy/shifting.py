"""How a deployment for ECS or Lambda goes on: what is new stands beside what serves, and gets the traffic; the old one waits a while.

Source:
    https://docs.aws.amazon.com/codedeploy/latest/userguide/deployment-steps-ecs.html [D]
    https://docs.aws.amazon.com/codedeploy/latest/userguide/deployment-configurations.html [D]
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from tests.fakes.aws.codedeploy.state import Deployment, Group

CANARIES: Mapping[str, tuple[float, timedelta]] = {
    "CodeDeployDefault.ECSCanary10Percent5Minutes": (0.1, timedelta(minutes=5)),
    "CodeDeployDefault.LambdaCanary10Percent5Minutes": (0.1, timedelta(minutes=5)),
    "CodeDeployDefault.ECSAllAtOnce": (1.0, timedelta(0)),
    "CodeDeployDefault.LambdaAllAtOnce": (1.0, timedelta(0)),
}
INSTALLS = timedelta(seconds=60)  # until the new task set is healthy [U]
WAITS = timedelta(minutes=5)  # the old task set is kept so long


def goes_on(deployment: Deployment, group: Group, at: datetime) -> tuple[Deployment, Group]:
    """Both, after what was to happen at *at*."""
    if deployment.stops is not None and deployment.stops[0] <= at:
        on = tuple(replace(each, status="Failed") for each in deployment.on)
        ended = replace(
            deployment,
            status="Stopped",
            error=("MANUAL_STOP", "The deployment was stopped."),
            on=on,
            completed=at,
            wakes=None,
        )
        return ended, group
    if (
        deployment.creator == "codeDeployRollback"
    ):  # [U] the old one is still there: its traffic is given back at once
        return _done(deployment, replace(group, traffic={deployment.behaviour: 1.0}), at)
    if deployment.status == "Created":
        on = tuple(replace(each, status="InProgress") for each in deployment.on)
        return replace(deployment, status="InProgress", started=at, on=on, wakes=at + INSTALLS), group
    return _shifted(deployment, group, at)


def _shifted(deployment: Deployment, group: Group, at: datetime) -> tuple[Deployment, Group]:
    first, lasts = CANARIES[deployment.asked.get("deploymentConfigName", group.config)]
    has = group.traffic.get(deployment.behaviour, 0.0)
    waits = WAITS if group.platform == "ECS" else timedelta(0)
    if has == 0.0 and first < 1.0:
        return replace(deployment, wakes=at + lasts), _with(group, deployment.behaviour, first)
    if has < 1.0 and waits:
        return replace(deployment, wakes=at + waits), _with(group, deployment.behaviour, 1.0)
    return _done(deployment, _with(group, deployment.behaviour, 1.0), at)


def _with(group: Group, key: str, share: float) -> Group:
    old = next((each for each in group.traffic if each != key), None)
    traffic = {key: share} | ({old: 1.0 - share} if old is not None and share < 1.0 else {})
    return replace(group, traffic=traffic)


def _done(deployment: Deployment, group: Group, at: datetime) -> tuple[Deployment, Group]:
    on = tuple(replace(each, status="Succeeded") for each in deployment.on)
    started = deployment.started or at
    return replace(deployment, status="Succeeded", started=started, completed=at, wakes=None, on=on), group
