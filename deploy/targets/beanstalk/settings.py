"""What may stand under ``runs_on: [{beanstalk: …}]``, and by which addresses news of the environment are recognised.

Source:
    https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_CreateEnvironment.html for the grammar of names.
"""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from deploy.ports import AwsAccount

_BEHIND = r"(?:arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]{1,32}:\d{12}:)?(?:loadbalancer/)?"
_LOAD_BALANCER = re.compile(rf"{_BEHIND}(?P<end>app/[A-Za-z0-9-]{{1,32}}/[0-9a-f]{{16}})")


def _load_balancer(written: str) -> str:
    if not _LOAD_BALANCER.fullmatch(written):
        raise ValueError(
            f"{written[:80]!r} is neither app/NAME/ID nor the ARN of an application load balancer, such as"
            " arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/awseb-AWSEB-1ABCDEF/0123456789abcdef"
        )
    return written


class Settings(BaseModel):
    """An environment of Elastic Beanstalk.

    Attributes:
        application: The name of the application.
        environment: The name of the environment, not its id.
        load_balancer: Of the environment's own application load balancer app/NAME/ID, the end of its ARN; or its ARN: whoever names no rules is watched by the pack `beanstalk` then.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, regex_engine="python-re")

    application: Annotated[str, StringConstraints(pattern=r"^[^/\x00-\x1f\x7f]{1,100}\Z")]
    environment: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9](?:[A-Za-z0-9-]{2,38})[A-Za-z0-9]\Z")]
    load_balancer: Annotated[str, AfterValidator(_load_balancer)] | None = None

    @property
    def load_balancer_name(self) -> str | None:
        """As CloudWatch calls it: app/NAME/ID."""
        found = _LOAD_BALANCER.fullmatch(self.load_balancer) if self.load_balancer else None
        return found["end"] if found else None


def addresses(settings: Settings, account: AwsAccount | None) -> tuple[str, ...]:
    """By which its events are recognised: ``beanstalk:{region}:{account id or *}:{application}/{environment}``."""
    if account is None:
        return ()
    at = f"{settings.application}/{settings.environment}"
    return (f"beanstalk:{account.region}:{account.id or '*'}:{at}",)


def version_arn(settings: Settings, account: AwsAccount, label: str) -> str:
    """Of an application version, as far as the configuration tells it."""
    at = f"applicationversion/{settings.application}/{label}"
    return f"arn:{account.partition}:elasticbeanstalk:{account.region}:{account.id or ''}:{at}"


def environment_arn(settings: Settings, account: AwsAccount) -> str:
    """Of the environment, as far as the configuration tells it."""
    at = f"environment/{settings.application}/{settings.environment}"
    return f"arn:{account.partition}:elasticbeanstalk:{account.region}:{account.id or ''}:{at}"
