"""How a rollout of a service goes forward: what is written, as its policy, and whether what it runs on can do that."""

from collections.abc import Mapping

from rules.document import Mistakes, Node
from watcher.config.configuration import Configured
from watcher.config.kinds import Kinds
from watcher.config.rollout_models import RolloutModel
from watcher.core.service import Hooks, Mode, Rollout, Stage


def read_rollout(
    node: Node | None, targets: Mapping[str, Configured], kinds: Kinds, mistakes: Mistakes
) -> Rollout:
    """The policy that is written under `rollout:`; what is usual where nothing is, or where it is wrong."""
    written = mistakes.read(node, RolloutModel) if node is not None else None
    if node is None or written is None:
        return Rollout()
    if targets:
        _check(node, written, targets, kinds, mistakes)
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
    )


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
        wrong = kinds.targets[target.kind].unstaged(target.settings)
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
