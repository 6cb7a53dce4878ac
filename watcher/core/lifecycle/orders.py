"""What people say to a watch. An order that does not fit is refused, with what is allowed."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple

from deploy.tags import Back, Grade
from watcher.core.facts import Facts
from watcher.core.lifecycle.deciding import quarantines, started
from watcher.core.lifecycle.forward import moved_on
from watcher.core.lifecycle.making import moved, stepped
from watcher.core.lifecycle.table import ORDERED, TABLE, Trigger
from watcher.core.lifecycle.timing import ASK_AGAIN, HOLD, LONGEST_HOLD
from watcher.core.stages import leads_on, may_advance
from watcher.core.watch import Ending, Hold, Order, OrderKind, State, Step, Watch
from watcher.core.wording import Event, ending_words
from watcher.errors import OrderIncomplete, OrderRefused


def orders_allowed(watch: Watch) -> tuple[OrderKind, ...]:
    """What a person may say to *watch* now. *Keep* is an answer: to a breach, or to a question."""
    listed = [kind for kind, trigger in ORDERED.items() if trigger in TABLE[watch.state]]
    answers = watch.breach is not None or watch.state in {State.ASKING, State.STUCK}
    fits = {OrderKind.KEEP: answers, OrderKind.ADVANCE: may_advance(watch)}
    return tuple(kind for kind in listed if fits.get(kind, True))


def ordered(watch: Watch, order: Order, now: datetime, facts: Facts, target: Back | None = None) -> Step:
    """What an order does to a watch.

    Args:
        watch: As it was read.
        order: By whom, and what.
        now: The time.
        facts: With the way back as it is now.
        target: For a rollback that names a release (``order.to``): that release, as the ledger knows it.

    Raises:
        OrderRefused: It does not fit the state; says what does.
        OrderIncomplete: There is nothing to go back to, or nobody knows the release that is named.
    """
    allowed = orders_allowed(watch)
    if order.kind not in allowed:
        raise OrderRefused(watch.state.words, order.kind.value, [kind.value for kind in allowed])
    if order.kind is OrderKind.ROLL_BACK:
        return _roll_back(watch, order, now, facts, target)
    return OBEYED[order.kind](_Told(watch, order, now, facts))


class _Told(NamedTuple):
    watch: Watch
    order: Order
    now: datetime
    facts: Facts

    def step(self, after: Watch, event: Event) -> Step:
        return stepped(
            self.watch,
            after,
            self.now,
            self.facts,
            event,
            by=self.order.by,
            why=self.order.reason or self.order.kind.value,
        )


def _hold(told: _Told) -> Step:
    """A hold that is prolonged counts from its beginning: at most 24 h in one piece."""
    watch, order, now, _ = told
    since = watch.hold.since if watch.hold else now
    until = min(now + _lasting(order, HOLD), since + LONGEST_HOLD)
    hold = Hold(order.by, order.reason, since, max(until, now))
    return told.step(moved(watch, Trigger.HOLD, now, hold=hold), Event.HELD)


def _lasting(order: Order, usual: timedelta) -> timedelta:
    return min(max(order.lasting or usual, timedelta(0)), LONGEST_HOLD)


def _resume(told: _Told) -> Step:
    step = told.step(moved(told.watch, Trigger.RESUME, told.now), Event.RESUMED)
    return replace(step, watch=replace(step.watch, due_at=told.now))


def _pass(told: _Told) -> Step:
    """A person vouches for the release: whatever was held against it is lifted."""
    after = _ended(told, Trigger.PASS)
    step = told.step(after, Event.PASSED)
    lifted = quarantines(after, lift=True) if after.returning or after.action else ()
    return replace(step, quarantines=lifted)


def _keep(told: _Told) -> Step:
    question = told.watch.question
    if question is not None and question.is_of_no_breach:
        return told.step(_ended(told, Trigger.KEEP_UNSEEN), Event.UNPROVEN)
    return told.step(_ended(told, Trigger.KEEP), Event.KEPT)


def _ended(told: _Told, trigger: Trigger) -> Watch:
    after = moved(told.watch, trigger, told.now)
    ending = Ending("", by=told.order.by, would_have=after.would_have)
    after = replace(after, ending=ending)
    return replace(after, ending=replace(ending, words=ending_words(after, told.now, but=told.order.reason)))


def _ask_again(told: _Told) -> Step:
    watch, order, now, _ = told
    again_at = now + _lasting(order, ASK_AGAIN)
    lasting = watch.policy.asking.lasting
    question = watch.question and replace(watch.question, again_at=again_at, expires_at=again_at + lasting)
    return told.step(moved(watch, Trigger.ASK_AGAIN, now, question=question), Event.ASKED_LATER)


def _advance(told: _Told) -> Step:
    """It goes on although it was not seen well for long enough; or what failed is tried again."""
    watch, order, now, facts = told
    step = leads_on(watch)
    if step is None:
        raise AssertionError("it is allowed where there is something to be done")
    why = order.reason or order.kind.value
    return moved_on(watch, watch, step, now, facts, by=order.by, why=why)


def _roll_back(watch: Watch, order: Order, now: datetime, facts: Facts, target: Back | None) -> Step:
    if order.to is not None:
        facts = _towards(watch, order.to, facts, target)
    elif watch.at is not None and watch.at.is_before and watch.at.before is not None:
        # What serves goes on serving, be it proven or not: nothing has been put in its place.
        facts = replace(facts, way_back=Back(watch.at.before, Grade.UNKNOWN, crosses=0, floor=False))
    if facts.backs(watch.deployment) is None:
        raise OrderIncomplete(
            "there is no known-good release to go back to",
            remedy="name one that it knows: `rollbackd tags` lists them; or allow one that is quarantined",
        )
    why = order.reason or order.kind.value
    return started(watch, watch, Trigger.ROLL_BACK, now, facts, by=order.by, why=why)


def _towards(watch: Watch, to: str, facts: Facts, target: Back | None) -> Facts:
    if target is None:
        raise OrderIncomplete(
            f"nobody knows a release {to!r}", remedy="`rollbackd tags` lists those that are known"
        )
    if len(watch.deployment.parts) != 1:
        raise OrderIncomplete(
            f"a deployment of {len(watch.deployment.parts)} parts cannot go back to one release",
            remedy="order it without naming a release: each part goes to its own known-good one",
        )
    if target.release.is_same_as(watch.deployment.parts[0].after):
        raise OrderIncomplete(f"{to} is what is to be undone", remedy="name another release, or none")
    return replace(facts, way_back=target)


OBEYED: Mapping[OrderKind, Callable[[_Told], Step]] = MappingProxyType(
    {
        OrderKind.HOLD: _hold,
        OrderKind.RESUME: _resume,
        OrderKind.PASS: _pass,
        OrderKind.KEEP: _keep,
        OrderKind.ASK_AGAIN: _ask_again,
        OrderKind.ADVANCE: _advance,
    }
)
