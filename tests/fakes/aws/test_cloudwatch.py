"""CloudWatch's true rules, each shown over HTTP with unmodified boto3 (signals.md, 3.4)."""

from datetime import timedelta

import pytest
from botocore.exceptions import ClientError

from tests.fakes.aws import PROMPT, Lateness
from tests.fakes.aws.fixtures import NOON

ALB = "AWS/ApplicationELB"
MINUTE = timedelta(minutes=1)
HOUR_AGO = NOON - timedelta(hours=1)
SHOP = {"LoadBalancer": "app/shop/1", "TargetGroup": "targetgroup/shop/2"}


@pytest.fixture
def cloudwatch(boto):
    return boto("cloudwatch")


@pytest.fixture
def put(aws_world):
    """A sample in the shop's own namespace, which is readable at once."""

    def put(values, at=HOUR_AGO, metric="latency", dimensions=SHOP, **more):
        aws_world.cloudwatch.put("Shop", metric, dimensions, at, values, **more)

    return put


def query(stat="Sum", id="a", metric="latency", dimensions=SHOP, namespace="Shop", period=60, **more):
    named = [{"Name": name, "Value": value} for name, value in dimensions.items()]
    of = {"Namespace": namespace, "MetricName": metric, "Dimensions": named}
    return {"Id": id, "MetricStat": {"Metric": of, "Period": period, "Stat": stat}, **more}


def read(cloudwatch, *queries, start=HOUR_AGO, end=NOON, **more):
    return cloudwatch.get_metric_data(
        MetricDataQueries=list(queries or [query()]),
        StartTime=start,
        EndTime=end,
        **{"ScanBy": "TimestampAscending", **more},
    )


def values(answer, id="a"):
    return [value for each in answer["MetricDataResults"] if each["Id"] == id for value in each["Values"]]


def code_of(refused):
    return refused.value.response["Error"]["Code"]


# ------------------------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("queries", "words"),
    [
        ([query(id=f"m{n}") for n in range(501)], "size greater than 500"),
        ([query(), query()], "not unique"),
        ([query(id="Upper")], "does not match the pattern"),
        ([query(id="a-b")], "does not match the pattern"),
        ([query(stat="p101")], "Stat is not supported"),
        ([query(stat="TC(0.3)")], "Stat is not supported"),
        ([query(stat="sum")], "Stat is not supported"),
        ([query(period=45)], "or a multiple of 60"),
        ([query(period=90)], "or a multiple of 60"),
        ([{"Id": "a"}], "either MetricStat or Expression"),
    ],
)
def test_what_cannot_be_asked_is_refused(cloudwatch, queries, words):
    with pytest.raises(ClientError, match=words) as refused:
        read(cloudwatch, *queries)

    assert code_of(refused) == "ValidationError"


def test_five_hundred_queries_are_one_call(cloudwatch):
    answer = read(cloudwatch, *[query(id=f"m{n}") for n in range(500)])

    assert len(answer["MetricDataResults"]) == 500


def test_an_end_before_its_start_is_refused(cloudwatch):
    with pytest.raises(ClientError, match="less than"):
        read(cloudwatch, start=NOON, end=NOON)


def test_an_expression_is_loud_as_it_is_not_faked(cloudwatch, aws_world):
    with pytest.raises(ClientError, match="expressions are not faked") as bug:
        read(cloudwatch, {"Id": "a", "Expression": "m1/m2"})

    assert code_of(bug) == "FakeBug"
    aws_world.bugs.clear()


# ------------------------------------------------------------------------------------------------------- which samples


def test_dimensions_must_be_told_exactly(cloudwatch, put):
    put([1.0])
    part = {"LoadBalancer": "app/shop/1"}
    turned = dict(reversed(SHOP.items()))

    answer = read(cloudwatch, query(dimensions=part, id="part"), query(dimensions=turned, id="turned"))

    assert values(answer, "part") == []
    assert values(answer, "turned") == [1.0]
    assert {each["StatusCode"] for each in answer["MetricDataResults"]} == {"Complete"}


def test_a_period_without_samples_has_no_point(cloudwatch, put):
    put([1.0], at=HOUR_AGO)
    put([1.0], at=HOUR_AGO + 5 * MINUTE)

    result = read(cloudwatch)["MetricDataResults"][0]

    assert result["Timestamps"] == [HOUR_AGO, HOUR_AGO + 5 * MINUTE]


def test_the_start_is_rounded_down_and_the_end_is_exclusive(cloudwatch, put):
    for minute in range(3):
        put([float(minute)], at=HOUR_AGO + minute * MINUTE + timedelta(seconds=5))

    answer = read(cloudwatch, start=HOUR_AGO + timedelta(seconds=59), end=HOUR_AGO + 2 * MINUTE)

    assert values(answer) == [0.0, 1.0]


def test_the_newest_comes_first_unless_asked(cloudwatch, put):
    for minute in range(3):
        put([float(minute)], at=HOUR_AGO + minute * MINUTE)

    answer = cloudwatch.get_metric_data(MetricDataQueries=[query()], StartTime=HOUR_AGO, EndTime=NOON)

    assert values(answer) == [2.0, 1.0, 0.0]


def test_fine_periods_are_for_fine_metrics(cloudwatch, put):
    start = NOON - MINUTE
    put([1.0], at=start + timedelta(seconds=12), fine=True)
    put([1.0], at=start + timedelta(seconds=12), metric="coarse")

    answer = read(cloudwatch, query(period=10), query(period=10, id="b", metric="coarse"), start=start)

    assert answer["MetricDataResults"][0]["Timestamps"] == [start + timedelta(seconds=10)]
    assert values(answer, "b") == []


@pytest.mark.parametrize(("days", "fine", "coarse"), [(0.2, 10, 60), (20, 60, 300), (70, 300, 3600)])
def test_what_is_older_is_told_in_longer_periods_and_silently_left_out_of_shorter_ones(
    cloudwatch, put, days, fine, coarse
):
    at = NOON - timedelta(days=days)
    put([1.0], at=at, fine=True)
    put([2.0], at=NOON - 10 * MINUTE, fine=True)

    answer = read(cloudwatch, query(period=fine), query(period=coarse, id="b"), start=at)

    assert (values(answer), values(answer, "b")) == ([2.0], [1.0, 2.0])
    assert {each["StatusCode"] for each in answer["MetricDataResults"]} == {"Complete"}


def test_another_unit_is_another_metric(cloudwatch, put):
    put([1.0], unit="Seconds")
    other = query()
    other["MetricStat"]["Unit"] = "Milliseconds"

    assert values(read(cloudwatch, other)) == []


def test_what_is_not_asked_back_is_not_told(cloudwatch, put):
    answer = read(cloudwatch, query(ReturnData=False), query(id="b"))

    assert [each["Id"] for each in answer["MetricDataResults"]] == ["b"]


# ----------------------------------------------------------------------------------------------------------- statistics


@pytest.mark.parametrize(
    ("stat", "value"),
    [
        ("Sum", 5.5),
        ("SampleCount", 10.0),
        ("Average", 0.55),
        ("Minimum", 0.1),
        ("Maximum", 1.0),
        ("p50", 0.5),
        ("p90", 0.9),
        ("p99.9", 1.0),
        ("TC(:0.3)", 3.0),  # the upper bound is inclusive
        ("TC(0.3:)", 7.0),  # the lower one is not
        ("TC(0.3:0.8)", 5.0),
        ("TC(:0.05)", 0.0),
        ("PR(:0.3)", 30.0),
        ("PR(0.3:)", 70.0),
        ("TS(:0.3)", 0.6),
        ("TM(:0.3)", 0.2),
        ("TM(10%:90%)", 0.55),
        ("tm90", 0.5),
        ("tc90", 9.0),
        ("WM(:0.3)", 0.27),
    ],
)
def test_statistics_are_computed_from_the_raw_samples(cloudwatch, put, stat, value):
    put([round(0.1 * number, 1) for number in range(1, 11)])

    assert values(read(cloudwatch, query(stat))) == pytest.approx([value])


def test_samples_count_as_often_as_they_say(cloudwatch, put):
    put([0.1, 0.9], counts=[99, 1])

    answer = read(cloudwatch, query("p99"), query("TC(:0.3)", id="b"), query("Sum", id="c"))

    assert [values(answer, each) for each in "abc"] == [[0.1], [99.0], [pytest.approx(10.8)]]


def test_sets_of_statistics_and_negative_values_have_no_percentiles(cloudwatch, aws_world, put):
    aws_world.cloudwatch.put_summary(
        "Shop", "latency", SHOP, HOUR_AGO, count=4, total=2.0, least=0.1, most=0.9
    )
    put([-1.0, 1.0], metric="balance")

    answer = read(
        cloudwatch,
        query("TC(:0.3)"),
        query("SampleCount", id="b"),
        query("Maximum", id="c"),
        query("p50", id="d", metric="balance"),
        query("Sum", id="e", metric="balance"),
    )

    assert [values(answer, each) for each in "abcde"] == [[], [4.0], [0.9], [], [0.0]]


# ------------------------------------------------------------------------------------------------------------- lateness


def test_the_values_of_a_minute_grow_until_it_is_settled(cloudwatch, aws_world, aws_clock):
    for second in range(60):
        aws_world.cloudwatch.put(ALB, "RequestCount", SHOP, NOON + timedelta(seconds=second), 1.0)
    seen = []
    for _ in range(5):
        aws_clock.go_on(minutes=1)
        answer = read(cloudwatch, query(namespace=ALB, metric="RequestCount"), start=NOON, end=NOON + MINUTE)
        seen.append(sum(values(answer)))

    assert seen[0] == 0
    assert 0 < seen[1] < 60
    assert seen[2:] == [60.0, 60.0, 60.0]


def test_how_late_a_namespace_is_can_be_told(cloudwatch, aws_world):
    aws_world.cloudwatch.lateness[ALB] = PROMPT
    aws_world.cloudwatch.lateness["Late"] = Lateness(timedelta(minutes=10), timedelta(minutes=10))
    aws_world.cloudwatch.put(ALB, "RequestCount", SHOP, NOON - MINUTE, 1.0)
    aws_world.cloudwatch.put("Late", "RequestCount", SHOP, NOON - MINUTE, 1.0)

    answer = read(
        cloudwatch,
        query(namespace=ALB, metric="RequestCount"),
        query(namespace="Late", metric="RequestCount", id="b"),
    )

    assert (values(answer), values(answer, "b")) == ([1.0], [])


# ---------------------------------------------------------------------------------------------------------------- pages


def test_a_series_may_be_split_over_pages(cloudwatch, put):
    for minute in range(10):
        put([float(minute)], at=HOUR_AGO + minute * MINUTE)
        put([100.0 + minute], at=HOUR_AGO + minute * MINUTE, metric="other")
    asked = [query(), query(id="b", metric="other")]

    pages = [read(cloudwatch, *asked, MaxDatapoints=7)]
    while "NextToken" in pages[-1]:
        pages.append(read(cloudwatch, *asked, MaxDatapoints=7, NextToken=pages[-1]["NextToken"]))

    assert [
        [(each["Id"], each["StatusCode"], len(each["Values"])) for each in page["MetricDataResults"]]
        for page in pages
    ] == [
        [("a", "PartialData", 7)],
        [("a", "Complete", 3), ("b", "PartialData", 4)],
        [("b", "Complete", 6)],
    ]
    assert [value for page in pages for value in values(page)] == [float(n) for n in range(10)]


def test_aws_may_split_earlier_than_asked(cloudwatch, aws_world, put):
    aws_world.cloudwatch.reading.page_size = 1
    put([1.0], at=HOUR_AGO)
    put([2.0], at=HOUR_AGO + MINUTE)

    pages = list(
        cloudwatch.get_paginator("get_metric_data").paginate(
            MetricDataQueries=[query()], StartTime=HOUR_AGO, EndTime=NOON
        )
    )

    assert [values(page) for page in pages] == [[2.0], [1.0]]


def test_a_token_is_good_for_the_same_question_only(cloudwatch, put):
    put([1.0], at=HOUR_AGO)
    put([2.0], at=HOUR_AGO + MINUTE)
    token = read(cloudwatch, MaxDatapoints=1)["NextToken"]

    with pytest.raises(ClientError) as other:
        read(cloudwatch, query("Average"), MaxDatapoints=1, NextToken=token)
    with pytest.raises(ClientError) as unknown:
        read(cloudwatch, MaxDatapoints=1, NextToken="x")

    assert code_of(other) == code_of(unknown) == "InvalidNextToken"


# ------------------------------------------------------------------------------------- what goes wrong in a good answer


def test_a_series_may_fail_once_within_a_good_answer(cloudwatch, aws_world, put):
    put([1.0])
    aws_world.cloudwatch.reading.fail_once.append("latency")

    first, second = read(cloudwatch), read(cloudwatch)

    assert (first["MetricDataResults"][0]["StatusCode"], values(first)) == ("InternalError", [])
    assert (second["MetricDataResults"][0]["StatusCode"], values(second)) == ("Complete", [1.0])


def test_the_metrics_of_another_account_are_forbidden_unless_it_is_linked(cloudwatch, aws_world, put):
    put([1.0])
    asked = query(AccountId="999900001111")

    forbidden = read(cloudwatch, asked)["MetricDataResults"][0]
    aws_world.cloudwatch.link(aws_world.place("999900001111", "eu-central-1").cloudwatch)

    assert (forbidden["StatusCode"], forbidden["Values"]) == ("Forbidden", [])
    assert forbidden["Messages"][0]["Code"] == "Forbidden"
    assert read(cloudwatch, asked)["MetricDataResults"][0]["StatusCode"] == "Complete"


# ------------------------------------------------------------------------------------------------------ quotas and costs


def test_too_many_calls_a_second_are_throttled_until_the_next(cloudwatch, aws_clock):
    for _ in range(9):
        cloudwatch.describe_alarms()
    with pytest.raises(ClientError) as refused:
        cloudwatch.describe_alarms()
    aws_clock.go_on(seconds=1)

    assert cloudwatch.describe_alarms()["MetricAlarms"] == []
    assert code_of(refused) == "Throttling"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_too_many_points_a_second_are_throttled(cloudwatch, aws_clock):
    asked = [query(id=f"m{n}") for n in range(500)]
    for _ in range(6):
        read(cloudwatch, *asked)
    with pytest.raises(ClientError) as refused:
        read(cloudwatch, *asked)
    aws_clock.go_on(seconds=1)

    read(cloudwatch, *asked)
    assert code_of(refused) == "Throttling"


def test_every_metric_asked_for_is_billed(cloudwatch, aws_world):
    read(cloudwatch, *[query(id=f"m{n}") for n in range(30)])
    read(cloudwatch, query())

    assert aws_world.cloudwatch.reading.billed == 31


# -------------------------------------------------------------------------------------------------------- what there is


def test_a_new_metric_is_listed_after_a_quarter_of_an_hour(cloudwatch, put, aws_clock):
    put([1.0], at=NOON)

    aws_clock.go_on(minutes=14)
    before = cloudwatch.list_metrics(Namespace="Shop")["Metrics"]
    aws_clock.go_on(minutes=1)

    assert before == []
    assert cloudwatch.list_metrics(Namespace="Shop")["Metrics"] == [
        {
            "Namespace": "Shop",
            "MetricName": "latency",
            "Dimensions": [{"Name": name, "Value": value} for name, value in SHOP.items()],
        }
    ]


def test_a_metric_without_data_is_forgotten_after_two_weeks(cloudwatch, put, aws_clock):
    put([1.0])

    aws_clock.go_on(days=13)
    kept = cloudwatch.list_metrics()["Metrics"]
    recent = cloudwatch.list_metrics(RecentlyActive="PT3H")["Metrics"]
    aws_clock.go_on(days=1)

    assert (len(kept), len(recent), cloudwatch.list_metrics()["Metrics"]) == (1, 0, [])


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, 3),
        ({"Namespace": "Shop"}, 2),
        ({"MetricName": "errors"}, 1),
        ({"Dimensions": [{"Name": "TargetGroup"}]}, 2),
        ({"Dimensions": [{"Name": "LoadBalancer", "Value": "app/shop/1"}]}, 3),
        ({"Dimensions": [{"Name": "LoadBalancer", "Value": "app/other/1"}]}, 0),
    ],
)
def test_metrics_are_listed_by_what_is_asked(cloudwatch, aws_world, put, asked, found):
    put([1.0])
    put([1.0], metric="errors", dimensions={"LoadBalancer": "app/shop/1"})
    aws_world.cloudwatch.put("Other", "latency", SHOP, HOUR_AGO, 1.0)

    assert len(cloudwatch.list_metrics(**asked)["Metrics"]) == found


def test_five_hundred_metrics_are_a_page(cloudwatch, put):
    for number in range(501):
        put([1.0], metric=f"m{number}")

    pages = [len(page["Metrics"]) for page in cloudwatch.get_paginator("list_metrics").paginate()]

    assert pages == [500, 1]


def test_what_boto3_puts_can_be_read(cloudwatch, aws_world):
    dimensions = [{"Name": "service", "Value": "web"}]
    cloudwatch.put_metric_data(
        Namespace="Own",
        MetricData=[
            {
                "MetricName": "latency",
                "Dimensions": dimensions,
                "Timestamp": HOUR_AGO,
                "Values": [0.1, 0.5],
                "Counts": [3, 1],
            },
            {"MetricName": "errors", "Dimensions": dimensions, "Timestamp": HOUR_AGO, "Value": 2},
        ],
    )

    answer = read(
        cloudwatch,
        query("TC(:0.3)", namespace="Own", dimensions={"service": "web"}),
        query("Sum", id="b", namespace="Own", dimensions={"service": "web"}, metric="errors"),
    )

    assert (values(answer), values(answer, "b")) == ([3.0], [2.0])
    with pytest.raises(ClientError) as refused:
        cloudwatch.put_metric_data(Namespace="Own", MetricData=[{"MetricName": "x", "Values": [1.0] * 151}])
    assert code_of(refused) == "InvalidParameterValue"


# --------------------------------------------------------------------------------------------------------------- alarms


@pytest.fixture
def _alarms(aws_world):
    aws_world.cloudwatch.set_alarm("errors", "OK", HOUR_AGO)
    aws_world.cloudwatch.set_alarm("latency", "ALARM", HOUR_AGO)
    aws_world.cloudwatch.set_alarm("any", "ALARM", HOUR_AGO, rule="ALARM(errors) OR ALARM(latency)")


@pytest.mark.usefixtures("_alarms")
def test_composite_alarms_are_left_out_unless_asked_for(cloudwatch):
    usual = cloudwatch.describe_alarms(AlarmNames=["errors", "any"])
    both = cloudwatch.describe_alarms(
        AlarmNames=["errors", "any"], AlarmTypes=["MetricAlarm", "CompositeAlarm"]
    )

    assert ([each["AlarmName"] for each in usual["MetricAlarms"]], usual["CompositeAlarms"]) == (
        ["errors"],
        [],
    )
    assert [each["AlarmName"] for each in both["CompositeAlarms"]] == ["any"]


@pytest.mark.usefixtures("_alarms")
def test_an_alarm_says_since_when_it_is_so(cloudwatch, aws_world, aws_clock):
    aws_clock.go_on(minutes=1)
    aws_world.cloudwatch.set_alarm("errors", "ALARM", at=aws_clock())

    found = cloudwatch.describe_alarms(AlarmNames=["errors"])["MetricAlarms"][0]
    event = aws_world.advance()[-1]

    assert (found["StateValue"], found["StateTransitionedTimestamp"]) == ("ALARM", aws_clock())
    assert event["detail-type"] == "CloudWatch Alarm State Change"
    assert (event["detail"]["previousState"]["value"], event["detail"]["state"]["value"]) == ("OK", "ALARM")


def test_more_than_a_hundred_names_are_refused(cloudwatch):
    with pytest.raises(ClientError) as refused:
        cloudwatch.describe_alarms(AlarmNames=[f"a{n}" for n in range(101)])

    assert code_of(refused) == "ValidationError"
