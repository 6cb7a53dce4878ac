"""What is pushed is durable before it is answered, hurries whom it concerns, and holds up nobody."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from deploy.source import Aside, Event, Ignored, Received, Rejected
from rules.model import Indicator, Kind, RuleSet
from tests.builders import NOON, a_service, minutes
from tests.contract.store.build import a_watch, opened
from tests.watcher.signals.alert.building import FIRING, WELL, an_alert
from watcher.core.alerts import Mood, Pushed
from watcher.errors import StoreUnavailable
from watcher.http import Http
from watcher.runtime.alerts import QUEUED, SAID_AGAIN, Alerts, remembered, whom
from watcher.runtime.bells import Bells
from watcher.signals.alert.pushed import Told
from watcher.signals.alert.senders.sender import Unproven
from watcher.store.sqlite.opening import MemorySettings, open_memory
from watcher.store.store import Opening, Store
from watcher.telemetry.metrics import Metrics

NOW = NOON + minutes(10)
KEY = ("checkout", "production")
ALARM = Event(
    id="e1",
    kind="CloudWatch Alarm State Change",
    source="aws.cloudwatch",
    account="123456789012",
    region="eu-central-1",
    at=NOON,
    resources=("arn:aws:cloudwatch:eu-central-1:123456789012:alarm:errors",),
    detail={"alarmName": "errors", "state": {"value": "ALARM", "reason": "5 > 1", "timestamp": "2026-11-24T12:00:00.000+0000"}},
)  # fmt: skip


async def _proven(*_: Any) -> None:
    return None


class Sender:
    """Believes whoever shows the word, and reads what it was given to read."""

    def __init__(self, *meanings: Any) -> None:
        self.meanings = list(meanings)
        self.looked_into = 0
        self.verify: Any = _proven

    def admits(self, headers: Any, body: bytes, now: Any) -> bool:
        return bool(headers.get("word") == "open")

    def read(self, received: Received) -> Any:
        self.looked_into += 1
        return self.meanings.pop(0) if self.meanings else Told((an_alert("errors", FIRING, 0),))

    def examine(self) -> Any:
        return ()


def serving(*queries: dict[str, Any], name: str = "checkout") -> Any:
    indicators = tuple(
        Indicator(f"i{number}", Kind.STATE, "alert", json.dumps(query))
        for number, query in enumerate(queries)
    )
    service = a_service(name=name)
    return replace(service, policy=replace(service.policy, rules=RuleSet(indicators, ())))


MEANT = {"source": "am", "match": {"service": "checkout"}}


class Gated:
    """A store whose hearing waits for a word, and is counted."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.open = asyncio.Event()
        self.open.set()
        self.batches: list[list[str]] = []
        self.fails = 0

    async def hear_alerts(self, sender: str, pushed: Any, *given: Any, **more: Any) -> Any:
        self.batches.append([each.key for each in pushed])
        await self.open.wait()
        if self.fails:
            self.fails -= 1
            raise StoreUnavailable("the store is away", remedy="wait")
        return await self.store.hear_alerts(sender, pushed, *given, **more)


@dataclass
class House:
    """Who hears, and what it works with."""

    store: Store
    gate: Gated
    alerts: Alerts
    sender: Sender
    bells: Bells
    metrics: Metrics
    offered: list[Aside] = field(default_factory=list)

    async def hears(self, word: str = "open", name: str = "am") -> Any:
        return await self.alerts.hear(name, Received(b"{}", {"word": word}, NOW, f"alerts:{name}"))

    def counted(self, outcome: str, name: str = "am") -> float:
        labels = {"sender": name, "outcome": outcome}
        return self.metrics.registry.get_sample_value("rollbackd_alerts_received_total", labels) or 0

    async def moods(self, name: str = "am") -> dict[str, Mood]:
        return {each.alert.key: each.mood for each in (await self.store.alerts(name)).alerts}


@contextlib.asynccontextmanager
async def a_house(*meanings: Any, queries: tuple[dict[str, Any], ...] = (MEANT,)) -> AsyncIterator[House]:
    async with open_memory(MemorySettings(), Opening(lambda: NOW)) as store:
        gate, sender, bells, metrics = Gated(store), Sender(*meanings), Bells(), Metrics()
        offered: list[Aside] = []

        async def others(aside: Aside, _now: Any) -> str | None:
            offered.append(aside)
            return None

        alerts = Alerts(
            store=cast("Store", gate),
            senders=lambda: {"am": sender},
            kinds=dict,
            services=lambda: {KEY: serving(*queries)},
            http=cast("Http", None),
            bells=bells,
            metrics=metrics,
            now=lambda: NOW,
            others=others,
        )
        yield House(store, gate, alerts, sender, bells, metrics, offered)


async def test_what_is_told_is_remembered_and_hurries_the_watch_that_it_concerns():
    async with a_house() as house:
        await opened(house.store, a_watch(due_at=NOON + minutes(60)))

        meaning = await house.hears()

        assert meaning == Told((an_alert("errors", FIRING, 0),))
        assert await house.moods() == {"errors": FIRING}
        assert await house.store.claim_due(NOW, 10, "me", timedelta(seconds=14))
        assert house.bells.watches.is_set()
        assert house.counted("changed") == 1


async def test_what_concerns_nobody_is_remembered_and_hurries_nobody():
    async with a_house(queries=({**MEANT, "source": "other"},)) as house:
        await opened(house.store, a_watch(due_at=NOON + minutes(60)))

        await house.hears()

        assert await house.moods() == {"errors": FIRING}
        assert not await house.store.claim_due(NOW, 10, "me", timedelta(seconds=14))
        assert not house.bells.watches.is_set()


async def test_what_is_heard_again_hurries_nobody_again():
    async with a_house() as house:
        await opened(house.store, a_watch(due_at=NOON + minutes(60)))
        await house.hears()
        await house.store.claim_due(NOW, 10, "me", timedelta(seconds=14))
        house.bells.watches.clear()

        await house.hears()

        assert not house.bells.watches.is_set()
        assert (house.counted("changed"), house.counted("repeated")) == (1, 1)


@pytest.mark.parametrize(("word", "name"), [("wrong", "am"), ("open", "nobody")])
async def test_whoever_proves_nothing_is_not_looked_into_and_was_not_heard(word, name):
    async with a_house() as house:
        meaning = await house.hears(word, name)

        assert isinstance(meaning, Unproven)
        assert house.sender.looked_into == 0
        assert await house.store.alert_senders() == {}


async def test_why_nothing_is_proven_is_said_once_until_it_is_proven_again():
    async with a_house() as house:
        with capture_logs() as logs:
            for word in ("wrong", "wrong", "open"):
                await house.hears(word)
            house.alerts.now = lambda: NOW + SAID_AGAIN
            await house.hears("wrong")
            await house.hears(name="nobody")

        assert [each["event"] for each in logs] == ["alerts.unproven", "alerts.heard", "alerts.unproven"]
        assert logs[0]["why"] == "a wrong secret or signature, or none"


async def test_whoever_forges_with_a_reason_of_its_own_each_time_does_not_fill_the_log():
    async with a_house() as house:
        with capture_logs() as logs:
            for second in range(121):
                house.alerts.now = partial(NOW.__add__, timedelta(seconds=second))
                house.sender.verify = told_why(f"the topic {second} is none of those that are configured")
                await house.hears()

        whys = [each["why"] for each in logs if each["event"] == "alerts.unproven"]
        assert [why.split()[2] for why in whys] == ["0", "60", "120"]


def told_why(why: str) -> Any:
    async def verify(*_: Any) -> Unproven:
        return Unproven(why)

    return verify


async def test_what_tells_of_no_alert_is_heard_all_the_same():
    async with a_house(Ignored("a test")) as house:
        await house.hears()

        assert (await house.store.alert_senders())["am"].heard_at == NOW
        assert house.counted("ignored") == 1


async def test_what_cannot_be_read_is_said_to_the_log_and_was_not_heard():
    async with a_house(Rejected("no JSON", "send JSON", "body")) as house:
        with capture_logs() as logs:
            await house.hears()

        assert logs == [
            {
                "event": "alerts.rejected",
                "log_level": "warning",
                "sender": "am",
                "why": "no JSON",
                "where": "body",
            }
        ]
        assert await house.store.alert_senders() == {}
        assert house.counted("rejected") == 1


async def test_an_event_that_is_no_alarm_is_offered_to_others():
    aside = Aside(ALARM, "no alarm")
    async with a_house(Told(aside=aside)) as house:
        await house.hears()

        assert house.offered == [aside]


async def test_that_some_were_left_out_is_remembered():
    async with a_house(Told((an_alert("errors", FIRING, 0),), incomplete=True)) as house:
        await house.hears()

        assert (await house.store.alerts("am")).lacking_at == NOW


# ------------------------------------------------------------------------------------------------------------- a storm


async def test_a_storm_is_written_down_in_few_transactions_and_each_is_durable_when_it_is_answered():
    told = [Told((an_alert(f"a{number}", FIRING, 0),)) for number in range(1000)]
    async with a_house(*told) as house:
        house.gate.open.clear()
        storm = [asyncio.create_task(house.hears()) for _ in told]
        await asyncio.sleep(0)
        house.gate.open.set()
        await asyncio.gather(*storm)

        assert [len(batch) for batch in house.gate.batches] == [1, 999]
        assert len(await house.moods()) == 1000
        assert house.counted("changed") == 1000


async def test_what_is_too_much_for_one_transaction_is_several_and_in_order():
    crowd = Told(tuple(an_alert(f"a{number}", FIRING, 0) for number in range(900)))
    ends = Told((an_alert("a0", WELL, 0, sent_at=None),))
    async with a_house(crowd, *[crowd] * 7, ends) as house:
        house.gate.open.clear()
        storm = [asyncio.create_task(house.hears()) for _ in range(9)]
        await asyncio.sleep(0)
        house.gate.open.set()
        await asyncio.gather(*storm)

        assert [len(batch) for batch in house.gate.batches] == [900, 2700, 2700, 901]
        assert (await house.moods())["a0"] is WELL


async def test_that_a_sender_tells_of_more_than_are_kept_is_said():
    told = [Told(tuple(an_alert(f"{turn}-{n}", WELL, turn) for n in range(1000))) for turn in range(3)]
    async with a_house(*told) as house:
        with capture_logs() as logs:
            for _ in told:
                await house.hears()

        assert [each["dropped"] for each in logs if each["event"] == "alerts.dropped"] == [1000]
        assert house.counted("dropped") == 1000


async def test_in_a_storm_the_newest_word_stands_too():
    told = [Told((an_alert("errors", FIRING, minute),)) for minute in range(9)]
    async with a_house(told[0], Told((an_alert("errors", WELL, 9),)), *reversed(told[1:])) as house:
        await asyncio.gather(*(house.hears() for _ in range(10)))

        assert await house.moods() == {"errors": WELL}
        assert house.counted("outdated") == 8


async def test_a_store_that_is_away_is_tried_once_for_all_that_wait():
    async with a_house() as house:
        house.gate.open.clear()
        first = asyncio.create_task(house.hears())
        await asyncio.sleep(0)
        others = [asyncio.create_task(house.hears()) for _ in range(50)]
        await asyncio.sleep(0)
        house.gate.fails = 2
        house.gate.open.set()

        ended = await asyncio.gather(first, *others, return_exceptions=True)

        assert all(isinstance(each, StoreUnavailable) for each in ended)
        assert len(house.gate.batches) == 2
        assert isinstance(await house.hears(), Told)


async def test_one_who_hangs_up_takes_nobody_elses_word_along():
    async with a_house(*(Told((an_alert(key, FIRING, 0),)) for key in "abc")) as house:
        house.gate.open.clear()
        tasks = [asyncio.create_task(house.hears()) for _ in "abc"]
        await asyncio.sleep(0)
        tasks[0].cancel()
        tasks[1].cancel()
        await asyncio.sleep(0)
        house.gate.open.set()
        await asyncio.gather(*tasks, return_exceptions=True)

        assert "c" in await house.moods()


# ------------------------------------------------------------------------------------------------------------- by queue


async def test_an_alarm_that_comes_by_a_queue_is_remembered_under_the_name_of_the_queue():
    queries = ({"source": "queue", "match": {"alarm": "errors"}},)
    async with a_house(queries=queries) as house:
        await opened(house.store, a_watch(due_at=NOON + minutes(60)))

        word = await house.alerts.aside(Aside(ALARM, "an alarm", via="queue"), NOW)

        assert word == QUEUED
        assert await house.moods("queue") == {ALARM.resources[0]: FIRING}
        assert house.bells.watches.is_set()


async def test_an_event_that_is_no_alarm_is_left_to_others():
    async with a_house() as house:
        other = replace(ALARM, kind="Parameter Store Change", source="aws.ssm")

        assert await house.alerts.aside(Aside(other, "a parameter", via="queue"), NOW) is None
        assert await house.store.alert_senders() == {}


async def test_an_alarm_that_cannot_be_read_is_wanted_by_nobody():
    async with a_house() as house:
        assert (
            await house.alerts.aside(Aside(replace(ALARM, detail={}), "an alarm", via="queue"), NOW) is None
        )
        assert house.counted("rejected", "queue") == 1


async def test_of_a_queue_it_is_told_whether_it_answers_now_whatever_is_known_of_it():
    deaf = {"queue"}
    async with a_house() as house:
        await house.alerts.aside(Aside(ALARM, "an alarm", via="queue"), NOW)
        ask = remembered(house.store, lambda name, at: name in deaf and at == NOW, lambda: NOW)

        known = await ask("queue", None)
        other = await ask("am", None)
        deaf.clear()
        again = await ask("queue", known)

    assert (known.is_deaf, other.is_deaf, again.is_deaf) == (True, False, False)
    assert again.alerts is known.alerts


# ------------------------------------------------------------------------------------------------------------- whom


def alert(**labels: str) -> Pushed:
    return Pushed("k", "errors", FIRING, NOON, NOON, "d", labels)


@pytest.mark.parametrize(
    ("match", "labels", "meant"),
    [
        ({"service": "checkout"}, {"service": "checkout", "zone": "a"}, True),
        ({"service": "checkout", "zone": "b"}, {"service": "checkout", "zone": "a"}, False),
        ({"zone": "b"}, {"service": "checkout"}, False),
        ({"name": "errors"}, {}, True),
        ({"name": "latency"}, {}, False),
        ({"version": "${arm.version}"}, {"version": "v7"}, True),
        ({"version": "${arm.version}"}, {}, False),
        ({"version": "${arm.version}", "zone": "a"}, {"version": "v7", "zone": "a"}, True),
        ({"version": "${arm.version}", "zone": "a"}, {"version": "v7", "zone": "b"}, False),
        ({"version": "${arm.version}", "zone": "a"}, {"zone": "a"}, False),
    ],
)
def test_it_concerns_those_whose_rules_mean_it(match, labels, meant):
    services = {KEY: serving({"source": "am", "match": match}), ("site", "production"): serving(name="site")}

    assert whom(services, "am", [alert(**labels)]) == {"k": [KEY] if meant else []}


def test_a_service_whose_rules_mean_it_twice_is_named_once():
    assert whom({KEY: serving(MEANT, MEANT)}, "am", [alert(service="checkout")]) == {"k": [KEY]}


def test_other_indicators_are_not_looked_at():
    service = serving(MEANT)
    rules = RuleSet((replace(service.policy.rules.indicators[0], provider="http", query="{}"),), ())
    services = {KEY: replace(service, policy=replace(service.policy, rules=rules))}

    assert whom(services, "am", [alert(service="checkout")]) == {"k": []}
