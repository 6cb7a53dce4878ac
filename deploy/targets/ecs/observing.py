"""What a service runs, as the daemon wants to know it; and what forbids that the machine moves it."""

from collections.abc import Mapping
from datetime import UTC, datetime

from deploy.errors import AwsRefused
from deploy.model import Live, Release, Unreadable
from deploy.targets.aws.wording import refusal
from deploy.targets.ecs.history import Attempt
from deploy.targets.ecs.looking import Untold, View, revision_of_rollout, under_way
from deploy.targets.ecs.pausing import pause_of
from deploy.targets.ecs.reading import Reader
from deploy.targets.ecs.service import Rollout, Service
from deploy.targets.ecs.strategy import ROLLING
from deploy.targets.ecs.trace import our_move

_EVER = datetime.min.replace(tzinfo=UTC)


async def live(reader: Reader, view: View, region: str) -> Live | Unreadable:
    """What *view* shows. Where ECS moves traffic by weights, or may wait at a hook, its deployment is read too."""
    try:
        attempt = await under_way(reader, view) if view.service.tells_more else None
    except AwsRefused as refused:
        return Unreadable(refusal(refused))
    return live_of(view, attempt, region)


def live_of(view: View, attempt: Attempt | None, region: str) -> Live | Unreadable:
    """What *view* shows, and what its deployment *attempt* tells besides, if one was read."""
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
        shares=_weights(view, attempt) if attempt and service.strategy.shifts else _shares(view),
        key=ours.key if ours else None,
        since=_since(service.coming or service.serving),
        obstacles=obstacles(service),
        broken_off=service.coming is not None and service.coming.state == "FAILED",
        pause=pause_of(attempt, region) if attempt else None,
    )


def obstacles(service: Service) -> tuple[str, ...]:
    """What forbids that the machine moves *service*: one sentence each, with its remedy."""
    said = (
        cannot(service),
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
    if not service.strategy.is_known:
        return f"it is deployed by the strategy {service.strategy.name}: not in this version; go back by hand"
    if service.status != "ACTIVE":
        return f"the service is {service.status}: it is being deleted"
    return ""


def _shares(view: View) -> Mapping[str, float]:
    """By the tasks that run: a balancer gives each the same. Where another hand moves traffic, what is PRIMARY has it."""
    service = view.service
    if service.controller != "ECS":
        return _of_task_sets(view)
    if service.strategy.name != ROLLING:
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


def _weights(view: View, attempt: Attempt) -> Mapping[str, float]:
    """The shares of the traffic that ECS gives to the releases while it moves them; none where it does not say."""
    if not attempt.weights:
        return _shares(view)
    shares: dict[str, float] = {}
    for rollout in view.service.rollouts:
        runs, release = revision_of_rollout(view.service, rollout, view.revisions), view.of(rollout)
        if runs is not None and isinstance(release, Release):
            shares[release.fingerprint] = attempt.weights.get(runs.arn, 0.0) / 100
    return shares


def _since(ahead: Rollout | None) -> datetime | None:
    return ahead.created if ahead is not None and ahead.created > _EVER else None
