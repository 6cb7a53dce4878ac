"""Asking ECS to serve another release: decided by what runs at that moment, and at most one call that moves.

In flight, where ECS itself would go back to the wanted release, it is told to: by the answer to the hook at which the deployment
waits (``ContinueServiceDeployment``), else by stopping it (``StopServiceDeployment``). It keeps the tasks that still run, and the very
images of before; where traffic was moved, it moves back in seconds. Everywhere else the wanted task definition is set, by its number
(``UpdateService``). That is a deployment like any other, by the service's own strategy, and waits at the same hooks: there it is
told to go on, as a further call of the same move (`progressing` says when). Deliberately never: ``forceNewDeployment`` (it deploys the
same once more), ``ABORT`` (it leaves both), and no other setting of the service: a strategy that is changed for one way back
stays changed, if nobody is there to change it again.

Between our look and the call somebody may deploy: ECS offers no compare-and-set. A hook, and ``StopServiceDeployment``, name the one
deployment that they are of, so they cannot undo another; before ``UpdateService`` the look is a moment old.

Source:
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_StopServiceDeployment.html
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContinueServiceDeployment.html
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html
"""

from collections.abc import Container, Mapping
from typing import Any

from deploy.errors import AwsRefused
from deploy.model import AlreadyThere, Beginning, Begun, Move, Refused, Release, Unclear, Word
from deploy.targets.aws.wording import NOT_NOW, plain, refusal
from deploy.targets.ecs.definition import only_a_tag, release_of, tag_of
from deploy.targets.ecs.history import GOING_BACK, Attempt
from deploy.targets.ecs.looking import Untold, View, under_way
from deploy.targets.ecs.observing import cannot
from deploy.targets.ecs.ordering import LATER, SOON, Order, stop, update
from deploy.targets.ecs.pausing import answer, unanswered
from deploy.targets.ecs.reading import Reader
from deploy.targets.ecs.service import Service
from deploy.targets.ecs.trace import TAG_KEY, Trace

_OVERTAKEN = frozenset({"ConflictException", "ServiceDeploymentNotFoundException"})


async def decide(
    reader: Reader, view: View, move: Move, trace: Trace | None = None, unheard: Container[str] = ()
) -> Order | Beginning:
    """The next call that brings *view* to ``move.to``; or why there is none. Reads only, and may raise `AwsRefused`.

    ==================================== =====================================================
    ahead                                what follows
    ==================================== =====================================================
    what is wanted, by our own move      it is told to go on where it waits at a hook; else nothing is sent
    what is wanted                       nothing is sent
    a third release, or none             refused
    what is to be undone, in flight      ECS goes back, if where to is what is wanted; else update
    what is to be undone, complete       update
    the same task definition             refused: only a stop could bring back its images
    ==================================== =====================================================

    Args:
        reader: Reads.
        view: The service, a moment ago.
        move: What is wanted.
        trace: Of the move: by it a deployment is known as ours.
        unheard: Hooks that would not take an answer, or may not be given one by us: what waits there is stopped.
    """
    service, ahead = view.service, view.ahead
    if words := cannot(service):
        return Refused(words)
    if isinstance(ahead, Untold):
        return Refused(ahead.words, again_in=SOON)
    if ahead is None:
        return Refused(f"nothing runs, neither {move.expect.tag} nor anything else")
    if ahead.is_same_as(move.to):
        return await _goes_on(reader, view, move, trace)
    if not ahead.is_same_as(move.expect):
        does = "is on its way" if service.coming else "serves"
        return Refused(f"{ahead.tag} {does}, not {move.expect.tag}: somebody else has moved it", ahead.tag)
    return await _order(reader, view, move, unheard)


async def _goes_on(reader: Reader, view: View, move: Move, trace: Trace | None) -> Order | Beginning:
    """What is wanted is there, or on its way: where our own deployment of it waits for a word, it gets one."""
    service = view.service
    if service.coming is None:
        return AlreadyThere()
    if trace is not None and trace.made(service) and service.tells_more:
        attempt = await under_way(reader, view)
        if attempt is not None and attempt.waiting:
            return answer(attempt, attempt.waiting[0], Word.GO_ON)
    return Begun(words=f"{move.to.tag} is on its way already")


async def _order(reader: Reader, view: View, move: Move, unheard: Container[str]) -> Order | Beginning:
    service = view.service
    attempt = await under_way(reader, view)
    if attempt is not None and attempt.status in GOING_BACK:
        return await _goes_by_itself(reader, attempt, move)
    if attempt is not None and await _would_go_back(reader, attempt, move):
        waits = next((each for each in attempt.waiting if each.hook not in unheard), None)
        return stop(attempt) if waits is None else answer(attempt, waits, Word.GO_BACK)
    if service.primary is not None and tag_of(service.primary.definition) == move.to.tag:
        return Refused(same_definition(move))
    return update(service, move.to)


def same_definition(move: Move) -> str:
    """Why a release cannot be gone back to by its task definition: it is the one that runs."""
    return (
        f"{move.to.tag} is the task definition that runs, only its images were others then: setting it again changes nothing;"
        " register it anew with the images pinned to their digests, and deploy that"
    )


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


def leave_trace(service: Service, trace: Trace) -> Mapping[str, Any] | None:
    """What TagResource is given before the move of *trace* is sent; ``None``: it fits in no tag."""
    written = trace.written()
    if written is None:
        return None
    return {"resourceArn": service.arn, "tags": [{"key": TAG_KEY, "value": written}]}


def answered(order: Order, error: AwsRefused) -> Refused | Unclear:
    """What it means that *order* was not taken, or that its answer was lost."""
    words = refusal(error)
    if order.hook and order.native and not error.may_have_happened:
        return Refused(f"{words}: the deployment is stopped without its hook", again_in=SOON)
    if order.hook:
        return unanswered(error)
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
