"""Questions in, readings out, over an AWS that keeps CloudWatch's own rules."""

import asyncio
import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from deploy.errors import AwsRefused
from rules.evaluate import Timing, evaluate, prepare, start
from rules.model import CanaryVsBaseline, Consequence, Kind, Rule, RuleSet
from rules.sample import Counts, Invalid, NoData, Reading, Unavailable, Value, Who
from tests.fakes.aws import AwsError, Direct, Scope
from tests.fakes.serve import http_to_loopback
from tests.rules.building import a_setting
from tests.watcher.signals.cloudwatch.balancer import (
    BALANCER,
    BLUE,
    DIMENSIONS,
    ELB,
    GREEN,
    LATENCY,
    MINUTE,
    NOON,
    RATIO,
    Balancer,
    an_indicator,
    asked,
    buckets_of,
    noon,
    series_of,
)
from watcher.signals.cloudwatch import KIND
from watcher.signals.provider import Opening, Question, Window

REQUESTS = {"namespace": ELB, "dimensions": DIMENSIONS, "total": {"sum": ["RequestCount"]}}
GET = ("cloudwatch", "GetMetricData")


@pytest.fixture
def balancer():
    balancer = Balancer()
    yield balancer
    assert balancer.aws.bugs == []


async def test_both_arms_are_counted_a_minute_each_and_errors_that_nobody_published_are_none(balancer):
    balancer.serves(GREEN, 0, 100, bad=7)
    balancer.serves(BLUE, 0, 900)
    balancer.serves(GREEN, 1, 50)
    balancer.time = noon(6)

    buckets = buckets_of((await balancer.read(an_indicator(RATIO)))["errors"])

    assert [(each.start, each.end, each.canary, each.baseline) for each in buckets] == [
        (noon(0), noon(1), Counts(7.0, 100.0), Counts(0.0, 900.0)),
        (noon(1), noon(2), Counts(0.0, 50.0), None),
    ]
    assert not any(each.incomplete for each in buckets)


async def test_a_minute_without_requests_is_no_bucket_and_not_a_zero(balancer):
    balancer.serves(GREEN, 0, 100)
    balancer.serves(GREEN, 2, 100)
    balancer.time = noon(6)

    buckets = buckets_of((await balancer.read(an_indicator(RATIO)))["errors"])

    assert [each.start for each in buckets] == [noon(0), noon(2)]


async def test_errors_without_a_total_are_no_bucket(balancer):
    balancer.serves(GREEN, 0, 0, bad=9)
    balancer.time = noon(6)

    assert isinstance((await balancer.read(an_indicator(RATIO)))["errors"], NoData)


async def test_a_total_that_was_published_as_zero_is_zero_traffic(balancer):
    of = {"service": "shop"}
    balancer.aws.cloudwatch.put("Shop", "requests", of, NOON, 0.0)
    balancer.time = noon(6)
    query = {
        **RATIO,
        "namespace": "Shop",
        "dimensions": of,
        "bad": {"sum": "errors"},
        "total": {"sum": "requests"},
    }

    assert buckets_of((await balancer.read(an_indicator(query)))["errors"])[0].canary == Counts(0.0, 0.0)


async def test_silence_says_since_when_there_were_no_requests_and_of_what(balancer):
    balancer.time = noon(8)

    reading = (await balancer.read(an_indicator(RATIO)))["errors"]

    assert reading == NoData(
        "no requests between 12:00 and 12:05 UTC: RequestCount in AWS/ApplicationELB "
        f"(LoadBalancer={BALANCER}, TargetGroup={GREEN}) has no data point"
    )


async def test_what_is_read_before_it_is_settled_is_marked_and_not_final(balancer):
    balancer.serves(GREEN, 0, 100)
    balancer.serves(GREEN, 1, 100)
    balancer.time = noon(4)

    buckets = buckets_of((await balancer.read(an_indicator(RATIO), end=noon(3)))["errors"])

    assert [each.incomplete for each in buckets] == [False, True]


async def test_values_that_grow_until_they_are_settled_never_change_what_was_judged(balancer):
    indicator = an_indicator(RATIO)
    rule = Rule("errors", "errors", Consequence.ROLLBACK, "errors", CanaryVsBaseline())
    rules = RuleSet((indicator,), (rule,))
    setting = replace(
        a_setting(rules, settle=timedelta(seconds=180)),
        opened_at=NOON,
    )
    brief = prepare(rules, setting, {})

    def judged(evidence: Any, reading: Reading) -> Any:
        return evaluate(brief, evidence, {"errors": reading}, Timing(balancer.time, NOON, NOON)).evidence

    for minute in range(12):
        for place in range(10):  # ten samples a minute, of which each comes later than the one before
            balancer.serves(GREEN, minute + place / 20, 10, bad=place % 2)
            balancer.serves(BLUE, minute + place / 20, 90)
    step_by_step = start(brief)
    for second in range(60, 15 * 60 + 1, 15):
        balancer.time = NOON + timedelta(seconds=second)
        step_by_step = judged(
            step_by_step, (await balancer.read(indicator, end=noon(second // 60)))["errors"]
        )
    at_once = judged(start(brief), (await balancer.read(indicator))["errors"])

    assert step_by_step.memories == at_once.memories
    assert at_once.memories["errors"].tally.requests == 1200


async def test_a_latency_counts_what_was_slower_than_each_bound_exactly(balancer):
    for seconds in (0.1, 0.3, 0.30001, 1.0, 4.0):
        balancer.serves(GREEN, 0, 2, seconds=seconds)
    balancer.time = noon(6)

    series = series_of((await balancer.read(an_indicator(LATENCY, Kind.LATENCY)))["errors"])

    assert [(each.bound, each.buckets[0].canary) for each in series] == [
        (0.3, Counts(6.0, 10.0)),
        (1.0, Counts(2.0, 10.0)),
    ]


async def test_a_latency_in_milliseconds_is_compared_in_milliseconds(balancer):
    of = {"FunctionName": "shop"}
    balancer.aws.cloudwatch.put("AWS/Lambda", "Duration", of, NOON, [200.0, 301.0, 999.0, 1001.0])
    balancer.time = noon(6)
    query = {"namespace": "AWS/Lambda", "dimensions": of, "metric": "Duration", "over": ["300ms", "1s"]}

    series = series_of((await balancer.read(an_indicator(query, Kind.LATENCY)))["errors"])

    assert [each.buckets[0].canary for each in series] == [Counts(3.0, 4.0), Counts(1.0, 4.0)]


async def test_a_release_in_which_all_requests_are_slow_is_seen(balancer):
    balancer.serves(GREEN, 0, 40, seconds=9.0)
    balancer.time = noon(6)

    reading = (await balancer.read(an_indicator(LATENCY, Kind.LATENCY)))["errors"]

    assert buckets_of(reading)[0].canary == Counts(40.0, 40.0)


async def test_sets_of_statistics_cannot_be_counted_and_the_author_hears_so(balancer):
    of = {"service": "shop"}
    balancer.aws.cloudwatch.put_summary("Shop", "seconds", of, NOON, count=9, total=3.0, least=0.1, most=0.9)
    balancer.time = noon(6)
    query = {
        "namespace": "Shop",
        "dimensions": of,
        "metric": "seconds",
        "over": ["300ms", "1s"],
        "unit": "seconds",
    }

    reading = (await balancer.read(an_indicator(query, Kind.LATENCY)))["errors"]

    assert isinstance(reading, Invalid)
    assert reading.who is Who.AUTHOR
    assert "sets of statistics" in reading.words


async def test_more_fast_ones_than_there_are_at_all_is_no_answer(balancer):
    balancer.serves(GREEN, 0, 10)

    class Strange(Direct):
        async def read(self, *args: str, **parameters: Any) -> Mapping[str, Any]:
            answer = await super().read(*args, **parameters)
            counts = {
                query["Id"]: 20.0 if query["MetricStat"]["Stat"].startswith("TC") else 10.0
                for query in parameters["MetricDataQueries"]
            }
            results = [
                {**each, "Values": [counts[each["Id"]] for _ in each["Values"]]}
                for each in answer["MetricDataResults"]
            ]
            return {**answer, "MetricDataResults": results}

    balancer.time = noon(6)
    provider = balancer.through(Strange(balancer.aws))
    reading = (await balancer.read(an_indicator(LATENCY, Kind.LATENCY), provider=provider))["errors"]

    assert isinstance(reading, Invalid)
    assert "20 of 10 samples" in reading.words


@pytest.mark.parametrize(("stat", "expected"), [("p99", 4.0), ("Average", 1.075), ("Maximum", 4.0)])
async def test_a_value_is_any_statistic(balancer, stat, expected):
    for seconds in (0.1, 0.1, 0.1, 4.0):
        balancer.serves(GREEN, 0, 2, seconds=seconds)
    balancer.time = noon(6)
    query = {"namespace": ELB, "dimensions": DIMENSIONS, "metric": "TargetResponseTime", "stat": stat}

    reading = (await balancer.read(an_indicator(query, Kind.VALUE)))["errors"]

    measure = buckets_of(reading)[0].canary
    assert isinstance(measure, Value)
    assert measure.x == pytest.approx(expected)


async def test_requests_events_and_sample_counts_are_counts_too(balancer):
    balancer.serves(GREEN, 0, 30, bad=3)
    balancer.time = noon(6)
    samples = {**RATIO, "total": {"sample_count": ["TargetResponseTime"]}}

    readings = await balancer.read(
        an_indicator(REQUESTS, Kind.REQUESTS, "requests"),
        an_indicator(RATIO, Kind.EVENTS, "events"),
        an_indicator(samples, name="samples"),
    )

    assert buckets_of(readings["requests"])[0].canary == Counts(0.0, 30.0)
    assert buckets_of(readings["events"])[0].canary == Counts(3.0, 30.0)
    assert buckets_of(readings["samples"])[0].canary == Counts(3.0, 30.0)


async def test_several_metrics_are_added_up_those_that_are_there(balancer):
    of = {"service": "shop"}
    for name, many in (("ok", 90.0), ("failed", 9.0), ("timed out", 1.0)):
        balancer.aws.cloudwatch.put("Shop", name, of, NOON, many)
    balancer.aws.cloudwatch.put("Shop", "ok", of, noon(1), 50.0)
    balancer.time = noon(6)
    bad = {"sum": ["failed", "timed out"]}
    query = {
        "namespace": "Shop",
        "dimensions": of,
        "bad": bad,
        "total": {"sum": ["ok", "failed", "timed out"]},
    }

    buckets = buckets_of((await balancer.read(an_indicator(query)))["errors"])

    assert [each.canary for each in buckets] == [Counts(10.0, 100.0), Counts(0.0, 50.0)]


async def test_no_bucket_ends_after_the_window_or_before_what_is_known(balancer):
    for minute in range(9):
        balancer.serves(GREEN, minute, 10)
    balancer.time = noon(30)

    reading = (await balancer.read(an_indicator(RATIO), since=noon(3), end=noon(6)))["errors"]

    assert [each.end for each in buckets_of(reading)] == [noon(4), noon(5), noon(6)]


@pytest.mark.parametrize("strange", [math.nan, math.inf, -4.0])
async def test_what_is_no_count_is_invalid(balancer, strange):
    balancer.serves(GREEN, 0, 10)

    class Strange(Direct):
        async def read(self, *args: str, **parameters: Any) -> Mapping[str, Any]:
            answer = await super().read(*args, **parameters)
            return {
                **answer,
                "MetricDataResults": [
                    {**each, "Values": [strange for _ in each["Values"]]}
                    for each in answer["MetricDataResults"]
                ],
            }

    balancer.time = noon(6)
    reading = (await balancer.read(an_indicator(RATIO), provider=balancer.through(Strange(balancer.aws))))[
        "errors"
    ]

    assert isinstance(reading, Invalid)
    assert reading.who is Who.PROVIDER


# --------------------------------------------------------------------------------------------------------------- batches


async def test_a_thousand_ratios_are_four_calls_and_two_thousand_metrics(balancer):
    for number in range(1000):
        of = {"service": f"s{number}"}
        balancer.aws.cloudwatch.put("Shop", "requests", of, NOON, 100.0)
        balancer.aws.cloudwatch.put("Shop", "errors", of, NOON, float(number))
    balancer.time = noon(6)
    indicators = [
        an_indicator(
            {
                "namespace": "Shop",
                "dimensions": {"service": f"s{number}"},
                "bad": {"sum": "errors"},
                "total": {"sum": "requests"},
            },
            name=f"i{number}",
        )
        for number in range(1000)
    ]

    readings = await balancer.read(*indicators)

    assert balancer.aws.count(*GET) == 4
    assert balancer.aws.cloudwatch.reading.billed == 2000
    assert all(
        buckets_of(readings[f"i{number}"])[0].canary == Counts(float(number), 100.0) for number in range(1000)
    )


async def test_what_several_ask_for_is_asked_once(balancer):
    balancer.serves(GREEN, 0, 10)
    balancer.time = noon(6)

    await balancer.read(*(an_indicator(RATIO, name=f"i{number}") for number in range(300)))

    assert balancer.aws.count(*GET) == 1
    assert balancer.aws.cloudwatch.reading.billed == 4


async def test_a_day_is_read_at_once_and_in_parts_that_fit_on_a_page(balancer):
    for minute in range(0, 1440, 10):
        balancer.serves(GREEN, minute, 100, bad=1)
    balancer.time = noon(1443)
    many = [
        an_indicator({**RATIO, "dimensions": {**DIMENSIONS, "AvailabilityZone": f"z{zone}"}}, name=f"z{zone}")
        for zone in range(20)
    ]

    readings = await balancer.read(an_indicator(RATIO), *many)

    assert len(buckets_of(readings["errors"])) == 144
    points = [
        len(call.parameters["MetricDataQueries"])
        * (call.parameters["EndTime"] - call.parameters["StartTime"])
        // MINUTE
        for call in balancer.aws.calls
    ]
    assert len(points) > 1
    assert max(points) <= 100_800


async def test_pages_are_joined_also_where_they_break_in_the_middle_of_a_metric(balancer):
    for minute in range(10):
        balancer.serves(GREEN, minute, 100 + minute, bad=minute)
        balancer.serves(BLUE, minute, 200 + minute)
    balancer.aws.cloudwatch.reading.page_size = 7
    balancer.time = noon(20)

    buckets = buckets_of((await balancer.read(an_indicator(RATIO)))["errors"])

    assert [each.canary for each in buckets] == [Counts(float(n), 100.0 + n) for n in range(10)]
    assert [each.baseline for each in buckets] == [Counts(0.0, 200.0 + n) for n in range(10)]
    assert balancer.aws.count(*GET) > 1


async def test_a_page_that_is_lost_begins_that_batch_again(balancer):
    balancer.serves(GREEN, 0, 100)
    balancer.serves(BLUE, 0, 100)
    balancer.aws.cloudwatch.reading.page_size = 1
    balancer.time = noon(6)
    lost = iter([False, True, False])

    class Loses(Direct):
        async def read(self, *args: str, **parameters: Any) -> Mapping[str, Any]:
            if "NextToken" in parameters and next(lost, False):
                raise AwsRefused("get_metric_data", "InvalidNextToken", "expired", may_have_happened=False)
            return await super().read(*args, **parameters)

    reading = (await balancer.read(an_indicator(RATIO), provider=balancer.through(Loses(balancer.aws))))[
        "errors"
    ]

    assert buckets_of(reading)[0].canary == Counts(0.0, 100.0)


async def test_more_pages_than_can_be_are_unavailable(balancer):
    balancer.time = noon(6)
    aws = Says(balancer.aws, more={"NextToken": "on and on"}, each={})

    class Ignores(Direct):
        async def read(self, *args: str, **parameters: Any) -> Mapping[str, Any]:
            return await aws.read(
                *args, **{key: one for key, one in parameters.items() if key != "NextToken"}
            )

    reading = (await balancer.read(an_indicator(RATIO), provider=balancer.through(Ignores(balancer.aws))))[
        "errors"
    ]

    assert isinstance(reading, Unavailable)
    assert balancer.aws.count(*GET) == 100


async def test_pages_that_never_go_on_are_unavailable(balancer):
    balancer.serves(GREEN, 0, 100)
    balancer.serves(BLUE, 0, 100)
    balancer.aws.cloudwatch.reading.page_size = 1
    balancer.aws.faults.fail(*GET, error=AwsError("InvalidNextToken", "expired"), times=None)
    balancer.time = noon(6)

    reading = (await balancer.read(an_indicator(RATIO)))["errors"]

    assert isinstance(reading, Unavailable)
    assert "pages" in reading.words


async def test_what_fails_inside_is_asked_once_more(balancer):
    balancer.serves(GREEN, 0, 100, bad=3)
    balancer.aws.cloudwatch.reading.fail_once.append("HTTPCode_Target_5XX_Count")
    balancer.time = noon(6)

    readings = await balancer.read(an_indicator(RATIO), an_indicator(LATENCY, Kind.LATENCY, "slow"))

    assert buckets_of(readings["errors"])[0].canary == Counts(3.0, 100.0)
    assert balancer.aws.count(*GET) == 2
    asked_again = balancer.aws.calls[-1].parameters["MetricDataQueries"]
    assert {each["MetricStat"]["Metric"]["MetricName"] for each in asked_again} == {
        "RequestCount",
        "HTTPCode_Target_5XX_Count",
    }


async def test_what_fails_inside_twice_is_unavailable_and_touches_nothing_else(balancer):
    balancer.serves(GREEN, 0, 100, bad=3)
    balancer.aws.cloudwatch.reading.fail_once += ["HTTPCode_Target_5XX_Count"] * 9
    balancer.time = noon(6)

    readings = await balancer.read(an_indicator(RATIO), an_indicator(LATENCY, Kind.LATENCY, "slow"))

    assert isinstance(readings["errors"], Unavailable)
    assert "InternalError" in readings["errors"].words
    assert isinstance(readings["slow"], tuple)


class Says(Direct):
    """Says something more about what it answers."""

    def __init__(self, *args: Any, more: Mapping[str, Any], each: Mapping[str, Any]) -> None:
        super().__init__(*args)
        self._more, self._each = more, each

    async def read(self, *args: str, **parameters: Any) -> Mapping[str, Any]:
        answer = await super().read(*args, **parameters)
        results = [{**result, **self._each} for result in answer["MetricDataResults"]]
        return {**answer, "MetricDataResults": results, **self._more}


@pytest.mark.parametrize(
    ("more", "each", "who", "words"),
    [
        ({}, {"StatusCode": "Forbidden"}, Who.OPERATOR, "cloudwatch:GetMetricData of "),
        ({}, {"StatusCode": "PartialData"}, Who.PROVIDER, "PartialData"),
        (
            {"Messages": [{"Code": "MaxMetricsExceeded", "Value": "too many"}]},
            {},
            Who.PROVIDER,
            "MaxMetricsExceeded: too many",
        ),
        (
            {},
            {"StatusCode": "Forbidden", "Messages": [{"Code": "Forbidden", "Value": "account 1"}]},
            Who.OPERATOR,
            "Forbidden: account 1",
        ),
        ({"MetricDataResults": []}, {}, Who.PROVIDER, "answers nothing for "),
        ({}, {"Id": "nobodys"}, Who.PROVIDER, "Unreadable"),
        ({}, {"Timestamps": [noon(0)], "Values": []}, Who.PROVIDER, "Unreadable"),
    ],
)
async def test_an_answer_that_is_not_whole_is_unavailable(balancer, more, each, who, words):
    balancer.serves(GREEN, 0, 100)
    balancer.time = noon(6)
    aws = Says(balancer.aws, more=more, each=each)

    reading = (await balancer.read(an_indicator(RATIO), provider=balancer.through(aws)))["errors"]

    assert isinstance(reading, Unavailable)
    assert reading.who is who
    assert words in reading.words


async def test_errors_that_the_answer_does_not_mention_are_unknown_and_not_none(balancer):
    class Forgets(Direct):
        async def read(self, *args: str, **parameters: Any) -> Mapping[str, Any]:
            answer = await super().read(*args, **parameters)
            return {
                **answer,
                "MetricDataResults": [row for row in answer["MetricDataResults"] if row["Values"]],
            }

    balancer.serves(GREEN, 0, 100)
    balancer.time = noon(6)

    reading = (await balancer.read(an_indicator(RATIO), provider=balancer.through(Forgets(balancer.aws))))[
        "errors"
    ]

    assert isinstance(reading, Unavailable)


async def test_a_role_that_may_not_read_is_the_operators_to_mend_with_action_and_account(balancer):
    role = balancer.aws.identities.role(
        "arn:aws:iam::123456789012:role/reader", allowed={"ecs:DescribeServices"}
    )
    aws = Direct(balancer.aws, {"shop": Scope("eu-central-1", read=role)})
    balancer.time = noon(6)
    alarm = an_indicator({"alarms": ["db"]}, Kind.STATE, "db")

    readings = await balancer.read(an_indicator(RATIO), alarm, provider=balancer.through(aws), end=noon(6))

    for name, action in (("errors", "GetMetricData"), ("db", "DescribeAlarms")):
        reading = readings[name]
        assert isinstance(reading, Unavailable)
        assert reading.who is Who.OPERATOR
        assert f"cloudwatch:{action} is not allowed in the account shop (eu-central-1)" in reading.words


@pytest.mark.parametrize(
    ("code", "who", "words"),
    [
        ("Throttling", Who.PROVIDER, "CloudWatch throttles cloudwatch:GetMetricData"),
        ("ExpiredToken", Who.OPERATOR, "no credentials for the account shop"),
        ("InternalFailure", Who.PROVIDER, "InternalFailure"),
    ],
)
async def test_a_refusal_names_who_must_act(balancer, code, who, words):
    balancer.time = noon(6)

    class Refuses(Direct):
        async def read(self, *_: str, **__: Any) -> Mapping[str, Any]:
            raise AwsRefused("get_metric_data", code, "no", may_have_happened=False)

    reading = (await balancer.read(an_indicator(RATIO), provider=balancer.through(Refuses(balancer.aws))))[
        "errors"
    ]

    assert isinstance(reading, Unavailable)
    assert reading.who is who
    assert words in reading.words


async def test_throttling_that_passes_is_not_noticed(balancer):
    balancer.serves(GREEN, 0, 100)
    balancer.aws.faults.throttle(*GET, times=1)
    balancer.time = noon(6)

    assert isinstance((await balancer.read(an_indicator(RATIO)))["errors"], tuple)


async def test_a_question_that_aws_does_not_understand_touches_itself_alone(balancer):
    balancer.serves(GREEN, 0, 100)
    balancer.time = noon(6)
    wrong = {"namespace": ELB, "dimensions": DIMENSIONS, "metric": "TargetResponseTime", "stat": "TC(:)"}
    good = [an_indicator(RATIO, name=f"i{number}") for number in range(7)]

    readings = await balancer.read(*good, an_indicator(wrong, Kind.VALUE, "wrong"))

    assert isinstance(readings["wrong"], Invalid)
    assert readings["wrong"].who is Who.AUTHOR
    assert all(isinstance(readings[each.id], tuple) for each in good)


async def test_a_call_that_hangs_touches_only_what_it_asked(balancer):
    of = {"service": "shop"}
    balancer.time = noon(6)
    many = [
        an_indicator(
            {"namespace": "Shop", "dimensions": of, "metric": f"m{number}", "stat": "Sum"},
            Kind.VALUE,
            f"m{number}",
        )
        for number in range(501)
    ]

    class Hangs(Direct):
        async def read(self, *args: str, **parameters: Any) -> Mapping[str, Any]:
            if len(parameters["MetricDataQueries"]) > 1:
                await asyncio.Event().wait()
            return await super().read(*args, **parameters)

    readings = await balancer.read(*many, provider=balancer.through(Hangs(balancer.aws)), patience=0.8)

    late = [name for name, reading in readings.items() if isinstance(reading, Unavailable)]
    assert len(late) == 500
    assert len(readings) == 501


async def test_calls_run_side_by_side_and_not_all_at_once(balancer):
    balancer.time = noon(6)
    running, most = 0, 0

    class Watched(Direct):
        async def read(self, *args: str, **parameters: Any) -> Mapping[str, Any]:
            nonlocal running, most
            running += 1
            most = max(most, running)
            await asyncio.sleep(0.1)
            running -= 1
            return await super().read(*args, **parameters)

    many = [
        an_indicator({"namespace": "Shop", "metric": f"m{number}", "stat": "Sum"}, Kind.VALUE, f"m{number}")
        for number in range(3000)
    ]
    await balancer.read(*many, provider=balancer.through(Watched(balancer.aws)), start=noon(1))

    assert most == 4


async def test_more_points_than_cloudwatch_takes_in_a_second_are_asked_for_more_slowly(balancer):
    """The budget is kept by waiting, in real time: here so that the test need not, by a deadline that is too near."""
    balancer.time = noon(60 * 24)
    many = [
        an_indicator({"namespace": "Shop", "metric": f"m{number}", "stat": "Sum"}, Kind.VALUE, f"m{number}")
        for number in range(500)
    ]

    readings = await balancer.read(*many, patience=0.7)

    asked_for = sum(
        len(call.parameters["MetricDataQueries"])
        * ((call.parameters["EndTime"] - call.parameters["StartTime"]) // MINUTE)
        for call in balancer.aws.calls
    )
    assert asked_for <= 180_000 * 1.2
    assert all(isinstance(reading, Unavailable) for reading in readings.values())


async def test_what_the_release_has_no_name_for_is_the_authors_to_mend(balancer):
    query = {**RATIO, "dimensions": {"version": "${arm.colour}"}}

    reading = (await balancer.read(an_indicator(query), end=noon(1)))["errors"]

    assert isinstance(reading, Invalid)
    assert reading.who is Who.AUTHOR
    assert "colour" in reading.words
    assert balancer.aws.calls == []


async def test_without_an_account_it_is_the_operators_to_mend(balancer):
    async with http_to_loopback(lambda: NOON) as http:
        opening = Opening(http, lambda: NOON, lambda: 0.0)
        async with KIND.open(None, opening) as provider:
            reading = (await provider.read([asked(an_indicator(RATIO))], Window(NOON, noon(1), noon(2))))[
                "errors"
            ]

    assert reading == Unavailable(Who.OPERATOR, "no account of AWS is configured")


async def test_a_query_that_does_not_fit_its_kind_is_the_authors_to_mend(balancer):
    reading = (await balancer.read(an_indicator(RATIO, Kind.VALUE), end=noon(1)))["errors"]

    assert isinstance(reading, Invalid)
    assert reading.words.endswith("it needs namespace, metric and stat")


async def test_fine_periods_are_read_where_they_are_kept(balancer):
    of = {"service": "shop"}
    for second in range(0, 60, 10):
        balancer.aws.cloudwatch.put("Shop", "requests", of, NOON + timedelta(seconds=second), 5.0, fine=True)
    balancer.time = noon(6)
    query = {
        "namespace": "Shop",
        "dimensions": of,
        "total": {"sum": "requests"},
        "period": "10s",
        "high_resolution": True,
    }
    indicator = an_indicator(query, Kind.REQUESTS)

    now = (await balancer.read(indicator))["errors"]
    past = (await balancer.read(indicator, start=noon(-300), end=noon(-200)))["errors"]

    assert [each.end - each.start for each in buckets_of(now)] == [timedelta(seconds=10)] * 6
    assert isinstance(past, NoData)
    assert "does not keep" in past.words


async def test_the_baseline_is_not_asked_for_where_the_query_names_no_arm(balancer):
    of = {"service": "shop"}
    balancer.aws.cloudwatch.put("Shop", "requests", of, NOON, 5.0)
    balancer.time = noon(6)
    indicator = an_indicator(
        {"namespace": "Shop", "dimensions": of, "total": {"sum": "requests"}}, Kind.REQUESTS
    )
    question = Question("r", indicator, {"target_group": GREEN}, {"target_group": BLUE})

    reading = (await balancer.provider.read([question], Window(NOON, noon(3), noon(7))))["r"]

    assert buckets_of(reading)[0].baseline is None
    assert asked(indicator).baseline is None
