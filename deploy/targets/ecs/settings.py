"""What may stand under ``runs_on: [{ecs: …}]``, and by which addresses news of the service are recognised.

Source:
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Service.html for the grammar of names;
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-account-settings.html for the two forms of ARNs;
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html (dimensions)
    for what a balancer and its target group are called.
"""

import re
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    StringConstraints,
    Tag,
    model_validator,
)

from deploy.ports import AwsAccount

_NAME = r"[A-Za-z0-9_-]{1,255}"
_NAME_WORDS = "letters, digits, - and _, at most 255"
_WHERE = r"arn:aws[a-z-]*:ecs:(?P<region>[a-z0-9-]{1,32}):(?P<account>\d{12})"
_CLUSTER = re.compile(rf"(?:{_WHERE}:cluster/)?(?P<name>{_NAME})")
# A service's ARN of before 2018 has no cluster in it.
_SERVICE = re.compile(rf"(?:{_WHERE}:service/(?:(?P<cluster>{_NAME})/)?)?(?P<name>{_NAME})")
_BEHIND = r"(?:arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]{1,32}:\d{12}:)?"
_LOAD_BALANCER = re.compile(rf"{_BEHIND}(?:loadbalancer/)?(?P<end>app/[A-Za-z0-9-]{{1,32}}/[0-9a-f]{{16}})")
_TARGET_GROUP = re.compile(rf"{_BEHIND}(?P<end>targetgroup/[A-Za-z0-9-]{{1,32}}/[0-9a-f]{{16}})")


def _fits(pattern: re.Pattern[str], example: str, words: str = f"a name ({_NAME_WORDS})") -> AfterValidator:
    def check(written: str) -> str:
        if not pattern.fullmatch(written):
            raise ValueError(f"{written[:80]!r} is neither {words} nor an ARN such as {example}")
        return written

    return AfterValidator(check)


_LB_ARN = "arn:aws:elasticloadbalancing:eu-central-1:123456789012"


class Balancer(BaseModel):
    """An application load balancer, and the target group that the service's tasks are in.

    Attributes:
        load_balancer: app/NAME/ID, the end of its ARN; or its ARN.
        target_group: targetgroup/NAME/ID, the end of its ARN; or its ARN.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, regex_engine="python-re")

    load_balancer: Annotated[
        str, _fits(_LOAD_BALANCER, f"{_LB_ARN}:loadbalancer/app/shop/0123456789abcdef", "app/NAME/ID")
    ]
    target_group: Annotated[
        str, _fits(_TARGET_GROUP, f"{_LB_ARN}:targetgroup/web/fedcba9876543210", "targetgroup/NAME/ID")
    ]

    @property
    def load_balancer_name(self) -> str:
        """As CloudWatch calls it: app/NAME/ID."""
        return _end(_LOAD_BALANCER, self.load_balancer)

    @property
    def target_group_name(self) -> str:
        """As CloudWatch calls it: targetgroup/NAME/ID."""
        return _end(_TARGET_GROUP, self.target_group)


def _end(pattern: re.Pattern[str], written: str) -> str:
    match = pattern.fullmatch(written)
    return match["end"] if match else written


# By its form, so that of a mistake in one only that one is told.
Behind = Annotated[
    Annotated[Balancer, Tag("balancer")] | Annotated[Literal["nothing"], Tag("nothing")],
    Discriminator(lambda value: "nothing" if isinstance(value, str) else "balancer"),
]


class Settings(BaseModel):
    """A service of ECS.

    Attributes:
        cluster: Its name or ARN.
        service: Its name or ARN.
        container: Whose image names the release (``version``, ``digest``); by default the first essential one.
        behind: What stands before it, ``nothing`` for a worker: whoever names no rules is watched accordingly.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, regex_engine="python-re")

    cluster: Annotated[str, _fits(_CLUSTER, "arn:aws:ecs:eu-central-1:123456789012:cluster/prod")]
    service: Annotated[str, _fits(_SERVICE, "arn:aws:ecs:eu-central-1:123456789012:service/prod/web")]
    container: Annotated[str, StringConstraints(pattern=rf"^{_NAME}\Z")] | None = None
    behind: Behind | None = None

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        """One call asks for services of one cluster, of one account: an ARN from elsewhere would fail all of them."""
        cluster, service = _CLUSTER.fullmatch(self.cluster), _SERVICE.fullmatch(self.service)
        if cluster is None or service is None:
            return self
        if service["cluster"] not in {None, cluster["name"]}:
            raise ValueError(
                f"the service's ARN names the cluster {service['cluster']}, not {cluster['name']}"
            )
        for what in ("region", "account"):
            if None not in {cluster[what], service[what]} and cluster[what] != service[what]:
                raise ValueError(f"the ARNs of cluster and service name two {what}s")
        return self

    @property
    def cluster_name(self) -> str:
        """The cluster, without what an ARN says besides."""
        return self.cluster.rpartition("/")[2]

    @property
    def service_name(self) -> str:
        """The service, without what an ARN says besides."""
        return self.service.rpartition("/")[2]

    @property
    def account_id(self) -> str | None:
        """Twelve digits, where an ARN tells them."""
        found = (_SERVICE.fullmatch(self.service), _CLUSTER.fullmatch(self.cluster))
        return next((match["account"] for match in found if match and match["account"]), None)


def misplaced(settings: Settings, account: AwsAccount) -> tuple[str, str] | None:
    """An ARN of another account or region than *account*: only its name would be used, and that may be another service there."""
    for match in (_SERVICE.fullmatch(settings.service), _CLUSTER.fullmatch(settings.cluster)):
        if match is None or match["region"] is None:
            continue
        if match["region"] != account.region:
            return (
                f"the ARN is of {match['region']}, and the account {account.name} of {account.region}",
                _REMEDY,
            )
        if account.id is not None and match["account"] != account.id:
            return (
                f"the ARN is of {match['account']}, and the account {account.name} is {account.id}",
                _REMEDY,
            )
    return None


_REMEDY = "name the account that the service is in, in its region"


def addresses(settings: Settings, account: AwsAccount | None) -> tuple[str, ...]:
    """By which its events are recognised: ``ecs:{region}:{account id or *}:{cluster}/{service}``."""
    if account is None:
        return ()
    owner = account.id or settings.account_id or "*"
    return (f"ecs:{account.region}:{owner}:{settings.cluster_name}/{settings.service_name}",)
