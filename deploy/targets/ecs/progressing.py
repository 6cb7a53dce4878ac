"""How far a move is: ECS's own waiter gives up after ten minutes and calls a service stable that has a third release.

A move is over when one deployment is there, all tasks of it run, ECS calls it complete, and what they run is the release
that was wanted, by its content: the tag of an image may have been moved since. Where ECS moves traffic, it is over as soon as all of it
is there and no hook can come any more: for the bake time that follows the bad tasks stand, and nobody meets them.

Source:
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceDeployment.html: there is no status FAILED;
    a deployment that is given up ends ``STOPPED`` or ``ROLLBACK_…``, and ``SUCCESSFUL`` may come before the old tasks end.
"""

from datetime import datetime, timedelta

from deploy.errors import AwsRefused
from deploy.model import Drifted, Failed, Move, Moving, Progress, Release, Serving, Unfinished, Unreadable
from deploy.targets.aws.wording import plain, refusal
from deploy.targets.ecs.definition import tag_of
from deploy.targets.ecs.history import COMING, GAVE_UP, GOING_BACK, WENT_BACK, Attempt
from deploy.targets.ecs.looking import Untold, View
from deploy.targets.ecs.reading import Reader
from deploy.targets.ecs.service import Rollout, Service
from deploy.targets.ecs.strategy import AFTER_ALL_HOOKS
from deploy.targets.ecs.trace import SKEW, Trace
from deploy.targets.ecs.wording import events

# An order of which nothing is seen for so long did not arrive: reads of ECS are late by seconds. A guess.
LOST_AFTER = timedelta(minutes=2)
ALL = 100  # percent
_TAKEN_BACK = frozenset({*GOING_BACK, WENT_BACK, *GAVE_UP})


async def progress(
    reader: Reader, view: View, move: Move, trace: Trace | None, by_hand: str
) -> Progress | Unreadable:
    """How far *move* is, by *view* and by its *trace*. Reads one thing more while the wanted release does not serve."""
    primary = view.service.primary
    if primary is None:
        return Moving(f"nothing runs; {move.to.tag} was ordered")
    steady, release = _is_steady(view.service, primary), view.releases[primary.id]
    if steady and isinstance(release, Release) and not release.is_same_as(move.expect):
        return _steady(release, move)

    try:
        attempt = await _attempt(reader, view.service)
        gave_up = await _gave_up(reader, view.service, attempt, move, trace)
    except AwsRefused as refused:
        return Unreadable(refusal(refused))
    if gave_up:
        return Failed(gave_up, by_hand)
    if steady and isinstance(release, Release):
        return _still(move, trace, reader.now(), by_hand)
    told = None
    if attempt is not None and attempt.status in COMING and isinstance(release, Release):
        told = _in_stages(view.service, attempt, release, move, trace, reader.now())
    return told or _under_way(view, primary, move)


def _in_stages(
    service: Service, attempt: Attempt, ahead: Release, move: Move, trace: Trace | None, now: datetime
) -> Progress | None:
    """What the stages of the deployment under way say of the move, which brings *ahead*; ``None``: nothing."""
    if ahead.is_same_as(move.expect) and attempt.waiting:
        lost = trace is not None and trace.native and now >= trace.at + LOST_AFTER
        words = f"{move.expect.tag} still waits at {attempt.stage}: ECS shows nothing of the order to go back"
        return Unfinished(words) if lost else None
    if not ahead.is_same_as(move.to):
        return None
    return _at_a_hook(service, attempt, move, trace) if attempt.waiting else _shifted(attempt, move)


def _at_a_hook(service: Service, attempt: Attempt, move: Move, trace: Trace | None) -> Progress:
    """The way back itself waits for a word."""
    if trace is not None and trace.made(service):
        return Unfinished(f"{move.to.tag} waits at the hook of {attempt.stage}, and is told to go on")
    return Moving(f"{move.to.tag} was deployed by another hand, and waits at {attempt.stage} for a word")


def _shifted(attempt: Attempt, move: Move) -> Progress | None:
    """How much of the traffic the way back has, where ECS tells it."""
    weight = attempt.weights.get(attempt.target)
    if weight is None:
        return None
    if weight >= ALL and attempt.stage in AFTER_ALL_HOOKS:
        return (
            Serving()
        )  # what was before has no traffic any more, and only stands until the bake time is over
    return Moving(f"{move.to.tag} has {weight:g} % of the traffic ({attempt.stage})")


def _is_steady(service: Service, primary: Rollout) -> bool:
    """Nothing is on its way any more: one deployment, complete, with all its tasks."""
    return service.coming is None and primary.pending == 0 and primary.running >= max(service.desired, 1)


def _steady(release: Release, move: Move) -> Progress:
    if release.is_same_as(move.to):
        return Serving()
    if release.tag == move.to.tag:
        return Failed(
            f"{release.tag} serves, but not as it was: the tag of an image was moved since, and"
            f" {release.names.get('digest', 'another image')} runs now, not {move.to.names.get('digest', 'that of then')}",
            f"register {release.tag} anew with the images pinned to their digests, and deploy that",
        )
    return Drifted(f"{release.tag} serves, not {move.to.tag}: somebody else has moved it", release.tag)


def _still(move: Move, trace: Trace | None, now: datetime, by_hand: str) -> Progress:
    """What was to be undone serves, and nothing is on its way: the order is not seen yet, or it was lost."""
    if trace is not None and now >= trace.at + LOST_AFTER:
        return Failed(f"{move.to.tag} was ordered, and ECS shows nothing of it: the order was lost", by_hand)
    return Moving(f"{move.expect.tag} still serves; {move.to.tag} was ordered")


def _under_way(view: View, primary: Rollout, move: Move) -> Progress | Unreadable:
    release, service = view.releases[primary.id], view.service
    ahead = tag_of(primary.definition)
    if isinstance(release, Untold):
        expected = ahead in {move.to.tag, move.expect.tag}
        return Moving(release.words) if expected else Unreadable(release.words)
    if release.is_same_as(move.to) or release.tag == move.to.tag:
        return Moving(_counts(service, primary))
    if release.is_same_as(move.expect):
        return Moving(f"{move.expect.tag} is still on its way; {move.to.tag} was ordered")
    return Drifted(f"{ahead} is on its way, not {move.to.tag}: somebody else has moved it", ahead)


def _counts(service: Service, primary: Rollout) -> str:
    said = f"{primary.running} of {service.desired} tasks run {tag_of(primary.definition)}"
    old = sum(each.running for each in service.before)
    left = f", {old} of before still run" if old else ""
    failed = f", {primary.failed} failed one after another" if primary.failed else ""
    heard = events(service, primary.created) if primary.failed else ""
    return f"{said}{left}{failed}{f': {heard}' if heard else ''}"


# ---------------------------------------------------------------------------------------------------- what ECS gave up


async def _gave_up(
    reader: Reader, service: Service, attempt: Attempt | None, move: Move, trace: Trace | None
) -> str:
    """Why ECS does not go on with the move, in its words; empty while it does."""
    primary = service.primary
    if primary is not None and primary.state == "FAILED" and tag_of(primary.definition) == move.to.tag:
        return _words(service, f"ECS gave up on {move.to.tag}: {plain(primary.reason)}")
    if attempt is None:
        return ""
    target = await reader.revision(attempt.target)
    aims_at = tag_of(target.definition) if target else ""
    said = f"({attempt.status}): {plain(attempt.reason)}"
    if aims_at == move.to.tag and attempt.status in _TAKEN_BACK and _is_after(attempt, trace):
        return _words(service, f"ECS takes {move.to.tag} back {said}")
    if aims_at == move.expect.tag and attempt.status in _did_not_go_back(trace):
        return _words(service, f"ECS did not get back to {move.to.tag} {said}")
    return ""


async def _attempt(reader: Reader, service: Service) -> Attempt | None:
    """The service deployment that is under way, or was last: ECS names it only while it is."""
    arn = service.deployment
    if arn is None:
        newest = await reader.newest(service.cluster, service.name, 1)
        arn = newest[0].arn if newest else None
    return await reader.attempt(arn) if arn else None


def _did_not_go_back(trace: Trace | None) -> frozenset[str]:
    """How a deployment ends that ECS was to go back from; one that a newer one took over from is ``STOPPED`` too."""
    return GAVE_UP if trace is not None and trace.native else GAVE_UP - {"STOPPED"}


def _is_after(attempt: Attempt, trace: Trace | None) -> bool:
    """The deployment was made by the move, as far as anybody knows: an older one to the same release says nothing of it."""
    return trace is None or attempt.created is None or attempt.created >= trace.at - SKEW


def _words(service: Service, what: str) -> str:
    primary = service.primary
    failed = f"; {primary.failed} tasks failed one after another" if primary and primary.failed else ""
    heard = events(service, primary.created) if primary else ""
    return f"{what}{failed}{f'; {heard}' if heard else ''}"
