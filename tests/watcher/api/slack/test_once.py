"""A button acts once: pressed twice, by two people, on two replicas, delivered again; for a day; and as long as it is still so."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes.slack import ADA, BOB, delivered, press
from tests.fakes.slack.world import Channel
from tests.watcher.api.daemon import NOON, a_service, a_watch
from tests.watcher.api.slack.scene import BACK, HOLD, Replica, Scene, a_scene
from tests.watcher.store.postgresql.server import Server, a_server
from tests.watcher.store.postgresql.test_contract import a_copy, settings_of
from watcher.api.slack.obeying import DONE_BEFORE
from watcher.core.service import Team
from watcher.core.watch import Button, Doubtful, Message, Notice, OrderKind, Question, State, Step, Watch
from watcher.store.postgresql.opening import connected
from watcher.store.store import Opening, Saved

ASK_AGAIN = Button("Ask again in 15 min", OrderKind.ASK_AGAIN, lasting=timedelta(minutes=15))
DONE = "“Roll back to v42”: done, by your word."
BEFORE = "“Roll back to v42” was pressed before. A button acts once."
MAY = (f"slack:{ADA}", f"slack:{BOB}")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with a_server() as started:
        yield started


@asynccontextmanager
async def two_replicas(server: Server) -> AsyncIterator[Scene]:
    """Two daemons on one database, each with connections of its own."""
    name, opening = await a_copy(server), Opening(lambda: NOON)
    async with (
        connected(settings_of(server, name), opening) as left,
        connected(settings_of(server, name), opening) as right,
        a_scene(store=left, may=MAY) as scene,
    ):
        await scene.hears(right)
        yield scene


async def orders(scene: Scene, watch: str = "w_1") -> list[str]:
    """Who has ordered something of a watch, once for each time."""
    audited = [row for row in await scene.audit() if row.subject == watch and row.what.startswith("watch.")]
    return [row.by for row in audited if row.by != "rollbackd"]


async def test_a_second_press_does_nothing_and_says_so():
    async with a_scene() as scene:
        await scene.offers()

        for _ in range(2):
            await scene.replica.sent(scene.pressed())

        assert await scene.whispered(2) == [DONE, BEFORE]
        assert len(await orders(scene)) == 1


async def test_of_two_people_who_press_at_once_one_is_obeyed_and_both_are_answered():
    async with a_scene(may=MAY) as scene:
        await scene.offers()
        presses = [scene.pressed(by=by) for by in (ADA, BOB)]

        answers = await asyncio.gather(*(scene.replica.sent(each) for each in presses))

        assert [each.status for each in answers] == [200, 200]
        (other,) = {*await scene.whispered(2)} - {DONE}
        assert other.endswith("A button acts once.")
        assert len(await orders(scene)) == 1


def asking(name: str) -> Watch:
    question = Question((Doubtful.MODE,), "the mode is to ask", NOON, NOON + timedelta(hours=1))
    return a_watch(f"w_{name}", of=a_service(name), state=State.ASKING, question=question)


CASES = [
    (BACK, State.WATCHING, State.ROLLING_BACK),
    (HOLD, State.WATCHING, State.HELD),
    (ASK_AGAIN, State.ASKING, State.ASKING),
]


@pytest.mark.parametrize(("button", "before", "after"), CASES)
async def test_on_two_replicas_of_one_database_at_once_one_press_is_obeyed(server, button, before, after):
    async with two_replicas(server) as scene:
        for number in range(4):
            name = f"s{number}"
            scene.services.append(a_service(name, team=Team("shop", may_order=MAY)))
            watch = replace(asking(name), state=before)
            room = f"C0ROOM{number}"  # one for each: in one, Slack takes a message a second
            scene.world.channels[room] = Channel(room, name)
            standing = await scene.offers(button, watch=watch, channel=room)
            presses = [
                delivered(scene.world, press(scene.world, standing, button.label, by)) for by in (ADA, BOB)
            ]

            sending = [replica.sent(each) for replica, each in zip(scene.replicas, presses, strict=True)]
            answers = await asyncio.gather(*sending)

            assert [each.status for each in answers] == [200, 200]
            assert len(await orders(scene, watch.id)) == 1, number
            found = await scene.watch(watch.id)
            assert (found.state, found.revision) == (after, 3)
        assert sum(replica.count("obeyed") for replica in scene.replicas) == 4
        assert len(await scene.whispered(8)) == 8


async def test_one_press_that_two_replicas_get_at_once_is_obeyed_once(server):
    async with two_replicas(server) as scene:
        await scene.offers(HOLD)
        delivery = scene.pressed(HOLD.label)

        await asyncio.gather(*(each.sent(delivery) for each in scene.replicas))

        assert len(await orders(scene)) == 1
        assert (await scene.watch()).revision == 3


async def test_after_a_restart_a_button_is_still_used_up():
    async with a_scene() as scene:
        await scene.offers()
        delivery = scene.pressed()
        await scene.replica.sent(delivery)
        await scene.whispered(1)
        restarted: Replica = await scene.hears()

        await restarted.sent(delivery)  # the same press: as the first time
        await scene.whispered(2)
        await restarted.sent(scene.pressed())

        assert await scene.whispered(3) == [DONE, DONE_BEFORE, BEFORE]
        assert len(await orders(scene)) == 1


async def test_a_press_that_was_obeyed_is_not_called_out_of_date_because_its_message_is_gone():
    async with a_scene() as scene:
        await scene.offers()
        delivery = scene.pressed()
        await scene.replica.sent(delivery)
        notice = Notice("going back", watch="w_1", service="checkout", environment="production")
        await moves(scene, Message("w_1.4.0", "show", "slack:C0ROOM", notice))
        restarted = await scene.hears()

        await restarted.sent(delivery)
        assert await scene.whispered(2) == [DONE, DONE_BEFORE]
        await restarted.sent(scene.pressed())
        assert "out of date: the watch is rolling back by now" in (await scene.whispered(3))[-1]


@pytest.mark.parametrize(
    ("age", "obeyed"),
    [(timedelta(hours=24), True), (timedelta(hours=24, seconds=1), False), (timedelta(days=40), False)],
)
async def test_a_button_is_good_for_a_day(age, obeyed):
    async with a_scene() as scene:
        await scene.offers(at=NOON - age)

        await scene.replica.sent(scene.pressed())

        (words,) = await scene.whispered()
        assert ("more than 24 h old" in words) is not obeyed
        assert (await scene.watch()).state is (State.ROLLING_BACK if obeyed else State.WATCHING)


async def moves(scene: Scene, *messages: Message, **changes: object) -> Watch:
    """The watch goes on: another step, with what it tells."""
    watch = await scene.watch()
    after = replace(watch, revision=watch.revision + 1, **changes)  # type: ignore[arg-type]
    saved = await scene.store.save(Step(after, watch.revision, messages=messages), scene.now)
    assert isinstance(saved, Saved)
    return after


async def test_of_a_watch_that_moved_on_it_is_said_how_it_is_by_now():
    async with a_scene() as scene:
        await scene.offers(Button("Keep v43", OrderKind.KEEP))
        await moves(scene, state=State.ROLLING_BACK)

        await scene.replica.sent(scene.pressed("Keep v43"))

        assert await scene.whispered() == [
            "Not done: the watch is rolling back by now. To do: look at the newer message of the same deployment."
        ]
        assert (await scene.watch()).state is State.ROLLING_BACK


async def test_of_a_message_that_a_newer_one_took_the_place_of_it_is_said_how_it_is_by_now():
    async with a_scene() as scene:
        await scene.offers()
        notice = Notice("v42 serves again", watch="w_1", service="checkout", environment="production")
        newer = Message("w_1.3.0", "show", "slack:C0ROOM", notice)
        await moves(scene, newer, state=State.RECOVERING)

        await scene.replica.sent(scene.pressed())

        (words,) = await scene.whispered()
        assert words.startswith("Not done: the message is out of date: the watch is recovering by now.")


async def test_a_watch_that_is_only_looked_at_meanwhile_is_obeyed():
    async with a_scene() as scene:
        await scene.offers()
        delivery = scene.pressed()
        for _ in range(3):
            await moves(scene)

        await scene.replica.sent(delivery)

        assert (await scene.watch()).state is State.ROLLING_BACK


async def test_a_hold_is_safe_and_so_it_is_obeyed_although_the_state_is_another_by_now():
    async with a_scene() as scene:
        await scene.offers(HOLD)
        await moves(scene, state=State.COUNTING_DOWN)

        await scene.replica.sent(scene.pressed(HOLD.label))

        assert (await scene.watch()).state is State.HELD


async def test_the_way_back_that_was_seen_is_the_way_that_is_gone():
    async with a_scene() as scene:
        await scene.offers(facts={"goes_to": "v41"})

        await scene.replica.sent(scene.pressed())

        (words,) = await scene.whispered()
        assert "the way back is gone by now" in words
        assert (await scene.watch()).state is State.WATCHING


async def test_what_the_table_does_not_allow_is_refused_with_what_it_does():
    async with a_scene() as scene:
        await scene.offers(Button("Resume", OrderKind.RESUME))

        await scene.replica.sent(scene.pressed("Resume"))

        (words,) = await scene.whispered()
        assert "cannot resume a watch that is watching" in words
        assert "allowed now: hold" in words
