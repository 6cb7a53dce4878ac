"""The feeder on a real queue over HTTP: what is killed in between loses nothing, and doubles nothing."""

import asyncio
from collections.abc import Iterator
from contextlib import asynccontextmanager, suppress

import pytest

from deploy.model import Live
from deploy.source import Opening, Whose
from deploy.sources.sqs import Queue, Settings, SqsSource
from tests.builders import a_release, a_service, minutes
from tests.deploy.sources.sqs.said import AT, a_deployment, running_at, through_sns
from tests.fakes.queues import Queues, queues
from tests.watcher.runtime.at_work import PLACE, ATarget, at_work, now
from watcher.runtime.feeder import Feeder
from watcher.runtime.listener import Listener


@pytest.fixture(scope="module")
def server() -> Iterator[Queues]:
    with queues() as far:
        yield far


class OnEcs(ATarget):
    """It knows what a deployment of ECS deployed."""

    async def resolve(self, hints):
        assert hints == {"deployment": "ecs-svc/123"}
        return a_release("v43")


def begun():
    return a_deployment(updatedAt=now().isoformat())


@asynccontextmanager
async def fed(server, url, work, store=None):
    """The feeder at work on the queue; it is cancelled at the end, if the test has not stopped it."""
    settings = Settings(account="shop", url=url)
    whose = running_at(AT, whose=(Whose("checkout", "production"),))
    async with server.aws() as aws:
        feeds = {"events": (SqsSource(settings, Opening("events", whose)), Queue(settings, aws, now))}
        feeder = Feeder(
            store or work.store, lambda: feeds, work.bells, work.metrics, work.boundary, now, work.new_id
        )
        stop = asyncio.Event()
        task = asyncio.create_task(feeder.run(stop))
        try:
            yield stop, task
        finally:
            stop.set()
            with suppress(asyncio.CancelledError):
                await task


async def until(holds):
    async with asyncio.timeout(60):
        while not await holds():  # noqa: ASYNC110 - a queue that is empty rings no bell
            await asyncio.sleep(0.05)


def a_service_on_ecs():
    return a_service(heard_from=("events",))


def a_listener(work):
    return Listener(work.store, work.lookup, work.current, work.bells, work.boundary, now, work.new_id)


async def rows(work):
    return [row for row in await work.store.audit(limit=100) if row.what.startswith("announcement.")]


async def test_killed_between_the_inbox_and_the_queue_it_comes_again_and_there_is_one_watch(server):
    url = server.queue("killed", visible_after=1)
    async with at_work(OnEcs(live=Live(a_release("v43"))), services=[a_service_on_ecs()]) as work:
        await work.store.adopt(*PLACE, a_release("v42"), now() - minutes(60), adopted=True)
        written = asyncio.Event()

        class Killed:
            """The process dies once the row is there."""

            async def accept(self, *arrival):
                await work.store.accept(*arrival)
                written.set()
                await asyncio.Event().wait()

        server.put(url, begun())
        async with fed(server, url, work, Killed()) as (_, task):
            await written.wait()
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        assert server.left(url) == 1
        await a_listener(work).go_round()

        async with fed(server, url, work):
            await until(lambda: asyncio.to_thread(lambda: server.left(url) == 0))
        await a_listener(work).go_round()

        (watch,) = await work.store.list()
        assert (watch.tag, watch.deployment.source) == ("v43", "events")
        assert work.metric("events_received_total", source="events", result="duplicate") == 1
        assert len([row for row in await rows(work) if row.what == "announcement.accepted"]) == 1


async def test_one_event_that_comes_by_two_ways_is_one_announcement(server):
    url = server.queue("twice")
    async with at_work(services=[a_service_on_ecs()]) as work:
        said = begun()
        server.put(url, said, through_sns(said))
        async with fed(server, url, work):
            await until(lambda: asyncio.to_thread(lambda: server.left(url) == 0))

        assert len(await work.store.take_inbox(10, now())) == 1
        assert work.metric("events_received_total", source="events", result="conflict") == 1


async def test_poison_is_recorded_and_gone(server):
    url = server.queue("poison")
    async with at_work() as work:
        server.put(url, "{", "[" * 100_000, {"some": "thing"}, begun())
        async with fed(server, url, work):
            await until(lambda: asyncio.to_thread(lambda: server.left(url) == 0))

        turned = [row.why for row in await rows(work) if row.why]
        assert len(turned) == 3
        assert all("send events of EventBridge" in why for why in turned)
        assert len(await work.store.take_inbox(10, now())) == 1


async def test_a_store_that_is_away_leaves_the_message_in_the_queue(server):
    url = server.queue("away", visible_after=1)
    async with at_work() as work:
        server.put(url, begun())
        work.store.away = True
        async with fed(server, url, work):
            await until(lambda: asyncio.sleep(0, "accept" in work.store.asked))
            assert await asyncio.to_thread(server.left, url) == 1
            work.store.away = False
            await until(lambda: asyncio.to_thread(lambda: server.left(url) == 0))

        assert len(await work.store.take_inbox(10, now())) == 1


async def test_a_long_poll_of_an_empty_queue_does_not_delay_the_end(server):
    url = server.queue("empty")
    loop = asyncio.get_running_loop()
    async with at_work() as work:
        async with fed(server, url, work) as (stop, task):
            await asyncio.sleep(1)
            began = loop.time()
            stop.set()
            await task
        ended = loop.time()

    assert ended - began < 8  # the poll has nine more seconds to go, on a thread that nobody waits for
