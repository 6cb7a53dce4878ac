"""How a rollout of a service goes forward: what is written, as its policy, and whether what it runs on can do that."""

from collections.abc import Mapping

from rules.document import Mistakes, Node
from rules.model import Kind, RuleSet
from watcher.config.configuration import Configured
from watcher.config.kinds import Kinds
from watcher.config.rollout_models import LEAST_SHARE, RolloutModel, WarmUpModel
from watcher.core.service import Hooks, Mode, Rollout, Stage, WarmUp


def read_rollout(
    node: Node | None,
    targets: Mapping[str, Configured],
    rules: RuleSet,
    kinds: Kinds,
    mistakes: Mistakes,
) -> Rollout:
    """The policy that is written under `rollout:`; what is usual where nothing is, or where it is wrong."""
    written = mistakes.read(node, RolloutModel) if node is not None else None
    if node is None or written is None:
        return Rollout()
    if targets:
        _check(node, written, targets, kinds, mistakes)
    if written.warm_up is not None:
        _check_warm_up(node.get("warm_up") or node, written.warm_up, targets, rules, kinds, mistakes)
    return _rollout(written)


def _rollout(written: RolloutModel) -> Rollout:
    """The policy that is written."""
    return Rollout(
        hooks=written.hooks,
        stages=tuple(Stage(each.share, each.bake, each.at_most) for each in written.stages),
        at_least=written.bake.at_least,
        at_most=written.bake.at_most,
        forward=Mode(written.forward) if written.forward else None,
        before_traffic=written.before_traffic,
        warm_up=_warm_up(written.warm_up) if written.warm_up else None,
    )


def _warm_up(written: WarmUpModel) -> WarmUp:
    return WarmUp(written.probe, written.answers, written.instances, written.within)


def _check(
    node: Node,
    written: RolloutModel,
    targets: Mapping[str, Configured],
    kinds: Kinds,
    mistakes: Mistakes,
) -> None:
    """Stages need a target whose traffic can be shared out, and it alone; hooks one whose platform has them."""
    stages = node.get("stages") or node
    if written.stages and len(targets) > 1:
        mistakes.add(
            stages,
            f"the traffic of a service of {len(targets)} parts is not shared out by rollbackd",
            "give the part that takes the traffic a service of its own, or remove `stages`",
        )
    elif written.stages:
        (target,) = targets.values()
        kind = kinds.targets[target.kind]
        wrong = kind.unstaged(target.settings) or _too_fine(kind.least_share, written)
        if wrong is not None:
            mistakes.add(stages, f"{target.kind}: {wrong[0]}", wrong[1])
    if written.hooks is Hooks.ANSWER and not any(
        kinds.targets[each.kind].hooked for each in targets.values()
    ):
        hooked = sorted(name for name, kind in kinds.targets.items() if kind.hooked)
        mistakes.add(
            node.get("hooks") or node,
            f"{' and '.join(sorted({each.kind for each in targets.values()}))} has no hooks that rollbackd can answer",
            f"write hooks: leave; hooks are answered on {', '.join(hooked) or 'nothing in this version'}",
        )


def _too_fine(least: float, written: RolloutModel) -> tuple[str, str] | None:
    """A share that its platform cannot give, and the remedy; as fine as any may be is fine enough."""
    if least <= LEAST_SHARE:
        return None
    for stage in written.stages:
        steps = stage.share / least
        if abs(steps - round(steps)) > _ROUNDED:
            near = max(round(steps), 1) * least
            return (
                f"it shares out in steps of {least:.0%}, and {stage.share:.4g} is none",
                f"write {near:.0%}",
            )
    return None


_ROUNDED = 1e-6


def _check_warm_up(
    node: Node,
    written: WarmUpModel,
    targets: Mapping[str, Configured],
    rules: RuleSet,
    kinds: Kinds,
    mistakes: Mistakes,
) -> None:
    """Somebody has to say that the release is warm: a probe that a rule looks at, or the platform."""
    judged = {rule.indicator for rule in rules.rules}
    probes = sorted(each.id for each in rules.indicators if each.kind is Kind.PROBE and each.id in judged)
    if written.probe is not None and written.probe not in probes and (rules.rules or not mistakes.problems):
        mistakes.add(
            node.get("probe") or node,
            f"no rule of this service looks at a probe that is called {written.probe}",
            f"name one of {', '.join(probes)}"
            if probes
            else "write an indicator of the kind `probe`, and a rule that looks at it",
        )
    blind = next((each for each in rules.indicators if each.id == written.probe in probes), None)
    if blind is not None and "${arm." not in blind.query:
        mistakes.add(
            node.get("probe") or node,
            f"the probe {blind.id} does not tell releases apart: what serves would answer for what is to be warmed up",
            'write `expect: {version: {header: X-Release, equals: "${arm.version}"}}` at the probe, or addresses of the release alone',
        )
    if (
        written.probe is None
        and targets
        and not any(kinds.targets[each.kind].stands_by for each in targets.values())
    ):
        told = sorted(name for name, kind in kinds.targets.items() if kind.stands_by)
        mistakes.add(
            node,
            f"{' and '.join(sorted({each.kind for each in targets.values()}))} does not say whether a release is warm",
            f"write `probe:`, the name of a probe; {', '.join(told) or 'nothing in this version'} says it without",
        )
