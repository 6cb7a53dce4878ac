"""Opens the ear of one connection, and what goes on for it in the daemon. Nobody is asked anything yet.

slack_sdk is an extra: this module is imported where a connection hears, and not before.
"""

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import aiohttp
from pydantic import SecretStr

from deploy.model import Finding
from watcher.api.deps import Deps
from watcher.api.slack.attending import Attendant
from watcher.api.slack.ear import Ear
from watcher.api.slack.examining import examined
from watcher.api.slack.pace import PACE, Pace
from watcher.api.slack.socket import Socket
from watcher.api.slack.voice import SlackVoice
from watcher.http import Http
from watcher.notify.slack.calls import Calls
from watcher.notify.slack.settings import Settings
from watcher.telemetry.metrics import Metrics

Failed = Callable[[str, Exception], None]


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
    name: str,
    settings: Settings,
    http: Http,
    now: Callable[[], datetime],
    metrics: Metrics,
    pace: Pace = PACE,
) -> AsyncIterator[OpenEar]:
    """The ear of the connection *name*, for as long as the context lasts."""
    async with http.lend() as session:
        voice = SlackVoice(http, Calls.on(session, settings, http), now)
        workspace, secret = settings.workspace or "", settings.signing_secret
        ear = Ear(name, workspace, voice, metrics, settings.channel, secret, pace=pace)
        metrics.will_hear(name, by_socket=settings.app_token is not None)
        yield OpenEar(ear, voice, session, settings.app_token)
