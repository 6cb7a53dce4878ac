"""Opens the bot, with slack_sdk's client on a session of ours."""

import contextlib
from collections.abc import AsyncIterator
from importlib.util import find_spec

from watcher.notify.notifier import Opening
from watcher.notify.slack.bot import Bot
from watcher.notify.slack.calls import Calls
from watcher.notify.slack.pictures import PROGRAM, Pictures
from watcher.notify.slack.settings import Settings
from watcher.notify.slack.turns import Turns


@contextlib.asynccontextmanager
async def open_bot(settings: Settings, opening: Opening, turns: Turns | None = None) -> AsyncIterator[Bot]:
    """The bot, for as long as the context lasts. *turns*: by default those that Slack asks for."""
    async with opening.http.lend() as session:
        calls = Calls.on(session, settings, opening.http)
        program = PROGRAM if find_spec("matplotlib") is not None else None
        async with Pictures.open(calls, opening.chart_of, program) as pictures:
            yield Bot(
                settings,
                calls,
                pictures,
                opening.now,
                Turns() if turns is None else turns,
                opening.public_url,
            )
