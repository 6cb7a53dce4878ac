"""A whole cluster's lists in the place of its services': how often ECS is asked, and that the same is said."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from deploy.errors import AwsRefused
from deploy.ports import Aws
from rules.sample import Invalid, Unavailable, Who
from tests.fakes.aws import AwsError, Behaviour
from tests.scenarios.virtual import in_virtual_time
from tests.watcher.signals.ecs_tasks.shop import NEW, OLD, Shop, second
from tests.watcher.signals.ecs_tasks.test_task import CRASHES as ENDED
from tests.watcher.signals.ecs_tasks.test_task import RUNS
from watcher.commands._init.names import Names
from watcher.commands._init.policies import read_policy
from watcher.signals.ecs_tasks.asking import Asking
from watcher.signals.ecs_tasks.cluster import DENIED_FOR, FORGOTTEN, Cluster
from watcher.signals.ecs_tasks.ending import Failure
from watcher.signals.ecs_tasks.plan import KNOWN_FOR, MOST_PAGES
from watcher.signals.ecs_tasks.reader import Reader
from watcher.signals.ecs_tasks.reading import Reading
from watcher.signals.ecs_tasks.services import ServiceAt, Tasks, Told
from watcher.signals.ecs_tasks.task import Task

LONG_AGO = second(-3600)
CRASHES = Behaviour(starts_in=timedelta(seconds=5), crashes_after=timedelta(seconds=20))


def at(name: str) -> ServiceAt:
    return ServiceAt("shop", "prod", name)


def a_shop(*, others: int, desired: int = 2, **more: Any) -> tuple[Shop, list[ServiceAt]]:
    """`web`, and so many other services in its cluster."""
    shop = Shop(desired=desired, **more)
    names = [f"web{number}" for number in range(others)]
    for name in names:
        shop.world.ecs.create_service(name, OLD, LONG_AGO, desired=desired)
    shop.world.advance()
    return shop, [at(name) for name in ("web", *names)]


def a_reader(shop: Shop, aws: Aws | None = None) -> Reader:
    return Reader(aws or shop.aws, lambda: shop.now)


def tasks_of(told: Told) -> dict[str, Task]:
    assert isinstance(told, Tasks), told
    return {task.arn: task for task in told.tasks}


def counted(shop: Shop) -> Mapping[str, int]:
    return Counter(shop.calls())


# ------------------------------------------------------------------------------------------------------------- how often


async def test_many_services_of_a_cluster_cost_its_lists_and_few_of_them_their_own():
    shop, services = a_shop(others=149)  # 300 tasks: four pages
    many, few = a_reader(shop), a_reader(shop)
    first = await many.read(services, shop.now)
    asked_first = counted(shop)
    shop.turn(15)
    again = await many.read(services, shop.now)
    asked_again = counted(shop)
    await few.read(services[:2], shop.now)
    tried = counted(shop)
    shop.turn(30)
    await few.read(services[:2], shop.now)

    assert asked_first == {"ListTasks": 4, "DescribeTasks": 3}
    assert asked_again == {"ListTasks": 4}
    assert all(
        len(tasks_of(first[each])) == 2 and tasks_of(first[each]) == tasks_of(again[each])
        for each in services
    )
    assert tried == {
        "ListTasks": 2 + 4,
        "DescribeTasks": 1,
    }  # once in ten minutes: it is larger than is worth it
    assert counted(shop) == {"ListTasks": 4}


async def test_how_many_pages_the_lists_of_a_service_have_is_weighed_as_soon_as_it_is_known():
    shop, services = a_shop(others=1, desired=150)
    reader = a_reader(shop)
    await reader.read(services, shop.now)
    first = counted(shop)["ListTasks"]
    shop.turn(KNOWN_FOR.total_seconds() + 1)

    await reader.read(services, shop.now)

    assert first == 2 + 2 * 3  # tried in vain, for who knows nothing takes two calls for a service
    assert counted(shop)["ListTasks"] == 3 + 1


async def test_what_is_asked_for_in_the_same_round_is_read_along_and_costs_nothing_more():
    shop, services = a_shop(others=20)
    reader = a_reader(shop)
    for each in services:
        await reader.read([each], shop.now)
    shop.turn(15)
    shop.calls()
    await reader.read(services[:1], shop.now)
    asked_once = counted(shop)
    shop.now += timedelta(seconds=7)

    told = [await reader.read([each], second(15)) for each in services]

    assert asked_once == {"ListTasks": 2}
    assert shop.calls() == []
    assert [len(tasks_of(each)) for one in told for each in one.values()] == [2] * 21


async def test_who_has_not_asked_for_a_while_is_not_read_along():
    shop, services = a_shop(others=20)
    reader = a_reader(shop)
    await reader.read(services, shop.now)
    shop.turn(60)
    shop.calls()

    await reader.read(services[:1], shop.now)
    asked_for_one = counted(shop)
    for each in services:
        await reader.read([each], shop.now)

    assert asked_for_one == {"ListTasks": 2}
    assert counted(shop) == {"ListTasks": 2 * 20}


async def test_a_task_of_nobody_who_asks_is_described_once_and_never_again():
    shop, services = a_shop(others=30, desired=3)
    reader = a_reader(shop)
    await reader.read(services[:10], shop.now)
    shop.world.ecs.behave(NEW, CRASHES)
    shop.world.ecs.deploy("web29", NEW, shop.now)
    shop.calls()
    described: list[str] = []
    for moment in range(15, 150, 15):
        shop.turn(moment)
        await reader.read(services[:10], shop.now)
        described += [
            arn
            for call in shop.world.calls
            if call.operation == "DescribeTasks"
            for arn in call.parameters["tasks"]
        ]
        assert counted(shop)["ListTasks"] == 2

    assert len(described) > 10
    assert max(Counter(described).values()) == 1


async def test_a_service_that_was_a_stranger_is_told_whole_once_it_is_asked_for():
    shop, services = a_shop(others=30, desired=3)
    reader = a_reader(shop)
    await reader.read(services[:10], shop.now)
    shop.turn(15)

    told = await reader.read(services[:11], shop.now)

    assert [len(tasks_of(each)) for each in told.values()] == [3] * 11


async def test_what_nobody_asks_for_any_more_is_forgotten():
    shop, services = a_shop(others=3)
    reader = a_reader(shop)
    await reader.read(services, shop.now)
    shop.turn(FORGOTTEN.total_seconds() + 1)
    await reader.read(services[:1], shop.now)
    shop.calls()

    await reader.read(services[1:2], shop.now)

    assert counted(shop) == {"ListTasks": 2, "DescribeTasks": 1}


async def test_of_a_cluster_that_nobody_asks_for_any_more_nothing_is_kept():
    shop, services = a_shop(others=3)
    elsewhere = ServiceAt("shop", "other", "web")
    reader = a_reader(shop)
    await reader.read([*services, elsewhere], shop.now)
    shop.turn(FORGOTTEN.total_seconds())
    await reader.read(services, shop.now)
    kept = set(reader._clusters)
    shop.turn(FORGOTTEN.total_seconds() + 1)
    await reader.read(services, shop.now)

    assert kept == {("shop", "prod"), ("shop", "other")}
    assert set(reader._clusters) == {("shop", "prod")}


# ----------------------------------------------------------------------------------------------------- the same is said


async def test_both_ways_say_the_same_while_one_release_crashes_another_is_good_and_a_third_is_scaled():
    shop, services = a_shop(others=7, desired=4)
    whole, singly = a_reader(shop), [a_reader(shop) for _ in services]
    shop.deploy(CRASHES)
    shop.world.ecs.register("api", "shop:1", LONG_AGO)
    shop.world.ecs.deploy("web1", "api:1", shop.now)
    crashed = 0
    for moment in range(0, 240, 15):
        shop.turn(moment)
        if moment == 90:
            shop.world.ecs.scale("web2", 0, shop.now)
        together = await whole.read(services, shop.now)
        for alone, service in zip(singly, services, strict=True):
            one = (await alone.read([service], shop.now))[service]
            assert tasks_of(together[service]) == tasks_of(one)
        crashed = [task.failure for task in tasks_of(together[at("web")]).values()].count(Failure.CRASHED)

    assert crashed > 10


async def test_services_of_one_name_in_other_clusters_and_accounts_are_others():
    shop, services = a_shop(others=5)
    for number in range(6):
        name = "web" if not number else f"web{number}"
        shop.world.ecs.create_service(name, OLD, LONG_AGO, cluster="other", desired=1)
    shop.world.advance()
    elsewhere = [ServiceAt("shop", "other", each.service) for each in services]

    told = await a_reader(shop).read([*services, *elsewhere], shop.now)

    assert [len(tasks_of(told[each])) for each in services] == [2] * 6
    assert [
        len(tasks_of(told[each])) if isinstance(told[each], Tasks) else told[each] for each in elsewhere
    ] == [
        1,
        Invalid(Who.AUTHOR, "there is no service web0 in the cluster other (account shop)"),
        *[1] * 4,
    ]
    assert not set(tasks_of(told[services[0]])) & set(tasks_of(told[elsewhere[0]]))


async def test_a_service_that_is_not_there_and_one_that_is_scaled_to_nothing_are_told_apart_and_trouble_nobody():
    shop, services = a_shop(others=8)
    shop.world.ecs.scale("web1", 0, shop.now)
    shop.turn(60)
    reader = a_reader(shop)
    shop.calls()
    asked = [*services, at("wbe")]

    told = await reader.read(asked, shop.now)

    assert counted(shop) == {"ListTasks": 2 + 2, "DescribeTasks": 1}
    assert told[at("wbe")] == Invalid(
        Who.AUTHOR, "there is no service wbe in the cluster prod (account shop)"
    )
    assert all(task.is_over for task in tasks_of(told[at("web1")]).values())
    assert all(len(tasks_of(told[each])) == 2 for each in services)


async def test_a_cluster_that_is_not_there_is_every_authors_to_mend():
    shop, _ = a_shop(others=0)
    asked = [ServiceAt("shop", "pord", f"web{number}") for number in range(4)]

    told = await a_reader(shop).read(asked, shop.now)

    assert set(told.values()) == {Invalid(Who.AUTHOR, "there is no cluster pord (account shop)")}


# --------------------------------------------------------------------------------------------------------------- refused


@dataclass
class Narrow:
    """AWS, by a role that may list what *allows* says."""

    aws: Aws
    allows: str = "serviceName"
    code: str = "AccessDeniedException"
    refused: int = 0

    async def read(self, scope: str, service: str, operation: str, /, **asked: Any) -> Mapping[str, Any]:
        if operation == "list_tasks" and self.allows not in asked:
            self.refused += 1
            raise AwsRefused(operation, self.code, "not authorized to perform", may_have_happened=False)
        return await self.aws.read(scope, service, operation, **asked)

    act = poll = read


async def test_what_init_writes_allows_both_ways_for_its_cluster_and_no_other():
    shop, services = a_shop(others=8)
    shop.world.ecs.create_service("web", OLD, LONG_AGO, cluster="other")
    shop.world.advance()
    names = Names(
        cluster="prod",
        services=("web",),
        families=("web",),
        region="eu-central-1",
        account=shop.world.account,
    )
    shop.world.identities.grant_own(policies=[read_policy(names)])
    elsewhere = ServiceAt("shop", "other", "web")

    together = await a_reader(shop).read([*services, elsewhere], shop.now)
    lists = counted(shop)["ListTasks"]
    alone = await a_reader(shop).read(services[:1], shop.now)

    assert lists == 2 + 1
    assert all(len(tasks_of(together[each])) == 2 for each in services)
    assert len(tasks_of(alone[services[0]])) == 2
    denied = together[elsewhere]
    assert isinstance(denied, Unavailable)
    assert "may not be read" in denied.words


async def test_where_the_whole_cluster_may_not_be_listed_it_is_done_service_by_service_and_said_once():
    shop, services = a_shop(others=8)
    narrow = Narrow(shop.aws)
    reader = a_reader(shop, cast("Aws", narrow))
    with capture_logs() as logs:
        told = [await reader.read(services, shop.now)]
        for moment in (15, 30, DENIED_FOR.total_seconds() + 1, DENIED_FOR.total_seconds() + 16):
            shop.turn(moment)
            told.append(await reader.read(services, shop.now))
    asked = counted(shop)
    narrow.allows = "cluster"  # the role is given more
    shop.turn(2 * DENIED_FOR.total_seconds() + 2)
    await reader.read(services, shop.now)

    assert all(len(tasks_of(each)) == 2 for one in told for each in one.values())
    assert asked["ListTasks"] == 5 * 2 * 9
    assert narrow.refused == 2
    assert [(each["event"], each["cluster"]) for each in logs] == [("tasks.listed_singly", "prod")]
    assert "not authorized" in logs[0]["words"]
    assert counted(shop)["ListTasks"] == 2


async def test_a_role_that_may_list_nothing_is_told_so_and_not_that_it_is_asked_too_much():
    shop, services = a_shop(others=3)
    reader = a_reader(shop, cast("Aws", Narrow(shop.aws, allows="nothing")))
    with capture_logs() as logs:
        told = await reader.read(services, shop.now)

    assert logs == []
    needs = "needs ecs:ListTasks and ecs:DescribeTasks"
    assert all(isinstance(each, Unavailable) and needs in each.words for each in told.values())
    assert {each.who for each in told.values() if isinstance(each, Unavailable)} == {Who.OPERATOR}


@pytest.mark.parametrize("code", ["ThrottlingException", "InternalFailure"])
async def test_a_cluster_that_is_not_told_is_everybodys_trouble_and_no_reason_to_ask_for_each(code):
    shop, services = a_shop(others=8)
    narrow = Narrow(shop.aws, code=code)
    reader = a_reader(shop, cast("Aws", narrow))

    told = await reader.read(services, shop.now)

    assert shop.calls() == []
    assert narrow.refused == 1
    assert all(isinstance(each, Unavailable) and code in each.words for each in told.values())


@pytest.mark.parametrize("code", ["ThrottlingException", "ServerException", "InvalidParameterException"])
async def test_after_two_storms_services_are_listed_one_by_one_for_a_round_and_then_together_again(code):
    shop, services = a_shop(others=8)
    narrow = Narrow(shop.aws, code=code)
    reader = a_reader(shop, cast("Aws", narrow))
    lists = []
    for moment in (15, 30, 45, 60):
        shop.turn(moment)
        if moment == 60:
            narrow.allows = "cluster"
        await reader.read(services, shop.now)
        lists.append(counted(shop).get("ListTasks", 0))

    assert lists == [0, 0, 2 * 9, 2]


@pytest.mark.parametrize("code", ["ClusterNotFoundException", "ExpiredTokenException"])
async def test_a_cluster_of_which_no_list_can_be_had_is_asked_for_once_a_round_and_never_for_each(code):
    shop, services = a_shop(others=8)
    narrow = Narrow(shop.aws, allows="nothing", code=code)
    reader = a_reader(shop, cast("Aws", narrow))
    for moment in (15, 30, 45, 60):
        shop.turn(moment)
        await reader.read(services, shop.now)

    assert narrow.refused == 4


def test_where_tasks_are_not_described_nobody_is_asked_for_by_name_on_top():
    shop, services = a_shop(others=29)
    refused = AwsError("ThrottlingException", "no")
    shop.world.faults.fail("ecs", "DescribeTasks", error=refused, times=None)

    told = in_virtual_time(a_reader(shop).read(services, shop.now))

    assert counted(shop)["ListTasks"] == 2
    assert all(isinstance(each, Unavailable) and refused.code in each.words for each in told.values())


async def test_who_waits_while_the_clock_is_set_on_by_hours_is_told_all_the_same():
    shop, services = a_shop(others=3)
    held = Held(shop.aws)
    reader = a_reader(shop, cast("Aws", held))
    waits = [
        asyncio.create_task(reader.read(some, shop.now + at))
        for some, at in (
            (services[:2], timedelta(0)),
            (services[:2], 2 * FORGOTTEN),
            (services[1:], 2 * FORGOTTEN),
        )
    ]
    await held.asked.wait()
    shop.turn(2 * FORGOTTEN.total_seconds() + 1)
    held.answers.set()

    _, told, others = await asyncio.gather(*waits)

    assert [len(tasks_of(each)) for each in (*told.values(), *others.values())] == [2] * 5


async def test_whose_a_task_is_is_remembered_for_as_long_as_it_is_listed():
    shop, services = a_shop(others=30, desired=3)
    cluster = Cluster("shop", "prod")
    shop.world.ecs.behave(NEW, CRASHES)
    shop.world.ecs.deploy("web29", NEW, shop.now)
    known = []
    for moment in (90, 90 + 3600, 90 + 7200):
        shop.turn(moment)
        cluster.wanted([each.service for each in services[:10]], shop.now)
        reading = Reading(Asking(shop.aws, "shop", "prod"), cluster, shop.now)
        await reading.go([each.service for each in services[:10]], shop.now)
        known.append(len(cluster.owners))
        if moment == 90:
            shop.world.ecs.scale("web29", 0, shop.now)

    assert known[0] > 31 * 3
    assert known[-1] == 30 * 3


@dataclass
class Held:
    """AWS, which answers from a moment on."""

    aws: Aws
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    answers: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(self, scope: str, service: str, operation: str, /, **asked: Any) -> Mapping[str, Any]:
        self.asked.set()
        await self.answers.wait()
        return await self.aws.read(scope, service, operation, **asked)

    act = poll = read


@dataclass
class Rationed:
    """ECS with *pages* of tasks that run, which takes so many calls a round and throttles the others."""

    pages: int
    left: int = 0

    async def read(self, _scope: str, _service: str, operation: str, /, **asked: Any) -> dict[str, Any]:
        self.left -= 1
        if self.left < 0:
            raise AwsRefused(operation, "ThrottlingException", "Rate exceeded", may_have_happened=False)
        page = int(asked.get("nextToken", 0)) + 1
        is_long = "serviceName" not in asked and asked.get("desiredStatus") == "RUNNING"
        return {"nextToken": str(page)} if is_long and page < self.pages else {}

    act = poll = read


async def test_a_cluster_that_is_longer_than_ecs_lets_anybody_read_leaves_nobody_out_for_ever():
    shop, ecs = Shop(), Rationed(pages=9)
    reader = a_reader(shop, cast("Aws", ecs))
    services = [at(f"s{number}") for number in range(20)]
    seen: set[ServiceAt] = set()
    for moment in range(0, 15 * 24, 15):
        shop.now, ecs.left = second(moment), 8
        told = await reader.read(services, shop.now)
        seen |= {service for service, each in told.items() if isinstance(each, Tasks)}

    assert seen == set(services)


# ------------------------------------------------------------------------------------------------------------- in time


@dataclass
class Slow:
    """AWS, of which some calls take so long, and each a moment."""

    aws: Aws
    slow: Callable[[Mapping[str, Any]], bool]
    takes: float = 60.0

    async def read(self, scope: str, service: str, operation: str, /, **asked: Any) -> Mapping[str, Any]:
        await asyncio.sleep(self.takes if self.slow(asked) else 0.05)
        return await self.aws.read(scope, service, operation, **asked)

    act = poll = read


def in_time(reader: Reader, services: Sequence[ServiceAt], not_before: datetime) -> Mapping[ServiceAt, Told]:
    """What is told within a round."""

    async def round_() -> Mapping[ServiceAt, Told]:
        return await reader.read(services, not_before, asyncio.get_running_loop().time() + 5.5)

    return in_virtual_time(round_())


def test_a_cluster_that_does_not_answer_holds_up_no_other_and_is_told_to_be_late():
    shop, services = a_shop(others=3)
    shop.world.ecs.create_service("api", OLD, LONG_AGO, cluster="other")
    shop.world.advance()
    api = ServiceAt("shop", "other", "api")
    reader = a_reader(shop, cast("Aws", Slow(shop.aws, lambda asked: asked["cluster"] == "prod")))

    told = in_time(reader, [*services, api], shop.now)

    assert len(tasks_of(told[api])) == 2
    late = Unavailable(Who.PROVIDER, "ECS in shop did not tell all tasks of the cluster prod in time")
    assert [told[each] for each in services] == [late] * 4


def test_of_services_that_are_listed_one_by_one_those_that_were_told_in_time_are_known_and_the_others_come_first():
    shop, services = a_shop(others=299, desired=1)
    slow = Slow(cast("Aws", Narrow(shop.aws)), lambda asked: False)
    reader = a_reader(shop, cast("Aws", slow))
    seen: set[ServiceAt] = set()
    rounds = 0
    while len(seen) < len(services) and rounds < 5:
        told = in_time(reader, services, shop.now)
        seen |= {service for service, each in told.items() if isinstance(each, Tasks)}
        assert 50 <= sum(isinstance(each, Tasks) for each in told.values()) < len(services)
        shop.turn(15 * (rounds := rounds + 1))

    assert seen == set(services)
    assert rounds == 2


def test_where_the_whole_clusters_lists_are_never_told_in_time_its_services_are():
    shop, services = a_shop(others=3)
    reader = a_reader(
        shop,
        cast("Aws", Slow(shop.aws, lambda asked: "desiredStatus" in asked and "serviceName" not in asked)),
    )
    told = []
    for moment in range(15, 15 * 31, 15):
        shop.turn(moment)
        told.append(in_time(reader, services, shop.now))
    known = [sum(isinstance(each, Tasks) for each in one.values()) for one in told]

    assert known[:4] == [0, 0, 4, 4]
    assert known.count(0) == 2 + 3  # it is tried ever more seldom
    assert {*known} == {0, 4}


def test_a_cluster_that_is_told_in_time_again_is_listed_whole_and_what_was_is_forgotten():
    shop, services = a_shop(others=3)
    slow = Slow(shop.aws, lambda asked: "desiredStatus" in asked and "serviceName" not in asked)
    reader = a_reader(shop, cast("Aws", slow))
    for moment in range(15, 15 * 5, 15):
        shop.turn(moment)
        in_time(reader, services, shop.now)
    lists = []
    for moment in range(75, 75 + 15 * 8, 15):
        shop.turn(moment)
        shop.calls()
        slow.takes = 60.0 if moment == 75 + 15 * 6 else 0.05
        in_time(reader, services, shop.now)
        lists.append(counted(shop)["ListTasks"])

    assert lists[3:6] == [2, 2, 2]
    assert lists[6:] == [0, 2]  # late once: what was before is over


def test_however_long_a_cluster_is_late_it_is_tried_once_in_ten_minutes():
    cluster = Cluster("shop", "prod")
    cluster.is_late(second(0))
    once = cluster.late_until
    for _ in range(1_000):
        cluster.is_late(second(0))

    assert once < second(0)
    assert cluster.late_until == second(0) + KNOWN_FOR


# -------------------------------------------------------------------------------------------------------- between pages


def a_task(number: int, service: str, told: Mapping[str, Any] = RUNS) -> dict[str, Any]:
    return {**told, "taskArn": f"arn:aws:ecs:x:1:task/prod/{number:03}", "group": f"service:{service}"}


@dataclass
class Scripted:
    """A cluster's tasks, as a test has them told."""

    running: Sequence[dict[str, Any]] = ()
    stopped: Sequence[dict[str, Any]] = ()
    hidden: frozenset[str] = frozenset()  # from lists
    asked: list[str] = field(default_factory=list)

    async def read(self, _scope: str, _service: str, operation: str, /, **asked: Any) -> dict[str, Any]:
        if operation == "list_tasks":
            tasks = self.running if asked["desiredStatus"] == "RUNNING" else self.stopped
            wanted = asked.get("serviceName")
            return {
                "taskArns": [
                    each["taskArn"]
                    for each in tasks
                    if (each["taskArn"] not in self.hidden and wanted is None)
                    or each["group"] == f"service:{wanted}"
                ]
            }
        self.asked += asked["tasks"]
        known = {each["taskArn"]: each for each in (*self.running, *self.stopped)}
        missing = [{"arn": arn, "reason": "MISSING"} for arn in asked["tasks"] if arn not in known]
        return {"tasks": [known[arn] for arn in asked["tasks"] if arn in known], "failures": missing}

    act = poll = read


ABC = [at("a"), at("b"), at("c")]


async def asked_twice(before: Scripted, after: Scripted) -> Mapping[ServiceAt, Told]:
    """What is told after the second of two rounds."""
    moment = second(120)
    ecs = before
    reader = Reader(cast("Aws", _Later(lambda: ecs)), lambda: moment)
    await reader.read(ABC, moment)
    ecs, moment = after, second(135)
    return await reader.read(ABC, moment)


@dataclass
class _Later:
    now: Any

    async def read(self, *asked: Any, **more: Any) -> Mapping[str, Any]:
        told: Mapping[str, Any] = await self.now().read(*asked, **more)
        return told

    act = poll = read


async def test_a_task_that_a_page_leaves_out_is_asked_for_by_its_name_and_goes_on_running():
    tasks = [a_task(number, service) for number, service in enumerate("aabbc")]
    left_out = tasks[0]["taskArn"]
    later = Scripted(tasks, hidden=frozenset({left_out}))

    told = await asked_twice(Scripted(tasks), later)

    assert later.asked == [left_out]
    assert [len(tasks_of(told[each])) for each in ABC] == [2, 2, 1]
    assert tasks_of(told[ABC[0]])[left_out].is_running


async def test_a_task_that_stops_between_the_lists_is_in_both_and_is_described_once():
    tasks = [a_task(number, service) for number, service in enumerate("abc")]
    ends = a_task(0, "a", {**ENDED, "lastStatus": "STOPPED"})
    later = Scripted(tasks[1:], [ends])
    later.running = [*tasks[1:], ends]

    told = await asked_twice(Scripted(tasks), later)

    assert later.asked == [ends["taskArn"]]
    assert [task.failure for task in tasks_of(told[ABC[0]]).values()] == [Failure.CRASHED]


async def test_a_task_that_ecs_knows_no_more_is_forgotten_and_its_service_is_asked_for_by_name():
    tasks = [a_task(number, service) for number, service in enumerate("abc")]

    told = await asked_twice(Scripted(tasks), Scripted(tasks[1:]))

    assert [len(tasks_of(told[each])) for each in ABC] == [0, 1, 1]


async def test_a_service_whose_only_task_the_pages_leave_out_is_told_whole_all_the_same():
    tasks = [a_task(number, service) for number, service in enumerate("abc")]
    ecs = Scripted(tasks, hidden=frozenset({tasks[0]["taskArn"]}))

    told = await Reader(cast("Aws", ecs), lambda: second(120)).read(ABC, second(120))

    assert [len(tasks_of(told[each])) for each in ABC] == [1, 1, 1]


async def test_a_service_that_only_its_own_list_tells_is_told_as_far_as_that_is_read():
    tasks = [a_task(number, service) for number, service in enumerate("abc")]
    ecs = Endless(tasks, hidden=frozenset({tasks[0]["taskArn"]}))

    told = await Reader(cast("Aws", ecs), lambda: second(120)).read(ABC, second(120))

    assert ecs.pages == MOST_PAGES
    assert [each.is_whole for each in told.values() if isinstance(each, Tasks)] == [False, True, True]


class Endless(Scripted):
    """Where a service's list has no end."""

    pages = 0

    async def read(self, scope: str, service: str, operation: str, /, **asked: Any) -> dict[str, Any]:
        told = await super().read(scope, service, operation, **asked)
        if "serviceName" in asked:
            self.pages += 1
            told["nextToken"] = "more"
        return told

    act = poll = read


@pytest.mark.parametrize("group", ["family:b", "b", "", None, 7, "service:other"])
async def test_a_task_of_no_service_or_of_one_that_nobody_asks_for_is_counted_for_nobody(group):
    tasks = [a_task(number, service) for number, service in enumerate("abc")]
    stranger = {**a_task(9, ""), "group": group}

    told = await Reader(cast("Aws", Scripted([*tasks, stranger])), lambda: second(120)).read(ABC, second(120))

    assert [len(tasks_of(told[each])) for each in ABC] == [1, 1, 1]


@pytest.mark.parametrize(("whose", "troubled"), [("b", ["b"]), ("other", [])])
async def test_a_task_that_cannot_be_read_is_its_own_services_trouble_alone(whose, troubled):
    tasks = [a_task(number, service) for number, service in enumerate("abc")]
    broken = {**a_task(9, whose), "createdAt": "yesterday"}

    told = await Reader(cast("Aws", Scripted([*tasks, broken])), lambda: second(120)).read(ABC, second(120))

    assert [each.service for each in ABC if isinstance(told[each], Invalid)] == troubled


async def test_where_nobody_knows_whose_a_task_is_that_is_not_described_nobody_is_told_half():
    shop, services = a_shop(others=3)
    reader = a_reader(shop)
    await reader.read(services, shop.now)
    shop.deploy()
    shop.turn(15)
    refused = AwsError("InternalFailure", "no")
    fault = shop.world.faults.fail("ecs", "DescribeTasks", error=refused, times=None)

    told = await reader.read(services, shop.now)
    shop.world.faults.lift(fault)
    shop.turn(30)
    after = await reader.read(services, shop.now)

    assert all(isinstance(each, Unavailable) and refused.code in each.words for each in told.values())
    assert [len(tasks_of(after[each])) for each in services] == [4, 2, 2, 2]
