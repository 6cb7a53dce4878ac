"""What there is to be said of how a service is deployed, before it matters: above all of the hooks at which it waits. Pure."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from deploy.model import About, Finding, Level
from deploy.target import AtHook, Waits
from deploy.targets.aws.owning import of_a_stack
from deploy.targets.ecs.service import Service
from deploy.targets.ecs.strategy import BEFORE_IT_RUNS, PAUSE, Hook, Strategy

LAST_HOOK = (
    "POST_PRODUCTION_TRAFFIC_SHIFT"  # the last stage that can have one: the old tasks still stand there
)
_ON_TIMEOUT = {True: "ECS rolls the deployment back", False: "ECS lets the deployment go on"}


def examine(service: Service) -> Sequence[Finding]:
    """What was found; at least that nothing is wrong."""
    if not service.is_ours:
        return []  # said as an obstacle
    strategy = service.strategy
    found = [each for hook in strategy.hooks for each in _of_a_hook(hook)]
    found += _of_the_bake(strategy)
    found += of_a_stack(dict(service.tags), f"the service {service.name}")
    if found:
        return found
    waits = f", and waits for a word at {', '.join(strategy.pauses)}" if strategy.pauses else ""
    return [Finding(Level.OK, f"it is deployed by {strategy.name}{waits}", about=About.DEPLOYING)]


def _of_a_hook(hook: Hook) -> Iterator[Finding]:
    at = ", ".join(hook.stages)
    if hook.kind != PAUSE:
        yield Finding(
            Level.WARN,
            f"its hook at {at} asks the function {hook.function or hook.kind}, and not this daemon",
            "to have the daemon decide there, make it a hook of the type PAUSE; else leave it",
            about=About.DEPLOYING,
        )
        return
    if not hook.goes_back:
        yield Finding(
            Level.WARN,
            f"its hook at {at} goes on by itself after {minutes(hook.within)}: a daemon that is dead would let a bad release pass",
            "set `timeoutConfiguration: {action: ROLLBACK}`",
            about=About.DEPLOYING,
        )
    if early := [stage for stage in hook.stages if stage in BEFORE_IT_RUNS]:
        yield Finding(
            Level.WARN,
            f"its hook at {', '.join(early)} waits before anything of the new release runs: there is nothing to judge it by",
            "take that stage out, or put POST_SCALE_UP or a later one in its place",
            about=About.DEPLOYING,
        )


def _of_the_bake(strategy: Strategy) -> Iterator[Finding]:
    if strategy.shifts and not strategy.bake and LAST_HOOK not in strategy.pauses:
        yield Finding(
            Level.WARN,
            "its old tasks are taken away as soon as the traffic is moved: from then on the way back starts them anew, which takes minutes",
            "set `bakeTimeInMinutes`, or let a PAUSE hook wait at POST_PRODUCTION_TRAFFIC_SHIFT",
            about=About.DEPLOYING,
        )


def waits_of(strategy: Strategy) -> Waits:
    """For how long ECS waits, by *strategy*."""
    hooks = tuple(
        AtHook(stage, hook.within, hook.goes_back, _ON_TIMEOUT[hook.goes_back])
        for hook in strategy.hooks
        if hook.kind == PAUSE
        for stage in hook.stages
    )
    held = (each.within for each in hooks if each.stage == LAST_HOOK)
    return Waits(hooks, strategy.bake + max(held, default=timedelta(0)) if strategy.shifts else None)


def minutes(span: timedelta) -> str:
    """In words."""
    return f"{span.total_seconds() / 60:.0f} min"
