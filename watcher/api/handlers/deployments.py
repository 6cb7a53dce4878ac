"""``POST /v1/deployments``: written down before it is answered, whatever it says; and what became of it."""

import asyncio
from datetime import datetime, timedelta
from http import HTTPStatus

from deploy.model import Announcement
from deploy.source import Aside, Ignored, Received, Rejected
from watcher.api.asked import Nothing, OneAnnouncement
from watcher.api.bodies import NewDeployment, NoBody
from watcher.api.handlers.reach import no_such_service
from watcher.api.handlers.show import announcement_told
from watcher.api.handlers.waiting import until
from watcher.api.idempotency import used_before
from watcher.api.limits import guard
from watcher.api.problems import Declined, Mistake, forbidden, malformed, not_found
from watcher.api.route import Call
from watcher.api.told import Announced, AnnouncementTold
from watcher.core.intake import DOOR, SKEW, STALE
from watcher.store.accepting import Arrival, Turned, accept, result_of
from watcher.store.store import InboxItem

LOOK_AGAIN = timedelta(milliseconds=500)  # an announcement is resolved within a second or two

Announce = Call[Nothing, NewDeployment]


async def announce(call: Announce) -> Announced:
    """Take an announcement."""
    now = call.deps.now()
    said = _said(call, now)
    match said:
        case Declined():
            raise await _turned_away(call, None, said, now)
        case Aside() | Ignored():
            return await _write(call, None, Turned("recorded", said.why), now)
        case Announcement():
            refusal = _refusal(call, said, now)
            if refusal is not None:
                raise await _turned_away(call, said, refusal, now)
            return await _write(call, said, None, now)


def _said(call: Announce, now: datetime) -> Announcement | Aside | Ignored | Declined:
    try:
        guard(call.raw)
    except Declined as refusal:
        return refusal
    said = call.deps.sources()[DOOR].read(Received(call.raw, call.headers, now, call.who.name))
    if isinstance(said, Rejected):
        return malformed("the announcement", [Mistake(where=said.where, what=said.why)], said.remedy)
    return said


def _refusal(call: Announce, said: Announcement, now: datetime) -> Declined | None:
    """Why *said* is not believed."""
    name, environment = said.service, said.environment
    if not call.who.covers(name, environment):
        return forbidden(
            f"{call.who.name} may not announce {name} in {environment}",
            "take a token whose `services` name it",
        )
    if (name, environment) not in call.deps.services():
        unknown = no_such_service(call, name, environment)
        return _not_believed("unknown-service", str(unknown), unknown.remedy)
    if now - said.at > STALE:
        return _not_believed(
            "stale",
            f"it is of {said.at:%Y-%m-%d %H:%M} UTC, more than 24 h ago",
            "what runs now is read anyway",
        )
    if said.at - now > SKEW:
        return _not_believed(
            "ahead",
            f"it is of {said.at:%Y-%m-%d %H:%M} UTC, which is to come",
            "set the sender's clock, or leave `at` out",
        )
    return None


def _not_believed(kind: str, detail: str, remedy: str) -> Declined:
    return Declined(HTTPStatus.UNPROCESSABLE_ENTITY, kind, detail, remedy=remedy)


async def _turned_away(
    call: Announce, said: Announcement | None, refusal: Declined, now: datetime
) -> Declined:
    """Record what is refused, so that nothing that was sent is lost, and say under which id."""
    why = f"{refusal}; {refusal.remedy}"
    turned = Turned("recorded" if refusal.kind == "stale" else "rejected", why)
    written = await _write(call, said, turned, now)
    refusal.members = {**refusal.members, "announcement": written.announcement}
    return refusal


async def _write(
    call: Announce, said: Announcement | None, turned: Turned | None, now: datetime
) -> Announced:
    deps, began = call.deps, call.deps.monotonic()
    arrival = Arrival(DOOR, call.raw, call.who.name, said, turned)
    accepted = await accept(deps.store, deps.new_id("a", now), arrival, now)
    deps.heard(DOOR, result_of(arrival, accepted), deps.monotonic() - began)
    if accepted.conflict:
        raise used_before()
    if turned is None:
        deps.wake_listener()
    return Announced(
        announcement=accepted.id,
        duplicate=accepted.duplicate,
        links={"self": f"/v1/announcements/{accepted.id}"},
    )


async def announcement(call: Call[OneAnnouncement, NoBody]) -> AnnouncementTold:
    """What became of an announcement."""

    async def again(_item: InboxItem, left: timedelta) -> InboxItem:
        await asyncio.sleep(min(left, LOOK_AGAIN).total_seconds())
        return await _in_reach(call)

    item = await until(
        call, call.asked.wait, await _in_reach(call), lambda item: item.closing is not None, again
    )
    return announcement_told(item)


async def _in_reach(call: Call[OneAnnouncement, NoBody]) -> InboxItem:
    item = await call.deps.store.announcement(call.asked.id)
    if item is None or not _may_see(call, item):
        raise not_found(
            f"there is no announcement {call.asked.id!r}",
            "announcements are forgotten after a while; `rollbackd watches` lists what came of them",
        )
    return item


def _may_see(call: Call[OneAnnouncement, NoBody], item: InboxItem) -> bool:
    """One that could not be read is shown to whoever sent it."""
    if item.principal == call.who.name or call.who.covers_all:
        return True
    said = item.announcement
    return said is not None and call.who.covers(said.service, said.environment)
