"""Announcements: accepted once, taken until they are closed."""

from datetime import timedelta
from itertools import pairwise

from tests.contract.store.build import (
    NOON,
    a_watch,
    an_announcement,
    audited,
    minutes,
    opened,
    opening,
    step_of,
)
from watcher.core.watch import Closing, State
from watcher.store.store import Accepted, Store


async def accept(store: Store, id: str = "a_1", key: str = "m1", body: bytes = b"{}", now=NOON) -> Accepted:
    return await store.accept(id, an_announcement(key), body, "token:pipeline", now, ("queue", key))


class InboxContract:
    async def test_what_is_accepted_waits_to_be_resolved(self, store: Store):
        await accept(store)

        (item,) = await store.take_inbox(10, NOON)

        assert (item.id, item.announcement, item.principal) == ("a_1", an_announcement(), "token:pipeline")
        assert (item.received_at, item.attempts, item.closing) == (NOON, 1, None)

    async def test_the_same_message_twice_is_accepted_once(self, store: Store):
        await accept(store, "a_1")

        again = await accept(store, "a_2")

        assert again == Accepted("a_1", duplicate=True)
        assert len(await store.take_inbox(10, NOON)) == 1

    async def test_something_else_under_a_known_key_is_a_conflict(self, store: Store):
        await accept(store, "a_1", body=b"one")

        again = await accept(store, "a_2", body=b"other")

        assert again == Accepted("a_1", duplicate=True, conflict=True)

    async def test_a_duplicate_is_known_also_after_the_first_was_closed(self, store: Store):
        await accept(store, "a_1")
        await store.close_inbox(Closing("a_1", "recorded"), NOON)

        assert (await accept(store, "a_2")).duplicate

    async def test_one_key_of_two_sources_is_two_messages(self, store: Store):
        await store.accept("a_1", an_announcement(), b"", "p", NOON, ("queue", "m1"))

        other = await store.accept("a_2", an_announcement(), b"", "p", NOON, ("github", "m1"))

        assert other == Accepted("a_2")

    async def test_what_could_not_be_read_is_kept_and_closed_at_once(self, store: Store):
        closing = Closing("a_1", "rejected", "not JSON")

        await store.accept("a_1", None, b"\xff", "sqs", NOON, ("queue", "m1"), closing)

        item = await store.announcement("a_1")
        assert item is not None
        assert (item.announcement, item.closing) == (None, closing)
        assert await store.take_inbox(10, NOON) == []

    async def test_an_announcement_that_nobody_closes_comes_again_later_and_later(self, store: Store):
        await accept(store)

        taken = [
            second for second in range(300) if await store.take_inbox(10, NOON + timedelta(seconds=second))
        ]

        pauses = [after - before for before, after in pairwise(taken)]
        assert pauses == sorted(pauses)
        assert pauses[0] <= 10
        assert pauses[-1] == 60

    async def test_the_oldest_are_taken_first_and_no_more_than_asked_for(self, store: Store):
        for number in (1, 2, 3):
            await accept(store, f"a_{number}", f"m{number}")

        first = await store.take_inbox(2, NOON)
        second = await store.take_inbox(2, NOON)

        assert [[item.id for item in items] for items in (first, second)] == [["a_1", "a_2"], ["a_3"]]

    async def test_what_is_closed_is_not_taken_again(self, store: Store):
        await accept(store)

        await store.close_inbox(Closing("a_1", "recorded", "a restart"), NOON)

        assert await store.take_inbox(10, NOON + minutes(10)) == []

    async def test_the_first_word_on_an_announcement_stands(self, store: Store):
        await accept(store)
        await store.close_inbox(Closing("a_1", "recorded", "a restart"), NOON)

        await store.close_inbox(Closing("a_1", "rejected", "stale"), NOON)

        item = await store.announcement("a_1")
        assert item is not None
        assert item.closing == Closing("a_1", "recorded", "a restart")

    async def test_a_step_closes_the_announcements_that_caused_it(self, store: Store):
        await accept(store)

        await store.open(opening(a_watch(), closes=(Closing("a_1", "watching", watch="w_1"),)), NOON)

        item = await store.announcement("a_1")
        assert item is not None
        assert item.closing == Closing("a_1", "watching", watch="w_1")

    async def test_a_step_that_is_not_saved_closes_nothing(self, store: Store):
        watch = await opened(store)
        await accept(store)
        await store.save(step_of(watch), NOON)

        await store.save(step_of(watch, State.SUPERSEDED, {"closes": (Closing("a_1", "joined"),)}), NOON)

        assert len(await store.take_inbox(10, NOON)) == 1

    async def test_an_announcement_that_nobody_knows_is_none(self, store: Store):
        assert await store.announcement("a_9") is None

    async def test_the_audit_says_who_sent_an_announcement_and_what_became_of_it(self, store: Store):
        await accept(store)
        await accept(store, "a_2")
        await store.close_inbox(Closing("a_1", "recorded", "a restart"), NOON)

        rows = await store.audit(subject="a_1")

        assert [(row.by, row.what, row.why) for row in rows] == [
            ("token:pipeline", "announcement.accepted", ""),
            ("rollbackd", "announcement.recorded", "a restart"),
        ]
        assert len(await audited(store)) == 2
