"""SNS through the daemon's own door into the real store: its certificate comes from a way of the test's, all else is the daemon's.

The other systems are played to a whole daemon (tests/watcher/app/test_pushed.py), which fetches no certificate from Amazon there.
"""

import contextlib
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from deploy.source import Received
from tests.contract.alerts_contract import STORIES, expected, opened
from tests.fakes.alerts import NOON
from tests.fakes.alerts.cloudwatch import TOPIC, Line, Sns
from tests.fakes.alerts.groups import INTERVAL
from tests.fakes.alerts.post import post
from tests.fakes.alerts.trouble import ORDERS, tampered
from tests.watcher.api.daemon import Api, an_api
from tests.watcher.commands.speaking import speak
from watcher.runtime.alerts import Alerts
from watcher.runtime.bells import Bells
from watcher.signals.alert.pushed import Meaning
from watcher.signals.alert.senders.sender import Unproven
from watcher.telemetry.metrics import Metrics


class Door:
    """Who hears, once there is a store to remember with."""

    alerts: Alerts

    async def hear(self, name: str, received: Received) -> Meaning | Unproven:
        return await self.alerts.hear(name, received)

    def kinds(self) -> Mapping[str, str]:
        return self.alerts.kinds()


@contextlib.asynccontextmanager
async def a_daemon(system: Sns, line: Line) -> AsyncIterator[Api]:
    door, sender = Door(), opened(system)
    async with an_api(alerts=door) as api:
        door.alerts = Alerts(
            store=api.daemon.store,
            senders=lambda: {"sns": sender},
            kinds=lambda: {"sns": system.kind},
            services=dict,
            http=line,
            bells=Bells(),
            metrics=Metrics(),
            now=lambda: api.daemon.now,
        )
        yield api


@pytest.mark.parametrize("order", ORDERS)
async def test_what_it_told_is_what_is_remembered(order: str) -> None:
    system, log, line = Sns(), STORIES["several at once"], Line()
    deliveries = ORDERS[order](system.deliveries(log, log.end + INTERVAL))

    async with a_daemon(system, line) as api:

        def set_to(now: datetime) -> None:
            api.daemon.now = max(now, NOON)

        statuses = await post(api.session, f"{api.url}/v1/alerts/sns", system, deliveries, set_to)
        known = {each.alert.key: each.mood for each in (await api.daemon.store.alerts("sns")).alerts}

    found = {alert.name: known[key] for alert in log.alerts for key in system.keys(log, alert)}
    assert set(statuses) == {202}
    assert found == expected(system, log)
    assert len(line.asked) == 1  # the certificate, once


async def test_a_message_that_was_changed_and_one_that_cannot_be_proven_now_are_not_remembered() -> None:
    system, log, line = Sns(), STORIES["it fires"], Line()
    (delivery,) = system.deliveries(log, log.end)

    async with a_daemon(system, line) as api:
        api.daemon.now = delivery.at
        url = f"{api.url}/v1/alerts/sns"
        line.cut = True
        (later,) = await post(api.session, url, system, [delivery], lambda _: None)
        line.cut = False
        api.daemon.now += timedelta(minutes=5)  # a certificate that could not be had is not asked for at once
        (changed,) = await post(api.session, url, system, [tampered(delivery)], lambda _: None)
        senders = await api.daemon.store.alert_senders()

    assert (later, changed) == (503, 401)
    assert senders == {}


async def test_that_a_subscription_was_taken_back_is_told_once_and_shown_until_it_is_there_again(
    capsys: Any,
) -> None:
    system, log, line = Sns(), STORIES["it fires, and ends"], Line()
    deliveries = system.deliveries(log, log.end)
    taken, again = (
        system.subscription(NOON + timedelta(minutes=minute), kind=kind)
        for minute, kind in ((30, "UnsubscribeConfirmation"), (40, "SubscriptionConfirmation"))
    )
    shown, said = [], []

    async with a_daemon(system, line) as api:

        def set_to(now: datetime) -> None:
            api.daemon.now = max(now, NOON)

        for told in ([*deliveries], [taken, taken], [again]):
            assert set(await post(api.session, f"{api.url}/v1/alerts/sns", system, told, set_to)) == {202}
            shown.append((await api.get("/v1/alerts/sns")).json)
            said.append(await speak(api, "alerts"))

    assert [each["unsubscribed"] for each in shown] == [[], [TOPIC], []]
    assert [[alert["name"] for alert in each["alerts"]] for each in shown] == [["checkout-5xx"]] * 3
    assert capsys.readouterr().out.count("alerts.unsubscribed") == 1
    assert (
        f"sns: the subscription to {TOPIC} was taken back: subscribe /v1/alerts/sns to it again"
        in said[1].err
    )
    assert (said[0].err, said[2].err) == ("", "")
