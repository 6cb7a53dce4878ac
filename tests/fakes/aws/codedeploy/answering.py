"""The operations of CodeDeploy: what is asked for is read as of when the caller sees the world, and what is ordered is done now."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Protocol

from tests.fakes.aws.calls import Asked
from tests.fakes.aws.codedeploy import views
from tests.fakes.aws.codedeploy.state import Deployment, Group, key_of
from tests.fakes.aws.tagging import Tagging, in_pascal
from tests.fakes.aws.timeline import Timeline
from tests.fakes.aws.trouble import AwsError

_ID = re.compile(r"d-[0-9A-Z]+")  # [U] its grammar
_BATCH = 25  # [M] of BatchGetDeployments and BatchGetDeploymentTargets
_GROUPS = 100  # [D] of BatchGetDeploymentGroups
_PAGE = 100  # [U]
_LONGEST = 256  # [D] characters of a description


class World(Protocol):
    """What is there, and how something begins."""

    arn: str
    groups: dict[tuple[str, str], Timeline[Group]]
    deployments: dict[str, Timeline[Deployment]]
    configs: dict[str, tuple[str, int]]
    gone: set[str]
    contents: dict[str, str]

    def history(self, application: str, group: str, at: datetime) -> list[Deployment]: ...
    def last(self, application: str, group: str, at: datetime) -> Deployment | None: ...
    def succeeded(self, application: str, group: str, at: datetime) -> Deployment | None: ...
    def create(
        self,
        application: str,
        group: str,
        revision: Mapping[str, Any],
        at: datetime,
        *,
        asked: Mapping[str, Any],
    ) -> str: ...
    def stop(self, id: str, at: datetime, *, goes_back: bool) -> None: ...
    def proceed(self, id: str, at: datetime) -> None: ...
    def answer(self, id: str, execution: str, status: str, at: datetime) -> None: ...


class Answering:
    """CodeDeploy's API, over what is there."""

    def __init__(self, world: World, account: str, tagging: Tagging) -> None:
        self._world = world
        self._account = account
        self._tagging = tagging

    def operations(self) -> Mapping[str, Callable[[Asked], Mapping[str, Any]]]:
        """By the name of the operation."""
        return {
            "GetDeploymentGroup": self.get_deployment_group,
            "BatchGetDeploymentGroups": self.batch_get_deployment_groups,
            "ListDeployments": self.list_deployments,
            "GetDeployment": self.get_deployment,
            "BatchGetDeployments": self.batch_get_deployments,
            "ListDeploymentTargets": self.list_deployment_targets,
            "BatchGetDeploymentTargets": self.batch_get_deployment_targets,
            "GetDeploymentConfig": self.get_deployment_config,
            "GetApplicationRevision": self.get_application_revision,
            "CreateDeployment": self.create_deployment,
            "StopDeployment": self.stop_deployment,
            "ContinueDeployment": self.continue_deployment,
            "PutLifecycleEventHookExecutionStatus": self.put_lifecycle_event_hook_execution_status,
            "ListTagsForResource": lambda asked: {
                "Tags": in_pascal(self._tagging.of(asked["ResourceArn"], asked.seen_at))
            },
            "TagResource": self.tag_resource,
            "UntagResource": self.untag_resource,
        }

    # ------------------------------------------------------------------------------------------------------- reading

    def get_deployment_group(self, asked: Asked) -> Mapping[str, Any]:
        group = self._group(asked["applicationName"], asked["deploymentGroupName"], asked.seen_at)
        return {"deploymentGroupInfo": self._view(group, asked.seen_at)}

    def batch_get_deployment_groups(self, asked: Asked) -> Mapping[str, Any]:
        """[U] A group that is not there is missing from the answer, and an error message says so."""
        application, names = asked["applicationName"], asked["deploymentGroupNames"]
        if len(names) > _GROUPS:
            raise AwsError("BatchLimitExceededException", f"at most {_GROUPS} groups may be asked for")
        self._application(application)
        found = [self._at(application, name, asked.seen_at) for name in names]
        there = [each for each in found if each is not None]
        answer: dict[str, Any] = {"deploymentGroupsInfo": [self._view(each, asked.seen_at) for each in there]}
        if len(there) < len(names):
            answer["errorMessage"] = "Some of the deployment groups were not found"
        return answer

    def _view(self, group: Group, at: datetime) -> Mapping[str, Any]:
        where = (group.application, group.name, at)
        return views.group(group, self._world.last(*where), self._world.succeeded(*where), self._account)

    def list_deployments(self, asked: Asked) -> Mapping[str, Any]:
        """[U] The newest first."""
        application, name = asked["applicationName"], asked["deploymentGroupName"]
        self._group(application, name, asked.seen_at)
        wanted, span = asked.get("includeOnlyStatuses"), asked.get("createTimeRange", {})
        found = [
            each.id
            for each in self._world.history(application, name, asked.seen_at)
            if (not wanted or each.status in wanted)
            and span.get("start", each.created) <= each.created <= span.get("end", each.created)
        ]
        begin = int(asked.get("nextToken") or 0)
        answer: dict[str, Any] = {"deployments": found[begin : begin + _PAGE]}
        return answer | ({"nextToken": str(begin + _PAGE)} if begin + _PAGE < len(found) else {})

    def get_deployment(self, asked: Asked) -> Mapping[str, Any]:
        return {"deploymentInfo": self._told(self._deployment(asked["deploymentId"], asked.seen_at))}

    def batch_get_deployments(self, asked: Asked) -> Mapping[str, Any]:
        """[U] What is not known is missing from the answer; [M] what is no id makes it refuse them all."""
        ids = asked["deploymentIds"]
        if not all(_ID.fullmatch(each) for each in ids):
            raise AwsError("InvalidDeploymentIdException", "one of the ids is none")
        if len(ids) > _BATCH:
            raise AwsError("BatchLimitExceededException", f"at most {_BATCH} deployments may be asked for")
        found = [self._known(each, asked.seen_at) for each in ids]
        return {"deploymentsInfo": [self._told(each) for each in found if each is not None]}

    def _told(self, found: Deployment) -> Mapping[str, Any]:
        group = self._world.groups[found.application, found.group].latest
        return views.deployment(found, group.config, group.platform)

    def list_deployment_targets(self, asked: Asked) -> Mapping[str, Any]:
        found = self._deployment(asked["deploymentId"], asked.seen_at)
        if found.started is None:
            raise AwsError("DeploymentNotStartedException", f"The deployment {found.id} has not started yet")
        wanted = asked.get("targetFilters", {}).get("TargetStatus")
        return {"targetIds": [each.instance for each in found.on if not wanted or each.status in wanted]}

    def batch_get_deployment_targets(self, asked: Asked) -> Mapping[str, Any]:
        found, ids = self._deployment(asked["deploymentId"], asked.seen_at), asked["targetIds"]
        if len(ids) > _BATCH:
            raise AwsError("DeploymentTargetListSizeExceededException", f"at most {_BATCH} targets")
        on = {each.instance: each for each in found.on}
        if missing := [each for each in ids if each not in on]:
            raise AwsError("DeploymentTargetDoesNotExistException", f"no target {missing[0]}")
        group = self._world.groups[found.application, found.group].at(asked.seen_at)
        return {"deploymentTargets": [views.target(found, on[each], self._world.arn, group) for each in ids]}

    def get_deployment_config(self, asked: Asked) -> Mapping[str, Any]:
        name = asked["deploymentConfigName"]
        if name not in self._world.configs:
            raise AwsError("DeploymentConfigDoesNotExistException", f"No deployment config {name}")
        kind, value = self._world.configs[name]
        hosts = {"type": kind, "value": value}
        return {"deploymentConfigInfo": {"deploymentConfigName": name, "minimumHealthyHosts": hosts}}

    def get_application_revision(self, asked: Asked) -> Mapping[str, Any]:
        revision = asked["revision"]
        content = self._world.contents.get(revision.get("appSpecContent", {}).get("sha256", ""))
        if content is None:
            raise AwsError("RevisionDoesNotExistException", "The revision does not exist")
        told = {**revision["appSpecContent"], "content": content}
        return {"applicationName": asked["applicationName"], "revision": {**revision, "appSpecContent": told}}

    # -------------------------------------------------------------------------------------------------------- acting

    def create_deployment(self, asked: Asked) -> Mapping[str, Any]:
        application, name = asked["applicationName"], asked["deploymentGroupName"]
        self._group(application, name, asked.now)
        if len(asked.get("description", "")) > _LONGEST:
            raise AwsError("DescriptionTooLongException", f"at most {_LONGEST} characters")
        revision = asked["revision"]
        if key_of(revision) in self._world.gone:
            raise AwsError("RevisionDoesNotExistException", f"{key_of(revision)} does not exist")
        rest = {
            key: value
            for key, value in asked.parameters.items()
            if key not in {"applicationName", "deploymentGroupName", "revision"}
        }
        return {"deploymentId": self._world.create(application, name, revision, asked.now, asked=rest)}

    def stop_deployment(self, asked: Asked) -> Mapping[str, Any]:
        found = self._deployment(asked["deploymentId"], asked.now)
        if not found.is_in_flight:
            words = f"The deployment {found.id} is already completed"
            raise AwsError("DeploymentAlreadyCompletedException", words)
        own = found.asked.get("autoRollbackConfiguration", {})
        by_itself = "DEPLOYMENT_STOP_ON_REQUEST" in own.get("events", ()) and own.get("enabled", False)
        goes_back = asked.get("autoRollbackEnabled", by_itself)
        self._world.stop(found.id, asked.now, goes_back=bool(goes_back))
        return {"status": "Pending", "statusMessage": "The deployment is being stopped"}

    def continue_deployment(self, asked: Asked) -> Mapping[str, Any]:
        found = self._deployment(asked["deploymentId"], asked.now)
        if asked.get("deploymentWaitType", "READY_WAIT") != "READY_WAIT":
            raise AwsError("InvalidDeploymentWaitTypeException", "only READY_WAIT is faked")
        self._world.proceed(found.id, asked.now)
        return {}

    def put_lifecycle_event_hook_execution_status(self, asked: Asked) -> Mapping[str, Any]:
        """[M] Only Succeeded and Failed are taken."""
        found = self._deployment(asked["deploymentId"], asked.now)
        execution, status = asked["lifecycleEventHookExecutionId"], asked["status"]
        if status not in {"Succeeded", "Failed"}:
            raise AwsError("InvalidLifecycleEventHookExecutionStatusException", f"{status} is not taken")
        self._world.answer(found.id, execution, status, asked.now)
        return {"lifecycleEventHookExecutionId": execution}

    def tag_resource(self, asked: Asked) -> Mapping[str, Any]:
        tags = {each["Key"]: each["Value"] for each in asked["Tags"]}
        try:
            self._tagging.put(asked["ResourceArn"], tags, asked.now)
        except AwsError as error:
            raise AwsError("InvalidTagsToAddException", error.message) from error
        return {}

    def untag_resource(self, asked: Asked) -> Mapping[str, Any]:
        self._tagging.remove(asked["ResourceArn"], asked["TagKeys"], asked.now)
        return {}

    # ----------------------------------------------------------------------------------------------------- looking up

    def _application(self, name: str) -> None:
        if not any(application == name for application, _ in self._world.groups):
            raise AwsError("ApplicationDoesNotExistException", f"No application found for name: {name}")

    def _at(self, application: str, name: str, at: datetime) -> Group | None:
        timeline = self._world.groups.get((application, name))
        return timeline.at(at) if timeline else None

    def _group(self, application: str, name: str, at: datetime) -> Group:
        self._application(application)
        found = self._at(application, name, at)
        if found is None:
            words = f"No Deployment Group found for name: {name}"
            raise AwsError("DeploymentGroupDoesNotExistException", words)
        return found

    def _known(self, id: str, at: datetime) -> Deployment | None:
        return self._world.deployments[id].at(at) if id in self._world.deployments else None

    def _deployment(self, id: str, at: datetime) -> Deployment:
        found = self._known(id, at)
        if found is None:
            raise AwsError("DeploymentDoesNotExistException", f"The deployment {id} could not be found")
        return found
