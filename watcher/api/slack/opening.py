"""Opens the ear of one connection: its answers, and Socket Mode where there is a token for it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime

from pydantic import SecretStr

from watcher.api.slack.ear import Ear
from watcher.api.slack.obeying import obey
from watcher.api.slack.web import SlackVoice, Socket, open_client
from watcher.http import Http


@dataclass(frozen=True, slots=True)
class Heard:
    """What an ear is opened with: the settings of the connection, as far as hearing needs them."""

    name: str
    workspace: str
    token: SecretStr
    url: str
    channel: str | None
    signing_secret: SecretStr | None
    app_token: SecretStr | None


@contextlib.asynccontextmanager
async def open_ear(heard: Heard, http: Http, now: Callable[[], datetime]) -> AsyncIterator[Ear]:
    """The ear; by Socket Mode it hears from now on."""
    async with open_client(http, heard.token, heard.url) as (client, session), asyncio.TaskGroup() as tasks:
        voice = SlackVoice(http, client, now)
        ear = Ear(heard.name, heard.workspace, voice, obey, heard.channel, heard.signing_secret)
        listening = (
            [tasks.create_task(Socket(ear, voice, session, heard.app_token).run())] if heard.app_token else []
        )
        try:
            yield ear
        finally:
            for task in listening:
                task.cancel()
