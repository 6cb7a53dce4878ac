"""What may stand under ``runs_on: [{appconfig: …}]``, and by which addresses news of it are recognised.

Source:
    https://docs.aws.amazon.com/appconfig/2019-10-09/APIReference/API_StartDeployment.html for the grammar of ids
"""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, StringConstraints, model_validator

from deploy.ports import AwsAccount

ALL_AT_ONCE = "AppConfig.AllAtOnce"

# AppConfig's own ids: names may be given twice, and neither its events nor its ARNs have them.
Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]{4,7}\Z")]
Strategy = Annotated[str, StringConstraints(pattern=r"^(?:[a-z0-9]{4,7}|AppConfig\.[A-Za-z0-9]{9,40})\Z")]


class Settings(BaseModel):
    """A configuration profile in one environment, or one flag of it.

    Attributes:
        application: The id of the application (`aws appconfig list-applications`).
        environment: The id of the environment of AppConfig (`aws appconfig list-environments`).
        profile: The id of the configuration profile (`aws appconfig list-configuration-profiles`).
        strategy: By which an old version is deployed where AppConfig cannot revert: an id, or the name of a predefined one. Best
            one of your own without a bake time: while AppConfig bakes, its alarms take the rollback itself back.
        flag: The key of the one flag that is watched and put back, of a profile of feature flags that AppConfig hosts; left out: the
            whole configuration is.
        variant: The variant of that flag that is rolled out: the one percentage of its rule (`(split pct::5 by::$userId)`) is its share
            of the traffic, and so that of stages. Left out: each state of the flag is a release.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, regex_engine="python-re")

    application: Id
    environment: Id
    profile: Id
    strategy: Strategy = ALL_AT_ONCE
    flag: Annotated[str, StringConstraints(pattern=r"^[a-z][A-Za-z0-9_-]{0,63}\Z")] | None = None
    variant: Annotated[str, StringConstraints(pattern=r"^[^\r\n]{1,64}\Z")] | None = None

    @model_validator(mode="after")
    def _names_whose_variant(self) -> Self:
        if self.variant is not None and self.flag is None:
            raise ValueError("`variant` says what of a flag is rolled out: write `flag`, the flag's key, too")
        return self

    @property
    def place(self) -> tuple[str, str]:
        """The application and the environment: of what deployments are listed together."""
        return self.application, self.environment

    @property
    def called(self) -> str:
        """For people: application, environment, profile."""
        return f"{self.application}/{self.environment}/{self.profile}"

    @property
    def flag_called(self) -> str:
        """For people: one flag, and where."""
        return f"{self.flag} in {self.called}"


def addresses(settings: Settings, account: AwsAccount | None) -> tuple[str, ...]:
    """By which its events are recognised: ``appconfig:{region}:{account id or *}:{application}/{environment}/{profile}``.

    Of one flag there is none: events tell of a profile, and several of its flags may each be a service.
    """
    if account is None or settings.flag is not None:
        return ()
    return (f"appconfig:{account.region}:{account.id or '*'}:{settings.called}",)


def arn(settings: Settings, account: AwsAccount, rest: str = "") -> str:
    """Of the application, or of what is in it, as far as the configuration tells whose account it is."""
    return f"arn:{account.partition}:appconfig:{account.region}:{account.id or ''}:application/{settings.application}{rest}"


def deployment_arn(settings: Settings, account: AwsAccount, number: int | str) -> str | None:
    """Of one deployment; ``None`` where the configuration does not tell the account's id."""
    if account.id is None:
        return None
    return arn(settings, account, f"/environment/{settings.environment}/deployment/{number}")


def strategy_arn(settings: Settings, account: AwsAccount) -> str:
    """Of the strategy by which an old version is deployed."""
    owner = account.id or ""
    return (
        f"arn:{account.partition}:appconfig:{account.region}:{owner}:deploymentstrategy/{settings.strategy}"
    )


def unstaged(settings: Settings) -> tuple[str, str] | None:
    """Why nothing is the daemon's to share out: only the percentage in the rule of a variant is."""
    if settings.variant is not None:
        return None
    if settings.flag is not None:
        return (
            f"each state of {settings.flag_called} is a release of its own",
            (
                "write `variant:`, the name of its variant that is rolled out: the percentage of its rule, `(split pct::0 by::$userId)`,"
                " is what the stages raise"
            ),
        )
    return (
        "AppConfig gives a version to more and more clients by itself, as the strategy of its deployment says, and takes no percentage",
        (
            "remove `stages`, and deploy with a strategy that grows slowly: a version is judged while it grows, and taken back from"
            " there; or name one flag of it and its `variant`, whose percentage can be raised"
        ),
    )
