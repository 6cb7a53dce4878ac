"""What else moved: people and pipelines tell of it, and anybody may read it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from watcher.api.asked import Nothing, SomeChanges
from watcher.api.auth import ALL
from watcher.api.bodies import NewChange, NoBody
from watcher.api.handlers.reach import known_service, no_such_service
from watcher.api.handlers.show import change_told
from watcher.api.problems import Declined, forbidden
from watcher.api.route import AnyCall, Call
from watcher.api.told import ChangeKept, Changes
from watcher.core.change import Change, concerning
from watcher.core.intake import SKEW

DAY = timedelta(days=1)
OLDEST = timedelta(days=30)  # older ones are forgotten anyway


async def tell_of_change(call: Call[Nothing, NewChange]) -> ChangeKept:
    """Keep a change, once for its ``Idempotency-Key``."""
    now, said = call.deps.now(), call.body
    _must_speak_for(call, said.service, said.environment)
    at = said.at or now
    _must_be_believed(at, now)
    change = Change(
        at=at.astimezone(UTC),
        what=said.what,
        service=said.service,
        environment=said.environment,
        kind=said.kind,
        name=said.name,
        key=f"key:{call.who.name}:{call.keyed.key}" if call.keyed else None,
        told_by=call.who.name,
    )
    is_new = await call.deps.store.add_change(change, now)
    return ChangeKept(**change_told(change).model_dump(), duplicate=not is_new)


def _must_speak_for(call: AnyCall, service: str | None, environment: str | None) -> None:
    """See that the token is good for those whom the change concerns: of everybody only one that is limited to none may speak."""
    if service is not None and environment is not None:
        known_service(call, service, environment)
        return
    if service is not None:
        known = [key for key in call.deps.services() if key[0] == service and call.who.covers(*key)]
        if not known:
            raise no_such_service(call, service, "any environment")
    concerned = [
        key for key in call.deps.services() if service in {None, key[0]} and environment in {None, key[1]}
    ]
    if not call.who.covers_all and not (concerned and all(call.who.covers(*key) for key in concerned)):
        raise forbidden(
            f"{call.who.name} may not speak for all whom that concerns",
            "name a service and an environment that the token is good for",
        )


def _must_be_believed(at: datetime, now: datetime) -> None:
    if at - now > SKEW:
        raise _unbelieved(
            "ahead", f"it is of {at:%Y-%m-%d %H:%M} UTC, which is to come", "leave `at` out, or set the clock"
        )
    if now - at > OLDEST:
        raise _unbelieved(
            "stale", f"it is of {at:%Y-%m-%d %H:%M} UTC, more than 30 days ago", "nobody asks any more"
        )


def _unbelieved(kind: str, detail: str, remedy: str) -> Declined:
    return Declined(HTTPStatus.UNPROCESSABLE_ENTITY, kind, detail, remedy=remedy)


async def changes(call: Call[SomeChanges, NoBody]) -> Changes:
    """What else moved, newest first."""
    asked, now = call.asked, call.deps.now()
    until = asked.until or now + SKEW  # what whoever is a little ahead of us told is there too
    since = asked.since or (min(until, now) - DAY if until > now - OLDEST else until)
    found = await call.deps.store.changes(since, until)
    seen = _of_whom_was_asked(call, found)
    return Changes(changes=[change_told(each) for each in reversed(seen[-asked.limit :])])


def _of_whom_was_asked(call: Call[SomeChanges, NoBody], found: Sequence[Change]) -> Sequence[Change]:
    """What concerns the service that was named; else all, but what is the own of services that are out of reach."""
    asked = call.asked
    if asked.service and asked.environment:
        service = known_service(call, asked.service, asked.environment)
        return concerning(found, service, tuple(call.deps.services().values()))
    return [
        each
        for each in found
        if asked.service in {None, each.service}
        and (asked.environment is None or each.environment in {None, asked.environment})
        and (each.service is None or call.who.covers(each.service, each.environment or ALL))
    ]
