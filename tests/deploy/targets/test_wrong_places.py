"""What the configuration names and is not there, is another's, or may not be touched: each target says so, and who must act."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from deploy.model import Level, Move, Refused, Release, Unreadable
from deploy.ports import AwsAccount, World
from deploy.target import Place
from deploy.targets.aws.owning import STACK
from deploy.targets.command import CommandTarget
from deploy.targets.command import Settings as CommandSettings
from deploy.targets.ecs.observing import obstacles
from deploy.targets.ecs.service import service_of
from deploy.targets.registry import TARGETS
from tests.deploy.targets.github_actions.github_world import pipeline_over_http
from tests.deploy.targets.launchdarkly.stage import Stage as Flag
from tests.deploy.targets.load_balancer.stage import Stage as Balancer
from tests.deploy.targets.played import ACTOR, AWS, KEY, acted, everything_but, looked, permissions
from tests.deploy.targets.s3_cloudfront.pages import DISTRIBUTION
from tests.deploy.targets.s3_cloudfront.stage import Stage as Site
from tests.fakes.aws.fixtures import NOON
from tests.fakes.aws.timeline import Timeline
from tests.fakes.launchdarkly.world import Told
from watcher import clock, command
from watcher.aws.refusals import OWN

ABSENT = [
    pytest.param(played, settings, words, id=f"{name} {', '.join(settings)}")
    for name, played in AWS.items()
    for settings, words in played.absent
]
PLAYED = [pytest.param(played, id=name) for name, played in AWS.items()]


# --------------------------------------------------------------------------------------------------------- it is not there


@pytest.mark.parametrize(("played", "settings", "words"), ABSENT)
def test_what_is_not_there_is_named_and_nothing_is_moved(played, settings, words):
    stage = played.make()
    move = stage.move()
    target = stage.target(**settings)

    said = looked(stage, target, move)
    answer = stage.run(target.begin(move, KEY))

    assert words in said
    assert isinstance(answer, Refused)
    assert stage.world.mutating_calls() == []
    assert stage.world.bugs == []


@pytest.mark.parametrize("layout", ["index_pointer", "origin_path", "key_value_store"])
def test_a_distribution_that_is_not_there_is_a_failure_before_it_is_needed(layout):
    stage = Site(layout)

    (found,) = stage.run(stage.target(distribution="E0NOBODYS00000").examine())

    assert found.level is Level.FAIL
    assert "does not exist: it was deleted, or the configuration names another account" in found.words
    assert found.remedy == "correct `bucket` and `distribution`"


async def test_a_repository_or_a_workflow_that_is_not_there_is_named():
    async with pipeline_over_http() as world:
        observed = await world.target(repository="acme/nowhere").observe()
        (found,) = await world.target(workflow="nowhere.yml").examine()

    assert isinstance(observed, Unreadable)
    assert "acme/nowhere" in observed.words
    assert "it is not there, or the token does not see it" in observed.words
    assert "nowhere.yml" in found.words


@pytest.mark.parametrize("named", ["project", "environment", "flag"])
def test_a_flag_that_is_not_there_is_named_with_what_may_be_wrong(named):
    stage = Flag()

    observed = stage.run(stage.target(**{named: "nobody"}).observe())

    assert isinstance(observed, Unreadable)
    assert "nobody" in observed.words


async def test_a_program_that_is_not_there_is_named():
    settings = CommandSettings.model_validate(
        {"live": ["/nowhere/live"], "move": ["/nowhere/move", "${tag}", "${key}"]}
    )
    place = Place("checkout", "production", "service")
    target = CommandTarget(settings, place, World(command=command.run, now=clock.now))

    observed = await target.observe()

    assert isinstance(observed, Unreadable)
    assert "/nowhere/live" in observed.words


# ------------------------------------------------------------------------------------------------------ it may not be done


@pytest.mark.parametrize("played", PLAYED)
def test_each_permission_that_is_missing_for_reading_is_named_with_whom_it_is_missing(played):
    whole = played.make()
    move = whole.move()
    looked(whole, whole.target(), move)
    needed = permissions(whole.world.calls)

    unsaid = []
    for action in needed:
        stage = played.without(action)
        said = looked(stage, stage.target(), move)
        if f"allow {action} to {played.reader or OWN}" not in said:
            unsaid.append(action)

    assert needed
    assert unsaid == []


@pytest.mark.parametrize("played", PLAYED)
def test_each_permission_that_is_missing_for_acting_is_named_and_nothing_is_moved_in_its_stead(played):
    whole = played.make()
    move = whole.move()
    before = len(whole.world.calls)
    acted(whole, whole.target(), move)
    needed = permissions([call for call in whole.world.calls[before:] if call.by == ACTOR])

    unsaid = []
    for action in needed:
        stage = played.make()
        stage.world.identities.role(ACTOR, policies=everything_but(action))
        said = acted(stage, stage.restarted().target(), move)
        if f"allow {action} to {ACTOR}" not in said:
            unsaid.append(action)

    assert needed
    assert unsaid == []


@pytest.mark.parametrize(
    ("method", "status", "words"),
    [
        ("GET", 401, "make one with a role that may updateOn"),
        ("GET", 403, "give it a role that may updateOn and updateFallthrough on this flag"),
        ("PATCH", 403, "give it a role that may updateOn and updateFallthrough on this flag"),
    ],
)
def test_a_token_of_launchdarkly_that_may_not_is_told_with_the_right_that_it_lacks(method, status, words):
    stage = Flag()
    off, on = stage.sets(on=False), stage.sets(on=True)
    stage.world.befalls(method, Told(status, {"code": "forbidden", "message": "Access denied"}))

    answer = stage.begin(on, off)

    assert isinstance(answer, Refused)
    assert words in answer.words
    assert stage.world.changes == []


async def test_a_token_of_github_that_may_not_run_workflows_is_told_with_the_right_that_it_lacks():
    async with pipeline_over_http() as world:
        world.runs("v2")
        world.github.permissions |= {"actions": "read"}
        answer = await world.target().begin(Move("service", Release.of_tag("v2"), Release.of_tag("v1")), KEY)

    assert isinstance(answer, Refused)
    assert "Actions: write" in answer.words


# ------------------------------------------------------------------------------------------------- it is somebody else's


HERE = AwsAccount("shop", "eu-central-1", "123456789012")
_ECS = {"cluster": "prod", "service": "arn:aws:ecs:{place}:service/prod/web"}
_FUNCTION = {"function": "arn:aws:lambda:{place}:function:checkout", "alias": "live"}
_RULE = {
    "rule": "arn:aws:elasticloadbalancing:{place}:listener-rule/app/shop/0123456789abcdef/0123456789abcdef/fedcba9876543210"
}
_STORE = {
    "bucket": "shop-site",
    "distribution": "E2EXAMPLE1ABC",
    "site": "https://shop.example.com",
    "layout": "key_value_store",
    "store": "arn:aws:cloudfront::{account}:key-value-store/11111111-2222-3333-4444-555555555555",
}


@pytest.mark.parametrize(
    ("kind", "settings"),
    [("ecs", _ECS), ("lambda", _FUNCTION), ("load_balancer", _RULE), ("s3_cloudfront", _STORE)],
)
@pytest.mark.parametrize(
    ("region", "account", "words"),
    [
        ("eu-central-1", "123456789012", None),
        ("eu-west-1", "123456789012", "eu-west-1"),
        ("eu-central-1", "999999999999", "999999999999"),
    ],
    ids=["here", "another region", "another account"],
)
def test_an_arn_of_another_account_or_region_is_a_mistake_of_the_configuration(
    kind, settings, region, account, words
):
    told = {
        name: value.format(place=f"{region}:{account}", account=account) for name, value in settings.items()
    }

    found = TARGETS[kind].misplaced(TARGETS[kind].settings.model_validate(told), HERE)

    if words is None or (kind == "s3_cloudfront" and account == HERE.id):  # CloudFront is in no region
        assert found is None
    else:
        assert found is not None
        assert words in found[0]
        assert "shop" in found[0]
        assert found[1].startswith("name the account")


@pytest.mark.parametrize(
    "key", ["ingress.k8s.aws/stack", "elbv2.k8s.aws/cluster", "service.k8s.aws/resource"]
)
@pytest.mark.parametrize("on_the_rule", [True, False], ids=["rule", "group"])
def test_a_rule_of_a_controller_of_kubernetes_is_not_moved_by_itself(key, on_the_rule):
    stage = Balancer()
    tagged = stage.rule if on_the_rule else stage.elb.group("blue").arn
    stage.world.home.tagging.put(tagged, {key: "shop"}, NOON)

    live = stage.live()
    foretold = stage.run(stage.target().foretell(stage.move()))

    assert any("belongs to the AWS Load Balancer Controller" in words for words in live.obstacles)
    assert any("go back by what it reads" in words for words in foretold.obstacles)


def test_a_service_that_another_controller_deploys_is_watched_and_not_moved_by_itself():
    told = {"desiredCount": 2, "deploymentController": {"type": "EXTERNAL"}, "status": "ACTIVE"}

    (words,) = obstacles(service_of(told, "prod"))

    assert "its deployment controller is EXTERNAL" in words
    assert "go back by what deploys it" in words


def _by_arn(arn: Callable[[Any], str]) -> Callable[[Any], None]:
    """Lays the tag of a stack: who tags by the API may lay none of AWS's."""

    def lay(stage: Any) -> None:
        stage.world.home.tagging._tags.setdefault(arn(stage), Timeline()).put(NOON, {STACK: "shop-stack"})

    return lay


OWNED: Mapping[str, Callable[[Any], None]] = {
    "ecs": _by_arn(lambda stage: stage.world.ecs.find("web").arn),
    "beanstalk": _by_arn(lambda stage: stage.environment.arn),
    "lambda": _by_arn(lambda stage: stage.world.functions.find("checkout").arn),
    "load_balancer": _by_arn(lambda stage: stage.rule),
    "s3_cloudfront, origin_path": lambda stage: stage.world.cloudfront.find(DISTRIBUTION).tags.update(
        {STACK: "shop-stack"}
    ),
}


@pytest.mark.parametrize("made_by_a_stack", [True, False])
@pytest.mark.parametrize("kind", OWNED)
def test_what_a_stack_of_cloudformation_made_is_told_before_it_matters(kind, made_by_a_stack):
    stage = AWS[kind].make()
    if made_by_a_stack:
        OWNED[kind](stage)

    found = [each for each in stage.run(stage.target().examine()) if each.level is not Level.OK]

    assert bool(found) is made_by_a_stack
    if made_by_a_stack:
        assert found[0].level is Level.WARN
        assert "is made by the stack shop-stack of CloudFormation" in found[0].words


@pytest.mark.parametrize("layout", ["index_pointer", "key_value_store"])
def test_a_distribution_of_a_stack_is_told_of_only_where_its_template_says_what_serves(layout):
    stage = AWS[f"s3_cloudfront, {layout}"].make()
    stage.world.cloudfront.find(DISTRIBUTION).tags[STACK] = "shop-stack"

    found = stage.run(stage.target().examine())

    assert found
    assert not any("CloudFormation" in each.words for each in found)
