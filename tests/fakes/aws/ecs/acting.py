"""What ECS does when it is told to: services are updated, deployments stopped and continued, tags written."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from tests.fakes.aws.calls import Asked
from tests.fakes.aws.ecs import deployments, scaling, stages, views
from tests.fakes.aws.ecs.reading import Reading
from tests.fakes.aws.ecs.state import Service, ServiceDeployment
from tests.fakes.aws.ecs.task_definitions import TaskDefinitions
from tests.fakes.aws.ecs.turn import Surroundings, Turn
from tests.fakes.aws.tagging import Tagging, in_camel
from tests.fakes.aws.timeline import Timeline
from tests.fakes.aws.trouble import AwsError

_BEGINS_A_DEPLOYMENT = frozenset(
    {
        "networkConfiguration",
        "platformVersion",
        "loadBalancers",
        "serviceRegistries",
        "capacityProviderStrategy",
    }
)


class Acting:
    """The operations of ECS that change something."""

    def __init__(
        self,
        reading: Reading,
        services: Mapping[str, Timeline[Service]],
        definitions: TaskDefinitions,
        tagging: Tagging,
        put: Callable[[Service, datetime], None],
        around: Surroundings,
    ) -> None:
        self._reading = reading
        self._services = services
        self._definitions = definitions
        self._tagging = tagging
        self._put = put
        self._around = around

    def operations(self) -> Mapping[str, Callable[[Asked], Mapping[str, Any]]]:
        """What ECS answers to, of those; and what it tells of tags."""
        return {
            "UpdateService": self.update_service,
            "StopServiceDeployment": self.stop_service_deployment,
            "ContinueServiceDeployment": self.continue_service_deployment,
            "TagResource": self.tag_resource,
            "UntagResource": self.untag_resource,
            "ListTagsForResource": self.list_tags_for_resource,
        }

    def update_service(self, asked: Asked) -> Mapping[str, Any]:
        """``UpdateService``. [M] A new configuration or count alone begins no deployment."""
        service = self._reading.service(asked.get("cluster"), asked["service"], asked.now)
        if service is None:
            raise AwsError("ServiceNotFoundException", "Service not found.")
        if service.status != "ACTIVE":
            raise AwsError("ServiceNotActiveException", "Service was not ACTIVE.")
        _refuse_other_controllers(service, asked)
        configuration = {**service.configuration, **asked.get("deploymentConfiguration", {})}
        service = replace(
            service, configuration=configuration, desired=asked.get("desiredCount", service.desired)
        )
        wanted = service.task_definition
        if "taskDefinition" in asked.parameters:
            definition = self._definitions.find(asked["taskDefinition"])
            if definition is None or definition.status != "ACTIVE":
                raise AwsError(
                    "ClientException",
                    "TaskDefinition is inactive" if definition else "TaskDefinition not found.",
                )
            wanted = definition.arn
        turn = Turn(service, asked.now, self._around)
        begins = wanted != service.task_definition or asked.get("forceNewDeployment", False)
        if begins or _BEGINS_A_DEPLOYMENT & asked.parameters.keys():
            deployments.deploy(turn, wanted, configuration)
        self._put(scaling.settle(turn), asked.now)
        return {"service": views.service(turn.service)}

    def stop_service_deployment(self, asked: Asked) -> Mapping[str, Any]:
        """``StopServiceDeployment``. [M] One that stops or goes back already goes on; [U] ended: ConflictException."""
        service, found = self._service_deployment(asked["serviceDeploymentArn"])
        if asked.get("stopType", "ROLLBACK") != "ROLLBACK":
            raise AwsError("InvalidParameterException", "Valid values of stopType are: ROLLBACK")
        if found != service.current:
            raise AwsError(
                "ConflictException", f"Service deployment is in state {found.status} and cannot be stopped."
            )
        if found.status in {"PENDING", "IN_PROGRESS"}:
            turn = Turn(service, asked.now, self._around)
            deployments.request_rollback(turn)
            self._put(scaling.settle(turn), asked.now)
        return {"serviceDeploymentArn": found.arn}

    def continue_service_deployment(self, asked: Asked) -> Mapping[str, Any]:
        """``ContinueServiceDeployment``. [U] A hook that does not wait is answered with InvalidParameterException."""
        service, found = self._service_deployment(asked["serviceDeploymentArn"])
        waiting = {hook.id for hook in found.hooks if hook.status == "AWAITING_ACTION"}
        if found != service.current or asked["hookId"] not in waiting:
            raise AwsError("InvalidParameterException", "The specified hook is not awaiting action.")
        turn = Turn(service, asked.now, self._around)
        stages.answer(turn, asked["hookId"], asked.get("action", "CONTINUE"))
        self._put(scaling.settle(turn), asked.now)
        return {"serviceDeploymentArn": found.arn}

    def tag_resource(self, asked: Asked) -> Mapping[str, Any]:
        """``TagResource``."""
        arn = self._existing(asked["resourceArn"])
        self._tagging.put(arn, {each["key"]: each.get("value", "") for each in asked["tags"]}, asked.now)
        return {}

    def untag_resource(self, asked: Asked) -> Mapping[str, Any]:
        """``UntagResource``."""
        self._tagging.remove(self._existing(asked["resourceArn"]), asked["tagKeys"], asked.now)
        return {}

    def list_tags_for_resource(self, asked: Asked) -> Mapping[str, Any]:
        """``ListTagsForResource``."""
        tags = self._tagging.of(self._existing(asked["resourceArn"]), asked.seen_at)
        return {"tags": in_camel(tags)}

    def _existing(self, arn: str) -> str:
        if arn not in self._services and self._definitions.find(arn) is None:
            raise AwsError("ResourceNotFoundException", "The specified resource could not be found.")
        return arn

    def _service_deployment(self, arn: str) -> tuple[Service, ServiceDeployment]:
        for timeline in self._services.values():
            for each in timeline.latest.history:
                if each.arn == arn:
                    return timeline.latest, each
        raise AwsError("ServiceDeploymentNotFoundException", "Service deployment not found.")


def _refuse_other_controllers(service: Service, asked: Asked) -> None:
    """[C] The words are those of public bug reports."""
    if service.controller in {None, "ECS"}:
        return
    if service.controller == "EXTERNAL" and "taskDefinition" in asked.parameters:
        raise AwsError(
            "InvalidParameterException",
            "TaskDefinition is not supported for services with an EXTERNAL deployment controller.",
        )
    if "taskDefinition" in asked.parameters:
        raise AwsError(
            "InvalidParameterException",
            "Unable to update task definition on services with a CODE_DEPLOY deployment controller. "
            "Use AWS CodeDeploy to trigger a new deployment.",
        )
    if asked.get("forceNewDeployment"):
        raise AwsError(
            "InvalidParameterException",
            f"Cannot force a new deployment on services with a {service.controller} deployment controller. "
            "Use AWS CodeDeploy to trigger a new deployment.",
        )
