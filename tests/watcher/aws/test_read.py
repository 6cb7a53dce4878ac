"""To read: standard retries, the role to read, and an end in time."""

import asyncio
import socket
from dataclasses import replace
from datetime import timedelta

import pytest
from aiohttp import web
from botocore.exceptions import ParamValidationError

from deploy.errors import AwsRefused
from tests.watcher.aws.far import (
    BOTH,
    OWN,
    READER,
    SHOP,
    Clock,
    a_far_side,
    breaks_off,
    hangs,
    hurried,
    patient,
    refuses,
    says,
    sts_refuses,
    talks_nonsense,
)
from watcher.aws import open_aws
from watcher.aws.modes import USUAL
from watcher.telemetry.metrics import Metrics

A_TARGETS_CALL = 7.0  # deploy.target.CALL_TIMEOUT


async def refused(near, operation="list_clusters") -> AwsRefused:
    with pytest.raises(AwsRefused) as caught:
        await near.door.read("shop", "ecs", operation)
    return caught.value


async def test_an_answer_is_boto3s_without_its_metadata():
    async with a_far_side(ListClusters=says({"clusterArns": ["main"]})) as (_, near):
        answer = await near.door.read("shop", "ecs", "list_clusters")

    assert answer == {"clusterArns": ["main"]}


async def test_what_is_throttled_is_tried_again_and_each_time_is_counted():
    throttled = refuses("ThrottlingException")
    async with a_far_side(ListClusters=[throttled, throttled, says({"clusterArns": []})]) as (far, near):
        await near.door.read("shop", "ecs", "list_clusters")

    assert far.count("ListClusters") == 3
    assert near.counted("aws_throttles_total", service="ecs", operation="list_clusters") == 2
    assert (
        near.counted("aws_calls_total", service="ecs", operation="list_clusters", mode="read", result="ok")
        == 1
    )


async def test_throttling_without_end_ends_after_three_attempts():
    async with a_far_side(ListClusters=refuses("ThrottlingException")) as (far, near):
        no = await refused(near)

    assert no.code == "ThrottlingException"
    assert not no.may_have_happened
    assert "quota" in no.remedy
    assert far.count("ListClusters") == 3
    assert (
        near.counted(
            "aws_calls_total", service="ecs", operation="list_clusters", mode="read", result="throttled"
        )
        == 1
    )


@pytest.mark.parametrize(
    ("answer", "code", "attempts"),
    [
        (refuses("ClusterNotFoundException", message="no  such\ncluster"), "ClusterNotFoundException", 1),
        (refuses("ServerException", status=500), "ServerException", 3),
        (refuses("AccessDeniedException"), "AccessDeniedException", 1),
        (breaks_off, "Unreachable", 3),
        (hangs, "Timeout", 3),
        (talks_nonsense, "Unreadable", 1),
    ],
    ids=["refused", "failed", "denied", "broken off", "no answer", "nonsense"],
)
async def test_what_is_not_answered_is_refused_and_changed_nothing(answer, code, attempts):
    modes = hurried() if answer is hangs else patient()
    async with a_far_side(modes=modes, ListClusters=answer) as (far, near):
        no = await refused(near)

    assert (no.operation, no.code) == ("list_clusters", code)
    assert not no.may_have_happened
    assert far.count("ListClusters") == attempts
    assert no.words == " ".join(no.words.split())
    assert no.remedy


async def test_nobody_there_is_unreachable():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{free.getsockname()[1]}"
        async with open_aws({"shop": SHOP}, Metrics(), Clock(), endpoint=endpoint) as aws:
            with pytest.raises(AwsRefused) as caught:
                await aws.read("shop", "ecs", "list_clusters")

    assert caught.value.code == "Unreachable"


async def test_a_call_is_over_in_time_whatever_its_attempts_do():
    loop = asyncio.get_running_loop()
    async with a_far_side(modes=hurried(answer=0.4, whole=0.6), ListClusters=hangs) as (far, near):
        began = loop.time()
        no = await refused(near)
        took = loop.time() - began

        await asyncio.sleep(1.0)  # longer than a second attempt would have waited

    assert no.code == "Timeout"
    assert took < 0.9
    assert far.count("ListClusters") <= 2  # and what was given up is not tried again
    assert (
        near.counted(
            "aws_calls_total", service="ecs", operation="list_clusters", mode="read", result="timeout"
        )
        == 1
    )


@pytest.mark.parametrize("mode", [USUAL.read, USUAL.act], ids=lambda mode: mode.name)
def test_one_attempt_that_hangs_is_over_before_a_target_gives_up(mode):
    assert mode.connect + mode.answer <= mode.whole < A_TARGETS_CALL


async def test_many_calls_at_once_wait_for_each_other_and_not_for_more_connections():
    async with a_far_side(ListClusters=says({"clusterArns": []})) as (far, near):
        await asyncio.gather(*(near.door.read("shop", "ecs", "list_clusters") for _ in range(50)))

    assert far.count("ListClusters") == 50


async def test_a_mistake_of_ours_is_no_refusal():
    async with a_far_side() as (far, near):
        with pytest.raises(ParamValidationError):
            await near.door.read("shop", "ecs", "describe_services", clustre="main")
        with pytest.raises(AttributeError):
            await near.door.read("shop", "ecs", "describe_everything")
        with pytest.raises(KeyError):
            await near.door.read("another", "ecs", "list_clusters")

    assert far.calls == []
    assert (
        near.counted(
            "aws_calls_total", service="ecs", operation="describe_services", mode="read", result="bug"
        )
        == 1
    )


# ------------------------------------------------------------------------------------------------------------- as whom


async def test_without_a_role_it_reads_as_the_daemon_itself():
    async with a_far_side() as (far, near):
        await near.door.read("shop", "ecs", "list_clusters")

    assert far.keys("ListClusters") == [OWN]
    assert far.count("AssumeRole") == 0
    assert "rollbackd/" in far.calls[0].agent


async def test_the_role_to_read_is_assumed_once_by_the_daemon_for_all_services():
    async with a_far_side(BOTH) as (far, near):
        async with asyncio.TaskGroup() as tasks:
            for _ in range(5):
                tasks.create_task(near.door.read("shop", "ecs", "list_clusters"))
        await near.door.read("shop", "cloudwatch", "describe_alarms")

    assert far.keys("AssumeRole") == [OWN]
    assert set(far.keys("ListClusters")) == {"KEYOFrollbackd-read1"}
    assert far.keys("DescribeAlarms") == ["KEYOFrollbackd-read1"]
    (assumed,) = (call for call in far.calls if call.operation == "AssumeRole")
    assert assumed.form["RoleArn"] == [READER]
    assert assumed.form["RoleSessionName"] == ["rollbackd-read"]
    assert (
        near.counted("aws_calls_total", service="sts", operation="assume_role", mode="assume", result="ok")
        == 1
    )


async def test_the_role_to_read_is_assumed_again_before_its_keys_are_over():
    async with a_far_side(BOTH) as (far, near):
        await near.door.read("shop", "ecs", "list_clusters")
        near.clock.passes(minutes=49)
        await near.door.read("shop", "ecs", "list_clusters")
        near.clock.passes(minutes=2)
        await near.door.read("shop", "ecs", "list_clusters")

    assert far.keys("ListClusters") == [
        "KEYOFrollbackd-read1",
        "KEYOFrollbackd-read1",
        "KEYOFrollbackd-read2",
    ]


@pytest.mark.parametrize("code", ["ExpiredTokenException", "UnrecognizedClientException"])
async def test_keys_that_aws_no_longer_takes_are_not_used_again(code):
    async with a_far_side(BOTH, ListClusters=[refuses(code), says({})]) as (far, near):
        no = await refused(near)
        await near.door.read("shop", "ecs", "list_clusters")

    assert "shop" in no.words
    assert READER in no.words
    assert far.keys("ListClusters") == ["KEYOFrollbackd-read1", "KEYOFrollbackd-read2"]


async def test_a_role_that_may_not_be_assumed_says_which_one_and_what_to_do():
    async with a_far_side(BOTH, AssumeRole=sts_refuses("AccessDenied")) as (far, near):
        no = await refused(near)

    assert (no.operation, no.code) == ("list_clusters", "AccessDenied")
    assert READER in no.words
    assert "shop" in no.words
    assert "trust policy" in no.remedy
    assert "accounts.shop.read" in no.remedy
    assert far.count("ListClusters") == 0


@pytest.mark.parametrize(
    "given",
    ["", "<Credentials/>", "<Credentials><AccessKeyId>KEYOFSOMEBODY1234</AccessKeyId></Credentials>"],
)
async def test_an_answer_for_a_role_that_has_no_keys_in_it_is_a_refusal_and_not_a_bug(given):
    async def says_so() -> web.StreamResponse:
        text = f"<AssumeRoleResponse><AssumeRoleResult>{given}</AssumeRoleResult></AssumeRoleResponse>"
        return web.Response(text=text, content_type="text/xml")

    async with a_far_side(BOTH, AssumeRole=[says_so]) as (far, near):
        no = await refused(near)
        far.answers.clear()
        await near.door.read("shop", "ecs", "list_clusters")

    assert (no.code, no.may_have_happened) == ("Unreadable", False)
    assert READER in no.words
    assert "no keys" in no.words
    assert "proxy" in no.remedy
    assert "KEYOFSOMEBODY1234" not in f"{no!r} {no}"
    assert far.count("ListClusters") == 1


async def test_a_refused_role_is_not_asked_for_by_everyone_at_once():
    async with a_far_side(BOTH, AssumeRole=sts_refuses("AccessDenied")) as (far, near):
        for _ in range(5):
            await refused(near)
        assert far.count("AssumeRole") == 1
        near.clock.passes(seconds=6)
        await refused(near)

    assert far.count("AssumeRole") == 2


async def test_a_role_that_was_not_answered_is_asked_for_again_at_once():
    async with a_far_side(BOTH, AssumeRole=[breaks_off, breaks_off, breaks_off, breaks_off]) as (
        far,
        near,
    ):
        no = await refused(near)
        far.answers.clear()
        await near.door.read("shop", "ecs", "list_clusters")

    assert no.code in {"Unreachable", "Timeout"}


async def test_denied_says_who_was_denied():
    async with a_far_side(BOTH, ListClusters=refuses("AccessDeniedException", message="not authorized")) as (
        _,
        near,
    ):
        no = await refused(near)

    assert "not authorized" in no.words
    assert f"account shop, {READER}" in no.words
    assert "policies" in no.remedy


@pytest.mark.parametrize("role", [None, READER], ids=["alone", "to assume a role"])
async def test_no_credentials_at_all_is_said_with_the_account(monkeypatch, role):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    async with a_far_side(replace(SHOP, read=role)) as (far, near):
        no = await refused(near)

    assert no.code == "NoCredentials"
    assert "account shop, the daemon's own credentials" in no.words
    assert no.remedy.startswith("give the daemon a role")
    assert far.calls == []
    assert (
        near.counted(
            "aws_calls_total", service="ecs", operation="list_clusters", mode="read", result="credentials"
        )
        == 1
    )


# ------------------------------------------------------------------------------------------------------ what is counted


def query(number: int) -> dict[str, object]:
    metric = {"Namespace": "AWS/ApplicationELB", "MetricName": "RequestCount"}
    return {"Id": f"q{number}", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}


async def test_metrics_that_are_asked_for_are_counted_and_their_cost_estimated():
    queries = [*(query(number) for number in range(40)), {"Id": "sum", "Expression": "q0 + q1"}]
    async with a_far_side(GetMetricData=says({"MetricDataResults": []})) as (_, near):
        for _ in range(2):
            await near.door.read(
                "shop", "cloudwatch", "get_metric_data", MetricDataQueries=queries, StartTime=0, EndTime=60
            )

    assert near.counted("aws_metrics_requested_total") == 80
    assert near.counted("aws_cost_usd_total") == pytest.approx(0.0008)


async def test_what_a_query_of_logs_has_scanned_is_paid_once_it_is_complete():
    running = {"status": "Running", "statistics": {"bytesScanned": 1e9}}
    for status, cost in ((running, 0.0), ({**running, "status": "Complete"}, 0.005)):
        async with a_far_side(GetQueryResults=says(status)) as (_, near):
            await near.door.read("shop", "logs", "get_query_results", queryId="q")

        assert near.counted("aws_cost_usd_total") == pytest.approx(cost)


async def test_what_is_refused_costs_nothing():
    async with a_far_side(GetMetricData=refuses("InvalidParameterValue")) as (_, near):
        with pytest.raises(AwsRefused):
            await near.door.read(
                "shop", "cloudwatch", "get_metric_data", MetricDataQueries=[query(1)], StartTime=0, EndTime=60
            )

    assert near.counted("aws_cost_usd_total") == 0


async def test_each_answer_tells_how_far_our_clock_is_off():
    async with a_far_side() as (_, near):
        assert near.door.skew is None
        near.clock.passes(seconds=90)
        await near.door.read("shop", "ecs", "list_clusters")

        assert near.door.skew == timedelta(seconds=90)
        assert near.counted("aws_clock_skew_seconds") == 90
