"""Looks for an own message that was sent and not written down: by the metadata that it carries. A convenience: nothing depends on it.

Any app can write such metadata, so only what our own bot has sent is looked at: else another app could keep an alarm back.

Source:
    https://docs.slack.dev/messaging/message-metadata
    https://docs.slack.dev/reference/methods/conversations.history
    https://docs.slack.dev/reference/methods/conversations.replies
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

import structlog
from slack_sdk.errors import SlackApiError

from watcher.core.watch import Message
from watcher.http import HttpRefused
from watcher.notify.slack.calls import LOOKING, Calls, Method
from watcher.notify.slack.ref import Ref, revision_of

KIND = "rollbackd_message"  # of the metadata
BACK = timedelta(hours=6)  # how long ago it may have been sent
PAGE, PAGES = 200, 5  # messages that are looked at
log = structlog.stdlib.get_logger("rollbackd.slack")

Place = Literal["message", "reply", "aside"]


def metadata(message: Message, place: Place) -> Mapping[str, Any]:
    """What a message carries, so that it is known again. *place*: the message of its watch, in its thread, or beside it."""
    payload = {"watch": message.notice.watch, "message": message.id, "place": place}
    return {"event_type": KIND, "event_payload": payload}


async def message_of(calls: Calls, watch: str, channel: str, at: datetime) -> Ref | None:
    """The message of *watch* in *channel*, if it was posted before; *at*: the time of what is to be told.

    Raises:
        HttpRefused: Slack does not answer. Where it refuses to tell, that is logged, and nothing was found.
    """
    oldest = f"{(at - BACK).timestamp():.6f}"
    history = calls.client.conversations_history
    async for each, payload in _ours(calls, history, channel=channel, oldest=oldest):
        if payload.get("watch") == watch and payload.get("place") == "message":
            shown = revision_of(str(payload.get("message", "")))
            return Ref(channel, str(each.get("ts")), shown, shown)
    return None


async def is_told(calls: Calls, message: Message, ref: Ref) -> bool:
    """*message* stands in the thread of its watch already.

    Raises:
        HttpRefused: As `message_of`.
    """
    replies = calls.client.conversations_replies
    async for _, payload in _ours(calls, replies, channel=ref.channel, ts=ref.ts):
        if payload.get("message") == message.id and payload.get("place") == "reply":
            return True
    return False


async def _ours(
    calls: Calls, method: Method, **where: Any
) -> AsyncIterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """The messages of our bot that carry our metadata, with those; as many as can be read."""
    cursor: str | None = None
    loop = asyncio.get_running_loop()
    until = loop.time() + LOOKING.total_seconds()

    def left() -> timedelta:
        return timedelta(seconds=max(until - loop.time(), 0.0))

    for _ in range(PAGES):
        try:
            us = await calls.bot_id(left())
            answer = await calls.look(
                method, left(), limit=PAGE, include_all_metadata=True, cursor=cursor, **where
            )
        except (SlackApiError, HttpRefused) as error:
            log.warning("slack.history_unread", channel=where["channel"], words=calls.words(error))
            if isinstance(error, HttpRefused):
                raise
            return
        for each in answer.get("messages") or ():
            if isinstance(each, Mapping) and us and each.get("bot_id") == us and (payload := _payload(each)):
                yield each, payload
        cursor = (answer.get("response_metadata") or {}).get("next_cursor")
        if not cursor:
            return


def _payload(message: Mapping[str, Any]) -> Mapping[str, Any]:
    found = message.get("metadata")
    if not isinstance(found, Mapping) or found.get("event_type") != KIND:
        return {}
    payload = found.get("event_payload")
    return payload if isinstance(payload, Mapping) else {}
