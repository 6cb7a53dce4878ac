"""A world of one service, small enough to check every step of: a platform, a store, and those who call the core.

The store does what the real one promises and nothing more: it refuses a step that was made from another revision, and
one whose guards do not hold. What must never be is asserted where it would happen.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from deploy.model import Announcement, Answer, Live, Pause, Phase, Release, Shift
from deploy.tags import Ending, Entry, Ledger, Mark, Span
from rules.recovery import Level
from rules.verdict import Judgement
from tests.builders import NOON, a_policy, a_service, an_announcement
from watcher.core import lifecycle
from watcher.core.facts import Facts, ways_back
from watcher.core.intake import Joined, Known, Opened, Part, Recorded, Rejected, intake, started
from watcher.core.service import Mode, Policy
from watcher.core.watch import (
    OPEN_ACTIONS,
    Action,
    ActionResult,
    ActionState,
    Armed,
    Below,
    Guard,
    NoOpenAction,
    NotQuarantined,
    Order,
    OrderKind,
    State,
    Step,
    Watch,
)
from watcher.errors import CannotStart, OrderIncomplete, OrderRefused

DAY = timedelta(days=1)


def release(tag: str) -> Release:
    return Release(f"sha256:{tag}", tag, names={"version": tag})


@dataclass
class Platform:
    """What runs, and whose hand put it there."""

    live: str
    in_flight: str | None = None
    key: str | None = None
    moved_by_us: set[str] = field(default_factory=set)  # tags that serve, or are on their way, by our hand
    share: float | None = None  # of what is on its way, where it is shared out
    hook: int = 0  # at which it waits, of those that it has; 0: at none

    def deploy(self, tag: str, share: float | None = None, hook: int = 0) -> None:
        self.in_flight, self.share, self.hook = tag, share, hook
        self.moved_by_us = (self.moved_by_us & {self.live}) - {tag}

    def move(self, tag: str, key: str) -> None:
        self.in_flight, self.key, self.share, self.hook = tag, key, None, 0
        self.moved_by_us = (self.moved_by_us & {self.live}) | {tag}

    def finish(self) -> None:
        self.live, self.in_flight = self.in_flight or self.live, None
        self.share, self.hook = None, 0
        self.moved_by_us &= {self.live}

    @property
    def runs(self) -> Live:
        in_flight = release(self.in_flight) if self.in_flight else None
        shared = self.in_flight is not None and self.share is not None
        shares = {f"sha256:{self.in_flight}": self.share or 0.0} if shared else {}
        pause = Pause(f"hook-{self.in_flight}-{self.hook}", f"STAGE_{self.hook}") if self.hook else None
        return Live(release(self.live), in_flight, shares, key=self.key, pause=pause)

    def goes_forward(self, step: Shift | Answer) -> None:
        if isinstance(step, Shift) and self.in_flight is None and step.expect <= 0:
            self.deploy(step.after.tag)
        if isinstance(step, Answer):
            self.hook = (self.hook + 1) % 3 if self.hook else 0
        elif step.share >= 1:
            self.finish()
        else:
            self.share = step.share


class World:
    """One service, one daemon."""

    def __init__(self, policy: Policy | None = None) -> None:
        self.now = NOON
        self.service = a_service(policy or a_policy())
        self.platform = Platform("v1")
        self.watches: dict[str, Watch] = {}
        self.actions: dict[str, Action] = {}
        self.standing: dict[str, ActionState] = {}
        self.seen: dict[str, Entry] = {"v1": Entry(release("v1"), NOON - DAY)}
        self.spans = [Span("sha256:v1", NOON - DAY, adopted=True)]
        self.endings: list[Ending] = []
        self.disarmed = False
        self.believed_disarmed = False  # what a step is told, which may be old
        self.fleet: list[datetime] = []  # automatic rollbacks of other services
        self.closed = 0
        self.announced = 0

    # ------------------------------------------------------------------------------------------------------- the store

    @property
    def living(self) -> Watch | None:
        alive = [watch for watch in self.watches.values() if not watch.state.is_final]
        assert len(alive) <= 1, "two watches live on one service"
        return alive[0] if alive else None

    @property
    def last(self) -> Watch | None:
        ended = [watch for watch in self.watches.values() if watch.state.is_final]
        return ended[-1] if ended else None

    @property
    def ledger(self) -> Ledger:
        return Ledger(
            "checkout",
            "production",
            "service",
            tuple(self.seen.values()),
            tuple(self.spans),
            tuple(self.endings),
        )

    def facts(self, watch: Watch) -> Facts:
        ways = ways_back(watch.deployment, {"service": self.ledger}, watch.policy, self.now)
        return Facts(("slack",), ways_back=ways, armed=not self.believed_disarmed)

    def automatic(self, watch: str | None = None) -> list[Action]:
        return [
            each
            for each in self.actions.values()
            if not each.ordered_by and each.forward is None and watch in {None, each.watch}
        ]

    def closed_by(self, step: Step) -> set[str]:
        """Open actions that *step* makes invalid, or says the outcome of."""
        told = {result.action for result in step.results}
        return told | {
            each.id
            for each in self.actions.values()
            if each.watch == step.watch.id
            and each.valid_in is not step.watch.state
            and self.standing[each.id] in OPEN_ACTIONS
        }

    def holds(self, guard: Guard, step: Step) -> bool:
        match guard:
            case Armed():
                return not self.disarmed
            case NotQuarantined(fingerprint=fingerprint):
                return not any(
                    entry.quarantined and entry.release.fingerprint == fingerprint
                    for entry in self.seen.values()
                )
            case NoOpenAction():
                closed = self.closed_by(step)
                return not any(
                    state in OPEN_ACTIONS for name, state in self.standing.items() if name not in closed
                )
            case Below(most, since, None):
                ours = [each.queued_at for each in self.automatic()]
                return len([at for at in [*ours, *self.fleet] if at > since]) < most
            case Below(most, since, watch=watch):
                return len([each for each in self.automatic(watch) if each.queued_at > since or watch]) < most

    def failed(self, step: Step) -> Guard | None:
        return next((guard for guard in sorted(step.requires, key=repr) if not self.holds(guard, step)), None)

    def save(self, step: Step | None) -> Guard | None:
        """Write a step; the guard that does not hold."""
        if step is None:
            return None
        before = self.watches.get(step.watch.id)
        self.check(before, step)
        failed = self.failed(step)
        if failed is None:
            self.write(before, step)
        return failed

    def check(self, before: Watch | None, step: Step) -> None:
        assert step.before == (before.revision if before else 0), "made from another revision"
        assert step.watch.revision == step.before + 1, "a revision is written once"
        if before is None:
            return
        assert not before.state.is_final, "a final watch was written"
        assert step.watch.state in {before.state, *lifecycle.TABLE[before.state].values()}, "not in the table"

    def write(self, before: Watch | None, step: Step) -> None:
        watch = step.watch
        self.watches[watch.id] = watch
        for change in watch.deployment.parts:
            self.seen.setdefault(change.after.tag, Entry(change.after, self.now))
        for closed in self.closed_by(step):
            self.standing[closed] = ActionState.REFUSED
        for result in step.results:
            self.standing[result.action] = result.state
        for action in step.actions:
            self.begin(action)
        for quarantine in step.quarantines:
            self.mark(
                quarantine.fingerprint, None if quarantine.lift else Mark(self.now, "us", quarantine.why)
            )
        for serves in step.serves:
            self.serve(serves.release, serves.at)
        if watch.state.is_final and not (before and before.state.is_final):
            self.end(watch)
        self.closed += len(step.closes)
        ids = [action.id for action in step.actions] + [message.id for message in step.messages]
        assert len(ids) == len(set(ids)), "two effects have one id"

    def begin(self, action: Action) -> None:
        assert self.watches[action.watch].state is action.valid_in
        if action.forward is not None:
            self.goes_forward(action)
            return
        (move,) = action.plan.moves
        assert not self.seen[move.to.tag].quarantined, "a rollback to a release that is quarantined"
        if not action.ordered_by:
            assert not self.automatic(action.watch), "two automatic rollbacks of one deployment"
            assert not self.platform.moved_by_us & {move.expect.tag}, "our own rollback is rolled back"
            assert not self.disarmed, "an automatic rollback while it is disarmed"
        self.actions[action.id], self.standing[action.id] = action, ActionState.PLANNED

    def goes_forward(self, action: Action) -> None:
        """Nothing goes forward that was ever bad; by itself, nothing but what is seen to be well, and only where it may."""
        watch = self.watches[action.watch]
        assert watch.breach is None, "a release that breached goes forward"
        if not action.ordered_by:
            assert not self.disarmed, "it goes forward by itself while it is disarmed"
            assert watch.policy.mode is not Mode.SHADOW
            assert Mode.AUTO in {watch.policy.mode, watch.policy.rollout.forward}
            assert watch.judgement is not None
            assert_can_pass(watch.judgement)
        if isinstance(action.forward, Shift):
            assert action.forward.share > action.forward.expect, "that is no way forward"
        self.actions[action.id], self.standing[action.id] = action, ActionState.PLANNED

    def mark(self, fingerprint: str, mark: Mark | None) -> None:
        for tag, entry in self.seen.items():
            if entry.release.fingerprint == fingerprint:
                self.seen[tag] = replace(entry, quarantined=mark)

    def serve(self, release: Release, at: datetime) -> None:
        self.seen.setdefault(release.tag, Entry(release, at))
        if self.spans[-1].fingerprint != release.fingerprint:
            self.spans[-1] = replace(self.spans[-1], end=at)
            self.spans.append(Span(release.fingerprint, at))

    def end(self, watch: Watch) -> None:
        assert watch.ended_at is not None
        assert watch.ending is not None
        assert watch.due_at is None
        breached = watch.breach is not None
        by = watch.ending.by is not None
        if watch.state is State.PASSED and not by:
            assert watch.judgement is not None
            assert not breached, "a release that breached passed by itself"
            assert_can_pass(watch.judgement)
        fingerprint = watch.deployment.parts[0].after.fingerprint
        self.endings.append(Ending(fingerprint, self.now, watch.state.value, breached, by))

    # -------------------------------------------------------------------------------------------------------- the world

    def hears(self, announcement: Announcement) -> None:
        """The listener."""
        tag = announcement.hints["tag"]
        part = Part("service", release(tag), self.ledger, self.platform.runs)
        known = Known(self.service, self.living, self.last)
        self.announced += 1
        meaning = intake(
            announcement, [part], known, self.now, f"w_{len(self.watches) + 1}", f"a_{self.announced}"
        )
        match meaning:
            case Opened(step, supersedes):
                self.opens(step, supersedes)
            case Joined(_, step, closing):
                assert (step is None) is (closing is not None), "an announcement without an account"
                self.closed += closing is not None
                self.save(step)
            case Recorded(closing=closing) | Rejected(closing=closing):
                assert closing is not None, "an announcement without an account"
                self.closed += 1
                for each in meaning.serves if isinstance(meaning, Recorded) else ():
                    self.serve(each.release, each.at)
        assert self.closed == self.announced, "an announcement without an account"

    def opens(self, step: Step, supersedes: Step | None) -> None:
        tag = step.watch.deployment.parts[0].after.tag
        ours = self.platform.moved_by_us & {tag}
        assert not ours or step.watch.policy.mode.value != "auto", "our own rollback opened a watch"
        goes_back = self.living is not None and self.living.state in {State.ROLLING_BACK, State.RECOVERING}
        assert not (ours and goes_back), "our own rollback took over from the watch that ordered it"
        assert (self.living is None) is (supersedes is None)
        self.save(supersedes)
        self.save(step)

    def reads(self) -> None:
        """The lookout: what runs and was not known is announced; the watch that lives is told."""
        runs = self.platform.in_flight or self.platform.live
        if self.spans[-1].fingerprint != f"sha256:{runs}":
            phase = Phase.STARTED if self.platform.in_flight else Phase.COMPLETE
            self.hears(an_announcement(phase, source="live", at=self.now, hints={"tag": runs}))
        if (living := self.living) is not None:
            self.save(
                lifecycle.seen_live(living, {"service": self.platform.runs}, self.now, self.facts(living))
            )
        if (living := self.living) is not None:
            self.save(lifecycle.staged(living, {"service": self.platform.runs}, self.now, self.facts(living)))

    def judges(self, judgement: Judgement, level: Level) -> None:
        """The patrol: what time alone does, or else a round."""
        if (living := self.living) is None:
            return
        facts = self.facts(living)
        step = lifecycle.due(living, self.now, facts)
        if step is None and living.state is State.RECOVERING:
            step = lifecycle.recovered(living, level, self.now, facts)
        elif step is None:
            step = lifecycle.judged(living, replace(judgement, at=self.now), "evidence", self.now, facts)
        if step is not None:
            self.tries(living, step)

    def tries(self, watch: Watch, step: Step) -> None:
        failed = self.save(step)
        if failed is not None:
            facts = self.facts(watch)
            instead = lifecycle.refused(watch, step, failed, "it does not hold", self.now, facts)
            assert instead is not None, "a guard that does not hold leads nowhere"
            assert instead.actions == ()
            assert self.save(instead) is None

    def performs(self, state: ActionState) -> None:
        """The performer: the open action comes to *state*, if its watch is still in the state that queued it."""
        for action in self.actions.values():
            watch = self.watches[action.watch]
            if self.standing[action.id] not in OPEN_ACTIONS or watch.state is not action.valid_in:
                continue
            self.acts(action, state)
            result = ActionResult(action.id, state, "words")
            came_of = lifecycle.happened if action.forward is None else lifecycle.forwarded
            step = came_of(watch, result, self.now, self.facts(watch))
            if step is None:
                self.standing[action.id] = state
            self.save(step)

    def acts(self, action: Action, state: ActionState) -> None:
        if action.forward is not None:
            if state is not ActionState.REFUSED:
                self.platform.goes_forward(action.forward)
            return
        if state in {ActionState.DONE, ActionState.UNKNOWN, ActionState.BEGUN}:
            self.platform.move(action.plan.moves[0].to.tag, action.id)
        if state is ActionState.DONE:
            self.platform.finish()

    def orders(self, kind: OrderKind, by: str = "olga") -> bool:
        """A person; whether it was obeyed."""
        if (living := self.living) is None:
            return False
        try:
            step = lifecycle.ordered(living, Order(kind, by, "why"), self.now, self.facts(living))
        except (OrderRefused, OrderIncomplete):
            return False
        return self.save(step) is None

    def starts(self, tag: str, by: str = "a pipeline") -> bool:
        """An order to begin; whether it was obeyed."""
        part = Part("service", release(tag), self.ledger, self.platform.runs)
        known = Known(self.service, self.living, self.last)
        order = Order(OrderKind.START, by, "why", tag)
        facts = Facts(("slack",), looked_back=False, armed=not self.believed_disarmed)
        try:
            meaning = started(order, part, known, facts, self.now, f"w_{len(self.watches) + 1}")
        except CannotStart:
            return False
        if isinstance(meaning, Joined):
            return self.save(meaning.step) is None
        assert self.platform.in_flight is None, "two rollouts at once"
        assert self.service.policy.mode is not Mode.SHADOW, "in shadow a rollout is begun"
        self.opens(meaning.step, meaning.supersedes)
        return True

    def passes(self, length: timedelta) -> None:
        self.now += length
        self.believed_disarmed = self.disarmed

    def every(self, beat: timedelta, until: datetime, do: Callable[[], None]) -> None:
        while self.now < until:
            self.passes(beat)
            do()


def assert_can_pass(judgement: Judgement) -> None:
    """Written apart from the code that it checks: nothing that can act is anything but healthy, and something is."""
    acting = [
        each
        for each in judgement.verdicts
        if each.consequence.value in {"rollback", "ask"} and not each.spent
    ]
    assert acting, "passed on nothing"
    assert {each.outcome.value for each in acting} == {"healthy"}, "passed while a rule was not healthy"
