"""After a crash, or a lost answer, an own message is found again and not sent twice: where `history` allows to look."""

from datetime import timedelta
from functools import partial

import pytest
from structlog.testing import capture_logs

from tests.builders import NOON
from tests.fakes.slack import ADA, ROOM, down, hangs, lost, refuses, silent
from tests.watcher.notify.slack.scene import Scene, a_scene, told
from watcher.core.wording import Event
from watcher.notify.notifier import Later, Told


def forgetful(scene: Scene) -> Scene:
    """The process is another one, and nothing was written down."""
    scene.ref = None
    scene.bot._known.clear()  # type: ignore[attr-defined]
    return scene


@pytest.mark.parametrize("lose", [lost, silent], ids=["the connection is cut", "nothing is said"])
async def test_a_message_whose_answer_was_lost_is_found_again_and_changed(lose):
    async with a_scene(history=True, timeout=timedelta(seconds=0.3)) as scene:
        scene.world.once = [None, lose("chat.postMessage")]
        (first,) = await scene.tell(told())
        (second,) = await scene.tell(told(Event.WENT_BACK, 5))

        assert isinstance(first, Later)
        assert isinstance(second, Told)
        assert scene.message.words.startswith("*checkout · production: v42 serves again")
        assert second.ref == f"{ROOM}|{scene.message.ts}|w_1.3|w_1.5"


async def test_a_reply_whose_answer_was_lost_is_not_sent_again():
    async with a_scene(history=True) as scene:
        await scene.tell(told())
        scene.world.once = [None, lost("chat.postMessage")]
        (first,) = await scene.tell(told(kind="append"))
        (second,) = await scene.tell(told(kind="append"))

        assert isinstance(first, Later)
        assert isinstance(second, Told)
        assert len(scene.replies) == 1


async def test_without_history_it_is_sent_twice_and_never_not_at_all():
    async with a_scene(history=False) as scene:
        scene.world.once = [lost("chat.postMessage")]
        await scene.tell(told())
        await scene.tell(told())

        assert len(scene.world.room()) == 2
        assert "conversations.history" not in scene.world.methods()


async def test_another_process_finds_it_among_many():
    async with a_scene(history=True) as scene:
        await scene.tell(told())
        for number in range(450):
            scene.world.posts(ROOM, ADA, f"talk {number}")
        await forgetful(scene).tell(told(Event.WENT_BACK, 5))

        assert len([each for each in scene.world.room() if each.is_ours]) == 1
        assert scene.world.methods().count("conversations.history") == 1 + 3


async def test_messages_of_other_watches_and_of_other_people_are_not_taken_for_it():
    async with a_scene(history=True) as scene:
        await scene.tell(told(watch="w_9"))
        forged = {
            "event_type": "rollbackd_message",
            "event_payload": {"watch": "w_1", "message": "w_1.1.0", "place": "message"},
        }
        scene.world.posts(ROOM, ADA, "mine", metadata=forged)
        await forgetful(scene).tell(told())

        theirs = [each for each in scene.world.room() if not each.is_ours]
        assert theirs[0].text == "mine"
        assert len([each for each in scene.world.room() if each.is_ours]) == 2


async def test_what_another_app_puts_into_the_thread_keeps_no_reply_back():
    async with a_scene(history=True) as scene:
        await scene.tell(told())
        forged = {
            "event_type": "rollbackd_message",
            "event_payload": {"watch": "w_1", "message": "w_1.3.1", "place": "reply"},
        }
        scene.world.posts(ROOM, ADA, "all is well", metadata=forged, thread=scene.message.ts)
        await scene.tell(told(kind="append"))

        assert [each.is_ours for each in scene.replies] == [False, True]


async def test_a_reply_goes_into_no_thread_of_another_app():
    async with a_scene(history=True) as scene:
        forged = {
            "event_type": "rollbackd_message",
            "event_payload": {"watch": "w_1", "message": "w_1.3.0", "place": "message"},
        }
        theirs = scene.world.posts(ROOM, ADA, "all is well", metadata=forged)
        await scene.tell(told(kind="append"))

        assert scene.world.thread(theirs.ts) == []
        assert len([each for each in scene.world.room() if each.is_ours]) == 1


async def test_what_is_older_than_six_hours_is_not_looked_for():
    async with a_scene(history=True) as scene:
        await scene.tell(told())
        scene.world.now = lambda: NOON + timedelta(hours=7)
        await forgetful(scene).tell(told(at=NOON + timedelta(hours=7)))

        assert len(scene.world.room()) == 2


async def test_what_may_have_arrived_is_not_sent_again_before_that_can_be_seen():
    async with a_scene(history=True) as scene:
        scene.world.trouble = lost()
        tellings = [*await scene.tell(told(), told()), *await scene.tell(told(Event.WENT_BACK, 5))]
        assert all(isinstance(each, Later) for each in tellings)
        scene.world.trouble = None
        await scene.tell(told(Event.WENT_BACK, 5))
        scene.world.trouble = lost()
        await scene.tell(told(Event.STUCK, 6, "append"), told(Event.STUCK, 6, "append"))
        scene.world.trouble = None
        await scene.tell(told(Event.STUCK, 6, "append"))

        (message, *_) = scene.world.room()
        assert message.words.startswith("*checkout · production: v42 serves again")
        assert len(scene.replies) == 1


@pytest.mark.parametrize("method", ["auth.test", "conversations.history"])
@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        (
            partial(refuses, "missing_scope", needed="groups:history"),
            "Slack says missing_scope (groups:history)",
        ),
        (hangs, "no complete answer within 0.3 s"),
        (partial(refuses, "ratelimited"), "Slack says ratelimited"),
        (down, "HTTP 503"),
    ],
    ids=["scope", "hangs", "rate", "down"],
)
async def test_a_history_that_cannot_be_read_stops_nothing(trouble, words, method):
    async with a_scene(history=True, timeout=timedelta(seconds=0.3)) as scene:
        scene.world.once = [trouble(method)]
        with capture_logs() as log:
            (telling,) = await scene.tell(told())

        assert isinstance(telling, Told)
        assert scene.message.is_ours
        assert [line["event"] for line in log] == ["slack.history_unread"]
        assert words in log[0]["words"]


@pytest.mark.parametrize("trouble", [refuses("missing_scope"), hangs()])
async def test_a_thread_that_cannot_be_read_stops_nothing(trouble):
    async with a_scene(history=True, timeout=timedelta(seconds=0.3)) as scene:
        await scene.tell(told())
        scene.world.once = [trouble]
        await scene.tell(told(kind="append"))

        assert len(scene.replies) == 1
