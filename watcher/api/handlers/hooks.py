"""``POST /v1/hooks/{source}``: the door of systems that come by themselves, and sign what they send.

Whoever does not prove who it is hears one and the same answer, whether there is such a source or not. What is proven is
written down before it is answered, and resolved later: it is answered within milliseconds, as those systems want it.
"""

from datetime import datetime

import structlog

from deploy.model import Announcement
from deploy.source import Hooked, Ignored, Received, Rejected
from watcher.api.asked import OneHook
from watcher.api.bodies import Delivery
from watcher.api.limits import guard
from watcher.api.problems import Declined, Mistake, malformed, unsigned
from watcher.api.route import Call
from watcher.api.told import Announced
from watcher.store.accepting import Arrival, Turned, accept, result_of

log = structlog.stdlib.get_logger("rollbackd.api")
Hook = Call[OneHook, Delivery]


async def hook(call: Hook) -> Announced:
    """Take what a system says of a deployment."""
    now = call.deps.now()
    source = call.deps.sources().get(call.asked.source)
    if not isinstance(source, Hooked) or not source.admits(call.headers, call.raw):
        raise unsigned()
    match _said(source, call, now):
        case Announcement() as said:
            return await _write(call, source, said, None, now)
        case Ignored(why):
            # Once a day for all of one name: an organisation's webhook may tell of everything.
            once = f"{why} {now:%Y-%m-%d}"
            return await _write(call, source, None, Turned("recorded", why), now, once)
        case Rejected() as rejected:
            raise await _turned_away(call, source, rejected, now)


def _said(source: Hooked, call: Hook, now: datetime) -> Announcement | Ignored | Rejected:
    try:
        guard(call.raw)
    except Declined as refusal:
        return Rejected(str(refusal), refusal.remedy)
    return source.read(Received(call.raw, call.headers, now, _principal(source)))


async def _turned_away(call: Hook, source: Hooked, rejected: Rejected, now: datetime) -> Declined:
    """Record what is refused, so that nothing that was sent is lost, and say under which id."""
    written = await _write(call, source, None, Turned("rejected", f"{rejected.why}; {rejected.remedy}"), now)
    log.warning(
        "announcement.rejected", announcement=written.announcement, source=source.name, why=rejected.why
    )
    mistake = Mistake(where=rejected.where, what=rejected.why)
    refusal = malformed(f"what {source.name} sent", [mistake], rejected.remedy)
    refusal.members = {**refusal.members, "announcement": written.announcement}
    return refusal


async def _write(
    call: Hook,
    source: Hooked,
    said: Announcement | None,
    turned: Turned | None,
    now: datetime,
    once: str = "",
) -> Announced:
    deps, began = call.deps, call.deps.monotonic()
    arrival = Arrival(source.name, call.raw, _principal(source), said, turned, once)
    accepted = await accept(deps.store, deps.new_id("a", now), arrival, now)
    deps.heard(source.name, result_of(arrival, accepted), deps.monotonic() - began)
    if turned is None and not accepted.duplicate:
        deps.wake_listener()
    return Announced(
        announcement=accepted.id,
        duplicate=accepted.duplicate or accepted.conflict,  # of one event, told with a word more or less
        links={"self": f"/v1/announcements/{accepted.id}"},
    )


def _principal(source: Hooked) -> str:
    return f"hook:{source.name}"
