"""The pack of rules of a stack: by which a service is watched that names none, and what its target says of parameters.

Nothing is guessed. What a pack needs and the target does not say is asked for; and where a service has several parts,
nobody knows which of them is meant.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from deploy.targets.beanstalk.settings import Settings as BeanstalkSettings
from deploy.targets.codedeploy.settings import Settings as CodeDeploySettings
from deploy.targets.ecs.settings import Balancer
from deploy.targets.ecs.settings import Settings as EcsSettings
from deploy.targets.lambda_alias.settings import Settings as LambdaSettings
from deploy.targets.load_balancer.settings import Settings as BalancerSettings
from deploy.targets.s3_cloudfront.settings import Settings as SiteSettings
from rules.document import Entry, Node
from watcher.config.configuration import Configured


@dataclass(frozen=True, slots=True)
class Said:
    """What a target's settings say: the value as a pack needs it (a list as it is written), and by which keys it is found there."""

    value: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stack:
    """What runs on one kind of target.

    Attributes:
        packs: Those that are made for it, with the parameters that the target may say.
        says: What settings say, by parameter.
        usual: The pack by which a service is watched that names none; ``None``: the settings do not say enough.
        lacks: What they do not say then, and the remedy.
    """

    packs: Mapping[str, tuple[str, ...]]
    says: Callable[[Any], Mapping[str, Said]]
    usual: Callable[[Any], str | None]
    lacks: tuple[str, str]


def _ecs_says(settings: EcsSettings) -> Mapping[str, Said]:
    said = {
        "cluster": Said(settings.cluster_name, ("cluster",)),
        "service": Said(settings.service_name, ("service",)),
    }
    if not isinstance(settings.behind, Balancer):
        return said
    return said | {
        "load_balancer": Said(settings.behind.load_balancer_name, ("behind", "load_balancer")),
        "target_group": Said(settings.behind.target_group_name, ("behind", "target_group")),
    }


def _ecs_usual(settings: EcsSettings) -> str | None:
    if settings.behind is None:
        return None
    return "ecs" if isinstance(settings.behind, Balancer) else "ecs-worker"


def _lambda_says(settings: LambdaSettings) -> Mapping[str, Said]:
    said = {"function": Said(settings.function_name, ("function",))}
    if settings.alias is not None:
        said["alias"] = Said(settings.alias, ("alias",))
    return {**said, **_beside(settings.traffic)}


def _beside(traffic: str | None) -> Mapping[str, Said]:
    """What follows from a comparison: what is moved at once has nothing beside it, and nothing must wait for one."""
    if traffic is None:
        return {}
    return {"beside": Said("rollback" if traffic == "by_weight" else "tell", ("traffic",))}


def _lambda_usual(settings: LambdaSettings) -> str | None:
    return "lambda" if settings.alias is not None and settings.traffic is not None else None


def _codedeploy_says(settings: CodeDeploySettings) -> Mapping[str, Said]:
    said = {"urls": Said("", ("iis", "urls"))} if settings.iis is not None else {}
    if settings.behind is None:
        return said
    return said | {
        "load_balancer": Said(settings.behind.load_balancer_name, ("behind", "load_balancer")),
        "target_group": Said(settings.behind.target_group_name, ("behind", "target_group")),
    }


def _codedeploy_usual(settings: CodeDeploySettings) -> str | None:
    """What asks each instance knows whose answer it is; a balancer does not."""
    if settings.iis is not None:
        return "iis"
    return "alb" if settings.behind is not None else None


def _beanstalk_says(settings: BeanstalkSettings) -> Mapping[str, Said]:
    if settings.environments is not None:
        return {}  # each of the two has its own: the releases know
    said = {"environment": Said(settings.name, ("environment",))}
    if settings.load_balancer_name is None:
        return said
    return said | {"load_balancer": Said(settings.load_balancer_name, ("load_balancer",))}


def _beanstalk_usual(settings: BeanstalkSettings) -> str | None:
    if settings.load_balancers is not None:
        return "beanstalk-swap"
    return "beanstalk" if settings.load_balancer is not None else None


def _balancer_says(settings: BalancerSettings) -> Mapping[str, Said]:
    where = ("rule",) if settings.rule else ("listener",)
    return {"load_balancer": Said(settings.load_balancer_name, where), **_beside(settings.traffic)}


def _balancer_usual(settings: BalancerSettings) -> str | None:
    return "alb-weighted" if settings.traffic is not None else None


def _site_says(settings: SiteSettings) -> Mapping[str, Said]:
    said = {
        "site": Said(settings.site, ("site",)),
        "url": Said(f"{settings.site}/", ("site",)),
        "distribution": Said(settings.distribution, ("distribution",)),
    }
    return said | ({"account": Said(settings.metrics, ("metrics",))} if settings.metrics else {})


def _site_usual(settings: SiteSettings) -> str | None:
    return "angular" if settings.metrics else None


STACKS: Mapping[str, Stack] = {
    "beanstalk": Stack(
        packs={
            "beanstalk": ("environment", "load_balancer"),
            "beanstalk-swap": (),
            "alb": ("load_balancer",),
        },
        says=_beanstalk_says,
        usual=_beanstalk_usual,
        lacks=(
            "no rules are named, and the pack beanstalk reads the metrics of the environment's load balancer: which is it?",
            (
                "add `load_balancer: app/NAME/ID` (`aws elasticbeanstalk describe-environment-resources` prints its ARN), of two"
                " `environments` `load_balancers: [app/NAME/ID, app/NAME/ID]`; or rules"
            ),
        ),
    ),
    "codedeploy": Stack(
        packs={
            "iis": ("urls",),
            "iis-alb": ("load_balancer", "target_group"),
            "alb": ("load_balancer", "target_group"),
        },
        says=_codedeploy_says,
        usual=_codedeploy_usual,
        lacks=(
            "no rules are named, and CodeDeploy deploys anything: what do its instances run, and what are they behind?",
            (
                'add `iis: {urls: ["http://INSTANCE/health/ready"]}` (one for each instance), `behind: {load_balancer: app/NAME/ID,'
                " target_group: targetgroup/NAME/ID}`, or rules"
            ),
        ),
    ),
    "ecs": Stack(
        packs={
            "ecs": ("cluster", "service", "load_balancer", "target_group"),
            "ecs-worker": ("cluster", "service"),
            "ecs-probe": ("cluster", "service"),
        },
        says=_ecs_says,
        usual=_ecs_usual,
        lacks=(
            'no rules are named, and which pack of ECS is meant is not known: what is this service "behind"?',
            "add `behind: {load_balancer: app/NAME/ID, target_group: targetgroup/NAME/ID}`, `behind: nothing`, or rules",
        ),
    ),
    "lambda": Stack(
        packs={"lambda": ("function", "alias", "beside")},
        says=_lambda_says,
        usual=_lambda_usual,
        lacks=(
            "no rules are named, and which pack of Lambda is meant is not known: how is the alias moved?",
            "add `alias: NAME` and `traffic: by_weight` (a share first) or `traffic: at_once`; or rules, where there is no alias",
        ),
    ),
    "load_balancer": Stack(
        packs={"alb-weighted": ("load_balancer", "beside")},
        says=_balancer_says,
        usual=_balancer_usual,
        lacks=(
            "no rules are named, and by which its pack compares is not known: how are the weights moved?",
            "add `traffic: by_weight` (a share first) or `traffic: at_once`, or rules",
        ),
    ),
    "s3_cloudfront": Stack(
        packs={"angular": ("site", "account", "distribution"), "white-screen": ("url",)},
        says=_site_says,
        usual=_site_usual,
        lacks=(
            "no rules are named, and the pack angular reads CloudFront's metrics, which are in us-east-1 alone: in which account?",
            'add `metrics: NAME`, an account of us-east-1; or `rules: [{pack: white-screen}]`, for pages with `<meta name="release">`',
        ),
    ),
}


@dataclass(frozen=True, slots=True)
class Watched:
    """The layers of a service with the rules by which it is watched.

    Attributes:
        usual: The pack that was taken, for no rules are named; ``None``: they are, or no pack is known.
        lacks: Why no pack is known of a stack that has some, and the remedy; at `at`.
    """

    layers: Node
    usual: str | None = None
    lacks: tuple[str, str] | None = None
    at: Node | None = None


def watched(layers: Node, targets: Mapping[str, Configured]) -> Watched:
    """*layers* (of a service, merged) with what *targets*, its parts, say of the rules."""
    rules = layers.get("rules")
    if rules is not None and rules.content not in ((), {}, None):
        return Watched(_with_rules(layers, _completed(rules, targets)))
    target = next(iter(targets.values())) if len(targets) == 1 else None
    if target is None or target.kind not in STACKS:
        return Watched(layers)
    stack = STACKS[target.kind]
    pack = stack.usual(target.settings)
    if pack is None:
        return Watched(layers, lacks=stack.lacks, at=target.node)
    at = target.node.at
    item = Node(at, {"pack": Entry(at, Node(at, pack, pack))})
    return Watched(_with_rules(layers, _completed(Node(at, (item,)), targets)), pack)


def names_stack(runs_on: Node | None) -> bool:
    """A stack with packs is named there, though it may not be readable."""
    items = runs_on.items() if runs_on is not None else ()
    return any(kind in STACKS for item in items for kind, _ in item.entries())


def _with_rules(layers: Node, rules: Node) -> Node:
    return Node(layers.at, {**dict(layers.entries()), "rules": Entry(rules.at, rules)})


def _completed(rules: Node, targets: Mapping[str, Configured]) -> Node:
    """*rules* with the parameters that nobody gave, as far as one target, and one alone, says them."""
    if not rules.is_list:
        return rules
    of_stacks = [target for target in targets.values() if target.kind in STACKS]
    if len(of_stacks) != 1:
        return rules
    return Node(rules.at, tuple(_with_said(item, of_stacks[0]) for item in rules.items()))


def _with_said(item: Node, target: Configured) -> Node:
    pack, given = item.get("pack"), item.get("with")
    stack = STACKS[target.kind]
    wanted = stack.packs.get(str(pack.content), ()) if pack is not None else ()
    if not wanted or (given is not None and not given.is_mapping):
        return item
    said = stack.says(target.settings)
    entries = dict(given.entries()) if given is not None else {}
    for name in wanted:
        if name not in entries and name in said:
            entries[name] = _entry(target.node, said[name])
    at = given.at if given is not None else item.at
    return Node(item.at, {**dict(item.entries()), "with": Entry(at, Node(at, entries))})


def _entry(settings: Node, said: Said) -> Entry:
    """What was *said*, at the place where it stands in the target's *settings*."""
    node = settings
    for key in said.keys:
        node = node.get(key) or node
    if node.is_list:
        return Entry(node.at, node)
    return Entry(node.at, Node(node.at, said.value, said.value))
