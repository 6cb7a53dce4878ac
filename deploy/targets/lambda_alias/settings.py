"""What may stand under ``runs_on: [{lambda: …}]``, and by which addresses news of it are recognised.

Source:
    https://docs.aws.amazon.com/lambda/latest/api/API_GetAlias.html for the grammar of names;
    https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_DeploymentGroupInfo.html for those of CodeDeploy.
"""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, StringConstraints, Tag

from deploy.ports import AwsAccount

LATEST = "$LATEST"  # as Lambda calls the version that may still be changed

_ARN = r"arn:aws[a-z-]*:lambda:(?P<region>[a-z0-9-]{1,32}):(?P<account>\d{12}):function:"
_FUNCTION = re.compile(rf"(?:{_ARN})?(?P<name>[A-Za-z0-9_-]{{1,64}})")
_ALIAS = r"^(?![0-9]+\Z)[A-Za-z0-9_-]{1,128}\Z"
_REMEDY = "name the account that the function is in, in its region"


def _function(written: str) -> str:
    if not _FUNCTION.fullmatch(written):
        raise ValueError(
            f"{written[:80]!r} is neither a name (letters, digits, - and _, at most 64) nor an ARN such as"
            " arn:aws:lambda:eu-central-1:123456789012:function:checkout; the alias stands beside it"
        )
    return written


class CodeDeploy(BaseModel):
    """The deployment group of CodeDeploy that moves the alias, as SAM's ``DeploymentPreference`` makes one.

    Attributes:
        application: Its name.
        group: Its deployment group.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, regex_engine="python-re")

    application: Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,100}\Z")]
    group: Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,100}\Z")]


# By its form, so that of a mistake in one only that one is told.
MovedBy = Annotated[
    Annotated[CodeDeploy, Tag("group")] | Annotated[Literal["nothing"], Tag("nothing")],
    Discriminator(lambda value: "nothing" if isinstance(value, str) else "group"),
]


class Settings(BaseModel):
    """An alias of a function.

    Attributes:
        function: Its name or ARN, without a qualifier.
        alias: That is called, such as live; left out where `$LATEST` is: that can be watched, and never rolled back.
        traffic: How a deployment moves it: by_weight (a share first) or at_once. Whoever names no rules is watched accordingly.
        codedeploy: What of CodeDeploy moves it, `{application, group}`, or `nothing`: while it does, nobody else should.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, regex_engine="python-re")

    function: Annotated[str, AfterValidator(_function)]
    alias: Annotated[str, StringConstraints(pattern=_ALIAS)] | None = None
    traffic: Literal["by_weight", "at_once"] | None = None
    codedeploy: MovedBy | None = None

    @property
    def function_name(self) -> str:
        """The function, without what an ARN says besides."""
        return self.function.rpartition(":")[2]

    @property
    def account_id(self) -> str | None:
        """Twelve digits, where an ARN tells them."""
        found = _FUNCTION.fullmatch(self.function)
        return found["account"] if found else None

    @property
    def called(self) -> str:
        """The function and what of it is called, for people: ``checkout:live``."""
        return f"{self.function_name}:{self.alias or LATEST}"


def misplaced(settings: Settings, account: AwsAccount) -> tuple[str, str] | None:
    """An ARN of another account or region than *account*: only its name would be used, and that may be another function there."""
    found = _FUNCTION.fullmatch(settings.function)
    if found is None or found["region"] is None:
        return None
    if found["region"] != account.region:
        return f"the ARN is of {found['region']}, and the account {account.name} of {account.region}", _REMEDY
    if account.id is not None and found["account"] != account.id:
        return f"the ARN is of {found['account']}, and the account {account.name} is {account.id}", _REMEDY
    return None


def addresses(settings: Settings, account: AwsAccount | None) -> tuple[str, ...]:
    """By which its events are recognised: ``lambda:{region}:{account id or *}:{function}:{alias or $LATEST}``."""
    if account is None:
        return ()
    owner = account.id or settings.account_id or "*"
    return (f"lambda:{account.region}:{owner}:{settings.called}",)


def immovable(settings: Settings) -> tuple[str, str] | None:
    """Why what is called without an alias cannot be put back, and the lines to add."""
    if settings.alias is not None:
        return None
    return f"{settings.called} has no version to go back to", published(settings)


def unstaged(settings: Settings) -> tuple[str, str] | None:
    """Why its calls are not to be shared out by the daemon: there is no alias, or CodeDeploy does that."""
    if settings.alias is None:
        return immovable(settings)
    if isinstance(settings.codedeploy, CodeDeploy):
        return (
            f"CodeDeploy moves {settings.called} by weights, and would undo what rollbackd does to the alias meanwhile",
            "remove `stages`, or let the pipeline deploy without CodeDeploy and write codedeploy: nothing",
        )
    return None


def published(settings: Settings) -> str:
    """The lines to add, so that there is one."""
    name, alias = settings.function_name, settings.alias or "live"
    return (
        f"publish one with each deployment (`aws lambda publish-version --function-name {name}`; in SAM"
        f" `AutoPublishAlias: {alias}`), let an alias point to it (`aws lambda create-alias --function-name {name} --name {alias}"
        f" --function-version VERSION`), have callers call {name}:{alias}, and write `alias: {alias}` here"
    )


def arn(settings: Settings, account: AwsAccount) -> str:
    """Of the function, as far as the configuration tells it."""
    whose = settings.account_id or account.id or ""
    return f"arn:{account.partition}:lambda:{account.region}:{whose}:function:{settings.function_name}"
