"""What became of tasks, told by AWS and read by us."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from deploy.ports import Aws
from rules.sample import Bucket, Counts, Invalid, NoData, Reading, Unavailable, Who
from tests.fakes.aws import Behaviour
from tests.scenarios.virtual import in_virtual_time
from tests.watcher.signals.ecs_tasks.shop import (
    ACCOUNT,
    BASELINE,
    CANARY,
    OLD,
    ROUND,
    Shop,
    buckets,
    indicator,
    second,
    total,
)
from watcher.signals.ecs_tasks.provider import EcsTasks, open_tasks
from watcher.signals.ecs_tasks.reader import Reader
from watcher.signals.provider import Opening, Question, Window
from watcher.telemetry.metrics import Metrics

STARTS = timedelta(seconds=5)
CRASHES = Behaviour(starts_in=STARTS, crashes_after=timedelta(seconds=10))


async def deployed(behaviour: Behaviour, until: float = 150) -> Shop:
    shop = Shop()
    shop.deploy(behaviour)
    shop.turn(until)
    return shop


async def test_a_release_that_crashes_again_and_again_is_bad_and_the_one_beside_it_is_not():
    shop = await deployed(CRASHES)

    mine, others = total(await shop.ask())

    assert mine.bad > 20
    assert mine.bad / mine.total > 0.4
    assert others.bad == 0
    assert others.total >= 4 * 36


@pytest.mark.parametrize(
    ("behaviour", "manner"),
    [
        (CRASHES, "crashed"),
        (
            Behaviour(starts_in=STARTS, crashes_after=timedelta(seconds=9), out_of_memory=True),
            "out_of_memory",
        ),
        (Behaviour(starts_in=STARTS, unhealthy_after=timedelta(seconds=9)), "unhealthy"),
        (
            Behaviour(starts_in=STARTS, fails_to_start="CannotPullContainerError: not found"),
            "failed_to_start",
        ),
    ],
)
async def test_each_manner_of_failing_is_told_apart(behaviour, manner):
    shop = await deployed(behaviour)

    bad = {
        each: total(await shop.ask(bad=each))[0].bad
        for each in ("crashed", "out_of_memory", "unhealthy", "failed_to_start")
    }

    assert [each for each, count in bad.items() if count] == [manner]
    assert total(await shop.ask())[0].bad == bad[manner]


async def test_a_good_deployment_a_scale_in_and_a_spot_interruption_are_no_failures_of_anybody():
    shop = Shop()
    shop.deploy()
    shop.turn(120)
    shop.world.ecs.scale("web", 2, shop.now)
    shop.turn(180)
    alive = next(task for task in shop.world.ecs.find("web").tasks if task.status == "RUNNING")
    shop.world.ecs.kill(alive.arn, shop.now)
    shop.turn(300)

    mine, others = total(await shop.ask())

    assert (mine.bad, others.bad) == (0, 0)
    assert mine.total > 0
    assert others.total > 0


async def test_a_crash_is_told_when_its_bucket_is_final_fifteen_seconds_after_its_end():
    shop = await deployed(CRASHES, until=29)  # they crash at 15 s
    provider = shop.provider()
    early = await shop.ask(provider)
    shop.turn(45)

    late = await shop.ask(provider)

    assert total(early)[0].bad == 0
    assert buckets(late)[-1].canary == Counts(4, 8)  # four that crashed, and the four that follow them


async def test_a_daemon_that_was_away_finds_what_it_missed():
    shop = await deployed(CRASHES, until=60)
    there = shop.provider()
    said: dict[datetime, Bucket] = {}
    for moment in range(60, 600, 15):
        shop.turn(moment)
        said |= {bucket.end: bucket for bucket in buckets(await shop.ask(there))}

    found = {bucket.end: bucket for bucket in buckets(await shop.ask())}

    assert found == {end: said[end] for end in found}
    assert len(found) > 200


async def test_what_ecs_has_dropped_is_a_hole():
    shop = await deployed(CRASHES, until=7200)

    first = buckets(await shop.ask(shop.provider()))[0]

    assert first.start >= second(7200) - timedelta(minutes=55)


async def test_a_history_reaches_back_as_far_as_ecs_remembers_and_no_further():
    shop = Shop()
    provider = shop.provider()
    question = Question("q", indicator(), {"task_definition": "web:1"}, None)

    day = (await provider.read([question], Window(second(-86400), second(0), shop.now + ROUND)))["q"]
    yesterday = (await provider.read([question], Window(second(-86400), second(-7200), shop.now + ROUND)))[
        "q"
    ]

    assert len(buckets(day)) == 219  # 55 min, but for what is not final
    assert all(bucket.canary == Counts(0, 4) for bucket in buckets(day))
    assert isinstance(yesterday, NoData)
    assert "hour" in yesterday.words


async def test_a_zone_is_told_apart():
    shop = Shop()
    zones = {task.zone for task in shop.world.ecs.find("web").tasks}

    totals = [total(await shop.ask(zone=zone))[1].total for zone in sorted(zones)]

    assert len(zones) > 1
    assert sum(totals) == total(await shop.ask())[1].total


async def test_many_questions_about_one_service_are_one_reading():
    shop = Shop()
    provider = shop.provider()
    asked = [
        Question(f"q{n}", indicator(bad="crashed"), {"task_definition": f"web:{n}"}, None) for n in range(50)
    ]

    readings = await provider.read(asked, Window(second(-60), second(-15), shop.now + ROUND))

    assert len(readings) == 50
    assert shop.calls() == ["ListTasks", "ListTasks", "DescribeTasks"]


async def test_who_asks_again_before_another_bucket_is_final_costs_nothing():
    shop = Shop()
    provider = shop.provider()
    shop.turn(60)
    await shop.ask(provider)
    shop.turn(74)
    shop.calls()
    soon = await shop.ask(provider)
    asked_soon = shop.calls()
    shop.turn(75)

    late = await shop.ask(provider)

    assert asked_soon == []
    assert shop.calls() == ["ListTasks", "ListTasks"]
    assert buckets(late)[-1].end - buckets(soon)[-1].end == timedelta(seconds=15)


async def test_a_release_without_a_task_definition_is_the_authors_to_mend():
    shop = Shop()
    question = Question("q", indicator(), {"version": "v2"}, None)

    reading = (await shop.provider().read([question], Window(second(-60), second(-15), shop.now + ROUND)))[
        "q"
    ]

    assert isinstance(reading, Invalid)
    assert reading.who is Who.AUTHOR
    assert "task_definition" in reading.words


async def test_it_is_opened_for_an_account_and_shares_its_reader_with_all_who_are_opened_so(aws_http):
    shop = Shop()
    opening = Opening(aws_http, lambda: shop.now, lambda: 0.0, Metrics(), shop.aws, ACCOUNT)
    async with open_tasks(None, opening) as one, open_tasks(None, opening) as other:
        for provider in (one, other):
            question = Question("q", indicator(), {"task_definition": "web:1"}, None)
            await provider.read([question], Window(second(-60), second(-15), shop.now + ROUND))

    assert shop.calls() == ["ListTasks", "ListTasks", "DescribeTasks"]


async def test_without_an_account_it_is_not_opened(aws_http):
    with pytest.raises(ValueError, match="account"):
        async with open_tasks(None, Opening(aws_http, lambda: second(0), lambda: 0.0)):
            pass


def test_what_was_told_before_the_deadline_is_said_though_another_cluster_hangs():
    shop = Shop()
    shop.world.ecs.create_service("web", OLD, second(-3600), cluster="other", desired=4)
    shop.turn(60)
    provider = EcsTasks(Reader(Hangs(shop.aws, "other"), lambda: shop.now), ACCOUNT.name, lambda: shop.now)
    window = Window(second(-60), second(30), shop.now + ROUND)
    questions = [
        Question(cluster, indicator(cluster=cluster), CANARY, BASELINE, None) for cluster in ("prod", "other")
    ]

    async def asked() -> tuple[Mapping[str, Reading], float]:
        began = asyncio.get_running_loop().time()
        told = await provider.read(questions, window)
        return told, asyncio.get_running_loop().time() - began

    told, took = in_virtual_time(asked())

    assert took < ROUND.total_seconds()
    assert total(told["prod"])[1].total == 4 * 6
    late = "ECS in shop did not tell all tasks of the cluster other in time"
    assert told["other"] == Unavailable(Who.PROVIDER, late)


@dataclass
class Hangs:
    """AWS, which never says a word about one cluster."""

    aws: Aws
    cluster: str

    async def read(self, scope: str, service: str, operation: str, /, **asked: Any) -> Mapping[str, Any]:
        if asked["cluster"] == self.cluster:
            await asyncio.sleep(3600)
        return await self.aws.read(scope, service, operation, **asked)

    act = poll = read
