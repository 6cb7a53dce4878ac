"""CodeDeploy of one account and region: what a test tells it, and what it answers."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from tests.fakes.aws.calls import Asked
from tests.fakes.aws.codedeploy import beside, rollout, shifting
from tests.fakes.aws.codedeploy.answering import Answering
from tests.fakes.aws.codedeploy.state import (
    NOTHING,
    Behaviour,
    Deployment,
    Group,
    Instance,
    OnInstance,
    sha_of,
)
from tests.fakes.aws.events import Events
from tests.fakes.aws.tagging import Tagging
from tests.fakes.aws.timeline import Timeline
from tests.fakes.aws.trouble import AwsError

CONFIGS: Mapping[str, tuple[str, int]] = {
    "CodeDeployDefault.AllAtOnce": ("HOST_COUNT", 0),
    "CodeDeployDefault.HalfAtATime": ("FLEET_PERCENT", 50),
    "CodeDeployDefault.OneAtATime": ("FLEET_PERCENT", 99),  # [U] how AWS writes it
}
KIND = "CodeDeploy Deployment State-change Notification"
GOES_BACK_AFTER = timedelta(seconds=5)  # until CodeDeploy's own rollback is created [U]
_STATES = {"Succeeded": "SUCCESS", "Failed": "FAILURE", "Stopped": "STOP"}
_ON = {
    "Failed": "DEPLOYMENT_FAILURE",
    "MANUAL_STOP": "DEPLOYMENT_STOP_ON_REQUEST",
    "ALARM_ACTIVE": "DEPLOYMENT_STOP_ON_ALARM",
}


class CodeDeploy:
    """Applications, groups and deployments.

    Attributes:
        goes_back: CodeDeploy goes back by itself, where it is told to.
        invoke: What becomes of the function that a lifecycle hook asks: its name, and what it is given. Nothing, unless a test says.

    A test tells it what is there (``create_group``), how a revision behaves (``behave``) and what other hands do (``deploy``,
    ``scale_out``, ``alarm``). Everything else follows from the clock.
    """

    def __init__(
        self, account: str, region: str, tagging: Tagging, events: Events, draw: Callable[[str], str]
    ) -> None:
        self._account, self._region = account, region
        self.arn = f"arn:aws:codedeploy:{region}:{account}"
        self._events = events
        self._draw = draw
        self.groups: dict[tuple[str, str], Timeline[Group]] = {}
        self.deployments: dict[str, Timeline[Deployment]] = {}
        self.configs: dict[str, tuple[str, int]] = dict(CONFIGS)
        self.gone: set[str] = set()
        self.contents: dict[str, str] = {}
        self._behaviours: dict[str, Behaviour] = {}
        self._returns: list[tuple[datetime, str]] = []
        self.goes_back = True
        self.invoke: Callable[[str, Mapping[str, Any]], object] = lambda _function, _event: None
        self._answering = Answering(self, account, tagging)

    # ------------------------------------------------------------------------------------------------ what a test tells

    def create_group(
        self,
        application: str,
        name: str,
        at: datetime,
        *,
        instances: Sequence[str] = ("i-1", "i-2", "i-3", "i-4"),
        config: str = "CodeDeployDefault.HalfAtATime",
        auto_rollback: Sequence[str] = (),
        **more: Any,
    ) -> None:
        """A group onto which nothing was deployed yet. *more*: members of ``DeploymentGroupInfo``."""
        made = Group(
            application,
            name,
            tuple(Instance(each) for each in instances),
            config,
            self.configs.get(config, ("HOST_COUNT", 0)),
            tuple(auto_rollback),
            more=more,
        )
        self.groups.setdefault((application, name), Timeline()).put(at, made)

    def behave(self, key: str, **behaviour: Any) -> None:
        """How a revision behaves, by the key of its bundle or its commit, on instances that it is deployed to from now on."""
        self._behaviours[key] = Behaviour(**behaviour)

    def remove_bundle(self, key: str) -> None:
        """It is no longer in its bucket."""
        self.gone.add(key)

    def alarm(self, application: str, group: str, at: datetime, *, on: bool = True) -> None:
        """An alarm of the group goes into ALARM, or back."""
        self.advance(at)
        self.put_group(replace(self.find(application, group), alarming=on), at)
        for each in self._in_flight(application, group):
            self._put(replace(each, wakes=at), at)

    def deploy(
        self, application: str, group: str, revision: Mapping[str, Any], at: datetime, **asked: Any
    ) -> str:
        """Another hand deploys: not counted as a call. Gives the id."""
        self.advance(at)
        return self.create(application, group, revision, at, asked=asked)

    def scale_out(self, application: str, group: str, instance: str, at: datetime) -> str:
        """Auto Scaling adds an instance: CodeDeploy installs there what it has deployed with success last [D]."""
        self.advance(at)
        found = self.find(application, group)
        self.put_group(replace(found, instances=(*found.instances, Instance(instance))), at)
        last = self.succeeded(application, group, at)
        revision = last.revision if last else NOTHING
        return self.create(application, group, revision, at, creator="autoscaling", only=(instance,))

    # ------------------------------------------------------------------------------------------------ what a test sees

    def find(self, application: str, group: str) -> Group:
        """The group, as it is."""
        return self.groups[application, group].latest

    def running(self, application: str, group: str) -> dict[str, str | None]:
        """By instance: which revision serves there (the key of its bundle, or its commit)."""
        return {each.id: each.runs for each in self.find(application, group).instances}

    def known(self, id: str) -> Deployment:
        """A deployment, as it is."""
        return self.deployments[id].latest

    # ------------------------------------------------------------------------------------------------ how time goes on

    def advance(self, to: datetime) -> None:
        """Let happen what was to happen until *to*, in its order."""
        while True:
            due = [
                (each.latest.wakes, named) for named, each in self.deployments.items() if each.latest.wakes
            ]
            at, named = min([*due, *self._returns], default=(to, ""))
            if not named or at > to:
                return
            if (at, named) in self._returns:
                self._returns.remove((at, named))
                self._goes_back(named, at)
            else:
                self._goes_on(named, at)

    def _goes_on(self, id: str, at: datetime) -> None:
        before = self.known(id)
        group = self.find(before.application, before.group)
        if group.is_shifted:
            execution = self._draw("execution")
            after, group = shifting.goes_on(before, group, at, self.hooks(before), execution)
        elif group.is_replaced and not before.is_of_the_fleet:
            after, group = beside.goes_on(before, group, self._behaviours, at)
        else:
            after, group = rollout.goes_on(before, group, self._behaviours, at)
        self.put_group(group, at)
        self._changed(before, after, at)

    def _changed(self, before: Deployment, after: Deployment, at: datetime) -> None:
        """*after* is so from now on, and who is to hear of it does."""
        self._put(after, at)
        if before.status != "Ready" == after.status:
            self._tell(after, "READY", at)
        if after.waits is not None and after.waits != before.waits:
            name, execution = after.waits
            event = {"DeploymentId": after.id, "LifecycleEventHookExecutionId": execution}
            self.invoke(self.hooks(after)[name], event)
        if before.is_in_flight and not after.is_in_flight:
            self._tell(after, _STATES[after.status], at)
            if self._is_taken_back(after):
                self._returns.append((at + GOES_BACK_AFTER, after.id))

    def hooks(self, deployment: Deployment) -> Mapping[str, str]:
        """The functions that its AppSpec names, by lifecycle event. [D] In JSON: ``{"Hooks": [{EVENT: FUNCTION}]}``."""
        hash_ = deployment.revision.get("appSpecContent", {}).get("sha256", "")
        try:
            told = json.loads(self.contents.get(hash_, "{}"))
        except ValueError:
            return {}
        return {name: str(function) for each in told.get("Hooks", []) for name, function in each.items()}

    def proceed(self, id: str, at: datetime) -> None:
        """``ContinueDeployment``. Raises `AwsError` where it does not wait."""
        found = self.known(id)
        if not found.is_in_flight:
            raise AwsError("DeploymentAlreadyCompletedException", f"{id} is already completed")
        if found.status != "Ready":
            raise AwsError("DeploymentIsNotInReadyStateException", f"{id} is not in the Ready state")
        after = shifting.continued(found, at)
        self._changed(found, after, at)
        self.advance(at)

    def answer(self, id: str, execution: str, status: str, at: datetime) -> None:
        """``PutLifecycleEventHookExecutionStatus``. Raises `AwsError` where nothing waits for it."""
        found = self.known(id)
        if found.waits is None or not found.is_in_flight:
            raise AwsError("LifecycleEventAlreadyCompletedException", "The lifecycle event is completed")
        if found.waits[1] != execution:
            raise AwsError("InvalidLifecycleEventHookExecutionIdException", "No such execution")
        self._changed(found, shifting.answered(found, status, at), at)
        self.advance(at)

    def _is_taken_back(self, ended: Deployment) -> bool:
        """CodeDeploy goes back by itself: as the deployment says, or who stopped it."""
        if (
            not self.goes_back
            or ended.status == "Succeeded"
            or self.succeeded(ended.application, ended.group, ended.created) is None
        ):
            return False
        why = ended.error[0] if ended.status == "Stopped" and ended.error else "Failed"
        if why == "MANUAL_STOP" and ended.stops is not None:
            return ended.stops[1]
        said = ended.asked.get("autoRollbackConfiguration", {})
        return bool(said.get("enabled")) and _ON[why] in said.get("events", ())

    def _goes_back(self, id: str, at: datetime) -> None:
        """[D] What was deployed with success last, with that deployment's way with files; its scripts must not fail [U]."""
        ended = self.known(id)
        last = self.succeeded(ended.application, ended.group, at)
        if last is None:
            return
        asked = {"fileExistsBehavior": last.asked.get("fileExistsBehavior", "DISALLOW")}
        made = self.create(
            ended.application,
            ended.group,
            last.revision,
            at,
            creator="codeDeployRollback",
            asked=asked,
            undoes=id,
        )
        self._put(replace(self.known(id), undone_by=made), at)

    def create(
        self,
        application: str,
        group: str,
        revision: Mapping[str, Any],
        at: datetime,
        *,
        creator: str = "user",
        asked: Mapping[str, Any] = NOTHING,
        undoes: str | None = None,
        only: Sequence[str] = (),
    ) -> str:
        """A deployment begins. Raises `AwsError` while another runs, unless it is for instances that came."""
        found = self.find(application, group)
        if creator == "user" and self._in_flight(application, group):
            words = f"The Deployment Group '{group}' already has an active Deployment"
            raise AwsError("DeploymentLimitExceededException", words)
        own = {"enabled": bool(found.auto_rollback), "events": list(found.auto_rollback)}
        last = self.succeeded(application, group, at)
        made = Deployment(
            id=f"d-{self._draw('codedeploy')[:9].upper()}",
            application=application,
            group=group,
            revision=self._registered(revision),
            created=at,
            creator=creator,
            description=str(asked.get("description", "")),
            asked={"autoRollbackConfiguration": own, **asked},
            previous=last.revision if last else NOTHING,
            on=tuple(OnInstance(each) for each in only or self._onto(found)),
            undoes=undoes,
            wakes=at + rollout.STARTS,
        )
        self._put(made, at)
        self.put_group(replace(found, deployments=(*found.deployments, made.id)), at)
        self._tell(made, "START", at)
        return made.id

    def _onto(self, group: Group) -> list[str]:
        """The instances that a deployment is for: all of the group; blue-green, as many new ones."""
        if not group.is_replaced:
            return [each.id for each in group.instances]
        serving = [each for each in group.instances if not group.traffic or each.runs in group.traffic]
        return [f"i-{self._draw('instance')[:8]}" for _ in serving]

    def _registered(self, revision: Mapping[str, Any]) -> Mapping[str, Any]:
        """[M] Of an AppSpec a deployment tells the hash alone; the content is told where revisions are asked for."""
        if "appSpecContent" not in revision:
            return dict(revision)
        hash_ = sha_of(revision)
        self.contents.setdefault(hash_, str(revision["appSpecContent"].get("content")))
        return {**revision, "appSpecContent": {"sha256": hash_}}

    def stop(self, id: str, at: datetime, *, goes_back: bool) -> None:
        """It is asked to stop; a second request changes nothing."""
        found = self.known(id)
        if found.stops is None:
            when = at + rollout.STOPS
            wakes = min(when, found.wakes) if found.wakes else when
            self._put(replace(found, stops=(when, goes_back), wakes=max(wakes, at)), at)

    def last(self, application: str, group: str, at: datetime) -> Deployment | None:
        """The one that was tried last, as of *at*."""
        return next(iter(self.history(application, group, at)), None)

    def succeeded(self, application: str, group: str, at: datetime) -> Deployment | None:
        """The last with success, as of *at*."""
        found = [each for each in self.history(application, group, at) if each.status == "Succeeded"]
        return max(found, key=lambda each: (each.completed or each.created, each.created)) if found else None

    def history(self, application: str, group: str, at: datetime) -> list[Deployment]:
        """All deployments of a group that were there at *at*, as they were then; the newest first."""
        timeline = self.groups.get((application, group))
        found = timeline.at(at) if timeline else None
        ids = reversed(found.deployments if found else ())
        return [each for one in ids if (each := self.deployments[one].at(at)) is not None]

    def put_group(self, group: Group, at: datetime) -> None:
        """From *at* on it is so."""
        self.groups[group.application, group.name].put(at, group)

    def _put(self, deployment: Deployment, at: datetime) -> None:
        stops = deployment.stops
        if deployment.is_in_flight and stops is not None and deployment.wakes is not None:
            deployment = replace(deployment, wakes=min(deployment.wakes, max(stops[0], at)))
        self.deployments.setdefault(deployment.id, Timeline()).put(at, deployment)

    def _in_flight(self, application: str, group: str) -> list[Deployment]:
        ids = self.find(application, group).deployments
        found = [self.known(each) for each in ids]
        return [each for each in found if each.is_in_flight and not each.is_of_the_fleet]

    def _tell(self, deployment: Deployment, state: str, at: datetime) -> None:
        application, group = deployment.application, deployment.group
        detail = {
            "instanceGroupId": f"id-of-{group}",
            "region": self._region,
            "application": application,
            "deploymentId": deployment.id,
            "state": state,
            "deploymentGroup": group,
        }
        resources = [
            f"{self.arn}:application:{application}",
            f"{self.arn}:deploymentgroup:{application}/{group}",
        ]
        self._events.tell(at, ("aws.codedeploy", KIND), (self._account, self._region), resources, detail)

    def operations(self) -> Mapping[str, Callable[[Asked], Mapping[str, Any]]]:
        """What CodeDeploy answers to."""
        return self._answering.operations()
