"""Leases of a round: kept while it lasts, given back when it ends, and noticed when they are lost."""

import asyncio

from structlog.testing import capture_logs

from tests.builders import seconds
from tests.watcher.runtime.at_work import Broken, a_new_watch, at_work, now, virtual
from watcher.runtime.tenure import LEASE, Leases, Tenure, of_watches
from watcher.runtime.timing import TERMS

BELIEVED = (TERMS.lease - TERMS.margin).total_seconds()  # by its owner, from when it was asked for


async def claimed(store, owner="me"):
    leased = await store.claim_due(now(), 10, owner, LEASE)
    return {each.watch.id: each.fence for each in leased}


class Late(Broken):
    """A store to which the way is long: so many seconds there, and so many back."""

    there = 0.0
    back = 0.0

    async def renew(self, *args):
        await asyncio.sleep(self.there)
        kept = await super().__getattr__("renew")(*args)
        await asyncio.sleep(self.back)
        return kept


def mine(work, store=None) -> Leases:
    return of_watches(store or work.store, "me", work.metrics)


@virtual
async def test_a_lease_is_kept_for_as_long_as_the_round_lasts():
    async with at_work() as work:
        await work.has(a_new_watch())

        async with Tenure(mine(work), await claimed(work.store), work.metrics) as tenure:
            await asyncio.sleep(60)

            assert tenure.holds("w_1")
            assert await claimed(work.store, "another") == {}
            assert work.metric("leases_held") == 1


@virtual
async def test_a_lease_is_given_back_at_the_end():
    async with at_work() as work:
        await work.has(a_new_watch())

        async with Tenure(mine(work), await claimed(work.store), work.metrics):
            pass

        assert set(await claimed(work.store, "another")) == {"w_1"}
        assert work.metric("leases_held") == 0


@virtual
async def test_one_that_was_set_aside_is_free_when_it_runs_out_and_not_before():
    async with at_work() as work:
        await work.has(a_new_watch())
        async with Tenure(mine(work), await claimed(work.store), work.metrics) as tenure:
            tenure.set_aside("w_1")

        await asyncio.sleep(LEASE.total_seconds() - 1)
        assert await claimed(work.store) == {}
        await asyncio.sleep(2)
        assert set(await claimed(work.store)) == {"w_1"}


@virtual
async def test_a_lease_that_somebody_else_has_is_not_held_any_more():
    async with at_work() as work:
        await work.has(a_new_watch())
        held = await claimed(work.store)
        await asyncio.sleep(20)
        await claimed(work.store, "another")

        with capture_logs() as log:
            async with Tenure(mine(work), held, work.metrics) as tenure:
                await asyncio.sleep(4)

                assert not tenure.holds("w_1")

        assert [line["event"] for line in log] == ["lease.lost"]
        assert work.metric("leases_lost_total") == 1


@virtual
async def test_a_store_that_is_away_for_a_moment_costs_no_lease():
    async with at_work() as work:
        await work.has(a_new_watch())
        store = Broken(work.store)

        with capture_logs() as log:
            async with Tenure(mine(work, store), await claimed(store), work.metrics) as tenure:
                store.away = True
                await asyncio.sleep(7)
                store.away = False
                await asyncio.sleep(seconds(4).total_seconds())

                assert tenure.holds("w_1")

        assert [line["event"] for line in log] == ["lease.unrenewed", "lease.unrenewed"]


@virtual
async def test_whoever_cannot_renew_stops_by_itself_before_another_may_have_the_watch():
    async with at_work() as work:
        await work.has(a_new_watch())
        store = Broken(work.store)

        async with Tenure(mine(work, store), await claimed(store), work.metrics) as tenure:
            store.away = True
            await asyncio.sleep(BELIEVED - 0.5)
            assert tenure.holds("w_1")
            await asyncio.sleep(1)
            assert not tenure.holds("w_1")
            assert await claimed(work.store, "another") == {}
            store.away = False


@virtual
async def test_a_lease_counts_from_when_its_renewal_was_asked_for_and_not_from_the_answer():
    async with at_work() as work:
        await work.has(a_new_watch())
        store = Late(work.store)
        store.back = 3.5

        async with Tenure(mine(work, store), await claimed(store), work.metrics) as tenure:
            await asyncio.sleep(7)  # asked after 3 s, answered after 6.5 s
            store.away = True

            await asyncio.sleep(TERMS.renew.total_seconds() + BELIEVED - 7 - 0.5)
            assert tenure.holds("w_1")
            await asyncio.sleep(1)
            assert not tenure.holds("w_1")
            store.away = False


@virtual
async def test_one_that_is_done_with_while_it_is_being_renewed_was_not_lost():
    async with at_work() as work:
        await work.has(a_new_watch())
        store = Late(work.store)
        store.there = 2

        held = await claimed(store)
        async with Tenure(mine(work, store), held, work.metrics) as tenure:
            await asyncio.sleep(4)
            await store.rest(held, "me")
            tenure.set_aside("w_1")
            await asyncio.sleep(4)

        assert work.metric("leases_lost_total") == 0
