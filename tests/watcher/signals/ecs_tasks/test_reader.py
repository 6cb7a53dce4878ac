"""How often ECS is asked, and by whom: counted at the far end."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from deploy.errors import AwsRefused
from deploy.ports import Aws
from rules.sample import Invalid, Unavailable, Who
from tests.fakes.aws import AwsError, Behaviour
from tests.scenarios.virtual import in_virtual_time
from tests.watcher.signals.ecs_tasks.shop import NEW, OLD, Shop, second
from tests.watcher.signals.ecs_tasks.test_task import ARN, RUNS
from tests.watcher.signals.ecs_tasks.test_task import CRASHES as CRASHES_TOLD
from watcher.signals.ecs_tasks.ending import Failure
from watcher.signals.ecs_tasks.plan import MOST_PAGES
from watcher.signals.ecs_tasks.reader import Reader
from watcher.signals.ecs_tasks.services import ServiceAt, Tasks, Told
from watcher.signals.on_aws import Throttled

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
WEB = ServiceAt("shop", "prod", "web")
REST = ["ListTasks", "ListTasks"]
CRASHES = Behaviour(starts_in=timedelta(seconds=5), crashes_after=timedelta(seconds=10))


def a_reader(shop: Shop) -> Reader:
    return Reader(shop.aws, lambda: shop.now)


def arns(told: Told) -> set[str]:
    assert isinstance(told, Tasks), told
    return {task.arn for task in told.tasks}


async def test_a_service_at_rest_costs_two_calls_however_many_tasks_it_has():
    shop = Shop(desired=90)
    reader = a_reader(shop)
    first = (await reader.read([WEB], shop.now))[WEB]
    asked_first = shop.calls()
    shop.turn(15)

    again = (await reader.read([WEB], shop.now))[WEB]

    assert asked_first == [*REST, "DescribeTasks"]
    assert shop.calls() == REST
    assert arns(first) == arns(again)
    assert len(arns(again)) == 90


async def test_only_what_is_new_or_may_have_changed_is_described():
    shop = Shop(desired=20)
    reader = a_reader(shop)
    await reader.read([WEB], shop.now)
    shop.deploy(CRASHES)
    described = []
    told: Told | None = None
    for moment in range(15, 120, 15):
        shop.turn(moment)
        shop.calls()
        told = (await reader.read([WEB], shop.now))[WEB]
        described += [
            arn
            for call in shop.world.calls
            if call.operation == "DescribeTasks"
            for arn in call.parameters["tasks"]
        ]

    assert isinstance(told, Tasks)
    over = [task.arn for task in told.tasks if task.is_over]
    assert len(over) > 100
    assert max(described.count(arn) for arn in over) <= 2


async def test_a_task_that_is_still_starting_is_described_until_it_runs():
    shop = Shop(desired=2)
    reader = a_reader(shop)
    shop.deploy(Behaviour(starts_in=timedelta(seconds=20)))
    running = []
    for moment in (15, 30, 45):
        shop.turn(moment)
        told = (await reader.read([WEB], shop.now))[WEB]
        assert isinstance(told, Tasks)
        running.append(any(task.is_running and task.task_definition == NEW for task in told.tasks))

    assert running == [False, True, True]


async def test_a_hundred_tasks_are_one_call_and_pages_are_followed():
    shop = Shop(desired=230)

    told = (await a_reader(shop).read([WEB], shop.now))[WEB]

    assert shop.calls() == ["ListTasks"] * 4 + ["DescribeTasks"] * 3
    assert len(arns(told)) == 230


async def test_the_services_of_a_cluster_are_described_together():
    shop = Shop(desired=20)
    names = [f"web{number}" for number in range(4)]
    for name in names:
        shop.world.ecs.create_service(name, OLD, second(-3600), desired=20)
    services = [ServiceAt("shop", "prod", name) for name in ("web", *names)]

    told = await a_reader(shop).read(services, shop.now)

    assert [len(arns(each)) for each in told.values()] == [20] * 5
    assert sorted(shop.calls()) == ["DescribeTasks", *REST]


async def test_all_who_ask_for_one_moment_share_one_reading():
    shop = Shop()
    reader = a_reader(shop)

    told = await asyncio.gather(*(reader.read([WEB], shop.now) for _ in range(10)))

    assert shop.calls() == [*REST, "DescribeTasks"]
    assert all(each == told[0] for each in told)


async def test_a_reading_that_began_early_enough_is_told_again_and_an_older_one_is_not():
    shop = Shop()
    reader = a_reader(shop)
    shop.turn(10)
    await reader.read([WEB], second(10))
    shop.turn(20)
    shop.calls()

    await reader.read([WEB], second(10))
    before = shop.calls()
    await reader.read([WEB], second(11))

    assert before == []
    assert shop.calls() == REST


async def test_two_readers_say_the_same_for_what_is_remembered_only_saves_calls():
    shop = Shop()
    old = a_reader(shop)
    shop.deploy(CRASHES)
    seen: Told | None = None
    for moment in range(15, 180, 15):
        shop.turn(moment)
        seen = (await old.read([WEB], shop.now))[WEB]

    fresh = (await a_reader(shop).read([WEB], shop.now))[WEB]

    assert isinstance(seen, Tasks)
    assert isinstance(fresh, Tasks)
    assert {task.arn: task for task in seen.tasks} == {task.arn: task for task in fresh.tasks}


async def test_what_stopped_over_an_hour_ago_is_forgotten():
    shop = Shop()
    reader = a_reader(shop)
    shop.deploy()
    shop.turn(120)
    before = arns((await reader.read([WEB], shop.now))[WEB])

    shop.turn(120 + 2 * 3600)
    after = arns((await reader.read([WEB], shop.now))[WEB])

    assert len(before) == 8
    assert len(after) == 4


async def test_a_reading_has_an_end_however_many_tasks_there_are(caplog):
    shop = Shop(desired=20)
    shop.deploy(Behaviour(starts_in=timedelta(seconds=1), crashes_after=timedelta(seconds=1)))
    shop.turn(130)

    told = (await a_reader(shop).read([WEB], shop.now))[WEB]
    calls = shop.calls()

    assert isinstance(told, Tasks)
    assert not told.is_whole
    assert calls.count("ListTasks") == 1 + MOST_PAGES
    assert calls.count("DescribeTasks") == 11


@pytest.mark.parametrize(
    ("service", "words"),
    [
        (ServiceAt("shop", "prod", "wbe"), "there is no service wbe in the cluster prod (account shop)"),
        (ServiceAt("shop", "pord", "web"), "there is no cluster pord (account shop)"),
    ],
)
async def test_a_name_that_ecs_does_not_know_is_the_authors_to_mend_and_nobody_elses_trouble(service, words):
    shop = Shop()

    told = await a_reader(shop).read([WEB, service], shop.now)

    assert told[service] == Invalid(Who.AUTHOR, words)
    assert len(arns(told[WEB])) == 4


@pytest.mark.parametrize("operation", ["ListTasks", "DescribeTasks"])
@pytest.mark.parametrize(
    ("code", "who", "says"),
    [
        ("AccessDeniedException", Who.OPERATOR, "needs ecs:ListTasks and ecs:DescribeTasks"),
        ("ExpiredTokenException", Who.OPERATOR, "shop"),
        ("ThrottlingException", Who.PROVIDER, "ThrottlingException"),
        ("InternalFailure", Who.PROVIDER, "InternalFailure"),
    ],
)
def test_what_aws_refuses_is_said_with_who_must_act(operation, code, who, says):
    shop = Shop()
    shop.world.faults.fail("ecs", operation, error=AwsError(code, "no"), times=None)

    told = in_virtual_time(a_reader(shop).read([WEB], shop.now))[WEB]

    assert isinstance(told, Unavailable)
    assert told.who is who
    assert says in told.words


async def test_who_is_throttled_is_told_until_when():
    at = NOON + timedelta(seconds=4)

    class Full:
        async def read(self, *_asked: Any, **_more: Any) -> dict[str, Any]:
            refused = AwsRefused("list_tasks", "ThrottlingException", "Rate", may_have_happened=False)
            raise Throttled(refused, at)

    told = (await Reader(cast("Aws", Full()), lambda: NOON).read([WEB], NOON))[WEB]

    assert told == Unavailable(Who.PROVIDER, "ECS in shop: ThrottlingException: Rate", at)


async def test_a_trouble_is_shared_too_and_is_over_with_the_next_reading():
    shop = Shop()
    reader = a_reader(shop)
    fault = shop.world.faults.fail("ecs", error=AwsError("AccessDeniedException", "no"), times=None)
    await reader.read([WEB], shop.now)
    asked = len(shop.calls())
    await reader.read([WEB], shop.now)
    again = shop.calls()
    shop.world.faults.lift(fault)
    shop.turn(15)

    told = (await reader.read([WEB], shop.now))[WEB]

    assert (asked, again) == (1, [])
    assert len(arns(told)) == 4


async def test_a_reading_that_was_cut_off_is_taken_up_where_it_was():
    shop = Shop(desired=230)
    reader = a_reader(shop)
    shop.world.faults.slow("ecs", "DescribeTasks", seconds=5.0, times=None)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await reader.read([WEB], shop.now)
    shop.world.faults.pending.clear()

    told = (await reader.read([WEB], shop.now))[WEB]

    assert len(arns(told)) == 230


@dataclass
class Scripted:
    """ECS, as it is told to be."""

    running: list[str] = field(default_factory=list)
    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)

    async def read(self, _scope: str, _service: str, operation: str, /, **asked: Any) -> dict[str, Any]:
        if operation == "list_tasks":
            return {"taskArns": self.running if asked["desiredStatus"] == "RUNNING" else []}
        known = [self.tasks[arn] for arn in asked["tasks"] if arn in self.tasks]
        missing = [{"arn": arn, "reason": "MISSING"} for arn in asked["tasks"] if arn not in self.tasks]
        return {"tasks": known, "failures": missing}

    act = poll = read


async def test_a_task_that_is_in_no_list_is_asked_for_by_its_name():
    ended = {**CRASHES_TOLD, "lastStatus": "STOPPED"}
    ecs = Scripted([ARN], {ARN: RUNS})
    reader = Reader(ecs, lambda: second(120))
    await reader.read([WEB], second(119))
    ecs.running, ecs.tasks = [], {ARN: ended}

    told = (await reader.read([WEB], second(121)))[WEB]

    assert isinstance(told, Tasks)
    assert [task.failure for task in told.tasks] == [Failure.CRASHED]


async def test_a_task_that_ecs_knows_no_more_is_forgotten_for_how_it_ended_nobody_can_tell():
    ecs = Scripted([ARN], {ARN: RUNS})
    reader = Reader(ecs, lambda: second(120))
    await reader.read([WEB], second(119))
    ecs.running, ecs.tasks = [], {}

    told = (await reader.read([WEB], second(121)))[WEB]

    assert arns(told) == set()


async def test_a_task_that_nobody_asked_for_is_nobodys():
    ecs = Scripted(["arn:aws:ecs:x:1:task/prod/other"], {"arn:aws:ecs:x:1:task/prod/other": RUNS})

    told = (await Reader(ecs, lambda: second(120)).read([WEB], second(119)))[WEB]

    assert arns(told) == set()


async def test_an_answer_that_ecs_cannot_give_is_the_providers_to_mend():
    ecs = Scripted(["arn:a"], {"arn:a": {"taskArn": 7}})

    told = (await Reader(ecs, lambda: second(0)).read([WEB], second(0)))[WEB]

    assert isinstance(told, Invalid)
    assert told.who is Who.PROVIDER


@dataclass
class Rationed:
    """ECS, which takes so many calls a round, and throttles the others."""

    left: int = 0

    async def read(self, _scope: str, _service: str, operation: str, /, **_asked: Any) -> dict[str, Any]:
        self.left -= 1
        if self.left < 0:
            raise AwsRefused(operation, "ThrottlingException", "Rate exceeded", may_have_happened=False)
        return {}


@pytest.mark.parametrize("clusters", [1, 6])
async def test_where_ecs_does_not_take_all_calls_nobody_is_left_out_for_ever(clusters):
    ecs, now = Rationed(), NOON
    reader = Reader(cast("Aws", ecs), lambda: now)
    services = [ServiceAt("shop", f"c{number % clusters}", f"s{number}") for number in range(6)]
    seen: set[ServiceAt] = set()
    for _ in range(4):
        ecs.left = 8  # two lists each, of four
        told = await reader.read(services, now)
        seen |= {service for service, each in told.items() if isinstance(each, Tasks)}
        now += timedelta(seconds=15)

    assert seen == set(services)
