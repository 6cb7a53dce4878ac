"""A bot that tells in a small Slack, and the messages of a deployment as core words them."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import SecretStr

from tests.builders import NOON, a_breach, a_policy, a_watch, minutes, seconds, some_facts
from tests.fakes.serve import http_to_loopback
from tests.fakes.slack import ADA, BOT_TOKEN, ON_CALL, ROOM, SECRET, TEAM, Message, SlackWorld, serving_slack
from watcher.core.watch import Breach, State
from watcher.core.watch import Message as Told
from watcher.core.wording import Event, notice
from watcher.notify.notifier import Notifier, Opening, Telling
from watcher.notify.slack.pictures import ChartOf
from watcher.notify.slack.settings import Settings
from watcher.notify.slack.speaking import open_bot
from watcher.notify.slack.turns import Turns

STATES = {
    Event.BREACHED: State.COUNTING_DOWN,
    Event.ASKED: State.ASKING,
    Event.ROLLING_BACK: State.ROLLING_BACK,
    Event.STUCK: State.STUCK,
    Event.WENT_BACK: State.RECOVERING,
    Event.ROLLED_BACK: State.ROLLED_BACK,
}


def told(
    event: Event = Event.BREACHED,
    revision: int = 3,
    kind: Literal["show", "append"] = "show",
    at: datetime = NOON,
    **changes: Any,
) -> Told:
    """What core says of *event*, as a message; *changes* are of the notice."""
    watch = a_watch(
        STATES.get(event, State.WATCHING),
        breach=Breach(NOON - minutes(1), a_breach()),
        policy=a_policy(countdown=seconds(30)),
    )
    number = 0 if kind == "show" else 1
    said = replace(notice(event, watch, at, some_facts()), **changes)
    return Told(f"w_1.{revision}.{number}", kind, f"slack:{ROOM}", said)


@dataclass
class Scene:
    """The bot, and the Slack that it tells in. *refs*: what the store would keep of each channel."""

    world: SlackWorld
    bot: Notifier
    ref: str | None = None

    async def tell(self, *messages: Told, channel: str = ROOM) -> list[Telling]:
        """As the courier does: what is answered to a ``show`` is given to all that follow."""
        answers = []
        for message in messages:
            answer = await self.bot.tell(message, channel, self.ref)
            answers.append(answer)
            if message.kind == "show":
                self.ref = getattr(answer, "ref", None) or self.ref
        return answers

    @property
    def message(self) -> Message:
        """The only one that stands in the channel."""
        (message,) = self.world.room()
        return message

    @property
    def replies(self) -> Sequence[Message]:
        """To it."""
        return self.world.thread(self.world.room()[0].ts)


def a_setting(world: SlackWorld, **changes: Any) -> Settings:
    usual: dict[str, Any] = {
        "token": SecretStr(BOT_TOKEN),
        "workspace": TEAM,
        "signing_secret": SecretStr(SECRET),
        "url": f"{world.base}/api/",
        "timeout": timedelta(seconds=2),
        "mentions": {"ada": ADA},
        "on_call": {ROOM: ON_CALL},
    }
    return Settings(**(usual | changes))


@contextlib.asynccontextmanager
async def a_scene(
    chart_of: ChartOf | None = None,
    now: datetime = NOON,
    public_url: str | None = None,
    turns: Turns | None = None,
    **settings: Any,
) -> AsyncIterator[Scene]:
    """Slack, and the bot as the app opens it."""
    world = SlackWorld(lambda: now)

    def time() -> datetime:
        return world.now()

    async with serving_slack(world), http_to_loopback(time) as http:
        opening = Opening(http, time, chart_of, public_url)
        async with open_bot(
            a_setting(world, **settings), opening, Turns(0.0) if turns is None else turns
        ) as bot:
            yield Scene(world, bot)
