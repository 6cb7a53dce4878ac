"""Asking ECS to serve another release: decided by what runs at that moment, and at most one call that moves.

In flight, where ECS itself would go back to the wanted release, it is told to (``StopServiceDeployment``): it keeps the
tasks that still run, and the very images of before. Everywhere else the wanted task definition is set, by its number
(``UpdateService``). Deliberately never: ``forceNewDeployment`` (it deploys the same once more), ``ABORT`` (it leaves both),
and no other setting of the service.

Between our look and the call somebody may deploy: ECS offers no compare-and-set. ``StopServiceDeployment`` names the one
deployment that it stops, so it cannot undo another; before ``UpdateService`` the look is a moment old.

Source:
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_StopServiceDeployment.html
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from deploy.errors import AwsRefused
from deploy.model import AlreadyThere, Beginning, Begun, Move, Refused, Release, Unclear
from deploy.targets.aws.wording import NOT_NOW, plain, refusal
from deploy.targets.ecs.definition import only_a_tag, release_of, tag_of
from deploy.targets.ecs.history import COMING, GOING_BACK, Attempt
from deploy.targets.ecs.looking import Untold, View
from deploy.targets.ecs.observing import cannot
from deploy.targets.ecs.reading import Reader
from deploy.targets.ecs.service import Service
from deploy.targets.ecs.trace import TAG_KEY, Trace

SOON = timedelta(seconds=5)  # what changes by itself within seconds
LATER = timedelta(seconds=15)  # a throttled caller that comes back at once is throttled again
_OVERTAKEN = frozenset({"ConflictException", "ServiceDeploymentNotFoundException"})


@dataclass(frozen=True, slots=True)
class Order:
    """A call that moves a service, as it is sent, foretold, and written for a person.

    Attributes:
        native: ECS goes back by itself.
        id: Of what is ordered, for the record.
    """

    operation: str
    parameters: Mapping[str, Any]
    native: bool
    id: str

    def told(self) -> str:
        """In words: the call and what it is given."""
        given = " ".join(f"{name}={value}" for name, value in self.parameters.items())
        action = self.operation.title().replace("_", "")
        return f"ecs:{action} {given}"


def stop(attempt: Attempt) -> Order:
    """ECS is told to go back from the deployment that is under way."""
    parameters = {"serviceDeploymentArn": attempt.arn, "stopType": "ROLLBACK"}
    return Order("stop_service_deployment", parameters, native=True, id=attempt.arn)


def update(service: Service, to: Release) -> Order:
    """The task definition of *to* is set."""
    parameters = {"cluster": service.cluster, "service": service.name, "taskDefinition": to.tag}
    return Order("update_service", parameters, native=False, id=to.tag)


async def decide(reader: Reader, view: View, move: Move) -> Order | Beginning:
    """The one call that brings *view* to ``move.to``; or why there is none. Reads only, and may raise `AwsRefused`.

    ==================================== =====================================================
    ahead                                what follows
    ==================================== =====================================================
    what is wanted                       nothing is sent
    a third release, or none             refused
    what is to be undone, in flight      ECS goes back, if where to is what is wanted; else update
    what is to be undone, complete       update
    the same task definition             refused: only a stop could bring back its images
    ==================================== =====================================================
    """
    service, ahead = view.service, view.ahead
    if words := cannot(service):
        return Refused(words)
    if isinstance(ahead, Untold):
        return Refused(ahead.words, again_in=SOON)
    if ahead is None:
        return Refused(f"nothing runs, neither {move.expect.tag} nor anything else")
    if ahead.is_same_as(move.to):
        return Begun(words=f"{move.to.tag} is on its way already") if service.coming else AlreadyThere()
    if not ahead.is_same_as(move.expect):
        does = "is on its way" if service.coming else "serves"
        return Refused(f"{ahead.tag} {does}, not {move.expect.tag}: somebody else has moved it", ahead.tag)
    return await _order(reader, view, move)


async def _order(reader: Reader, view: View, move: Move) -> Order | Beginning:
    service = view.service
    attempt = await under_way(reader, service)
    if attempt is not None and attempt.status in GOING_BACK:
        return await _goes_by_itself(reader, attempt, move)
    if attempt is not None and await _would_go_back(reader, attempt, move):
        return stop(attempt)
    if service.primary is not None and tag_of(service.primary.definition) == move.to.tag:
        return Refused(same_definition(move))
    return update(service, move.to)


def same_definition(move: Move) -> str:
    """Why a release cannot be gone back to by its task definition: it is the one that runs."""
    return (
        f"{move.to.tag} is the task definition that runs, only its images were others then: setting it again changes nothing;"
        " register it anew with the images pinned to their digests, and deploy that"
    )


async def under_way(reader: Reader, service: Service) -> Attempt | None:
    """The service deployment that is under way."""
    if service.deployment is None or service.coming is None:
        return None
    found = await reader.attempts([service.deployment])
    return next((each for each in found if each.status in COMING | GOING_BACK), None)


async def _would_go_back(reader: Reader, attempt: Attempt, move: Move) -> bool:
    """It rolls out what is to be undone, and told to stop ECS would go back to what is wanted: both by content."""
    coming = await _release(reader, attempt.target)
    sources = [await _release(reader, arn) for arn in attempt.sources]
    return (
        coming is not None
        and coming.is_same_as(move.expect)
        and bool(sources)
        and all(source is not None and source.is_same_as(move.to) for source in sources)
    )


async def _release(reader: Reader, revision: str) -> Release | None:
    """The release of a service revision; ``None``: ECS does not know it any more."""
    found = await reader.revision(revision)
    if found is None:
        return None
    definition = await reader.definition(found.definition)
    return release_of(definition, found.digests, None) or only_a_tag(definition, None)


async def _goes_by_itself(reader: Reader, attempt: Attempt, move: Move) -> Beginning:
    """ECS is going back already (its circuit breaker, an alarm, a person): it is watched, not ordered about."""
    back = [await _release(reader, arn) for arn in ((attempt.back,) if attempt.back else attempt.sources)]
    if back and all(release is not None and release.is_same_as(move.to) for release in back):
        return Begun(attempt.arn, f"ECS is going back to {move.to.tag} by itself: {plain(attempt.reason)}")
    return Refused(
        f"ECS is going back by itself: {plain(attempt.reason)}; what it goes back to is awaited",
        again_in=SOON,
    )


# ----------------------------------------------------------------------------------------------------------- sending it


def leave_trace(
    service: Service, move: Move, key: str, order: Order, now: datetime
) -> Mapping[str, Any] | None:
    """What TagResource is given, before *order* is sent; ``None``: it fits in no tag."""
    trace = Trace(key, now, move.expect.tag, move.to.tag, order.native).written()
    if trace is None:
        return None
    return {"resourceArn": service.arn, "tags": [{"key": TAG_KEY, "value": trace}]}


def answered(order: Order, error: AwsRefused) -> Refused | Unclear:
    """What it means that *order* was not taken, or that its answer was lost."""
    words = refusal(error)
    if error.may_have_happened:
        return Unclear(words)
    if error.code in _OVERTAKEN:
        return Refused(f"{words}: what runs is read again", again_in=SOON)
    if error.code in NOT_NOW:
        return Refused(words, again_in=LATER)
    return Refused(f"{words}{_remedy(order, error)}")


def _remedy(order: Order, error: AwsRefused) -> str:
    said = error.words.lower()
    if "inactive" in said:
        return f"; {order.id} was deregistered: register the same content anew, and deploy that"
    if "code_deploy" in said:
        return "; go back by a deployment of CodeDeploy"
    return ""
