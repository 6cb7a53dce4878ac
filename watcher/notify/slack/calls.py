"""One call of Slack's Web API: by slack_sdk, once, in its time; and whatever goes wrong as two kinds of errors.

slack_sdk's own retries sleep inside the call, while the courier's are written down: there are none here.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

import aiohttp
import structlog
from pydantic import SecretStr
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from watcher.http import Http, HttpRefused, Request
from watcher.notify.slack import refusals
from watcher.notify.slack.said import said
from watcher.notify.slack.settings import Settings

LOOKING = timedelta(seconds=4)  # for what is only looked at before a message: the whole try has 20 s
log = structlog.stdlib.get_logger("rollbackd.slack")

Method = Callable[..., Awaitable[Any]]


class Calls:
    """The way to one workspace."""

    def __init__(self, settings: Settings, http: Http, client: AsyncWebClient) -> None:
        self.client = client
        self._settings = settings
        self._http = http
        self._bot_id = ""

    @classmethod
    def on(cls, session: aiohttp.ClientSession, settings: Settings, http: Http) -> "Calls":
        """By slack_sdk's client on *session*, which *http* lent."""
        token = (settings.token or SecretStr("")).get_secret_value()
        client = AsyncWebClient(token, base_url=settings.url, session=session, retry_handlers=[])
        client.proxy = None  # slack_sdk takes it from the environment, past the guard on addresses
        return cls(settings, http, client)

    @property
    def origin(self) -> str:
        """For people."""
        return self.request(self._settings.timeout).origin

    def words(self, error: SlackApiError | HttpRefused) -> str:
        """Why Slack does not do it, in its own word where it says one. Nothing that it was asked with is in it."""
        return error.words if isinstance(error, HttpRefused) else refusals.what(self.origin, said(error))

    def request(self, timeout: timedelta) -> Request:
        """Who asks whom, for `Http.asking`."""
        return Request("slack", self._settings.url, "POST", timeout=timeout)

    async def make(self, method: Method, *, times: int = 1, **arguments: Any) -> Any:
        """Slack's answer, an ``AsyncSlackResponse``. *times*: how many calls slack_sdk makes of it.

        Raises:
            SlackApiError: Slack refuses, or answers with another status than 200.
            HttpRefused: There was no answer, or it is none of Slack's.
        """
        return await self._made(times * self._settings.timeout, method, arguments)

    async def look(self, method: Method, within: timedelta = LOOKING, **arguments: Any) -> Mapping[str, Any]:
        """The same, for something that may be left out: it is waited for *within* some time only."""
        answer = await self._made(min(within, self._settings.timeout), method, arguments)
        content: Mapping[str, Any] = answer.data
        return content

    async def bot_id(self, within: timedelta) -> str:
        """Whose messages are our own, as ``B…``; empty: Slack does not say. It is asked until it does, and then no more.

        Raises:
            SlackApiError: As `make`.
            HttpRefused: As `make`.
        """
        if not self._bot_id:
            told = (await self.look(self.client.auth_test, within)).get("bot_id")
            self._bot_id = told if isinstance(told, str) else ""
        return self._bot_id

    async def _made(self, timeout: timedelta, method: Method, arguments: Mapping[str, Any]) -> Any:
        async with self._http.asking(self.request(timeout)):
            try:
                answer = await method(**arguments)
            except (AttributeError, RecursionError) as error:
                # slack_sdk expects an object in JSON, and trips over anything else.
                raise ValueError("no object in JSON") from error
            if not isinstance(answer.data, Mapping):
                raise ValueError("no object in JSON")  # noqa: TRY004 - `asking` makes a refusal of it
        return answer

    async def send(
        self, method: Method, told: Mapping[str, Any], plain: str, **where: Any
    ) -> tuple[str, str]:
        """Send *told*; where Slack does not take its blocks, *plain* alone: people are told in any case.

        Returns:
            The channel and the time of the message.

        Raises:
            SlackApiError: As `make`.
            HttpRefused: As `make`; also where the answer does not say where the message is.
        """
        try:
            answer = await self.make(method, **where, **told)
        except SlackApiError as error:
            refused = said(error)
            if refused.word not in refusals.BAD_CONTENT:
                raise
            log.error("slack.blocks_refused", word=refused.word, channel=where.get("channel"))  # noqa: TRY400 - no traceback: Slack's word says it
            rest = {name: value for name, value in told.items() if name not in {"metadata", *where}}
            answer = await self.make(method, **where, **{**rest, "text": plain, "blocks": []})
        channel, ts = answer.get("channel"), answer.get("ts")
        if not (isinstance(channel, str) and isinstance(ts, str)):
            raise refusals.not_slack(self.origin)
        return channel, ts
