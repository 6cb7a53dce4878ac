"""One service in one environment: its layers merged, its references followed, its policy built."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from deploy.model import WHOLE
from deploy.target import HINTS
from deploy.targets.registry import ELSEWHERE
from rules.document import Entry, Mistakes, Node, merged, quoted, unknown
from rules.duration import duration_text
from rules.model import RuleSet
from rules.objectives.fitting import misfits
from watcher.config.beside import Runs, check_told, read_around
from watcher.config.configuration import Account, Configured, Effective, Heard, Key
from watcher.config.gates import check_gate, gating
from watcher.config.mirrors import read_mirrors
from watcher.config.models import NAME, NAME_REMEDY, AskingModel, BakeModel, Layer
from watcher.config.promises import NO_ACCOUNTS, Shelf, read_promises
from watcher.config.references import Referred, refer, refer_each
from watcher.config.rollouts import read_rollout
from watcher.config.sections import read_configured
from watcher.config.stacks import Watched, names_stack, watched
from watcher.core.service import Asking, Bake, Ceilings, Escalation, KnownGood, Mode, Policy, Service, Team

NOBODY = Team("nobody")
_TEMPLATE = re.compile(r"[^$]*(\$\{[a-z][a-z0-9_]*\}[^$]*)*")
_SYSTEM = re.compile(r"[a-z][a-z0-9_]{0,62}")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a service may refer to, and what all services share."""

    shelf: Shelf
    accounts: Mapping[str, Account | None]  # None: there is one of that name, and it cannot be read
    teams: Mapping[str, Team]
    sources: Mapping[str, Configured | None]  # None: as with accounts
    ceilings: Ceilings
    relays: bool  # a sidecar moves nothing, so it need not know what its service runs on
    known: Collection[Key]  # all services, by name and environment
    may_act: bool  # a daemon that remembers nothing acts only when it is told that it is alone


@dataclass(frozen=True, slots=True)
class Built:
    """A service, what it runs on by part, how it is heard, and where all of it stands."""

    service: Service
    targets: Mapping[str, Configured]
    effective: Effective
    heard: tuple[Heard, ...] = ()
    mirrors: tuple[Configured, ...] = ()


def layered(root: Node, environment: str, service: Node) -> Node:
    """Defaults, then the environment, then the service: the last that says something wins, key by key."""
    layers = Node(root.at, {})
    environments = root.get("environments") or layers
    for layer in (root.get("defaults"), environments.get(environment), service):
        layers = merged(layers, layer) if layer is not None and layer.is_mapping else layers
    return Node(service.at, dict(layers.entries()))


def check_layers(root: Node, mistakes: Mistakes) -> None:
    """The defaults and each environment by themselves, though no service may use them yet."""
    environments = root.get("environments")
    layers = [
        root.get("defaults"),
        *(entry.node for _, entry in (environments.entries() if environments else ())),
    ]
    for layer in layers:
        if layer is not None:
            mistakes.read(layer, Layer)


def build_service(key: Key, node: Node, around: Surroundings, mistakes: Mistakes) -> Built | None:
    """The service that *node*, its layers merged, describes; ``None`` where it cannot be read, with all that is wrong."""
    written = mistakes.read(node, Layer)
    account = refer(node.get("account"), "account", around.accounts, mistakes)
    runs_on = node.get("runs_on") if around.relays else _required(node, "runs_on", "[{command: …}]", mistakes)
    targets = read_targets(runs_on, account, around.shelf, mistakes)
    watching = watched(node, targets)
    rules, promises = read_promises(_rules_of(watching, targets, mistakes), account, around.shelf, mistakes)
    team = refer(node.get("team"), "team", around.teams, mistakes)
    referred = list(refer_each(node.get("heard_from"), "source", around.sources, mistakes))
    heard = [heard for each in referred if (heard := _heard(each, targets, around, mistakes)) is not None]
    _check_names(node.get("names"), mistakes)
    rollout = read_rollout(node.get("rollout"), targets, rules, around.shelf.kinds, mistakes)
    mirrors = read_mirrors(node.get("mirror"), account, mistakes)
    if written is None:
        return None
    if not mistakes.problems:  # else the queries may be such that nobody knows their buckets
        _check_bake(written.bake.at_most, rules, promises, around.shelf, mistakes)
    if team:
        _check_escalation(node.get("team") or node, around.teams[team], written.asking, mistakes)
    if written.mode is not Mode.SHADOW:
        _check_may_act(node, targets, around, mistakes)
        _check_movable(targets, around.shelf, mistakes)
    runs = Runs(account, tuple(targets.values()), around.shelf.kinds, around.accounts)
    beside = read_around(node.get("changes"), written.changes, runs, around.sources, mistakes)
    check_told(beside, rules, promises, around.shelf.kinds, mistakes)
    service = Service(
        name=key[0],
        environment=key[1],
        policy=replace(
            _policy(written, rules, around.ceilings, around.teams[team].escalation if team else None),
            rollout=rollout,
            lingers=any(
                around.shelf.kinds.targets[each.kind].lingers(each.settings) for each in targets.values()
            ),
        ),
        parts=tuple(targets),
        team=around.teams[team] if team else NOBODY,
        heard_from=tuple(dict.fromkeys(each.name for each in referred))
        if node.get("heard_from")
        else tuple(around.sources),
        names=dict(written.names),
        reads_live=written.reads_live,
        alone=around.may_act,
        around=beside,
        gate=gating(written.gate),
    )
    check_gate(node, key, service.gate, around.known, mistakes)
    return Built(
        service, targets, Effective(watching.layers, promises, watching.usual), tuple(heard), mirrors
    )


def _rules_of(watching: Watched, targets: Mapping[str, Configured], mistakes: Mistakes) -> Node | None:
    """The rules that are named, or those of the stack; what is lacking is told once."""
    if watching.lacks is not None and watching.at is not None:
        mistakes.add(watching.at, *watching.lacks)
        return None
    if not targets and names_stack(watching.layers.get("runs_on")):
        return watching.layers.get("rules")  # what is wrong with the target is told, and it may say the rest
    return _required(watching.layers, "rules", "[{file: …}]", mistakes)


def _check_bake(
    at_most: timedelta, rules: RuleSet, promises: Mapping[str, Node], shelf: Shelf, mistakes: Mistakes
) -> None:
    """A watch that ends before a breach could be told would see nothing."""
    for rule in rules.rules:
        if rule.indicator is None:
            continue
        indicator = rules.indicator(rule.indicator)
        bucket = shelf.kinds.providers[indicator.provider].bucket(indicator)
        for why, remedy in misfits(rule, bucket, at_most):
            mistakes.add(promises[rule.id], why, remedy)


def _bake(written: BakeModel) -> Bake:
    early = written.pass_early.value() if written.pass_early else None
    return Bake(written.at_least, written.at_most, written.runs, early)


def _check_escalation(at: Node, team: Team, asking: AskingModel, mistakes: Mistakes) -> None:
    """What is over before anybody is called calls nobody."""
    if team.escalation is None:
        return
    after = team.escalation.after
    for stands, what, key in (
        (asking.lasting, "a question stands", "for"),
        (asking.stuck, "a rollback stays stuck", "stuck"),
    ):
        if after >= stands:
            words = f"team {team.name} escalates after {duration_text(after)}, and {what} for {duration_text(stands)}"
            mistakes.add(
                at,
                words,
                f"write a shorter `escalate: {{after}}` in the team, or a longer `asking: {{{key}}}`",
            )


def _policy(written: Layer, rules: RuleSet, ceilings: Ceilings, escalation: Escalation | None) -> Policy:
    return Policy(
        rules=rules,
        mode=written.mode,
        false_rollback_probability=written.false_rollback_probability,
        bake=_bake(written.bake),
        rollout_timeout=written.rollout_timeout,
        move_timeout=written.move_timeout,
        countdown=written.countdown,
        asking=Asking(written.asking.lasting, written.asking.then, written.asking.stuck),
        speak=written.speak,
        known_good=KnownGood(written.known_good.served_after, written.known_good.may_cross),
        ceilings=ceilings,
        escalation=escalation,
    )


def _required(node: Node, key: str, example: str, mistakes: Mistakes) -> Node | None:
    found = node.get(key)
    if found is None or found.content in ((), {}, None):
        mistakes.add(
            node.at.inside(key, node.at.line, node.at.column),
            f'"{key}" is missing',
            f"add `{key}: {example}`",
        )
    return found


def read_targets(
    section: Node | None, account: str | None, shelf: Shelf, mistakes: Mistakes
) -> dict[str, Configured]:
    """What a service runs on, by part: a list names its parts by their kinds, a mapping by its keys."""
    kinds = shelf.kinds
    known = {name: kind.settings for name, kind in kinds.targets.items()}
    targets: dict[str, Configured] = {}
    for part, node in _parts(section, known, mistakes):
        if _is_elsewhere(node, mistakes):
            continue
        target = read_configured(node, "target", known, kinds.later_targets, mistakes)
        if target is None:
            continue
        if kinds.targets[target.kind].on_aws:
            target = replace(target, account=account)
            if account is None and not shelf.accounts:
                mistakes.add(node, f"{target.kind} needs an account", NO_ACCOUNTS)
            elif account is None:
                mistakes.add(node, f"{target.kind} needs an account", f"add `account: {min(shelf.accounts)}`")
        targets[part] = target
    return targets


def _is_elsewhere(node: Node, mistakes: Mistakes) -> bool:
    """It is a platform that has its own, and who asks is told of that."""
    found = [(kind, entry.key) for kind, entry in node.entries() if kind in ELSEWHERE]
    for kind, at in found:
        mistakes.add(at, f"rollbackd has no target for {kind}", ELSEWHERE[kind])
    return bool(found)


def _check_may_act(
    node: Node, targets: Mapping[str, Configured], around: Surroundings, mistakes: Mistakes
) -> None:
    """A service that may be moved needs the right to move it; shadow never does."""
    for name in sorted({target.account for target in targets.values() if target.account is not None}):
        account = around.accounts.get(name)
        if account is not None and account.act is None:
            mode = node.get("mode")
            words = mode.content if mode else "this mode"
            mistakes.add(
                mode or node,
                f"{words} has to act, and the account {quoted(name)} has no role to act",
                f"add `act:` to `accounts.{name}`, or write mode: shadow",
            )


def _check_movable(targets: Mapping[str, Configured], shelf: Shelf, mistakes: Mistakes) -> None:
    """What cannot be put back cannot be asked for either; shadow watches it."""
    for target in targets.values():
        wrong = shelf.kinds.targets[target.kind].immovable(target.settings)
        if wrong is not None:
            words, remedy = wrong
            mistakes.add(target.node, words, f"{remedy}; or write mode: shadow")


def _parts(section: Node | None, known: Collection[str], mistakes: Mistakes) -> list[tuple[str, Node]]:
    if section is None:
        return []
    if section.is_mapping:
        return _named_parts(section, known, mistakes)
    items = section.items()
    if section.is_scalar and section.content is not None:
        mistakes.add(section, "expected a list of targets", "write [{command: …}]")
    if len(items) == 1:
        return [(WHOLE, items[0])]
    names = [next((kind for kind, _ in item.entries()), "") for item in items]
    if len(set(names)) < len(names):
        mistakes.add(
            section,
            "two parts of one kind need names",
            "write runs_on: {api: {command: …}, worker: {command: …}}",
        )
    return list(zip(names, items, strict=True))


def _named_parts(section: Node, known: Collection[str], mistakes: Mistakes) -> list[tuple[str, Node]]:
    entries: list[tuple[str, Entry]] = list(section.entries())
    if len(entries) == 1 and entries[0][0] in known:
        mistakes.add(section, "expected a list of targets", f"write [{{{entries[0][0]}: …}}]")
        return []
    for part, entry in entries:
        if not NAME.fullmatch(part):
            mistakes.add(entry.key, f"{quoted(part)} cannot name a part", NAME_REMEDY)
    return [(part, entry.node) for part, entry in entries]


def _heard(
    referred: Referred, parts: Collection[str], around: Surroundings, mistakes: Mistakes
) -> Heard | None:
    """How a service is heard from a source, where that is narrowed to what is the service's."""
    source = around.sources[referred.name]
    if source is None:
        return None
    kind, node = around.shelf.kinds.sources[source.kind], referred.narrowing
    if node is not None and kind.narrowing is None:
        mistakes.add(node, f"the source {quoted(referred.name)} cannot be narrowed", f"write {referred.name}")
        return None
    narrowing = mistakes.read(node, kind.narrowing) if node is not None and kind.narrowing else None
    if node is not None and narrowing is None:
        return None
    wrong = kind.unfit(source.settings, narrowing)
    if wrong is not None:
        where = (node.get("repository") or node) if node is not None else referred.at
        mistakes.add(where, wrong[0], wrong[1].replace("SOURCE", referred.name))
    if node is None or narrowing is None:
        return None
    for _, part in kind.heard_at(narrowing):
        if part is not None and part not in parts:
            mistakes.add(node.get("part") or node, *unknown("part", part, parts))
            break
    return Heard(referred.name, narrowing, node)


def _check_names(section: Node | None, mistakes: Mistakes) -> None:
    for system, entry in section.entries() if section else ():
        if not _SYSTEM.fullmatch(system) or system in HINTS:
            mistakes.add(
                entry.key, f"{quoted(system)} cannot name a signal system", "write a name such as sentry"
            )
        if isinstance(entry.node.content, str) and not _TEMPLATE.fullmatch(entry.node.content):
            mistakes.add(
                entry.node, "not a template", "write text with ${name} in it, such as checkout@${tag}"
            )
