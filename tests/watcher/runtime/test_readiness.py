"""Each day it is looked at whether services could be put back: by one replica, and told is only what changed."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from deploy.model import Finding, Level
from tests.builders import NOON, a_service, hours, minutes
from tests.watcher.runtime.at_work import at_work, now, virtual
from watcher.core.readiness import Daily, Readied, last_moment, told
from watcher.runtime.readiness import Readiness

AT_ONE = Daily(time(13))
GONE = Finding(Level.FAIL, "back to v42: ECR has no image shop:42 any more", "push it again")
WELL = Finding(Level.OK, "back to v42 (proven)")
DAY = timedelta(days=1)


def a_readiness(work, found, asked=None):
    async def examine(service):
        if asked is not None:
            asked.append(service.name)
        return Readied(service.name, service.environment, (found[service.name],))

    return Readiness(
        work.store,
        work.current,
        work.bells,
        work.metrics,
        work.boundary,
        now,
        work.new_id,
        AT_ONE,
        NOON,
        examine,
    )


async def said(work):
    """What was queued for people since this was last asked: headlines and lines."""
    claimed = await work.store.claim_messages(now(), 50, "test", minutes(1))
    notices = [each.message.notice for each in claimed]
    for each in claimed:
        await work.store.sent(each.message.id, each.fence, now(), ref="told")
    return [(notice.headline, *notice.lines) for notice in notices]


RED = (
    "checkout · production could not be put back now, if that were needed",
    "checkout · production: back to v42: ECR has no image shop:42 any more (try: push it again)",
)


@virtual
async def test_at_its_hour_each_service_is_looked_at_once_and_its_team_is_told_of_what_is_red():
    asked: list[str] = []
    services = [a_service(), a_service(name="cart")]
    async with at_work(services=services) as work:
        readiness = a_readiness(work, {"checkout": GONE, "cart": WELL}, asked)
        await readiness.go_round()
        before = list(asked)
        await asyncio.sleep(hours(1).total_seconds())
        for _ in range(3):
            await readiness.go_round()
            await asyncio.sleep(60)

        assert before == []
        assert sorted(asked) == ["cart", "checkout"]
        assert await said(work) == [RED]
        assert work.metric("unready") == 1


@virtual
async def test_of_two_replicas_one_looks():
    asked: list[str] = []
    async with at_work() as work:
        both = [a_readiness(work, {"checkout": GONE}, asked) for _ in range(2)]
        await asyncio.sleep(hours(1).total_seconds())
        for each in both:
            await each.go_round()

        assert asked == ["checkout"]
        assert await said(work) == [RED]


@virtual
async def test_a_replica_that_looked_yesterday_does_not_go_on_saying_what_it_found():
    async with at_work() as work, at_work() as beside:
        await asyncio.sleep(hours(1).total_seconds())
        await a_readiness(work, {"checkout": GONE}).go_round()
        before = work.metric("unready")
        await asyncio.sleep(DAY.total_seconds())
        other = a_readiness(work, {"checkout": WELL})
        other.metrics = beside.metrics  # of another process, with the same store
        await other.go_round()
        await a_readiness(work, {"checkout": WELL}).go_round()

        assert before == 1
        assert beside.metric("unready") == 0
        assert work.metric("unready") == 0


@virtual
async def test_what_is_red_is_not_told_again_because_the_clocks_were_changed():
    async with at_work() as work:
        told_each_day = []
        for day in (25, 26, 27):
            readiness = a_readiness(work, {"checkout": GONE})
            readiness.daily = Daily(time(1, 30), ZoneInfo("Europe/Berlin"))
            at = datetime(2025, 10, day, 1, 30, tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)
            readiness.since, readiness.now = at - hours(1), lambda at=at: at
            await readiness.go_round()
            told_each_day.append(bool(await said(work)))

        assert told_each_day == [True, False, False]


@virtual
async def test_what_is_still_red_is_not_told_again_what_changed_is_and_so_is_that_it_is_well_again():
    found = {"checkout": GONE}
    async with at_work() as work:
        told_each_day = []
        await asyncio.sleep(hours(1).total_seconds())
        other = Finding(Level.FAIL, "may not ecs:UpdateService", "allow it")
        for finding in (GONE, GONE, other, WELL, WELL, GONE):
            found["checkout"] = finding
            # Another replica each day: what was told is in the store.
            await a_readiness(work, found).go_round()
            told_each_day.append(await said(work))
            await asyncio.sleep(DAY.total_seconds())

        first, second, third, fourth, fifth, sixth = told_each_day
        assert (first, second, fifth, sixth) == ([RED], [], [], [RED])
        assert "may not ecs:UpdateService" in third[0][1]
        assert fourth == [
            (
                "checkout · production could be put back again, if that were needed",
                "checkout · production is ready again",
            )
        ]


@virtual
async def test_in_a_store_that_is_new_no_moment_was_missed():
    asked: list[str] = []
    async with at_work() as work:
        readiness, other = (a_readiness(work, {"checkout": GONE}, asked) for _ in range(2))
        readiness.daily = other.daily = Daily(time(11, 59))
        await readiness.go_round()
        await other.go_round()  # nor by another process, which finds that one was here
        await asyncio.sleep(minutes(1439).total_seconds())
        await readiness.go_round()

        assert asked == ["checkout"]


@virtual
@pytest.mark.parametrize("away", [hours(1), 8 * DAY, 35 * DAY])
async def test_what_was_due_while_no_daemon_ran_is_looked_at_when_one_is_started_once_and_not_for_each_day(
    away,
):
    asked: list[str] = []
    async with at_work() as work:
        await a_readiness(work, {"checkout": GONE}, asked).go_round()  # and it is stopped before its hour
        await asyncio.sleep((away + minutes(30)).total_seconds())
        for _ in range(3):  # started, and started again
            readiness = a_readiness(work, {"checkout": GONE}, asked)
            readiness.since = now()
            for _ in range(2):
                await readiness.go_round()
                await asyncio.sleep(60)

        assert asked == ["checkout"]
        assert await said(work) == [RED]


@virtual
async def test_of_two_replicas_that_are_started_one_makes_good_what_was_missed():
    asked: list[str] = []
    async with at_work() as work:
        await a_readiness(work, {"checkout": GONE}, asked).go_round()
        await asyncio.sleep(hours(3).total_seconds())
        both = [a_readiness(work, {"checkout": GONE}, asked) for _ in range(2)]
        for each in both:
            each.since = now()
        await asyncio.gather(*(each.go_round() for each in both))

        assert asked == ["checkout"]


@dataclass
class Overtaken:
    """A store that answers what is told once only after another has gone its whole round."""

    store: Any
    other: Readiness

    async def tell_once(self, *said: Any) -> bool:
        found: bool = await self.store.tell_once(*said)
        await self.other.go_round()
        return found


@virtual
async def test_of_two_replicas_that_begin_in_a_new_store_neither_takes_the_other_for_one_of_before():
    asked: list[str] = []
    async with at_work() as work:
        one, other = (a_readiness(work, {"checkout": GONE}, asked) for _ in range(2))
        one.daily = other.daily = Daily(time(11, 59))
        one.store = Overtaken(work.store, other)

        await one.go_round()

        assert asked == []


@virtual
async def test_what_was_looked_at_before_it_was_stopped_is_not_looked_at_again():
    asked: list[str] = []
    async with at_work() as work:
        await asyncio.sleep(hours(1).total_seconds())
        await a_readiness(work, {"checkout": GONE}, asked).go_round()
        await asyncio.sleep(hours(2).total_seconds())
        again = a_readiness(work, {"checkout": GONE}, asked)
        again.since = now()
        await again.go_round()

        assert asked == ["checkout"]


@virtual
async def test_a_service_that_cannot_be_examined_hides_no_other():
    async with at_work(services=[a_service(), a_service(name="cart")]) as work:
        readiness = a_readiness(work, {"checkout": GONE})  # a bug with cart
        await asyncio.sleep(hours(1).total_seconds())
        await readiness.go_round()

        assert await said(work) == [RED]
        assert len(work.bugs) == 1


@pytest.mark.parametrize(
    ("at", "zone", "moment"),
    [
        (time(11), UTC, NOON - hours(1)),
        (time(12), UTC, NOON),
        (time(12, 1), UTC, NOON - DAY + minutes(1)),
        (time(14), ZoneInfo("Europe/Berlin"), NOON - DAY + hours(1)),
        (time(13), ZoneInfo("Europe/Berlin"), NOON),
    ],
)
def test_the_hour_is_that_of_the_zone(at, zone, moment):
    winter = datetime(2026, 11, 24, 12, tzinfo=UTC)

    assert last_moment(Daily(at, zone), winter) - winter == moment - NOON


def test_of_many_red_services_as_many_are_named_as_can_be_read():
    many = [Readied(f"s{number}", "production", (GONE,)) for number in range(25)]

    notice = told(many, [], NOON)

    assert notice.headline == "25 services could not be put back now, if that were needed"
    assert len(notice.lines) == 21
    assert notice.lines[-1] == "And 5 more: `rollbackd ready` names all"
