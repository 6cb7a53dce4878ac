"""How ECS deploys a service: task by task, or by moving traffic to what stands beside; in which steps, and where it stops for a word.

``BLUE_GREEN`` gives the new tasks all the traffic at once, ``CANARY`` in two steps, ``LINEAR`` in equal ones. The old tasks stand until the
end of the bake time that follows. At a hook of the type ``PAUSE`` a deployment waits for ``ContinueServiceDeployment``; one before
``PRE_PRODUCTION_TRAFFIC_SHIFT`` is met before every step, each time under another id. A hook of the type ``AWS_LAMBDA`` asks a function.

Source:
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html for the values and their defaults
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/pause-lifecycle-hooks.html
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

ROLLING, BLUE_GREEN, LINEAR, CANARY = "ROLLING", "BLUE_GREEN", "LINEAR", "CANARY"
SHIFTING = frozenset({BLUE_GREEN, LINEAR, CANARY})
PAUSE = "PAUSE"
# Nothing of the new release runs there yet.
BEFORE_IT_RUNS = frozenset({"RECONCILE_SERVICE", "PRE_SCALE_UP"})
# All its traffic is there, and no hook comes any more.
AFTER_ALL_HOOKS = frozenset({"BAKE_TIME", "CLEAN_UP"})
# Where it says so, how its members begin, and what is so unless it does: percent, minutes.
_STEPS: Mapping[str, tuple[str, str, float, int]] = {
    LINEAR: ("linearConfiguration", "step", 10.0, 6),
    CANARY: ("canaryConfiguration", "canary", 5.0, 10),
}


@dataclass(frozen=True, slots=True)
class Hook:
    """Where a deployment stops until somebody, or a function, lets it go on.

    Attributes:
        kind: ``PAUSE`` or ``AWS_LAMBDA``.
        stages: At which it is met.
        within: For how long it waits; unless told otherwise a day.
        goes_back: What ECS does then, unless told otherwise: roll back; else go on.
        function: Which function is asked, if one is.
    """

    kind: str
    stages: tuple[str, ...]
    within: timedelta = timedelta(days=1)
    goes_back: bool = True
    function: str = ""


@dataclass(frozen=True, slots=True)
class Strategy:
    """How a service is deployed.

    Attributes:
        bake: For how long the old tasks stand after the new ones have all the traffic.
        step: Percent of the traffic: of each step (``LINEAR``), of the first (``CANARY``).
        step_bake: For how long ECS stays at a step.
    """

    name: str = ROLLING
    bake: timedelta = timedelta(0)
    step: float = 100.0
    step_bake: timedelta = timedelta(0)
    hooks: tuple[Hook, ...] = ()

    @property
    def is_known(self) -> bool:
        """This version knows what it does."""
        return self.name == ROLLING or self.shifts

    @property
    def shifts(self) -> bool:
        """Traffic is moved to new tasks that stand beside the old ones."""
        return self.name in SHIFTING

    @property
    def pauses(self) -> tuple[str, ...]:
        """The stages at which it waits for a word."""
        stages = (stage for hook in self.hooks if hook.kind == PAUSE for stage in hook.stages)
        return tuple(dict.fromkeys(stages))

    @property
    def shifts_for(self) -> timedelta:
        """From the first traffic until all of it is moved, hooks apart."""
        steps = math.ceil(100 / self.step) if self.name == LINEAR else 2
        return self.step_bake * (steps - 1)

    def told(self) -> str:
        """In words: how the traffic is moved."""
        minutes = f"{self.step_bake.total_seconds() / 60:.0f} min"
        if self.name == LINEAR:
            return f"{self.step:g} % of the traffic every {minutes}"
        if self.name == CANARY:
            return f"{self.step:g} % of the traffic, and all of it after {minutes}"
        return "all the traffic at once"


def strategy_of(told: Mapping[str, Any]) -> Strategy:
    """A ``DeploymentConfiguration``."""
    name = str(told.get("strategy") or ROLLING)
    member, kind, percent, minutes = _STEPS.get(name, ("", "", 100.0, 0))
    steps = told.get(member) or {}
    return Strategy(
        name=name,
        bake=timedelta(minutes=int(told.get("bakeTimeInMinutes") or 0)),
        step=float(steps.get(f"{kind}Percent", percent)),
        step_bake=timedelta(minutes=int(steps.get(f"{kind}BakeTimeInMinutes", minutes))),
        hooks=tuple(map(_hook, told.get("lifecycleHooks", ()))),
    )


def _hook(told: Mapping[str, Any]) -> Hook:
    waits = told.get("timeoutConfiguration", {})
    return Hook(
        kind=str(told.get("targetType") or "AWS_LAMBDA"),
        stages=tuple(map(str, told.get("lifecycleStages", ()))),
        within=timedelta(minutes=int(waits.get("timeoutInMinutes", 24 * 60))),
        goes_back=waits.get("action", "ROLLBACK") != "CONTINUE",
        function=str(told.get("hookTargetArn", "")).rpartition(":")[2],
    )
