"""What may stand under ``runs_on: [{codedeploy: …}]``, and by which addresses news of the group are recognised.

Source:
    https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_DeploymentGroupInfo.html for the grammar of names.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from deploy.ports import AwsAccount
from deploy.targets.ecs.settings import Balancer

NAME = r"[A-Za-z0-9+=,.@_-]{1,100}"
Name = Annotated[str, StringConstraints(pattern=rf"^{NAME}\Z")]
_Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/]{1,255}(/[!-~]{0,1000})?\Z")]


class Iis(BaseModel):
    """The instances run IIS, and each answers a readiness check.

    Attributes:
        urls: Where: one address for each instance, not the balancer's.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, regex_engine="python-re")

    urls: Annotated[tuple[_Url, ...], Field(min_length=1, max_length=500, strict=False)]


class Settings(BaseModel):
    """A deployment group of CodeDeploy.

    Attributes:
        application: Its name.
        deployment_group: Its name.
        iis: What its instances are, where they run IIS: whoever names no rules is watched accordingly.
        behind: The balancer and the target group that its instances are in; for the packs `alb` and `iis-alb`.
        hook_parameter: The parameter of Systems Manager into which the function of its lifecycle hooks writes which of them waits; for ECS and Lambda.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, regex_engine="python-re")

    application: Name
    deployment_group: Name
    iis: Iis | None = None
    behind: Balancer | None = None
    hook_parameter: Annotated[str, StringConstraints(pattern=r"^/[A-Za-z0-9_./-]{1,900}\Z")] | None = None


def addresses(settings: Settings, account: AwsAccount | None) -> tuple[str, ...]:
    """By which its events are recognised: ``codedeploy:{region}:{account id or *}:{application}/{group}``."""
    if account is None:
        return ()
    at = f"{settings.application}/{settings.deployment_group}"
    return (f"codedeploy:{account.region}:{account.id or '*'}:{at}",)
