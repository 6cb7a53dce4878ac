"""What is live is read on a beat: the first is adopted, a change is announced, and nothing that was missed stays missed."""

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from deploy.model import Live, Phase, Unreadable
from tests.builders import a_release, a_service, a_watch, hours, minutes
from tests.watcher.runtime.at_work import PLACE, ATarget, at_work, blunder, hang, now, virtual
from watcher.core.watch import Closing, State
from watcher.runtime.fleet import Fleet
from watcher.runtime.lookout import Lookout


def a_lookout(work):
    return Lookout(work.store, work.lookup, work.current, work.bells, work.boundary, now, work.new_id)


async def inbox(work):
    return [item.announcement for item in await work.store.take_inbox(50, now())]


async def knows(work, tag="v42"):
    await work.store.adopt(*PLACE, a_release(tag), now(), adopted=True)


@virtual
async def test_the_first_release_that_is_ever_read_is_adopted():
    async with at_work() as work:
        await a_lookout(work).go_round()

        (span,) = (await work.store.ledger(*PLACE)).spans
        assert (span.fingerprint, span.adopted) == ("sha256:v42", True)
        assert await inbox(work) == []


@virtual
async def test_a_change_is_announced_once_and_wakes_the_listener():
    target = ATarget(live=Live(a_release("v43"), key="k1"))
    async with at_work(target) as work:
        await knows(work)
        lookout = a_lookout(work)

        for _ in range(3):
            await lookout.go_round()
            await asyncio.sleep(30)

        (announcement,) = await inbox(work)
        assert (announcement.source, announcement.phase) == ("live", Phase.COMPLETE)
        assert announcement.hints == {"part": "service", "tag": "v43", "fingerprint": "sha256:v43"}
        assert announcement.platform_ids == ("k1",)
        assert work.bells.inbox.is_set()


@virtual
async def test_a_release_that_is_on_its_way_is_announced_and_once_more_when_it_is_there():
    target = ATarget(live=Live(a_release("v42"), in_flight=a_release("v43")))
    async with at_work(target) as work:
        await knows(work)
        lookout = a_lookout(work)
        await lookout.go_round()
        await asyncio.sleep(30)
        target.live = Live(a_release("v43"))
        await lookout.go_round()

        assert [each.phase for each in await inbox(work)] == [Phase.STARTED, Phase.COMPLETE]


@virtual
async def test_where_nothing_was_known_and_something_is_on_its_way_that_is_announced():
    async with at_work(ATarget(live=Live(a_release("v42"), in_flight=a_release("v43")))) as work:
        await a_lookout(work).go_round()

        assert len(await inbox(work)) == 1
        assert (await work.store.ledger(*PLACE)).spans == ()


@virtual
async def test_where_nothing_runs_nothing_is_said():
    async with at_work(ATarget(live=Live(None))) as work:
        await knows(work)
        await a_lookout(work).go_round()

        assert await inbox(work) == []


@virtual
async def test_a_change_of_which_nothing_came_is_announced_again_after_an_hour():
    async with at_work(ATarget(live=Live(a_release("v43")))) as work:
        await knows(work)
        lookout = a_lookout(work)
        await lookout.go_round()
        (item,) = await work.store.take_inbox(5, now())
        await work.store.close_inbox(Closing(item.id, "recorded", "nobody could say what it deployed"), now())

        await asyncio.sleep(minutes(59).total_seconds())
        await lookout.go_round()
        assert await inbox(work) == []

        await asyncio.sleep(minutes(1).total_seconds())
        await lookout.go_round()
        assert len(await inbox(work)) == 1


@virtual
async def test_a_change_that_waits_in_the_inbox_is_not_announced_again_however_long_it_waits():
    async with at_work(ATarget(live=Live(a_release("v43")))) as work:
        await knows(work)
        lookout = a_lookout(work)
        await lookout.go_round()
        await asyncio.sleep(hours(3).total_seconds())
        await lookout.go_round()

        assert len(await inbox(work)) == 1


@virtual
async def test_each_service_is_read_on_its_own_beat():
    async with at_work(services=[a_service(), a_service(name="cart", reads_live=minutes(5))]) as work:
        lookout, read = a_lookout(work), []

        async def notes():
            read.append(asyncio.get_running_loop().time())

        work.targets["service"].does = notes
        for _ in range(11):
            await lookout.go_round()
            await asyncio.sleep(15)

        assert [at for at in read if at == 0] == [0, 0]
        assert [at for at in read if at > 0] == [30, 60, 90, 120, 150]


@virtual
async def test_a_platform_that_cannot_be_read_is_said_once_and_so_is_that_it_can_again():
    target = ATarget(live=Unreadable("throttled"))
    async with at_work(target) as work:
        lookout = a_lookout(work)

        with capture_logs() as log:
            for live in (
                Unreadable("throttled"),
                Unreadable("throttled"),
                Live(a_release("v42")),
                Live(a_release("v42")),
            ):
                target.live = live
                await lookout.go_round()
                await asyncio.sleep(30)

        assert [line["event"] for line in log] == ["target.unreadable", "target.recovered", "release.adopted"]


@pytest.mark.parametrize("does", [hang, blunder])
@virtual
async def test_a_platform_that_hangs_or_a_target_with_a_bug_keeps_no_other_service_from_being_read(does):
    class Ill(ATarget):
        async def observe(self):
            await does()
            return self.live

    async with at_work() as work:
        services = {("cart", "production"): a_service(name="cart"), ("checkout", "production"): a_service()}
        targets: dict[Any, Any] = {
            ("cart", "production"): {"service": Ill()},
            ("checkout", "production"): {"service": ATarget()},
        }
        work.current.swap(Fleet(services, targets))
        await a_lookout(work).go_round()

        assert (await work.store.ledger(*PLACE)).spans != ()


@virtual
async def test_what_got_stuck_and_was_put_back_by_hand_is_seen():
    async with at_work(ATarget(live=Live(a_release("v42")))) as work:
        await work.has(a_watch(State.STUCK))

        with capture_logs() as log:
            await a_lookout(work).go_round()

        assert (await work.store.get("w_1")).state is State.RECOVERING
        assert "watch.went_back_by_hand" in [line["event"] for line in log]


@virtual
async def test_what_is_stuck_and_stays_stuck_is_left_alone():
    async with at_work(ATarget(live=Live(a_release("v43")))) as work:
        await work.has(a_watch(State.STUCK))
        await a_lookout(work).go_round()

        assert (await work.store.get("w_1")).revision == 1
