"""A new deployment: its watch, what it tells the ledger, and the end of the watch that it takes over from."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from deploy.model import Deployment, PartChange, Phase, Release
from deploy.tags import Back
from watcher.core.facts import Facts, furthest, ways_back
from watcher.core.freeze import Frozen, frozen
from watcher.core.intake.arms import alike, arms_of, known_as, names_of
from watcher.core.intake.meaning import News, Opened, Part
from watcher.core.intake.pausing import waiting
from watcher.core.lifecycle import (
    ended_by_taking_back,
    messages_of,
    ordered,
    phase_of,
    serving,
    speaks,
    standing,
    superseded,
)
from watcher.core.service import Mode, Service, Stage
from watcher.core.watch import GOING_BACK, Arms, Message, Order, Serves, State, Step, Watch
from watcher.core.wording import Event
from watcher.core.wording.figures import said
from watcher.core.wording.text import in_a_freeze


def opened(news: News, new_id: str) -> Opened:
    """The watch of a new deployment."""
    deployment = _deployment(news)
    ledgers = {**news.known.ledgers, **{part.name: part.ledger for part in news.parts}}
    ways = ways_back(deployment, ledgers, news.service.policy, news.now)
    watch = _clocks(_watch(news, new_id, deployment, ways), news)

    adopted = tuple(
        Serves(part.name, part.serving, watch.opened_at, adopted=True)
        for part in news.parts
        if part.served is None and part.serving is not None
    )
    announced = {part.name for part in news.parts}
    serves = tuple(told for told in serving(watch) if told.part in announced)
    messages = _messages(watch, news)
    step = Step(
        watch=replace(watch, spoken=speaks(messages, news.facts)),
        before=0,
        messages=messages,
        serves=(*adopted, *serves),
        by=deployment.author or deployment.source,
        why=f"{watch.tag} was deployed{said(in_a_freeze(watch, news.now))}",
    )
    return Opened(_waiting(step, news), _supersedes(news, new_id))


def _supersedes(news: News, new_id: str) -> Step | None:
    """The end of the watch that lives. That what it watched was taken back is another end than that something newer came."""
    living = news.known.living
    if living is None:
        return None
    if news.takes_back:
        tags = [part.release.tag for part in news.parts]
        return ended_by_taking_back(living, tags, news.now, news.facts, by=new_id)
    return superseded(living, new_id, news.now, news.facts)


def _waiting(step: Step, news: News) -> Step:
    """*step*, with the stage that it is at; and that it waits for somebody's word, if it waits for that of a person."""
    step = standing(step.watch, step, news.live, news.now, news.facts) or step
    return waiting(step.watch, step, news) or step


def _deployment(news: News) -> Deployment:
    announcement = news.announcement
    parts = (
        *(PartChange(part.name, _before(part, news), part.release) for part in news.parts),
        *_carried(news),
    )
    return Deployment(
        service=announcement.service,
        environment=announcement.environment,
        parts=_in_their_order(parts, news.service),
        heard_at=news.now,
        source=announcement.source,
        platform_ids=announcement.platform_ids,
        author=announcement.hints.get("author"),
    )


def _in_their_order(parts: Iterable[PartChange], service: Service) -> tuple[PartChange, ...]:
    """As the service declares its parts, in whichever order they were heard of: so they go back. Others come last."""
    place = {part: number for number, part in enumerate(service.parts)}
    return tuple(sorted(parts, key=lambda change: place.get(change.part, len(place))))


def _before(part: Part, news: News) -> Release | None:
    """What served before: by the ledger; or what is taken back, which the ledger never saw serve alone."""
    if part.serving is None or not part.serving.is_same_as(part.release):
        return part.serving
    living = news.known.living
    changes = living.deployment.parts if living else ()
    return next((change.after for change in changes if change.part == part.name), None)


def _carried(news: News) -> tuple[PartChange, ...]:
    """Other parts that are under watch still: the new watch takes them over, with the suspicion."""
    living, announced = news.known.living, {part.name for part in news.parts}
    if living is None or living.state in GOING_BACK:
        return ()
    return tuple(change for change in living.deployment.parts if change.part not in announced)


def _watch(news: News, id: str, deployment: Deployment, ways: Mapping[str, Back]) -> Watch:
    policy = news.service.policy
    if (news.is_our_own or news.serve_still or news.takes_back) and policy.mode is Mode.AUTO:
        policy = replace(policy, mode=Mode.ASK)
    complete = all(change.part in ways for change in deployment.parts)
    return Watch(
        id=id,
        revision=1,
        service=deployment.service,
        environment=deployment.environment,
        deployment=deployment,
        policy=policy,
        arms=arms_of(deployment, ways, news.service),
        state=State.WATCHING,
        opened_at=news.now,
        since=news.now,
        due_at=news.now,
        way_back=furthest(tuple(ways.values())) if complete else None,
        returning=_quarantined(news.parts),
        stages=policy.rollout.stages or (Stage(),),
        frozen=_frozen(news),
        unfinished=news.unfinished,
        obstacles=_obstacles(news),
        seen_at=news.now if news.is_seen else None,
    )


def _obstacles(news: News) -> tuple[str, ...]:
    """As they are read; what is taken over from a watch is taken over with its own."""
    living = news.known.living
    inherited = living.obstacles if living is not None and _carried(news) else ()
    return tuple(dict.fromkeys((*news.obstacles, *inherited)))


def _clocks(watch: Watch, news: News) -> Watch:
    """What is known of the rollout already: from the announcement, and from what runs."""
    seen = phase_of(watch, news.live)
    told = news.phase
    traffic_at, last = min(news.announcement.at, news.now), len(watch.stages) - 1
    if told is Phase.COMPLETE:
        return replace(watch, traffic_at=traffic_at, complete_at=traffic_at, stage=last)
    if seen is Phase.COMPLETE:
        return replace(
            watch,
            traffic_at=traffic_at if told is Phase.SHIFTED else news.now,
            complete_at=news.now,
            stage=last,
        )
    if told is Phase.SHIFTED or seen is Phase.SHIFTED:
        return replace(watch, traffic_at=traffic_at if told is Phase.SHIFTED else news.now)
    return watch


def _quarantined(parts: Iterable[Part]) -> str:
    """Why a release among them may not come back unnoticed; empty if none is quarantined."""
    marks = (
        entry.quarantined
        for part in parts
        for entry in part.ledger.entries
        if entry.quarantined is not None and entry.release.is_same_as(part.release)
    )
    return "; ".join(f"{mark.why}, {mark.at.day} {mark.at:%b}" for mark in marks)


def _frozen(news: News) -> Frozen | None:
    """What kept it from being deployed just then. Nobody asked the gate, or it passed as a hotfix: either is worth a word."""
    if news.is_our_own:
        return None
    at = min(news.announcement.at, news.now)
    return frozen(news.known.freezes, news.service.gate.windows, *news.service.key, at)


def _messages(watch: Watch, news: News) -> tuple[Message, ...]:
    facts = news.facts
    event = Event.RETURNING if watch.returning else Event.OPENED
    if event is Event.OPENED and watch.obstacles and watch.policy.mode is Mode.AUTO:
        event = Event.OBSTRUCTED
    if event is Event.OPENED and alike(watch.policy.rules, watch.arms):
        event = Event.NOT_COMPARABLE
    return messages_of(watch, event, news.now, facts)


def ordered_back(
    service: Service,
    order: Order,
    serving: Mapping[str, Release],
    facts: Facts,
    now: datetime,
    new_id: str,
    target: Back | None = None,
) -> Step:
    """An order to a service on which no watch lives: it opens one, which is rolling back.

    Args:
        service: Which.
        order: To roll back.
        serving: By part, what runs now and is to be undone.
        facts: With the way back (see ``lifecycle.ways_back``, for a deployment of what runs).
        now: The time.
        new_id: For the watch.
        target: The release that is named (``order.to``), as the ledger knows it.

    Raises:
        OrderIncomplete: As ``lifecycle.ordered``.
    """
    parts = tuple(PartChange(part, None, serving[part]) for part in service.parts if part in serving)
    deployment = Deployment(service.name, service.environment, parts, heard_at=now, source="order")
    watch = Watch(
        id=new_id,
        revision=0,
        service=service.name,
        environment=service.environment,
        deployment=deployment,
        policy=service.policy,
        arms=Arms(names_of(known_as(change.after, service) for change in parts)),
        state=State.WATCHING,
        opened_at=now,
        since=now,
        due_at=now,
        traffic_at=now,
        complete_at=now,
    )
    return ordered(watch, order, now, facts, target)
