"""Alarms are read rarely, many at once, and say since when they are as they are."""

import asyncio
from datetime import timedelta

import pytest

from rules.model import Kind
from rules.sample import Bucket, Invalid, NoData, State, Unavailable, Who
from tests.watcher.signals.cloudwatch.balancer import MINUTE, Balancer, an_indicator, buckets_of, noon

DESCRIBE = ("cloudwatch", "DescribeAlarms")


@pytest.fixture
def balancer():
    balancer = Balancer(time=noon(10))
    yield balancer
    assert balancer.aws.bugs == []


def alarms(*names, name="db", **more):
    return an_indicator({"alarms": list(names), **more}, Kind.STATE, name)


async def newest(balancer, indicator):
    """What an indicator's newest minute holds."""
    reading = (await balancer.read(indicator, start=balancer.time - MINUTE))[indicator.id]
    return buckets_of(reading)[-1]


async def test_an_alarm_tells_its_state_and_since_when_it_is_so(balancer):
    balancer.aws.cloudwatch.set_alarm("db", "ALARM", noon(9.25))

    assert await newest(balancer, alarms("db")) == Bucket(
        noon(9), noon(10), State("ALARM", noon(9.25), bad=True, of="db")
    )


async def test_it_tells_of_the_minutes_since_then_too_and_of_none_before(balancer):
    balancer.aws.cloudwatch.set_alarm("db", "OK", noon(6.5))

    buckets = buckets_of((await balancer.read(alarms("db")))["db"])

    assert [each.end for each in buckets] == [noon(7), noon(8), noon(9), noon(10)]
    assert {each.canary for each in buckets} == {State("OK", noon(6.5), of="db")}


async def test_of_the_past_an_alarm_that_has_turned_since_says_nothing(balancer):
    balancer.aws.cloudwatch.set_alarm("db", "OK", noon(6.5))

    reading = (await balancer.read(alarms("db"), start=noon(0), end=noon(5)))["db"]

    assert reading == NoData("alarms tell how they are, and not how they were")


async def test_composite_alarms_are_read_too(balancer):
    balancer.aws.cloudwatch.set_alarm("all", "ALARM", noon(1), rule="ALARM(db)")

    assert (await newest(balancer, alarms("all"))).canary == State("ALARM", noon(1), bad=True, of="all")


async def test_the_worst_of_several_speaks_and_of_the_bad_ones_the_newest(balancer):
    for name, state, minute in (
        ("a", "OK", 8),
        ("b", "ALARM", 2),
        ("c", "ALARM", 5),
        ("d", "INSUFFICIENT_DATA", 9),
    ):
        balancer.aws.cloudwatch.set_alarm(name, state, noon(minute))

    assert (await newest(balancer, alarms("a", "b", "c", "d"))).canary == State(
        "ALARM", noon(5), bad=True, of="c"
    )


async def test_an_alarm_without_data_is_neither_bad_nor_well(balancer):
    balancer.aws.cloudwatch.set_alarm("db", "INSUFFICIENT_DATA", noon(1))
    balancer.aws.cloudwatch.set_alarm("cache", "OK", noon(1))

    reading = (await balancer.read(alarms("cache", "db")))["db"]

    assert isinstance(reading, NoData)
    assert reading.words.startswith("the alarm db is in INSUFFICIENT_DATA, which is neither bad nor well")


@pytest.mark.parametrize(
    ("more", "bad"),
    [({"bad": ["ALARM", "INSUFFICIENT_DATA"]}, True), ({"good": ["OK", "INSUFFICIENT_DATA"]}, False)],
)
async def test_unless_the_query_says_which(balancer, more, bad):
    balancer.aws.cloudwatch.set_alarm("db", "INSUFFICIENT_DATA", noon(1))

    state = (await newest(balancer, alarms("db", **more))).canary

    assert state == State("INSUFFICIENT_DATA", noon(1), bad=bad, of="db")


async def test_an_alarm_may_be_named_by_the_release(balancer):
    balancer.aws.cloudwatch.set_alarm("errors-targetgroup/green/aaaa", "OK", noon(1))

    assert (await newest(balancer, alarms("errors-${arm.target_group}"))).canary is not None
    reading = (await balancer.read(alarms("errors-${arm.colour}")))["db"]
    assert isinstance(reading, Invalid)
    assert "colour" in reading.words


# ----------------------------------------------------------------------------------------------------------- economy


async def test_all_alarms_of_an_account_are_one_call_a_hundred(balancer):
    for number in range(150):
        balancer.aws.cloudwatch.set_alarm(f"a{number}", "OK", noon(1))

    readings = await balancer.read(*(alarms(f"a{number}", name=f"i{number}") for number in range(150)))

    assert all(isinstance(reading, tuple) for reading in readings.values())
    assert balancer.aws.count(*DESCRIBE) == 2


async def test_they_are_read_at_most_once_a_minute_however_many_watches_ask(balancer):
    balancer.aws.cloudwatch.set_alarm("db", "OK", noon(1))
    balancer.aws.cloudwatch.set_alarm("cache", "OK", noon(1))
    for second in range(0, 300, 5):
        balancer.time = noon(10) + timedelta(seconds=second)
        await newest(balancer, alarms("db"))
        await newest(balancer, alarms("cache", name="cache"))

    assert balancer.aws.count(*DESCRIBE) <= 7


async def test_who_asks_at_the_same_moment_shares_one_call(balancer):
    balancer.aws.cloudwatch.set_alarm("db", "OK", noon(1))

    await asyncio.gather(*(newest(balancer, alarms("db")) for _ in range(20)))

    assert balancer.aws.count(*DESCRIBE) == 1


async def test_what_nobody_asks_for_any_more_is_not_read_any_more(balancer):
    balancer.aws.cloudwatch.set_alarm("db", "OK", noon(1))
    balancer.aws.cloudwatch.set_alarm("old", "OK", noon(1))
    await newest(balancer, alarms("old"))
    for minute in range(11, 25):
        balancer.time = noon(minute)
        await newest(balancer, alarms("db"))

    assert "old" in balancer.aws.calls[1].parameters["AlarmNames"]
    assert balancer.aws.calls[-1].parameters["AlarmNames"] == ["db"]


# ------------------------------------------------------------------------------------------------------------ trouble


async def test_an_alarm_that_is_not_there_is_the_authors_to_mend_and_the_nearest_is_named(balancer):
    balancer.aws.cloudwatch.set_alarm("payments-db-connections", "OK", noon(1))
    indicator = alarms("payments-db-conections")
    async with balancer.provider.open():
        first = (await balancer.read(indicator))["db"]
        await balancer.provider.names.looked_up()
        balancer.time = noon(11)
        second = (await balancer.read(indicator))["db"]

    assert first == Invalid(
        Who.AUTHOR, "no alarm is called payments-db-conections in the account shop (eu-central-1)"
    )
    assert isinstance(second, Invalid)
    assert second.words.endswith(": did you mean payments-db-connections?")


async def test_a_call_that_fails_touches_only_the_alarms_that_it_asked_for(balancer):
    for number in range(150):
        balancer.aws.cloudwatch.set_alarm(f"a{number:03}", "OK", noon(1))
    balancer.aws.faults.throttle(*DESCRIBE, times=3)

    readings = await balancer.read(*(alarms(f"a{n:03}", name=f"i{n:03}") for n in range(150)))

    assert sum(isinstance(reading, Unavailable) for reading in readings.values()) == 100


async def test_an_answer_that_comes_too_late_is_unavailable_and_metrics_do_not_wait_for_it(balancer):
    balancer.aws.cloudwatch.set_alarm("db", "OK", noon(1))
    balancer.aws.faults.slow(*DESCRIBE, seconds=3)

    reading = (await balancer.read(alarms("db"), patience=0.6))["db"]

    assert isinstance(reading, Unavailable)
    assert reading.words == "CloudWatch gave no answer in time (the account shop (eu-central-1))"


async def test_a_clock_that_was_set_back_during_the_round_keeps_nobody_from_an_answer(balancer):
    balancer.aws.cloudwatch.set_alarm("db", "OK", noon(6.5))

    readings = await balancer.read(alarms("db"), end=balancer.time + MINUTE)

    assert isinstance(readings["db"], tuple)
