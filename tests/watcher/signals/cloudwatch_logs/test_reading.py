"""What is counted, what is scanned for it, and what happens to a query that takes longer than a round."""

import asyncio
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from deploy.errors import AwsRefused
from deploy.model import About
from rules.sample import Counts, Invalid, NoData, Unavailable, Who
from tests.fakes.aws import Direct
from tests.fakes.world import START
from tests.scenarios.virtual import in_virtual_time
from tests.watcher.signals.cloudwatch_logs.asking import (
    ACCOUNT,
    GROUP,
    MINUTE,
    NEW,
    OLD,
    RATIO,
    Asking,
    buckets,
    indicator,
    truth,
)
from watcher.signals.cloudwatch_logs import CloudWatchLogs, unknown
from watcher.signals.cloudwatch_logs.fetch import Found
from watcher.signals.cloudwatch_logs.plan import arm_of
from watcher.signals.cloudwatch_logs.provider import _shared
from watcher.signals.cloudwatch_logs.query import parsed
from watcher.signals.on_aws import OnAws
from watcher.signals.provider import Question, Window
from watcher.signals.unknown import Unknown


@pytest.mark.parametrize(
    "query",
    [
        RATIO,
        {**RATIO, "bad": {"contains": '"status": 500'}},
        {**RATIO, "bad": {"lacks": '"status": 200', "fields": {"msg": {"not": "another"}}}},
        {"groups": [GROUP], "total": {"fields": {"version": "v?${arm.version}"}}, "bad": {"fields": {"status": "500"}}},
    ],
)  # fmt: skip
def test_each_minute_counts_what_was_written_in_it_by_each_release(query):
    async def story() -> None:
        async with Asking().open() as ask:
            found = buckets(await ask.one(query))

            assert len(found) == 8
            for bucket in found:
                assert bucket.canary == truth(ask.world, bucket, "v2")
                assert bucket.baseline == truth(ask.world, bucket, "v1")

    in_virtual_time(story())


def test_what_is_told_while_a_query_runs_is_not_believed():
    async def story() -> None:
        async with Asking().open() as ask:
            ask.aws.logs.looks = 4
            found = buckets(await ask.one())

            assert [each.canary for each in found] == [truth(ask.world, each, "v2") for each in found]

    in_virtual_time(story())


def test_bad_lines_that_are_not_there_are_none_and_lines_that_are_not_there_are_no_data():
    async def story() -> None:
        async with Asking().open() as ask:
            found = buckets(await ask.one({**RATIO, "bad": {"fields": {"status": "418"}}}))
            silent = await ask.one(canary={"version": "v3"})

        assert {each.canary.bad for each in found if isinstance(each.canary, Counts)} == {0.0}
        assert all(each.canary is None for each in buckets(silent))
        async with Asking().open() as ask:
            nothing = await ask.one({**RATIO, "total": {"fields": {"version": "v9"}}})
        assert isinstance(nothing, NoData)

    in_virtual_time(story())


def test_only_what_is_not_known_yet_is_scanned():
    async def story() -> None:
        async with Asking().open() as ask:
            found = buckets(await ask.one(since=START + 6 * MINUTE))

            assert [each.end for each in found] == [START + 7 * MINUTE, START + 8 * MINUTE]
            assert ask.started[0]["startTime"] == int((START + 6 * MINUTE).timestamp())
            assert (
                ask.aws.logs.scanned < sum(len(each.message) + 26 for each in ask.aws.logs.groups[GROUP]) / 3
            )

    in_virtual_time(story())


def test_a_query_that_takes_longer_than_a_round_is_found_again_and_not_paid_twice():
    async def story() -> None:
        async with Asking().open() as ask:
            ask.aws.logs.looks = 9
            first = await ask.one(since=START + 6 * MINUTE)
            ask.now += MINUTE
            second = buckets(await ask.one(since=START + 6 * MINUTE))
            third = await ask.one(since=START + 8 * MINUTE)

            assert isinstance(first, Unavailable)
            assert "still running" in first.words
            assert [each.end for each in second] == [START + 7 * MINUTE, START + 8 * MINUTE]
            assert [each.canary for each in second] == [truth(ask.world, each, "v2") for each in second]
            assert len(ask.started) == 2
            assert isinstance(third, Unavailable)
        assert ask.aws.logs.running == []

    in_virtual_time(story())


def test_what_lies_behind_a_hole_is_left_for_the_next_round():
    """A query about 618 minutes is still running when 627 are asked for, which are two."""

    async def story() -> None:
        async with Asking(629, every=60).open() as ask:
            ask.now -= 9 * MINUTE
            ask.aws.logs.looks = 9
            await ask.one()
            ask.now += 9 * MINUTE
            ask.aws.logs.looks = 1
            second = buckets(await ask.one())
            third = buckets(await ask.one(since=second[-1].end))

            assert second[-1].end <= START + 618 * MINUTE
            assert third[-1].end == START + 627 * MINUTE
            assert [each.canary for each in third] == [truth(ask.world, each, "v2") for each in third]

    in_virtual_time(story())


def test_a_query_that_nobody_asks_for_again_is_stopped():
    async def story() -> None:
        async with Asking().open() as ask:
            ask.aws.logs.looks = 10**6
            await ask.one()
            assert len(ask.aws.logs.running) == 1
            ask.now += 11 * MINUTE
            await ask.one(since=START + 17 * MINUTE)

            assert len(ask.aws.logs.running) == 1
            assert ask.aws.count("logs", "StopQuery") == 1

    in_virtual_time(story())


class SlowToStop(Direct):
    """Where a query is stopped in three seconds."""

    async def read(self, scope: str, service: str, operation: str, /, **parameters: Any) -> Mapping[str, Any]:
        if operation == "stop_query":
            await asyncio.sleep(3)
        return await super().read(scope, service, operation, **parameters)


def test_a_query_that_is_told_while_another_is_stopped_need_not_be_stopped():
    async def story() -> None:
        ask = Asking()
        ask.provider = CloudWatchLogs(SlowToStop(ask.aws), ACCOUNT, lambda: ask.now)
        async with ask.open():
            ask.aws.logs.looks = 10**6
            await ask.one()
            ask.aws.logs.looks = 9
            await ask.one(since=START + 6 * MINUTE)
            ask.now += 11 * MINUTE
            found = buckets(await ask.one(since=START + 6 * MINUTE))

            assert found[0].end == START + 7 * MINUTE
            assert ask.aws.count("logs", "StopQuery") == 1

    in_virtual_time(story())


def test_no_more_than_five_run_at_once_and_fifty_groups_share_one():
    async def story() -> None:
        groups = [f"/ecs/shop-{number:03}" for number in range(300)]
        async with Asking(3, groups, every=20).open() as ask:
            ask.aws.logs.most = 5
            asked = [indicator({**RATIO, "groups": name}, name) for name in groups]
            readings = await ask.all(*asked)

            assert len(ask.started) == 6
            expected = truth(ask.world, buckets(readings[groups[0]])[0], "v1")
            assert expected is not None
            assert all([each.baseline for each in buckets(read)] == [expected] for read in readings.values())

    in_virtual_time(story())


def test_where_there_is_no_time_for_all_the_others_come_first_in_the_next_round():
    async def story() -> None:
        groups = [
            f"/ecs/shop-{number:03}" for number in range(450)
        ]  # nine queries, of which five run at once
        async with Asking(3, groups, every=60).open() as ask:
            ask.aws.logs.looks = 6  # five seconds, and a round has not quite six
            asked = [indicator({**RATIO, "groups": name}, name) for name in groups]
            rounds = []
            for _ in range(2):
                readings = await ask.all(*asked)
                rounds.append({name for name, each in readings.items() if not isinstance(each, Unavailable)})

            assert [len(each) for each in rounds] == [250, 250]
            assert rounds[0] | rounds[1] == set(groups)

    in_virtual_time(story())


def test_a_group_that_is_not_there_is_the_authors_alone():
    async def story() -> None:
        async with Asking(groups=[GROUP, "/ecs/cart"]).open() as ask:
            names = {"shop": GROUP, "cart": "/ecs/cart", "wrong": "/ecs/crat"}
            asked = [indicator({**RATIO, "groups": group}, name) for name, group in names.items()]
            readings = dict(await ask.all(*asked))

        wrong = readings.pop("wrong")
        assert isinstance(wrong, Invalid)
        assert wrong.who is Who.AUTHOR
        assert "no log group /ecs/crat" in wrong.words
        assert all(len(buckets(each)) == 8 for each in readings.values())

    in_virtual_time(story())


@pytest.mark.parametrize("status", ["Failed", "Cancelled", "Timeout", "Unknown"])
def test_a_query_that_fails_is_blindness(status):
    async def story() -> None:
        async with Asking().open() as ask:
            ask.aws.logs.ends_as = status
            reading = await ask.one()

        assert isinstance(reading, Unavailable)
        assert status in reading.words

    in_virtual_time(story())


@pytest.mark.parametrize("others_ask", [False, True])
def test_a_query_that_may_not_be_looked_at_for_a_while_is_found_again_and_not_paid_twice(others_ask):
    """AWS throttles who looks; or somebody else was throttled, and it is not asked at all."""

    async def story() -> None:
        ask = Asking()
        aws = OnAws(Direct(ask.aws), lambda: ask.now)
        ask.provider = CloudWatchLogs(aws, ACCOUNT, lambda: ask.now)
        async with ask.open():
            ask.aws.logs.looks = 9
            await ask.one()
            storm = ask.aws.faults.throttle("logs", "GetQueryResults")
            for _ in range(3 if others_ask else 0):
                with pytest.raises(AwsRefused):
                    await aws.read(ACCOUNT.name, "logs", "get_query_results", queryId="of-another")
            refused = await ask.one()
            ask.aws.faults.lift(storm)
            await asyncio.sleep(60)
            again = await ask.one()

            assert isinstance(refused, Unavailable)
            assert isinstance(again, tuple)
            assert len(ask.started) == 1

    in_virtual_time(story())


class Dated(Direct):
    """AWS, of whose clock ours is a minute ahead."""

    skew = MINUTE


def test_what_is_started_by_a_wrong_clock_is_stopped_and_not_left_to_be_paid():
    async def story() -> None:
        ask = Asking()
        ask.provider = CloudWatchLogs(OnAws(Dated(ask.aws), lambda: ask.now), ACCOUNT, lambda: ask.now)
        async with ask.open():
            ask.aws.logs.looks = 9
            for _ in range(3):
                reading = await ask.one()
                assert isinstance(reading, Unavailable)
                assert "60 s ahead of that of AWS" in reading.words

            assert ask.aws.logs.running == []
            assert ask.aws.count("logs", "StopQuery") == len(ask.started)

    in_virtual_time(story())


def test_an_account_that_has_no_query_left_is_waited_for():
    async def story() -> None:
        async with Asking().open() as ask:
            ask.aws.logs.most = 0
            reading = await ask.one()

        assert isinstance(reading, Unavailable)
        assert reading.who is Who.PROVIDER
        assert "too many queries" in reading.words

    in_virtual_time(story())


def test_more_rows_than_come_in_one_piece_never_pass_for_all_of_them():
    async def story() -> None:
        async with Asking(3).open() as ask:
            ask.aws.logs.looks = 1
            for number in range(10_000):
                line = {"msg": "handled", "version": "v2", "status": number}
                ask.aws.logs.write(GROUP, START + timedelta(seconds=1), json.dumps(line))
            reading = await ask.one()

        assert isinstance(reading, Invalid)
        assert reading.who is Who.AUTHOR
        assert "status" in reading.words

    in_virtual_time(story())


def test_what_may_still_come_is_marked():
    async def story() -> None:
        async with Asking().open() as ask:
            asked = Question("q", indicator(), NEW, OLD)
            window = Window(START, ask.now, ask.now + timedelta(seconds=6))
            found = buckets((await ask.provider.read([asked], window))["q"])

        assert [each.end for each in found if each.incomplete] == [ask.now - MINUTE, ask.now]

    in_virtual_time(story())


def test_the_doctor_hears_what_was_scanned_and_of_a_group_that_is_not_there():
    async def story() -> None:
        async with Asking().open() as ask:
            assert ask.provider.cost(indicator()) is None
            await ask.one()
            words = await unknown(Direct(ask.aws), ACCOUNT, indicator({**RATIO, "groups": "/ecs/shpo"}))

            assert ask.provider.cost(indicator()) == "0.0 MB were scanned for 8m of 1 log group"
            assert words == Unknown(
                About.LOG_GROUP,
                "there is no log group /ecs/shpo in the account shop (eu-central-1): did you mean /ecs/shop?",
            )
            assert await unknown(Direct(ask.aws), ACCOUNT, indicator()) is None

    in_virtual_time(story())


def test_the_actions_that_are_called_are_those_that_the_documentation_names():
    async def story() -> set[str]:
        async with Asking().open() as ask:
            ask.aws.logs.looks = 9
            await ask.one()
            await unknown(Direct(ask.aws), ACCOUNT, indicator())
        return {call.action for call in ask.aws.calls}

    assert in_virtual_time(story()) == {
        "logs:StartQuery",
        "logs:GetQueryResults",
        "logs:StopQuery",
        "logs:DescribeLogGroups",
    }


def test_arms_that_were_told_the_same_have_their_rows_together():
    first, second = (Found(START + n * MINUTE, [], 0.0) for n in (1, 2))
    one, other, later = (
        arm_of(parsed(json.dumps(RATIO)), {"version": version}) for version in ("v1", "v2", "v3")
    )

    found = _shared({one: (first, second), other: (first, second), later: (second,)})

    assert found[one] is found[other]
    assert found[one] is not found[later]
