"""The house is kept: what is old is forgotten, what waits is counted, and the store is seen to work."""

import asyncio
from dataclasses import replace
from datetime import datetime

import pytest
from structlog.testing import capture_logs

from tests.builders import NOON, a_question, a_service, hours, minutes
from tests.watcher.runtime.at_work import a_new_watch, at_work, now, virtual
from watcher.core.alerts import Mood, way
from watcher.core.freeze import Freeze
from watcher.core.gate import Candidate
from watcher.core.watch import Message, Notice, State, Watch
from watcher.errors import StoreUnavailable
from watcher.runtime.janitor import Janitor
from watcher.store.gates import Gates
from watcher.store.store import Answered, Disarmed


@virtual
async def test_what_lives_and_waits_is_counted():
    async with at_work() as work:
        message = Message("w_1.1.0", "append", "room", Notice("v43 fails"))
        await work.has(a_new_watch(), messages=(message,))
        await work.store.disarm(Disarmed("*", "*", "olga", "why", NOON, NOON + hours(1)), NOON)
        held = Freeze("f_1", "*", "*", "olga", "the sale", NOON, NOON + hours(1))
        for freeze in (held, replace(held, id="f_2", start=NOON + minutes(30))):
            await work.store.freeze(freeze, NOON)
        gates = Gates(work.store, lambda: work.current.services, work.new_id)
        await gates.ask(a_service(), Candidate("v43"), "token:ci", NOON)
        await asyncio.sleep(90)

        await Janitor(work.store, work.metrics, now).go_round()

        assert (work.metric("freezes"), work.metric("gates_open")) == (1, 1)
        assert work.metric("gates_oldest_age_seconds") == 90
        assert work.metric("watches", state="watching") == 1
        assert work.metric("watches", state="asking") == 0
        assert work.metric("disarmed") == 1
        assert work.metric("outbox_pending", channel="room") == 1
        assert work.metric("outbox_oldest_age_seconds", channel="room") == 90


@virtual
async def test_a_channel_that_waits_for_nothing_any_more_is_not_shown_as_if_it_did():
    async with at_work() as work:
        janitor = Janitor(work.store, work.metrics, now)
        await work.has(a_new_watch(), messages=(Message("w_1.1.0", "append", "room", Notice("v43 fails")),))
        await janitor.go_round()
        (outgoing,) = await work.store.claim_messages(now(), 5, "me", minutes(1))
        await work.store.sent(outgoing.message.id, outgoing.fence, now(), ref="told")

        await janitor.go_round()

        assert work.metrics.registry.get_sample_value("rollbackd_outbox_pending", {"channel": "room"}) is None


@virtual
async def test_it_forgets_every_ten_minutes():
    async with at_work() as work:
        janitor = Janitor(work.store, work.metrics, now)

        for _ in range(25):
            await janitor.go_round()
            await asyncio.sleep(60)

        assert work.store.asked.count("prune") == 3
        assert work.store.asked.count("check") == 25


@virtual
async def test_what_was_forgotten_is_said():
    async with at_work() as work:
        await work.store.answered(Answered("token:ci", "key", b"digest", 202, b"{}"), now())
        await asyncio.sleep(hours(25).total_seconds())

        with capture_logs() as log:
            await Janitor(work.store, work.metrics, now).go_round()

        assert [(line["event"], line["rows"]) for line in log] == [("store.pruned", 1)]


@virtual
async def test_a_store_that_is_away_is_not_said_to_have_been_checked():
    async with at_work() as work:
        janitor = Janitor(work.store, work.metrics, now)
        work.store.away = True

        with pytest.raises(StoreUnavailable):
            await janitor.go_round()

        assert janitor.checked_at is None


@virtual
async def test_a_watch_that_nobody_judges_is_overdue_a_minute_after_it_was_due():
    async with at_work() as work:
        await work.has(a_new_watch(due_at=NOON))
        await work.has(a_new_watch("cart", "w_2", due_at=NOON + hours(1)))
        janitor = Janitor(work.store, work.metrics, now)

        await asyncio.sleep(60)
        await janitor.go_round()
        in_time = work.metric("watches_overdue")
        await asyncio.sleep(60)
        await janitor.go_round()

        assert (in_time, work.metric("watches_overdue")) == (0, 1)


@virtual
async def test_the_oldest_question_is_as_old_as_nobody_has_answered_it():
    async with at_work() as work:
        await work.has(asking("checkout", "w_1", asked=NOON - minutes(5)))
        await work.has(asking("cart", "w_2", asked=NOON - minutes(20)))
        await work.has(asking("search", "w_3", asked=NOON - minutes(50), again=NOON + minutes(10)))
        await work.has(a_new_watch("basket", "w_4"))

        await Janitor(work.store, work.metrics, now).go_round()

        assert work.metric("asking_oldest_age_seconds") == 20 * 60


@virtual
async def test_where_nobody_asks_no_watch_is_read_and_nothing_is_overdue():
    async with at_work() as work:
        await work.has(a_new_watch("basket", "w_4"))

        await Janitor(work.store, work.metrics, now).go_round()

        assert (work.metric("asking_oldest_age_seconds"), work.metric("watches_overdue")) == (0, 0)
        assert "list" not in work.store.asked


@virtual
async def test_those_who_ask_are_read_once_a_minute():
    async with at_work() as work:
        await work.has(asking("checkout", "w_1", asked=NOON))
        janitor = Janitor(work.store, work.metrics, now)

        for _ in range(24):
            await janitor.go_round()
            await asyncio.sleep(5)

        assert work.store.asked.count("list") == 2


def asking(name: str, id: str, asked: datetime, again: datetime | None = None) -> Watch:
    question = a_question(asked_at=asked, again_at=again)
    return a_new_watch(name, id, state=State.ASKING, question=question, due_at=NOON + hours(1))


@virtual
async def test_whose_topic_was_taken_back_is_shown_by_a_daemon_that_was_not_told():
    async with at_work() as work:
        janitor = Janitor(work.store, work.metrics, now, lambda: ("alarms", "am"))

        async def told(mood: Mood) -> None:
            await work.store.hear_alerts("alarms", [way("1", "topic", mood, now(), mood.value)], now(), {})

        def shown() -> tuple[float | None, float | None]:
            return work.metric("alerts_unsubscribed", sender="alarms"), work.metric(
                "alerts_unsubscribed", sender="am"
            )

        await told(Mood.UNKNOWN)
        await janitor.go_round()
        taken_back = shown()
        await asyncio.sleep(60)
        await told(Mood.WELL)
        await janitor.go_round()

        assert (taken_back, shown()) == ((1, 0), (0, 0))

        janitor.senders = tuple
        await asyncio.sleep(60)
        await janitor.go_round()

        gone = {"sender": "alarms"}
        assert work.metrics.registry.get_sample_value("rollbackd_alerts_unsubscribed", gone) is None
