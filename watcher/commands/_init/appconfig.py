"""``rollbackd init appconfig``: configuration profiles of AWS AppConfig."""

import click

from watcher.commands._init import options
from watcher.commands._init.besides import TAGGED
from watcher.commands._init.names import ACCOUNT, Names, Profiles
from watcher.commands._init.options import option
from watcher.commands._init.policies import profiles_act_policy, profiles_read_policy
from watcher.commands._init.stack import ROLES_ALONE, OnAws, called, on_aws, refuse_alike, where

USUAL = Profiles(Names())
ID = (r"[a-z0-9]{4,7}", "an id of AppConfig: 4 to 7 small letters and digits")

OF_ITS_OWN = (
    option(
        "--application",
        default=USUAL.application,
        like=ID,
        help="The id of the application of AppConfig.",
    ),
    option(
        "--environment-id",
        default=USUAL.environment,
        like=ID,
        help="The id of the environment of AppConfig.",
    ),
    option(
        "--profile",
        "profiles",
        multiple=True,
        default=USUAL.profiles,
        like=ID,
        help="The id of a configuration profile: a service; repeat it.",
    ),
    option(
        "--strategy",
        like=(r"[a-z0-9]{4,7}|AppConfig\.[A-Za-z0-9]{9,40}", "the id of a strategy, or AppConfig.NAME"),
        help="By which an old version is deployed anew: best one of your own without a bake time.",
    ),
    option(
        "--flag",
        like=(
            r"[a-z][A-Za-z0-9_-]{0,63}",
            "the key of a flag: a small letter, then letters, digits, _ and -",
        ),
        help="The one flag that is watched and put back alone; by default the whole configuration is.",
    ),
    option(
        "--variant",
        like=(r"[^\r\n]{1,64}", "the name of a variant, at most 64 characters"),
        help="The variant of that flag that is rolled out in stages.",
    ),
    options.REGION,
    options.ACCOUNT_ID,
    options.environment(),
)


def of(profiles: Profiles) -> OnAws:
    """What is written for *profiles*."""
    return OnAws(
        names=profiles.names,
        template="appconfig.yaml.j2",
        values={"profiles": profiles},
        read=profiles_read_policy(profiles),
        act=profiles_act_policy(profiles),
        services=[(called(each), profiles.names.environment) for each in profiles.profiles],
        open_ones={
            "--application": profiles.application == USUAL.application,
            "--environment-id": profiles.environment == USUAL.environment,
            "--profile": profiles.profiles == USUAL.profiles,
            "--account-id": profiles.names.account == ACCOUNT,
        },
        where=where("docs/flags.md") if profiles.flag is None else ROLES_ALONE,
        tagged=f"{profiles.arn}/configurationprofile/${{service}}",
        resources=profiles.arns,
    )


def _told(
    *,
    application: str,
    environment_id: str,
    profiles: tuple[str, ...],
    strategy: str | None,
    flag: str | None,
    variant: str | None,
    region: str,
    account_id: str,
    environment: str,
) -> OnAws:
    refuse_alike(profiles)
    if variant is not None and flag is None:
        raise click.UsageError("--variant says what of a flag is rolled out: say --flag too")
    names = Names(region=region, account=account_id, environment=environment)
    return of(Profiles(names, application, environment_id, profiles, strategy, flag, variant))


STACK = on_aws(
    "Configuration profiles of AWS AppConfig: feature flags, or any configuration.", _told, OF_ITS_OWN, TAGGED
)
