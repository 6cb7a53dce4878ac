"""An incoming webhook of Slack: one channel, nothing can be changed afterwards, and commands instead of buttons.

It tells what a thread would tell, and of what is only shown the changes that nothing else tells.

Source:
    https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
"""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from http import HTTPStatus

from watcher.core.lifecycle import SHOWN_ONLY
from watcher.core.watch import Message
from watcher.http import Fault, Http, HttpRefused, Request
from watcher.notify.notifier import Later, Never, Telling, Told
from watcher.notify.slack import text
from watcher.notify.slack.refusals import MENDABLE, SOON
from watcher.notify.slack.settings import Settings

MOST_ANSWER = 64 * 1024
# What a person can mend: the webhook was removed, the channel archived, the app forbidden.
MENDED = {
    HTTPStatus.FORBIDDEN: "an administrator forbids it: ask them",
    HTTPStatus.NOT_FOUND: "the webhook is gone: make a new one on the app's page, and put it where `webhook` points",
    HTTPStatus.GONE: "the channel is archived: unarchive it, or make a webhook of another one",
}


class Hook:
    """One channel, by its webhook."""

    def __init__(self, settings: Settings, url: str, http: Http, now: Callable[[], datetime]) -> None:
        self._settings = settings
        self._url = url
        self._http = http
        self._now = now

    async def tell(self, message: Message, narrowing: str, ref: str | None) -> Telling:  # noqa: ARG002 - it has one channel
        """Send *message*, once."""
        if message.kind == "show" and message.notice.event not in SHOWN_ONLY:
            return Told()  # the ``append`` of the same step tells it
        request = Request(
            "slack",
            self._url,
            "POST",
            {"Content-Type": "application/json"},
            body=_payload(message),
            timeout=self._settings.timeout,
            most=MOST_ANSWER,
        )
        try:
            await self._http.fetch(request)
        except HttpRefused as refused:
            return self._refused(refused)
        return Told(message.id)

    def _refused(self, refused: HttpRefused) -> Telling:
        status = refused.status
        if refused.retry_at is not None:
            return Later(max(refused.retry_at - self._now(), timedelta(0)), refused.words)
        if status in MENDED:
            return Later(MENDABLE, f"{refused.words}: {MENDED[HTTPStatus(status)]}")
        gone = status is not None and status < HTTPStatus.INTERNAL_SERVER_ERROR
        busy = status in {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
        if refused.fault in {Fault.BAD_URL, Fault.BLOCKED} or (gone and not busy):
            return Never(refused.words)
        return Later(SOON, refused.words)


def _payload(message: Message) -> bytes:
    shown = text.blocks(message, (), buttons=False)
    lines = [text.escaped(line, text.MOST_TEXT) for line in text.commands(message.notice)]
    if lines:
        shown[-1:-1] = [{"type": "section", "text": {"type": "mrkdwn", "text": "\n".join(lines)}}]
    return json.dumps({"text": text.fallback(message.notice), "blocks": shown}).encode()
