"""An incoming webhook of Slack: one channel, nothing can be changed afterwards, and commands instead of buttons.

It tells what a thread would tell, and of what is only shown the changes that nothing else tells.

Source:
    https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import structlog

from watcher.core.lifecycle import SHOWN_ONLY
from watcher.core.watch import Message
from watcher.http import Answer, Http, HttpRefused, Request, refusal
from watcher.notify.notifier import Later, Never, Telling, Told
from watcher.notify.slack import text
from watcher.notify.slack.refusals import BAD_CONTENT, MENDABLE, SOON, not_slack, unanswered
from watcher.notify.slack.settings import Settings

MOST_ANSWER = 64 * 1024
SHORTEST_SECRET = 6  # characters; a shorter piece of a path is none
# What a person can mend, in the words of Slack: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
_FORBIDDEN = "an administrator forbids it: ask them"
_GONE = "the webhook is gone: make a new one on the app's page, and put it where `webhook` points"
_CHANNEL = "the channel is gone or archived: unarchive it, or make a webhook of another one"
MENDED = {
    "action_prohibited": _FORBIDDEN,
    "posting_to_general_channel_denied": _FORBIDDEN,
    "team_disabled": _FORBIDDEN,
    "no_service": _GONE,
    "no_service_id": _GONE,
    "no_team": _GONE,
    "invalid_token": _GONE,
    "no_active_hooks": _GONE,
    "channel_not_found": _CHANNEL,
    "channel_is_archived": _CHANNEL,
}
_LATER = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})
log = structlog.stdlib.get_logger("rollbackd.slack")


class Hook:
    """One channel, by its webhook."""

    def __init__(
        self,
        settings: Settings,
        url: str,
        http: Http,
        now: Callable[[], datetime],
        public_url: str | None = None,
    ) -> None:
        self._settings = settings
        self._url = url
        self._http = http
        self._now = now
        self._public_url = public_url

    async def tell(self, message: Message, narrowing: str, ref: str | None) -> Telling:  # noqa: ARG002 - it has one channel
        """Send *message*, once; its text alone, where Slack does not take its blocks."""
        if message.kind == "show" and message.notice.event not in SHOWN_ONLY:
            return Told()  # the ``append`` of the same step tells it
        content = text.fallback(message.notice)
        shown = text.blocks(message, (), buttons=False, public_url=self._public_url)
        try:
            request, answer = await self._sent({"text": content, "blocks": shown})
            if (word := _word(answer)) in BAD_CONTENT:
                log.error("slack.blocks_refused", word=word, channel="webhook")
                request, answer = await self._sent({"text": text.plain(message.notice, ())})
        except HttpRefused as refused:
            return unanswered(refused)
        return self._heard(message, request, answer)

    async def _sent(self, content: Mapping[str, Any]) -> tuple[Request, Answer]:
        request = Request(
            "slack",
            self._url,
            "POST",
            {"Content-Type": "application/json"},
            body=json.dumps(content).encode(),
            timeout=self._settings.timeout,
            most=MOST_ANSWER,
        )
        return request, await self._http.send(request)

    def _heard(self, message: Message, request: Request, answer: Answer) -> Telling:
        if answer.status == HTTPStatus.OK and _word(answer) == "ok":
            return Told(message.id)
        now = self._now()
        refused = refusal(request, answer, now)
        if refused is None:
            return unanswered(not_slack(request.origin))
        words = _without(self._url, refused.words)
        if refused.retry_at is not None:
            return Later(max(refused.retry_at - now, timedelta(0)), words)
        if answer.status in _LATER or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return Later(SOON, words)
        if (word := _word(answer)) in MENDED:
            return Later(MENDABLE, f"{words}: {MENDED[word]}")
        return Never(f"{words}: is `webhook` the URL that Slack gave out?")


def _without(url: str, words: str) -> str:
    """*words* without what is secret in *url*: whoever answers may repeat its path."""
    path = urlsplit(url).path
    for secret in (path, path.rpartition("/")[2]):
        words = words.replace(secret, "***") if len(secret) >= SHORTEST_SECRET else words
    return words


def _word(answer: Answer) -> str:
    """Slack's word: it answers in plain text."""
    return answer.body[:64].decode("ascii", "replace").strip()
