"""One made-up setting, in which CloudFormation, Terraform and ``rollbackd init`` are followed and compared."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from watcher.commands._init.names import Names

FOLDER = Path(__file__).parents[3] / "examples" / "aws"
NAMES = Names(
    cluster="shop",
    services=("checkout",),
    families=("checkout-task",),
    passed=("checkout-role", "checkout-execution"),
    region="eu-central-1",
    account="111122223333",
)


@dataclass(frozen=True, slots=True)
class Setting:
    """What else the examples ask for."""

    image: str = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/rollbackd@sha256:0f"
    daemon_cluster: str = "operations"
    vpc: str = "vpc-0a"
    cidr: str = "10.1.0.0/16"
    subnets: Sequence[str] = field(default_factory=lambda: ["subnet-0a", "subnet-0b"])
    clients: str = "sg-of-pipelines"
    secret: str = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:webhook"
    rule: str = "arn:aws:events:eu-central-1:111122223333:rule/rollbackd"
    execution: str = "rollbackd-execution"
    log_group: str = "/ecs/rollbackd"


SETTING = Setting()
