"""What a service runs, as the daemon wants to know it; and what forbids that the machine moves it."""

from collections.abc import Mapping
from datetime import UTC, datetime

from deploy.errors import AwsRefused
from deploy.model import Live, Release, Unreadable
from deploy.targets.aws.wording import refusal
from deploy.targets.ecs.history import COMING, GOING_BACK
from deploy.targets.ecs.looking import Untold, View, revision_of_rollout
from deploy.targets.ecs.reading import Reader
from deploy.targets.ecs.service import Rollout, Service
from deploy.targets.ecs.trace import our_move

_EVER = datetime.min.replace(tzinfo=UTC)


async def live(reader: Reader, view: View) -> Live | Unreadable:
    """What *view* shows. Where ECS moves traffic by weights, these are read too."""
    try:
        weights = await _weights(reader, view) if _has_weights(view.service) else None
    except AwsRefused as refused:
        return Unreadable(refusal(refused))
    return live_of(view, weights)


def live_of(view: View, weights: Mapping[str, float] | None = None) -> Live | Unreadable:
    """What *view* shows, and *weights* (by release) where traffic is not shared by the number of tasks."""
    service = view.service
    serving, coming = view.of(service.serving), view.of(service.coming)
    if isinstance(coming, Untold):
        return Unreadable(coming.words, coming.awaited)
    if isinstance(serving, Untold):
        return Unreadable(serving.words, serving.awaited)
    ours = our_move(service)
    return Live(
        release=serving,
        in_flight=coming,
        shares=_shares(view) if weights is None else weights,
        key=ours.key if ours else None,
        since=_since(service.coming or service.serving),
        obstacles=obstacles(service),
        broken_off=service.coming is not None and service.coming.state == "FAILED",
    )


def obstacles(service: Service) -> tuple[str, ...]:
    """What forbids that the machine moves *service*: one sentence each, with its remedy."""
    paused = ", ".join(service.pauses)
    said = (
        cannot(service),
        paused
        and f"its deployments pause at {paused} until somebody answers, and a rollback would too: take the PAUSE hook out,"
        " or go back by hand",
        service.desired == 0
        and not service.daemon
        and "it is scaled to nothing, so no release can be seen to serve: scale it up",
    )
    return tuple(words for words in said if words)


def cannot(service: Service) -> str:
    """Why this version cannot move *service* at all; empty where it can."""
    if service.controller == "CODE_DEPLOY":
        return (
            "CodeDeploy deploys it, and ECS itself refuses to: not in this version of the target ecs; name its deployment group by"
            " the target codedeploy, or go back by a deployment of CodeDeploy"
        )
    if service.controller != "ECS":
        return f"its deployment controller is {service.controller}: not in this version; go back by what deploys it"
    if service.strategy != "ROLLING":
        return f"it is deployed by the strategy {service.strategy}: not in this version, which moves ROLLING; go back by hand"
    if service.status != "ACTIVE":
        return f"the service is {service.status}: it is being deleted"
    return ""


def _shares(view: View) -> Mapping[str, float]:
    """By the tasks that run: a balancer gives each the same. Where another hand moves traffic, what is PRIMARY has it."""
    service = view.service
    if service.controller != "ECS":
        return _of_task_sets(view)
    if service.strategy != "ROLLING":
        return {}
    running: dict[str, float] = {}
    for rollout in service.rollouts:
        release = view.of(rollout)
        if isinstance(release, Release):
            running[release.fingerprint] = running.get(release.fingerprint, 0.0) + rollout.running
    total = sum(running.values())
    # Of a release none of whose tasks runs yet no share is told, rather than 0: its tasks may fail before they serve, and it
    # is judged from the beginning of its rollout on.
    return {fingerprint: count / total for fingerprint, count in running.items() if count} if total else {}


def _of_task_sets(view: View) -> Mapping[str, float]:
    serving, coming = view.of(view.service.serving), view.of(view.service.coming)
    shares = {coming.fingerprint: 0.0} if isinstance(coming, Release) else {}
    return shares | ({serving.fingerprint: 1.0} if isinstance(serving, Release) else {})


def _has_weights(service: Service) -> bool:
    return (
        service.controller == "ECS"
        and service.strategy != "ROLLING"
        and service.coming is not None
        and service.deployment is not None
    )


async def _weights(reader: Reader, view: View) -> Mapping[str, float] | None:
    """The shares of the traffic that ECS gives to the releases while it moves them; ``None``: it does not say."""
    service = view.service
    found = await reader.attempts([service.deployment] if service.deployment else [])
    attempt = next((each for each in found if each.status in COMING | GOING_BACK), None)
    if attempt is None or not attempt.weights:
        return None
    shares: dict[str, float] = {}
    for rollout in service.rollouts:
        runs, release = revision_of_rollout(service, rollout, view.revisions), view.of(rollout)
        if runs is not None and isinstance(release, Release):
            shares[release.fingerprint] = attempt.weights.get(runs.arn, 0.0) / 100
    return shares


def _since(ahead: Rollout | None) -> datetime | None:
    return ahead.created if ahead is not None and ahead.created > _EVER else None
