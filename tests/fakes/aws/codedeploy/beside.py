"""Blue-green on EC2: new instances are made and installed, get the traffic, and those of before are ended after a while.

Source:
    https://docs.aws.amazon.com/codedeploy/latest/userguide/deployment-steps-server.html [D]; the order of things, that a deployment is
    InProgress while its old instances are kept, and that CodeDeploy gives them the traffic back when it is stopped then, are [U].
"""

from dataclasses import replace
from datetime import datetime, timedelta

from tests.fakes.aws.codedeploy.state import Behaviour, Deployment, Group, Instance, OnInstance

INSTALLS = timedelta(seconds=120)  # until the new instances run, and have the revision [U]


def goes_on(
    deployment: Deployment, group: Group, behaviours: dict[str, Behaviour], at: datetime
) -> tuple[Deployment, Group]:
    """Both, after what was to happen at *at*."""
    if deployment.stops is not None and deployment.stops[0] <= at:
        return _broken_off(deployment, "Stopped", ("MANUAL_STOP", "The deployment was stopped."), at), group
    if deployment.creator == "codeDeployRollback" and _stands(group, deployment.behaviour):
        return _back(deployment, group, at)
    if deployment.status == "Created":
        return replace(deployment, status="InProgress", started=at, wakes=at + INSTALLS), group
    if deployment.status == "Ready":
        words = ("TIMEOUT", "The deployment was not continued in time.")  # [U] the code
        return _broken_off(deployment, "Stopped", words, at), group
    if deployment.step == 0:
        return _installed(deployment, group, behaviours, at)
    return (_rerouted if deployment.step == 1 else _done)(deployment, group, at)


def _stands(group: Group, key: str) -> bool:
    """Instances that run it are there still."""
    return any(each.runs == key for each in group.instances)


def _installed(
    deployment: Deployment, group: Group, behaviours: dict[str, Behaviour], at: datetime
) -> tuple[Deployment, Group]:
    behaviour = behaviours.get(deployment.behaviour, Behaviour())
    names = [each.instance for each in deployment.on]
    if behaviour.fails_at not in {None, "ApplicationStop"}:
        on = tuple(
            OnInstance(each, "Failed", failed_at=behaviour.fails_at, log=behaviour.log) for each in names
        )
        words = ("HEALTH_CONSTRAINTS", "The overall deployment failed because too many instances failed.")
        return replace(_broken_off(deployment, "Failed", words, at), on=on), group
    on = tuple(OnInstance(each, "Ready") for each in names)
    ready = replace(deployment, on=on, step=1)
    if group.ready_wait is None:
        return replace(ready, wakes=at), group
    return replace(ready, status="Ready", begun=at, wakes=at + group.ready_wait), group


def _rerouted(deployment: Deployment, group: Group, at: datetime) -> tuple[Deployment, Group]:
    made = tuple(
        Instance(each.instance, deployment.behaviour, deployment.behaviour) for each in deployment.on
    )
    on = tuple(replace(each, status="Succeeded") for each in deployment.on)
    moved = replace(group, instances=(*made, *group.instances), traffic={deployment.behaviour: 1.0})
    kept = group.termination_wait or timedelta(0)
    return replace(deployment, on=on, step=2, moved=True, wakes=at + kept), moved


def _done(deployment: Deployment, group: Group, at: datetime) -> tuple[Deployment, Group]:
    names = {each.instance for each in deployment.on}
    left = tuple(each for each in group.instances if each.id in names)
    return replace(deployment, status="Succeeded", completed=at, wakes=None), replace(group, instances=left)


def _back(deployment: Deployment, group: Group, at: datetime) -> tuple[Deployment, Group]:
    """[U] What served has its traffic again, at once; what was new is ended."""
    old = tuple(each for each in group.instances if each.runs == deployment.behaviour)
    on = tuple(OnInstance(each.id, "Succeeded") for each in old)
    after = replace(group, instances=old, traffic={deployment.behaviour: 1.0})
    return replace(deployment, status="Succeeded", started=at, completed=at, on=on, wakes=None), after


def _broken_off(deployment: Deployment, status: str, error: tuple[str, str], at: datetime) -> Deployment:
    becomes = {"Pending": "Skipped", "InProgress": "Failed", "Ready": "Skipped"}
    on = tuple(replace(each, status=becomes.get(each.status, each.status)) for each in deployment.on)
    return replace(deployment, status=status, error=error, completed=at, wakes=None, on=on)
