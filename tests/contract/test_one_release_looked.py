"""The one release, by those that look for themselves: at its health, at its pages, at its tasks.

A look is one more request to the release: of the same log it gets what the last request got. So it sees two of a hundred as
seldom as anybody does, and much later than who counts them all; what it can see in time is a release that fails more often.
Tasks tell nothing of requests: what they can see of this release is that it ends the process of whom it fails.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import pytest

from rules.model import Kind
from rules.sample import Bucket, Counts
from tests.contract import test_probes, test_providers, test_relay
from tests.contract.one_release import (
    BESIDE,
    FROM,
    LIVES,
    ONE_IN,
    PROMISED,
    SEEN,
    buckets_in,
    decided,
    requests,
)
from tests.contract.provider_contract import ProviderContract
from tests.fakes.aws import Behaviour
from tests.fakes.aws.ecs.state import Task
from tests.fakes.world import SECOND, START, World
from tests.scenarios.virtual import in_virtual_time
from tests.watcher.signals.ecs_tasks.shop import NEW, Shop, second

LOOKED: Mapping[str, type[ProviderContract]] = {
    "http": test_providers.TestProbe,
    "page": test_probes.TestPage,
    "relay": test_relay.Probes,  # a sidecar beside the new release alone
    "steps": test_probes.TestSteps,
}
ROWS = {("ecs_tasks", Kind.RATIO), *((kind, Kind.PROBE) for kind in LOOKED)}
HALF = 2  # of the requests: one in so many fails
BEAT = 30.0  # seconds: how often they are asked, which looks by themselves
GOOD, BAD = Counts(0.0, 1.0), Counts(1.0, 1.0)


@pytest.mark.parametrize(
    ("rule", "one_in", "many"), [(PROMISED, HALF, 7), (BESIDE, HALF, 33), (BESIDE, ONE_IN, 851)]
)
def test_how_many_looks_at_a_release_it_takes_until_it_is_put_back(rule, one_in, many):
    """Two of a hundred take 851, three and a half hours of one each 15 s; and that is where the old one is looked at as well."""
    every = 15 * SECOND
    looks = [
        Bucket(START + nth * every, START + (nth + 1) * every, GOOD if nth % one_in else BAD, GOOD)
        for nth in range(many)
    ]

    assert decided(looks[:-1], every, many * 15, rule) is None
    assert decided(looks, every, many * 15, rule) is not None


async def looked(member: type[ProviderContract], one_in: int) -> tuple[Sequence[Bucket], Sequence[Bucket]]:
    """What a look each second tells of such a release; and what the log says that it must have got."""
    contract = member()
    async with contract.living(World(requests(SEEN, one_in, a_second=4))) as life:
        readings = await life.watch(contract.indicator(life.base), until=SEEN, beat=BEAT)
        told = buckets_in(readings["errors"])
        arms = [contract.truth(life, each) for each in told]
        return told, [
            replace(each, canary=new, baseline=old) for each, (new, old) in zip(told, arms, strict=True)
        ]


@pytest.mark.parametrize("kind", LOOKED)
async def test_a_release_that_a_look_can_see_ends_in_the_same_decision(kind):
    told, meant = await looked(LOOKED[kind], HALF)
    before = [each for each in told if each.end <= START + FROM * SECOND]
    old = [replace(each, canary=each.baseline) for each in told]

    found = decided(told, SECOND, rule=PROMISED)

    assert list(told) == list(meant)
    assert found is not None
    assert START + FROM * SECOND < found.at <= START + (FROM + 45) * SECOND
    assert sum(each.canary is not None for each in before) > FROM / 3
    assert decided(before, SECOND, rule=PROMISED) is None
    assert decided(old, SECOND, rule=PROMISED) is None


async def test_two_of_a_hundred_are_nothing_that_a_look_sees_in_time():
    told, meant = await looked(test_providers.TestProbe, ONE_IN)

    assert list(told) == list(meant)
    assert len(told) > SEEN - 10
    assert decided(told, SECOND, rule=PROMISED) is None


# ------------------------------------------------------------------------------------------------------------------ tasks

TILL = 240  # seconds: ECS is asked about buckets of 15 s, which are final 15 s later


async def on_ecs(*, ends: bool) -> tuple[Sequence[Bucket], Sequence[Bucket]]:
    """What is told of the tasks; and what those of the new release did. *ends*: whom it fails is the last that the process answers."""
    shop, died = Shop(), list[datetime]()
    shop.deploy(Behaviour(starts_in=5 * SECOND))
    for each in requests(TILL):
        if each.status >= 500 and ends:
            shop.now = each.at
            shop.world.advance()
            running = [task for task in new(shop) if task.status == "RUNNING"]
            if running:  # else the balancer had nobody to ask
                shop.world.ecs.kill(
                    running[len(died) % len(running)].id,
                    each.at,
                    "Essential container in task exited",
                    "EssentialContainerExited",
                    exit_code=1,
                )
                died.append(each.at)
    shop.turn(TILL)
    told = [each for each in buckets_in(await shop.ask()) if each.start >= START]
    return told, [replace(each, canary=lives(new(shop), died, each)) for each in told]


def new(shop: Shop) -> Sequence[Task]:
    return [task for task in shop.world.ecs.find("web").tasks if task.task_definition.endswith(NEW)]


def lives(tasks: Sequence[Task], died: Sequence[datetime], bucket: Bucket) -> Counts:
    """Of the tasks that lived in *bucket*, those that died in it."""
    lived = [
        task
        for task in tasks
        if task.created_at < bucket.end and (task.stopped_at is None or task.stopped_at >= bucket.start)
    ]
    return Counts(float(sum(bucket.start <= at < bucket.end for at in died)), float(len(lived)))


def test_a_release_that_ends_its_processes_ends_in_the_same_decision():
    told, meant = in_virtual_time(on_ecs(ends=True))

    found = decided(told, 15 * SECOND, TILL, LIVES)

    assert list(told) == list(meant)
    assert found is not None
    assert second(FROM) < found.at <= second(FROM + 45)


def test_one_that_only_answers_badly_is_nothing_that_tasks_tell_of():
    told, meant = in_virtual_time(on_ecs(ends=False))

    assert list(told) == list(meant)
    assert sum(each.canary.total for each in told if isinstance(each.canary, Counts)) > 50
    assert decided(told, 15 * SECOND, TILL, LIVES) is None
