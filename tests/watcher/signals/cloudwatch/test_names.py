"""A wrong name looks like silence: it is told from it, in time, and without asking often."""

import pytest

from deploy.model import About
from rules.model import Kind
from rules.sample import Invalid, NoData, Who
from tests.fakes.aws import Direct
from tests.watcher.signals.cloudwatch.balancer import (
    BALANCER,
    BLUE,
    DIMENSIONS,
    ELB,
    GREEN,
    NOON,
    RATIO,
    SHOP,
    Balancer,
    an_indicator,
    noon,
)
from watcher.signals.cloudwatch import unknown
from watcher.signals.cloudwatch.doubts import MOST, Doubts
from watcher.signals.unknown import words_of

LIST = ("cloudwatch", "ListMetrics")


@pytest.fixture
def balancer():
    balancer = Balancer()
    balancer.serves(BLUE, -60, 10)
    balancer.time = noon(3)
    yield balancer
    assert balancer.aws.bugs == []


async def said(balancer, query, kind=Kind.RATIO):
    return words_of(await unknown(Direct(balancer.aws), SHOP, an_indicator(query, kind)))


async def test_what_is_there_is_known_though_the_new_release_has_no_traffic_yet(balancer):
    assert await said(balancer, RATIO) is None


async def test_an_error_count_that_was_never_published_is_as_it_should_be(balancer):
    assert await said(balancer, {**RATIO, "bad": {"sum": ["HTTPCode_Target_5XX_Cuont"]}}) is None


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"total": {"sum": ["RequestCuont"]}}, "CloudWatch knows no metric RequestCuont in AWS/ApplicationELB: did you mean RequestCount?"),
        ({"dimensions": {**DIMENSIONS, "LoadBalancer": "app/shop/0123456789abcdee"}}, f"CloudWatch knows no RequestCount with LoadBalancer=app/shop/0123456789abcdee: did you mean {BALANCER}?"),
        ({"dimensions": {"TargetGroup": "${arm.target_group}"}}, "RequestCount in AWS/ApplicationELB has the dimensions LoadBalancer, TargetGroup, all of which must be told, and not TargetGroup"),
        ({"dimensions": {}}, "RequestCount in AWS/ApplicationELB has the dimensions LoadBalancer, TargetGroup, all of which must be told, and not none"),
        ({"namespace": "AWS/ApplicationElb"}, "CloudWatch knows nothing in the namespace AWS/ApplicationElb"),
        ({"dimensions": {"LoadBalancer": "nothing like it", "TargetGroup": BLUE}}, "CloudWatch knows no RequestCount with LoadBalancer=nothing like it"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_said_with_what_may_have_been_meant(balancer, more, words):
    assert await said(balancer, {**RATIO, **more}) == f"in the account shop (eu-central-1) {words}"


@pytest.mark.parametrize(
    ("asked", "kind", "about"),
    [
        ({**RATIO, "total": {"sum": ["RequestCuont"]}}, Kind.RATIO, About.METRIC),
        ({**RATIO, "namespace": "AWS/ApplicationElb"}, Kind.RATIO, About.METRIC),
        ({**RATIO, "dimensions": {"TargetGroup": "${arm.target_group}"}}, Kind.RATIO, About.TAG),
        ({"alarms": ["db-erors"]}, Kind.STATE, About.MONITOR),
    ],
)
async def test_what_is_wrong_is_a_metric_a_dimension_or_an_alarm(balancer, asked, kind, about):
    told = await unknown(Direct(balancer.aws), SHOP, an_indicator(asked, kind))

    assert told is not None
    assert told.about is about


async def test_two_right_values_may_be_wrong_together(balancer):
    of = {"LoadBalancer": "app/other/1", "TargetGroup": "targetgroup/other/1"}
    balancer.aws.cloudwatch.put(ELB, "RequestCount", of, noon(-60), 1.0)

    words = await said(balancer, {**RATIO, "dimensions": {**of, "TargetGroup": BLUE}})

    assert words is not None
    assert "with these dimensions together" in words


async def test_of_several_totals_one_is_enough(balancer):
    assert await said(balancer, {**RATIO, "total": {"sum": ["TimedOut", "RequestCount"]}}) is None
    assert await said(balancer, {**RATIO, "total": {"sum": ["TimedOut", "Refused"]}}) is not None


async def test_a_long_list_is_read_to_its_end_but_not_without_end(balancer):
    for number in range(2300):
        balancer.aws.cloudwatch.put("Shop", "requests", {"service": f"s{number:04}"}, noon(-60), 1.0)
    asks = {"namespace": "Shop", "total": {"sum": "requests"}}

    words = await said(balancer, {**asks, "dimensions": {"service": "s1999x"}}, Kind.REQUESTS)

    assert words is not None
    assert "did you mean s1999?" in words
    assert balancer.aws.count(*LIST) == 5


async def test_alarms_are_looked_up_too(balancer):
    balancer.aws.cloudwatch.set_alarm("db-errors", "OK", NOON)

    assert await said(balancer, {"alarms": ["db-errors", "x-${arm.version}"]}, Kind.STATE) is None
    assert await said(balancer, {"alarms": ["x-${arm.version}"]}, Kind.STATE) is None
    assert await said(balancer, {"alarms": ["db-erors"]}, Kind.STATE) == (
        "no alarm is called db-erors in the account shop (eu-central-1): did you mean db-errors?"
    )


# --------------------------------------------------------------------------------------------------- while it is read


WRONG = {**RATIO, "dimensions": {**DIMENSIONS, "LoadBalancer": "app/shop/0123456789abcdee"}}


async def watched(balancer, query, minutes):
    """One reading a minute; the last."""
    reading = None
    async with balancer.provider.open():
        for minute in range(3, 3 + minutes):
            balancer.time = noon(minute)
            reading = (await balancer.read(an_indicator(query), start=noon(minute - 4)))["errors"]
            await balancer.provider.metrics.looked_up()
    return reading


async def test_a_name_that_stays_silent_for_a_quarter_of_an_hour_is_looked_up_and_then_the_author_hears_of_it(
    balancer,
):
    assert isinstance(await watched(balancer, WRONG, 14), NoData)
    assert balancer.aws.count(*LIST) == 0
    reading = await watched(balancer, WRONG, 30)

    assert isinstance(reading, Invalid)
    assert reading.who is Who.AUTHOR
    assert f"did you mean {BALANCER}?" in reading.words


async def test_it_is_looked_up_at_most_once_an_hour(balancer):
    await watched(balancer, WRONG, 15 + 59)

    assert balancer.aws.count(*LIST) == 2  # as it is asked, and what there is instead


async def test_a_right_name_that_is_silent_stays_no_data(balancer):
    reading = await watched(balancer, RATIO, 40)

    assert isinstance(reading, NoData)
    assert balancer.aws.count(*LIST) == 1


async def test_what_speaks_is_never_looked_up(balancer):
    for minute in range(60):
        balancer.serves(GREEN, minute, 10)

    assert isinstance(await watched(balancer, RATIO, 60), tuple)
    assert balancer.aws.count(*LIST) == 0


async def test_a_metric_that_comes_after_all_ends_the_doubt(balancer):
    await watched(balancer, WRONG, 30)
    balancer.aws.cloudwatch.put(
        ELB,
        "RequestCount",
        {"LoadBalancer": "app/shop/0123456789abcdee", "TargetGroup": GREEN},
        noon(31),
        5.0,
    )
    balancer.time = noon(36)

    assert isinstance((await balancer.read(an_indicator(WRONG)))["errors"], tuple)


async def test_an_outage_in_between_does_not_end_the_doubt(balancer):
    await watched(balancer, WRONG, 10)
    fault = balancer.aws.faults.fail("cloudwatch", "GetMetricData", times=None)
    balancer.time = noon(13)
    await balancer.read(an_indicator(WRONG))
    balancer.aws.faults.lift(fault)

    reading = None
    async with balancer.provider.open():
        for minute in (18, 19):
            balancer.time = noon(minute)
            reading = (await balancer.read(an_indicator(WRONG)))["errors"]
            await balancer.provider.metrics.looked_up()

    assert isinstance(reading, Invalid)


async def test_a_failure_of_who_uses_it_comes_out_as_it_is(balancer):
    with pytest.raises(LookupError, match="mine"):
        async with balancer.provider.open():
            raise LookupError("mine")


async def test_who_may_not_list_metrics_hears_nothing_of_it_and_reads_on(balancer):
    balancer.aws.faults.fail(*LIST, times=None)

    assert isinstance(await watched(balancer, WRONG, 30), NoData)


async def test_not_more_doubts_are_kept_than_fit():
    async def look(_: int) -> str | None:
        return "wrong"

    doubts = Doubts(look, lambda: NOON, NOON - NOON)
    for number in range(2 * MOST):
        doubts.of(number)
    doubts.none_of(2 * MOST)

    assert len(doubts._doubts) == MOST


async def test_what_is_listed_without_a_name_is_nothing_and_ends_no_daemon(balancer):
    class Nameless(Direct):
        async def read(self, *args, **parameters):
            if args[2] == "list_metrics":
                return {"Metrics": [{"Namespace": ELB}, {"MetricName": "RequestCount", "Dimensions": [{}]}]}
            return {"MetricAlarms": [{"StateValue": "OK"}]}

    aws = Nameless(balancer.aws)

    assert await unknown(aws, SHOP, an_indicator(RATIO))
    assert await unknown(aws, SHOP, an_indicator({"alarms": ["db"]}, Kind.STATE))


async def test_names_of_a_monitored_account_are_looked_up_there(balancer):
    other = balancer.aws.place("999900001111", "eu-central-1").cloudwatch
    other.put("Shop", "requests", {"service": "cart"}, noon(-60), 1.0)
    balancer.aws.cloudwatch.link(other)
    asks = {"namespace": "Shop", "total": {"sum": "requests"}, "dimensions": {"service": "cart"}}

    assert await said(balancer, {**asks, "owner": "999900001111"}, Kind.REQUESTS) is None
    assert "knows nothing in the namespace Shop" in str(await said(balancer, asks, Kind.REQUESTS))
