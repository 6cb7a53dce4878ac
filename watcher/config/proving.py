"""What it means that a release passed in an environment: what looked at it there, by the rules that this has.

Where production goes by staging without a person, *passed* has to mean more than that some rule had nothing to say: its tasks live, and somebody has used
it (`gate: {passed_by: …}`).
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace

from rules.combine import ACTING
from rules.model import Indicator, Kind, Rule, RuleSet
from watcher.config.configuration import Configured, Key
from watcher.core.service import Approval, Look, Service

# Whose tasks somebody tells of: the kind of the target, and the provider. What CodeDeploy deploys its settings do not say.
ECS, TASKS = "ecs", "ecs_tasks"
REMEDIES = {
    Look.SMOKE: "add a smoke suite (`steps`), or a probe of its health (`http`) or its page (`page`), with `on_breach: rollback` or `ask`",
    Look.TASKS: "add a rule on its tasks (`ecs_tasks`), as the packs ecs and ecs-worker have it, for each part that runs on ECS",
}


def with_proofs(
    services: Mapping[Key, Service], targets: Mapping[Key, Mapping[str, Configured]]
) -> dict[Key, Service]:
    """*services*, each with what nothing looks at in the environments that come before it. One that is not there is told elsewhere."""
    return {
        key: replace(
            service, gate=replace(service.gate, unlooked=tuple(_unlooked(service, services, targets)))
        )
        for key, service in services.items()
    }


def _unlooked(
    service: Service, services: Mapping[Key, Service], targets: Mapping[Key, Mapping[str, Configured]]
) -> Iterator[tuple[str, Look]]:
    gate = service.gate
    if gate.approval is Approval.PERSON:
        return
    for environment in gate.after:
        before = services.get((service.name, environment))
        if before is not None:
            looks = _looks(before.policy.rules, targets[before.key])
            yield from ((environment, look) for look in gate.passed_by if not looks[look])


def acted_on(rules: RuleSet) -> Iterator[tuple[Rule, Indicator]]:
    """Those of *rules* with an indicator that act, or that another acts on (`all_of`); each with it."""
    acting = [rule for rule in rules.rules if rule.on_breach in ACTING]
    members = {member for rule in acting for member in rule.all_of}
    for rule in rules.rules:
        if rule.indicator is not None and (rule.on_breach in ACTING or rule.id in members):
            yield rule, rules.indicator(rule.indicator)


def _looks(rules: RuleSet, targets: Mapping[str, Configured]) -> Mapping[Look, bool]:
    """What *rules* that can act look at. Where no part has tasks, there is nothing to look at; where several have, at those of each."""
    looked_at = [indicator for _, indicator in acted_on(rules)]
    seen = {json.loads(each.query)["service"] for each in looked_at if each.provider == TASKS}
    run = {dict(each.settings)["service"] for each in _on_ecs(targets)}
    return {
        Look.SMOKE: any(each.kind is Kind.PROBE for each in looked_at),
        Look.TASKS: {service.rpartition("/")[2] for service in run} <= seen,
    }


def _on_ecs(targets: Mapping[str, Configured]) -> list[Configured]:
    return [each for each in targets.values() if each.kind == ECS]


def asked_about(
    services: Mapping[Key, Service], targets: Mapping[Key, Mapping[str, Configured]]
) -> Iterator[tuple[Key, str, str]]:
    """Of each service that what passed before it does not enter by itself: which it is, why, and the remedy."""
    for key, service in services.items():
        before = [targets.get((service.name, each), {}) for each in service.gate.after]
        idle = frozenset[Look]() if any(map(_on_ecs, before)) else frozenset({Look.TASKS})
        for environment, look in service.gate.unlooked:
            words = f"what passed in {environment} goes on only by a person's word: no rule that can act there {_DOES[look]}"
            yield key, words, f"{REMEDIES[look]}; or write `gate: {{passed_by: {_without(service, idle)}}}`"


_DOES = {Look.SMOKE: "uses the service", Look.TASKS: "looks at its tasks"}


def _without(service: Service, idle: frozenset[Look]) -> str:
    """What the gate may still ask for; nothing that is *idle*, as tasks are where none run."""
    lacks = idle.union(each for _, each in service.gate.unlooked)
    return f"[{', '.join(each.value for each in service.gate.passed_by if each not in lacks)}]"
