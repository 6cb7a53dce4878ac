"""What every sender must do: one log of what happened to alerts, told by each system in its way, ends in the same moods.

Over real HTTP, and whatever happens to the messages on the way. What nobody has proven changes nothing.
"""

import json
from dataclasses import replace

import pytest

from deploy.source import Aside, Opening, Received
from deploy.sources.sqs.parser import SqsSource
from tests.contract.alerts_contract import ERRORS, FIRING, QUEUED, STORIES, SYSTEMS, Book, a_house, expected
from tests.fakes.alerts import Alert, Delivery, Log, System, Turn, at
from tests.fakes.alerts.cloudwatch import Sns, of_eventbridge, of_sns
from tests.fakes.alerts.groups import INTERVAL, REPEAT, Alertmanager, Grafana
from tests.fakes.alerts.post import burst, once, post
from tests.fakes.alerts.trouble import ORDERS, huge, stale, tampered, truncated, without_secrets
from watcher.core.alerts import News
from watcher.signals.alert.pushed import Told
from watcher.signals.alert.senders import cloudwatch
from watcher.signals.alert.senders.registry import SENDERS


@pytest.fixture(params=SYSTEMS)
def system(request) -> System:
    made: System = SYSTEMS[request.param]()
    return made


def test_every_sender_of_the_registry_is_tried():
    assert set(SYSTEMS) == set(SENDERS)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("story", STORIES)
async def test_one_log_ends_in_the_same_moods_through_every_sender(system, story, order):
    log = STORIES[story]
    deliveries = ORDERS[order](system.deliveries(log, log.end + INTERVAL))

    async with a_house(system) as (house, url, session):
        await post(session, url, system, deliveries, house.set)

    assert house.unproven == []
    assert house.book.moods(system, log) == expected(system, log)


async def test_an_alert_began_when_its_system_says(system):
    log = STORIES["it fires anew"]

    async with a_house(system) as (house, url, session):
        await post(session, url, system, system.deliveries(log, log.end + INTERVAL), house.set)

    (firing,) = [each.alert for each in house.book.alerts.values() if each.mood is FIRING]
    assert firing.since == firing.sent_at == at(60)


async def test_what_people_call_it_and_where_it_belongs_are_told(system):
    log = STORIES["it fires"]

    async with a_house(system) as (house, url, session):
        await post(session, url, system, system.deliveries(log, log.end + INTERVAL), house.set)

    (known,) = house.book.alerts.values()
    assert known.alert.name == "checkout-5xx"
    assert {"checkout", "production"} & set(known.alert.labels.values())


async def test_what_could_not_be_taken_is_sent_again_by_those_that_do_that(system):
    log = STORIES["it fires, and ends"]
    deliveries = system.deliveries(log, log.end + INTERVAL)

    async with a_house(system) as (house, url, session):
        house.down = 2
        statuses = await post(session, url, system, deliveries, house.set)

    lost = 0 if system.retries else 2
    assert statuses == [503] * lost + [202] * (len(deliveries) - lost)


async def test_nothing_counts_that_does_not_prove_whose_it_is(system):
    log = STORIES["it fires"]
    (delivery,) = system.deliveries(log, log.end + INTERVAL)
    forged = list(without_secrets(delivery))

    async with a_house(system) as (house, url, session):
        house.set(delivery.at)
        kinds = [each for each in forged if _goes_over_http(each)]
        statuses = {await once(session, url, each) for each in kinds}

    assert len(kinds) > 5
    assert statuses <= {400, 401, 202}
    assert all(known.mood is FIRING for known in house.book.alerts.values())


def _goes_over_http(delivery: Delivery) -> bool:
    return all(value.isascii() for value in delivery.headers.values())


async def test_what_is_cut_off_or_too_large_changes_nothing(system):
    log = STORIES["it fires"]
    (delivery,) = system.deliveries(log, log.end + INTERVAL)

    async with a_house(system) as (house, url, session):
        house.set(delivery.at)
        statuses = [await once(session, url, spoilt(delivery)) for spoilt in (truncated, huge)]

    assert {*statuses} <= {400, 401}
    assert house.book.alerts == {}


@pytest.mark.parametrize("kind", ["sentry", "sns"])
async def test_a_byte_that_is_another_is_noticed_where_bodies_are_signed(kind):
    system = SYSTEMS[kind]()
    log = STORIES["it fires"]
    (delivery,) = system.deliveries(log, log.end)

    async with a_house(system) as (house, url, session):
        house.set(delivery.at)
        status = await once(session, url, tampered(delivery))

    assert (status, house.book.alerts) == (401, {})


async def test_an_old_message_is_not_believed_where_its_time_is_signed():
    system = Sns()
    log = STORIES["it fires"]
    (delivery,) = system.deliveries(log, log.end)

    async with a_house(system) as (house, url, session):
        await post(session, url, system, [stale(delivery)], house.set)

    assert house.book.alerts == {}
    assert "an old message that is sent again" in house.unproven[0].why


@pytest.mark.lasts(3)
async def test_a_thousand_at_once_are_all_understood(system):
    many = [Alert(f"alert-{number}", number) for number in range(1000)]
    log = Log([Turn(at(0), alert, FIRING) for alert in many])
    deliveries = [
        each for alert in many for each in system.deliveries(Log([Turn(at(0), alert, FIRING)]), at(1))
    ]

    async with a_house(system) as (house, url, session):
        house.set(at(1))
        statuses = await burst(session, url, deliveries)

    assert statuses == [202] * 1000
    assert set(house.book.moods(system, log).values()) == {FIRING}


# ----------------------------------------------------------------------------------------------------- groups that repeat


@pytest.mark.parametrize("system", [Alertmanager(), Grafana()], ids=lambda system: system.kind)
async def test_what_is_told_again_and_again_is_known_as_told_before(system):
    log = STORIES["it fires"]
    deliveries = system.deliveries(log, log.end + 3 * REPEAT)

    async with a_house(system) as (house, url, session):
        await post(session, url, system, deliveries, house.set)

    assert len(deliveries) == 3
    assert house.book.news == [News.CHANGED, News.REPEATED, News.REPEATED]
    assert SENDERS[system.kind].repeats


def test_who_repeats_itself_says_so_in_the_registry(system):
    log = STORIES["it fires"]

    told = len(system.deliveries(log, log.end + 3 * REPEAT))

    assert (told > 1) is SENDERS[system.kind].repeats


# ------------------------------------------------------------------------------------------------------------- by a queue


@pytest.mark.parametrize("carried", [of_eventbridge, of_sns])
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("story", STORIES)
def test_the_same_log_by_way_of_a_queue_ends_in_the_same_moods(story, order, carried):
    log, book = STORIES[story], Book()
    deliveries = [Delivery(turn.at, json.dumps(carried(turn)).encode(), {}) for turn in log.turns]

    for each in ORDERS[order](deliveries):
        book.take(by_queue(each), each.at)

    assert book.moods(Sns(), log) == expected(Sns(), log)


def by_queue(delivery: Delivery) -> Told:
    meant = SqsSource(QUEUED, Opening("queue")).read(Received(delivery.body, {}, delivery.at, "queue"))
    assert isinstance(meant, Aside)
    told = cloudwatch.read(meant.event, delivery.at)
    assert isinstance(told, Told)
    return told


def test_an_alarm_is_the_same_alarm_by_whichever_way_it_came():
    turn = Turn(at(0), ERRORS, FIRING)
    ways = [json.dumps(carried(turn)).encode() for carried in (of_eventbridge, of_sns)]

    (one,), (other,) = (by_queue(Delivery(at(0), body, {})).alerts for body in ways)

    assert replace(one, dedup_key="") == replace(other, dedup_key="")
