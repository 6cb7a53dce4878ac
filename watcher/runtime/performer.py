"""The performer: does what steps have queued. In the daemon `roll_back` and `move_on` are called here and nowhere else.

The intent is in the store before a call is made (`Store.begin`), what came of it is written after; between the two the
process may die, and both then decide by what runs. The outcome returns to the watch as a fact.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from deploy.model import Answer, Move, Shift, percent
from deploy.rollback import Broken, Done, Going, Lost, Outcome, Stopped, Unknown, roll_back
from deploy.rollout import WARMS_UP, move_on
from watcher.core import disarm, lifecycle
from watcher.core.warming import is_warm
from watcher.core.watch import Action, ActionResult, ActionState, Step, Watch
from watcher.core.wording.stages import warmth
from watcher.runtime.bells import Bells
from watcher.runtime.fleet import Current
from watcher.runtime.rounds import Boundary
from watcher.runtime.tenure import Tenure, of_actions
from watcher.runtime.timing import TERMS, Terms
from watcher.store.facts import Lookup
from watcher.store.stepping import change
from watcher.store.store import Claimed, Store
from watcher.telemetry.metrics import Metrics

BATCH = 10
REMEMBERED = 1000  # actions
log = structlog.stdlib.get_logger("rollbackd.performer")


@dataclass
class Performer:
    """The loop that acts."""

    store: Store
    lookup: Lookup
    current: Current
    bells: Bells
    metrics: Metrics
    boundary: Boundary
    owner: str
    now: Callable[[], datetime]
    timing: Terms = TERMS
    _own: dict[str, int] = field(default_factory=dict)  # by action: how many calls this process has begun

    async def go_round(self) -> bool:
        """Bring every action that is due one step further."""
        sent = asyncio.get_running_loop().time()
        claimed = await self.store.claim_actions(self.now(), BATCH, self.owner, self.timing.lease)
        if not claimed:
            return False
        held = {item.action.id: item.fence for item in claimed}
        async with Tenure(
            of_actions(self.store, self.owner), held, self.metrics, sent, self.timing
        ) as tenure:
            await self.boundary.each({item.action.id: self._perform(item, tenure) for item in claimed})
        return True

    async def _perform(self, item: Claimed, tenure: Tenure) -> None:
        """One step of one action. Its lease is kept while its parts are read; a call that could outlast it is not begun."""
        try:
            await self._written(item, await self._done(item, tenure))
        finally:
            tenure.set_aside(item.action.id)

    async def _done(self, item: Claimed, tenure: Tenure) -> Outcome:
        action = item.action
        if item.taken_from is not None:
            self.metrics.takeovers.labels("action").inc()
            log.warning(
                "action.taken_over", action=action.id, state=item.state.value, taken_from=item.taken_from
            )

        forbidden = ""

        async def intend(step: Move | Shift | Answer) -> bool:
            nonlocal forbidden
            # It may be so since the call before: what takes several asks before each.
            forbidden = await self._forbidden(item) if item.moves_sent else ""
            if forbidden:
                return False
            mine = await self.store.begin(action.id, item.fence, self.now())
            # It may have been frozen, or slow, until just now: a call that could outlast the lease is another's to make.
            if mine and not await tenure.assures(action.id, self.timing.call):
                self.metrics.fenced.inc()
                log.warning("action.too_late", action=action.id, part=step.part)
                return False
            if mine:
                self._count_own(action.id)
                log.info("action.begun", action=action.id, part=step.part, **_told(step))
                self._measure(action, item)
            return mine

        targets = self.current.targets((action.service, action.environment))
        if action.forward is not None:
            if not item.moves_sent and (words := await self._forbidden(item)):
                return Stopped(words)
            cold = await self._cold(item)
            outcome: Outcome = (
                Going(cold, WARMS_UP)
                if cold
                else await move_on(action.forward, targets, action.id, sent=item.moves_sent, intend=intend)
            )
            return Stopped(forbidden) if forbidden else _ready_in_time(action.forward, outcome, self.now())
        # An intent of which nobody has written what came of it: whoever held the action was killed, or the store was away.
        others = item.attempts - self._own.get(action.id, 0)
        begun = item.state is ActionState.BEGUN and others > item.moves_sent
        return await roll_back(
            action.plan, targets, action.id, sent=item.moves_sent, intend=intend, begun=begun
        )

    async def _forbidden(self, item: Claimed) -> str:
        """Why what the machine decided is not to go forward any more: it may have waited, or was refused for now, for minutes."""
        action, now = item.action, self.now()
        if action.forward is None or not (action.bound or action.ordered_by is None or _warms_up(action)):
            return ""
        where = (action.service, action.environment)
        switch = disarm.in_force(await self.store.disarmed(now), *where, now)
        if switch:
            return f"rollbackd is {disarm.words(switch, now)}"
        watch = await self.store.get(action.watch)
        if watch is None:
            return ""
        if marked := await self._marked(watch, action.forward):
            return marked
        if watch.frozen is not None:  # what was let out in a freeze is let go on in it
            return ""
        holds = await self.lookup.frozen(watch, now)
        return f"a freeze began {holds}" if holds else ""

    async def _marked(self, watch: Watch, step: Shift | Answer) -> str:
        """What was said of its release since; empty: nothing, or it came back marked, with people's knowledge."""
        if watch.returning:
            return ""
        ledger = await self.store.ledger(*watch.key, step.part)
        for entry in ledger.entries:
            mark = entry.distrusted or entry.quarantined
            if mark is not None and entry.release.is_same_as(step.after):
                return f"{step.after.tag} is not to be deployed, says {mark.by}: {mark.why}"
        return ""

    async def _cold(self, item: Claimed) -> str:
        """Why its probe says that the release is not warm any more, while its platform was waited for; empty: it is."""
        if not _warms_up(item.action) or item.attempts:  # what may have been given already is looked at
            return ""
        watch = await self.store.get(item.action.watch)
        need = watch.policy.rollout.warm_up if watch is not None else None
        if watch is None or watch.at is None or need is None or is_warm(watch.at, need):
            return ""
        return warmth(watch)

    async def _written(self, item: Claimed, outcome: Outcome) -> None:
        match outcome:
            case Going(words, again, sent):
                state = ActionState.BEGUN if sent else item.state
                await self._open(item, state, words, again, sent)
            case Unknown(words, again, sent):
                await self._open(item, ActionState.UNKNOWN if sent else item.state, words, again, sent)
            case Lost():
                log.info("action.lost", action=item.action.id)
            case Done():
                words = "serves again" if item.action.forward is None else "it went on"
                await self._closed(item, ActionResult(item.action.id, ActionState.DONE, words))
            case Broken(words, by_hand):
                await self._closed(
                    item, ActionResult(item.action.id, ActionState.FAILED, words, by_hand=by_hand)
                )
            case Stopped(words, third_tag):
                await self._closed(item, ActionResult(item.action.id, ActionState.REFUSED, words, third_tag))

    async def _open(self, item: Claimed, state: ActionState, words: str, again: timedelta, sent: int) -> None:
        now = self.now()
        await self.store.record(item.action.id, item.fence, state, words, now + again, now, moves_sent=sent)
        if words != item.words:
            log.info("action.going", action=item.action.id, state=state.value, words=words)

    async def _closed(self, item: Claimed, result: ActionResult) -> None:
        """The outcome is a fact for the watch; the step that it causes closes the action in the same transaction."""
        action, now = item.action, self.now()
        watch = await self.store.get(action.watch)
        if watch is None:
            return
        facts = await self.lookup.facts(watch, now)

        came_of = lifecycle.happened if action.forward is None else lifecycle.forwarded

        def decide(found: Watch) -> Step | None:
            return came_of(found, result, now, facts)

        after = await change(self.store, action.watch, decide, now)
        self.bells.after_step()
        self.bells.after_move(watch.key)
        self._count(action, result, watch.decided_at)
        state = after.state.value if isinstance(after, Watch) else "unchanged"
        log.info(
            "action.closed", action=action.id, result=result.state.value, words=result.words, watch_is=state
        )

    def _count_own(self, action: str) -> None:
        self._own[action] = self._own.pop(action, 0) + 1
        while len(self._own) > REMEMBERED:
            del self._own[next(iter(self._own))]

    def _count(self, action: Action, result: ActionResult, decided_at: datetime | None) -> None:
        trigger = "person" if action.ordered_by else "auto"
        if action.forward is not None:
            self.metrics.rollout_moves.labels(action.kind.value, trigger, result.state.value).inc()
            return
        self.metrics.rollbacks.labels(trigger, result.state.value).inc()
        if result.state is ActionState.DONE and decided_at:
            self.metrics.rollback_seconds.observe((self.now() - decided_at).total_seconds())

    def _measure(self, action: Action, item: Claimed) -> None:
        if item.attempts == 0 and action.forward is None:
            self.metrics.decision_seconds.observe((self.now() - action.queued_at).total_seconds())


def _warms_up(action: Action) -> bool:
    """It waits, for minutes maybe, until its release is ready."""
    return isinstance(action.forward, Shift) and action.forward.ready_by is not None


def _ready_in_time(step: Shift | Answer, outcome: Outcome, now: datetime) -> Outcome:
    """*outcome*; a release that is not ready in its time is given nothing."""
    latest = step.ready_by if isinstance(step, Shift) else None
    if latest is None or now < latest or not isinstance(outcome, Going | Unknown) or outcome.sent:
        return outcome
    return Broken(f"it was not ready in time: {outcome.words}")


def _told(step: Move | Shift | Answer) -> dict[str, str]:
    match step:
        case Move():
            return {"expect": step.expect.tag, "to": step.to.tag}
        case Shift():
            return {"to": step.after.tag, "share": f"{percent(step.expect)} to {percent(step.share)}"}
        case Answer():
            return {"to": step.after.tag, "hook": step.pause.stage or step.pause.hook}
