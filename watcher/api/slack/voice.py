"""The way back to Slack, for answers. No order depends on it, but for user groups.

Whoever clicked is answered by the ``response_url`` of the click, which needs neither a scope nor a seat in the channel; it is
used only where it leads to Slack itself. Where it cannot be, they are told by the bot.

Source:
    https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
    https://docs.slack.dev/reference/methods/chat.postEphemeral
    https://docs.slack.dev/reference/methods/usergroups.users.list
"""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from slack_sdk.errors import SlackApiError

from watcher.api.slack.click import Click
from watcher.http import Http, HttpRefused, Request
from watcher.notify.slack.calls import Calls, Method
from watcher.notify.slack.text import escaped

TIMEOUT = timedelta(seconds=5)
MOST_WORDS = 3000
ANSWERED_AT = frozenset({"https://hooks.slack.com", "https://hooks.slack-gov.com"})
REMEMBERED = timedelta(minutes=5)  # who is in a group
UNANSWERED = timedelta(seconds=10)  # until a group is asked for again that Slack did not tell
Answer = Mapping[str, Any]
log = structlog.stdlib.get_logger("rollbackd.slack")


@dataclass(slots=True)
class _Group:
    """What is known of a user group, and until when."""

    people: frozenset[str] | None = None
    until: datetime | None = None
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass
class SlackVoice:
    """Answers whoever clicked."""

    http: Http
    calls: Calls
    now: Callable[[], datetime]
    _groups: dict[str, _Group] = field(default_factory=dict)

    async def answer(self, click: Click, words: str) -> None:
        """Say *words* to whoever clicked, and to nobody else."""
        text = escaped(words, MOST_WORDS)
        if not await self._responded(click.response_url, text):
            await self._called(
                self.calls.client.chat_postEphemeral, channel=click.channel.id, user=click.user.id, text=text
            )

    async def change(self, click: Click, text: str, blocks: Sequence[Mapping[str, Any]]) -> None:
        """Change the message that was clicked in."""
        shown = [dict(block) for block in blocks]
        await self._called(
            self.calls.client.chat_update,
            channel=click.channel.id,
            ts=click.message.ts,
            text=text,
            blocks=shown,
        )

    async def members(self, group: str) -> frozenset[str] | None:
        """Who belongs to *group*, as Slack said in the last minutes; ``None``: it does not say."""
        known = self._groups.setdefault(group, _Group())
        async with known.asking:
            if known.until is None or self.now() >= known.until:
                answer = await self._called(self.calls.client.usergroups_users_list, usergroup=group)
                users = None if answer is None else answer.get("users")
                known.people = frozenset(map(str, users)) if isinstance(users, list) else None
                known.until = self.now() + (UNANSWERED if known.people is None else REMEMBERED)
            return known.people

    async def _responded(self, url: str, text: str) -> bool:
        request = Request(
            "slack",
            url,
            "POST",
            {"Content-Type": "application/json"},
            body=json.dumps({"response_type": "ephemeral", "replace_original": False, "text": text}).encode(),
            timeout=TIMEOUT,
        )
        if request.origin not in {*ANSWERED_AT, self.calls.origin}:
            return False
        try:
            await self.http.fetch(request)
        except HttpRefused as refused:
            log.warning("slack.unanswered", method="response_url", words=refused.words)
            return False
        return True

    async def _called(self, method: Method, **arguments: Any) -> Answer | None:
        """What Slack answers; ``None``: it refuses, or does not answer."""
        try:
            return await self.call(method, **arguments)
        except (SlackApiError, HttpRefused) as error:
            log.warning("slack.unanswered", method=method.__name__, words=self.calls.words(error))
            return None

    async def call(self, method: Method, **arguments: Any) -> Answer:
        """What Slack answers to one call of the client, made once.

        Raises:
            SlackApiError: It refuses.
            HttpRefused: It does not answer, or not as Slack does.
        """
        return await self.calls.look(method, TIMEOUT, **arguments)

    def asking(self) -> AbstractAsyncContextManager[None]:
        """Around whatever else is asked of Slack: its time, its count, and its failures as ours."""
        return self.http.asking(self.calls.request(TIMEOUT))
