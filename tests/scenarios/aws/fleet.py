"""A fleet of instances under CodeDeploy, in place, behind a balancer; and who comes to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.fakes.aws import AwsWorld
from tests.fakes.aws.codedeploy.service import KIND
from tests.fakes.aws.s3.state import Written
from tests.scenarios.aws.stage import ACT, BALANCER, CONFIGURATION, MONTH_AGO, QUEUE, AwsStage

ON_CODEDEPLOY = CONFIGURATION.replace(
    "{ecs: {cluster: prod, service: web}}", "{codedeploy: {application: shop, deployment_group: prod}}"
)
INSTANCES = ("i-1", "i-2", "i-3", "i-4")


def bundle(number: int) -> Mapping[str, Any]:
    """In a versioned bucket."""
    place = {
        "bucket": "artifacts",
        "key": key(number),
        "bundleType": "zip",
        "version": f"v{number}",
        "eTag": kept(number).etag.strip('"'),
    }
    return {"revisionType": "S3", "s3Location": place}


def kept(number: int) -> Written:
    """What lies in the bucket."""
    return Written(f"v{number}", f"bundle {number}".encode(), MONTH_AGO)


def key(number: int) -> str:
    """Of a bundle."""
    return f"shop/1.{number}.zip"


def tag(number: int) -> str:
    """By which a bundle is moved."""
    return f"artifacts/{key(number)}@v{number}"


@dataclass
class FleetCrowd:
    """Requests meet what serves.

    Attributes:
        fails: By the key of a bundle: the share that fails; of the others one in a thousand does.
    """

    world: AwsWorld
    rate: float = 50.0
    fails: dict[str, float] = field(default_factory=dict)

    def come(self, start: datetime, seconds: float) -> None:
        """Those of the span that begins at *start*."""
        meets = self._meets()
        total = self.rate * seconds if meets else 0.0
        bad = sum(total * share * self.fails.get(each, 0.001) for each, share in meets)
        for metric, count in (("RequestCount", total), ("HTTPCode_Target_5XX_Count", bad)):
            if count > 0:
                self.world.cloudwatch.put(
                    "AWS/ApplicationELB", metric, BALANCER, start, [1.0], counts=[count]
                )

    def _meets(self) -> list[tuple[str, float]]:
        """What they meet, with its share: by the instances that serve; where traffic is moved, as it is."""
        group = self.world.codedeploy.find("shop", "prod")
        if group.traffic:
            return list(group.traffic.items())
        serving = [each.runs for each in group.instances if each.runs]
        return [(each, 1 / len(serving)) for each in serving]


def appspec(number: int) -> Mapping[str, Any]:
    """Of a task definition of ECS."""
    arn = f"arn:aws:ecs:eu-central-1:123456789012:task-definition/web:{number}"
    return {"revisionType": "AppSpecContent", "appSpecContent": {"content": f'{{"TaskDefinition": "{arn}"}}'}}


def a_service_of_ecs(world: AwsWorld, **group: Any) -> FleetCrowd:
    """``web:1`` serves; a deployment gives a tenth of the traffic for five minutes, then all, and keeps the old one for five."""
    config = "CodeDeployDefault.ECSCanary10Percent5Minutes"
    world.codedeploy.create_group(
        "shop", "prod", MONTH_AGO, instances=("prod:web",), config=config, computePlatform="ECS", **group
    )
    world.codedeploy.deploy("shop", "prod", appspec(1), MONTH_AGO)
    world.codedeploy.advance(world.now())
    world.carry(QUEUE, [KIND])
    return FleetCrowd(world)


def a_fleet(
    world: AwsWorld,
    config: str = "CodeDeployDefault.HalfAtATime",
    instances: Sequence[str] = INSTANCES,
    **group: Any,
) -> FleetCrowd:
    """The first bundle serves on four instances, of which two may be away at once."""
    artifacts = world.s3.create_bucket("artifacts")
    for number in (1, 2, 3):
        artifacts.put(key(number), kept(number), {})
    world.codedeploy.create_group("shop", "prod", MONTH_AGO, instances=instances, config=config, **group)
    world.codedeploy.deploy("shop", "prod", bundle(1), MONTH_AGO)
    world.codedeploy.advance(world.now())
    world.carry(QUEUE, [KIND])
    return FleetCrowd(world)


def deploys(stage: AwsStage, number: int, fails: float = 0.001, **asked: Any) -> str:
    """Another hand deploys a bundle, of which that share fails. Gives the id."""
    crowd = stage.crowd
    assert isinstance(crowd, FleetCrowd)
    crowd.fails[key(number)] = fails
    return stage.world.codedeploy.deploy("shop", "prod", bundle(number), stage.now(), **asked)


def moves(stage: AwsStage) -> list[str]:
    """What was sent to move the group, in order: ``stop``, ``go back``, or the bundle's key."""
    sent = [call for call in stage.calls("CreateDeployment", "StopDeployment") if call.by == ACT]
    return [_told(call.parameters) for call in sent]


def _told(parameters: Mapping[str, Any]) -> str:
    if "autoRollbackEnabled" in parameters:
        return "go back" if parameters["autoRollbackEnabled"] else "stop"
    return str(parameters["revision"]["s3Location"]["key"])


def runs(stage: AwsStage) -> set[str | None]:
    """The bundles that serve."""
    return set(stage.world.codedeploy.running("shop", "prod").values())
