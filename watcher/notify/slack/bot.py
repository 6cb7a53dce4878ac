"""One message a deployment, updated; details in its thread; in the channel once more only when somebody is needed.

``show`` is the message: posted first, then changed by ``(channel, ts)``, which is what the ref says. ``append`` is a reply in
its thread, told in the channel too where the message itself could only be changed: a change notifies nobody.

Whichever of the two arrives first posts the message: after an outage there is still one.

Source:
    https://docs.slack.dev/reference/methods/chat.postMessage
    https://docs.slack.dev/reference/methods/chat.update
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from slack_sdk.errors import SlackApiError

from deploy.model import Finding
from watcher.core.watch import Message, Notice, Tone
from watcher.core.wording import Event
from watcher.http import HttpRefused
from watcher.notify.notifier import Later, Never, Telling, Told
from watcher.notify.slack import looking, refusals, text
from watcher.notify.slack.calls import Calls
from watcher.notify.slack.examining import examined
from watcher.notify.slack.pictures import Pictures
from watcher.notify.slack.ref import Ref, is_older, newest, revision_of
from watcher.notify.slack.said import said
from watcher.notify.slack.settings import CHANNEL, Settings
from watcher.notify.slack.turns import APART, Turns

REMEMBERED = 1000  # messages whose place is known though nobody has written it down
STALE = timedelta(minutes=10)  # what is older, and overtaken by something newer, is told quietly
# Told in the channel although nobody is needed any more: it is what everybody waited for.
HEARD_BY_ALL = frozenset({Event.ROLLED_BACK})
# Says nothing of how the watch stands: it is no message of the watch, and is not changed into one.
ASIDE = frozenset({Event.PAUSED})
UNLINKED = {"unfurl_links": False, "unfurl_media": False}

log = structlog.stdlib.get_logger("rollbackd.slack")


class Bot:
    """A workspace that people are told in, by a bot of ours."""

    def __init__(
        self,
        settings: Settings,
        calls: Calls,
        pictures: Pictures,
        now: Callable[[], datetime],
        turns: Turns,
        public_url: str | None = None,
    ) -> None:
        self._settings = settings
        self._calls = calls
        self._pictures = pictures
        self._now = now
        self._public_url = public_url
        self._turns = turns
        self._known: OrderedDict[tuple[str, str], Ref] = OrderedDict()
        self._unclear: OrderedDict[str, None] = OrderedDict()

    async def tell(self, message: Message, narrowing: str, ref: str | None) -> Telling:
        """Tell *message* in the channel *narrowing*; *ref* is where the message of its watch is."""
        channel = narrowing or self._settings.channel or ""
        if not CHANNEL.fullmatch(channel):
            return Never(f"{channel[:80]!r} is no channel's id: write {{NAME: C…}} under `tell` of the team")
        async with self._turns.taken(channel) as mine:
            if not mine:
                return Later(timedelta(seconds=APART), f"more than one message a second for {channel}")
            try:
                return Told(await self._told(message, channel, Ref.read(ref)))
            except SlackApiError as error:
                return refusals.telling(self._calls.origin, said(error))
            except HttpRefused as refused:
                return refusals.unanswered(refused)

    async def examine(self, narrowings: Sequence[str]) -> Sequence[Finding]:
        """Whether all this would work in the channels that *narrowings* are. Nothing is told."""
        return await examined(self._calls, self._settings, narrowings, self._now)

    async def _told(self, message: Message, channel: str, ref: Ref | None) -> str:
        """The ref that is kept of it."""
        ref = newest(ref, self._known.get((channel, message.notice.watch)))
        if message.notice.event in ASIDE or not message.notice.watch:
            return await self._beside(message, channel, ref)
        ref = ref or await self._found(message, channel)
        if message.kind == "show":
            shown = self._posted(message, channel) if ref is None else self._changed(message, channel, ref)
            return str(await shown)
        if ref is None:
            return await self._first(message, channel)
        return await self._replied(message, channel, ref)

    # --------------------------------------------------------------------------------------------------- the message

    async def _posted(self, message: Message, channel: str) -> Ref:
        """The message of its watch, anew."""
        told = self._content(message, channel, buttons=self._settings.hears)
        plain = self._plain(message, channel)
        where, ts = await self._post(message, "message", told, plain, channel=channel)
        revision = revision_of(message.id)
        return self._remembered(message, channel, Ref(where, ts, revision, revision))

    async def _changed(self, message: Message, channel: str, ref: Ref) -> Ref:
        told = self._content(message, channel, buttons=self._settings.hears)
        told["metadata"] = looking.metadata(message, "message")
        update = self._calls.client.chat_update
        try:
            await self._calls.send(
                update, told, self._plain(message, channel), channel=ref.channel, ts=ref.ts
            )
        except SlackApiError as error:
            self._if_lost(error, message)
            return await self._posted(message, channel)
        return self._remembered(message, channel, replace(ref, shown=revision_of(message.id)))

    async def _first(self, message: Message, channel: str) -> str:
        """A reply before there is a message: it posts the message as well, and what is shown will change that."""
        ref = await self._posted(message, channel)
        return await self._replied(message, channel, ref, anew=True)

    async def _found(self, message: Message, channel: str) -> Ref | None:
        """An own message of the same watch, which was sent and not written down."""
        at = message.notice.at
        if not self._settings.history or at is None:
            return None
        try:
            return await looking.message_of(self._calls, message.notice.watch, channel, at)
        except HttpRefused:
            if _sent_as(message, "message", channel) in self._unclear:
                raise  # it may well stand there: it is not sent again before that is seen
            return None

    def _remembered(self, message: Message, channel: str, ref: Ref) -> Ref:
        self._known[channel, message.notice.watch] = ref
        self._known.move_to_end((channel, message.notice.watch))
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return ref

    # ---------------------------------------------------------------------------------------------------- the thread

    async def _replied(self, message: Message, channel: str, ref: Ref, *, anew: bool = False) -> str:
        aloud = self._is_aloud(message, ref)
        told = self._content(message, channel, buttons=None, mentioned=aloud)
        plain = self._plain(message, channel, mentioned=aloud)
        if not anew and await self._is_told(message, ref):
            return message.id
        thread = {"thread_ts": ref.ts, "reply_broadcast": aloud}
        try:
            await self._post(message, "reply", told, plain, channel=ref.channel, **thread)
        except SlackApiError as error:
            self._if_lost(error, message)
            if anew:
                raise  # once more would be once more, for ever
            return await self._first(message, channel)
        self._pictures.draw(message, ref.channel, ref.ts)
        return message.id

    async def _is_told(self, message: Message, ref: Ref) -> bool:
        try:
            return self._settings.history and await looking.is_told(self._calls, message, ref)
        except HttpRefused:
            if _sent_as(message, "reply", ref.channel) in self._unclear:
                raise
            return False

    async def _beside(self, message: Message, channel: str, ref: Ref | None) -> str:
        """Something of no watch, or that says nothing of how it stands: in the channel, by itself; in the thread if there is one."""
        asks = any(button.at_gate for button in message.notice.buttons)
        told = self._content(message, channel, buttons=asks and self._settings.hears)
        plain = self._plain(message, channel)
        if ref is not None:
            thread = {"thread_ts": ref.ts, "reply_broadcast": _is_loud(message.notice)}
            try:
                await self._post(message, "aside", told, plain, channel=ref.channel, **thread)
            except SlackApiError as error:
                self._if_lost(error, message)
            else:
                return message.id
        await self._post(message, "aside", told, plain, channel=channel)
        return message.id

    async def _post(
        self, message: Message, place: looking.Place, told: Mapping[str, Any], plain: str, **where: Any
    ) -> tuple[str, str]:
        """Post it, and take note where nobody knows whether it arrived."""
        sent_as = _sent_as(message, place, where["channel"])
        full = {**told, "metadata": looking.metadata(message, place), **UNLINKED}
        try:
            placed = await self._calls.send(self._calls.client.chat_postMessage, full, plain, **where)
        except HttpRefused:
            self._unclear[sent_as] = None
            if len(self._unclear) > REMEMBERED:
                self._unclear.popitem(last=False)
            raise
        self._unclear.pop(sent_as, None)
        return placed

    def _is_aloud(self, message: Message, ref: Ref) -> bool:
        """Told in the channel too: it is loud, the message itself did not say it first, and nothing newer has long replaced it."""
        revision, at = revision_of(message.id), message.notice.at
        if not _is_loud(message.notice) or ref.first == revision:
            return False
        overtaken = is_older(revision, ref.shown)
        return not (overtaken and at is not None and self._now() - at > STALE)

    # --------------------------------------------------------------------------------------------------- what is said

    def _content(
        self, message: Message, channel: str, *, buttons: bool | None, mentioned: bool = True
    ) -> dict[str, Any]:
        """*buttons*: shown; or the commands in their place; or ``None``: neither, they stand in the message above."""
        mentions = self._mentions(message.notice, channel) if mentioned else []
        return {
            "text": text.fallback(message.notice),
            "blocks": text.blocks(message, mentions, buttons=buttons, public_url=self._public_url),
        }

    def _plain(self, message: Message, channel: str, *, mentioned: bool = True) -> str:
        """All of it without blocks."""
        mentions = self._mentions(message.notice, channel) if mentioned else []
        return text.plain(message.notice, mentions)

    def _mentions(self, notice: Notice, channel: str) -> list[str]:
        """The author and whoever is on call, as ids from the configuration; nobody else, and nobody by a guess."""
        if notice.tone is not Tone.ALARM or notice.event not in text.NEEDED:
            return []
        author = self._settings.mentions.get(notice.facts.get("author", ""))
        group = self._settings.on_call.get(channel)
        return [*([f"<@{author}>"] if author else []), *([f"<!subteam^{group}>"] if group else [])]

    def _if_lost(self, error: SlackApiError, message: Message) -> None:
        """What was shown is gone, or cannot be changed any more: it is posted anew.

        Raises:
            SlackApiError: It is refused for another reason.
        """
        word = said(error).word
        if word not in refusals.LOST:
            raise error
        log.warning("slack.message_lost", message=message.id, words=word)


def _sent_as(message: Message, place: looking.Place, channel: str) -> str:
    """One thing that is sent once: the message of a watch, whatever it shows; or one reply."""
    return f"{channel} {message.notice.watch if place == 'message' else message.id}"


def _is_loud(notice: Notice) -> bool:
    return notice.tone is Tone.ALARM or notice.event in HEARD_BY_ALL
