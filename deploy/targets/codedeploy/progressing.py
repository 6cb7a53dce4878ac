"""How far a move is. CodeDeploy's own waiter gives up after half an hour, and calls a deployment done of which an instance failed.

A move is over when the wanted release was deployed with success and no instance failed: one that did may still run what was
to be undone. A deployment that CodeDeploy takes back ends ``Stopped`` or ``Failed``; whether that was well is said by the one that
took it back.

Source:
    https://docs.aws.amazon.com/codedeploy/latest/userguide/deployments-view-details.html
"""

from dataclasses import dataclass

from deploy.errors import AwsRefused
from deploy.model import Drifted, Failed, Move, Moving, Progress, Serving, Unfinished, Unreadable
from deploy.targets.aws.wording import refusal
from deploy.targets.codedeploy.deployment import BROKEN_OFF, READY, SUCCEEDED, Deployment
from deploy.targets.codedeploy.looking import View
from deploy.targets.codedeploy.moving import is_followed
from deploy.targets.codedeploy.reading import Reader
from deploy.targets.codedeploy.sending import LOST_AFTER, Moment
from deploy.targets.codedeploy.trace import of_tags
from deploy.targets.codedeploy.wording import counts, failures, why


@dataclass(frozen=True, slots=True)
class Looked:
    """A move, and what a person can run."""

    move: Move
    key: str
    by_hand: str


async def progress(reader: Reader, view: View, looked: Looked, moment: Moment) -> Progress | Unreadable:
    """How far a move is, by *view*. Reads the instances too where some failed."""
    last, move = view.last, looked.move
    if last is None or last.release is None:
        return Moving(f"nothing was deployed yet; {move.to.tag} was ordered")
    try:
        if last.release.is_same_as(move.to):
            failed = failures(await reader.troubled(last))
            return _of_the_wanted(view, last, failed, looked)
        if last.release.is_same_as(move.expect):
            stopped = await _is_stopped_by_us(reader, view, last, looked.key)
            return _of_the_bad(view, last, move, moment, stopped=stopped)
    except AwsRefused as refused:
        return Unreadable(refusal(refused))
    does = "is on its way" if last.is_in_flight else "serves" if last.status == SUCCEEDED else "was tried"
    other = last.release.tag
    return Drifted(f"{other} {does}, not {move.to.tag}: somebody else has moved it", other)


def _of_the_wanted(view: View, last: Deployment, failed: str, looked: Looked) -> Progress:
    """The last deployment is of the wanted release."""
    where = f"; {failed}" if failed else ""
    if last.is_in_flight:
        return _in_flight(view, last, where, looked)
    if view.is_left_by_codedeploy:
        return Unfinished(f"CodeDeploy did not get back by itself: {why(last)}{where}")
    if last.status != SUCCEEDED:
        return Failed(f"{why(last)}: {counts(last)}{where}", looked.by_hand)
    if last.counts.failed:
        words = f"{counts(last)}: CodeDeploy calls that a success, but those may still run {looked.move.expect.tag}{where}"
        return Failed(words, looked.by_hand)
    return Serving()


def _in_flight(view: View, last: Deployment, where: str, looked: Looked) -> Progress:
    """The deployment of the wanted release is under way."""
    if last.status == READY and not last.moved and view.is_of(looked.key):
        return Unfinished(f"{last.id} is ready, and waits to be given the traffic")
    if last.moved:
        return Serving()  # those of before have no traffic any more, and only stand until their time is over
    return Moving(f"{counts(last)}{where}")


def _of_the_bad(view: View, last: Deployment, move: Move, moment: Moment, *, stopped: bool) -> Progress:
    """The last deployment is still of what was to be undone.

    Args:
        view: The group.
        last: Its last deployment.
        move: What was ordered.
        moment: What this process has sent for it.
        stopped: CodeDeploy was told to stop this very deployment, and to go back by itself.
    """
    to, is_how = move.to.tag, f"{last.id} of {move.expect.tag} is {last.status}"
    if last.is_in_flight:
        # The word that ends its wait was lost on the way: said again it names the same deployment, and the same wait.
        if view.waits is not None and stopped and not moment.was_told:
            return Unfinished(f"{last.id} of {move.expect.tag} waits at {view.waits.stage} still")
        return Moving(f"{last.id} of {move.expect.tag} is being stopped; {to} was ordered")
    follows = last.status in BROKEN_OFF and (
        (stopped and last.completed is not None and moment.now < last.completed + LOST_AFTER)
        or (last.id not in moment.stopped and is_followed(last, moment.now))
    )
    if moment.awaits or follows:
        return Moving(f"{is_how}; that {to} is deployed is awaited")
    if view.coming is None and view.release is not None and view.release.is_same_as(move.to):
        return Serving()  # it had done nothing to any instance
    return Unfinished(f"{is_how}, and {to} is not on its way yet")


async def _is_stopped_by_us(reader: Reader, view: View, last: Deployment, key: str) -> bool:
    """Our trace on the group says that this deployment was stopped for this move."""
    arn = reader.arn_of(view.group)
    if arn is None or (last.status not in BROKEN_OFF and view.waits is None):
        return False
    trace = of_tags(await reader.tags(arn))
    return trace is not None and (trace.key, trace.undoes) == (key, last.id)
