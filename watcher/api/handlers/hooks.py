"""``POST /v1/hooks/{source}``: the door of systems that come by themselves, and sign what they send.

Whoever does not prove who it is hears one and the same answer, whether there is such a source or not. What is proven is
written down before it is answered, and resolved later: it is answered within milliseconds, as those systems want it.
"""

import hashlib
from dataclasses import replace
from datetime import datetime

import structlog

from deploy.model import Announcement
from deploy.source import Aside, Discreet, Hooked, Ignored, Knock, Received, Rejected
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
    """Take what a system says of a deployment, or of what else moved: that is kept before it is answered."""
    now = call.deps.now()
    source = call.deps.sources().get(call.asked.source)
    if not isinstance(source, Hooked) or not source.admits(call.headers, call.raw):
        raise unsigned()
    said = _said(source, call, now)
    match said:
        case Announcement():
            return await _write(call, source, said, None, now)
        case Aside() as aside:
            word = await call.deps.asides(replace(aside, via=source.name), now)
            return await _recorded(call, source, word or aside.why, now)
        case Ignored(why):
            written = await _recorded(call, source, why, now)
            if isinstance(said, Knock):
                call.deps.wake_doorkeeper()
            return written
        case Rejected() as rejected:
            raise await _turned_away(call, source, rejected, now)


async def _recorded(call: Hook, source: Hooked, why: str, now: datetime) -> Announced:
    """Once a day for all of one name: an organisation's webhook may tell of everything."""
    return await _write(call, source, None, Turned("recorded", why), now, f"{why} {now:%Y-%m-%d}")


def _said(source: Hooked, call: Hook, now: datetime) -> Announcement | Aside | Ignored | Rejected:
    try:
        guard(call.raw)
    except Declined as refusal:
        return Rejected(str(refusal), refusal.remedy)
    return source.read(Received(call.raw, call.headers, now, _principal(source)))


async def _turned_away(call: Hook, source: Hooked, rejected: Rejected, now: datetime) -> Declined:
    """Record what is refused, so that nothing that was sent is lost, and say under which id."""
    turned = Turned("rejected", f"{rejected.why}; {rejected.remedy}")
    once = hashlib.sha256(call.raw).hexdigest()
    written = await _write(call, source, None, turned, now, once)
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
    kept = b"" if isinstance(source, Discreet) else call.raw
    arrival = Arrival(source.name, kept, _principal(source), said, turned, once)
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
