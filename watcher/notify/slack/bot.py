"""One message a deployment, updated; details in its thread; in the channel once more only when somebody is needed.

``show`` is the message: posted first, then changed by ``(channel, ts)``, which is what the ref says. ``append`` is a reply in
its thread, told in the channel too where the message itself could only be changed: a change notifies nobody.

A call is made once: slack_sdk's own retries sleep inside the call, while the courier's are written down.

Source:
    https://docs.slack.dev/reference/methods/chat.postMessage
    https://docs.slack.dev/reference/methods/chat.update
    https://docs.slack.dev/reference/methods/conversations.history
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from watcher.core.watch import Message, Notice, Tone
from watcher.core.wording import Event
from watcher.http import Http, HttpRefused, Request
from watcher.notify.notifier import Later, Never, Telling, Told
from watcher.notify.slack import refusals, text
from watcher.notify.slack.pictures import Pictures
from watcher.notify.slack.settings import CHANNEL, Settings

APART = 1.0  # seconds between two messages in one channel: Slack takes about one a second
PATIENCE = 6.0  # seconds that a message waits for its turn inside of one try
KIND = "rollbackd_message"  # of the metadata
LOOKED_BACK = timedelta(hours=6)  # for an own message that was sent and not written down
MOST_SEEN = 200
# Told in the channel although nobody is needed any more: it is what everybody waited for.
HEARD_BY_ALL = frozenset({Event.ROLLED_BACK})

log = structlog.stdlib.get_logger("rollbackd.slack")


@dataclass(frozen=True, slots=True)
class Ref:
    """Where the message of a watch is: its channel, its time (which is its name), and the revision it was first posted for."""

    channel: str
    ts: str
    first: str

    @classmethod
    def read(cls, ref: str | None) -> "Ref | None":
        """What was kept; ``None`` if that is no ref of ours."""
        parts = (ref or "").split("|")
        return cls(*parts) if len(parts) == 3 else None  # noqa: PLR2004 - the fields

    def __str__(self) -> str:
        return f"{self.channel}|{self.ts}|{self.first}"


class Bot:
    """A workspace that people are told in, by a bot of ours."""

    def __init__(self, settings: Settings, http: Http, client: AsyncWebClient, pictures: Pictures) -> None:
        self._settings = settings
        self._http = http
        self._client = client
        self._pictures = pictures
        self._turns: dict[str, _Turn] = {}

    async def tell(self, message: Message, narrowing: str, ref: str | None) -> Telling:
        """Tell *message* in the channel *narrowing*; *ref* is where the message of its watch is."""
        channel = narrowing or self._settings.channel or ""
        if not CHANNEL.fullmatch(channel):
            return Never(f"{channel[:80]!r} is no channel's id: write {{NAME: C…}} under `tell` of the team")
        try:
            return await self._told(message, channel, Ref.read(ref))
        except SlackApiError as error:
            return refusals.telling(self._request("").origin, refusals.said(error))
        except HttpRefused as refused:
            return refusals.unanswered(refused)

    async def _told(self, message: Message, channel: str, ref: Ref | None) -> Telling:
        turn = self._turns.setdefault(channel, _Turn())
        if not await turn.comes():
            return Later(timedelta(seconds=APART), f"more than one message a second for {channel}")
        try:
            if message.kind == "append":
                return await self._append(message, channel, ref)
            return await self._show(message, channel, ref)
        finally:
            turn.over()

    # --------------------------------------------------------------------------------------------------- the message

    async def _show(self, message: Message, channel: str, ref: Ref | None) -> Telling:
        ref = ref or await self._found_again(message, channel)
        if ref is not None:
            try:
                await self._send(
                    self._client.chat_update,
                    self._shown(message, ref.channel),
                    channel=ref.channel,
                    ts=ref.ts,
                )
            except SlackApiError as error:
                if refusals.said(error).word not in refusals.LOST:
                    raise
                log.warning("slack.message_lost", message=message.id, words=refusals.said(error).word)
            else:
                return Told(str(ref))
        answer = await self._send(
            self._client.chat_postMessage, self._shown(message, channel), channel=channel
        )
        return Told(str(Ref(str(answer["channel"]), str(answer["ts"]), revision_of(message.id))))

    def _shown(self, message: Message, channel: str) -> Mapping[str, Any]:
        told: dict[str, Any] = {
            "text": text.fallback(message.notice),
            "blocks": text.blocks(
                message, self._mentions(message.notice, channel), buttons=self._settings.hears
            ),
            "metadata": _metadata(message),
        }
        if not self._settings.hears:
            told["blocks"][-1:-1] = _typed(message.notice)
        return told

    async def _found_again(self, message: Message, channel: str) -> Ref | None:
        """An own message of the same watch, which was sent and not written down."""
        notice = message.notice
        if not self._settings.history or not notice.watch or notice.at is None:
            return None
        try:
            async with self._http.asking(self._request("history")):
                answer = await self._client.conversations_history(
                    channel=channel,
                    oldest=f"{(notice.at - LOOKED_BACK).timestamp():.6f}",
                    limit=MOST_SEEN,
                    include_all_metadata=True,
                )
        except (SlackApiError, HttpRefused) as error:
            # It is a convenience: without it the message is posted, at worst twice.
            word = refusals.said(error).word if isinstance(error, SlackApiError) else error.words
            log.warning("slack.history_unread", channel=channel, words=word)
            return None
        return next(
            (
                Ref(channel, str(each["ts"]), revision_of(str(payload.get("message", ""))))
                for each in answer.get("messages") or []
                if (payload := _payload(each)).get("watch") == notice.watch and payload.get("kind") == "show"
            ),
            None,
        )

    # ---------------------------------------------------------------------------------------------------- the thread

    async def _append(self, message: Message, channel: str, ref: Ref | None) -> Telling:
        """A reply; without a message to reply to, a message of its own, with commands in place of buttons."""
        aloud = _is_aloud(message.notice) and ref is not None and ref.first != revision_of(message.id)
        mentions = self._mentions(message.notice, channel) if aloud or ref is None else []
        told: dict[str, Any] = {
            "text": text.fallback(message.notice),
            "blocks": text.blocks(message, mentions, buttons=False),
            "metadata": _metadata(message),
        }
        if ref is None:
            told["blocks"][-1:-1] = _typed(message.notice)
            await self._send(self._client.chat_postMessage, told, channel=channel)
            return Told(message.id)
        told |= {"thread_ts": ref.ts, "reply_broadcast": aloud}
        await self._send(self._client.chat_postMessage, told, channel=ref.channel)
        self._pictures.draw(message, ref.channel, ref.ts)
        return Told(message.id)

    def _mentions(self, notice: Notice, channel: str) -> list[str]:
        """The author and whoever is on call, as ids from the configuration; nobody else, and nobody by a guess."""
        if notice.tone is not Tone.ALARM or notice.event not in text.NEEDED:
            return []
        author = self._settings.mentions.get(notice.facts.get("author", ""))
        group = self._settings.on_call.get(channel)
        return [*([f"<@{author}>"] if author else []), *([f"<!subteam^{group}>"] if group else [])]

    # -------------------------------------------------------------------------------------------------------- a call

    async def _send(
        self, method: Callable[..., Awaitable[Any]], told: Mapping[str, Any], **where: Any
    ) -> Any:
        """Send *told*; where Slack does not take its blocks, its text alone: people are told in any case."""
        plain = {"unfurl_links": False, "unfurl_media": False} if "ts" not in where else {}
        try:
            async with self._http.asking(self._request(method.__name__)):
                return await method(**where, **told, **plain)
        except SlackApiError as error:
            refused = refusals.said(error)
            if refused.word not in refusals.BAD_BLOCKS:
                raise
            log.error("slack.blocks_refused", word=refused.word, channel=where.get("channel"))  # noqa: TRY400 - no traceback: Slack's word says it
        async with self._http.asking(self._request(method.__name__)):
            return await method(**where, **{**told, "blocks": []}, **plain)

    def _request(self, _method: str) -> Request:
        return Request("slack", self._settings.url, "POST", timeout=self._settings.timeout)


class _Turn:
    """One channel: a message at a time, a second apart."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._last = float("-inf")

    async def comes(self) -> bool:
        """Wait for the turn, but not for long; whoever has it must say when it is `over`."""
        try:
            async with asyncio.timeout(PATIENCE):
                await self._lock.acquire()
        except TimeoutError:
            return False
        try:
            await asyncio.sleep(max(self._last + APART - asyncio.get_running_loop().time(), 0))
        except asyncio.CancelledError:
            self._lock.release()
            raise
        return True

    def over(self) -> None:
        """The next one's turn."""
        self._last = asyncio.get_running_loop().time()
        self._lock.release()


def revision_of(message: str) -> str:
    """What a message belongs to: ``w_1.3`` of ``w_1.3.0``."""
    return message.rpartition(".")[0]


def _is_aloud(notice: Notice) -> bool:
    return notice.tone is Tone.ALARM or notice.event in HEARD_BY_ALL


def _typed(notice: Notice) -> list[text.Block]:
    """The commands, where no button can be."""
    lines = [text.escaped(line, text.MOST_TEXT) for line in text.commands(notice)]
    return [{"type": "section", "text": {"type": "mrkdwn", "text": "\n".join(lines)}}] if lines else []


def _metadata(message: Message) -> Mapping[str, Any]:
    payload = {"watch": message.notice.watch, "message": message.id, "kind": message.kind}
    return {"event_type": KIND, "event_payload": payload}


def _payload(message: Any) -> Mapping[str, Any]:
    """The metadata of a message in a channel, if it is ours."""
    metadata = message.get("metadata") if isinstance(message, dict) else None
    if not isinstance(metadata, dict) or metadata.get("event_type") != KIND:
        return {}
    payload = metadata.get("event_payload")
    return payload if isinstance(payload, dict) else {}
