"""The stages of a service deployment, and the PAUSE hooks that hold it in one.

Source:
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/lambda-lifecycle-hooks.html [D]
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from tests.fakes.aws.ecs.deployments import is_scaled, roll_back
from tests.fakes.aws.ecs.state import Hook, ServiceDeployment
from tests.fakes.aws.ecs.turn import Turn

# [U] that a rolling deployment goes through the same stages, but for the shifts of traffic
_ROLLING = ("RECONCILE_SERVICE", "PRE_SCALE_UP", "SCALE_UP", "POST_SCALE_UP", "BAKE_TIME", "CLEAN_UP")
_BLUE_GREEN = (
    *("RECONCILE_SERVICE", "PRE_SCALE_UP", "SCALE_UP", "POST_SCALE_UP"),
    *("TEST_TRAFFIC_SHIFT", "POST_TEST_TRAFFIC_SHIFT", "PRE_PRODUCTION_TRAFFIC_SHIFT"),
    *("PRODUCTION_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT", "BAKE_TIME", "CLEAN_UP"),
)
_BEFORE_A_STEP, _STEP = "PRE_PRODUCTION_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT"
_DAY = 24 * 60  # minutes
_WAITS = "AWAITING_ACTION"


def go_through(turn: Turn) -> None:
    """Go on to the next stages, as far as hooks and tasks allow."""
    while (current := turn.service.current) and current.status == "IN_PROGRESS":
        if not current.entered:
            _enter(turn, current)
            continue
        stages = _BLUE_GREEN if current.blue_green else _ROLLING
        index = stages.index(current.stage)
        if index + 1 == len(stages) or not _is_done(turn, current):
            return
        goes_on = current.stage == _STEP and current.weight < 100
        turn.put_newest(
            stage=_BEFORE_A_STEP if goes_on else stages[index + 1], entered=False, due=None
        )  # [M] before every step of a linear or canary deployment


def hooks_due(turn: Turn) -> None:
    """A hook that nobody answers in time."""
    current = turn.service.current
    for hook in current.hooks if current else ():
        if hook.status == _WAITS and hook.expires_at <= turn.at:
            _end(turn, hook.id, "TIMED_OUT")
            if hook.on_timeout == "ROLLBACK":
                roll_back(turn, "Lifecycle hook timed out.")


def answer(turn: Turn, hook_id: str, action: str) -> None:
    """``ContinueServiceDeployment``. [D] Any ROLLBACK wins."""
    _end(turn, hook_id, "SUCCEEDED" if action == "CONTINUE" else "FAILED")
    if action == "ROLLBACK":
        roll_back(turn, "Lifecycle hook was answered with ROLLBACK.")


def _enter(turn: Turn, current: ServiceDeployment) -> None:
    hooks = [
        _hook(turn, current.stage, each)
        for each in current.configuration.get("lifecycleHooks", [])
        if each.get("targetType") == "PAUSE" and current.stage in each.get("lifecycleStages", [])
    ]
    weight, bake = current.weight, 0
    if current.stage == "BAKE_TIME":
        bake = current.configuration.get("bakeTimeInMinutes", 0)
    if current.stage == _STEP:
        weight, bake = step(current.configuration, current.weight)
    ends = turn.at + timedelta(minutes=bake) if bake else None
    turn.put_newest(entered=True, hooks=(*current.hooks, *hooks), due=ends, weight=weight)
    for hook in hooks:
        turn.tell_hook(hook, "HOOK_AWAITING_ACTION")


def step(configuration: Mapping[str, Any], has: float) -> tuple[float, int]:
    """The percentage of the traffic that follows on *has*, and for how many minutes it stays so. Defaults as the model has them [M]."""
    linear, canary = (
        configuration.get("linearConfiguration", {}),
        configuration.get("canaryConfiguration", {}),
    )
    match configuration.get("strategy"):
        case "LINEAR":
            weight, bake = has + linear.get("stepPercent", 10.0), linear.get("stepBakeTimeInMinutes", 6)
        case "CANARY" if has == 0:
            weight, bake = canary.get("canaryPercent", 5.0), canary.get("canaryBakeTimeInMinutes", 10)
        case _:
            weight, bake = 100.0, 0
    return (weight, bake) if weight < 100 else (100.0, 0)


def _hook(turn: Turn, stage: str, asked: Mapping[str, Any]) -> Hook:
    wait = asked.get("timeoutConfiguration", {})
    expires = turn.at + timedelta(minutes=wait.get("timeoutInMinutes", _DAY))  # [D] a day, then ROLLBACK
    return Hook(f"ecs-pause-{turn.around.draw('hook')[:43]}", stage, expires, wait.get("action", "ROLLBACK"))


def _end(turn: Turn, hook_id: str, status: str) -> None:
    hooks = tuple(replace(each, status=status) if each.id == hook_id else each for each in turn.current.hooks)
    turn.put_newest(hooks=hooks)
    turn.tell_hook(next(each for each in hooks if each.id == hook_id), f"HOOK_{status}")


def _is_done(turn: Turn, current: ServiceDeployment) -> bool:
    if any(hook.status == _WAITS for hook in current.hooks):
        return False
    if current.stage in {"BAKE_TIME", _STEP}:
        return current.due is None or current.due <= turn.at
    if current.stage == "SCALE_UP" and current.blue_green:
        return len(turn.service.ready(current.deployment)) == turn.service.desired
    if current.stage == "SCALE_UP":
        return is_scaled(turn.service, current.deployment, current.configuration)
    return True
