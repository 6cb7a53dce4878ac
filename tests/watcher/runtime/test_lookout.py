"""What is live is read on a beat: the first is adopted, a change is announced, and nothing that was missed stays missed."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from deploy.model import Foretold, Live, PartChange, Phase, Release, Unreadable
from tests.builders import NOON, a_release, a_service, a_watch, hours, minutes
from tests.watcher.runtime.at_work import (
    PLACE,
    ATarget,
    Work,
    a_new_watch,
    at_work,
    blunder,
    hang,
    now,
    virtual,
)
from watcher.core.service import Mode
from watcher.core.watch import Closing, State, Step
from watcher.runtime.fleet import Fleet
from watcher.runtime.lookout import Lookout


def a_lookout(work):
    return Lookout(
        work.store, work.lookup, work.current, work.bells, work.metrics, work.boundary, now, work.new_id
    )


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


# ----------------------------------------------------------------------------------------------- taken back by others

GONE = Live(a_release("v42"))
MOVING = Live(a_release("v42"), a_release("v43"), {"sha256:v43": 0.0})


async def is_rolled_out(work, **changes):
    """A watch whose rollout is under way: v42 serves still, for all that the ledger knows."""
    await knows(work)
    watch = replace(a_new_watch(), revision=1, complete_at=None, **changes)
    await work.store.open(Step(watch, before=0), now())
    return watch


@virtual
async def test_a_rollout_that_is_gone_at_two_looks_ends_its_watch_though_nobody_told():
    target = ATarget(live=MOVING)
    async with at_work(target) as work:
        watch = await is_rolled_out(work, traffic_at=None, seen_at=None)
        lookout = a_lookout(work)
        await looks(lookout, 1)
        seen = (await work.store.get(watch.id)).seen_at
        target.live = GONE

        with capture_logs() as log:
            await looks(lookout, 1)
            after_one = (await work.store.get(watch.id)).state
            await looks(lookout, 1)

        after = await work.store.get(watch.id)
        assert seen == NOON
        assert (after_one, after.state, after.was_taken_back) == (State.WATCHING, State.SUPERSEDED, True)
        assert "watch.taken_back" in [line["event"] for line in log]
        assert work.bells.messages.is_set()


@virtual
async def test_a_rollout_that_is_not_to_be_seen_at_one_look_alone_goes_on():
    target = ATarget(live=MOVING)
    async with at_work(target) as work:
        watch = await is_rolled_out(work, traffic_at=None)
        lookout = a_lookout(work)
        for live in (GONE, MOVING, GONE, MOVING):
            target.live = live
            await looks(lookout, 1)

        assert (await work.store.get(watch.id)).state is State.WATCHING


@virtual
async def test_what_was_announced_and_never_seen_is_waited_for():
    async with at_work(ATarget(live=GONE)) as work:
        watch = await is_rolled_out(work, traffic_at=None, seen_at=None)

        await looks(a_lookout(work), 4)

        assert (await work.store.get(watch.id)).state is State.WATCHING
        assert await inbox(work) == []


@virtual
async def test_what_serves_again_after_the_new_release_took_traffic_is_announced_once():
    async with at_work(ATarget(live=GONE)) as work:
        watch = await is_rolled_out(work)

        await looks(a_lookout(work), 4)

        (news,) = await inbox(work)
        assert (news.hints["tag"], news.phase) == ("v42", Phase.COMPLETE)
        assert news.dedup_key.startswith(f"checkout/production/service: {watch.id} taken back")
        assert (await work.store.get(watch.id)).state is State.WATCHING  # `intake` ends it


@virtual
async def test_a_release_that_is_deployed_again_after_it_was_taken_back_is_announced_at_once():
    target = ATarget(live=MOVING)
    async with at_work(target) as work:
        await knows(work)
        lookout = a_lookout(work)
        await looks(lookout, 1)
        (item,) = await work.store.take_inbox(5, now())
        opening = replace(a_new_watch(), revision=1, complete_at=None, traffic_at=None)
        closing = Closing(item.id, "watching", watch=opening.id)
        await work.store.open(Step(opening, before=0, closes=(closing,)), now())
        await looks(lookout, 1)
        assert await inbox(work) == []

        target.live = GONE
        await looks(lookout, 2)
        target.live = MOVING
        await looks(lookout, 2)

        (again,) = await inbox(work)
        assert again.dedup_key.endswith(f"after {opening.id}")


@virtual
@pytest.mark.parametrize(
    ("state", "after", "announced"),
    [
        (State.ROLLING_BACK, 90, False),
        (State.RECOVERING, 30, False),  # it may be shown late
        (State.RECOVERING, 90, True),
        (State.ROLLED_BACK, 0, True),
    ],
)
async def test_a_release_that_gets_traffic_once_more_after_we_took_it_back_from_a_stage_is_announced_at_once(
    state, after, announced
):
    """The ledger never knew that it served, and so the change is the same; a lost order may arrive late."""
    target = ATarget(live=MOVING)
    async with at_work(target) as work:
        await knows(work)
        lookout = a_lookout(work)
        await looks(lookout, 1)
        (item,) = await work.store.take_inbox(5, now())
        undone = replace(a_new_watch(), revision=1, state=state, back_at=now(), complete_at=None)
        closing = Closing(item.id, "watching", watch=undone.id)
        await work.store.open(Step(undone, before=0, closes=(closing,)), now())
        await asyncio.sleep(after)

        await looks(lookout, 1)

        assert [each.dedup_key.endswith(f"after {undone.id}") for each in await inbox(work)] == [
            True
        ] * announced


# ------------------------------------------------------------------------------------------------ several parts at once

PARTS = ("api", "worker")


def of_parts(tag: str) -> dict[str, Release]:
    return {part: a_release(tag) for part in PARTS}


@asynccontextmanager
async def put_back_at_once(complete: Sequence[str]) -> AsyncIterator[tuple[Work, Lookout]]:
    """Both parts went to v43, as far as *complete*, and serve v42 again."""
    old, new = of_parts("v42"), of_parts("v43")
    targets = [ATarget(part, live=Live(old[part])) for part in PARTS]
    async with at_work(*targets, services=[a_service(parts=PARTS)]) as work:
        for part in PARTS:
            where = ("checkout", "production", part)
            await work.store.adopt(*where, old[part], NOON - hours(5), adopted=True)
            if part in complete:
                await work.store.adopt(*where, new[part], NOON - hours(1), adopted=False)
        watch = a_new_watch(revision=1)
        parts = tuple(PartChange(part, old[part], new[part]) for part in PARTS)
        await work.store.open(
            Step(replace(watch, deployment=replace(watch.deployment, parts=parts)), before=0), now()
        )
        yield work, a_lookout(work)


@virtual
@pytest.mark.parametrize(
    ("complete", "announced"),
    [(PARTS, 1), (("api",), 1), (("worker",), 1), ((), 0)],
    ids=["all", "the first", "the last", "none, and a platform may not show it at one look"],
)
async def test_parts_that_are_put_back_together_are_one_announcement_were_some_of_them_not_complete(
    complete, announced
):
    async with put_back_at_once(complete) as (work, lookout):
        await looks(lookout, 1)

        assert [each.hints["part"] for each in await inbox(work)] == ["api,worker"] * announced


@virtual
async def test_news_of_several_parts_that_a_replica_of_an_older_version_rejects_are_made_again_each_minute():
    """That takes their names for that of one part; and while replicas are upgraded, no news are lost."""
    async with put_back_at_once(PARTS) as (work, lookout):
        for _ in range(3):
            await looks(lookout, 1)
            (item,) = await work.store.take_inbox(5, now())
            await work.store.close_inbox(Closing(item.id, "rejected", "no part api,worker"), now())
            await asyncio.sleep(60)
        await looks(lookout, 1)

        assert [each.hints["part"] for each in await inbox(work)] == ["api,worker"]
        assert await work.store.take_inbox(5, now()) == []


# ----------------------------------------------------------------------------------------- is the known-good there still


class Shelf(ATarget):
    """A target that says of some tags that they are gone."""

    gone: frozenset[str] = frozenset()
    asked: int = 0
    unread: bool = False

    async def foretell(self, move):
        self.asked += 1
        if self.unread:
            return Foretold((), obstacles=("ThrottlingException",), unread=True)
        words = (f"the image of {move.to.tag} is gone",) if move.to.tag in self.gone else ()
        return Foretold((f"put {move.to.tag}",), obstacles=words, gone=words)


async def has_two_ways_back(work):
    """v41 and v42 served long enough; v43 is watched."""
    await work.store.adopt(*PLACE, a_release("v41"), NOON - timedelta(days=9), adopted=True)
    await work.store.adopt(*PLACE, a_release("v42"), NOON - timedelta(days=5), adopted=False)
    return await work.has(a_new_watch())


@virtual
async def test_when_a_watch_opens_its_known_good_release_is_looked_for_and_the_next_best_is_taken():
    target = Shelf(live=Live(a_release("v43")))
    target.gone = frozenset({"v42"})
    async with at_work(target) as work:
        watch = await has_two_ways_back(work)

        with capture_logs() as log:
            await looks(a_lookout(work))

        after = await work.store.get(watch.id)
        assert [(each.release.tag, each.words) for each in after.missing] == [
            ("v42", "the image of v42 is gone")
        ]
        assert after.goes_to == "v41"
        facts = await work.lookup.facts(after, now())
        assert facts.ways_back["service"].release.tag == "v41"  # and so a rollback goes there
        assert [line["tag"] for line in log if line["event"] == "release.missing"] == ["v42"]
        assert work.bells.messages.is_set()


@virtual
async def test_where_none_is_there_it_is_said_that_there_is_no_way_back_and_seen_when_one_is_put_back():
    target = Shelf(live=Live(a_release("v43")))
    target.gone = frozenset({"v41", "v42"})
    async with at_work(target) as work:
        watch = await has_two_ways_back(work)
        lookout = a_lookout(work)
        await looks(lookout)
        lost = await work.store.get(watch.id)

        target.gone = frozenset()
        await looks(lookout, 1)

        found = await work.store.get(watch.id)
        assert (lost.goes_to, len(lost.missing)) == (None, 2)
        assert (found.goes_to, found.missing) == ("v42", ())


@virtual
async def test_what_cannot_be_read_is_not_called_missing_and_what_is_missing_not_there_again():
    target = Shelf(live=Live(a_release("v43")))
    target.unread = True
    async with at_work(target) as work:
        watch = await has_two_ways_back(work)
        lookout = a_lookout(work)
        await looks(lookout)
        unread = await work.store.get(watch.id)
        target.unread, target.gone = False, frozenset({"v42"})
        await looks(lookout, 31)
        lost = await work.store.get(watch.id)

        target.unread = True
        await looks(lookout, 3)

        assert unread.missing == ()
        assert [each.release.tag for each in lost.missing] == ["v42"]
        assert await work.store.get(watch.id) == lost


@virtual
async def test_what_is_there_is_looked_for_again_after_a_quarter_of_an_hour_only():
    target = Shelf(live=Live(a_release("v43")))
    async with at_work(target) as work:
        await has_two_ways_back(work)

        await looks(a_lookout(work), 29)
        before = target.asked
        await looks(a_lookout(work), 1)

        assert before == 1
        assert target.asked == 2  # another replica looks for itself


# ------------------------------------------------------------------------------------------------------------ obstacles

HOOK = "a hook waits for a person at every deployment"


async def looks(lookout, rounds=2):
    for _ in range(rounds):
        await lookout.go_round()
        await asyncio.sleep(30)


@virtual
async def test_an_obstacle_is_said_once_and_counted_and_once_more_when_it_is_gone():
    target = ATarget(live=Live(a_release("v42"), obstacles=(HOOK,)))
    async with at_work(target) as work:
        await knows(work)
        lookout = a_lookout(work)

        with capture_logs() as log:
            await looks(lookout)
            counted = work.metric("parts_obstructed")
            target.live = Live(a_release("v42"))
            await looks(lookout)

        said = [line for line in log if "obstructed" in line["event"]]
        assert [line["event"] for line in said] == ["target.obstructed", "target.unobstructed"]
        assert (said[0]["obstacles"], said[0]["mode"], said[0]["part"]) == ([HOOK], "auto", "service")
        assert (counted, work.metric("parts_obstructed")) == (1, 0)


@virtual
async def test_a_watch_that_lives_is_softened_once_an_obstacle_is_seen():
    target = ATarget(live=Live(a_release("v43"), obstacles=(HOOK,)))
    async with at_work(target) as work:
        watch = await work.has(a_new_watch())

        await looks(a_lookout(work))

        after = await work.store.get(watch.id)
        assert (after.obstacles, after.mode, after.revision) == ((HOOK,), Mode.ASK, 2)
        assert work.bells.messages.is_set()


@virtual
async def test_a_watch_that_lives_learns_once_that_its_rollout_was_broken_off():
    target = ATarget(live=Live(a_release("v42"), in_flight=a_release("v43"), broken_off=True))
    async with at_work(target) as work:
        watch = await work.has(replace(a_new_watch(), complete_at=None))

        await looks(a_lookout(work))

        after = await work.store.get(watch.id)
        assert (after.incomplete, after.revision) == (True, 2)


@virtual
async def test_an_obstacle_of_a_part_that_was_not_deployed_softens_nothing():
    targets = (
        ATarget(live=Live(a_release("v43"))),
        ATarget("worker", Live(a_release("v42"), obstacles=(HOOK,))),
    )
    async with at_work(*targets, services=[a_service(parts=("service", "worker"))]) as work:
        watch = await work.has(a_new_watch())

        await looks(a_lookout(work))

        assert (await work.store.get(watch.id)).obstacles == ()


@virtual
async def test_a_service_that_is_configured_no_more_is_not_counted():
    async with at_work(ATarget(live=Live(a_release("v42"), obstacles=(HOOK,)))) as work:
        await knows(work)
        other = a_service(name="cart")
        lookout = a_lookout(work)
        await looks(lookout)
        work.current.swap(Fleet({other.key: other}, {other.key: {"service": ATarget()}}))

        await looks(lookout)

        assert work.metric("parts_obstructed") == 0


@virtual
async def test_a_part_that_is_configured_no_more_is_not_counted():
    async with at_work(ATarget(live=Live(a_release("v42"), obstacles=(HOOK,)))) as work:
        await knows(work)
        service = a_service(parts=("worker",))
        lookout = a_lookout(work)
        await looks(lookout)
        work.current.swap(Fleet({service.key: service}, {service.key: {"worker": ATarget("worker")}}))

        await looks(lookout)

        assert work.metric("parts_obstructed") == 0


@pytest.mark.parametrize(
    ("live", "phase", "began"),
    [
        (Live(a_release("v43"), since=NOON - minutes(9)), Phase.COMPLETE, NOON - minutes(9)),
        (Live(a_release("v42"), a_release("v43"), since=NOON - minutes(9)), Phase.SHIFTED, NOON - minutes(9)),
        (
            Live(a_release("v42"), a_release("v43"), {"sha256:v43": 0.0}, since=NOON - minutes(9)),
            Phase.STARTED,
            NOON - minutes(9),
        ),
        (Live(a_release("v42"), a_release("v43")), Phase.STARTED, NOON),
        (Live(a_release("v43"), since=NOON - hours(99)), Phase.COMPLETE, NOON - hours(23)),
        (Live(a_release("v43"), since=NOON + minutes(9)), Phase.COMPLETE, NOON),
    ],
)
@virtual
async def test_a_change_is_announced_as_of_when_it_began_where_the_platform_tells_that(live, phase, began):
    async with at_work(ATarget(live=live)) as work:
        await knows(work)
        await a_lookout(work).go_round()

        (announcement,) = await inbox(work)
        assert (announcement.phase, announcement.at) == (phase, began)


@virtual
async def test_nothing_is_made_of_what_runs_while_it_is_read_what_the_platform_remembers():
    class Remembering(ATarget):
        async def recall(self, now):
            raise AssertionError("the keeper asks")

        async def mark(self, standings):
            raise AssertionError("the keeper marks")

    async with at_work(Remembering(live=Live(a_release("v42")))) as work:
        lookout = a_lookout(work)
        await lookout.go_round()
        await asyncio.sleep(3)
        assert lookout.recollection.bell.is_set()
        assert (await work.store.ledger(*PLACE)).entries == ()

        lookout.recollection.ends((("checkout", "production"), "service"))
        await lookout.go_round()  # at once, and not on the beat
        assert (await work.store.ledger(*PLACE)).spans != ()
