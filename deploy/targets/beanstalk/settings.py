"""What may stand under ``runs_on: [{beanstalk: …}]``, and by which addresses news of the environment are recognised.

One ``environment`` is moved by its version label; of two ``environments`` that swap a name, the name is moved.

Source:
    https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_CreateEnvironment.html for the grammar of names.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from deploy.ports import AwsAccount
from deploy.target import BY_REFERENCE, WRITTEN

_BEHIND = r"(?:arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]{1,32}:\d{12}:)?(?:loadbalancer/)?"
_LOAD_BALANCER = re.compile(rf"{_BEHIND}(?P<end>app/[A-Za-z0-9-]{{1,32}}/[0-9a-f]{{16}})")


def _load_balancer(written: str) -> str:
    if not _LOAD_BALANCER.fullmatch(written):
        raise ValueError(
            f"{written[:80]!r} is neither app/NAME/ID nor the ARN of an application load balancer, such as"
            " arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/awseb-AWSEB-1ABCDEF/0123456789abcdef"
        )
    return written


Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9](?:[A-Za-z0-9-]{2,38})[A-Za-z0-9]\Z")]
Balancer = Annotated[str, AfterValidator(_load_balancer)]
# [D] The prefix is a name of DNS of at most 63 characters. Where nobody chose one there is a label of Beanstalk's own after it
# (eba-1a2b3c4d); older names have no region in them.
_CNAME = re.compile(
    r"[a-z0-9][a-z0-9-]{2,61}[a-z0-9](?:\.eba-[a-z0-9]{4,28})?(?:\.(?P<region>[a-z]{2}(?:-[a-z]{2,16}){1,3}-\d{1,2}))?"
    r"\.elasticbeanstalk\.com(?:\.cn)?"
)


def _cname(written: str) -> str:
    if not _CNAME.fullmatch(written):
        raise ValueError(
            f"{written[:80]!r} is no name of Beanstalk: write it as `aws elasticbeanstalk describe-environments` tells it (CNAME), in"
            " small letters and with no dot at its end, such as shop.eu-central-1.elasticbeanstalk.com"
        )
    return written


Cname = Annotated[str, AfterValidator(_cname)]


class Settings(BaseModel):
    """An environment of Elastic Beanstalk; or two, of which one at a time has the name by which people come.

    Attributes:
        application: The name of the application.
        environment: The name of the environment, not its id; or `environments`.
        environments: The names of two that swap their CNAMEs, blue and green; or `environment`.
        cname: With `environments`: the name by which people come, whole, in small letters. Whichever has it is what serves.
        load_balancers: With `environments`: of each, in the same order, as `load_balancer` is written: whoever names no rules is watched by the pack `beanstalk-swap` then.
        load_balancer: With `environment`: of the environment's own application load balancer app/NAME/ID, the end of its ARN; or its ARN: whoever names no rules is watched by the pack `beanstalk` then.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, regex_engine="python-re")

    application: Annotated[str, StringConstraints(pattern=r"^[^/\x00-\x1f\x7f]{1,100}\Z")]
    environment: Name | None = None
    environments: Annotated[tuple[Name, Name], Field(strict=False)] | None = None
    cname: Cname | None = None
    load_balancers: Annotated[tuple[Balancer, Balancer], Field(strict=False)] | None = None
    load_balancer: Balancer | None = None

    @model_validator(mode="after")
    def _is_one_or_a_pair(self) -> Self:
        if (self.environment is None) == (self.environments is None):
            raise ValueError("either `environment`, or the two `environments` that swap their names")
        if self.environments is None:
            self._of_a_pair(cname=self.cname, load_balancers=self.load_balancers)
            return self
        if self.environments[0] == self.environments[1]:
            raise ValueError(f"both `environments` are {self.environments[0]}: a name is swapped between two")
        if self.cname is None:
            raise ValueError(
                "`environments` say not which of their two names people come by: add `cname: NAME.REGION.elasticbeanstalk.com`"
            )
        if self.load_balancer is not None:
            raise ValueError("each of the `environments` has a balancer of its own: write `load_balancers`")
        return self

    @staticmethod
    def _of_a_pair(**written: object) -> None:
        for key, value in written.items():
            if value is not None:
                raise ValueError(f"`{key}` is for the two `environments` that swap their names")

    @property
    def names(self) -> tuple[str, ...]:
        """Of the environment, or of both."""
        return self.environments or (self.name,)

    @property
    def name(self) -> str:
        """Of the one environment."""
        if self.environment is None:
            raise AssertionError("a pair of environments has two names")
        return self.environment

    @property
    def moved(self) -> str:
        """What is moved: the environment, or the name that is swapped. By this our trace is known."""
        return self.cname or self.name

    @property
    def load_balancer_name(self) -> str | None:
        """As CloudWatch calls it: app/NAME/ID."""
        return _end_of(self.load_balancer)

    @property
    def balancers(self) -> Mapping[str, str]:
        """As CloudWatch calls them, by environment, of two."""
        told = zip(self.environments or (), map(_end_of, self.load_balancers or ()), strict=False)
        return {name: end for name, end in told if end is not None}


def _end_of(balancer: str | None) -> str | None:
    found = _LOAD_BALANCER.fullmatch(balancer) if balancer else None
    return found["end"] if found else None


def region_of(cname: str) -> str | None:
    """Where the environments are that may have that name; ``None``: it does not say."""
    found = _CNAME.fullmatch(cname)
    return found["region"] if found else None


def misplaced(settings: Settings, account: AwsAccount) -> tuple[str, str] | None:
    """The name is of another region than *account*: neither environment there could have it."""
    region = region_of(settings.cname or "")
    if region in {None, account.region}:
        return None
    words = f"the name is of {region}, and the account {account.name} of {account.region}"
    return words, "name the account that the environments are in, in their region"


def addresses(settings: Settings, account: AwsAccount | None) -> tuple[str, ...]:
    """By which its events are recognised.

    ``beanstalk:{region}:{account id or *}:{application}/{environment}``; and of two that swap, for CloudTrail does not name the
    application of a swap: ``beanstalk_swap:{region}:{account id or *}:{environment}``.
    """
    if account is None:
        return ()
    where = f"{account.region}:{account.id or '*'}"
    swaps = tuple(f"beanstalk_swap:{where}:{name}" for name in settings.environments or ())
    return (*(f"beanstalk:{where}:{settings.application}/{name}" for name in settings.names), *swaps)


def version_arn(settings: Settings, account: AwsAccount, label: str) -> str:
    """Of an application version, as far as the configuration tells it."""
    at = f"applicationversion/{settings.application}/{label}"
    return f"arn:{account.partition}:elasticbeanstalk:{account.region}:{account.id or ''}:{at}"


def environment_arn(settings: Settings, account: AwsAccount, name: str) -> str:
    """Of the environment of that *name*, as far as the configuration tells it."""
    at = f"environment/{settings.application}/{name}"
    return f"arn:{account.partition}:elasticbeanstalk:{account.region}:{account.id or ''}:{at}"


def not_undone(settings: Settings) -> str:
    """What a move leaves as it is; of two that swap a name each has a configuration of its own."""
    if settings.environments is not None:
        return (
            f"what both environments share (databases, queues), {BY_REFERENCE}, {WRITTEN}; each has its own configuration (variables,"
            " scaling, its platform), and that of the other one serves then"
        )
    return (
        "the environment's configuration (variables, scaling, its platform), what is beside it (queues, databases),"
        f" {BY_REFERENCE}, {WRITTEN}; what .ebextensions and .platform in the bundle set comes back with it"
    )
