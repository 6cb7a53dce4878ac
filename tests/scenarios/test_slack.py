"""Slack is told of a rollback, and never stands in its way: down, hanging, refusing, or for good."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from tests.builders import hours, minutes
from tests.fakes.slack import (
    ADA,
    ON_CALL,
    ROOM,
    Message,
    SlackWorld,
    Trouble,
    down,
    hangs,
    lost,
    rate_limited,
    refuses,
    silent,
    slow,
)
from tests.fakes.slack.line import Line
from tests.scenarios.stage import CHANNEL, FOR_DAYS, Stage
from tests.scenarios.story import Story, watched
from tests.scenarios.virtual import in_virtual_time
from tests.scenarios.world import Act, a_service, a_world, killed, release
from watcher.core.service import Service, Team
from watcher.http import Guard, Http
from watcher.notify.slack.bot import Bot
from watcher.notify.slack.calls import Calls
from watcher.notify.slack.pictures import Pictures
from watcher.notify.slack.settings import Settings
from watcher.notify.slack.turns import Turns
from watcher.runtime.courier import MOST_ATTEMPTS, TELL_TIMEOUT
from watcher.telemetry.metrics import Metrics

NAME = "slack"
TEAM = Team("shop", (CHANNEL, f"{NAME}:{ROOM}"))


def in_slack(**policy: Any) -> Service:
    return replace(a_service(**policy), team=TEAM)


@dataclass
class Room:
    """Slack, as one story has it. *history*: the bot may look back."""

    history: bool = False

    def opened(self) -> Act:
        async def opens(stage: Stage) -> None:
            self.world = SlackWorld(stage.now)
            self.tell(stage)

        return Act(timedelta(0), opens)

    def tell(self, stage: Stage) -> None:
        """A bot, as a new process has it."""
        line = Line(self.world)
        settings = Settings(
            token=SecretStr(self.world.bot_token),
            url=line.base_url,
            mentions={"ada": ADA},
            on_call={ROOM: ON_CALL},
            history=self.history,
        )
        nobody: Any = None  # nothing goes out but by the line, and no picture is drawn
        http = Http(nobody, nobody, Metrics(), stage.now, Guard(()), "0")
        calls = Calls(settings, http, line)
        pictures = Pictures(calls, None, nobody, None)
        stage.notifiers[NAME] = Bot(settings, calls, pictures, stage.now, Turns())

    def reborn(self, at: timedelta) -> tuple[Act, ...]:
        """``kill -9``, and what only the process knew is gone."""

        async def again(stage: Stage) -> None:
            self.tell(stage)

        return (Act(at, again), killed(at))

    def ill(self, trouble: Trouble | None, start: timedelta, end: timedelta | None = None) -> tuple[Act, ...]:
        """*trouble* from *start* on, until *end*."""

        def becomes(trouble: Trouble | None) -> Callable[[Stage], Any]:
            async def sets(_stage: Stage) -> None:
                self.world.trouble = trouble

            return sets

        return (Act(start, becomes(trouble)), *((Act(end, becomes(None)),) if end else ()))

    @property
    def message(self) -> Message:
        """The only message of the deployment."""
        (message,) = [each for each in self.world.messages(ROOM) if each.posted.thread is None]
        return message

    @property
    def thread(self) -> list[str]:
        """The first line of each reply."""
        return [each.words.splitlines()[0] for each in self.world.thread(self.message.ts)]


def story_of(room: Room, *acts: Act, minutes_long: float = 40, **settings: Any) -> Story:
    bad = release("v2", at=minutes(10), fails=0.05)
    return in_virtual_time(watched(a_world(in_slack(), room.opened(), bad, *acts, **settings), minutes_long))


@pytest.fixture(scope="module")
def undisturbed() -> tuple[Story, Room]:
    """The same story, with Slack well."""
    room = Room()
    return story_of(room), room


def test_a_bad_release_is_one_message_that_ends_as_the_watch_does(undisturbed):
    story, room = undisturbed

    assert story.states() == ["watching", "rolling_back", "recovering", "rolled_back"]
    assert "v1 serves again since" in room.message.words
    assert [button.label for button in room.message.buttons] == []  # nobody would hear them here
    assert "Allow v2 again: `rollbackd allow" in room.message.words
    assert [("Going back to v1 now" in line, "serves again" in line) for line in room.thread] == [
        (True, False),
        (False, True),
    ]
    assert not story.bugs


def test_a_good_release_says_nothing():
    room = Room()

    good = release("v2", at=minutes(10), fails=0.001)
    story = in_virtual_time(watched(a_world(in_slack(), room.opened(), good), 40))

    assert story.states() == ["watching", "passed"]
    assert room.world.log == []


ILL = {
    "down": down(),
    "hangs": hangs(),
    "slow": slow(7.0),
    "rate limited": rate_limited(300),
    "refuses the token": refuses("token_revoked"),
    "the answer is lost": lost(),
    "nothing is said": silent(),
}


@pytest.mark.parametrize("name", ILL)
def test_a_slack_that_is_ill_for_an_hour_delays_no_rollback_and_hears_the_end_afterwards(name, undisturbed):
    plain, _ = undisturbed
    room = Room(history=True)

    story = story_of(room, *room.ill(ILL[name], minutes(9), minutes(69)), minutes_long=90)

    assert story.rolled_back_at - plain.rolled_back_at == timedelta(0)
    assert story.calls_that_change == plain.calls_that_change
    assert "v1 serves again since" in room.message.words
    late = [at - usual for (at, _), (usual, _) in zip(story.told, plain.told, strict=True)]
    assert all(each <= TELL_TIMEOUT for each in late)  # other channels wait for one try at most
    assert sorted("serves again" in line for line in room.thread) == [False, True]  # and none of them twice
    assert not story.logged("message.undeliverable")
    assert not story.bugs


def test_after_an_hour_only_the_news_is_loud():
    room = Room()

    story_of(room, *room.ill(down(), minutes(9), minutes(69)), minutes_long=90)

    replies = room.world.thread(room.message.ts)
    assert [each.posted.broadcast for each in replies if "Going back" in each.words] == [False]
    assert all(not each.mentions for each in replies)


def test_what_nobody_takes_for_hours_is_given_up_loudly_but_for_how_it_ended():
    room = Room()

    story = story_of(
        room,
        *room.ill(refuses("not_in_channel"), minutes(9), hours(8)),
        minutes_long=60 * 9,
        settings={"pace": FOR_DAYS},
    )

    (given_up,) = story.logged("message.undeliverable")  # that it goes back
    assert given_up["log_level"] == "error"
    assert "invite the bot" in given_up["words"]
    assert len([row for row in story.audit if row.what == "message.given_up"]) == 1
    assert story.stage.metrics.messages.labels(NAME, "later")._value.get() >= 3 * (MOST_ATTEMPTS - 1)
    assert "v1 serves again since" in room.message.words
    assert [line for line in room.thread if "serves again" in line]


def test_a_token_that_is_mended_after_four_hours_still_brings_the_end():
    room = Room()
    acts = room.ill(refuses("invalid_auth"), minutes(9), hours(4))

    story = story_of(room, *acts, minutes_long=60 * 5, settings={"pace": FOR_DAYS})

    assert "v1 serves again since" in room.message.words
    assert not story.logged("message.undeliverable")


def test_what_slack_will_never_take_is_given_up_at_once_and_loudly():
    room = Room()

    story = story_of(room, *room.ill(refuses("invalid_arguments"), minutes(9)))

    assert {line["log_level"] for line in story.logged("message.undeliverable")} == {"error"}
    assert (
        story.stage.metrics.messages.labels(NAME, "never")._value.get() == 5
    )  # three times what is shown, two replies
    assert story.watch.state.value == "rolled_back"


@pytest.mark.parametrize("seconds_in", [70, 130, 190, 250, 310])
def test_a_kill_in_between_leaves_one_message_and_the_end_is_told(seconds_in):
    room = Room(history=True)

    story = story_of(room, *room.reborn(minutes(10) + timedelta(seconds=seconds_in)))

    assert story.calls_that_change == ["UpdateService v1"]
    assert "v1 serves again since" in room.message.words
    assert len(room.thread) == 2
