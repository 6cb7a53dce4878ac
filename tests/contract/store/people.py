"""The switch, notes, idempotency keys, the audit, and the upkeep."""

from dataclasses import replace
from datetime import timedelta

from tests.contract.store.build import (
    ENVIRONMENT,
    NOON,
    SERVICE,
    a_watch,
    an_announcement,
    appended,
    errors_of,
    minutes,
    opened,
    rolling_back,
    saved,
    step_of,
)
from watcher.core.change import Change
from watcher.core.watch import Armed, Closing, State, Step
from watcher.store.store import Answered, Disarmed, GuardFailed, Note, Replayed, Stale, Store

HOURS = 60
DAYS = 24 * HOURS
OFF = Disarmed(SERVICE, ENVIRONMENT, "ann", "a migration", NOON, NOON + minutes(60))


class SwitchContract:
    async def test_what_is_disarmed_is_said_until_it_expires(self, store: Store):
        await store.disarm(OFF, NOON)

        assert await store.disarmed(NOON) == [OFF]
        assert await store.disarmed(NOON + minutes(60)) == []

    async def test_a_newer_word_replaces_an_older_one(self, store: Store):
        longer = Disarmed(SERVICE, ENVIRONMENT, "bob", "it takes longer", NOON, NOON + minutes(120))
        await store.disarm(OFF, NOON)
        await store.disarm(longer, NOON)

        assert await store.disarmed(NOON) == [longer]

    async def test_arming_says_whether_it_was_off(self, store: Store):
        await store.disarm(OFF, NOON)

        assert await store.arm(SERVICE, ENVIRONMENT, "ann", "done", NOON)
        assert not await store.arm(SERVICE, ENVIRONMENT, "ann", "done", NOON)
        assert await store.disarmed(NOON) == []

    async def test_what_expired_was_not_off(self, store: Store):
        await store.disarm(OFF, NOON)

        assert not await store.arm(SERVICE, ENVIRONMENT, "ann", "", NOON + minutes(60))

    async def test_the_switch_is_announced_with_the_word_and_only_when_it_changes(self, store: Store):
        await store.disarm(OFF, NOON, [appended("m_1.0", "off until one")])
        await store.arm(SERVICE, ENVIRONMENT, "ann", "done", NOON, [appended("m_2.0", "on again")])
        await store.arm(SERVICE, ENVIRONMENT, "ann", "done", NOON, [appended("m_3.0", "on again")])

        told = await store.claim_messages(NOON, 10, "me", minutes(1))
        assert [(each.message.id, each.ref) for each in told] == [("m_1.0", None), ("m_2.0", None)]

    async def test_the_audit_says_who_and_why(self, store: Store):
        await store.disarm(OFF, NOON)
        await store.arm(SERVICE, ENVIRONMENT, "bob", "done", NOON + minutes(5))

        rows = await store.audit(subject="checkout/production")

        assert [(row.at, row.by, row.what, row.why) for row in rows] == [
            (NOON, "ann", "service.disarmed", "a migration"),
            (NOON + minutes(5), "bob", "service.armed", "done"),
        ]


class PeopleContract:
    async def test_what_a_person_says_of_a_watch_is_kept(self, store: Store):
        await opened(store)
        notes = [Note("w_1", "ann", NOON, "wrong", "it was the database"), Note("w_1", "bob", NOON, "note")]

        for note in notes:
            assert await store.note(note, NOON)

        assert await store.notes("w_1") == notes
        assert (await store.audit(subject="w_1"))[-1].what == "watch.noted"

    async def test_nothing_is_said_of_a_watch_that_is_not_there(self, store: Store):
        assert not await store.note(Note("w_9", "ann", NOON, "right"), NOON)
        assert await store.notes("w_9") == []

    async def test_a_key_that_is_new_was_answered_nothing(self, store: Store):
        assert await store.once("ann", "k1", b"digest", NOON) is None

    async def test_a_key_is_answered_as_the_first_time_for_a_day(self, store: Store):
        await store.answered(Answered("ann", "k1", b"digest", 202, b"{}"), NOON)

        day = minutes(24 * HOURS)
        assert await store.once("ann", "k1", b"digest", NOON + day - minutes(1)) == Replayed(202, b"{}")
        assert await store.once("ann", "k1", b"digest", NOON + day) is None

    async def test_a_key_with_another_body_is_a_conflict(self, store: Store):
        await store.answered(Answered("ann", "k1", b"digest", 202, b"{}"), NOON)

        replayed = await store.once("ann", "k1", b"other", NOON)

        assert replayed is not None
        assert replayed.conflict

    async def test_the_first_answer_stands_until_it_is_forgotten(self, store: Store):
        await store.answered(Answered("ann", "k1", b"digest", 202, b"first"), NOON)
        await store.answered(Answered("ann", "k1", b"digest", 202, b"second"), NOON)

        assert await store.once("ann", "k1", b"digest", NOON) == Replayed(202, b"first")

        next_day = NOON + minutes(24 * HOURS)
        await store.answered(Answered("ann", "k1", b"digest", 202, b"third"), next_day)
        assert await store.once("ann", "k1", b"digest", next_day) == Replayed(202, b"third")

    async def test_an_answer_is_remembered_with_the_step_that_obeys(self, store: Store):
        opening, saving = (Answered("ann", key, b"digest", 202, key.encode()) for key in ("k1", "k2"))

        await store.open(Step(a_watch(), before=0), NOON, answered=opening)
        await store.save(step_of(a_watch()), NOON, answered=saving)

        assert await store.once("ann", "k1", b"digest", NOON) == Replayed(202, b"k1")
        assert await store.once("ann", "k2", b"digest", NOON) == Replayed(202, b"k2")

    async def test_what_was_not_obeyed_was_answered_nothing(self, store: Store):
        watch = await opened(store)
        await store.disarm(OFF, NOON)
        answered = Answered("ann", "k1", b"digest", 202, b"{}")

        armed = frozenset({Armed(SERVICE, ENVIRONMENT)})
        guarded = await store.save(step_of(watch, causes={"requires": armed}), NOON, answered=answered)
        late = await store.save(
            replace(step_of(watch), before=7, watch=replace(watch, revision=8)), NOON, answered=answered
        )
        second = await store.open(Step(a_watch("w_2"), before=0), NOON, answered=answered)

        assert isinstance(guarded, GuardFailed)
        assert late == second == Stale()
        assert await store.once("ann", "k1", b"digest", NOON) is None

    async def test_one_key_of_two_people_is_two_keys(self, store: Store):
        await store.answered(Answered("ann", "k1", b"digest", 202, b"{}"), NOON)

        assert await store.once("bob", "k1", b"digest", NOON) is None

    async def test_the_audit_is_read_page_by_page(self, store: Store):
        for number in range(5):
            await store.add_change(Change(NOON, f"change {number}", told_by="ann"), NOON)

        first = await store.audit(limit=3)
        second = await store.audit(limit=3, after=first[-1].seq)

        assert [row.why for row in (*first, *second)] == [f"change {number}" for number in range(5)]


class UpkeepContract:
    async def test_it_counts_what_lives_waits_and_is_open(self, store: Store):
        await rolling_back(store)
        await opened(store, a_watch("w_2", service="site"), messages=(appended("w_2.1.1"),))
        await store.accept("a_1", an_announcement(), b"", "p", NOON, ("queue", "m1"))

        counts = await store.counts(NOON + minutes(1))

        assert counts == {
            "watches": {"rolling_back": 1, "watching": 1},
            "overdue": {"watches": 0},
            "inbox": {"pending": 1, "oldest_seconds": 60.0},
            "messages": {"slack:C1": 1},
            "messages_oldest_seconds": {"slack:C1": 60.0},
            "actions": {"open": 1, "oldest_seconds": 60.0},
            "gates": {"open": 0, "oldest_seconds": 0.0},
        }

    async def test_what_was_due_more_than_a_minute_ago_is_overdue(self, store: Store):
        await opened(store, a_watch("w_1", service="s1", due_at=NOON))
        await opened(store, a_watch("w_2", service="s2", due_at=NOON + minutes(5)))
        await opened(store, a_watch("w_3", service="s3", due_at=None))

        late = [(await store.counts(NOON + minutes(after)))["overdue"]["watches"] for after in (1, 2, 7)]

        assert late == [0, 1, 2]

    async def test_nothing_is_nothing(self, store: Store):
        counts = await store.counts(NOON)

        assert counts["inbox"] == {"pending": 0, "oldest_seconds": 0.0}
        assert counts["actions"] == {"open": 0, "oldest_seconds": 0.0}

    async def test_buckets_are_forgotten_a_week_after_the_end(self, store: Store):
        watch = await opened(store)
        await store.save(step_of(watch), NOON, [errors_of((1, 9))])
        await saved(store, step_of(step_of(watch).watch, State.PASSED))

        assert await store.prune(NOON + minutes(6 * DAYS)) == 0
        assert await store.prune(NOON + minutes(8 * DAYS)) == 1
        assert await store.buckets("w_1") == []

    async def test_everything_that_is_to_be_forgotten_is_also_where_it_is_much(self, store: Store):
        for number in range(2100):
            await store.answered(Answered("ann", f"k{number}", b"digest", 202, b"{}"), NOON)

        assert await store.prune(NOON + minutes(2 * DAYS)) == 2100

    async def test_what_a_watch_that_lives_has_seen_is_never_forgotten(self, store: Store):
        watch = await opened(store)
        await store.save(step_of(watch), NOON, [errors_of((1, 9))])

        assert await store.prune(NOON + minutes(999 * DAYS)) == 0

    async def test_announcements_and_messages_that_are_done_are_forgotten_after_a_month(self, store: Store):
        watch = await opened(store, messages=(appended("w_1.1.1"),))
        (message,) = await store.claim_messages(NOON, 1, "a", timedelta(seconds=15))
        await store.sent("w_1.1.1", message.fence, NOON, ref="ok")
        await saved(store, step_of(watch, State.PASSED))
        await store.accept("a_1", an_announcement(), b"", "p", NOON, ("queue", "m1"))
        await store.close_inbox(Closing("a_1", "recorded"), NOON)

        assert await store.prune(NOON + minutes(29 * DAYS)) == 0
        assert await store.prune(NOON + minutes(31 * DAYS)) == 2

    async def test_what_is_not_done_is_not_forgotten(self, store: Store):
        watch = await opened(store, messages=(appended("w_1.1.1"),))
        await saved(store, step_of(watch, State.PASSED))
        await store.accept("a_1", an_announcement(), b"", "p", NOON, ("queue", "m1"))

        assert await store.prune(NOON + minutes(999 * DAYS)) == 0

    async def test_keys_changes_and_switches_are_forgotten_in_their_time(self, store: Store):
        await store.answered(Answered("ann", "k1", b"digest", 202, b"{}"), NOON)
        await store.add_change(Change(NOON, "scaled"), NOON)
        await store.disarm(OFF, NOON)

        assert await store.prune(NOON) == 0
        assert await store.prune(NOON + minutes(2 * DAYS)) == 2
        assert await store.prune(NOON + minutes(31 * DAYS)) == 1

    async def test_it_says_that_it_works(self, store: Store):
        await store.check()
