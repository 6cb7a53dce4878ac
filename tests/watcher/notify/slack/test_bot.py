"""One message a deployment, updated in place; its thread; who is disturbed, and when."""

import asyncio
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from tests.builders import NOON
from tests.fakes.slack import ADA, BOT_USER, ELSEWHERE, ON_CALL, ROOM, down, hangs, refuses
from tests.scenarios.virtual import in_virtual_time
from tests.watcher.notify.slack.scene import a_scene, told
from watcher.core.wording import Event
from watcher.errors import WatcherError
from watcher.notify.notifier import Later, Never, Told
from watcher.notify.slack.turns import MOST, Turns


async def test_a_message_is_posted_then_changed_in_place_and_answered_in_its_thread():
    async with a_scene() as scene:
        await scene.tell(told(revision=3), told(revision=3, kind="append"))
        await scene.tell(told(Event.WENT_BACK, 5))

        assert scene.message.words.startswith("*checkout · production: v42 serves again since")
        (reply,) = scene.replies
        assert reply.words.splitlines()[0].endswith("Going back to v42 at 12:00:30 UTC unless held*")
        assert scene.world.methods() == ["chat.postMessage", "chat.postMessage", "chat.update"]


async def test_the_first_line_is_the_phones_notification():
    async with a_scene() as scene:
        await scene.tell(told())

        first = scene.message.text.splitlines()[0]
        assert first.startswith("checkout · production: v43 fails 5.2 % of requests")


async def test_what_a_person_can_order_now_is_a_button_and_only_on_the_message_itself():
    async with a_scene() as scene:
        await scene.tell(told(), told(kind="append"))

        labels = [button.label for button in scene.message.buttons]
        assert labels == ["Roll back now to v42", "Hold 15 min", "Keep v43"]
        assert [button.element["value"] for button in scene.message.buttons] == [
            "w_1.3.0/0",
            "w_1.3.0/1",
            "w_1.3.0/2",
        ]
        assert scene.message.buttons[0].element["confirm"]["text"]["text"].startswith("Roll back now to v42?")
        assert scene.replies[0].buttons == []


async def test_buttons_go_with_the_state_that_they_belong_to():
    async with a_scene() as scene:
        await scene.tell(told(), told(Event.WENT_BACK, 5))
        assert scene.message.buttons == []
        await scene.tell(told(Event.ROLLED_BACK, 6))

        assert [button.label for button in scene.message.buttons] == ["Allow v43 again", "Wrong call"]


async def test_where_nobody_hears_clicks_the_commands_are_printed():
    async with a_scene(workspace=None, signing_secret=None) as scene:
        await scene.tell(told())

        assert scene.message.buttons == []
        assert "Roll back now to v42: `rollbackd rollback w_1`" in scene.message.words
        assert "Hold 15 min: `rollbackd hold w_1 --for 15m`" in scene.message.words


async def test_the_footer_leads_to_the_watch():
    async with a_scene(public_url="https://rollbackd.example") as scene:
        await scene.tell(told())

        footer = scene.message.blocks[-1]["elements"][0]["text"]
        assert footer.endswith("24 Nov 12:00:00 UTC · <https://rollbackd.example/v1/watches/w_1|…w_1>")


# ------------------------------------------------------------------------------------------------------ who is disturbed


async def test_the_author_and_whoever_is_on_call_are_mentioned_once_where_somebody_is_needed():
    async with a_scene() as scene:
        await scene.tell(told(), told(kind="append"))

        assert scene.message.mentions == {ADA, ON_CALL}
        assert scene.replies[0].mentions == set()
        assert not scene.replies[0].posted.broadcast


async def test_what_comes_later_and_needs_somebody_is_told_in_the_channel_too():
    async with a_scene() as scene:
        await scene.tell(told(), told(kind="append"))
        await scene.tell(told(Event.STUCK, 5), told(Event.STUCK, 5, "append"))

        assert [each.posted.broadcast for each in scene.replies] == [False, True]
        assert scene.replies[1].mentions == {ADA, ON_CALL}
        assert len(scene.world.room()) == 2


@pytest.mark.parametrize(
    "event", [Event.WENT_BACK, Event.UNDECIDED, Event.PASSED, Event.UNPROVEN, Event.SUPERSEDED, Event.KEPT]
)
async def test_nobody_is_disturbed_where_nobody_is_needed(event):
    async with a_scene() as scene:
        await scene.tell(told(Event.OPENED, 1), told(event, 4), told(event, 4, "append"))

        assert scene.message.mentions == set()
        assert not scene.replies[0].posted.broadcast


async def test_the_end_that_everybody_waited_for_is_told_in_the_channel_and_mentions_nobody():
    async with a_scene() as scene:
        await scene.tell(told(), told(Event.ROLLED_BACK, 6), told(Event.ROLLED_BACK, 6, "append"))

        assert scene.replies[0].posted.broadcast
        assert scene.replies[0].mentions == set()


async def test_an_author_whom_the_configuration_does_not_name_is_not_guessed():
    async with a_scene(mentions={}, on_call={}) as scene:
        await scene.tell(told())

        assert scene.message.mentions == set()


# ------------------------------------------------------------------------------------------------------ after an outage


async def test_whichever_arrives_first_after_an_outage_there_is_one_message():
    async with a_scene() as scene:
        scene.world.trouble = down()
        await scene.tell(told(), told(kind="append"))
        scene.world.trouble = None
        await scene.tell(told(kind="append"))
        assert scene.message.buttons[0].label == "Roll back now to v42"
        await scene.tell(told(Event.WENT_BACK, 5))

        assert scene.message.words.startswith("*checkout · production: v42 serves again")
        assert ["fails 5.2 %" in each.words for each in scene.replies] == [True]


async def test_what_is_old_and_overtaken_is_told_quietly_and_what_is_newest_loudly():
    async with a_scene() as scene:
        scene.world.trouble = down()
        await scene.tell(told())
        scene.world.trouble = None
        scene.world.now = lambda: NOON + timedelta(hours=1)
        await scene.tell(told(Event.OPENED, 1), told(Event.STUCK, 8))
        await scene.tell(told(revision=3, kind="append"), told(Event.STUCK, 8, "append"))

        assert [(each.posted.broadcast, bool(each.mentions)) for each in scene.replies] == [
            (False, False),
            (True, True),
        ]


async def test_a_breach_that_something_newer_follows_at_once_still_disturbs():
    async with a_scene() as scene:
        await scene.tell(told(Event.OPENED, 1), told(Event.WENT_BACK, 4))
        await scene.tell(told(revision=3, kind="append"))

        assert scene.replies[0].mentions == {ADA, ON_CALL}


# ------------------------------------------------------------------------------------------- what is gone, and what is not


async def test_a_message_that_somebody_deleted_is_posted_anew_and_the_thread_follows():
    async with a_scene() as scene:
        await scene.tell(told())
        scene.world.deletes(scene.message)
        with capture_logs() as log:
            await scene.tell(told(Event.STUCK, 5), told(Event.STUCK, 5, "append"))

        assert len(scene.replies) == 1
        assert "did not finish" in scene.message.words
        assert [line["event"] for line in log] == ["slack.message_lost"]


async def test_a_reply_to_a_message_that_is_gone_posts_it_anew():
    async with a_scene() as scene:
        await scene.tell(told())
        scene.world.deletes(scene.message)
        await scene.tell(told(Event.STUCK, 5, "append"))

        assert "did not finish" in scene.message.words
        assert ["did not finish" in each.words for each in scene.replies] == [True]


async def test_what_was_posted_anew_is_the_message_from_then_on_though_nobody_wrote_it_down():
    async with a_scene() as scene:
        scene.world.at_once = 9
        await scene.tell(told())
        scene.world.deletes(scene.message)
        await scene.tell(told(Event.STUCK, 5, "append"))
        await scene.tell(told(Event.KEPT, 6, "append"), told(Event.KEPT, 6))

        assert len(scene.replies) == 2
        assert scene.message.words.endswith("…w_1")


async def test_a_thread_that_is_never_there_does_not_fill_the_channel():
    async with a_scene() as scene:
        scene.world.once = [None, refuses("thread_not_found"), None, refuses("thread_not_found")]
        await scene.tell(told())
        (telling,) = await scene.tell(told(Event.STUCK, 5, "append"))

        assert isinstance(telling, Later)
        assert len(scene.world.room()) == 2


@pytest.mark.parametrize("word", ["invalid_blocks", "msg_blocks_too_long", "metadata_too_large"])
async def test_blocks_that_are_not_taken_are_left_out_and_nothing_else(word):
    async with a_scene() as scene:
        scene.world.once = [refuses(word)]
        with capture_logs() as log:
            (telling,) = await scene.tell(told())

        assert isinstance(telling, Told)
        assert not scene.message.blocks
        assert "fails 5.2 % of requests" in scene.message.words
        assert "Hold 15 min: `rollbackd hold w_1 --for 15m`" in scene.message.words
        assert scene.message.mentions == {ADA, ON_CALL}
        assert [(line["event"], line["word"]) for line in log] == [("slack.blocks_refused", word)]


async def test_a_loud_reply_without_its_blocks_is_as_loud():
    async with a_scene() as scene:
        await scene.tell(told(), told(Event.STUCK, 5))
        scene.world.once = [refuses("invalid_blocks")]
        await scene.tell(told(Event.STUCK, 5, "append"))

        assert scene.replies[0].posted.broadcast


async def test_what_says_nothing_of_how_a_watch_stands_is_told_beside_it_and_never_changed():
    async with a_scene() as scene:
        await scene.tell(told(Event.PAUSED, 2, "append"), told(revision=3))
        await scene.tell(told(Event.PAUSED, 4, "append"))

        first, message, again = scene.world.room()
        assert "is paused" in first.words
        assert "fails 5.2 %" in message.words
        assert again.posted.thread == message.ts


async def test_what_is_told_beside_a_message_that_is_gone_is_told_by_itself():
    async with a_scene() as scene:
        await scene.tell(told())
        scene.world.deletes(scene.message)
        await scene.tell(told(Event.PAUSED, 4, "append"))

        assert "is paused" in scene.message.words


async def test_a_notice_of_no_watch_is_told_by_itself():
    async with a_scene() as scene:
        switch = told(revision=1, kind="append", watch="", headline="rollbackd is disarmed", buttons=())
        await scene.tell(switch)

        assert scene.message.words.startswith("*rollbackd is disarmed*")


# ---------------------------------------------------------------------------------------------------------- where it goes


@pytest.mark.parametrize("channel", ["#releases", "releases", "c0room", "C0ROOM|1", "", "@ada", "C0\u0391"])
async def test_what_is_no_channels_id_is_never_told_and_says_what_to_write(channel):
    async with a_scene() as scene:
        (telling,) = await scene.tell(told(), channel=channel)

        assert isinstance(telling, Never)
        assert "is no channel's id" in telling.words
        assert scene.world.asked == []


async def test_a_message_that_names_no_channel_goes_to_that_of_the_connection():
    async with a_scene(channel=ROOM) as scene:
        await scene.tell(told(), channel="")

        assert scene.message.is_ours


async def test_each_channel_has_a_message_of_its_own():
    async with a_scene() as scene:
        scene.world.sets(ELSEWHERE, bot=True)
        await scene.bot.tell(told(), ROOM, None)
        await scene.bot.tell(told(), ELSEWHERE, None)

        assert [len(scene.world.room(each)) for each in (ROOM, ELSEWHERE)] == [1, 1]


async def test_a_ref_that_is_none_of_ours_is_no_ref():
    async with a_scene() as scene:
        for number, ref in enumerate(("told", "||||", "C0ROOM|1.5")):
            scene.ref = ref
            await scene.tell(told(watch=f"w_{number}"))

        assert len(scene.world.room()) == 3


# ---------------------------------------------------------------------------------------------------------------- its pace


def test_one_channel_does_not_wait_for_another():
    async def taken():
        turns, began = Turns(1.0), asyncio.get_running_loop().time()
        for channel in (ROOM, ELSEWHERE, ROOM):
            async with turns.taken(channel):
                yield asyncio.get_running_loop().time() - began

    async def all_taken():
        return [at async for at in taken()]

    assert in_virtual_time(all_taken()) == [0, 0, 1]


async def test_a_bot_as_the_daemon_opens_it_leaves_a_second_between_two_messages():
    async with a_scene(turns=Turns()) as scene:
        began = asyncio.get_running_loop().time()
        await scene.tell(told(), told(revision=4))

        assert asyncio.get_running_loop().time() - began >= 1


def test_whoever_waits_for_a_turn_too_long_is_told_so_and_the_others_are_a_second_apart():
    async def taken():
        turns, began = Turns(1.0), asyncio.get_running_loop().time()

        async def waits():
            async with turns.taken(ROOM) as mine:
                return (mine, asyncio.get_running_loop().time() - began)

        return await asyncio.gather(*(waits() for _ in range(6)))

    assert in_virtual_time(taken()) == [(True, 0), (True, 1), (True, 2), (True, 3), (False, 3), (False, 3)]


def test_who_gives_up_waiting_leaves_the_turn_to_others():
    async def taken():
        turns = Turns(1.0)

        async def has_it():
            async with turns.taken(ROOM) as mine:
                return mine

        await has_it()
        first, second = asyncio.ensure_future(has_it()), asyncio.ensure_future(has_it())
        await asyncio.sleep(0.5)
        first.cancel()
        return await second

    assert in_virtual_time(taken()) is True


def test_turns_of_many_channels_are_not_remembered_for_ever():
    async def taken():
        turns = Turns(0.0)
        for number in range(MOST + 10):
            async with turns.taken(f"C{number}"):
                pass
        return turns.remembered

    assert in_virtual_time(taken()) == MOST


async def test_who_does_not_get_a_turn_is_told_later():
    async with a_scene(turns=Turns(0.0, patience=0.01), timeout=timedelta(seconds=1)) as scene:
        await scene.tell(told())
        scene.world.once = [hangs("chat.update")]
        first = scene.bot.tell(told(revision=4), ROOM, scene.ref)
        second = scene.bot.tell(told(revision=5), ROOM, scene.ref)
        tellings = await asyncio.gather(first, second)

        assert tellings[1] == Later(timedelta(seconds=1), "more than one message a second for C0ROOM")


# ------------------------------------------------------------------------------------------------------------ its opening


async def test_an_error_of_somebody_else_comes_through_as_it_is():
    with pytest.raises(WatcherError, match="the port is taken"):
        async with a_scene():
            raise WatcherError("the port is taken", remedy="take another")


async def test_other_peoples_messages_are_left_alone():
    async with a_scene() as scene:
        theirs = scene.world.posts(ROOM, ADA, "deploying")
        await scene.tell(told(), told(Event.WENT_BACK, 5))

        standing = scene.world.message(ROOM, theirs.ts)
        assert standing is not None
        assert standing.text == "deploying"
        assert [each.posted.by for each in scene.world.room()] == [ADA, BOT_USER]
