"""What was announced is resolved, service by service, and ends as something."""

import asyncio

from structlog.testing import capture_logs

from deploy.model import Announcement, Gone, Live, Phase, Unreadable
from tests.builders import a_release, a_service, minutes, seconds
from tests.watcher.runtime.at_work import PLACE, ATarget, at_work, blunder, hang, now, virtual
from watcher.core.watch import State
from watcher.runtime.fleet import Fleet
from watcher.runtime.listener import GIVE_UP, Listener
from watcher.store.store import Stale


def a_listener(work):
    return Listener(work.store, work.lookup, work.current, work.bells, work.boundary, now, work.new_id)


async def heard(work, id="a_1", tag="v43", service="checkout", **hints):
    """An announcement is in the inbox."""
    said = Announcement("http", id, service, "production", Phase.COMPLETE, now(), {"tag": tag, **hints})
    await work.store.accept(id, said, b"{}", "token:ci", now(), ("http", id))


async def closing(work, id="a_1"):
    return (await work.store.announcement(id)).closing


async def runs(work, tag="v43"):
    await work.store.adopt(*PLACE, a_release("v42"), now() - minutes(60), adopted=True)
    work.targets["service"].live = Live(a_release(tag))


@virtual
async def test_a_new_deployment_opens_a_watch_and_wakes_who_is_needed():
    async with at_work() as work:
        await runs(work)
        await heard(work)

        found = await a_listener(work).go_round()

        watch = await work.store.living("checkout", "production")
        assert found
        assert (watch.tag, watch.state) == ("v43", State.WATCHING)
        assert (await closing(work)).watch == watch.id
        assert work.bells.watches.is_set()
        assert work.bells.messages.is_set()


@virtual
async def test_an_empty_inbox_is_no_work():
    async with at_work() as work:
        assert await a_listener(work).go_round() is False


@virtual
async def test_what_could_not_be_read_is_rejected():
    async with at_work() as work:
        await work.store.accept("a_1", None, b"{", "token:ci", now(), ("http", "a_1"))
        await a_listener(work).go_round()

        assert (await closing(work)).why == "it could not be read"


@virtual
async def test_a_service_that_nobody_has_configured_is_rejected():
    async with at_work() as work:
        await heard(work, service="cart")
        await a_listener(work).go_round()

        assert (await closing(work)).state == "rejected"


@virtual
async def test_a_part_that_is_not_there_is_rejected_at_once():
    async with at_work() as work:
        await heard(work, part="worker")
        await a_listener(work).go_round()

        assert (await closing(work)).why == "checkout has no part worker; it has service"


@virtual
async def test_a_restart_is_recorded_and_what_serves_is_known_from_then_on():
    async with at_work() as work:
        work.targets["service"].live = Live(a_release("v43"))
        await heard(work)
        await a_listener(work).go_round()

        assert (await closing(work)).state == "recorded"
        assert [span.fingerprint for span in (await work.store.ledger(*PLACE)).spans] == ["sha256:v43"]


@virtual
async def test_news_of_a_deployment_that_is_watched_joins_it():
    async with at_work() as work:
        await runs(work)
        for announced in ("a_1", "a_2"):
            await heard(work, announced)
            await a_listener(work).go_round()

        assert (await closing(work, "a_2")).state == "joined"
        assert len(await work.store.list()) == 1


@virtual
async def test_news_that_start_a_clock_are_a_step_of_the_watch():
    async with at_work() as work:
        await runs(work)
        work.targets["service"].live = Live(
            a_release("v42"), in_flight=a_release("v43"), shares={"sha256:v43": 0.0}
        )
        said = Announcement("http", "a_0", "checkout", "production", Phase.STARTED, now(), {"tag": "v43"})
        await work.store.accept("a_0", said, b"{}", "token:ci", now(), ("http", "a_0"))
        await a_listener(work).go_round()
        work.targets["service"].live = Live(a_release("v43"))
        await heard(work, "a_1")

        await a_listener(work).go_round()

        watch = await work.store.living("checkout", "production")
        assert (watch.revision, watch.complete_at) == (2, now())
        assert (await closing(work, "a_1")).state == "joined"


@virtual
async def test_who_writes_first_is_not_overwritten_and_the_announcement_is_taken_again():
    async with at_work() as work:
        await runs(work)
        await heard(work)
        refused: list[object] = []

        class Beaten:
            def __getattr__(self, name):
                return getattr(work.store, name)

            async def open(self, *step):
                if not refused:
                    refused.append(step)
                    return Stale()
                return await work.store.open(*step)

        listener = Listener(Beaten(), work.lookup, work.current, work.bells, work.boundary, now, work.new_id)
        await listener.go_round()
        assert await closing(work) is None

        await asyncio.sleep(5)
        await listener.go_round()
        assert (await closing(work)).state == "watching"


# -------------------------------------------------------------------------------------------------- what cannot be resolved


async def rounds(work, lasting):
    listener = a_listener(work)
    for _ in range(int(lasting / seconds(10))):
        await listener.go_round()
        await asyncio.sleep(10)


@virtual
async def test_what_the_platform_cannot_say_yet_is_asked_again_and_given_up_after_half_an_hour():
    async with at_work(ATarget(live=Unreadable("throttled"))) as work:
        await heard(work)

        with capture_logs() as log:
            await rounds(work, minutes(20))
            assert await closing(work) is None
            await rounds(work, minutes(30))

        assert (await closing(work)).why == "nobody could say what it deployed: throttled"
        assert len([line for line in log if line["event"] == "announcement.unresolved"]) == GIVE_UP


@virtual
async def test_an_announcement_that_meets_a_bug_keeps_no_later_one_from_being_heard():
    class Ill(ATarget):
        async def resolve(self, hints):
            return await blunder() if hints["tag"] == "v666" else await super().resolve(hints)

    async with at_work(Ill()) as work:
        await runs(work)
        await heard(work, "a_1", "v666")
        await heard(work, "a_2")

        await a_listener(work).go_round()

        assert (await closing(work, "a_2")).state == "watching"
        assert await closing(work, "a_1") is None
        assert len(work.bugs) == 1


@virtual
async def test_an_announcement_that_always_meets_a_bug_is_accounted_for_in_the_end():
    class Ill(ATarget):
        async def resolve(self, hints):
            return await blunder()

    async with at_work(Ill()) as work:
        await heard(work)
        await rounds(work, minutes(50))

        assert (await closing(work)).why == "a bug of rollbackd: its log says which"


@virtual
async def test_a_platform_that_hangs_delays_no_announcement_of_another_service():
    services = [a_service(), a_service(name="cart")]
    async with at_work(services=services) as work:
        targets = {services[0].key: {"service": ATarget(does=hang)}, services[1].key: {"service": ATarget()}}
        work.current.swap(Fleet({each.key: each for each in services}, targets))
        await heard(work, "a_1")
        await heard(work, "a_2", service="cart")
        going = asyncio.ensure_future(a_listener(work).go_round())

        await asyncio.sleep(1)

        assert await closing(work, "a_2") is not None
        await going
        assert asyncio.get_running_loop().time() == 8


# --------------------------------------------------------------------------------------------------------- what is over


@virtual
async def test_what_is_over_and_replaced_is_recorded_at_once_in_the_words_of_the_platform():
    class Replaced(ATarget):
        async def resolve(self, hints):
            return Gone("the deployment ecs-svc/1 is over, and another took its place")

    async with at_work(Replaced()) as work:
        await heard(work)
        await a_listener(work).go_round()

        assert (await closing(work)).state == "recorded"
        assert (await closing(work)).why == "the deployment ecs-svc/1 is over, and another took its place"
