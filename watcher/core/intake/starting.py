"""A rollout that is ordered to begin: its release stands beside what serves, without traffic, and gets its first stage from us.

The watch is opened as for any deployment, and stands *before* its first stage. Its first share is given by the next round of
the patrol, as every other one: so it makes no difference whether the daemon is killed, or somebody holds the watch, before.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from deploy.model import Announcement, Live, Phase, Release, percent
from watcher.core.facts import Facts
from watcher.core.freeze import frozen
from watcher.core.intake.arms import named
from watcher.core.intake.meaning import Joined, Known, News, Opened, Part
from watcher.core.intake.opening import opened
from watcher.core.lifecycle.making import renewed, stepped
from watcher.core.service import Mode, Service
from watcher.core.watch import GOING_BACK, AtStage, Order, State, Step, Watch
from watcher.errors import CannotStart

ORDERED = "order"  # the source of a deployment that we were told to begin
Against = tuple[str, str]  # what stands against it, and what to do about it


def must_be_staged(service: Service) -> None:
    """See that a rollout of *service* can be begun at all: before anything is read.

    Raises:
        CannotStart: It has no stages.
    """
    if not service.policy.rollout.stages or len(service.parts) != 1:
        raise CannotStart(
            f"{service.name} in {service.environment} has no stages, so there is no first one to begin with",
            remedy="write `rollout: {stages: [{share: 5%}, {share: 100%}]}` at the service, or give it the traffic yourself",
        )


def started(
    order: Order,
    part: Part,
    known: Known,
    facts: Facts,
    now: datetime,
    new_id: str,
    *,
    hotfix: bool = False,
) -> Opened | Joined:
    """What an order to begin means.

    Args:
        order: By whom, and why.
        part: The release, which is there, and what runs; *live* is known.
        known: The service, and its watches.
        facts: Whether the service is armed.
        now: The time.
        new_id: For the watch, if one is opened.
        hotfix: It passes the gate whatever is decided there still, of what serves too.

    Returns:
        ``Joined`` where its watch lives already: with a step, if it had not begun.

    Raises:
        CannotStart: Something stands against it.
    """
    service = known.service
    live = part.live
    if service is None or live is None or live.release is None:
        raise CannotStart(
            f"nothing serves of {part.name}, so there is nothing to share the traffic with",
            remedy="deploy the first release as a whole",
        )
    must_be_staged(service)
    news = News(
        _announcement(service, part.release, order, now), (named(part, service),), service, known, now
    )
    living = known.living
    its_own = living if living is not None and news.is_of(living) and _may_begin(living) else None
    if its_own is not None and (its_own.at is not None or its_own.traffic_at is not None):
        return Joined(its_own)
    for words, remedy in _against(service, part, live, living, facts, is_its_own=its_own is not None):
        raise CannotStart(words, remedy=remedy)
    if hotfix and living is not None and living.breach is not None:
        # What is begun takes over from it, and nobody would decide any more about what serves nearly everybody, and is bad.
        raise CannotStart(
            f"{living.tag} serves, and breached: it is {living.state.words}, watched as {living.id}",
            remedy=f"take it back first (`rollbackd rollback {living.id}`), or keep it: `rollbackd keep {living.id}`",
        )
    if its_own is not None:
        return Joined(its_own, _begun(its_own, news, live.release, order, facts))
    found = opened(news, new_id)
    before = _before(news, live.release, order)
    step = replace(found.step, watch=replace(found.step.watch, at=before), by=order.by, why=_why(order))
    return replace(found, step=step)


def _against(
    service: Service, part: Part, live: Live, living: Watch | None, facts: Facts, *, is_its_own: bool
) -> Iterator[Against]:
    """What stands against it, the first first."""
    tag, first = part.release.tag, percent(service.policy.rollout.stages[0].share)
    serves = live.release.tag if live.release else "nothing"
    if live.release is not None and live.release.is_same_as(part.release) and live.in_flight is None:
        yield f"{tag} is what serves already ({serves})", "there is nothing to begin"
    if live.in_flight is not None:
        share = percent(live.share_of(live.in_flight))
        yield (
            f"another rollout is under way: {live.in_flight.tag} has {share} of the traffic beside {serves}",
            "wait for its end, or take it back: `rollbackd rollback`",
        )
    if living is not None and not is_its_own and (living.state in GOING_BACK or _is_under_way(living)):
        is_the_same = any(change.after.is_same_as(part.release) for change in living.deployment.parts)
        what = "it is under way already" if is_the_same else "another rollout is under way"
        yield (
            f"{what}: {living.tag} is {living.state.words}, watched as {living.id}",
            f"wait for its end (`rollbackd wait {living.id}`), or take it back: `rollbackd rollback {living.id}`",
        )
    if is_its_own and living is not None and living.policy.mode is Mode.SHADOW is not service.policy.mode:
        yield (
            f"it is watched as {living.id} since the service was in shadow, so nothing would take it back",
            f"wait for its end (`rollbackd wait {living.id}`), or give the first stage yourself",
        )
    if service.policy.mode is Mode.SHADOW:
        would = f"it would have given {tag} {first} of the traffic, and left the rest to {serves}"
        yield (
            f"the service is in shadow, where nothing is moved: {would}",
            "`mode: ask` or `mode: auto` lets it; until then give the first stage yourself",
        )
    if not facts.armed:
        yield (
            f"nothing is begun while rollbackd is disarmed: {facts.disarmed}",
            "wait, or `rollbackd arm` it",
        )


def _is_under_way(living: Watch) -> bool:
    """Its release has not got all its traffic yet. What bakes with all of it gives way to what is newer, as always."""
    return living.complete_at is None or living.incomplete


def _may_begin(living: Watch) -> bool:
    """It was opened for a rollout in stages that has all of them before it, or is in the middle of them."""
    return (
        living.state is State.WATCHING and bool(living.policy.rollout.stages) and living.complete_at is None
    )


def _begun(living: Watch, news: News, serves: Release, order: Order, facts: Facts) -> Step:
    """The next step of a watch that has heard of the deployment before: it was announced first."""
    windows = news.service.gate.windows
    # A hotfix that was announced before the freeze is let go on in it too.
    in_freeze = living.frozen or frozen(news.known.freezes, windows, *news.service.key, news.now)
    after = renewed(living, at=_before(news, serves, order), frozen=in_freeze)
    step = stepped(living, after, news.now, facts, by=order.by, why=_why(order))
    return replace(step, watch=replace(step.watch, due_at=news.now))


def _before(news: News, serves: Release, order: Order) -> AtStage:
    (part,) = news.parts
    return AtStage(news.now, part.name, before=serves, ordered_by=order.by)


def _why(order: Order) -> str:
    return f"start: {order.reason}" if order.reason else "start"


def _announcement(service: Service, release: Release, order: Order, now: datetime) -> Announcement:
    return Announcement(
        source=ORDERED,
        dedup_key="",
        service=service.name,
        environment=service.environment,
        phase=Phase.STARTED,
        at=now,
        hints={"tag": release.tag, "fingerprint": release.fingerprint, "author": order.by},
    )
