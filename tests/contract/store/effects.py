"""Actions and messages: exactly those of written revisions, each done by one at a time."""

from datetime import timedelta

import pytest

from tests.contract.store.build import (
    LEASE,
    NOON,
    Clock,
    a_watch,
    an_action,
    appended,
    audited,
    claimed_action,
    claimed_message,
    minutes,
    opened,
    rolling_back,
    saved,
    shown,
    step_of,
)
from watcher.core.watch import ActionResult, ActionState, State
from watcher.store.store import Claimed, Store


class ActionsContract:
    async def test_an_action_is_there_with_the_step_that_queued_it(self, store: Store):
        await rolling_back(store)

        claimed = await claimed_action(store)

        assert claimed == Claimed(an_action(a_watch()), ActionState.PLANNED, fence=1, attempts=0)

    async def test_an_action_that_one_holds_nobody_else_gets(self, store: Store):
        await rolling_back(store)
        await claimed_action(store, "a")

        assert await claimed_action(store, "b") is None

    async def test_an_action_whose_lease_ran_out_is_taken_over_and_the_first_may_not_call(
        self, store: Store, clock: Clock
    ):
        await rolling_back(store)
        first = await claimed_action(store, "a")
        clock.passes(LEASE)
        second = await claimed_action(store, "b")

        assert first is not None
        assert second is not None
        assert second.fence > first.fence
        assert not await store.begin("w_1.2.1", first.fence, NOON)
        assert await store.begin("w_1.2.1", second.fence, NOON)

    async def test_nobody_calls_after_the_lease_ran_out_though_nobody_took_it(
        self, store: Store, clock: Clock
    ):
        await rolling_back(store)
        await claimed_action(store)
        clock.passes(LEASE)

        assert not await store.begin("w_1.2.1", 1, NOON)

    async def test_a_lease_of_an_action_runs_on_as_long_as_it_is_renewed(self, store: Store, clock: Clock):
        await rolling_back(store)
        await claimed_action(store, "a")
        for _ in range(3):
            clock.passes(timedelta(seconds=10))
            assert await store.renew_actions({"w_1.2.1": 1}, "a", LEASE) == {"w_1.2.1"}

        assert await claimed_action(store, "b") is None
        assert await store.begin("w_1.2.1", 1, NOON)

    async def test_a_lease_of_an_action_that_ran_out_is_not_renewed(self, store: Store, clock: Clock):
        await rolling_back(store)
        await claimed_action(store, "a")
        clock.passes(LEASE)

        assert await store.renew_actions({"w_1.2.1": 1}, "a", LEASE) == frozenset()
        await claimed_action(store, "b")
        assert await store.renew_actions({"w_1.2.1": 1}, "a", LEASE) == frozenset()

    async def test_the_intent_is_written_before_the_call(self, store: Store):
        await rolling_back(store)
        await claimed_action(store)

        await store.begin("w_1.2.1", 1, NOON)

        (action,) = await store.actions("w_1")
        assert (action.state, action.attempts) == (ActionState.BEGUN, 1)
        assert (await audited(store, "w_1"))[-1] == "action.begun"

    async def test_nobody_calls_for_an_action_that_is_not_claimed(self, store: Store):
        await rolling_back(store)

        assert not await store.begin("w_1.2.1", 0, NOON)

    async def test_an_action_is_refused_as_soon_as_its_watch_is_in_another_state(self, store: Store):
        watch = await rolling_back(store)
        await claimed_action(store)

        await saved(store, step_of(watch, State.SUPERSEDED))

        (action,) = await store.actions("w_1")
        assert (action.state, action.words) == (ActionState.REFUSED, "the watch is superseded now")
        assert not await store.begin("w_1.2.1", 1, NOON)
        assert await claimed_action(store, now=NOON + minutes(99)) is None

    async def test_an_action_stays_while_its_watch_takes_steps_in_the_same_state(self, store: Store):
        watch = await rolling_back(store)
        await claimed_action(store)

        await saved(store, step_of(watch))

        assert await store.begin("w_1.2.1", 1, NOON)

    async def test_an_action_that_is_recorded_is_taken_again_later(self, store: Store):
        await rolling_back(store)
        await claimed_action(store)
        await store.begin("w_1.2.1", 1, NOON)

        assert await store.record(
            "w_1.2.1", 1, ActionState.BEGUN, "moving", NOON + minutes(1), NOON, moves_sent=1
        )

        assert await claimed_action(store, now=NOON + timedelta(seconds=59)) is None
        again = await claimed_action(store, now=NOON + minutes(1))
        assert again is not None
        assert (again.state, again.fence, again.words, again.moves_sent) == (
            ActionState.BEGUN,
            2,
            "moving",
            1,
        )

    async def test_what_was_sent_stays_sent_whoever_records_next(self, store: Store):
        await rolling_back(store)
        await claimed_action(store)
        await store.record("w_1.2.1", 1, ActionState.BEGUN, "", NOON, NOON, moves_sent=2)
        await claimed_action(store)

        await store.record("w_1.2.1", 2, ActionState.BEGUN, "", NOON, NOON)

        assert (await store.actions("w_1"))[0].moves_sent == 2

    async def test_who_lost_an_action_records_nothing(self, store: Store, clock: Clock):
        await rolling_back(store)
        await claimed_action(store, "a")
        clock.passes(LEASE)
        await claimed_action(store, "b")

        assert not await store.record("w_1.2.1", 1, ActionState.UNKNOWN, "lost", NOON, NOON)
        assert (await store.actions("w_1"))[0].words == ""

    async def test_an_answer_that_was_lost_stands_in_the_audit(self, store: Store):
        await rolling_back(store)
        await claimed_action(store)

        await store.record("w_1.2.1", 1, ActionState.UNKNOWN, "timeout", NOON, NOON)

        assert (await audited(store, "w_1"))[-1] == "action.unknown"

    async def test_how_an_action_ends_is_not_recorded_without_the_step_that_it_causes(self, store: Store):
        await rolling_back(store)
        await claimed_action(store)

        with pytest.raises(ValueError, match=r"Step\.results"):
            await store.record("w_1.2.1", 1, ActionState.DONE, "", NOON, NOON)

    async def test_how_an_action_ends_is_written_with_the_step_that_it_causes(self, store: Store):
        watch = await rolling_back(store)
        await claimed_action(store)
        result = ActionResult("w_1.2.1", ActionState.DONE, "serves")

        await saved(store, step_of(watch, State.RECOVERING, {"results": (result,)}))

        (action,) = await store.actions("w_1")
        assert (action.state, action.words) == (ActionState.DONE, "serves")
        assert await claimed_action(store, now=NOON + minutes(99)) is None

    async def test_actions_of_a_watch_are_listed_oldest_first(self, store: Store):
        watch = await rolling_back(store)
        await saved(store, step_of(watch, causes={"actions": (an_action(watch),)}))

        assert [each.action.id for each in await store.actions("w_1")] == ["w_1.2.1", "w_1.3.1"]


class MessagesContract:
    async def test_a_message_is_found_by_its_id_and_what_is_shown_no_longer_is_not(self, store: Store):
        watch = await opened(store, messages=(shown("w_1.1.1", "old"), appended("w_1.1.2")))
        before = await store.message("w_1.1.1"), await store.message("w_1.1.2")

        await saved(store, step_of(watch, causes={"messages": (shown("w_1.2.1", "new"),)}))

        assert before == (shown("w_1.1.1", "old"), appended("w_1.1.2"))
        assert await store.message("w_1.1.1") is None
        assert await store.message("w_1.2.1") == shown("w_1.2.1", "new")
        assert await store.message("w_9.9.9") is None

    async def test_a_message_is_told_once(self, store: Store):
        await opened(store, messages=(appended("w_1.1.1"),))

        first = await claimed_message(store)

        assert first is not None
        assert (first.message, first.attempts, first.ref) == (appended("w_1.1.1"), 1, None)
        assert await claimed_message(store) is None
        await store.sent("w_1.1.1", first.fence, NOON, ref="ok")
        assert await claimed_message(store, NOON + minutes(99)) is None

    async def test_a_message_whose_teller_died_is_told_again(self, store: Store, clock: Clock):
        await opened(store, messages=(appended("w_1.1.1"),))
        await claimed_message(store)
        clock.passes(LEASE)

        again = await claimed_message(store)

        assert again is not None
        assert again.attempts == 2

    async def test_a_message_is_tried_again_when_the_channel_says_so(self, store: Store):
        await opened(store, messages=(appended("w_1.1.1"),))
        await claimed_message(store)

        await store.sent("w_1.1.1", 1, NOON, again_at=NOON + minutes(1), words="throttled")

        assert await claimed_message(store, NOON + timedelta(seconds=59)) is None
        assert await claimed_message(store, NOON + minutes(1)) is not None

    async def test_a_message_that_is_given_up_stands_in_the_audit(self, store: Store):
        await opened(store, messages=(appended("w_1.1.1"),))
        await claimed_message(store)

        await store.sent("w_1.1.1", 1, NOON, words="no such channel")

        assert await claimed_message(store, NOON + minutes(99)) is None
        row = (await store.audit(subject="w_1"))[-1]
        assert (row.what, row.why, row.facts["channel"]) == (
            "message.given_up",
            "no such channel",
            "slack:C1",
        )

    async def test_what_is_shown_is_one_row_and_the_newest_wins(self, store: Store):
        watch = await opened(store, messages=(shown("w_1.1.1", "old"),))
        await saved(store, step_of(watch, causes={"messages": (shown("w_1.2.1", "new"),)}))

        claimed = await store.claim_messages(NOON, 10, "a", LEASE)

        assert [each.message for each in claimed] == [shown("w_1.2.1", "new")]

    async def test_what_is_shown_again_knows_what_the_channel_called_it(self, store: Store):
        watch = await opened(store, messages=(shown("w_1.1.1"),))
        first = await claimed_message(store)
        assert first is not None
        await store.sent("w_1.1.1", first.fence, NOON, ref="1700.1")

        await saved(store, step_of(watch, causes={"messages": (shown("w_1.2.1", "new"),)}))

        again = await claimed_message(store)
        assert again is not None
        assert (again.ref, again.attempts) == ("1700.1", 1)
        assert again.fence > first.fence

    async def test_what_came_while_an_older_one_was_told_stays_due(self, store: Store):
        watch = await opened(store, messages=(shown("w_1.1.1", "old"),))
        first = await claimed_message(store)
        assert first is not None
        await saved(store, step_of(watch, causes={"messages": (shown("w_1.2.1", "new"),)}))

        assert await claimed_message(store) is None  # not both at once: the older could arrive last
        await store.sent("w_1.1.1", first.fence, NOON, ref="1700.1")

        again = await claimed_message(store)
        assert again is not None
        assert (again.message, again.ref) == (shown("w_1.2.1", "new"), "1700.1")

    async def test_a_failure_of_an_older_one_does_not_delay_what_came_meanwhile(self, store: Store):
        watch = await opened(store, messages=(shown("w_1.1.1", "old"),))
        await claimed_message(store)
        await saved(store, step_of(watch, causes={"messages": (shown("w_1.2.1", "new"),)}))

        await store.sent("w_1.1.1", 1, NOON, again_at=NOON + minutes(5), words="down")

        again = await claimed_message(store)
        assert again is not None
        assert again.message == shown("w_1.2.1", "new")

    async def test_who_tells_too_late_changes_nothing(self, store: Store, clock: Clock):
        await opened(store, messages=(appended("w_1.1.1"),))
        await claimed_message(store)
        clock.passes(LEASE)
        second = await claimed_message(store)

        await store.sent("w_1.1.1", 1, NOON, words="no such channel")

        assert second is not None
        assert (await store.counts(NOON))["messages"] == {"slack:C1": 1}
        await store.sent("w_1.1.1", second.fence, NOON, ref="ok")
        assert (await store.counts(NOON))["messages"] == {}

    async def test_channels_are_told_apart(self, store: Store):
        await opened(
            store, messages=(shown("w_1.1.1", channel="slack:C1"), shown("w_1.1.2", channel="github"))
        )

        claimed = await store.claim_messages(NOON, 10, "a", LEASE)

        assert {each.message.channel for each in claimed} == {"slack:C1", "github"}

    async def test_a_thread_follows_what_is_shown_and_keeps_its_order(self, store: Store):
        messages = (shown("w_1.1.1"), appended("w_1.1.2"), appended("w_1.1.3"))
        await opened(store, messages=messages)

        told = []
        while claimed := await claimed_message(store):
            told.append((claimed.message.id, claimed.ref))
            await store.sent(claimed.message.id, claimed.fence, NOON, ref="1700.1")

        assert told == [("w_1.1.1", None), ("w_1.1.2", "1700.1"), ("w_1.1.3", "1700.1")]

    async def test_an_alarm_does_not_wait_behind_a_message_that_fails(self, store: Store):
        await opened(store, messages=(shown("w_1.1.1"), appended("w_1.1.2", "an alarm")))
        await claimed_message(store)

        await store.sent("w_1.1.1", 1, NOON, again_at=NOON + minutes(5), words="cannot be changed")

        alarm = await claimed_message(store)
        assert alarm is not None
        assert alarm.message.id == "w_1.1.2"
