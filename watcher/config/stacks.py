"""The pack of rules of a stack: by which a service is watched that names none, and what its target says of parameters.

Nothing is guessed. What a pack needs and the target does not say is asked for; and where a service has several parts,
nobody knows which of them is meant.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from deploy.targets.ecs.settings import Balancer
from deploy.targets.ecs.settings import Settings as EcsSettings
from rules.document import Entry, Node
from watcher.config.configuration import Configured


@dataclass(frozen=True, slots=True)
class Said:
    """What a target's settings say: the value as a pack needs it, and by which keys it is found there."""

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


STACKS: Mapping[str, Stack] = {
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
    return Entry(node.at, Node(node.at, said.value, said.value))
