"""Several replicas on one database, in the same moment: what one process has by its one writer, they have by locks."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

import psycopg
import pytest

from tests.contract.store.build import (
    ENVIRONMENT,
    LEASE,
    NOON,
    SERVICE,
    Clock,
    a_watch,
    an_action,
    minutes,
    opened,
    opening,
    step_of,
)
from tests.watcher.store.postgresql.server import Server
from tests.watcher.store.postgresql.test_contract import a_copy, settings_of
from watcher.core.watch import Armed, Below, Guard, State, Watch
from watcher.errors import StoreUnavailable
from watcher.store.postgresql.opening import connected
from watcher.store.store import Disarmed, GuardFailed, Opening, Saved, Saving, Stale, Store

ROUNDS = 25
OFF = Disarmed("*", "*", "ann", "an incident", NOON, NOON + minutes(60))


@asynccontextmanager
async def replicas(server: Server, many: int = 2) -> AsyncIterator[Sequence[Store]]:
    name = await a_copy(server)
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(connected(settings_of(server, name), Opening(Clock())))
            for _ in range(many)
        ]


async def roll_back(store: Store, watch: Watch, guard: Guard) -> Saving:
    causes = {"actions": (an_action(watch),), "requires": frozenset({guard})}
    return await store.save(step_of(watch, State.ROLLING_BACK, causes), NOON)


async def test_a_ceiling_is_not_overrun_by_replicas_that_step_in_the_same_moment(server_18):
    async with replicas(server_18) as (a, b):
        for number in range(ROUNDS):
            ceiling = Below(number + 1, NOON - minutes(60))
            left = await opened(a, a_watch(f"w_l{number}", service=f"l{number}"))
            right = await opened(b, a_watch(f"w_r{number}", service=f"r{number}"))

            answers = await asyncio.gather(roll_back(a, left, ceiling), roll_back(b, right, ceiling))

            assert {type(answer) for answer in answers} == {Saved, GuardFailed}


@asynccontextmanager
async def gate_held(server: Server, name: str) -> AsyncIterator[None]:
    """Somebody else is in the gate for as long as this lasts."""
    async with await psycopg.AsyncConnection.connect(server.dsn(name)) as connection:
        await connection.execute("SELECT 1 FROM gate FOR UPDATE")
        yield


def starts(store: Store, watch: Watch) -> Coroutine[object, object, object]:
    return roll_back(store, watch, Armed(watch.service, ENVIRONMENT))


def switches_off(store: Store, _watch: Watch) -> Coroutine[object, object, object]:
    return store.disarm(OFF, NOON)


def switches_on(store: Store, _watch: Watch) -> Coroutine[object, object, object]:
    return store.arm("*", "*", "ann", "over", NOON)


def distrusts(store: Store, watch: Watch) -> Coroutine[object, object, object]:
    (part,) = watch.deployment.parts
    return store.mark_release(*watch.key, part.part, part.after.fingerprint, "distrust", "ann", "leaks", NOON)


@pytest.mark.parametrize("does", [starts, switches_off, switches_on, distrusts])
async def test_who_checks_guards_and_who_changes_what_they_look_at_wait_for_each_other(server_18, does):
    name = await a_copy(server_18)
    async with connected(settings_of(server_18, name), Opening(Clock())) as store:
        watch = await opened(store)
        async with gate_held(server_18, name):
            doing = asyncio.ensure_future(does(store, watch))
            await asyncio.sleep(0.3)
            assert not doing.done()
        await doing


async def test_an_ordinary_step_waits_for_nobody(server_18):
    name = await a_copy(server_18)
    async with connected(settings_of(server_18, name), Opening(Clock())) as store:
        watch = await opened(store)
        async with gate_held(server_18, name):
            assert isinstance(await store.save(step_of(watch), NOON), Saved)
            assert len(await store.claim_due(NOON, 1, "a", LEASE)) == 1


async def test_without_the_row_of_the_gate_nothing_starts(server_18):
    name = await a_copy(server_18)
    async with connected(settings_of(server_18, name), Opening(Clock())) as store:
        watch = await opened(store)
        server_18.say("DELETE FROM gate", name)

        with pytest.raises(StoreUnavailable, match="two replicas could act at once"):
            await starts(store, watch)


async def test_of_two_that_write_one_revision_one_is_stale(server_18):
    async with replicas(server_18) as (a, b):
        watch = await opened(a)
        for _ in range(ROUNDS):
            step = step_of(watch)

            answers = await asyncio.gather(a.save(step, NOON), b.save(step, NOON))

            assert {type(answer) for answer in answers} == {Saved, Stale}
            watch = step.watch


async def test_of_two_that_open_a_watch_on_one_service_one_is_stale(server_18):
    async with replicas(server_18) as (a, b):
        for number in range(ROUNDS):
            steps = [opening(a_watch(f"w_{side}{number}", service=f"s{number}")) for side in "ab"]

            answers = await asyncio.gather(a.open(steps[0], NOON), b.open(steps[1], NOON))

            assert {type(answer) for answer in answers} == {Saved, Stale}


async def test_what_is_due_is_shared_out_and_given_to_nobody_twice(server_18):
    async with replicas(server_18, 3) as stores:
        for number in range(60):
            await opened(stores[0], a_watch(f"w_{number:02}", service=f"s{number}"))

        claimed: list[str] = []
        while leased := await _all_claim(stores):
            claimed += leased

        assert sorted(claimed) == [f"w_{number:02}" for number in range(60)]


async def _all_claim(stores: Sequence[Store]) -> list[str]:
    """What three claims of each, all in the same moment, give; long after they were due, so that nobody leaves them to others."""
    now = NOON + minutes(1)
    rounds = [store.claim_due(now, 7, f"r{n}", LEASE) for n, store in enumerate(stores) for _ in range(3)]
    return [each.watch.id for leased in await asyncio.gather(*rounds) for each in leased]


async def test_a_lease_goes_by_the_database_s_clock_and_runs_out(server_18):
    async with replicas(server_18) as (a, b):
        await opened(a)
        (held,) = await a.claim_due(NOON, 1, "a", LEASE)
        assert await b.claim_due(NOON, 1, "b", LEASE) == []
        assert await a.renew({"w_1": held.fence}, "a", timedelta(seconds=0.01)) == {"w_1"}
        await asyncio.sleep(0.05)

        assert await a.renew({"w_1": held.fence}, "a", LEASE) == frozenset()
        (taken,) = await b.claim_due(NOON, 1, "b", LEASE)
        assert taken.fence == held.fence + 1


async def test_what_is_taken_over_says_from_whom_and_what_was_left_does_not(server_18):
    async with replicas(server_18) as (a, b):
        await opened(a)
        for owner, store, taken_from in (("a", a, None), ("b", b, "a"), ("b", b, None)):
            (leased,) = await store.claim_due(NOON, 1, owner, timedelta(seconds=0.2))
            assert leased.taken_from == taken_from
            await asyncio.sleep(0.25)
        await b.leave("b")

        (leased,) = await a.claim_due(NOON, 1, "a", LEASE)
        assert leased.taken_from is None


async def test_an_action_that_is_taken_over_says_from_whom(server_18):
    async with replicas(server_18) as (a, b):
        await roll_back(a, await opened(a), Armed(SERVICE, ENVIRONMENT))
        (first,) = await a.claim_actions(NOON, 1, "a", timedelta(seconds=0.2))
        await asyncio.sleep(0.25)
        (second,) = await b.claim_actions(NOON, 1, "b", LEASE)

        assert (first.taken_from, second.taken_from) == (None, "a")


async def test_replicas_that_start_at_once_make_the_tables_once(server_18):
    settings = settings_of(server_18, server_18.database())

    async def start() -> None:
        async with connected(settings, Opening(Clock())) as store:
            await store.check()

    await asyncio.gather(*(start() for _ in range(3)))


async def test_an_operation_whose_waiter_is_cancelled_is_played_whole(server_18):
    async with replicas(server_18) as (a, b):
        watch = await opened(a)
        for number in range(ROUNDS):
            waiting = asyncio.create_task(roll_back(a, watch, Armed(SERVICE, ENVIRONMENT)))
            await asyncio.sleep(number / 5000)
            waiting.cancel()
            await asyncio.wait([waiting])
            await _played_to_the_end(a)

            newest = await b.get("w_1")
            assert newest is not None
            assert len(await b.actions("w_1")) == newest.revision - 1
            watch = newest


async def _played_to_the_end(store: Store) -> None:
    """Wait for what goes on although nobody waits for it any more."""
    under_way = store._engine._tasks  # type: ignore[attr-defined]
    if under_way:
        await asyncio.wait(set(under_way), timeout=60)


async def test_a_fence_that_comes_a_second_time_stops_the_replica(server_18):
    name = await a_copy(server_18)
    async with connected(settings_of(server_18, name), Opening(Clock())) as store:
        await opened(store)
        for _ in range(2):
            await store.let_go(
                {each.watch.id: each.fence for each in await store.claim_due(NOON, 1, "a", LEASE)}, "a"
            )
        server_18.say("UPDATE watches SET fence = 0", name)

        with pytest.raises(StoreUnavailable, match="lost what it acknowledged"):
            await store.claim_due(NOON, 1, "a", LEASE)
        for does_no_more in (store.check(), store.even_out("a")):
            with pytest.raises(StoreUnavailable, match="lost what it acknowledged"):
                await does_no_more
