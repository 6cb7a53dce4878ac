"""Opens the bot, with slack_sdk's client on a session of ours."""

import contextlib
from collections.abc import AsyncIterator

from pydantic import SecretStr
from slack_sdk.web.async_client import AsyncWebClient

from watcher.notify.notifier import Opening
from watcher.notify.slack.bot import Bot
from watcher.notify.slack.pictures import Pictures
from watcher.notify.slack.settings import Settings


@contextlib.asynccontextmanager
async def open_bot(settings: Settings, opening: Opening) -> AsyncIterator[Bot]:
    """The bot, for as long as the context lasts."""
    async with opening.http.lend() as session:
        client = AsyncWebClient(
            (settings.token or SecretStr("")).get_secret_value(),
            base_url=settings.url,
            session=session,
            retry_handlers=[],
        )
        client.proxy = None  # slack_sdk takes it from the environment, past the guard on addresses
        async with Pictures.open(settings, opening.http, client, opening.chart_of) as pictures:
            yield Bot(settings, opening.http, client, pictures)
