"""Orders: to a watch, to a service, to a release.

Whether the caller may, and whether the watch still is what they saw, is asked here; what an order does is a pure step.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Literal

from deploy.tags import Back, find
from watcher.api.asked import OneRelease, OneServiceOrAll, OneWatch
from watcher.api.auth import ALL, services_in_reach
from watcher.api.bodies import ArmOrder, DisarmOrder, ServiceRollBackOrder, ToRelease, ToService, ToWatch
from watcher.api.deps import Deps
from watcher.api.handlers.backs import imagined, named_back
from watcher.api.handlers.reach import known_service, must_order, must_reach, watch_in_reach
from watcher.api.handlers.services import ledgers_of
from watcher.api.handlers.show import links_of
from watcher.api.problems import Declined, conflict, not_found
from watcher.api.route import AnyCall, Call, written
from watcher.api.told import Ordered
from watcher.core.disarm import announced, armed_again, disarming, is_lever
from watcher.core.facts import Facts
from watcher.core.intake import ordered_back
from watcher.core.lifecycle import ordered, orders_allowed
from watcher.core.service import Mode, Service
from watcher.core.watch import Message, Notice, Order, OrderKind, Step, Watch
from watcher.store.stepping import change
from watcher.store.store import Answered, Disarmed, GuardFailed, Saved

Mark = Literal["allow", "distrust"]

# ------------------------------------------------------------------------------------------------------------- a watch


async def to_watch(call: Call[OneWatch, ToWatch]) -> Ordered:
    """Order something of a watch."""
    watch = await watch_in_reach(call, call.asked.id)
    must_order(call, call.deps.services().get(watch.key))
    said = call.body.root
    order = Order(said.order, call.who.name, said.reason, said.to_tag, said.lasting)
    return await _order(call, watch, order, said.expect_revision)


async def _order(call: AnyCall, watch: Watch, order: Order, expect: int | None) -> Ordered:
    """Take the step; the facts are those of now, and the guards see that they still hold when it is written."""
    deps, now = call.deps, call.deps.now()
    facts = await deps.facts_for(watch)
    target = await _target(deps, watch, order, now)

    def decide(latest: Watch) -> Step:
        _must_be_as_seen(latest, expect)
        return ordered(latest, order, now, facts, target)

    def answer(step: Step) -> Answered | None:
        return _answered(call, _told(order, step.watch, facts))

    after = await change(deps.store, watch.id, decide, now, answer=answer)
    if isinstance(after, GuardFailed):
        raise _guarded(after, watch)
    deps.wake_performer()
    return _told(order, after, facts)


def _answered(call: AnyCall, told: Ordered) -> Answered | None:
    """For the store: saved with the step, so that an order that was obeyed is never refused when it comes again."""
    return call.keyed.answered(written(told)) if call.keyed is not None else None


async def _target(deps: Deps, watch: Watch, order: Order, now: datetime) -> Back | None:
    if order.kind is not OrderKind.ROLL_BACK or order.to is None:
        return None
    ledgers = {part.part: await deps.store.ledger(*watch.key, part.part) for part in watch.deployment.parts}
    return named_back(watch, ledgers, order.to, now)


def _must_be_as_seen(watch: Watch, expect: int | None) -> None:
    if expect is not None and watch.revision != expect:
        raise Declined(
            HTTPStatus.CONFLICT,
            "changed-meanwhile",
            f"the watch is at revision {watch.revision} ({watch.state.words}), not at {expect}",
            remedy="look at it again, and order what fits now",
            members={"allowed": [kind.value for kind in orders_allowed(watch)]},
        )


def _guarded(failed: GuardFailed, watch: Watch) -> Declined:
    return Declined(
        HTTPStatus.CONFLICT,
        "guarded",
        failed.words,
        remedy="`rollbackd tags` and `rollbackd show` say what stands against it",
        members={"allowed": [kind.value for kind in orders_allowed(watch)]},
    )


def _told(order: Order, watch: Watch, facts: Facts) -> Ordered:
    return Ordered(
        order=order.kind,
        watch=watch.id,
        state=watch.state,
        revision=watch.revision,
        warnings=_warnings(order, watch, facts),
        links=links_of(watch.id),
    )


def _warnings(order: Order, watch: Watch, facts: Facts) -> Sequence[str]:
    if order.kind is not OrderKind.ROLL_BACK:
        return ()
    shadow = watch.policy.mode is Mode.SHADOW
    back = watch.way_back
    found = (
        (
            not facts.armed,
            f"the daemon is disarmed and goes back all the same, by your word: {facts.disarmed}",
        ),
        (
            shadow,
            "the service is in shadow mode: the rollback is tried all the same, and needs permissions to act",
        ),
        (back is not None and back.floor, "it goes back past a release that cannot be undone"),
    )
    return [words for holds, words in found if holds]


# ----------------------------------------------------------------------------------------------------------- a service


async def to_service(call: Call[OneServiceOrAll, ToService]) -> Ordered:
    """Order something of a service, or of all."""
    said = call.body.root
    if isinstance(said, ServiceRollBackOrder):
        return await _roll_back(call, said)
    if ALL in (call.asked.service, call.asked.environment):
        _must_order_all(call)
    else:
        must_order(call, known_service(call, call.asked.service, call.asked.environment))
    return await (_disarm(call, said) if isinstance(said, DisarmOrder) else _arm(call, said))


def _must_order_all(call: Call[OneServiceOrAll, ToService]) -> None:
    if (call.asked.service, call.asked.environment) != (ALL, ALL):
        raise not_found("a switch is of one service, or of all", "write */* for all of them")
    must_reach(call, ALL, ALL)
    for service in services_in_reach(call.who, call.deps.services()):
        must_order(call, service)


async def _disarm(call: Call[OneServiceOrAll, ToService], said: DisarmOrder) -> Ordered:
    now = call.deps.now()
    order = Order(said.order, call.who.name, said.reason, lasting=said.lasting)
    off = disarming(order, call.asked.service, call.asked.environment, now)
    switch = Disarmed(off.service, off.environment, off.by, off.reason, off.since, off.until)
    await call.deps.store.disarm(switch, now, _announcing(call, announced(off, now)))
    call.deps.wake_performer()
    until = f"in force until {off.until:%Y-%m-%d %H:%M} UTC; people's orders pass all the same"
    return Ordered(order=said.order, warnings=[until])


async def _arm(call: Call[OneServiceOrAll, ToService], said: ArmOrder) -> Ordered:
    deps, now = call.deps, call.deps.now()
    where = (call.asked.service, call.asked.environment)
    off = next(
        (each for each in await deps.store.disarmed(now) if (each.service, each.environment) == where), None
    )
    news = _announcing(call, armed_again(off, call.who.name, now)) if off else ()
    was_off = await deps.store.arm(*where, call.who.name, said.reason, now, news)
    deps.wake_performer()
    warnings = [] if was_off else ["it was armed already"]
    if off is not None and is_lever(off.by):
        warnings.append(f"{off.by} disarmed it, and does so again within 10 s unless it no longer says so")
    if where != (ALL, ALL) and any(each.service == ALL for each in await deps.store.disarmed(now)):
        warnings.append("all services are disarmed: this one too, until */* is armed")
    return Ordered(order=said.order, warnings=warnings)


def _announcing(call: Call[OneServiceOrAll, ToService], notice: Notice) -> Sequence[Message]:
    """The notice, once for each channel of the teams that it concerns."""
    where, deps = (call.asked.service, call.asked.environment), call.deps
    concerned = [each for key, each in deps.services().items() if where in {key, (ALL, ALL)}]
    channels = dict.fromkeys(channel for service in concerned for channel in service.team.tell)
    first = deps.new_id("m", deps.now())
    return [
        Message(f"{first}.{number}", "append", channel, notice) for number, channel in enumerate(channels)
    ]


async def _roll_back(call: Call[OneServiceOrAll, ToService], said: ServiceRollBackOrder) -> Ordered:
    """Through the watch that lives; where none does, one is opened that rolls back."""
    if ALL in (call.asked.service, call.asked.environment):
        raise not_found("all services at once are not rolled back", "name one service and its environment")
    service = known_service(call, call.asked.service, call.asked.environment)
    must_order(call, service)
    order = Order(said.order, call.who.name, said.reason, said.to_tag)
    living = await call.deps.store.living(*service.key)
    if living is not None:
        return await _order(call, living, order, said.expect_revision)
    if said.expect_revision is not None:
        raise conflict("changed-meanwhile", "no watch of the service lives any more", "look at it again")
    return await _opened(call, service, order)


async def _opened(call: AnyCall, service: Service, order: Order) -> Ordered:
    deps, now = call.deps, call.deps.now()
    would = await imagined(deps, service, now)
    target = named_back(would.watch, would.ledgers, order.to, now) if order.to else None
    serving = {change.part: change.after for change in would.watch.deployment.parts}
    step = ordered_back(service, order, serving, would.facts, now, would.watch.id, target)
    told = _told(order, step.watch, would.facts)
    saving = await deps.store.open(step, now, answered=_answered(call, told))
    match saving:
        case Saved():
            deps.wake_performer()
            return told
        case GuardFailed():
            raise _guarded(saving, would.watch)
        case _:
            raise conflict("changed-meanwhile", "a watch of the service was just opened", "order it again")


# ----------------------------------------------------------------------------------------------------------- a release


@dataclass(frozen=True, slots=True)
class _Known:
    """A service that knows the release, in one of its parts, by this fingerprint."""

    service: Service
    part: str
    fingerprint: str

    @property
    def where(self) -> str:
        return f"{self.service.name}/{self.service.environment}"


async def to_release(call: Call[OneRelease, ToRelease]) -> Ordered:
    """Allow or distrust a release, wherever one service knows it."""
    deps, said, now = call.deps, call.body.root, call.deps.now()
    known = _of_one_service(call, await _known(call))
    must_order(call, known[0].service)
    mark: Mark = "allow" if said.order is OrderKind.ALLOW else "distrust"
    for each in known:
        await deps.store.mark_release(
            *each.service.key, each.part, each.fingerprint, mark, call.who.name, said.reason, now
        )
    return Ordered(order=said.order, links={"tags": f"/v1/tags/{known[0].where}"})


async def _known(call: Call[OneRelease, ToRelease]) -> Sequence[_Known]:
    """Who knows it, of those that the caller named and may see."""
    said = call.body.root
    services = [
        service
        for service in services_in_reach(call.who, call.deps.services())
        if said.service in {None, service.name} and said.environment in {None, service.environment}
    ]
    return [
        _Known(service, part, release.fingerprint)
        for service in services
        for part, ledger in (await ledgers_of(call.deps.store, service)).items()
        if said.part in {None, part}
        for release in find(ledger, call.asked.fingerprint)
    ]


def _of_one_service(call: Call[OneRelease, ToRelease], known: Sequence[_Known]) -> Sequence[_Known]:
    name = call.asked.fingerprint
    if not known:
        raise not_found(f"nobody knows a release {name!r}", "`rollbackd tags` lists those that are known")
    if len({each.where for each in known}) > 1:
        places = ", ".join(sorted({each.where for each in known}))
        raise conflict("ambiguous", f"{name} is known to {places}", "name `service` and `environment`")
    if len({(each.part, each.fingerprint) for each in known}) > len({each.part for each in known}):
        prints = ", ".join(sorted({each.fingerprint for each in known}))
        raise conflict(
            "ambiguous", f"several releases are called {name}", f"name one by its fingerprint: {prints}"
        )
    return known
