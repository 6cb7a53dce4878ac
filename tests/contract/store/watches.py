"""Watches: opened once a service, written by whoever read them last, read as they were written."""

import math
from dataclasses import replace
from datetime import timedelta

import pytest

from rules.model import Consequence
from rules.sample import Bucket, Counts, Series, Value
from rules.sample import State as AlarmState
from rules.verdict import Because, Judgement, Outcome, Verdict
from tests.contract.store.build import (
    NOON,
    a_watch,
    an_action,
    appended,
    audited,
    errors_of,
    minutes,
    opened,
    opening,
    saved,
    step_of,
)
from watcher.core.watch import Breach, Ending, State
from watcher.store.store import Saved, Stale, Store


class WatchesContract:
    async def test_a_watch_is_read_as_it_was_written(self, store: Store):
        verdict = Verdict(
            "errors", "Errors", Consequence.ROLLBACK, Outcome.BREACHED, Because.EVIDENCE, "3 % of 120"
        )
        judgement = Judgement(NOON, Outcome.BREACHED, (verdict,), log10_e=3.25)
        watch = a_watch(
            state=State.COUNTING_DOWN,
            breach=Breach(NOON, judgement),
            evidence="opaque",
            countdown_until=NOON + timedelta(seconds=30, microseconds=7),
        )

        await store.open(opening(watch), NOON)

        assert await store.get("w_1") == watch

    @pytest.mark.parametrize("number", [-math.inf, math.inf, 5e-324, 0.1 + 0.2])
    async def test_a_number_is_read_bit_for_bit_also_where_json_has_none(self, store: Store, number):
        judgement = Judgement(NOON, Outcome.UNDECIDED, (), log10_e=number)

        await opened(store, a_watch(judgement=judgement))

        watch = await store.get("w_1")
        assert watch is not None
        assert watch.judgement == judgement

    async def test_a_service_has_one_watch_that_lives(self, store: Store):
        await opened(store, a_watch("w_1"))

        saving = await store.open(opening(a_watch("w_2")), NOON)

        assert saving == Stale()
        assert await store.get("w_2") is None

    async def test_other_services_have_theirs(self, store: Store):
        await opened(store, a_watch("w_1"))

        assert await store.open(opening(a_watch("w_2", service="site")), NOON) == Saved(
            a_watch("w_2", service="site")
        )

    async def test_a_service_has_the_next_watch_once_the_first_is_final(self, store: Store):
        watch = await opened(store)
        await saved(store, step_of(watch, State.PASSED))

        assert isinstance(await store.open(opening(a_watch("w_2")), NOON), Saved)

    async def test_a_watch_that_supersedes_another_ends_it_in_the_same_transaction(self, store: Store):
        old = await opened(store)

        saving = await store.open(
            opening(a_watch("w_2")), NOON, supersedes=step_of(old, State.SUPERSEDED, superseded_by="w_2")
        )

        assert isinstance(saving, Saved)
        ended = await store.get("w_1")
        assert ended is not None
        assert (ended.state, ended.superseded_by) == (State.SUPERSEDED, "w_2")
        assert await store.living("checkout", "production") == a_watch("w_2")

    async def test_where_the_superseded_watch_was_written_meanwhile_nothing_is_opened(self, store: Store):
        old = await opened(store)
        newer = await saved(store, step_of(old))

        saving = await store.open(opening(a_watch("w_2")), NOON, supersedes=step_of(old, State.SUPERSEDED))

        assert saving == Stale()
        assert await store.get("w_2") is None
        assert await store.living("checkout", "production") == newer

    async def test_where_nothing_can_be_opened_the_superseded_watch_lives_on(self, store: Store):
        other = await opened(store, a_watch("w_1", service="site"))
        holder = await opened(store, a_watch("w_2"))

        saving = await store.open(opening(a_watch("w_3")), NOON, supersedes=step_of(other, State.SUPERSEDED))

        assert saving == Stale()
        assert await store.living("site", "production") == other
        assert await store.living("checkout", "production") == holder
        assert await audited(store, "w_1") == ["watch.opened"]

    async def test_a_step_from_the_newest_revision_is_saved(self, store: Store):
        watch = await opened(store)
        step = step_of(watch, State.HELD)

        assert await store.save(step, NOON) == Saved(step.watch)
        assert await store.get("w_1") == step.watch

    async def test_a_step_from_an_older_revision_changes_nothing(self, store: Store):
        watch = await opened(store)
        newer = await saved(store, step_of(watch, State.HELD))
        late = step_of(
            watch, State.ROLLING_BACK, {"actions": (an_action(watch),), "messages": (appended("w_1.2.1"),)}
        )

        saving = await store.save(late, NOON, [errors_of((1, 9))])

        assert saving == Stale()
        assert await store.get("w_1") == newer
        assert await store.actions("w_1") == []
        assert await store.buckets("w_1") == []
        assert (await store.counts(NOON))["messages"] == {}

    async def test_a_step_of_a_watch_that_nobody_knows_is_stale(self, store: Store):
        assert await store.save(step_of(a_watch()), NOON) == Stale()

    async def test_a_step_that_skips_a_revision_is_a_mistake(self, store: Store):
        watch = await opened(store)
        skipping = step_of(watch)

        with pytest.raises(ValueError, match="from revision 1 makes 3"):
            await store.save(replace(skipping, watch=replace(skipping.watch, revision=3)), NOON)

        assert await store.get("w_1") == watch

    async def test_the_store_goes_on_after_a_mistake(self, store: Store):
        watch = await opened(store)
        action = an_action(watch)
        with pytest.raises(Exception, match=r"(?i)unique"):
            await store.save(step_of(watch, State.ROLLING_BACK, {"actions": (action, action)}), NOON)

        assert isinstance(await store.save(step_of(watch), NOON), Saved)

    async def test_watches_are_listed_newest_first_page_by_page(self, store: Store):
        for number in range(1, 6):
            await opened(store, a_watch(f"w_{number}", service=f"s{number}"))

        first = await store.list(limit=2)
        second = await store.list(limit=2, after=first[-1].id)

        assert [watch.id for watch in (*first, *second)] == ["w_5", "w_4", "w_3", "w_2"]

    async def test_watches_are_listed_by_service_environment_and_state(self, store: Store):
        await opened(store, a_watch("w_1"))
        await saved(store, step_of(a_watch("w_1"), State.PASSED))
        await opened(store, a_watch("w_2"))
        await opened(store, a_watch("w_3", service="site"))
        await opened(store, a_watch("w_4", service="site", environment="staging"))

        async def ids(**wanted):
            return [watch.id for watch in await store.list(**wanted)]

        assert await ids(service="checkout") == ["w_2", "w_1"]
        assert await ids(service="site", environment="staging") == ["w_4"]
        assert await ids(environment="production") == ["w_3", "w_2", "w_1"]
        assert await ids(states=(State.PASSED, State.KEPT)) == ["w_1"]
        assert await ids(service="checkout", states=(State.WATCHING,)) == ["w_2"]
        assert await ids(service="nobody") == []

    async def test_what_nobody_knows_is_none(self, store: Store):
        assert await store.get("w_9") is None
        assert await store.living("checkout", "production") is None

    async def test_a_final_watch_lives_no_more(self, store: Store):
        watch = await opened(store)

        await saved(store, step_of(watch, State.KEPT, ending=Ending("kept", by="ann")))

        assert await store.living("checkout", "production") is None

    async def test_buckets_are_read_bit_for_bit_in_the_order_in_which_they_were_saved(self, store: Store):
        watch = await opened(store)
        first, then = errors_of((0, 10), (0.1 + 0.2, 12)), errors_of((3, 7), start=NOON + minutes(2))

        await store.save(step_of(watch), NOON, [first])
        await store.save(step_of(step_of(watch).watch), NOON, [then])

        (series,) = await store.buckets("w_1")
        assert series == Series("errors", first.buckets + then.buckets)

    async def test_each_bound_of_a_latency_is_a_series_of_its_own(self, store: Store):
        watch = await opened(store)
        slow, slower = errors_of((5, 10), bound=0.3), errors_of((1, 10), bound=1.0)

        await store.save(step_of(watch), NOON, [slow, slower])

        assert await store.buckets("w_1") == [slow, slower]

    async def test_which_buckets_were_saved_together_is_read_too(self, store: Store):
        watch = await opened(store)
        slow, errors = errors_of((5, 10), bound=0.3), errors_of((0, 9))
        then = errors_of((3, 7), start=NOON + minutes(1))

        await store.save(step_of(watch), NOON, [slow, errors])
        await store.save(step_of(step_of(watch).watch), NOON, [then])

        assert await store.buckets_as_saved("w_1") == [(2, slow), (2, errors), (3, then)]

    async def test_every_kind_of_measure_is_read_as_it_was_written(self, store: Store):
        watch = await opened(store)
        end = NOON + minutes(1)
        buckets = (
            Bucket(NOON, end, canary=Counts(0, 0), baseline=Counts(1.5, 2), share=0.1, approximate=True),
            Bucket(NOON, end, canary=Value(-0.0), incomplete=True),
            Bucket(NOON, end, canary=AlarmState("ALARM", NOON), baseline=AlarmState("OK")),
            Bucket(NOON, end, canary=AlarmState("ALARM", NOON, bad=True, of="db", before=True)),
            Bucket(NOON, end),
        )

        await store.save(step_of(watch), NOON, [Series("mixed", buckets, cumulative=True)])

        assert await store.buckets("w_1") == [Series("mixed", buckets, cumulative=True)]

    async def test_a_series_without_buckets_leaves_no_trace(self, store: Store):
        watch = await opened(store)

        await store.save(step_of(watch), NOON, [errors_of()])

        assert await store.buckets("w_1") == []

    async def test_the_audit_tells_the_life_of_a_watch(self, store: Store):
        watch = await opened(store, by="queue")
        watch = await saved(store, step_of(watch))
        watch = await saved(store, step_of(watch, State.HELD, {"by": "ann", "why": "looking"}))
        watch = await saved(store, step_of(watch, causes={"by": "ann", "why": "longer"}))
        await saved(store, step_of(watch, State.KEPT, ending=Ending("kept")))

        rows = await store.audit(subject="w_1")

        assert [(row.by, row.what, row.why) for row in rows] == [
            ("queue", "watch.opened", ""),
            ("ann", "watch.held", "looking"),
            ("ann", "watch.ordered", "longer"),
            ("rollbackd", "watch.kept", "kept"),
        ]
        assert rows[1].facts["revision"] == 3
