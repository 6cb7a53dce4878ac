"""Opens the ear of one connection, and what goes on for it in the daemon. Nobody is asked anything yet.

slack_sdk is an extra: this module is imported where a connection hears, and not before.
"""

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import aiohttp
from pydantic import SecretStr
from slack_sdk.web.async_client import AsyncWebClient

from deploy.model import Finding
from watcher.api.deps import Deps
from watcher.api.slack.attending import Attendant
from watcher.api.slack.ear import Ear
from watcher.api.slack.examining import examined
from watcher.api.slack.pace import PACE, Pace
from watcher.api.slack.socket import Socket
from watcher.api.slack.voice import SlackVoice
from watcher.http import Http
from watcher.telemetry.metrics import Metrics

Failed = Callable[[str, Exception], None]


class Heard(Protocol):
    """The settings of a connection, as far as hearing needs them."""

    @property
    def token(self) -> SecretStr | None:
        """Of the bot, for answers."""

    @property
    def workspace(self) -> str | None:
        """Whose people are heard."""

    @property
    def url(self) -> str:
        """Of the API."""

    @property
    def channel(self) -> str | None:
        """Where messages go that name none."""

    @property
    def signing_secret(self) -> SecretStr | None:
        """Clicks come over HTTP, and are signed with it."""

    @property
    def app_token(self) -> SecretStr | None:
        """Clicks come by Socket Mode."""


@dataclass(frozen=True, slots=True)
class OpenEar:
    """An ear, and what it needs to be attended to."""

    ear: Ear
    voice: SlackVoice
    session: aiohttp.ClientSession
    app_token: SecretStr | None

    async def examine(self, public_url: str | None) -> Sequence[Finding]:
        """Whether clicks can come, for ``rollbackd doctor``."""
        return await examined(self.ear, self.voice, self.app_token, public_url)

    def loops(self, deps: Deps, failed: Failed) -> Sequence[Attendant | Socket]:
        """What the daemon runs for it; by Socket Mode it hears once these go."""
        attendant = Attendant(self.ear, deps, failed)
        if self.app_token is None:
            return (attendant,)
        pace = self.ear.pace
        return attendant, Socket(self.ear, self.voice, self.session, self.app_token, deps.now, failed, pace)


@contextlib.asynccontextmanager
async def open_ear(
    name: str, heard: Heard, http: Http, now: Callable[[], datetime], metrics: Metrics, pace: Pace = PACE
) -> AsyncIterator[OpenEar]:
    """The ear of the connection *name*, for as long as the context lasts."""
    async with http.lend() as session:
        token = (heard.token or SecretStr("")).get_secret_value()
        client = AsyncWebClient(token, base_url=heard.url, session=session, retry_handlers=[])
        client.proxy = None  # slack_sdk takes it from the environment, past the guard on addresses
        voice = SlackVoice(http, client, now)
        workspace, channel = heard.workspace or "", heard.channel
        ear = Ear(name, workspace, voice, metrics, channel, heard.signing_secret, pace=pace)
        metrics.will_hear(name, by_socket=heard.app_token is not None)
        yield OpenEar(ear, voice, session, heard.app_token)
