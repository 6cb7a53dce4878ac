"""What a queue brings is in the inbox before the queue forgets it; what cannot be read goes round once, and no more."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from deploy.errors import AwsRefused
from deploy.model import Announcement, Phase
from deploy.source import Aside, Event, Ignored, Parcel, Received, Rejected
from tests.builders import a_release
from tests.watcher.runtime.at_work import at_work, hang, now, virtual
from watcher.runtime.answers import DEAF, Answers
from watcher.runtime.daemon import DRAIN
from watcher.runtime.feeder import PATIENCE, Feeder, first_of, unwanted
from watcher.store.accepting import MOST_KEPT

NO = AwsRefused("receive_message", "AccessDenied", "not yours", may_have_happened=False)


class Words:
    """A source that reads one word: of an announcement its key, of others what they are."""

    name = "events"

    def read(self, received: Received) -> Announcement | Aside | Ignored | Rejected:
        match received.body.split():
            case [b"aside", id]:
                event = Event(id.decode(), "Coffee Ready", "shop.kitchen", "1" * 12, "eu", None, (), {})
                return Aside(event, "coffee is no deployment")
            case [b"ignored", *_]:
                return Ignored("nothing of ours")
            case [b"rejected"]:
                return Rejected("not JSON", "send JSON")
            case [b"bug"]:
                raise RuntimeError("a mistake of ours")
            case _:
                key = received.body[:100].decode()
                return Announcement(
                    self.name, key, "checkout", "production", Phase.COMPLETE, received.at, {"tag": "v43"}
                )


@dataclass
class AQueue:
    """Gives what lies in it after *takes* seconds, as long as it is not acknowledged, and hides what it gave for 30 s.

    Attributes:
        errors: What it answers instead, one by one.
    """

    lies: list[str] = field(default_factory=list)
    takes: float = 0.0
    errors: list[Exception] = field(default_factory=list)
    asked: list[float] = field(default_factory=list)
    story: list[str] = field(default_factory=list)
    hidden: dict[str, float] = field(default_factory=dict)
    deaf: bool = False

    async def receive(self) -> Sequence[Parcel]:
        time = asyncio.get_running_loop().time
        self.asked.append(time())
        if self.errors:
            raise self.errors.pop(0)
        waits = self.takes or (0.0 if self._seen(time()) else 10.0)
        await asyncio.sleep(waits)
        seen = self._seen(time())
        self.hidden |= dict.fromkeys(seen, time() + 30)
        return [Parcel(Received(body.encode(), {}, now(), "sqs:events"), body) for body in seen]

    def _seen(self, at: float) -> list[str]:
        return [body for body in self.lies if self.hidden.get(body, 0.0) <= at]

    async def acknowledge(self, receipts: Sequence[str]) -> None:
        self.story += [f"deleted {receipt[:20]}" for receipt in receipts]
        if not self.deaf:
            self.lies = [body for body in self.lies if body not in receipts]


def a_feeder(work, feeds, store=None, look=5.0, asides=unwanted, answers=None):
    return Feeder(
        store or work.store,
        lambda: feeds,
        work.bells,
        work.metrics,
        work.boundary,
        now,
        work.new_id,
        look,
        asides=asides,
        answers=answers or Answers(),
    )


@contextlib.asynccontextmanager
async def asking(work, *queues, feeds=None, **how):
    """The feeder at work on *queues*."""
    feeds = (
        {f"q{number}": (Words(), queue) for number, queue in enumerate(queues)} if feeds is None else feeds
    )
    stop = asyncio.Event()
    task = asyncio.ensure_future(a_feeder(work, feeds, **how).run(stop))
    try:
        yield stop
    finally:
        stop.set()
        await task


async def inbox(work):
    """(state, why) by announcement; open ones without a state."""
    items = [await work.store.announcement(f"a_{number:032x}") for number in range(1, 20)]
    return [(item.closing.state, item.closing.why) if item.closing else None for item in items if item]


@virtual
async def test_what_comes_is_in_the_inbox_and_wakes_the_listener():
    async with at_work() as work:
        async with asking(work, AQueue(["one", "two"])):
            await asyncio.sleep(1)

        taken = await work.store.take_inbox(10, now())
        assert [item.announcement.dedup_key for item in taken] == ["one", "two"]
        assert {item.principal for item in taken} == {"sqs:events"}
        assert work.bells.inbox.is_set()
        assert work.metric("events_received_total", source="q0", result="accepted") == 2
        assert work.metric("source_last_event_timestamp_seconds", source="q0") == now().timestamp() - 1


@virtual
async def test_it_is_written_down_before_the_queue_forgets_it():
    async with at_work() as work:
        queue = AQueue(["one"])

        class Told:
            async def accept(self, *arrival):
                queue.story.append("written")
                return await work.store.accept(*arrival)

        async with asking(work, queue, store=Told()):
            await asyncio.sleep(1)

        assert queue.story == ["written", "deleted one"]


@virtual
async def test_killed_between_writing_and_deleting_it_comes_again_and_is_one_announcement():
    async with at_work() as work:
        queue = AQueue(["one"], deaf=True)
        async with asking(work, queue):
            await asyncio.sleep(100)

        assert len(await work.store.take_inbox(10, now())) == 1
        assert work.metric("events_received_total", source="q0", result="duplicate") >= 2


@virtual
async def test_a_store_that_is_away_keeps_the_message_in_the_queue():
    async with at_work() as work:
        queue = AQueue(["one"])
        work.store.away = True
        async with asking(work, queue):
            await asyncio.sleep(60)
            assert queue.story == []
            work.store.away = False
            await asyncio.sleep(100)

        assert queue.story == ["deleted one"]
        assert len(await work.store.take_inbox(10, now())) == 1


# --------------------------------------------------------------------------------------------------- what goes no further


@virtual
async def test_what_cannot_be_read_is_recorded_with_its_words_and_gone():
    async with at_work() as work:
        queue = AQueue(["rejected"])
        with capture_logs() as log:
            async with asking(work, queue):
                await asyncio.sleep(1)

        assert await inbox(work) == [("rejected", "not JSON; send JSON")]
        assert queue.lies == []
        assert [line["why"] for line in log if line["event"] == "announcement.rejected"] == [
            "not JSON; send JSON"
        ]
        assert not work.bells.inbox.is_set()


@virtual
async def test_a_message_at_which_the_parser_breaks_is_recorded_and_gone_and_the_next_one_is_heard():
    async with at_work() as work:
        queue = AQueue(["bug", "one"])
        async with asking(work, queue):
            await asyncio.sleep(1)

        assert await inbox(work) == [("rejected", "a bug of rollbackd: its log says which"), None]
        assert queue.lies == []
        assert len(work.bugs) == 1


@virtual
async def test_what_is_of_no_concern_is_recorded_once_a_day_by_its_name():
    async with at_work() as work:
        async with asking(work, AQueue(["ignored 1", "ignored 2"])):
            await asyncio.sleep(1)
        async with asking(work, AQueue(["ignored 3"])):
            await asyncio.sleep(24 * 3600)
        async with asking(work, AQueue(["ignored 4"])):
            await asyncio.sleep(1)

        assert await inbox(work) == [("recorded", "nothing of ours")] * 2
        told = [
            work.metric("events_received_total", source="q0", result=result)
            for result in ("recorded", "duplicate")
        ]
        assert told == [2, 2]
        assert work.metric("events_received_total", source="q0", result="conflict") in {None, 0}


@virtual
async def test_of_a_huge_message_only_its_beginning_is_kept():
    async with at_work() as work:
        kept: list[int] = []

        class Told:
            async def accept(self, *arrival):
                kept.append(len(arrival[2]))
                return await work.store.accept(*arrival)

        async with asking(work, AQueue(["x" * 200_000]), store=Told()):
            await asyncio.sleep(1)

        assert kept == [MOST_KEPT]


@virtual
async def test_a_message_that_cannot_be_written_for_a_bug_of_ours_comes_again_and_keeps_no_other_back():
    async with at_work() as work:
        queue = AQueue(["one", "two"])

        class Ill:
            async def accept(self, *arrival):
                if arrival[1].dedup_key == "one":
                    raise RuntimeError("a mistake of ours")
                return await work.store.accept(*arrival)

        async with asking(work, queue, store=Ill()):
            await asyncio.sleep(1)

        assert queue.lies == ["one"]
        assert len(work.bugs) == 1


# ------------------------------------------------------------------------------------------------- what is no deployment


@virtual
async def test_what_somebody_makes_of_an_event_is_done_before_the_queue_forgets_it_and_recorded_once_a_day():
    async with at_work() as work:
        queue = AQueue(["aside 1", "aside 2"])

        async def drinks(aside, at):
            queue.story.append(f"drank {aside.event.id} at {at:%H:%M}")
            return "coffee is drunk"

        async with asking(work, queue, asides=drinks):
            await asyncio.sleep(1)

        assert queue.story == ["drank 1 at 12:00", "drank 2 at 12:00", "deleted aside 1", "deleted aside 2"]
        assert await inbox(work) == [("recorded", "coffee is drunk")]


@virtual
async def test_an_event_says_by_which_source_it_came():
    async with at_work() as work:
        came: list[str] = []

        async def hears(aside, _at):
            came.append(aside.via)

        async with asking(work, AQueue(["aside 1"]), asides=hears):
            await asyncio.sleep(1)

        assert came == ["q0"]


@virtual
async def test_what_nobody_wants_is_recorded_as_of_no_concern():
    async with at_work() as work:
        async with asking(work, AQueue(["aside 1", "aside 2"])):
            await asyncio.sleep(1)

        assert await inbox(work) == [("recorded", "coffee is no deployment")]


@virtual
async def test_an_event_is_offered_to_one_after_the_other_until_one_wants_it():
    asked: list[str] = []

    def a_guest(name, word):
        async def offered(_aside, _at):
            asked.append(name)
            return word

        return offered

    guests = a_guest("ada", None), a_guest("bob", "bob drinks it"), a_guest("cleo", "cleo drinks it")
    async with at_work() as work:
        async with asking(work, AQueue(["aside 1"]), asides=first_of(*guests)):
            await asyncio.sleep(1)

        assert asked == ["ada", "bob"]
        assert await inbox(work) == [("recorded", "bob drinks it")]


@virtual
async def test_an_event_comes_again_while_whoever_wants_it_cannot_keep_it():
    async with at_work() as work:
        queue = AQueue(["aside 1"])
        kept: list[str] = []

        async def keeps(aside, at):
            await work.store.adopt("cup", "shelf", "service", a_release("v1"), at, adopted=True)
            kept.append(aside.event.id)
            return "kept"

        work.store.away = True
        async with asking(work, queue, asides=keeps):
            await asyncio.sleep(60)
            assert (queue.story, kept) == ([], [])
            work.store.away = False
            await asyncio.sleep(100)

        assert (queue.story, kept) == (["deleted aside 1"], ["1"])


@virtual
async def test_an_event_at_which_somebody_breaks_is_recorded_and_gone():
    async with at_work() as work:
        queue = AQueue(["aside 1", "one"])

        async def spills(_aside, _at):
            raise RuntimeError("a mistake of ours")

        async with asking(work, queue, asides=spills):
            await asyncio.sleep(1)

        assert await inbox(work) == [("rejected", "a bug of rollbackd: its log says which"), None]
        assert queue.lies == []
        assert len(work.bugs) == 1


# --------------------------------------------------------------------------------------------------------------- no answer


@virtual
async def test_a_queue_that_cannot_be_asked_is_asked_later_and_later_and_said_once():
    async with at_work() as work:
        queue = AQueue(errors=[NO] * 9)
        with capture_logs() as log:
            async with asking(work, queue):
                await asyncio.sleep(400)

        waits = [round(after - before) for before, after in zip(queue.asked, queue.asked[1:], strict=False)]
        assert waits[:9] == [1, 2, 4, 8, 16, 32, 60, 60, 60]
        said = [line for line in log if line["event"].startswith("feed.")]
        assert [line["event"] for line in said] == ["feed.unreadable", "feed.recovered"]
        assert "AccessDenied: not yours" in said[0]["words"]
        assert said[1]["failures"] == 9
        assert work.metric("feed_failures_total", source="q0") == 9


@virtual
async def test_a_queue_that_could_not_be_told_brings_the_message_again():
    class Deaf(AQueue):
        async def acknowledge(self, receipts):
            if not self.story:
                self.story.append("refused")
                raise NO
            await super().acknowledge(receipts)

    async with at_work() as work:
        queue = Deaf(["one"])
        async with asking(work, queue):
            await asyncio.sleep(60)

        assert queue.story == ["refused", "deleted one"]
        assert len(await work.store.take_inbox(10, now())) == 1


@virtual
async def test_a_queue_that_never_answers_is_asked_again():
    class Silent(AQueue):
        async def receive(self):
            self.asked.append(asyncio.get_running_loop().time())
            await hang()

    async with at_work() as work:
        queue = Silent()
        with capture_logs() as log:
            async with asking(work, queue):
                await asyncio.sleep(40)

        assert queue.asked == [0.0, PATIENCE + 1, 2 * PATIENCE + 3]
        assert [line["words"] for line in log if line["event"] == "feed.unreadable"] == [
            "no answer within 15 s"
        ]


@virtual
async def test_a_queue_that_cannot_be_asked_delays_no_other():
    async with at_work() as work:
        well = AQueue(["one"])
        async with asking(work, AQueue(errors=[NO] * 9), AQueue(takes=10.0), well):
            await asyncio.sleep(1)

        assert well.lies == []


@virtual
async def test_a_queue_that_cannot_be_asked_for_minutes_is_deaf_until_it_answers():
    async with at_work() as work:
        answers = Answers()

        def deaf(source="q0"):
            return answers.is_deaf(source, now())

        async with asking(work, AQueue(errors=[NO] * 9), answers=answers):
            await asyncio.sleep(DEAF.total_seconds() - 1)
            told = [deaf()]
            await asyncio.sleep(2)
            told += [deaf(), deaf("http")]
            await asyncio.sleep(400)
            told.append(deaf())

        assert told == [False, True, False, False]
        assert not answers.is_deaf("q0", now() + timedelta(days=1))  # it is asked no more


@virtual
async def test_a_queue_that_is_empty_is_not_deaf():
    async with at_work() as work:
        answers = Answers()
        async with asking(work, AQueue(), answers=answers):
            await asyncio.sleep(3600)
            assert not answers.is_deaf("q0", now())


# --------------------------------------------------------------------------------------------------- the end, and a reload


@pytest.mark.parametrize("errors", [[], [NO] * 9])
@virtual
async def test_a_long_poll_does_not_delay_the_end(errors):
    async with at_work() as work:
        queue = AQueue(takes=10.0, errors=errors)
        time = asyncio.get_running_loop().time
        async with asking(work, queue) as stop:
            await asyncio.sleep(100.5)
            stop.set()
            began = time()

        assert timedelta(seconds=time() - began) < DRAIN / 8


@virtual
async def test_what_was_received_is_written_down_and_acknowledged_though_the_end_has_come():
    async with at_work() as work:
        queue = AQueue(["one"])

        class Slow:
            async def accept(self, *arrival):
                await asyncio.sleep(3)
                return await work.store.accept(*arrival)

        async with asking(work, queue, store=Slow()) as stop:
            await asyncio.sleep(1)
            stop.set()

        assert queue.story == ["deleted one"]
        assert len(await work.store.take_inbox(10, now())) == 1


@virtual
async def test_an_end_that_comes_at_once_is_one():
    async with at_work() as work:
        async with asking(work, AQueue()) as stop:
            stop.set()

        assert asyncio.get_running_loop().time() == 0


@virtual
async def test_a_feed_that_is_configured_later_is_asked_and_one_that_is_configured_no_more_is_not():
    async with at_work() as work:
        first, second, later = AQueue(), AQueue(["two"]), AQueue(["three"])
        feeds = {"q0": (Words(), first)}
        async with asking(work, feeds=feeds):
            await asyncio.sleep(20)
            del feeds["q0"]
            feeds["q1"] = (Words(), second)
            await asyncio.sleep(20)
            asked = len(first.asked)
            feeds["q0"] = (Words(), later)
            await asyncio.sleep(40)

        assert second.lies == later.lies == []
        assert len(first.asked) == asked


@virtual
async def test_a_feed_that_is_configured_anew_is_asked_as_it_is_now():
    async with at_work() as work:
        old, new = AQueue(), AQueue(["one"])
        feeds = {"q0": (Words(), old)}
        async with asking(work, feeds=feeds):
            await asyncio.sleep(15)
            feeds["q0"] = (Words(), new)
            await asyncio.sleep(15)

        assert new.lies == []
        assert len(old.asked) == 2
