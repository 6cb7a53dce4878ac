"""The methods of the Web API that rollbackd calls: tokens, scopes, membership and limits as Slack has them.

It knows no HTTP: `rest` serves it over a port, and `line` gives it to stories in virtual time.

Source:
    https://docs.slack.dev/reference/methods
    https://docs.slack.dev/apis/web-api/rate-limits
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tests.fakes.slack import limits
from tests.fakes.slack.world import (
    APP,
    APP_TOKEN,
    BOT_ID,
    BOT_USER,
    TEAM,
    Channel,
    File,
    Message,
    Share,
    SlackWorld,
    Whispered,
)
from tests.schemas.book import book
from tests.schemas.door import heard

Args = Mapping[str, Any]
# Requests a minute.
TIERS = {
    "chat.update": 50,
    "conversations.history": 50,
    "conversations.replies": 50,
    "conversations.info": 50,
    "usergroups.users.list": 20,
    "files.getUploadURLExternal": 100,
    "files.completeUploadExternal": 100,
    "apps.connections.open": 20,
}


@dataclass(frozen=True)
class Reply:
    """What is answered."""

    content: Mapping[str, Any]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.content["ok"])


class Refused(Exception):
    """HTTP 200, and not ``ok``."""

    def __init__(self, word: str, **more: Any) -> None:
        self.content = {"ok": False, "error": word, **more}


class Limited(Exception):
    """Too many requests."""


class Methods:
    """The methods, over one world."""

    def __init__(self, world: SlackWorld) -> None:
        self.world = world
        self._posted: dict[
            str, tuple[float, float]
        ] = {}  # by channel: when, and how many it takes at once then
        self._asked: dict[str, list[float]] = {}

    def call(self, method: str, token: str, args: Args) -> Reply:
        """Do it, or say why not."""
        granted = {"X-OAuth-Scopes": ",".join(sorted(self._granted(token)))}
        do = _METHODS.get(method, Methods.unknown)
        try:
            self._within_its_tier(method)
            self._may(method, token, args)
            content = do(self, args)
        except Refused as refused:
            return Reply(refused.content, headers=granted)
        except Limited:
            return Reply({"ok": False, "error": "ratelimited"}, 429, {**granted, "Retry-After": "1"})
        reply = Reply({"ok": True, **content}, headers=granted)
        _hear(method, args, reply)
        return reply

    # --------------------------------------------------------------------------------------------- tokens, scopes, limits

    def _granted(self, token: str) -> set[str]:
        return {self.world.bot_token: self.world.scopes, APP_TOKEN: self.world.app_scopes}.get(token, set())

    def _may(self, method: str, token: str, args: Args) -> None:
        if not token:
            raise Refused("not_authed")
        if token not in {self.world.bot_token, APP_TOKEN}:
            raise Refused("invalid_auth")
        if (token == APP_TOKEN) != (method == "apps.connections.open"):
            raise Refused("not_allowed_token_type")
        if self.world.dead and token == self.world.bot_token:
            raise Refused(self.world.dead)
        needed = self._needed(method, args)
        if needed and needed not in self._granted(token):
            provided = ",".join(sorted(self._granted(token)))
            raise Refused("missing_scope", needed=needed, provided=provided)

    def _needed(self, method: str, args: Args) -> str:
        """Of several scopes that of the channel: ``channels:`` of a public one, ``groups:`` of a private one."""
        scopes = SCOPES_OF.get(method, ())
        channel = self.world.channels.get(str(args.get("channel", "")))
        private = channel is not None and channel.private
        return next(
            (scope for scope in scopes if scope.startswith("groups:") == private), "".join(scopes[:1])
        )

    def _within_its_tier(self, method: str) -> None:
        if method not in TIERS:
            return
        now = asyncio.get_running_loop().time()
        recent = [at for at in self._asked.get(method, []) if now - at < 60]
        if len(recent) >= TIERS[method]:
            raise Limited
        self._asked[method] = [*recent, now]

    def _slower(self, channel: str) -> None:
        now = asyncio.get_running_loop().time()
        at, left = self._posted.get(channel, (now, float(self.world.at_once)))
        left = min(left + now - at, self.world.at_once)
        if left < 1:
            raise Limited
        self._posted[channel] = (now, left - 1)

    # ----------------------------------------------------------------------------------------------------------- channels

    def _channel(self, args: Args, name: str = "channel") -> Channel:
        """That is named by its id, and our bot is in."""
        channel = self.world.channels.get(str(args.get(name, "")))
        if channel is None or (channel.private and not channel.bot):
            raise Refused("channel_not_found")
        if not channel.bot:
            raise Refused("not_in_channel")
        return channel

    def _writable(self, args: Args, name: str = "channel") -> Channel:
        channel = self._channel(args, name)
        if channel.archived:
            raise Refused("is_archived")
        if channel.read_only:
            raise Refused("restricted_action_read_only_channel")
        return channel

    # ------------------------------------------------------------------------------------------------------------ methods

    def unknown(self, _args: Args) -> Args:
        raise Refused("unknown_method")

    def auth_test(self, _args: Args) -> Args:
        return {
            "url": "https://shop.slack.com/",
            "team": "Shop",
            "team_id": TEAM,
            "user": "rollbackd",
            "user_id": BOT_USER,
            "bot_id": BOT_ID,
            "is_enterprise_install": False,
        }

    def post(self, args: Args) -> Args:
        channel = self._writable(args)
        text, blocks, metadata = _content(args)
        _must_be_taken(text, blocks, metadata)
        thread = args.get("thread_ts")
        if thread is not None and self.world.message(channel.id, str(thread)) is None:
            raise Refused("thread_not_found")
        self._slower(channel.id)
        posted = self.world.posts(
            channel.id,
            BOT_USER,
            text,
            blocks=blocks or (),
            metadata=metadata,
            thread=None if thread is None else str(thread),
            broadcast=_true(args.get("reply_broadcast")),
        )
        message = self.world.message(channel.id, posted.ts)
        return {
            "channel": channel.id,
            "ts": posted.ts,
            "message": told(message, metadata=True) if message else {},
        }

    def update(self, args: Args) -> Args:
        channel = self._writable(args)
        message = self.world.message(channel.id, str(args.get("ts", "")))
        if message is None:
            raise Refused("message_not_found")
        if not message.is_ours or message.posted.by_hook:
            raise Refused("cant_update_message")
        text, blocks, metadata = _content(args)
        _must_be_taken(text, blocks, metadata)
        # What is not sent stays: blocks go by an empty list.
        self.world.changes(message, text=text, blocks=blocks, metadata=metadata)
        return {"channel": channel.id, "ts": message.ts, "text": text}

    def whisper(self, args: Args) -> Args:
        channel = self._writable(args)
        user = str(args.get("user", ""))
        if user not in self.world.people:
            raise Refused("user_not_in_channel")
        text, blocks, _ = _content(args)
        _must_be_taken(text, blocks, None)
        self.world.log.append(Whispered(channel.id, user, self.world.now(), text, blocks or ()))
        return {"message_ts": f"{self.world.now().timestamp():.6f}"}

    def history(self, args: Args) -> Args:
        """Newest first; replies only where they were told in the channel too."""
        channel = self._channel(args)
        oldest, most = float(args.get("oldest") or 0), int(args.get("limit") or 100)
        shown = [each for each in self.world.room(channel.id) if float(each.ts) > oldest]
        return self._paged(list(reversed(shown)), args, most)

    def replies(self, args: Args) -> Args:
        """The message first, then its replies, oldest first."""
        channel = self._channel(args)
        parent = self.world.message(channel.id, str(args.get("ts", "")))
        if parent is None:
            raise Refused("thread_not_found")
        shown = [parent, *self.world.thread(parent.ts, channel.id)]
        return self._paged(shown, args, int(args.get("limit") or 1000))

    def _paged(self, shown: list[Message], args: Args, most: int) -> Args:
        start = int(args.get("cursor") or 0)
        page = shown[start : start + most]
        more = len(shown) > start + most
        metadata = _true(args.get("include_all_metadata"))
        return {
            "messages": [told(each, metadata=metadata) for each in page],
            "has_more": more,
            "response_metadata": {"next_cursor": str(start + most) if more else ""},
        }

    def info(self, args: Args) -> Args:
        """Of public channels also where our bot is no member."""
        channel = self.world.channels.get(str(args.get("channel", "")))
        if channel is None or (channel.private and not channel.bot):
            raise Refused("channel_not_found")
        content = {
            "id": channel.id,
            "name": channel.name,
            "is_private": channel.private,
            "is_member": channel.bot,
            "is_archived": channel.archived,
        }
        return {"channel": content}

    def members(self, args: Args) -> Args:
        group = self.world.groups.get(str(args.get("usergroup", "")))
        if group is None:
            raise Refused("no_such_subteam")
        return {"users": list(group)}

    def open_upload(self, args: Args) -> Args:
        name, length = str(args.get("filename", "")), str(args.get("length", ""))
        if not name or not length.isdigit() or int(length) == 0:
            raise Refused("invalid_arguments")
        file = File(f"F{next(self.world.ids):010d}", name, "", b"", str(args.get("alt_txt") or ""))
        self.world.uploads[file.id] = Share(file, int(length))
        return {"file_id": file.id, "upload_url": f"{self.world.base}/upload/v1/{file.id}"}

    def complete_upload(self, args: Args) -> Args:
        files = args.get("files")
        listed = json.loads(files) if isinstance(files, str) else files
        if not isinstance(listed, list) or not listed:
            raise Refused("invalid_arguments")
        shared = []
        for each in listed:
            share = self.world.uploads.get(str(each.get("id")))
            if share is None or share.done or len(share.file.content) != share.length:
                raise Refused("file_not_found")
            shared.append(replace(share.file, title=str(each.get("title") or share.file.name)))
        channel = self._writable(args, "channel_id")
        thread = args.get("thread_ts")
        if thread is not None and self.world.message(channel.id, str(thread)) is None:
            raise Refused("invalid_thread_ts")
        for file in shared:
            self.world.uploads[file.id] = replace(self.world.uploads[file.id], done=True)
        text = str(args.get("initial_comment") or "")
        self.world.posts(
            channel.id, BOT_USER, text, thread=None if thread is None else str(thread), files=tuple(shared)
        )
        return {"files": [{"id": file.id, "title": file.title} for file in shared]}

    def open_socket(self, _args: Args) -> Args:
        ticket = f"ticket-{next(self.world.ids)}"
        self.world.tickets[ticket] = self.world.now()
        return {"url": f"{self.world.base.replace('http', 'ws', 1)}/link/?ticket={ticket}&app_id={APP}"}


def _hear(method: str, args: Args, reply: Reply) -> None:
    operation = f"POST /api/{method}"
    asked = book("slack").typed(operation, {name: value for name, value in args.items() if name != "token"})
    body, answer = (json.dumps(each).encode() for each in (asked, reply.content))
    heard(book("slack"), operation, body, reply.status, "application/json", answer)


def told(message: Message, *, metadata: bool) -> dict[str, Any]:
    """A message, as the API and the payload of a press tell it."""
    posted = message.posted
    content: dict[str, Any] = {
        "type": "message",
        "ts": message.ts,
        "user": posted.by,
        "text": message.text,
        "blocks": [dict(block) for block in message.blocks],
        "team": TEAM,
    }
    if message.is_ours:
        content |= {"bot_id": BOT_ID, "app_id": APP}
    if posted.thread is not None:
        content["thread_ts"] = posted.thread
        content |= {"subtype": "thread_broadcast"} if posted.broadcast else {}
    if message.edited_at is not None:
        content["edited"] = {"user": posted.by, "ts": f"{message.edited_at.timestamp():.6f}"}
    if metadata and message.metadata is not None:
        content["metadata"] = dict(message.metadata)
    return content


def _content(args: Args) -> tuple[str, Any, Any]:
    """The text, the blocks, the metadata; the latter two also where they came as JSON in a form."""
    blocks, metadata = args.get("blocks"), args.get("metadata")
    blocks = json.loads(blocks) if isinstance(blocks, str) else blocks
    metadata = json.loads(metadata) if isinstance(metadata, str) else metadata
    return str(args.get("text") or ""), blocks, metadata


def _must_be_taken(text: str, blocks: Any, metadata: Any) -> None:
    word = limits.refusal(text, blocks, metadata)
    if word is not None:
        found = list(limits.wrongs(blocks)) if word == "invalid_blocks" else []
        raise Refused(word, response_metadata={"messages": [f"[ERROR] {each}" for each in found]})


def _true(value: Any) -> bool:
    return value in {True, "1", "true"}


_METHODS: Mapping[str, Callable[[Methods, Args], Args]] = {
    "auth.test": Methods.auth_test,
    "chat.postMessage": Methods.post,
    "chat.update": Methods.update,
    "chat.postEphemeral": Methods.whisper,
    "conversations.history": Methods.history,
    "conversations.replies": Methods.replies,
    "conversations.info": Methods.info,
    "usergroups.users.list": Methods.members,
    "files.getUploadURLExternal": Methods.open_upload,
    "files.completeUploadExternal": Methods.complete_upload,
    "apps.connections.open": Methods.open_socket,
}
# https://docs.slack.dev/reference/methods, "Required scopes"; of those that differ by channel both.
SCOPES_OF: Mapping[str, tuple[str, ...]] = {
    "chat.postMessage": ("chat:write",),
    "chat.update": ("chat:write",),
    "chat.postEphemeral": ("chat:write",),
    "conversations.history": ("channels:history", "groups:history"),
    "conversations.replies": ("channels:history", "groups:history"),
    "conversations.info": ("channels:read", "groups:read"),
    "usergroups.users.list": ("usergroups:read",),
    "files.getUploadURLExternal": ("files:write",),
    "files.completeUploadExternal": ("files:write",),
    "apps.connections.open": ("connections:write",),
    "auth.test": (),
}
