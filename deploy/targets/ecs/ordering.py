"""The calls that move a service, or let it go on: as they are sent, foretold, and written for a person."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from deploy.model import Release
from deploy.targets.aws.wording import command
from deploy.targets.ecs.history import Attempt
from deploy.targets.ecs.service import Service

SOON = timedelta(seconds=5)  # what changes by itself within seconds
LATER = timedelta(seconds=15)  # a throttled caller that comes back at once is throttled again


@dataclass(frozen=True, slots=True)
class Order:
    """A call that moves a service.

    Attributes:
        native: ECS goes back by itself.
        id: Of what is ordered, for the record.
        hook: The hook that it answers, if it answers one.
    """

    operation: str
    parameters: Mapping[str, Any]
    native: bool
    id: str
    hook: str = ""

    @property
    def goes_on(self) -> bool:
        """It lets a deployment go on that waits: nothing is moved by it that was not moved already."""
        return self.hook != "" and not self.native

    def told(self) -> str:
        """In words: the call and what it is given."""
        given = " ".join(f"{name}={value}" for name, value in self.parameters.items())
        action = self.operation.title().replace("_", "")
        return f"ecs:{action} {given}"

    def by_hand(self, region: str) -> str:
        """As a line for a person's shell."""
        options = [(_option(name), str(value)) for name, value in self.parameters.items()]
        return command("ecs", self.operation.replace("_", "-"), (*options, ("region", region)))


def stop(attempt: Attempt) -> Order:
    """ECS is told to go back from the deployment that is under way."""
    parameters = {"serviceDeploymentArn": attempt.arn, "stopType": "ROLLBACK"}
    return Order("stop_service_deployment", parameters, native=True, id=attempt.arn)


def update(service: Service, to: Release) -> Order:
    """The task definition of *to* is set."""
    parameters = {"cluster": service.cluster, "service": service.name, "taskDefinition": to.tag}
    return Order("update_service", parameters, native=False, id=to.tag)


def _option(name: str) -> str:
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name)
