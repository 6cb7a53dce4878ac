"""Shared work: due watches are claimed under leases and fences, and somebody who waits is told."""

import asyncio
import itertools
from datetime import timedelta

import pytest

from tests.contract.store.build import LEASE, NOON, Clock, a_watch, minutes, opened, saved, step_of
from watcher.core.watch import State
from watcher.store.store import Leased, Store


async def claim(store: Store, owner: str = "a", now=NOON, limit: int = 10) -> dict[str, int]:
    return {each.watch.id: each.fence for each in await store.claim_due(now, limit, owner, LEASE)}


class SharingContract:
    async def test_a_due_watch_is_claimed_with_its_fence(self, store: Store):
        watch = await opened(store)

        assert await store.claim_due(NOON, 10, "a", LEASE) == [Leased(watch, 1)]

    async def test_what_one_holds_nobody_else_gets(self, store: Store):
        await opened(store)
        await claim(store, "a")

        assert await claim(store, "b") == {}

    async def test_a_watch_is_claimed_when_it_is_due_and_not_before(self, store: Store):
        await opened(store, a_watch(due_at=NOON + minutes(1)))

        assert await claim(store, now=NOON + timedelta(seconds=59)) == {}
        assert await claim(store, now=NOON + minutes(1)) == {"w_1": 1}

    async def test_those_are_claimed_first_that_are_due_longest(self, store: Store):
        await opened(store, a_watch("w_1", service="s1", due_at=NOON))
        await opened(store, a_watch("w_2", service="s2", due_at=NOON - minutes(2)))
        await opened(store, a_watch("w_3", service="s3", due_at=NOON - minutes(1)))

        assert list(await claim(store, limit=2)) == ["w_2", "w_3"]

    async def test_a_lease_outlives_the_end_of_its_watch(self, store: Store):
        watch = await opened(store)
        held = await claim(store, "a")

        await saved(store, step_of(watch, State.PASSED))

        assert await store.renew(held, "a", LEASE) == {"w_1"}  # nobody is told that it lost what it finished

    async def test_a_final_watch_is_never_due(self, store: Store):
        watch = await opened(store)
        await saved(store, step_of(watch, State.PASSED))
        await store.hurry("w_1", NOON)

        assert await claim(store, now=NOON + minutes(99)) == {}

    async def test_a_lease_that_ran_out_is_taken_over_under_a_higher_fence(self, store: Store, clock: Clock):
        await opened(store)
        await claim(store, "a")
        clock.passes(LEASE)

        assert await claim(store, "b") == {"w_1": 2}

    async def test_what_rests_with_one_is_anothers_only_after_a_grace(self, store: Store):
        await opened(store)
        await store.rest(await claim(store, "a"), "a")
        grace = timedelta(seconds=5)

        assert await store.claim_due(NOON + timedelta(seconds=4), 10, "b", LEASE, grace) == []
        (taken,) = await store.claim_due(NOON + timedelta(seconds=5), 10, "b", LEASE, grace)
        assert taken.fence == 2

    async def test_what_rests_with_one_is_its_own_at_once(self, store: Store):
        await opened(store)
        await store.rest(await claim(store, "a"), "a")

        (again,) = await store.claim_due(NOON, 10, "a", LEASE, timedelta(seconds=5))
        assert again.fence == 2

    @pytest.mark.parametrize(
        ("of_a", "of_b", "taken"),
        [(6, 0, 3), (3, 0, 1), (1, 0, 0), (4, 2, 2), (2, 2, 1), (3, 3, 1), (1, 1, 0), (7, 1, 2), (0, 0, 0)],
    )
    async def test_who_has_less_than_its_share_gets_it_of_who_has_the_most(
        self, store: Store, of_a: int, of_b: int, taken: int
    ):
        """Of those only who have any, and of whoever asks."""
        numbers, grace = iter(range(9)), timedelta(seconds=5)
        for owner, many in (("a", of_a), ("b", of_b)):
            for number in itertools.islice(numbers, many):
                await opened(store, a_watch(f"w_{number}", service=f"s{number}"))
            claimed = await store.claim_due(NOON, 9, owner, LEASE, grace)
            await store.rest({each.watch.id: each.fence for each in claimed}, owner)

        assert await store.even_out("c") == taken
        assert len(await store.claim_due(NOON, 9, "c", LEASE, grace)) == taken

    async def test_what_has_ended_is_nobodys_share(self, store: Store):
        watches = [await opened(store, a_watch(f"w_{number}", service=f"s{number}")) for number in range(6)]
        held = await claim(store, "a")
        for watch in watches[2:]:
            await saved(store, step_of(watch, State.PASSED))
        await store.rest(held, "a")

        assert await store.even_out("b") == 1

    async def test_what_is_worked_on_is_not_evened_out(self, store: Store):
        for number in range(4):
            await opened(store, a_watch(f"w_{number}", service=f"s{number}"))
        held = await claim(store, "a")

        assert await store.even_out("b") == 0
        assert await store.renew(held, "a", LEASE) == set(held)

    async def test_whoever_leaves_leaves_everything_at_once(self, store: Store):
        await opened(store, a_watch("w_1", service="s1"))
        await opened(store, a_watch("w_2", service="s2"))
        held = await claim(store, "a")
        await store.rest({"w_1": held["w_1"]}, "a")
        await store.leave("a")

        taken = await store.claim_due(NOON, 10, "b", LEASE, timedelta(seconds=5))
        assert {each.watch.id for each in taken} == {"w_1", "w_2"}

    async def test_leases_go_by_the_store_s_clock_and_not_by_the_time_that_is_passed(self, store: Store):
        await opened(store)
        await claim(store, "a")

        assert await claim(store, "b", now=NOON + minutes(99)) == {}

    async def test_a_lease_that_is_renewed_runs_on(self, store: Store, clock: Clock):
        await opened(store)
        held = await claim(store, "a")
        clock.passes(timedelta(seconds=10))

        assert await store.renew(held, "a", LEASE) == {"w_1"}
        clock.passes(timedelta(seconds=10))
        assert await claim(store, "b") == {}

    async def test_a_lease_that_ran_out_is_not_renewed_though_nobody_took_it(
        self, store: Store, clock: Clock
    ):
        await opened(store)
        held = await claim(store, "a")
        clock.passes(LEASE)

        assert await store.renew(held, "a", LEASE) == frozenset()

    async def test_only_what_is_still_held_is_renewed(self, store: Store, clock: Clock):
        await opened(store, a_watch("w_1", service="s1"))
        await opened(store, a_watch("w_2", service="s2"))
        held = await claim(store, "a")
        clock.passes(LEASE)
        await claim(store, "b", limit=1)
        clock.at = NOON

        assert await store.renew(held, "a", LEASE) == {"w_2"}
        assert await store.renew(held, "b", LEASE) == frozenset()

    async def test_a_lease_that_is_given_back_is_free_at_once_and_the_fence_grows(self, store: Store):
        await opened(store)
        held = await claim(store, "a")

        await store.let_go(held, "a")

        assert await claim(store, "b") == {"w_1": 2}

    async def test_a_lease_that_another_has_is_not_given_back(self, store: Store, clock: Clock):
        await opened(store)
        held = await claim(store, "a")
        clock.passes(LEASE)
        await claim(store, "b")

        await store.let_go(held, "a")

        assert await claim(store, "c") == {}

    async def test_who_is_hurried_is_due_now(self, store: Store):
        await opened(store, a_watch(due_at=NOON + minutes(5)))

        await store.hurry("w_1", NOON)

        assert await claim(store) == {"w_1": 1}

    async def test_a_hurry_in_the_middle_of_a_round_outlives_the_round(self, store: Store):
        watch = await opened(store)
        held = await claim(store)
        await store.hurry("w_1", NOON)
        await store.save(step_of(watch, due_at=NOON + minutes(5)), NOON)
        await store.let_go(held, "a")

        assert await claim(store) == {"w_1": 2}

    async def test_a_hurry_counts_once(self, store: Store):
        watch = await opened(store, a_watch(due_at=NOON + minutes(5)))
        await store.hurry("w_1", NOON)
        await store.let_go(await claim(store), "a")

        assert watch.due_at == NOON + minutes(5)
        assert await claim(store) == {}

    async def test_a_step_needs_no_lease(self, store: Store):
        watch = await opened(store)
        await claim(store, "a")

        held = await saved(store, step_of(watch, State.HELD))

        assert await store.get("w_1") == held


class ChangedContract:
    async def test_who_waits_for_a_newer_revision_has_it_at_once_if_it_is_there(self, store: Store):
        watch = await opened(store)
        newer = await saved(store, step_of(watch))

        assert await store.changed("w_1", after=1, timeout=minutes(5)) == newer

    async def test_who_waits_is_told_as_soon_as_a_step_is_saved(self, store: Store):
        watch = await opened(store)
        waiting = [asyncio.ensure_future(store.changed("w_1", after=1, timeout=minutes(5))) for _ in range(3)]
        await asyncio.sleep(0.05)

        newer = await saved(store, step_of(watch))

        async with asyncio.timeout(30):
            assert [await each for each in waiting] == [newer] * 3

    async def test_who_waits_for_a_watch_is_told_that_another_superseded_it(self, store: Store):
        watch = await opened(store)
        waiting = asyncio.ensure_future(store.changed("w_1", after=1, timeout=minutes(5)))
        await asyncio.sleep(0.05)
        ended = step_of(watch, State.SUPERSEDED)

        await store.open(step_of(a_watch("w_2", revision=0)), NOON, supersedes=ended)

        async with asyncio.timeout(30):
            assert await waiting == ended.watch

    async def test_who_waits_in_vain_has_the_watch_as_it_is(self, store: Store):
        watch = await opened(store)

        assert await store.changed("w_1", after=1, timeout=timedelta(milliseconds=50)) == watch

    async def test_nobody_waits_for_a_watch_that_is_not_there(self, store: Store):
        assert await store.changed("w_9", after=0, timeout=minutes(5)) is None
