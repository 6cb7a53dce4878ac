"""The gate: pipelines ask whether something may be deployed, persons answer, and anybody may look."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from deploy.tags import Entry, Ledger, find, grade
from watcher.api.asked import AtGate, OnePassage, OneRelease, OneService, SomePassages
from watcher.api.auth import Scope, services_in_reach
from watcher.api.bodies import AskToPass, NoBody, ToPassage
from watcher.api.handlers.reach import known_service, must_order
from watcher.api.handlers.services import ledgers_of, live_of
from watcher.api.handlers.waiting import until
from watcher.api.problems import conflict, forbidden, not_found
from watcher.api.route import AnyCall, Call, written
from watcher.api.told import GateTold, MarkTold, Passages, PassageTold, PassedIn, ReasonTold, ReleaseStands
from watcher.core.gate import Candidate, Passage
from watcher.core.gate.candidate import COMMIT
from watcher.core.service import Service
from watcher.core.watch import Order
from watcher.core.wording.figures import said
from watcher.errors import NoSuchPassage, OrderIncomplete
from watcher.store.store import Answered

PAGES = 10  # as in `watches`


async def ask(call: Call[OneService, AskToPass]) -> PassageTold:
    """Ask to pass."""
    deps, body = call.deps, call.body
    service = known_service(call, call.asked.service, call.asked.environment)
    if body.hotfix is not None:
        _must_say_so(call, service)
    candidate = _candidate(body.tag, body.fingerprint, body.sha, dict(body.names))
    asking = await deps.gates.ask(service, candidate, call.who.name, deps.now(), body.hotfix or "")
    deps.wake_performer()
    return _told(asking)


def _must_say_so(call: AnyCall, service: Service) -> None:
    """What passes over a freeze is a person's word, and so an order."""
    if Scope.ORDER.value not in call.who.may:
        raise forbidden(
            f"{call.who.name} may not order, and a hotfix is an order",
            "take a token that `may: [announce, order]`, or let somebody end the freeze",
        )
    must_order(call, service)


def _candidate(tag: str | None, fingerprint: str | None, sha: str | None, names: dict[str, str]) -> Candidate:
    if not (tag or fingerprint or sha or names):
        raise OrderIncomplete(
            "nothing says what is to be deployed", remedy="name its tag, its image's digest, or its commit"
        )
    return Candidate(tag, fingerprint, names | ({COMMIT: sha.lower()} if sha else {}))


async def look(call: Call[AtGate, NoBody]) -> GateTold:
    """What the gate would say."""
    asked, deps = call.asked, call.deps
    service = known_service(call, asked.service, asked.environment)
    names = {"digest": asked.digest} if asked.digest else {}
    candidate = _candidate(asked.tag, asked.fingerprint, asked.sha, names)
    told = await deps.gates.look(service, candidate, deps.now())
    return GateTold(
        service=service.name,
        environment=service.environment,
        answer=told.answer,
        because=told.because,
        words=said(told.words),
        until=told.until,
        reasons=[
            ReasonTold(answer=each.answer, because=each.because, words=said(each.words), until=each.until)
            for each in told.reasons
        ],
        notes=[said(each) for each in told.notes],
    )


async def passages(call: Call[SomePassages, NoBody]) -> Passages:
    """What asked to pass, newest first, of what is within reach."""
    asked = call.asked
    found: list[Passage] = []
    after = asked.after
    for _ in range(PAGES):
        read = await call.deps.store.passages(
            service=asked.service,
            environment=asked.environment,
            state=asked.state,
            after=after,
            limit=asked.limit,
        )
        for each in read:
            after = each.id
            found += [each] if call.who.covers(*each.key) else []
            if len(found) == asked.limit:
                return Passages(gates=[_told(one) for one in found], after=after)
        if len(read) < asked.limit:
            return Passages(gates=[_told(one) for one in found], after=None)
    return Passages(gates=[_told(one) for one in found], after=after)


async def passage(call: Call[OnePassage, NoBody]) -> PassageTold:
    """How it stands; waits for the answer, if asked to."""
    gates = call.deps.gates

    async def again(latest: Passage, left: timedelta) -> Passage:
        await asyncio.sleep(left.total_seconds())
        return await gates.again(await gates.get(latest.id), call.deps.now())

    before = await _in_reach(call)
    first = await gates.again(before, call.deps.now())
    found = await until(call, call.asked.wait, first, lambda each: each.is_decided, again)
    if found.revision != before.revision:
        call.deps.wake_performer()  # what was found by looking is told at once, too
    return _told(found)


async def _in_reach(call: Call[OnePassage, NoBody] | Call[OnePassage, ToPassage]) -> Passage:
    """What is at the gate.

    Raises:
        NoSuchPassage: Nobody knows it, or the token is not good for its service: the answer is the same.
    """
    found = await call.deps.store.passage(call.asked.id)
    if found is None or not call.who.covers(*found.key):
        raise NoSuchPassage(call.asked.id)
    return found


async def to_passage(call: Call[OnePassage, ToPassage]) -> PassageTold:
    """Let it pass, refuse it, or say that it is a hotfix."""
    found = await _in_reach(call)
    must_order(call, call.deps.services().get(found.key))
    body = call.body.root
    order = Order(body.order, call.who.name, body.reason)

    def answer(after: Passage) -> Answered | None:
        return call.keyed.answered(written(_told(after))) if call.keyed is not None else None

    def is_seen(before: Passage) -> None:
        if body.expect_revision is not None and before.revision != body.expect_revision:
            raise conflict(
                "changed-meanwhile",
                f"it is at revision {before.revision}, not at {body.expect_revision}: {before.words}",
                "look at it again, and order what fits now",
            )

    after = await call.deps.gates.order(found.id, order, call.deps.now(), answer, is_seen)
    call.deps.wake_performer()
    return _told(after)


def _told(passage: Passage) -> PassageTold:
    return PassageTold(
        gate=passage.id,
        revision=passage.revision,
        service=passage.service,
        environment=passage.environment,
        what=passage.candidate.words,
        state=passage.state,
        decided=passage.is_decided,
        answer=passage.answer,
        because=passage.because,
        words=passage.words,
        until=passage.until,
        notes=passage.notes,
        by=passage.by,
        asked_at=passage.asked_at,
        expires_at=passage.expires_at,
        answered_by=passage.decision.by if passage.decision else None,
        hotfix=passage.hotfix or None,
        orders_allowed=[kind.value for kind in passage.orders_allowed],
        links={"self": f"/v1/gates/{passage.id}"},
    )


async def release(call: Call[OneRelease, NoBody]) -> ReleaseStands:
    """Where a release is known by its content or a name, and how it stands there."""
    deps, now = call.deps, call.deps.now()
    found = [
        stands
        for service in services_in_reach(call.who, deps.services())
        for ledger in (await ledgers_of(deps.store, service)).values()
        for stands in _stands(service, ledger, call.asked.fingerprint, now)
    ]
    if not found:
        raise not_found(
            f"nobody knows a release {call.asked.fingerprint!r}",
            "`rollbackd tags` lists those that are known",
        )
    return ReleaseStands(release=call.asked.fingerprint, where=found)


def _stands(service: Service, ledger: Ledger, name: str, now: datetime) -> Iterator[PassedIn]:
    known = {each.fingerprint for each in find(ledger, name)}
    for entry in (each for each in ledger.entries if each.release.fingerprint in known):
        yield _in(service, ledger, entry, now)


def _in(service: Service, ledger: Ledger, entry: Entry, now: datetime) -> PassedIn:
    of, mark = entry.release.fingerprint, entry.quarantined
    ends: Sequence[tuple[datetime, str]] = [
        (each.at, each.state) for each in ledger.endings if each.fingerprint == of
    ]
    last = max(ends, default=None)
    return PassedIn(
        service=service.name,
        environment=service.environment,
        part=ledger.part,
        tag=entry.release.tag,
        fingerprint=of,
        grade=grade(ledger, of, service.policy.known_good.served_after, now),
        live=live_of(ledger) == of,
        quarantined=MarkTold(at=mark.at, by=mark.by, why=mark.why) if mark else None,
        last=last[1] if last else None,
        last_at=last[0] if last else None,
    )
