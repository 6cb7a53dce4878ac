"""What is in force for a service, with file and line of each value. Secrets are references here too, and stay so."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from rules.brief import PassEarly
from rules.combine import ACTING
from rules.document import Node, Place, quoted
from rules.duration import duration_text, share_text
from rules.model import PROMISES
from rules.objectives.proof import is_provable
from watcher.config.configuration import Configuration, Key
from watcher.core.service import Mode, Policy, Service

BUILT_IN = "built in"


@dataclass(frozen=True, slots=True)
class Row:
    """One value: its key, how it is written, and ``file:line`` (or that nobody wrote it)."""

    key: str
    value: str
    where: str


def explain(configuration: Configuration, key: Key) -> tuple[Row, ...]:
    """All that is in force for one service, its rules last.

    Raises:
        KeyError: The configuration has no such service.
    """
    service, effective = configuration.services[key], configuration.effective[key]
    written = {row.key: row for row in _leaves(effective.layers, "")}
    ceilings = configuration.daemon.written and configuration.daemon.written.get("ceilings")
    written |= {row.key: row for row in (_leaves(ceilings, "ceilings") if ceilings else ())}
    unwritten = [Row(name, value, BUILT_IN) for name, value in _in_force(service) if name not in written]
    rules = [row for name, node in effective.promises.items() for row in _leaves(node, f"rule {name}")]
    return (*sorted([*written.values(), *unwritten], key=lambda row: row.key), *rules)


def wrong_rollbacks(policy: Policy, deployments: float) -> float:
    """How many rollbacks of good releases the setting allows, on average, in so many *deployments*; at most."""
    return policy.false_rollback_probability * deployments if policy.mode is Mode.AUTO else 0.0


def without_promise(policy: Policy) -> tuple[str, ...]:
    """Ids of the rules that roll back and promise nothing: what they do wrongly is not in `wrong_rollbacks`."""
    members = {name for rule in policy.rules.rules for name in rule.all_of}
    return tuple(
        rule.id
        for rule in policy.rules.rules
        if rule.on_breach == "rollback"
        and rule.id not in members
        and rule.judge
        and rule.judge.kind not in PROMISES
    )


def holds_up(policy: Policy) -> tuple[str, ...]:
    """Names of the rules that act and can never be proven well: with one of them no bake ends early; none where that is off."""
    rules = policy.rules.rules
    members = {name for rule in rules for name in rule.all_of}
    if policy.bake.pass_early is None:
        return ()
    return tuple(
        rule.name
        for rule in rules
        if rule.on_breach in ACTING and rule.id not in members and not is_provable(rule, rules)
    )


def _in_force(service: Service) -> Iterator[tuple[str, str]]:
    policy = service.policy
    yield "mode", policy.mode.value
    yield "false_rollback_probability", share_text(policy.false_rollback_probability)
    yield "bake.at_least", duration_text(policy.bake.at_least)
    yield "bake.at_most", duration_text(policy.bake.at_most)
    yield from _of_early(policy.bake.pass_early)
    yield "rollout_timeout", duration_text(policy.rollout_timeout)
    yield from _of_rollout(policy)
    yield "move_timeout", duration_text(policy.move_timeout)
    yield "countdown", duration_text(policy.countdown)
    yield "asking.for", duration_text(policy.asking.lasting)
    yield "asking.then", policy.asking.then.value
    yield "asking.stuck", duration_text(policy.asking.stuck)
    yield "speak", policy.speak.value
    yield "known_good.served_after", duration_text(policy.known_good.served_after)
    yield "known_good.may_cross", str(policy.known_good.may_cross)
    yield "ceilings.service_per_day", str(policy.ceilings.service_per_day)
    yield "ceilings.fleet_per_hour", str(policy.ceilings.fleet_per_hour)
    yield "team", service.team.name
    yield "heard_from", json.dumps(list(service.heard_from))
    yield "reads_live", duration_text(service.reads_live)


def _of_rollout(policy: Policy) -> Iterator[tuple[str, str]]:
    told = policy.rollout
    yield "rollout.hooks", told.hooks.value
    if not told.stages:
        yield "rollout.stages", "none"
    yield "rollout.bake.at_least", duration_text(told.at_least)
    yield "rollout.bake.at_most", duration_text(told.at_most)
    yield "rollout.forward", (told.forward or policy.mode).value
    yield "rollout.before_traffic", told.before_traffic.value
    if (warm_up := told.warm_up) is None:
        yield "rollout.warm_up", "none"
        return
    yield "rollout.warm_up.probe", warm_up.probe or "none: the platform's word"
    yield "rollout.warm_up.answers", str(warm_up.answers)
    yield "rollout.warm_up.instances", str(warm_up.instances)
    yield "rollout.warm_up.within", duration_text(warm_up.within)


def _of_early(early: PassEarly | None) -> Iterator[tuple[str, str]]:
    if early is None:
        yield "bake.pass_early", "off"
        return
    yield "bake.pass_early.worse_than.ratio", f"{early.worse_than.ratio:g}"
    yield "bake.pass_early.worse_than.plus", share_text(early.worse_than.plus)
    yield "bake.pass_early.miss_probability", share_text(early.miss_probability)


def _leaves(node: Node, key: str) -> Iterator[Row]:
    """The values below *node*; a list of scalars is one of them."""
    if node.is_scalar or _is_flat(node):
        yield Row(key, _text(node), _where(node.at))
    for name, entry in node.entries():
        yield from _leaves(entry.node, f"{key}.{name}" if key else name)
    if not _is_flat(node):
        for index, item in enumerate(node.items()):
            yield from _leaves(item, f"{key}[{index}]")


def _is_flat(node: Node) -> bool:
    """An empty mapping, or a list of nothing but scalars."""
    return node.content == {} or (node.is_list and all(item.is_scalar for item in node.items()))


def _text(node: Node) -> str:
    if not node.is_scalar:
        return json.dumps(node.plain(), ensure_ascii=False)
    if node.content is None:
        return "null"
    text = node.text or ""
    return text if text.isprintable() and text else quoted(text)


def _where(place: Place) -> str:
    return f"{place.file}:{place.line}"
