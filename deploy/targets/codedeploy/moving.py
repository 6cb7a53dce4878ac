"""Asking CodeDeploy to bring another release: decided by what runs at that moment, and at most one call that moves.

**Afterwards**, the wanted revision is deployed once more (``CreateDeployment``), with the group's own deployment configuration, so
that as many instances stay as for any deployment: all at once in place would itself be the outage. Three things are said besides:

* ``ignoreApplicationStopFailures``: the stop scripts are those of the release that is being undone, and one that cannot stop
  what it has broken must not block the way back;
* ``fileExistsBehavior``: as the wanted release was deployed when it served, where it kept files (``RETAIN``); else ``OVERWRITE``, since
  what a deployment has left half done would forbid the next one;
* no alarm stops it, for the alarm is what the bad release set off; and nothing takes it back by itself, for that would
  bring the bad release again: it succeeded last.

**In flight**, before the bad release is whole on any instance, CodeDeploy is told to stop and to go back by itself (``StopDeployment``,
``autoRollbackEnabled``), if what it would go back to is what is wanted, and no alarm of the group could stop that. Once an instance has
it, its stop scripts count, and CodeDeploy's own way back does not ignore them: so it is stopped alone, and the wanted release
deployed as soon as it has stopped (`progressing` says so). The first call names the one deployment that it stops, and may be
repeated. Likewise where CodeDeploy's own way back has failed, or does not come.

**At a lifecycle hook** that is ours to answer, it is told ``Failed`` where the deployment says that CodeDeploy goes back from a failure; else, and where that
word is refused, the deployment is stopped, as anywhere.

**On ECS and Lambda** what is new stands beside what serves, and only traffic is moved: in flight CodeDeploy is told to go back whenever it
would go back to what is wanted, for the old one is still there, up to the end of the time that it is kept for; and a deployment of
ours moves all the traffic at once, since nothing is taken away before.

**Blue-green on EC2** the same, instance for instance: while those of before still stand, in flight and in the time for which they are kept,
CodeDeploy is told to stop and to go back. What becomes of the traffic then is CodeDeploy's to do: no call gives it back to the old
instances, and no page of AWS promises that it does. So what follows is read, and where it does not come, the wanted revision is deployed to
new instances, as afterwards.

CodeDeploy itself holds a group for one deployment at a time: what somebody has begun meanwhile refuses ours, and is never
undone by it. Only one that began *and* ended between our look and the call would be.

Source:
    https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_CreateDeployment.html
    https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_StopDeployment.html
    https://docs.aws.amazon.com/codedeploy/latest/userguide/limits.html
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from deploy.errors import AwsRefused
from deploy.model import AlreadyThere, Beginning, Begun, Move, Refused, Release, Unclear
from deploy.targets.aws.wording import NOT_NOW, plain, refusal
from deploy.targets.codedeploy.deployment import BROKEN_OFF, BY_ITSELF, READY, Deployment
from deploy.targets.codedeploy.looking import View
from deploy.targets.codedeploy.observing import cannot
from deploy.targets.codedeploy.ordering import LATER, SOON, Order, create, fail, go_back, stop
from deploy.targets.codedeploy.pausing import continue_
from deploy.targets.codedeploy.reading import Reader
from deploy.targets.codedeploy.sending import Moment
from deploy.targets.codedeploy.trace import Trace
from deploy.targets.codedeploy.wording import why

# CodeDeploy's own rollback is there some seconds after what it takes back has ended. A guess, and generous.
FOLLOWS_WITHIN = timedelta(seconds=60)
_OVERTAKEN = frozenset(
    {
        "DeploymentAlreadyCompletedException", "DeploymentLimitExceededException", "DeploymentIsNotInReadyStateException",
        "InvalidDeploymentStatusException",
    }
)  # fmt: skip
_NO_FILES = frozenset({"RevisionDoesNotExistException", "InvalidRevisionException"})
ON_FAILURE = "DEPLOYMENT_FAILURE"
_EVENTS = {
    "ALARM_ACTIVE": "DEPLOYMENT_STOP_ON_ALARM",
    "MANUAL_STOP": "DEPLOYMENT_STOP_ON_REQUEST",
}


async def decide(reader: Reader, view: View, move: Move, key: str, moment: Moment) -> Order | Beginning:
    """The next call that brings *view* to ``move.to``; or why there is none. Reads only, and may raise `AwsRefused`.

    ======================================== ==========================================================
    ahead                                    what follows
    ======================================== ==========================================================
    our own move, by its key                 it is given the traffic where it waits for that; else nothing is sent: it was
    what is wanted                           nothing is sent
    a third release, or none                 refused
    what is to be undone, in flight          CodeDeploy goes back, if it may and would (at a hook by ``Failed``); else stop, then create
    what is to be undone, broken off         create, once CodeDeploy has had its time to go back by itself
    what is to be undone, complete           create
    ======================================== ==========================================================
    """
    if words := cannot(view.group):
        return Refused(words)
    if view.last is not None and view.is_of(key) and not view.is_left_by_codedeploy:
        return _is_ours(view.last, move)
    ahead = view.ahead
    release = ahead.release if ahead else None
    if ahead is None or release is None:
        return Refused(f"nothing was deployed with success: neither {move.expect.tag} nor anything else")
    if release.is_same_as(move.to):
        return _is_wanted(view, ahead, move)
    if not release.is_same_as(move.expect):
        does = "is on its way" if view.coming else "serves"
        return Refused(
            f"{release.tag} {does}, not {move.expect.tag}: somebody else has moved it", release.tag
        )
    return await _order(reader, view, move, key, moment)


def _is_ours(last: Deployment, move: Move) -> Order | Beginning:
    """The move was made: where it waits to be given the traffic, it is. Anybody may write our trace onto something else."""
    brings = last.release is not None and last.release.is_same_as(move.to)
    waits = last.status == READY and not last.moved
    return continue_(last) if waits and brings else Begun(last.id, f"{last.id} is this very move")


def _is_wanted(view: View, ahead: Deployment, move: Move) -> Beginning:
    if view.coming is None:
        return AlreadyThere()
    by = (
        "CodeDeploy is going back by itself"
        if ahead.creator == BY_ITSELF
        else "it was deployed by another hand"
    )
    return Begun(ahead.id, f"{move.to.tag} is on its way already ({ahead.id}): {by}")


async def _order(reader: Reader, view: View, move: Move, key: str, moment: Moment) -> Order | Beginning:
    last, ahead = view.last, view.ahead
    ours = last is not None and last.id in moment.stopped
    if last is not None and last.is_in_flight:
        if ours:
            return Refused(f"{last.id} is being stopped still", again_in=SOON)
        return _breaks_off(view, last, move.to, key)
    if last is not None and not ours and is_followed(last, moment.now):
        return Refused(
            f"{why(last)}: CodeDeploy is about to go back by itself; what it goes back to is awaited",
            again_in=SOON,
        )
    source = await source_of(reader, view, move.to)
    if source is None:
        return Refused(nowhere(move))
    return create(view.group, source, Trace(key, ahead.id if ahead else "").description())


def _breaks_off(view: View, last: Deployment, to: Release, key: str) -> Order:
    """*last* is in flight. At a hook that is ours to answer it is told so, where CodeDeploy goes back by itself from a failure."""
    if not would_go_back(view, to):
        return stop(last)
    waits = view.waits
    if waits is not None and waits.execution and ON_FAILURE in last.goes_back_by_itself:
        return fail(last, waits.execution, key)
    return go_back(last, key)


async def source_of(reader: Reader, view: View, to: Release) -> Deployment | None:
    """The deployment that knows where the files of *to* are: what serves, else one of the last hundred that succeeded."""
    serving = view.serving
    if serving is not None and serving.release is not None and serving.release.is_same_as(to):
        return serving
    return await reader.deployed(view.group, to)


def nowhere(move: Move) -> str:
    """Why a release cannot be deployed once more: nobody knows where its files are."""
    return (
        f"among the last hundred deployments of the group that succeeded none has brought {move.to.tag}, and so where its files"
        " are is not known: deploy it by hand"
    )


def would_go_back(view: View, to: Release) -> bool:
    """Told to stop, CodeDeploy itself brings *to*, and nothing of the bad release or its alarms can hold that up."""
    last, serves = view.last, view.release
    if last is None or serves is None or not serves.is_same_as(to):
        return False
    return view.group.is_beside or (last.counts.succeeded == 0 and not view.group.alarms)


def is_followed(last: Deployment, now: datetime) -> bool:
    """CodeDeploy is to take *last* back by itself, and has just not begun yet."""
    if last.status not in BROKEN_OFF or last.creator == BY_ITSELF or last.completed is None:
        return False
    event = _EVENTS.get(last.error[0], ON_FAILURE)
    return event in last.goes_back_by_itself and now < last.completed + FOLLOWS_WITHIN


# ----------------------------------------------------------------------------------------------------------- sending it


def answered(order: Order, error: AwsRefused) -> Refused | Unclear:
    """What it means that *order* was not taken, or that its answer was lost."""
    words = refusal(error)
    if not order.moves and error.may_have_happened:
        return Refused(f"{words}: whether it was stopped is read again", again_in=SOON)
    if error.may_have_happened:
        return Unclear(words)
    if error.code in _OVERTAKEN:
        return Refused(f"{words}: what runs is read again", again_in=SOON)
    if error.code in NOT_NOW:
        return Refused(words, again_in=LATER)
    remedy = (
        "; put the bundle back where it was, or deploy another release" if error.code in _NO_FILES else ""
    )
    return Refused(f"{words}{remedy}")


def taken(order: Order, answer: Mapping[str, Any]) -> Beginning:
    """What follows from CodeDeploy's *answer*: the move is made, or there is room for it in a moment."""
    if order.operation == "continue_deployment":
        return Begun(str(order.parameters["deploymentId"]), order.told())
    if not order.moves:
        stopped = str(order.parameters["deploymentId"])
        return Begun(stopped, f"{stopped} is being stopped, so that the way back can be deployed after it")
    made = str(answer.get("deploymentId") or order.parameters.get("deploymentId", ""))
    return Begun(made, plain(order.told(), 600))
