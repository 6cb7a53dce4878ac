"""Alarms that come by a real queue over HTTP: remembered under its name, before the queue forgets them."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

import pytest

from deploy.source import Opening
from deploy.sources.sqs import Queue, Settings, SqsSource
from tests.builders import NOON
from tests.fakes.alerts import Alert, Turn
from tests.fakes.alerts.cloudwatch import of_eventbridge, of_sns
from tests.fakes.queues import Queues, queues
from tests.watcher.runtime.at_work import at_work, now
from watcher.core.alerts import Mood
from watcher.http import Http
from watcher.runtime.alerts import Alerts
from watcher.runtime.feeder import Feeder

FIRES = Turn(NOON, Alert("checkout-5xx"), Mood.FIRING)


@pytest.fixture(scope="module")
def server() -> Iterator[Queues]:
    with queues() as far:
        yield far


@asynccontextmanager
async def fed(server: Queues, url: str, work: Any, store: Any = None) -> AsyncIterator[None]:
    """The feeder at work on the queue, and who hears its alarms."""
    settings = Settings(account="shop", url=url)
    alerts = Alerts(
        store=store or work.store,
        senders=dict,
        kinds=dict,
        services=dict,
        http=cast("Http", None),
        bells=work.bells,
        metrics=work.metrics,
        now=now,
    )
    async with server.aws() as aws:
        feeds = {"events": (SqsSource(settings, Opening("events")), Queue(settings, aws, now))}
        feeder = Feeder(
            work.store,
            lambda: feeds,
            work.bells,
            work.metrics,
            work.boundary,
            now,
            work.new_id,
            asides=alerts.aside,
        )
        task = asyncio.create_task(feeder.run(asyncio.Event()))
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def forgotten(server: Queues, url: str) -> None:
    async with asyncio.timeout(60):
        while await asyncio.to_thread(server.left, url):  # noqa: ASYNC110 - a queue that is empty rings no bell
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("carried", [of_eventbridge, of_sns])
async def test_an_alarm_is_remembered_whichever_way_it_came_into_the_queue(server, carried):
    url = server.queue(carried.__name__)
    async with at_work() as work:
        server.put(url, carried(FIRES))

        async with fed(server, url, work):
            await forgotten(server, url)

        (alert,) = (await work.store.alerts("events")).alerts
        assert (alert.mood, alert.alert.name) == (Mood.FIRING, "checkout-5xx")
        assert work.metric("alerts_received_total", sender="events", outcome="changed") == 1


async def test_killed_before_the_queue_forgets_it_comes_again_and_changes_nothing(server):
    url = server.queue("alarm-killed", visible_after=1)
    async with at_work() as work:
        heard = asyncio.Event()

        class Killed:
            """The process dies once it is remembered."""

            async def hear_alerts(self, *given: Any, **more: Any) -> None:
                await work.store.hear_alerts(*given, **more)
                heard.set()
                await asyncio.Event().wait()

        server.put(url, of_eventbridge(FIRES))
        async with fed(server, url, work, Killed()):
            await heard.wait()
        assert server.left(url) == 1

        async with fed(server, url, work):
            await forgotten(server, url)

        (alert,) = (await work.store.alerts("events")).alerts
        assert alert.mood is Mood.FIRING
        assert work.metric("alerts_received_total", sender="events", outcome="repeated") == 1
