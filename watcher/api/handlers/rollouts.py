"""Beginning a rollout: what a pipeline has put beside what serves is given its first stage.

What stands against it is looked at in this order: the service and what runs; the watch that lives; the gate. Whoever is not
let through by the gate asks again once it has answered: a refusal is not remembered, so with the same key.
"""

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import NamedTuple

from deploy.model import Gone, Unreadable
from deploy.rollout import Beside
from watcher.api.asked import OneService
from watcher.api.bodies import NewRollout
from watcher.api.deps import Deps
from watcher.api.handlers.reach import known_service, must_order
from watcher.api.handlers.show import links_of
from watcher.api.problems import Declined, conflict
from watcher.api.route import Call, written
from watcher.api.told import RolloutTold
from watcher.core import disarm
from watcher.core.facts import Facts
from watcher.core.gate import Candidate, Passage, Passing
from watcher.core.intake import Joined, Known, Opened, Part, must_be_staged, started
from watcher.core.service import Mode, Service
from watcher.core.watch import Order, OrderKind, Step, Watch
from watcher.store.stepping import change
from watcher.store.store import Answered, GuardFailed, Saved

CHANGED = "changed-meanwhile"
AGAIN_IN = timedelta(seconds=10)  # what a platform could not be asked just now


class _Asked(NamedTuple):
    call: Call[OneService, NewRollout]
    service: Service
    order: Order
    found: Beside
    now: datetime


async def start(call: Call[OneService, NewRollout]) -> RolloutTold:
    """Begin a rollout."""
    service = known_service(call, call.asked.service, call.asked.environment)
    must_order(call, service)
    must_be_staged(service)
    order = Order(OrderKind.START, call.who.name, call.body.reason or call.body.hotfix or "", call.body.tag)
    found = await _stands_beside(call.deps, service, call.body)
    asked = _Asked(call, service, order, found, call.deps.now())
    meaning = await _meaning(asked)
    if isinstance(meaning, Joined) and meaning.step is None:
        return _told(meaning.watch, asked, begun=True)
    passage = await _through_the_gate(asked)
    try:
        told = await (
            _begun(meaning, asked, passage)
            if isinstance(meaning, Joined)
            else _opened(meaning, asked, passage)
        )
    except Declined as declined:
        if declined.kind != CHANGED:
            raise
        meaning = await _meaning(asked)  # the same order may have come by another replica
        if not isinstance(meaning, Joined) or meaning.step is not None:
            raise
        return _told(meaning.watch, asked, begun=True)
    call.deps.wake_performer()
    return told


async def _stands_beside(deps: Deps, service: Service, body: NewRollout) -> Beside:
    hints = {"tag": body.tag} | ({"fingerprint": body.fingerprint} if body.fingerprint else {})
    found = await deps.beside(service, hints)
    match found:
        case Gone(words):
            raise conflict(
                "cannot-start",
                f"{body.tag} cannot be begun with: {words}",
                "deploy it beside what serves first, without traffic",
            )
        case Unreadable(words):
            raise Declined(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "platform-unreadable",
                f"it could not be read whether {body.tag} stands beside what serves: {words}",
                remedy="order it again",
                retry_after=AGAIN_IN,
            )
        case Beside():
            return found


async def _meaning(asked: _Asked) -> Opened | Joined:
    """What it means by what is so now.

    Raises:
        CannotStart: Something stands against it.
    """
    deps, service, now = asked.call.deps, asked.service, asked.now
    (part,) = service.parts
    ledger = await deps.store.ledger(*service.key, part)
    living = await deps.store.living(*service.key)
    newest = await deps.store.list(service=service.name, environment=service.environment, limit=2)
    last = next((each for each in newest if each.state.is_final), None)
    freezes = tuple(await deps.store.freezes(now))
    known = Known(service, living, last, {part: ledger}, freezes=freezes)
    here = Part(part, asked.found.release, ledger, asked.found.live)
    facts = await _switch(deps, service, now)
    hotfix = asked.call.body.hotfix is not None
    return started(asked.order, here, known, facts, now, deps.new_id("w", now), hotfix=hotfix)


async def _switch(deps: Deps, service: Service, now: datetime) -> Facts:
    off = disarm.in_force(await deps.store.disarmed(now), *service.key, now)
    return Facts(
        channels=service.team.tell,
        boards=service.team.boards,
        looked_back=False,
        armed=off is None,
        disarmed=disarm.words(off, now),
    )


async def _through_the_gate(asked: _Asked) -> Passage:
    """The gate's leave, by the content that the platform tells.

    Raises:
        Declined: It refuses it, or it is not decided yet.
    """
    release, deps = asked.found.release, asked.call.deps
    candidate = Candidate(release.tag, release.fingerprint, dict(release.names))
    hotfix = asked.call.body.hotfix or ""
    passage = await deps.gates.ask(asked.service, candidate, asked.order.by, asked.now, hotfix)
    deps.wake_performer()
    if passage.state is Passing.PASSED:
        return passage
    if passage.is_decided:
        raise Declined(
            HTTPStatus.CONFLICT,
            "gate-refused",
            f"the gate refuses it: {passage.words}",
            remedy=f"`rollbackd gates` has it as {passage.id}",
            members={"gate": passage.id},
        )
    raise Declined(
        HTTPStatus.CONFLICT,
        "at-the-gate",
        f"it waits at the gate ({passage.answer.value}): {passage.words}",
        remedy=f"order it again once {passage.id} has passed: `rollbackd start --wait` does so",
        members={"gate": passage.id},
    )


async def _opened(meaning: Opened, asked: _Asked, passage: Passage) -> RolloutTold:
    deps, step = asked.call.deps, meaning.step
    told = _told(step.watch, asked, passage)
    saving = await deps.store.open(step, asked.now, meaning.supersedes, _answered(asked, told))
    if not isinstance(saving, Saved):
        raise _changed()
    return told


async def _begun(meaning: Joined, asked: _Asked, passage: Passage) -> RolloutTold:
    """The watch lives already, and is told to begin; if it changed meanwhile, what is so then decides."""
    deps, step, watch = asked.call.deps, meaning.step, meaning.watch
    if step is None:
        raise AssertionError("there is something to be done")

    def decide(latest: Watch) -> Step:
        if latest.revision != watch.revision:
            raise _changed()
        return step

    def answer(step: Step) -> Answered | None:
        return _answered(asked, _told(step.watch, asked, passage))

    after = await change(deps.store, watch.id, decide, asked.now, answer=answer)
    if isinstance(after, GuardFailed):
        raise _changed()
    return _told(after, asked, passage)


def _changed() -> Declined:
    return conflict("changed-meanwhile", "the watch of the service was changed just then", "order it again")


def _answered(asked: _Asked, told: RolloutTold) -> Answered | None:
    keyed = asked.call.keyed
    return keyed.answered(written(told)) if keyed is not None else None


def _told(watch: Watch, asked: _Asked, passage: Passage | None = None, *, begun: bool = False) -> RolloutTold:
    release = asked.found.release
    return RolloutTold(
        watch=watch.id,
        state=watch.state,
        revision=watch.revision,
        tag=release.tag,
        fingerprint=release.fingerprint,
        begun=begun,
        first=watch.stages[0].share,
        gate=passage.id if passage else None,
        warnings=_warnings(watch, passage, begun=begun),
        links=links_of(watch.id),
    )


def _warnings(watch: Watch, passage: Passage | None, *, begun: bool) -> list[str]:
    found = (
        (begun, f"{watch.tag} was begun before: nothing is done a second time"),
        (
            not begun and watch.goes_forward is Mode.ASK,
            "a person is asked before each of its further stages: the order is for the first one",
        ),
        (not begun and watch.way_back is None, "no known-good release is known to go back to"),
    )
    return [
        *(words for holds, words in found if holds),
        *(passage.notes if passage else ()),
        *watch.obstacles,
    ]
