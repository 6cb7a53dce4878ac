"""What else moved: once for each telling, and beside it what the store knows of deployments."""

from dataclasses import replace

from tests.contract.store.build import (
    ENVIRONMENT,
    NOON,
    SERVICE,
    a_watch,
    an_action,
    audited,
    claimed_action,
    minutes,
    opened,
    rolling_back,
    saved,
    step_of,
)
from watcher.core.change import Change, ChangeKind
from watcher.core.watch import ActionState, State
from watcher.store.sql.changes import MOST
from watcher.store.store import Store

HOUR = minutes(60)
DAY = 24 * HOUR
FLAG = Change(
    NOON + minutes(2),
    "flag `new-cart`, on",
    SERVICE,
    ENVIRONMENT,
    ChangeKind.FLAG,
    name="new-cart",
    account="123456789012",
    region="eu-west-1",
    key="e-1",
    told_by="ann",
)


class ChangesContract:
    async def test_changes_are_told_of_a_span_of_time_in_order(self, store: Store):
        early, outside = Change(NOON, "scaled to 4"), Change(NOON + minutes(5), "later")
        for change in (FLAG, early, outside):
            assert await store.add_change(change, NOON)

        assert await store.changes(NOON, NOON + minutes(5)) == [early, FLAG]

    async def test_a_change_that_is_told_again_is_one(self, store: Store):
        assert await store.add_change(FLAG, NOON)
        assert not await store.add_change(replace(FLAG, what="told in other words"), NOON)

        assert await store.changes(NOON, NOON + HOUR) == [FLAG]
        assert await audited(store) == ["change.recorded"]

    async def test_changes_without_a_key_are_as_many_as_are_told(self, store: Store):
        for _ in range(2):
            assert await store.add_change(Change(NOON, "scaled"), NOON)

        assert len(await store.changes(NOON, NOON + HOUR)) == 2

    async def test_what_somebody_told_is_in_the_audit_and_what_a_platform_told_is_not(self, store: Store):
        await store.add_change(FLAG, NOON)
        await store.add_change(replace(FLAG, key="e-2", told_by=None), NOON)

        (row,) = await store.audit()
        assert (row.by, row.what, row.subject, row.why) == (
            "ann",
            "change.recorded",
            f"{SERVICE}/{ENVIRONMENT}",
            FLAG.what,
        )

    async def test_of_very_many_changes_the_nearest_are_told(self, store: Store):
        for number in range(MOST + 2):
            await store.add_change(Change(NOON + minutes(number), "scaled"), NOON)
        until = NOON + minutes(MOST + 2)

        newest = await store.changes(NOON, until)
        oldest = await store.changes(NOON, until, NOON)

        assert (len(newest), newest[0].at, newest[-1].at) == (MOST, NOON + minutes(2), until - minutes(1))
        assert (len(oldest), oldest[0].at, oldest[-1].at) == (MOST, NOON, NOON + minutes(MOST - 1))

    async def test_a_deployment_that_is_watched_is_a_change_and_written_down_nowhere_else(self, store: Store):
        await opened(store, a_watch("w_1", "cart", opened_at=NOON + minutes(1)))
        await opened(store, a_watch("w_2", "site", opened_at=NOON + HOUR))
        await store.add_change(FLAG, NOON)

        deployed, flag = await store.changes(NOON, NOON + HOUR)

        assert flag == FLAG
        assert deployed == Change(
            NOON + minutes(1),
            "cart checkout:2 deployed",
            "cart",
            ENVIRONMENT,
            ChangeKind.DEPLOYMENT,
            name="w_1",
        )

    async def test_that_a_service_goes_back_is_a_change_too(self, store: Store):
        plan = an_action(a_watch("w_1", "cart")).plan
        watch = a_watch("w_1", "cart", opened_at=NOON - DAY, plan=plan)
        await rolling_back(store, watch, queued_at=NOON + minutes(1))

        (back,) = await store.changes(NOON, NOON + HOUR)

        assert (back.at, back.service, back.kind) == (NOON + minutes(1), "cart", ChangeKind.DEPLOYMENT)
        assert back.what == "cart went back to checkout:1"

    async def test_what_was_given_up_before_anything_was_moved_did_not_go_back(self, store: Store):
        watch = await rolling_back(store, queued_at=NOON + minutes(1))
        await saved(store, step_of(watch, State.SUPERSEDED))

        (deployed,) = await store.changes(NOON - HOUR, NOON + HOUR)
        assert deployed.what == "checkout checkout:2 deployed"

    async def test_what_was_moved_went_back_though_it_was_given_up_then(self, store: Store):
        plan = an_action(a_watch()).plan
        watch = await rolling_back(store, a_watch(plan=plan), queued_at=NOON + minutes(1))
        claimed = await claimed_action(store)
        assert claimed is not None
        at = NOON + minutes(2)
        await store.record(claimed.action.id, claimed.fence, ActionState.BEGUN, "", at, at, moves_sent=1)
        await saved(store, step_of(watch, State.SUPERSEDED))

        assert [each.what for each in await store.changes(NOON + minutes(1), NOON + HOUR)] == [
            "checkout went back to checkout:1"
        ]

    async def test_an_order_to_go_back_deploys_nothing(self, store: Store):
        watch = a_watch("w_1", "cart")
        await opened(store, replace(watch, deployment=replace(watch.deployment, source="order")))

        assert await store.changes(NOON, NOON + HOUR) == []
