"""Watches that are due are judged: all of them together, each by itself."""

import asyncio
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from deploy.model import Move, RollbackPlan
from rules.model import Indicator, Kind, Rule, RuleSet, Threshold
from tests.builders import ERRORS, NOON, a_policy, a_release, a_service, a_watch, minutes, seconds
from tests.watcher.runtime.at_work import (
    AProvider,
    Broken,
    a_kind,
    a_new_watch,
    at_work,
    blunder,
    hang,
    now,
    virtual,
)
from watcher.core.change import Change
from watcher.core.service import Bake, Ceilings, Speak
from watcher.core.watch import Arms, Doubtful, State, Step
from watcher.runtime.inquiry import Connected
from watcher.runtime.patrol import Patrol
from watcher.runtime.tenure import LEASE
from watcher.runtime.timing import TERMS
from watcher.store.store import Disarmed

COMPARES = RuleSet((Indicator("errors", Kind.RATIO, "scrape", "{}", compares_arms=True),), (ERRORS,))
LIMIT = Rule(
    "errors", "errors", ERRORS.on_breach, indicator="errors", judge=Threshold(above=0.1, bad=2, of=3)
)
LIMITS = RuleSet((Indicator("errors", Kind.RATIO, "scrape", "{}"),), (LIMIT,))
POLICY = a_policy(rules=COMPARES, bake=Bake(minutes(2), minutes(10)))
LIMITED = replace(POLICY, rules=LIMITS)


def a_patrol(work, owner="me", store=None):
    return Patrol(
        store or work.store, work.lookup, work.inquiry, work.bells, work.metrics, work.boundary, owner, now
    )


async def rounds(work, lasting, every=0.5, patrol=None):
    """Go round for so long; how often there was something to do."""
    patrol, found = patrol or a_patrol(work), 0
    for _ in range(int(lasting.total_seconds() / every)):
        found += await patrol.go_round()
        await asyncio.sleep(every)
    return found


async def state(work, id="w_1"):
    return (await work.store.get(id)).state


# ------------------------------------------------------------------------------------------------------------- a round


@virtual
async def test_a_good_release_is_judged_on_the_grid_and_passes():
    async with at_work() as work:
        await work.has(a_new_watch(policy=POLICY))

        assert await a_patrol(work).go_round() is True
        await rounds(work, minutes(3))

        assert await state(work) is State.PASSED
        history, *asked = [window.end for _, window in work.provider.calls]
        assert [end - NOON for end in asked if end > NOON] == [
            seconds(10 * number) for number in range(1, 13)
        ]
        assert history == NOON
        assert work.metric("verdicts_total", judge="canary_vs_baseline", outcome="healthy") > 0


@virtual
async def test_nothing_that_is_due_is_no_work():
    async with at_work() as work:
        assert await a_patrol(work).go_round() is False


@virtual
async def test_many_watches_are_one_question_to_their_provider():
    services = [a_service(name=f"s{number}") for number in range(8)]
    async with at_work(services=services) as work:
        for number, service in enumerate(services):
            await work.has(a_new_watch(service.name, f"w_{number:02}", policy=POLICY))
        await rounds(work, seconds(11))
        work.provider.calls.clear()

        await rounds(work, seconds(1.5))

        assert [len(ids) for ids, _ in work.provider.calls] == [8]


@virtual
async def test_a_bad_release_starts_a_rollback_and_wakes_the_performer():
    async with at_work(provider=AProvider(bad=0.5)) as work:
        await work.has(a_new_watch(policy=LIMITED))
        await rounds(work, seconds(25))

        assert await state(work) is State.ROLLING_BACK
        assert len(await work.store.actions("w_1")) == 1
        assert work.bells.actions.is_set()


@virtual
async def test_what_was_judged_is_stored_with_its_buckets():
    async with at_work() as work:
        await work.has(a_new_watch(policy=POLICY))
        await rounds(work, seconds(45))

        (series,) = await work.store.buckets("w_1")
        assert len(series.buckets) == 4


@virtual
async def test_a_quiet_watch_costs_neither_a_ledger_nor_the_switch():
    async with at_work() as work:
        await work.has(a_new_watch(policy=POLICY))
        await rounds(work, seconds(20))
        work.store.asked.clear()

        await rounds(work, seconds(30))

        assert set(work.store.asked) == {"even_out", "claim_due", "save", "rest"}
        assert work.store.asked.count("even_out") == 6


@virtual
async def test_a_round_reads_all_buckets_once_when_a_breach_is_new_and_not_in_every_round_after_it():
    async with at_work(provider=AProvider(bad=0.5)) as work:
        ask = replace(LIMITED, rules=replace(LIMITS, rules=(replace(LIMIT, on_breach=LIMIT.on_breach),)))
        await work.has(a_new_watch(policy=replace(ask, countdown=minutes(5))))
        await rounds(work, minutes(2))

        assert await state(work) is State.COUNTING_DOWN
        assert work.store.asked.count("buckets") == 1
        assert (await work.store.get("w_1")).judgement.verdicts[0].onset is not None


# -------------------------------------------------------------------------------------------------------------- guards


@virtual
async def test_a_guard_that_does_not_hold_makes_it_a_question():
    async with at_work(provider=AProvider(bad=0.5)) as work:
        await work.has(a_new_watch(policy=replace(LIMITED, ceilings=Ceilings(service_per_day=0))))
        await rounds(work, seconds(25))

        watch = await work.store.get("w_1")
        assert (watch.state, watch.question.because) == (State.ASKING, (Doubtful.CEILING_SERVICE,))
        assert work.metric("actions_refused_total", reason="below") == 1


@virtual
async def test_disarmed_at_the_last_moment_it_is_a_question_too():
    """Between the look at the switch and the transaction it was turned off: the guard decides."""
    async with at_work(provider=AProvider(bad=0.5)) as work:

        class TurnsOff:
            def __getattr__(self, name):
                return getattr(work.store, name)

            async def save(self, step, *args):
                if step.actions:
                    await work.store.disarm(
                        Disarmed("*", "*", "olga", "why", now(), now() + minutes(60)), now()
                    )
                return await work.store.save(step, *args)

        await work.has(a_new_watch(policy=LIMITED))
        await rounds(work, seconds(25), patrol=a_patrol(work, store=TurnsOff()))

        watch = await work.store.get("w_1")
        assert (watch.state, watch.question.because) == (State.ASKING, (Doubtful.DISARMED,))


# ------------------------------------------------------------------------------------------------- others write as well


@virtual
async def test_a_step_of_somebody_else_stands():
    async with at_work() as work:

        class Beats:
            def __getattr__(self, name):
                return getattr(work.store, name)

            async def save(self, step, *args):
                found = await work.store.get(step.watch.id)
                await work.store.save(
                    Step(replace(found, revision=found.revision + 1), before=found.revision), now()
                )
                return await work.store.save(step, *args)

        await work.has(a_new_watch(policy=POLICY, brief=None))
        await a_patrol(work).go_round()

        with capture_logs() as log:
            await asyncio.sleep(11)
            await a_patrol(work, store=Beats()).go_round()

        assert [line["event"] for line in log] == ["watch.overtaken"]
        assert work.metric("fenced_writes_total") == 1


@virtual
async def test_while_a_watch_is_prepared_others_have_their_turn_after_each_look_at_its_past():
    many = tuple(replace(ERRORS, id=f"r{number}", name=f"r{number}") for number in range(20))
    policy = replace(POLICY, rules=RuleSet(COMPARES.indicators, many))
    turns = {"all": 0, "read": 0, "saved": 0}

    async def read() -> None:
        turns["read"] = turns["all"]

    async def other() -> None:
        while True:
            turns["all"] += 1
            await asyncio.sleep(0)

    async with at_work(provider=AProvider(does=read)) as work:

        class Watched:
            def __getattr__(self, name):
                return getattr(work.store, name)

            async def save(self, *args):
                turns["saved"] = turns["all"]
                return await work.store.save(*args)

        await work.has(a_new_watch(policy=policy))
        others = asyncio.create_task(other())
        await a_patrol(work, store=Watched()).go_round()
        others.cancel()

    assert turns["saved"] - turns["read"] > 2 * len(many)


@virtual
async def test_a_watch_that_somebody_else_prepares_is_left_to_them():
    async with at_work() as work:

        class Stale:
            def __getattr__(self, name):
                return getattr(work.store, name)

            async def save(self, step, *args):
                found = await work.store.get(step.watch.id)
                if found.revision == 1:
                    await work.store.save(Step(replace(found, revision=2), before=1), now())
                return await work.store.save(step, *args)

        await work.has(a_new_watch(policy=POLICY))
        await a_patrol(work, store=Stale()).go_round()

        assert (await work.store.get("w_1")).brief is None


@virtual
async def test_a_lease_that_is_lost_while_a_provider_is_asked_ends_the_work_on_that_watch():
    async with at_work(provider=AProvider(does=lambda: asyncio.sleep(4))) as work:
        await work.has(a_new_watch(policy=POLICY))
        await a_patrol(work).go_round()
        await asyncio.sleep(11)
        revision = (await work.store.get("w_1")).revision

        class LosesLeases:
            def __getattr__(self, name):
                return getattr(work.store, name)

            async def renew(self, *_):
                return frozenset()

        await a_patrol(work, store=LosesLeases()).go_round()

        assert (await work.store.get("w_1")).revision == revision


# -------------------------------------------------------------------------------------- what must not hold up the others


@virtual
async def test_a_watch_with_a_bug_holds_up_no_other_and_is_not_tried_again_at_once():
    services = [a_service(), a_service(name="cart")]
    async with at_work(services=services) as work:
        await work.has(a_new_watch(policy=POLICY, brief="not a brief", evidence="{}"))
        await work.has(a_new_watch("cart", "w_2", policy=POLICY))

        found = await rounds(work, minutes(3))

        assert await state(work, "w_2") is State.PASSED
        assert 8 <= len(work.bugs) <= 13  # every 14 s, a lease, and not twice a second
        assert found < 60


@virtual
async def test_a_watch_with_a_bug_ends_all_the_same_when_its_time_is_over():
    async with at_work() as work:
        await work.has(a_new_watch(policy=POLICY, brief="not a brief", evidence="{}"))

        await rounds(work, minutes(75), every=20)

        assert await state(work) is State.UNPROVEN


@virtual
async def test_a_watch_that_is_hurried_while_it_goes_back_is_looked_at_once():
    async with at_work() as work:
        await work.has(a_watch(State.ROLLING_BACK, since=NOON, due_at=NOON + minutes(30)))
        await work.store.hurry("w_1", now())

        assert await rounds(work, minutes(1)) == 1


@virtual
async def test_a_watch_that_waits_for_nobody_knows_what_is_not_looked_at_all_the_time():
    async with at_work() as work:
        await work.has(a_watch(State.ROLLING_BACK, since=NOON, due_at=NOON, action=None))

        assert await rounds(work, minutes(1)) == 5  # a lease apart


@virtual
async def test_a_provider_that_hangs_delays_no_watch_of_another():
    rules = RuleSet((Indicator("health", Kind.RATIO, "http", "{}"),), (replace(LIMIT, indicator="health"),))
    services = [a_service(), a_service(name="cart")]
    async with at_work(services=services) as work:
        connected = Connected(a_kind(), AProvider(does=hang))
        work.inquiry = replace(work.inquiry, providers={**work.inquiry.providers, "http": connected})
        await work.has(a_new_watch(policy=replace(POLICY, rules=rules)))
        await work.has(a_new_watch("cart", "w_2", policy=POLICY))
        patrol = a_patrol(work)
        await rounds(work, seconds(40), patrol=patrol)
        before = (await work.store.get("w_2")).revision
        await asyncio.sleep(12)

        going = asyncio.ensure_future(patrol.go_round())
        await asyncio.sleep(0.1)

        assert (await work.store.get("w_2")).revision == before + 1
        await going


@virtual
async def test_a_provider_with_a_bug_makes_its_rules_blind_and_nothing_else():
    async with at_work(provider=AProvider(does=blunder)) as work:
        await work.has(a_new_watch(policy=POLICY))
        await rounds(work, minutes(5))

        watch = await work.store.get("w_1")
        assert (
            watch.judgement.verdicts[0].words == "cannot be read: scrape could not be asked; the log says why"
        )
        assert work.bugs != []


@virtual
async def test_a_history_that_cannot_be_read_is_waited_for_a_little():
    provider = AProvider(does=hang)
    async with at_work(provider=provider) as work:
        await work.has(a_new_watch(policy=POLICY))
        await a_patrol(work).go_round()
        assert (await work.store.get("w_1")).brief is None

        provider.does = lambda: asyncio.sleep(0)
        await rounds(work, seconds(20))

        assert (await work.store.get("w_1")).brief is not None


@virtual
async def test_without_a_history_it_goes_on_in_the_end():
    async with at_work(provider=AProvider(does=hang)) as work:
        await work.has(a_new_watch(policy=POLICY))
        await rounds(work, seconds(45))

        assert (await work.store.get("w_1")).brief is not None


@pytest.mark.parametrize("many", [450])
@virtual
async def test_more_than_a_batch_takes_more_than_a_round(many):
    services = [a_service(name=f"s{number}") for number in range(many)]
    async with at_work(services=services) as work:
        for number, service in enumerate(services):
            await work.has(
                a_watch(State.ROLLING_BACK, id=f"w_{number:03}", service=service.name, due_at=NOON)
            )
            await work.store.hurry(f"w_{number:03}", now())
        patrol = a_patrol(work)

        assert [await patrol.go_round() for _ in range(4)] == [True, True, True, False]


# ------------------------------------------------------------------------------------------------------------- replicas


@virtual
async def test_what_another_left_behind_is_taken_over_and_said():
    class Dead(Broken):
        async def claim_due(self, *args):
            return [replace(each, taken_from="another") for each in await self.store.claim_due(*args)]

    async with at_work() as work:
        await work.has(a_new_watch(policy=POLICY))

        with capture_logs() as log:
            await a_patrol(work, store=Dead(work.store)).go_round()

        said = [line for line in log if line["event"] == "watch.taken_over"]
        assert [(line["watch"], line["taken_from"]) for line in said] == [("w_1", "another")]
        assert work.metric("takeovers_total", work="watch") == 1


@virtual
async def test_whoever_comes_later_gets_its_share_within_seconds():
    services = [a_service(name=f"s{number}") for number in range(6)]
    async with at_work(services=services) as work:
        for number, service in enumerate(services):
            await work.has(a_new_watch(service.name, f"w_{number}", policy=POLICY))
        first, second = a_patrol(work, "first"), a_patrol(work, "second")
        await rounds(work, seconds(10), patrol=first)

        with capture_logs() as log:
            await asyncio.gather(*(rounds(work, seconds(30), patrol=each) for each in (first, second)))

        assert [line["watches"] for line in log if line["event"] == "watches.evened_out"] == [3]
        held = {
            each.watch.id
            for each in await work.store.claim_due(now() + seconds(4), 9, "second", LEASE, TERMS.grace)
        }
        assert len(held) == 3


# ----------------------------------------------------------------------------------------------------------- recovering


@virtual
async def test_after_a_rollback_it_is_watched_whether_that_helped():
    provider = AProvider(bad=0.5)
    async with at_work(provider=provider) as work:
        await work.has(a_new_watch(policy=LIMITED))
        await rounds(work, seconds(25))
        watch = await work.store.get("w_1")
        back = replace(
            watch,
            revision=watch.revision + 1,
            state=State.RECOVERING,
            since=now(),
            back_at=now(),
            due_at=now(),
        )
        await work.store.save(Step(back, before=watch.revision), now())
        provider.bad = 0.0

        await rounds(work, minutes(1))

        ended = await work.store.get("w_1")
        assert (ended.state, ended.ending.recovered) == (State.ROLLED_BACK, True)


@pytest.mark.parametrize(("to", "recovered"), [("v42", True), ("v41", None)])
@virtual
async def test_where_people_keep_what_they_have_that_which_serves_again_says_whether_it_helped(to, recovered):
    """The pages of the bad release fail on; those of what was known-good before are well, whether or not that serves again."""
    policy = replace(LIMITED, rules=RuleSet(COMPARES.indicators, (LIMIT,)), lingers=True)
    arms = Arms({"version": "v43"}, {"version": "v42", "fingerprint": "sha256:v42"})
    async with at_work(provider=AProvider(bad=0.5)) as work:
        await work.has(a_new_watch(policy=policy, arms=arms))
        await rounds(work, seconds(25))
        watch = await work.store.get("w_1")
        move = Move("service", watch.deployment.parts[0].after, a_release(to))
        plan = RollbackPlan("checkout", "production", (move,))
        since = {"state": State.RECOVERING, "since": now(), "back_at": now(), "due_at": now(), "plan": plan}
        await work.store.save(
            Step(replace(watch, revision=watch.revision + 1, **since), before=watch.revision), now()
        )

        await rounds(work, minutes(11))

        ended = await work.store.get("w_1")
        assert (ended.state, ended.ending.recovered) == (State.ROLLED_BACK, recovered)


@pytest.mark.parametrize("takes", [0, 5])  # seconds: the time may be over while the provider is asked
@virtual
async def test_where_it_did_not_help_people_are_told_what_it_may_have_been_instead(takes):
    provider = AProvider(bad=0.5)
    async with at_work(provider=provider) as work:
        await work.has(a_new_watch(policy=LIMITED))
        await work.store.add_change(Change(now(), "database `payments-db` failover"), now())
        await rounds(work, seconds(25))
        watch = await work.store.get("w_1")
        since = {"state": State.RECOVERING, "since": now(), "back_at": now(), "due_at": now()}
        back = replace(watch, revision=watch.revision + 1, **since)
        await work.store.save(Step(back, before=watch.revision), now())
        provider.does = lambda: asyncio.sleep(takes)

        await rounds(work, minutes(11))

        ended = await work.store.get("w_1")
        assert (ended.state, ended.ending.recovered) == (State.ROLLED_BACK, False)
        last = max(await shown(work), key=lambda message: message.notice.at)
        assert "Suspects: database `payments-db` failover 12:00:00 UTC" in last.notice.lines


# ------------------------------------------------------------------------------------------------ what it will be able to see


async def shown(work):
    """The messages that wait to be told."""
    return [each.message for each in await work.store.claim_messages(now(), 10, "me", minutes(1))]


async def sees(work, event="watch.prepared"):
    """What the log says of it when the watch is prepared."""
    with capture_logs() as logs:
        await a_patrol(work).go_round()
    return [log for log in logs if log["event"] == event]


LOUD = a_service(a_policy(rules=COMPARES, speak=Speak.ALL))
NAMED = RuleSet((replace(COMPARES.indicators[0], query='{"bad":"${arm.version}"}'),), (ERRORS,))


@virtual
async def test_what_it_will_see_is_said_when_it_is_prepared_where_people_like_to_hear_it():
    async with at_work(services=[LOUD]) as work:
        await work.has(a_new_watch(policy=LOUD.policy, spoken=True))
        (logged,) = await sees(work)

        (told,) = await shown(work)
        assert (told.kind, told.notice.event) == ("show", "watch.opened")
        assert "at 10 requests a second and perhaps 10 % of them (as in the past)" in told.notice.lines[1]
        assert logged["sees"] == [told.notice.lines[1]]


@virtual
async def test_nobody_is_disturbed_by_what_it_will_see():
    async with at_work() as work:
        await work.has(a_new_watch(policy=replace(POLICY, bake=Bake())))
        (logged,) = await sees(work)

        assert await shown(work) == []
        assert "at 10 requests a second" in logged["sees"][0]


@virtual
@pytest.mark.parametrize(
    "changes",
    [
        {"returning": "rolled back"},
        {"obstacles": ("it pauses",)},
        {"policy": replace(LOUD.policy, rules=NAMED), "arms": Arms({"version": "v1"}, {"version": "v1"})},
    ],
    ids=["came back", "obstructed", "not comparable"],
)
async def test_a_message_that_was_loud_is_not_written_over(changes):
    async with at_work(services=[LOUD]) as work:
        await work.has(a_new_watch(**{"policy": LOUD.policy, "spoken": True, **changes}))
        await a_patrol(work).go_round()

        assert (await work.store.get("w_1")).brief is not None
        assert await shown(work) == []


@virtual
@pytest.mark.parametrize(
    ("at_most", "words"),
    [
        (30, "“no more errors than the old version” can see nothing useful: at 10 requests a second"),
        (10, "“no more errors than the old version” can see nothing useful: a breach takes 2 buckets"),
    ],
    ids=["too little traffic for the time", "it cannot be judged at all"],
)
async def test_a_watch_that_can_see_nothing_useful_says_so_at_its_start(at_most, words):
    policy = replace(LOUD.policy, bake=Bake(seconds(10), seconds(at_most)))
    async with at_work(services=[replace(LOUD, policy=policy)]) as work:
        await work.has(a_new_watch(policy=policy, spoken=True))
        (warned,) = await sees(work, "watch.sees_nothing_useful")

        (told,) = await shown(work)
        assert told.notice.lines[-1].startswith(words)
        assert (warned["rules"], warned["log_level"]) == (["errors"], "warning")
        assert warned["words"][-1] == told.notice.lines[-1]
