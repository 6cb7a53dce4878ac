"""What was queued is done: the intent first, then the call, then what came of it, which the watch hears."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from deploy.model import (
    Begun,
    Drifted,
    Failed,
    Live,
    Moving,
    Progress,
    Refused,
    RollbackPlan,
    Serving,
    Shift,
    Unclear,
    Unfinished,
    Unreadable,
)
from tests.builders import NOON, a_plan, a_release, a_service, a_watch, hours, minutes
from tests.watcher.runtime.at_work import (
    PLACE,
    ATarget,
    Broken,
    Work,
    a_new_watch,
    at_work,
    blunder,
    hang,
    now,
    virtual,
)
from watcher.core.freeze import Freeze
from watcher.core.watch import Action, ActionKind, ActionState, AtStage, State, Step
from watcher.errors import StoreUnavailable
from watcher.runtime.fleet import Fleet
from watcher.runtime.performer import Performer
from watcher.store.store import Disarmed

RUNS_BAD = Live(a_release("v43"))


def a_performer(work, owner="me"):
    return Performer(
        work.store, work.lookup, work.current, work.bells, work.metrics, work.boundary, owner, now
    )


@asynccontextmanager
async def rolling_back(target=None, **watch) -> AsyncIterator[Work]:
    """A watch that has just decided to go back, with its action."""
    async with at_work(target or ATarget(live=RUNS_BAD)) as work:
        await goes_back(work, **watch)
        yield work


async def goes_back(work, name="checkout", id="w_1", **changes):
    plan = replace(a_plan(), service=name)
    watch = a_watch(
        State.ROLLING_BACK, id=id, service=name, since=NOON, decided_at=NOON, action=f"{id}.1.0", **changes
    )
    action = Action(
        f"{id}.1.0",
        id,
        name,
        "production",
        ActionKind.ROLL_BACK,
        plan,
        NOON,
        NOON + minutes(30),
        ordered_by=watch.ordered_by,
    )
    await work.has(replace(watch, plan=plan), actions=(action,))


async def the_action(work, watch="w_1"):
    (claimed,) = await work.store.actions(watch)
    return claimed


async def rounds(work, lasting=1.0, every=0.5):
    performer = a_performer(work)
    for _ in range(int(lasting / every)):
        await performer.go_round()
        await asyncio.sleep(every)


@virtual
async def test_a_rollback_is_sent_verified_and_told_to_its_watch():
    async with rolling_back() as work:
        assert await a_performer(work).go_round() is True
        assert (await the_action(work)).state is ActionState.BEGUN

        await asyncio.sleep(5)
        await a_performer(work).go_round()

        watch = await work.store.get("w_1")
        assert (watch.state, watch.back_at) == (State.RECOVERING, now())
        assert (await the_action(work)).state is ActionState.DONE
        assert work.targets["service"].sent == ["v42"]
        assert work.metric("rollbacks_total", trigger="auto", result="done") == 1
        assert work.metric("rollback_duration_seconds_sum") == 5
        assert work.metric("rollback_decision_seconds_count") == 1


@virtual
async def test_nothing_to_do_is_no_work():
    async with at_work() as work:
        assert await a_performer(work).go_round() is False


@virtual
async def test_what_serves_already_is_done_and_nothing_is_sent():
    async with rolling_back(ATarget(live=Live(a_release("v42")))) as work:
        await rounds(work)

        assert (await work.store.get("w_1")).state is State.RECOVERING
        assert work.targets["service"].sent == []


@virtual
async def test_a_move_that_is_on_its_way_is_looked_at_until_it_is_there():
    target = ATarget(live=RUNS_BAD, goes=Moving("3 of 12 tasks"))
    async with rolling_back(target) as work:
        await rounds(work, 20)
        assert (await the_action(work)).words == "service: 3 of 12 tasks"

        target.live = Live(a_release("v42"))
        target.goes = ATarget().goes
        await rounds(work, 10)

        assert (await work.store.get("w_1")).state is State.RECOVERING
        assert target.sent == ["v42"]


@virtual
async def test_a_lost_answer_is_written_down_as_unknown_and_never_sent_again():
    target = ATarget(live=RUNS_BAD, begins=Unclear("connection reset"), goes=Moving())
    async with rolling_back(target) as work:
        await rounds(work)
        assert ((await the_action(work)).state, (await the_action(work)).moves_sent) == (
            ActionState.UNKNOWN,
            1,
        )

        await rounds(work, 120)

        assert target.sent == ["v42"]


@virtual
async def test_a_platform_that_cannot_be_read_is_asked_again_and_nothing_is_sent():
    target = ATarget(live=Unreadable("throttled"))
    async with rolling_back(target) as work:
        await rounds(work, 30)

        assert (await the_action(work)).state is ActionState.PLANNED
        assert target.sent == []


@pytest.mark.parametrize(
    ("target", "state", "words"),
    [
        (ATarget(live=RUNS_BAD, begins=Refused("AccessDenied")), ActionState.FAILED, "AccessDenied"),
        (ATarget(live=RUNS_BAD, goes=Failed("no capacity")), ActionState.FAILED, "no capacity"),
        (ATarget(live=RUNS_BAD, goes=Drifted("v44 runs", "v44")), ActionState.REFUSED, "v44 runs"),
        (ATarget(live=Live(a_release("v44"))), ActionState.REFUSED, "v44 serves, not v43"),
    ],
)
@virtual
async def test_what_did_not_work_is_a_matter_for_a_person(target, state, words):
    async with rolling_back(replace(target, sent=[])) as work:
        await rounds(work, 12)

        assert (await work.store.get("w_1")).state is State.STUCK
        assert (await the_action(work)).state is state
        assert words in (await work.store.get("w_1")).stuck_words


@virtual
async def test_a_service_that_is_not_configured_any_more_is_not_moved():
    async with rolling_back() as work:
        work.current = type(work.current)(Fleet())
        await rounds(work)

        assert "has no such part any more" in (await work.store.get("w_1")).stuck_words


@virtual
async def test_an_intent_that_cannot_be_written_sends_nothing():
    """The watch has left the state between the claim and the call: another hand was quicker."""
    slow = ATarget(live=RUNS_BAD, does=lambda: asyncio.sleep(3))
    async with rolling_back(slow) as work:
        going = asyncio.ensure_future(a_performer(work).go_round())
        await asyncio.sleep(1)
        watch = await work.store.get("w_1")
        await work.store.save(Step(replace(watch, revision=2, state=State.STUCK), before=1), now())

        with capture_logs() as log:
            await going

        assert slow.sent == []
        assert "action.lost" in [line["event"] for line in log]


@virtual
async def test_who_ordered_it_is_counted_as_a_person():
    async with rolling_back(ordered_by="olga") as work:
        await rounds(work, 10)

        assert work.metric("rollbacks_total", trigger="person", result="done") == 1


@pytest.mark.parametrize("does", [hang, blunder])
@virtual
async def test_a_target_that_hangs_or_has_a_bug_holds_up_no_rollback_of_another_service(does):
    services = [a_service(), a_service(name="cart")]
    async with at_work(services=services) as work:
        well = ATarget(live=RUNS_BAD)
        targets = {services[0].key: {"service": ATarget(does=does)}, services[1].key: {"service": well}}
        work.current.swap(Fleet({each.key: each for each in services}, targets))
        await goes_back(work)
        await goes_back(work, "cart", "w_2")

        await a_performer(work).go_round()

        assert well.sent == ["v42"]


@virtual
async def test_a_target_with_a_bug_is_tried_again_when_the_lease_has_run_out():
    async with rolling_back(ATarget(live=RUNS_BAD, does=blunder)) as work:
        await rounds(work, 90)

        assert len(work.bugs) == 7  # a lease apart


@virtual
async def test_a_move_during_which_the_platform_hangs_may_have_happened_and_is_not_sent_again():
    class HangsInTheCall(ATarget):
        async def begin(self, move, key):
            self.sent.append(move.to.tag)
            await asyncio.Event().wait()

    target = HangsInTheCall(live=RUNS_BAD, goes=Moving())
    async with rolling_back(target) as work:
        await rounds(work, 60)

        assert target.sent == ["v42"]
        assert (await the_action(work)).moves_sent == 1


@virtual
async def test_two_performers_send_one_move():
    target = ATarget(live=RUNS_BAD, does=lambda: asyncio.sleep(0.2), goes=Moving())
    async with rolling_back(target) as work:
        one, other = a_performer(work, "one"), a_performer(work, "other")

        for _ in range(20):
            await asyncio.gather(one.go_round(), other.go_round())
            await asyncio.sleep(timedelta(seconds=1).total_seconds())

        assert target.sent == ["v42"]


class Slow(Broken):
    """A store that writes an intent down at once, and says so *late* seconds later. Leases are not renewed before it is *thawed*."""

    late = 0.0
    thawed = asyncio.Event()

    async def begin(self, *args, **kwargs):
        mine = await self.store.begin(*args, **kwargs)
        await asyncio.sleep(self.late)
        self.thawed.set()
        return mine

    async def renew_actions(self, *args, **kwargs):
        await self.thawed.wait()
        if self.away:
            raise StoreUnavailable("no route", remedy="look at the network")
        return await self.store.renew_actions(*args, **kwargs)


def a_slow_store(work, late, *, frozen=False):
    work.store = Slow(work.store)
    work.store.late, work.store.thawed = late, asyncio.Event()
    if not frozen:
        work.store.thawed.set()
    return work.store


@virtual
@pytest.mark.parametrize("late", [1.0, 60.0])
async def test_an_action_is_kept_for_as_long_as_it_takes(late):
    async with rolling_back() as work:
        a_slow_store(work, late)

        await a_performer(work).go_round()

        assert work.targets["service"].sent == ["v42"]
        assert work.metric("leases_lost_total") == 0


@virtual
async def test_an_action_that_is_done_with_is_not_kept_while_another_lasts():
    services = [a_service(), a_service(name="cart")]
    async with at_work(services=services) as work:
        quick, slow = ATarget(live=RUNS_BAD), ATarget(live=RUNS_BAD, does=lambda: asyncio.sleep(5))
        targets = {services[0].key: {"service": quick}, services[1].key: {"service": slow}}
        work.current.swap(Fleet({each.key: each for each in services}, targets))
        await goes_back(work)
        await goes_back(work, "cart", "w_2")

        await a_performer(work).go_round()

        assert (quick.sent, slow.sent) == (["v42"], ["v42"])
        assert work.metric("leases_lost_total") == 0


@virtual
@pytest.mark.parametrize(("late", "calls"), [(4.0, 1), (6.0, 1), (13.0, 1), (15.0, 0)])
async def test_whoever_was_frozen_asks_whether_the_lease_is_still_there_before_it_calls(late, calls):
    async with rolling_back() as work:
        a_slow_store(work, late, frozen=True)

        await a_performer(work).go_round()

        assert len(work.targets["service"].sent) == calls
        assert work.metric("fenced_writes_total") == 1 - calls


@virtual
async def test_nothing_is_called_while_nobody_can_say_whose_the_lease_is():
    async with rolling_back() as work:
        a_slow_store(work, 10.0)
        performing = asyncio.ensure_future(a_performer(work).go_round())
        await asyncio.sleep(1)
        work.store.away = True

        with pytest.raises(StoreUnavailable):
            await performing

        assert work.targets["service"].sent == []


@virtual
@pytest.mark.parametrize("undoes", [True, False])
async def test_where_a_move_made_twice_is_undone_one_that_may_have_been_sent_is_followed_and_not_sent(undoes):
    """The intent is in the store, and whoever wrote it is gone: what came of the call nobody knows."""
    target = ATarget(live=replace(RUNS_BAD, undoes=undoes), goes=Moving("it was ordered"))
    async with rolling_back(target) as work:
        (dead,) = await work.store.claim_actions(now(), 1, "dead", timedelta(seconds=1))
        assert await work.store.begin(dead.action.id, dead.fence, now())
        await asyncio.sleep(2)

        await rounds(work, lasting=12)
        followed = list(target.sent)
        target.goes = Unfinished("it came to nothing")
        await rounds(work, lasting=12)

        assert followed == ([] if undoes else ["v42"])
        assert target.sent[:1] == ["v42"]


@virtual
async def test_what_another_left_behind_is_taken_over_and_said():
    async with rolling_back() as work:
        taken = {"taken_from": "another", "action": "w_1.1.0"}

        class Dead(Broken):
            async def claim_actions(self, *args):
                return [replace(item, taken_from="another") for item in await self.store.claim_actions(*args)]

        work.store = Dead(work.store)
        with capture_logs() as log:
            await a_performer(work).go_round()

        assert [
            line for line in log if line["event"] == "action.taken_over" and taken.items() <= line.items()
        ]
        assert work.metric("takeovers_total", work="action") == 1


@dataclass
class InTwoCalls(ATarget):
    """A target that gives a release its first share by two calls."""

    async def shift(self, shift: Shift, key: str) -> Begun:
        self.sent.append(f"{shift.after.tag} {shift.share:.0%}")
        return Begun()

    async def shifted(self, shift: Shift, key: str) -> Progress:
        return Unfinished("it is to be turned on") if len(self.sent) == 1 else Serving()


async def disarms(work):
    await work.store.disarm(Disarmed("*", "*", "olga", "a migration", now(), now() + hours(1)), now())


async def freezes(work):
    await work.store.freeze(Freeze("f_1", "*", "*", "olga", "the fair", now(), now() + hours(1)), now())


async def distrusts(work):
    await work.store.mark_release(*PLACE, "sha256:v43", "distrust", "olga", "it leaks", now())


@virtual
@pytest.mark.parametrize(
    ("lever", "by", "calls", "words", "known"),
    [
        (None, None, 2, "", {}),
        (disarms, None, 1, "rollbackd is disarmed", {}),
        (freezes, None, 1, "a freeze began", {}),
        (distrusts, None, 1, "v43 is not to be deployed, says olga: it leaks", {}),
        (distrusts, None, 2, "", {"returning": "rolled back, 24 Nov"}),
        (disarms, "olga", 2, "", {}),
        (disarms, "olga, to begin", 1, "rollbackd is disarmed", {}),
    ],
    ids=[
        "none",
        "disarmed",
        "a freeze",
        "marked",
        "marked, as was known",
        "by a person",
        "begun by a person",
    ],
)
async def test_a_lever_is_in_force_between_two_calls_of_one_step_forward(lever, by, calls, words, known):
    target = InTwoCalls(live=Live(a_release("v42")))
    async with at_work(target) as work:
        shift = Shift("service", a_release("v42"), a_release("v43"), 0.05, 0.0)
        nothing = RollbackPlan("checkout", "production", ())
        move = Action(
            "w_1.1.0", "w_1", "checkout", "production", ActionKind.MOVE_TO_STAGE, nothing, NOON, NOON + minutes(15), by
        )  # fmt: skip
        watch = a_new_watch(at=AtStage(NOON, "service", action=move.id, acted_at=NOON), **known)
        await work.has(
            watch,
            actions=(replace(move, valid_in=State.WATCHING, forward=shift, bound=by == "olga, to begin"),),
        )
        await work.store.mark_release(*PLACE, "sha256:v42", "distrust", "ada", "slow", now())
        await a_performer(work).go_round()
        if lever:
            await lever(work)

        await rounds(work, 20)

        assert target.sent == ["v43 5%"] * calls
        action = await the_action(work)
        assert action.state is (ActionState.REFUSED if words else ActionState.DONE)
        assert words in action.words
        assert work.bugs == []
