"""A service of ECS whose deployments move traffic, or wait at hooks of the type PAUSE."""

from typing import Any

from deploy.model import Release
from tests.deploy.targets.ecs.stage import Stage


def hook(*stages: str, **timeout: Any) -> dict[str, Any]:
    """Of the type PAUSE, at *stages*."""
    waits = {"timeoutConfiguration": timeout} if timeout else {}
    return {"targetType": "PAUSE", "lifecycleStages": list(stages), **waits}


class Shifting(Stage):
    """The service, with a strategy. Of what is deployed all tasks run after 21 s."""

    def __init__(self, strategy: str = "BLUE_GREEN", *hooks: dict[str, Any], **configuration: Any) -> None:
        told = {"strategy": strategy, "bakeTimeInMinutes": 5, "lifecycleHooks": list(hooks), **configuration}
        super().__init__({"configuration": told})

    def release(self, tag: str) -> Release:
        """As a service that waits for nobody has it."""
        return Stage(images=self.images).release(tag)

    def waiting(self, tag: str = "web:2") -> str:
        """*tag* was deployed, and waits. The id of the hook."""
        self.deploy(tag)
        self.goes_on(seconds=25)
        return self.hook

    @property
    def hook(self) -> str:
        """At which it waits."""
        hooks = self.world.ecs.find("web").history[0].hooks
        return next(each.id for each in hooks if each.status == "AWAITING_ACTION")

    def by_hand(self, action: str) -> None:
        """A person answers."""
        arn = self.world.ecs.find("web").history[0].arn
        asked = {"serviceDeploymentArn": arn, "hookId": self.hook, "action": action}
        answer = self.world.ask(
            "ecs", "ContinueServiceDeployment", asked, self.world.identities.own, "eu-central-1"
        )
        assert answer.error is None, answer.error
        self.world.advance()

    def answers(self) -> list[str]:
        """What the hooks were told by us."""
        calls = [call for call in self.world.calls if call.operation == "ContinueServiceDeployment"]
        return [str(call.parameters["action"]) for call in calls if call.by != self.world.identities.own.arn]

    def share(self, tag: str) -> float:
        """Of the traffic."""
        return self.world.ecs.find("web").traffic.get(tag, 0.0)
