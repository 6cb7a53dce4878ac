"""Messages are told: at least once, later where it does not go now, and never for ever."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from tests.builders import minutes, seconds
from tests.watcher.runtime.at_work import ANotifier, a_new_watch, at_work, blunder, hang, now, virtual
from watcher.core.watch import Message, Notice, Step
from watcher.notify.notifier import Later, Never, Told
from watcher.runtime.courier import LONGEST_PAUSE, MOST_ATTEMPTS, Courier, growing


def a_courier(work, **notifiers):
    return Courier(work.store, lambda: notifiers, work.metrics, work.boundary, "me", now)


def a_message(number=0, channel="room"):
    return Message(f"w_1.1.{number}", "append", channel, Notice("v43 fails"))


async def queued(work, *messages):
    await work.has(a_new_watch(), messages=messages or (a_message(),))


async def rounds(courier, lasting, every=1.0):
    for _ in range(int(lasting.total_seconds() / every)):
        await courier.go_round()
        await asyncio.sleep(every)


@virtual
async def test_a_message_is_told_once_with_what_narrows_its_channel():
    room = ANotifier()
    async with at_work() as work:
        await queued(work, a_message(channel="room:releases"))

        assert await a_courier(work, room=room).go_round() is True
        assert await a_courier(work, room=room).go_round() is False

        assert room.told == [("w_1.1.0", "releases")]
        assert work.metric("messages_total", notifier="room", result="told") == 1


@virtual
async def test_what_does_not_go_now_is_told_later():
    room = ANotifier(moods=[Later(minutes(2), "HTTP 503")])
    async with at_work() as work:
        await queued(work)

        with capture_logs() as log:
            await rounds(a_courier(work, room=room), minutes(1))
            assert len(room.told) == 1
            await rounds(a_courier(work, room=room), minutes(2))

        assert len(room.told) == 2
        assert [line["event"] for line in log] == ["message.delayed"]


@virtual
async def test_what_will_not_be_taken_is_not_told_again():
    room = ANotifier(moods=[Never("no such channel")])
    async with at_work() as work:
        await queued(work)

        with capture_logs() as log:
            await rounds(a_courier(work, room=room), minutes(10))

        assert len(room.told) == 1
        assert (log[0]["event"], log[0]["words"]) == ("message.undeliverable", "no such channel")


@virtual
async def test_a_channel_that_is_configured_no_more_is_undeliverable():
    async with at_work() as work:
        await queued(work)

        with capture_logs() as log:
            await a_courier(work).go_round()

        assert log[0]["words"] == "no connection is called 'room' any more"


@virtual
async def test_who_does_not_answer_is_asked_again():
    room = ANotifier(does=hang)
    async with at_work() as work:
        await queued(work)

        with capture_logs() as log:
            await a_courier(work, room=room).go_round()

        assert log[0]["words"] == "no answer within 20 s"
        assert asyncio.get_running_loop().time() == 20


@virtual
async def test_it_is_given_up_after_some_hours():
    room = ANotifier(moods=[Later(timedelta(0), "HTTP 503")] * 100)
    async with at_work() as work:
        await queued(work)

        with capture_logs() as log:
            await rounds(a_courier(work, room=room), minutes(360), every=30.0)

        assert len(room.told) == MOST_ATTEMPTS
        assert log[-1]["event"] == "message.undeliverable"
        assert work.metric("messages_total", notifier="room", result="never") == 1
        assert work.metric("messages_total", notifier="room", result="later") == MOST_ATTEMPTS - 1


@virtual
async def test_how_a_deployment_ended_is_told_however_late():
    room = ANotifier(moods=[Later(timedelta(0), "HTTP 503")] * 100)
    end = Message("w_1.1.0", "append", "room", Notice("v42 serves again", facts={"state": "rolled_back"}))
    async with at_work() as work:
        await queued(work, end)

        with capture_logs() as log:
            await rounds(a_courier(work, room=room), minutes(600), every=30.0)

        assert len(room.told) == 101
        assert "message.undeliverable" not in {line["event"] for line in log}
        assert work.metric("messages_total", notifier="room", result="told") == 1


@pytest.mark.parametrize("does", [hang, blunder])
@virtual
async def test_a_channel_that_hangs_or_has_a_bug_keeps_no_other_from_being_told(does):
    ill, well = ANotifier(does=does), ANotifier()
    async with at_work() as work:
        await queued(work, a_message(0, "ill"), a_message(1, "well"))

        await a_courier(work, ill=ill, well=well).go_round()

        assert [told for told, _ in well.told] == ["w_1.1.1"]


@virtual
async def test_a_notifier_with_a_bug_is_tried_again_when_the_lease_has_run_out():
    ill = ANotifier(does=blunder)
    async with at_work() as work:
        await queued(work, a_message(0, "ill"))

        await rounds(a_courier(work, ill=ill), seconds(65))

        assert len(ill.told) == 3
        assert len(work.bugs) == 3


@virtual
async def test_what_the_channel_called_the_message_is_given_back_when_it_is_changed():
    class Remembers(ANotifier):
        refs: list[str | None]

        async def tell(self, message, narrowing, ref):
            self.refs.append(ref)
            return Told("ts-1")

    room = Remembers()
    room.refs = []
    async with at_work() as work:
        watch = await work.has(a_new_watch(), messages=(replace(a_message(), kind="show"),))
        await a_courier(work, room=room).go_round()
        later = replace(a_message(), id="w_1.2.0", kind="show")
        await work.store.save(_shows(watch, later), now())

        await a_courier(work, room=room).go_round()

        assert room.refs == [None, "ts-1"]


def _shows(watch, message):
    return Step(replace(watch, revision=2), before=1, messages=(message,))


def test_pauses_grow_up_to_five_minutes():
    assert [growing(attempts) for attempts in (0, 1, 2)] == [seconds(5), seconds(10), seconds(20)]
    assert growing(60) == LONGEST_PAUSE
