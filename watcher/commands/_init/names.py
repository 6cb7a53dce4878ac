"""How things are called on AWS: what a person may name, and the ARNs that follow from it."""

from collections.abc import Iterable
from dataclasses import dataclass, field

ACCOUNT = "000000000000"  # nobody's, and twelve digits: whoever forgets to replace it reaches nothing
ID = "0000000000000000"  # of a balancer or target group that nobody named


@dataclass(frozen=True, slots=True)
class Names:
    """Everything that is named, in one account and region.

    Attributes:
        services: As ECS calls them, all in one cluster.
        families: Of their task definitions: one a service, in the same order.
        passed: Names of the roles that the tasks of these services run with (task role and execution role): whoever
            lets a service run a task definition must be allowed to pass them.
        load_balancer: The end of its ARN: ``app/NAME/ID``.
        target_groups: The ends of their ARNs, ``targetgroup/NAME/ID``: one a service, in the same order, or none.
        has_balancer: They are behind a balancer; workers are not.
        port: Where each task answers *path*; ``None``: it is not asked itself.
        daemon: Role of the task that the daemon itself is.
    """

    cluster: str = "my-cluster"
    services: tuple[str, ...] = ("my-service",)
    families: tuple[str, ...] = ("my-service",)
    passed: tuple[str, ...] = ("my-task-role", "my-execution-role")
    load_balancer: str = f"app/my-balancer/{ID}"
    target_groups: tuple[str, ...] = ()
    has_balancer: bool = True
    port: int | None = None
    path: str = "/health/ready"
    region: str = "eu-central-1"
    account: str = ACCOUNT
    environment: str = "production"
    queue: str = "rollbackd"
    read: str = "rollbackd-read"
    act: str = "rollbackd-act"
    daemon: str = "rollbackd"
    partition: str = field(init=False)

    def __post_init__(self) -> None:
        parts = {"cn": "aws-cn", "us-gov": "aws-us-gov"}
        found = next((parts[start] for start in parts if self.region.startswith(f"{start}-")), "aws")
        object.__setattr__(self, "partition", found)

    @property
    def behind(self) -> list[tuple[str, str]]:
        """Each service, and its target group."""
        groups = self.target_groups or tuple(f"targetgroup/{service}/{ID}" for service in self.services)
        return list(zip(self.services, groups, strict=True))

    def arn(self, service: str, resource: str) -> str:
        """Of something in this account and region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def role(self, name: str) -> str:
        """Of a role; roles have no region."""
        return f"arn:{self.partition}:iam::{self.account}:role/{name}"

    def ecs(self, kind: str, suffix: str = "") -> list[str]:
        """Of what belongs to the services: ``service``, ``service-deployment``, ``service-revision``."""
        return [self.arn("ecs", f"{kind}/{self.cluster}/{service}{suffix}") for service in self.services]

    @property
    def cluster_arn(self) -> str:
        """Of the cluster."""
        return self.arn("ecs", f"cluster/{self.cluster}")

    @property
    def revisions(self) -> list[str]:
        """Of all revisions of the families, those to come too."""
        return [self.arn("ecs", f"task-definition/{family}:*") for family in unique(self.families)]

    @property
    def queue_arn(self) -> str:
        """Of the queue."""
        return self.arn("sqs", self.queue)

    @property
    def queue_url(self) -> str:
        """Where the queue is asked."""
        domain = "amazonaws.com.cn" if self.partition == "aws-cn" else "amazonaws.com"
        return f"https://sqs.{self.region}.{domain}/{self.account}/{self.queue}"


def unique(words: Iterable[str]) -> list[str]:
    """Each once, in the order of the first."""
    return list(dict.fromkeys(words))
