"""How things are called on AWS: what a person may name, and the ARNs that follow from it."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from deploy.targets.s3_cloudfront.settings import INDEX_POINTER

ACCOUNT = "000000000000"  # nobody's, and twelve digits: whoever forgets to replace it reaches nothing
ID = "0000000000000000"  # of a balancer or target group that nobody named
STORE = "00000000-0000-0000-0000-000000000000"  # of a key value store that nobody named


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


@dataclass(frozen=True, slots=True)
class Fleet:
    """Deployment groups of one application of CodeDeploy.

    Attributes:
        names: Account, region, roles and queue.
        application: Its name: the service.
        groups: Their names: the environments of the service.
        urls: Where the instances answer their readiness check, if they run IIS.
        behind: The ends of the ARNs of a balancer and a target group; ``None``: they run IIS, or are a function.
        function: The function of Lambda that they deploy, by its *alias*.
        hooks: The parameters into which the functions of their lifecycle hooks write: one a group, in the same order, or none.
    """

    names: Names
    application: str = "my-application"
    groups: tuple[str, ...] = ("production",)
    urls: tuple[str, ...] = ("http://10.0.1.11/health/ready",)
    behind: tuple[str, str] | None = None
    function: str | None = None
    alias: str = "live"
    hooks: tuple[str, ...] = ()

    @property
    def waiting(self) -> list[tuple[str, str | None]]:
        """Each group, and the parameter of its hooks."""
        return list(zip(self.groups, self.hooks or (None,) * len(self.groups), strict=True))

    @property
    def hook_arns(self) -> list[str]:
        """Of the parameters."""
        return [self.names.arn("ssm", f"parameter{each}") for each in self.hooks]

    @property
    def group_arns(self) -> list[str]:
        """Of the groups."""
        return [
            self.names.arn("codedeploy", f"deploymentgroup:{self.application}/{group}")
            for group in self.groups
        ]


@dataclass(frozen=True, slots=True)
class Site:
    """A static site: its pages in a bucket, before which is CloudFront.

    Attributes:
        names: Account, the bucket's region, roles, queue and environment.
        distribution: The id of the distribution.
        url: How people open it, without a slash at its end.
        layout: What says which release is live: ``index_pointer``, ``origin_path`` or ``key_value_store``.
        store: With ``key_value_store``: the store's id.
        traffic: With ``key_value_store``: ``by_weight``, where its function shares the site out between two releases.
    """

    names: Names
    bucket: str = "my-site"
    distribution: str = "E0000000000000"
    url: str = "https://www.example.com"
    layout: str = INDEX_POINTER
    store: str = STORE
    traffic: str | None = None

    @property
    def has_events(self) -> bool:
        """A move is an event of the bucket; of the other two AWS tells nobody, and they are found by reading."""
        return self.layout == INDEX_POINTER

    @property
    def store_arn(self) -> str:
        """Of the key value store, which is in no region."""
        return f"arn:{self.names.partition}:cloudfront::{self.names.account}:key-value-store/{self.store}"

    @property
    def bucket_arn(self) -> str:
        """Of the bucket, which has neither a region nor an account in its name."""
        return f"arn:{self.names.partition}:s3:::{self.bucket}"

    @property
    def distribution_arn(self) -> str:
        """Of the distribution, which is in no region."""
        return f"arn:{self.names.partition}:cloudfront::{self.names.account}:distribution/{self.distribution}"


@dataclass(frozen=True, slots=True)
class Flags:
    """A document of flags that flagd reads from a bucket.

    Attributes:
        names: Account, the bucket's region, roles and environment.
        key: Of the document.
        flag: The one that is watched and put back; ``None``: the whole document is.
        service: What rollbackd calls it.
    """

    names: Names
    bucket: str = "my-flags"
    key: str = "flags.json"
    flag: str | None = None
    service: str = "my-service"

    @property
    def bucket_arn(self) -> str:
        """Of the bucket, which has neither a region nor an account in its name."""
        return f"arn:{self.names.partition}:s3:::{self.bucket}"

    @property
    def arn(self) -> str:
        """Of the document."""
        return f"{self.bucket_arn}/{self.key}"


@dataclass(frozen=True, slots=True)
class Aliases:
    """Aliases of functions of Lambda, all called alike.

    Attributes:
        names: Account, region, roles, queue and environment.
        functions: Their names: each is a service.
        traffic: How a deployment moves them: ``by_weight`` or ``at_once``.
        codedeploy: Application and deployment group that move them; ``None``: nothing of CodeDeploy does.
    """

    names: Names
    functions: tuple[str, ...] = ("my-function",)
    alias: str = "live"
    traffic: str = "by_weight"
    codedeploy: tuple[str, str] | None = None

    @property
    def arns(self) -> list[str]:
        """Of the functions."""
        return [self.names.arn("lambda", f"function:{function}") for function in self.functions]


@dataclass(frozen=True, slots=True)
class Environments:
    """Environments of one application of Elastic Beanstalk.

    Attributes:
        names: Account, region, roles, queue and environment.
        application: Its name.
        environments: Their names: each is a service; or the two of one service, with *cname*.
        load_balancers: Of each, app/NAME/ID, in the same order; none: a placeholder each.
        bundles: The bucket with the bundles of their versions; ``None``: Beanstalk's own.
        cname: The name that the two of them swap.
    """

    names: Names
    application: str = "my-application"
    environments: tuple[str, ...] = ("my-environment",)
    load_balancers: tuple[str, ...] = ()
    bundles: str | None = None
    cname: str | None = None

    @property
    def services(self) -> tuple[str, ...]:
        """After what the services are called."""
        return (self.swapping,) if self.cname else self.environments

    @property
    def swapping(self) -> str:
        """What the service of the two is called: as people begin its name."""
        return (self.cname or "").partition(".")[0]

    @property
    def behind(self) -> list[tuple[str, str]]:
        """Each environment, and its balancer."""
        balancers = self.load_balancers or tuple(f"app/awseb-AWSEB-1ABCDEF/{ID}" for _ in self.environments)
        return list(zip(self.environments, balancers, strict=True))

    @property
    def arns(self) -> list[str]:
        """Of the environments."""
        at = f"environment/{self.application}"
        return [self.names.arn("elasticbeanstalk", f"{at}/{each}") for each in self.environments]

    @property
    def of_application(self) -> str:
        """Of the application."""
        return self.names.arn("elasticbeanstalk", f"application/{self.application}")

    @property
    def versions(self) -> str:
        """Of all versions of the application, those to come too."""
        return self.names.arn("elasticbeanstalk", f"applicationversion/{self.application}/*")

    @property
    def bundle_arn(self) -> str:
        """Of all that lies where bundles are. Buckets have neither account nor region in their ARN."""
        usual = f"elasticbeanstalk-{self.names.region}-{self.names.account}"
        return f"arn:{self.names.partition}:s3:::{self.bundles or usual}/*"


@dataclass(frozen=True, slots=True)
class Profiles:
    """Configuration profiles of AppConfig, in one environment of one application.

    Attributes:
        names: Account, region, roles, queue and environment.
        application: Its id, as all that follow.
        profiles: Each is a service.
        strategy: By which an old version is deployed anew; ``None``: AppConfig's own, at once.
        flag: The one flag of them that is put back alone; ``None``: the whole configuration is.
        variant: The variant of that flag that is rolled out in stages; ``None``: none is.
    """

    names: Names
    application: str = "app0000"
    environment: str = "env0000"
    profiles: tuple[str, ...] = ("prof000",)
    strategy: str | None = None
    flag: str | None = None
    variant: str | None = None

    @property
    def arn(self) -> str:
        """Of the application."""
        return self.names.arn("appconfig", f"application/{self.application}")

    @property
    def of_environment(self) -> str:
        """Of the environment."""
        return f"{self.arn}/environment/{self.environment}"

    @property
    def deployments(self) -> str:
        """Of all deployments to the environment, those to come too."""
        return f"{self.of_environment}/deployment/*"

    @property
    def arns(self) -> list[str]:
        """Of the profiles."""
        return [f"{self.arn}/configurationprofile/{each}" for each in self.profiles]

    @property
    def strategies(self) -> str:
        """Of the strategy by which an old version is deployed anew."""
        return self.names.arn("appconfig", f"deploymentstrategy/{self.strategy or 'AppConfig.AllAtOnce'}")


@dataclass(frozen=True, slots=True)
class Weights:
    """A rule, or a listener, whose target groups share the traffic by weights.

    Attributes:
        names: Account, region, roles, queue and environment: those of the ARN.
        arn: Of the rule or the listener.
        groups: The ends of the ARNs of its target groups, ``targetgroup/NAME/ID``.
    """

    names: Names
    arn: str
    service: str = "my-service"
    groups: tuple[str, ...] = ()
    traffic: str = "by_weight"

    @property
    def kind(self) -> str:
        """``rule`` or ``listener``."""
        return "rule" if ":listener-rule/" in self.arn else "listener"

    @property
    def group_arns(self) -> list[str]:
        """Of the target groups; of all that there are, where none was said: to mark them is all that it is for."""
        groups = self.groups or ("targetgroup/*",)
        return [self.names.arn("elasticloadbalancing", group) for group in groups]


def unique(words: Iterable[str]) -> list[str]:
    """Each once, in the order of the first."""
    return list(dict.fromkeys(words))
