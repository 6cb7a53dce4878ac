"""What sidecars tell: each sample once, whoever else speaks, and for a while."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from rules.sample import Who
from tests.contract.store.build import ENVIRONMENT, NOON, SERVICE, minutes
from watcher.core import relayed
from watcher.core.relayed import (
    GONE,
    KEPT,
    SILENT,
    Counted,
    Fault,
    NotTaken,
    Sample,
    Summed,
    Taken,
    Telling,
    Trouble,
)
from watcher.store.store import Store

BEAT = timedelta(seconds=10)
ME = "token:sidecars"


def a_sample(end: datetime = NOON, bad: float = 1, total: float = 10, **changes: Any) -> Sample:
    return replace(Sample("errors", end - BEAT, end, (Counted(bad, total),)), **changes)


def a_telling(*samples: Sample, instance: str = "task-1", **changes: Any) -> Telling:
    telling = Telling(SERVICE, ENVIRONMENT, instance, f"run-of-{instance}", {"version": "v43"}, samples)
    return replace(telling, **changes)


async def told(store: Store, now: datetime = NOON, *indicators: str) -> relayed.Relayed:
    """All that is kept, of the last hour."""
    names = indicators or ("errors",)
    return await store.relayed(SERVICE, ENVIRONMENT, names, now - minutes(60), now + minutes(60), now)


def plain(summed: Summed) -> Sample:
    """As one instance would tell it."""
    return Sample(summed.indicator, summed.start, summed.end, summed.counts)


class RelayContract:
    async def test_what_is_told_is_read_as_it_was(self, store: Store):
        slow = a_sample(counts=(Counted(2.5, 10, 0.3), Counted(0, 10, 1.0)), indicator="slow")
        trouble = Trouble(Fault.INVALID, "no page has it", Who.AUTHOR)
        outcome = await store.relay(a_telling(a_sample(), slow, troubles={"traffic": trouble}), ME, NOON)
        found = await told(store, NOON, "errors", "slow")

        assert outcome == Taken(2, 0)
        (instance,) = found.instances
        assert [plain(each) for each in found.sums] == [a_sample(), slow]
        assert [each.names for each in found.sums] == [{"version": "v43"}] * 2
        assert {each.tellers for each in found.sums} == {frozenset({instance.number})}
        assert (instance.name, instance.run) == ("task-1", "run-of-task-1")
        assert instance.names == {"version": "v43"}
        assert instance.troubles == {"traffic": trouble}
        assert (instance.first_at, instance.heard_at, instance.left_at) == (NOON, NOON, None)

    async def test_what_is_told_again_is_counted_once_whatever_it_says_then(self, store: Store):
        await store.relay(a_telling(a_sample(bad=1)), ME, NOON)
        again = await store.relay(a_telling(a_sample(bad=9), a_sample(NOON + BEAT)), ME, NOON + BEAT)

        assert again == Taken(1, 1)
        sums = (await told(store)).sums
        assert [plain(each) for each in sums] == [a_sample(), a_sample(NOON + BEAT)]

    async def test_what_overlaps_what_was_told_is_not_counted_twice(self, store: Store):
        await store.relay(a_telling(a_sample(NOON)), ME, NOON)
        over = a_sample(NOON + BEAT, start=NOON - BEAT / 2)
        inside = a_sample(NOON - BEAT / 2, start=NOON - BEAT)
        beside = a_sample(NOON + 2 * BEAT)

        assert await store.relay(a_telling(over, inside, beside), ME, NOON + 2 * BEAT) == Taken(1, 2)

    async def test_instances_of_one_release_are_summed_and_those_of_another_apart(self, store: Store):
        slow = a_sample(indicator="slow", counts=(Counted(1, 10, 0.3), Counted(0, 10, 1.0)))
        reaching_back = a_sample(NOON, bad=4, total=30, start=NOON - 3 * BEAT)
        await store.relay(a_telling(a_sample(), slow), ME, NOON)
        await store.relay(a_telling(reaching_back, slow, instance="task-2"), ME, NOON)
        old = a_telling(a_sample(bad=0, total=7), instance="task-3", names={"version": "v42"})
        await store.relay(old, ME, NOON)
        found = await told(store, NOON, "errors", "slow")

        assert {each.names["version"]: plain(each) for each in found.sums if each.indicator == "errors"} == {
            "v42": a_sample(bad=0, total=7),
            "v43": a_sample(bad=5, total=40),
        }
        (both,) = [each for each in found.sums if each.indicator == "slow"]
        assert both.counts == (Counted(2, 20, 0.3), Counted(0, 20, 1.0))
        numbers = {each.name: each.number for each in found.instances}
        assert both.tellers == {numbers["task-1"], numbers["task-2"]}

    async def test_only_buckets_that_end_in_the_span_are_read_in_order_of_their_ends(self, store: Store):
        ends = [NOON + n * BEAT for n in (3, 1, 2, 0)]
        await store.relay(a_telling(*(a_sample(end) for end in ends)), ME, NOON)
        found = await store.relayed(SERVICE, ENVIRONMENT, ["errors"], NOON, NOON + 2 * BEAT, NOON + 2 * BEAT)

        assert [each.end for each in found.sums] == [NOON + BEAT, NOON + 2 * BEAT]

    async def test_another_service_reads_nothing_of_it(self, store: Store):
        await store.relay(a_telling(a_sample()), ME, NOON)
        found = await store.relayed("cart", ENVIRONMENT, ["errors"], NOON - BEAT, NOON, NOON)

        assert found == relayed.Relayed()

    async def test_nobody_speaks_for_an_instance_of_another_token_until_that_is_gone(self, store: Store):
        await store.relay(a_telling(a_sample()), ME, NOON)
        forged = a_telling(a_sample(NOON + BEAT), run="another")

        refused = await store.relay(forged, "token:other", NOON + GONE - BEAT)
        assert isinstance(refused, NotTaken)
        assert "another token" in refused.words
        assert len((await told(store)).sums) == 1
        assert isinstance(await store.relay(forged, "token:other", NOON + GONE + BEAT), Taken)

    async def test_another_process_speaks_for_an_instance_once_the_first_is_silent_or_has_left(
        self, store: Store
    ):
        await store.relay(a_telling(), ME, NOON)
        await store.relay(a_telling(instance="task-2", leaves=True), ME, NOON)

        early = await store.relay(a_telling(run="new"), ME, NOON + SILENT - BEAT)
        assert isinstance(early, NotTaken)
        assert isinstance(await store.relay(a_telling(run="new"), ME, NOON + SILENT + BEAT), Taken)
        assert isinstance(await store.relay(a_telling(run="new", instance="task-2"), ME, NOON + BEAT), Taken)

    async def test_what_a_process_told_stays_its_own_when_the_next_one_goes_by_another_release(
        self, store: Store
    ):
        await store.relay(a_telling(a_sample(), leaves=True), ME, NOON)
        later = a_telling(a_sample(NOON + BEAT), run="new", names={"version": "v44"})
        await store.relay(later, ME, NOON + BEAT)
        found = await told(store, NOON + BEAT)

        names = {each.run: each.names["version"] for each in found.instances}
        assert names == {"run-of-task-1": "v43", "new": "v44"}
        assert [each.names["version"] for each in found.sums] == ["v43", "v44"]
        assert {each.run: each.left_at for each in found.instances} == {"run-of-task-1": NOON, "new": None}

    async def test_there_are_so_many_instances_of_a_service_and_no_more(self, store: Store):
        for name in ("task-1", "task-2"):
            await store.relay(a_telling(instance=name), ME, NOON, most=2)

        refused = await store.relay(a_telling(a_sample(), instance="task-3"), ME, NOON, most=2)
        assert isinstance(refused, NotTaken)
        assert len((await told(store)).instances) == 2
        assert not (await told(store)).sums
        known = await store.relay(a_telling(a_sample(), instance="task-1"), ME, NOON + BEAT, most=2)
        assert known == Taken(1, 0)
        later = NOON + GONE + 2 * BEAT
        assert isinstance(await store.relay(a_telling(instance="task-3"), ME, later, most=2), Taken)

    async def test_samples_are_forgotten_after_twice_the_time_in_which_they_are_taken(self, store: Store):
        await store.relay(a_telling(a_sample()), ME, NOON)
        await store.prune(NOON + 2 * KEPT - BEAT)
        before = await told(store)
        await store.prune(NOON + 2 * KEPT + BEAT)

        assert len(before.sums) == 1
        assert await told(store) == relayed.Relayed()
