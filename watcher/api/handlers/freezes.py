"""Freezes: which there are, a new one, and its end before its time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from rules.duration import duration_text
from watcher.api.asked import Nothing, OneFreeze
from watcher.api.auth import ALL, services_in_reach
from watcher.api.bodies import NewFreeze, NoBody, ThawOrder
from watcher.api.handlers.reach import known_service, must_order, must_reach
from watcher.api.problems import not_found
from watcher.api.route import AnyCall, Call
from watcher.api.told import Freezes, FreezeTold, WindowTold
from watcher.core.freeze import LONGEST, Freeze, Frozen, Window, around
from watcher.core.gate.wording import freeze_announced, thaw_announced
from watcher.core.service import Service
from watcher.core.watch import Message, Notice
from watcher.errors import OrderIncomplete
from watcher.store.gates import to_channels

PREFIX = "f"  # of ids
MOST = 200  # that are not over: each is looked at whenever the gate is


async def freeze(call: Call[Nothing, NewFreeze]) -> FreezeTold:
    """Let nothing be deployed for a while."""
    deps, body, now = call.deps, call.body, call.deps.now()
    _must_order(call, body.service, body.environment)
    if len(await deps.store.freezes(now)) >= MOST:
        raise OrderIncomplete(
            f"{MOST} freezes are in force or to come already",
            remedy="`rollbackd freezes` lists them; end some, or freeze several services in one (`--all`)",
        )
    start = max(body.from_ or now, now)
    end = _end(body, start)
    ordered = Freeze(
        deps.new_id(PREFIX, now), body.service, body.environment, call.who.name, body.reason, start, end
    )
    await deps.store.freeze(ordered, now, _announcing(call, ordered, freeze_announced(ordered, now)))
    deps.wake_performer()
    return _told(ordered, now)


def _end(body: NewFreeze, start: datetime) -> datetime:
    if (body.until is None) == (body.for_ is None):
        raise OrderIncomplete(
            "a freeze ends at one time", remedy="write for how long (`for`), or until when (`until`)"
        )
    end = body.until if body.until is not None else start + body.for_ if body.for_ is not None else start
    if not start < end <= start + LONGEST:
        raise OrderIncomplete(
            f"a freeze ends after it begins, and within {duration_text(LONGEST)}",
            remedy="write a later `until`; what comes again, or lasts, is a window of the configuration (`freezes:`)",
        )
    return end


async def freezes(call: Call[Nothing, NoBody]) -> Freezes:
    """The freezes that are not over, and when windows are next."""
    deps, now = call.deps, call.deps.now()
    services = services_in_reach(call.who, deps.services())
    ordered = [each for each in await deps.store.freezes(now) if _sees(call, each, services)]
    return Freezes(freezes=[_told(each, now) for each in ordered], windows=list(_windows(services, now)))


def _windows(services: Sequence[Service], now: datetime) -> Iterable[WindowTold]:
    windows: dict[str, list[_Next]] = {}
    for service in services:
        for window in service.gate.windows:
            span = _next(window, now)
            if span is not None:
                windows.setdefault(window.name, []).append(_Next(service, span))
    for name, each in sorted(windows.items()):
        span = each[0].span
        yield WindowTold(
            name=name,
            reason=span.reason,
            from_=span.start,
            until=span.until,
            in_force=span.start <= now,
            services=[f"{one.service.name}/{one.service.environment}" for one in each],
        )


@dataclass(frozen=True, slots=True)
class _Next:
    service: Service
    span: Frozen


def _next(window: Window, now: datetime) -> Frozen | None:
    spans = (span for span in around(window, now) if span.until > now)
    return min(spans, key=lambda span: span.start, default=None)


def _sees(call: AnyCall, freeze: Freeze, services: Sequence[Service]) -> bool:
    """It is of a service within reach, or the token is good for whatever it is of."""
    return call.who.covers(freeze.service, freeze.environment) or any(
        freeze.covers(*service.key) for service in services
    )


async def thaw(call: Call[OneFreeze, ThawOrder]) -> FreezeTold:
    """End one."""
    deps, now = call.deps, call.deps.now()
    services = services_in_reach(call.who, deps.services())
    found = next((each for each in await deps.store.freezes(now) if each.id == call.asked.id), None)
    if found is None or not _sees(call, found, services):
        raise _gone(call.asked.id)
    _must_order(call, found.service, found.environment)
    news = _announcing(call, found, thaw_announced(found, call.who.name, now))
    if not await deps.store.thaw(found.id, call.who.name, call.body.reason, now, news):
        raise _gone(found.id)
    deps.wake_performer()
    return _told(found, now).model_copy(update={"in_force": False, "until": now})


def _gone(id: str) -> Exception:
    return not_found(f"there is no freeze {id!r}", "`rollbackd freezes` lists those that are not over")


def _must_order(call: AnyCall, service: str, environment: str) -> None:
    """Who freezes several services may order each of them."""
    if ALL not in (service, environment):
        must_order(call, known_service(call, service, environment))
        return
    must_reach(call, service, environment)
    concerned = [
        each
        for each in services_in_reach(call.who, call.deps.services())
        if service in {ALL, each.name} and environment in {ALL, each.environment}
    ]
    if not concerned:
        raise not_found(
            f"no service is configured that {service}/{environment} is of", "`rollbackd services`"
        )
    for each in concerned:
        must_order(call, each)


def _announcing(call: AnyCall, freeze: Freeze, notice: Notice) -> Sequence[Message]:
    """Once in each channel, however many of its services it is of."""
    first = call.deps.new_id("m", call.deps.now())
    channels: dict[str, Message] = {}
    for service in call.deps.services().values():
        if freeze.covers(*service.key):
            for message in to_channels(service, notice, first):
                channels.setdefault(message.channel, message)
    return [
        Message(f"{first}.{place}", each.kind, each.channel, each.notice)
        for place, each in enumerate(channels.values())
    ]


def _told(freeze: Freeze, now: datetime) -> FreezeTold:
    return FreezeTold(
        id=freeze.id,
        service=freeze.service,
        environment=freeze.environment,
        by=freeze.by,
        reason=freeze.reason,
        from_=freeze.start,
        until=freeze.end,
        in_force=freeze.start <= now,
    )
