"""How a deployment for ECS or Lambda goes on: what is new stands beside what serves, and gets the traffic; the old one waits a while.

Its steps are a list: functions that are asked at lifecycle hooks, the wait for ``ContinueDeployment``, the shifts of the traffic, and the time
for which the old task set is kept.

Source:
    https://docs.aws.amazon.com/codedeploy/latest/userguide/deployment-steps-ecs.html [D]
    https://docs.aws.amazon.com/codedeploy/latest/userguide/deployment-configurations.html [D]
    https://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file-structure-hooks.html [D]
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
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
ANSWERS_WITHIN = timedelta(hours=1)  # [D] "within one hour", else the deployment fails
# [D] The hooks of both platforms, before and after the traffic; where the READY wait stands among them is [U].
BEFORE = ("BeforeInstall", "AfterInstall", "AfterAllowTestTraffic")
EVENTS = (
    *("BeforeInstall", "Install", "AfterInstall", "AllowTestTraffic", "AfterAllowTestTraffic"),
    *("BeforeAllowTraffic", "AllowTraffic", "AfterAllowTraffic"),
)
OF_LAMBDA = ("BeforeAllowTraffic", "AllowTraffic", "AfterAllowTraffic")


@dataclass(frozen=True, slots=True)
class Step:
    """One step: a *hook*, the *ready* wait, or a *share* of the traffic; and for how long it stays so."""

    hook: str = ""
    ready: bool = False
    share: float | None = None
    lasts: timedelta = timedelta(0)


def steps(deployment: Deployment, group: Group, hooks: Mapping[str, str]) -> list[Step]:
    """All of them. *hooks*: the functions of its AppSpec, by lifecycle event."""
    first, lasts = CANARIES[deployment.asked.get("deploymentConfigName", group.config)]
    is_ecs = group.platform == "ECS"
    kept = group.termination_wait
    found = [Step(hook=name) for name in BEFORE if is_ecs and name in hooks]
    found += [Step(ready=True, lasts=group.ready_wait)] if is_ecs and group.ready_wait is not None else []
    found += [Step(hook="BeforeAllowTraffic")] if "BeforeAllowTraffic" in hooks else []
    found += [Step(share=first, lasts=lasts)] if first < 1.0 else []
    found += [Step(share=1.0)]
    found += [Step(hook="AfterAllowTraffic")] if "AfterAllowTraffic" in hooks else []
    found += [Step(share=1.0, lasts=WAITS if kept is None else kept)] if is_ecs else []
    return found


def goes_on(
    deployment: Deployment, group: Group, at: datetime, hooks: Mapping[str, str], execution: str
) -> tuple[Deployment, Group]:
    """Both, after what was to happen at *at*. *execution*: the id of the hook that is met next, if one is."""
    if deployment.stops is not None and deployment.stops[0] <= at:
        return _broken_off(deployment, "Stopped", ("MANUAL_STOP", "The deployment was stopped."), at), group
    if (
        deployment.creator == "codeDeployRollback"
    ):  # [U] the old one is still there: its traffic is given back at once
        return _done(deployment, replace(group, traffic={deployment.behaviour: 1.0}), at)
    if deployment.status == "Created":
        on = tuple(replace(each, status="InProgress") for each in deployment.on)
        return replace(deployment, status="InProgress", started=at, on=on, wakes=at + INSTALLS), group
    if deployment.waits is not None:
        words = ("HOOK_EXECUTION_FAILURE", "The function of a lifecycle hook did not answer in time.")
        return _broken_off(_answered(deployment, "Failed", at), "Failed", words, at), group
    if deployment.status == "Ready":
        words = ("TIMEOUT", "The deployment was not continued in time.")  # [U] the code
        return _broken_off(deployment, "Stopped", words, at), group
    return _stepped(deployment, group, at, hooks, execution)


def _stepped(
    deployment: Deployment, group: Group, at: datetime, hooks: Mapping[str, str], execution: str
) -> tuple[Deployment, Group]:
    all_of_them = steps(deployment, group, hooks)
    if deployment.step == len(all_of_them):
        return _done(deployment, group, at)
    step = all_of_them[deployment.step]
    after = replace(deployment, step=deployment.step + 1, wakes=at + step.lasts)
    if step.hook:
        waits = (step.hook, execution)
        return replace(after, waits=waits, begun=at, wakes=at + ANSWERS_WITHIN), group
    if step.ready:
        return replace(after, status="Ready", begun=at), group
    return after, _with(group, deployment.behaviour, step.share or 0.0)


def continued(deployment: Deployment, at: datetime) -> Deployment:
    """``ContinueDeployment(READY_WAIT)``: the traffic is moved now."""
    return replace(deployment, status="InProgress", wakes=at)


def answered(deployment: Deployment, status: str, at: datetime) -> Deployment:
    """``PutLifecycleEventHookExecutionStatus``: it goes on, or has failed."""
    after = _answered(deployment, status, at)
    if status == "Succeeded":
        return replace(after, wakes=at)
    words = ("HOOK_EXECUTION_FAILURE", "The function of a lifecycle hook has said so.")
    return _broken_off(after, "Failed", words, at)


def _answered(deployment: Deployment, status: str, at: datetime) -> Deployment:
    name = deployment.waits[0] if deployment.waits else ""
    return replace(deployment, waits=None, events=(*deployment.events, (name, status, at)))


def _broken_off(deployment: Deployment, status: str, error: tuple[str, str], at: datetime) -> Deployment:
    on = tuple(replace(each, status="Failed") for each in deployment.on)
    return replace(deployment, status=status, error=error, on=on, completed=at, wakes=None, waits=None)


def _with(group: Group, key: str, share: float) -> Group:
    old = next((each for each in group.traffic if each != key), None)
    traffic = {key: share} | ({old: 1.0 - share} if old is not None and share < 1.0 else {})
    return replace(group, traffic=traffic)


def _done(deployment: Deployment, group: Group, at: datetime) -> tuple[Deployment, Group]:
    on = tuple(replace(each, status="Succeeded") for each in deployment.on)
    started = deployment.started or at
    return replace(deployment, status="Succeeded", started=started, completed=at, wakes=None, on=on), group
