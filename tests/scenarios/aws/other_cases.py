"""The same story as `cases`, of targets whose platform is no part of AWS or deploys no program; and of other ways of those that have several.

CloudWatch judges all of them. Requests of systems beside AWS are counted by *asked*.
"""

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from tests.deploy.targets.appconfig.flag_stage import FLAG, NEW, OLD, PRICING, pricing
from tests.deploy.targets.s3_cloudfront.pages import DISTRIBUTION
from tests.fakes.aws.codedeploy.state import key_of, sha_of
from tests.fakes.launchdarkly import weighted
from tests.scenarios.aws import (
    fleet,
    test_appconfig,
    test_appconfig_flags,
    test_beanstalk,
    test_codedeploy,
    test_codedeploy_hooks,
    test_ecs_hooks,
    test_flag_stages,
    test_flagd,
    test_launchdarkly,
    test_site,
    test_unleash,
    test_unleash_stages,
    workflows,
)
from tests.scenarios.aws.cases import Case
from tests.scenarios.aws.stage import PACE, AwsStage


def _by_hand(stage: AwsStage, service: str, operation: str, **asked: Any) -> None:
    """A person calls AWS, with rights of their own. Raises what AWS refuses with."""
    answer = stage.world.ask(service, operation, asked, stage.world.identities.own, "eu-central-1")
    if answer.error is not None:
        raise answer.error


def _takes_back(stage: AwsStage) -> None:
    application, environment = test_appconfig.PLACE
    deployments = stage.world.appconfig.environments[test_appconfig.PLACE].deployments
    _by_hand(
        stage,
        "appconfig",
        "StopDeployment",
        ApplicationId=application,
        EnvironmentId=environment,
        DeploymentNumber=deployments[-1].number,
        AllowRevert=True,
    )


def _says_no(stage: AwsStage) -> None:
    """At the hook that waits."""
    found = stage.world.ecs.find("web").history[0]
    (waits,) = [each for each in found.hooks if each.status == "AWAITING_ACTION"]
    _by_hand(
        stage,
        "ecs",
        "ContinueServiceDeployment",
        serviceDeploymentArn=found.arn,
        hookId=waits.id,
        action="ROLLBACK",
    )


def _stops(stage: AwsStage) -> None:
    newest = stage.world.codedeploy.find("shop", "prod").deployments[-1]
    _by_hand(stage, "codedeploy", "StopDeployment", deploymentId=newest, autoRollbackEnabled=True)


def _aborts(stage: AwsStage) -> None:
    _by_hand(stage, "elasticbeanstalk", "AbortEnvironmentUpdate", EnvironmentName=test_beanstalk.ENVIRONMENT)


def _slowly(stage: AwsStage, number: int, fails: float) -> None:
    """So that it is judged while the old instances stand."""
    stage.world.beanstalk.find(test_beanstalk.ENVIRONMENT).takes = timedelta(minutes=20)
    test_beanstalk.deploys(stage, f"v{number}", fails)


def _beside(policy: str) -> Case:
    """The new instances come beside the old ones, and are gone with one call."""
    return Case(
        told=partial(test_beanstalk.told, policy=policy),
        deploys=_slowly,
        tag=lambda number: f"v{number}",
        by_hand=_aborts,
        moves=test_beanstalk.moves,
        sent="abort",
        runs=test_beanstalk.runs,
        before={"v1": 4},
        after={"v3": 4},
    )


def _points_back(stage: AwsStage) -> None:
    """And clears the caches in the moment in which all edges know."""
    assert isinstance(stage.crowd, test_site.Pointed)
    stage.crowd.deploys("v1", stage.now(), stage.world.cloudfront.find(DISTRIBUTION).tells_in)


def _site(layout: str, sent: str) -> Case:
    return Case(
        told=partial(test_site.told_by, layout),
        deploys=lambda stage, number, fails: test_site.points(stage, f"v{number}", fails),
        tag=lambda number: f"v{number}",
        by_hand=_points_back,
        moves=test_site.sent,
        sent=sent,
        runs=test_site.served,
        before="v1",
        after="v3",
    )


def _of_a_function(stage: AwsStage, number: int, fails: float) -> None:
    """A version of a function, without hooks."""
    new = test_codedeploy_hooks.appspec(number)
    assert isinstance(stage.crowd, fleet.FleetCrowd)
    stage.crowd.fails[sha_of(new)] = fails
    stage.world.codedeploy.deploy("shop", "prod", new, stage.now())


def _the_first_version(stage: AwsStage) -> None:
    """A deployment of a function that has ended is over: the version before is deployed anew, to all calls at once."""
    _by_hand(
        stage,
        "codedeploy",
        "CreateDeployment",
        applicationName="shop",
        deploymentGroupName="prod",
        deploymentConfigName="CodeDeployDefault.LambdaAllAtOnce",
        revision=test_codedeploy_hooks.appspec(1),
    )


OTHERS: Mapping[str, Case] = {
    "appconfig": Case(
        told=test_appconfig.told,
        deploys=lambda stage, number, fails: test_appconfig.deploys(stage, str(number), fails),
        tag=str,
        by_hand=_takes_back,
        moves=test_appconfig.moves,
        sent="StopDeployment",
        runs=test_appconfig.shares,
        before={"1": 1.0},
        after={"3": 1.0},
    ),
    "github_actions": Case(
        told=partial(workflows.told, configuration=workflows.BY_READING),
        deploys=lambda stage, number, fails: workflows.deploys(stage, f"v{number}", fails),
        tag=lambda number: f"v{number}",
        by_hand=lambda stage: workflows.deploys(stage, "v1", event="workflow_dispatch"),
        moves=workflows.moves,
        sent="v1",
        runs=workflows.served,
        before="v1",
        after="v3",
        asked=lambda stage: len(workflows.actions(stage).world.requests),
    ),
    "launchdarkly": Case(
        told=test_launchdarkly.told,
        deploys=lambda stage, _, fails: test_launchdarkly.turns_up(stage, fails),
        tag=lambda number: "on.true" if number > 1 else "off",
        by_hand=lambda stage: test_launchdarkly.flags(stage).sets(on=False),
        moves=lambda stage: ["patch"] * len(test_launchdarkly.flags(stage).changes),
        sent="patch",
        runs=lambda stage: test_launchdarkly.flags(stage).shares(),
        before={test_launchdarkly.OLD: 1.0},
        after={test_launchdarkly.NEW: 1.0},
        asked=lambda stage: len(test_launchdarkly.flags(stage).asked),
    ),
    "unleash": Case(
        told=test_unleash.told,
        deploys=lambda stage, _, fails: test_unleash.rises(stage, 100, fails),
        tag=lambda number: "on.100" if number > 1 else "off",
        by_hand=lambda stage: test_unleash.flag(stage).turns(on=False),
        moves=lambda stage: ["toggle"] * len(test_unleash.flag(stage).changes),
        sent="toggle",
        runs=lambda stage: test_unleash.flag(stage).share(),
        before=0.0,
        after=1.0,
        asked=lambda stage: len(test_unleash.flag(stage).asked),
    ),
    "flagd": Case(
        told=test_flagd.told,
        deploys=lambda stage, _, fails: test_flagd.turns(stage, "on", fails),
        tag=lambda number: "enabled.on" if number > 1 else "enabled.off",
        by_hand=lambda stage: test_flagd.turns(stage, "off"),
        moves=lambda stage: ["put"] * len(test_flagd.put(stage)),
        sent="put",
        runs=test_flagd.gives,
        before="off",
        after="on",
    ),
}

WAYS: Mapping[str, Case] = {
    "appconfig, one flag": Case(
        told=test_appconfig_flags.told,
        deploys=lambda stage, number, fails: test_appconfig_flags.gives(
            stage, checkout=number > 1, fails={"on": fails}
        ),
        tag=lambda number: "on" if number > 1 else "off",
        by_hand=_takes_back,
        moves=test_appconfig_flags.deployed,
        sent="StartDeployment",
        runs=partial(test_appconfig_flags.given, flag=FLAG),
        before={"off": 1.0},
        after={"on": 1.0},
    ),
    "appconfig, a variant at a twentieth": Case(
        told=test_appconfig_flags.in_stages,
        deploys=lambda stage, _, fails: test_appconfig_flags.gives(
            stage, prices=pricing(5), fails={NEW: fails}
        ),
        tag=lambda number: NEW if number > 1 else OLD,
        by_hand=_takes_back,
        moves=test_appconfig_flags.deployed,
        sent="StartDeployment",
        runs=partial(test_appconfig_flags.given, flag=PRICING),
        before={OLD: 1.0},
        after={NEW: 1.0},
    ),
    "launchdarkly, a variation at a twentieth": Case(
        told=test_flag_stages.told,
        deploys=lambda stage, _, fails: test_launchdarkly.turns_up(stage, fails, **weighted(v0=5, v1=95)),
        tag=lambda number: "on.true" if number > 1 else "off",
        by_hand=lambda stage: test_launchdarkly.flags(stage).sets(on=False),
        moves=lambda stage: ["patch"] * len(test_launchdarkly.flags(stage).changes),
        sent="patch",
        runs=lambda stage: test_launchdarkly.flags(stage).shares(),
        before={test_launchdarkly.OLD: 1.0},
        after={test_launchdarkly.NEW: 1.0},
        asked=lambda stage: len(test_launchdarkly.flags(stage).asked),
    ),
    "unleash, on for a twentieth": Case(
        told=test_unleash_stages.told,
        deploys=lambda stage, _, fails: test_unleash.rises(stage, 5, fails),
        tag=lambda number: "on.100" if number > 1 else "off",
        by_hand=lambda stage: test_unleash.flag(stage).turns(on=False),
        moves=lambda stage: ["toggle"] * len(test_unleash.flag(stage).changes),
        sent="toggle",
        runs=lambda stage: test_unleash.flag(stage).share(),
        before=0.0,
        after=1.0,
        asked=lambda stage: len(test_unleash.flag(stage).asked),
    ),
    "ecs, blue-green at a hook": Case(
        told=lambda folder, story: test_ecs_hooks.told(folder, story, test_ecs_hooks.ONE_HOOK, pace=PACE),
        deploys=lambda stage, number, fails: stage.deploys(f"web:{number}", fails),
        tag=lambda number: f"web:{number}",
        by_hand=_says_no,
        moves=test_ecs_hooks.said,
        sent="ROLLBACK",
        runs=lambda stage: stage.world.ecs.find("web").traffic,
        before={"web:1": 1.0},
        after={"web:3": 1.0},
    ),
    "codedeploy, a service of ECS": Case(
        told=partial(test_codedeploy.told, make=fleet.a_service_of_ecs),
        deploys=test_codedeploy.shifts,
        tag=lambda number: f"web:{number}",
        by_hand=_stops,
        moves=fleet.moves,
        sent="go back",
        runs=lambda stage: stage.world.codedeploy.find("shop", "prod").traffic,
        before={key_of(fleet.appspec(1)): 1.0},
        after={key_of(fleet.appspec(3)): 1.0},
    ),
    "codedeploy, on new instances": Case(
        told=partial(test_codedeploy.told, make=partial(fleet.a_fleet, **test_codedeploy.REPLACING)),
        deploys=fleet.deploys,
        tag=fleet.tag,
        by_hand=_stops,
        moves=fleet.moves,
        sent="go back",
        runs=fleet.runs,
        before={fleet.key(1)},
        after={fleet.key(3)},
    ),
    "codedeploy, a function of Lambda": Case(
        told=partial(test_codedeploy.told, make=test_codedeploy_hooks.a_function),
        deploys=_of_a_function,
        tag=str,
        by_hand=_the_first_version,
        moves=test_codedeploy_hooks.said,
        sent="CreateDeployment",
        runs=lambda stage: stage.world.codedeploy.find("shop", "prod").traffic,
        before={sha_of(test_codedeploy_hooks.appspec(1)): 1.0},
        after={sha_of(test_codedeploy_hooks.appspec(3)): 1.0},
    ),
    "s3_cloudfront, by path": _site("origin_path", "CreateInvalidation"),
    "s3_cloudfront, by a key value store": _site("key_value_store", "UpdateKeys"),
    "beanstalk, immutable": _beside("Immutable"),
    "beanstalk, traffic splitting": _beside("TrafficSplitting"),
}
