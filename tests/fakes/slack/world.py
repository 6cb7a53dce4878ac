"""The log: what was posted, changed and whispered, and when. What stands in a channel, and all that Slack tells, follows from it."""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from tests.fakes.slack.shown import Button, buttons, mentions, words
from tests.fakes.slack.trouble import Trouble

TEAM, APP, BOT_USER, BOT_ID = "T0SHOP", "A0ROLLBACKD", "U0ROLLBACKD", "B0ROLLBACKD"
BOT_TOKEN = "xoxb-of-rollbackd"
APP_TOKEN = "xapp-of-rollbackd"
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
HOOK = "/services/T0SHOP/B0HOOK/it-is-a-secret"
ROOM, PRIVATE, ELSEWHERE = "C0ROOM", "C0PRIVATE", "C0ELSEWHERE"
ADA, BOB, GUEST = "U0ADA", "U0BOB", "U0GUEST"
ON_CALL = "S0ONCALL"
SCOPES = frozenset(
    {
        "chat:write",
        "files:write",
        "usergroups:read",
        "channels:read",
        "groups:read",
        "channels:history",
        "groups:history",
    }
)


@dataclass(frozen=True)
class Channel:
    """A channel. *bot*: our app is a member of it."""

    id: str
    name: str
    private: bool = False
    bot: bool = True
    archived: bool = False
    read_only: bool = False


@dataclass(frozen=True)
class Person:
    """Somebody. *team*: the workspace that they are of: in a shared channel there are guests of another."""

    id: str
    name: str
    team: str = TEAM


@dataclass(frozen=True)
class File:
    """What was uploaded."""

    id: str
    name: str
    title: str
    content: bytes
    alt: str = ""


@dataclass(frozen=True)
class Posted:
    """A message was posted; *by* is a person, or our bot."""

    ts: str
    channel: str
    at: datetime
    by: str
    text: str = ""
    blocks: Sequence[Mapping[str, Any]] = ()
    metadata: Mapping[str, Any] | None = None
    thread: str | None = None
    broadcast: bool = False
    files: tuple[File, ...] = ()
    by_hook: bool = False


@dataclass(frozen=True)
class Changed:
    """A message was changed: what is ``None`` stayed as it was."""

    ts: str
    channel: str
    at: datetime
    text: str | None = None
    blocks: Sequence[Mapping[str, Any]] | None = None
    metadata: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Deleted:
    """A message was deleted."""

    ts: str
    channel: str
    at: datetime


@dataclass(frozen=True)
class Whispered:
    """Something was shown to one person only."""

    channel: str
    user: str
    at: datetime
    text: str
    blocks: Sequence[Mapping[str, Any]] = ()


Deed = Posted | Changed | Deleted | Whispered


@dataclass(frozen=True)
class Message:
    """A message as it stands now."""

    posted: Posted
    text: str
    blocks: Sequence[Mapping[str, Any]]
    metadata: Mapping[str, Any] | None
    edited_at: datetime | None = None

    @property
    def ts(self) -> str:
        return self.posted.ts

    @property
    def channel(self) -> str:
        return self.posted.channel

    @property
    def is_ours(self) -> bool:
        return self.posted.by == BOT_USER

    @property
    def words(self) -> str:
        """What a person reads: of the blocks, and where there are none the text."""
        return words(self.blocks) if self.blocks else self.text

    @property
    def buttons(self) -> Sequence[Button]:
        """Those that can be pressed."""
        return buttons(self.blocks)

    @property
    def mentions(self) -> set[str]:
        """Whom it disturbs: ``U0ADA``, ``S0ONCALL``, ``!channel``."""
        return mentions(self.text, self.blocks)


@dataclass(frozen=True)
class Asked:
    """One request, as it came."""

    method: str
    headers: Mapping[str, str]
    body: bytes
    args: Mapping[str, Any]


@dataclass(frozen=True)
class Share:
    """An upload that was begun, or done."""

    file: File
    length: int
    done: bool = False


@dataclass
class ResponseUrl:
    """Where an answer to a press may be sent: five times, for half an hour."""

    channel: str
    ts: str
    user: str
    made_at: datetime
    used: int = 0


@dataclass
class SlackWorld:
    """A workspace with one app, which is ours.

    Attributes:
        scopes: Granted to the bot's token.
        dead: Why the bot's token is not taken any more: ``token_revoked``, ``account_inactive``...
        trouble: What is wrong with the Web API, with webhooks and uploads, until it is mended.
        once: What is wrong with the next requests, one each; ``None`` is one that goes well.
        asked: All requests, in their order.
        at_once: Messages that a channel takes at once; after that it takes one a second.
        ack_within: Seconds that Socket Mode waits for an acknowledgement.
    """

    now: Callable[[], datetime]
    log: list[Deed] = field(default_factory=list)
    bot_token: str = BOT_TOKEN
    scopes: set[str] = field(default_factory=lambda: set(SCOPES))
    app_scopes: set[str] = field(default_factory=lambda: {"connections:write"})
    dead: str | None = None
    trouble: Trouble | None = None
    once: list[Trouble | None] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    channels: dict[str, Channel] = field(
        default_factory=lambda: {
            each.id: each
            for each in (
                Channel(ROOM, "releases"),
                Channel(PRIVATE, "secrets", private=True, bot=False),
                Channel(ELSEWHERE, "random", bot=False),
            )
        }
    )
    people: dict[str, Person] = field(
        default_factory=lambda: {
            each.id: each
            for each in (Person(ADA, "ada"), Person(BOB, "bob"), Person(GUEST, "guest", "T0OTHER"))
        }
    )
    groups: dict[str, list[str]] = field(default_factory=lambda: {ON_CALL: [BOB]})
    hooks: dict[str, str] = field(default_factory=lambda: {HOOK: ROOM})
    uploads: dict[str, Share] = field(default_factory=dict)
    response_urls: dict[str, ResponseUrl] = field(default_factory=dict)
    tickets: dict[str, datetime] = field(default_factory=dict)  # of Socket Mode: good once, for half a minute
    base: str = ""  # where it is served: http://127.0.0.1:PORT
    at_once: int = 3
    ack_within: float = 3.0
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    # ------------------------------------------------------------------------------------------------ what is done to it

    def posts(self, channel: str, by: str, text: str = "", **more: Any) -> Posted:
        """Somebody posts a message."""
        posted = Posted(self._ts(), channel, self.now(), by, text, **more)
        self.log.append(posted)
        return posted

    def changes(self, message: Message, **changes: Any) -> None:
        """A message is changed."""
        self.log.append(Changed(message.ts, message.channel, self.now(), **changes))

    def deletes(self, message: Message) -> None:
        """A message is deleted."""
        self.log.append(Deleted(message.ts, message.channel, self.now()))

    def sets(self, channel: str, **changes: Any) -> None:
        """A channel is archived, the bot is invited, and so on."""
        self.channels[channel] = replace(self.channels[channel], **changes)

    def due(self, method: str) -> Trouble | None:
        """What is wrong with the request that came in now."""
        if self.once and (self.once[0] is None or self.once[0].concerns(method)):
            return self.once.pop(0)
        return self.trouble if self.trouble is not None and self.trouble.concerns(method) else None

    def _ts(self) -> str:
        """A time, which is the name of a message in its channel: no two are alike, and later ones are greater."""
        number = next(self.ids)
        at = self.now() + timedelta(microseconds=number)
        return f"{int(at.timestamp())}.{at.microsecond:06d}"

    # ----------------------------------------------------------------------------------------------------- what stands there

    def message(self, channel: str, ts: str) -> Message | None:
        """A message as it stands, if it does."""
        found: Message | None = None
        for deed in self.log:
            if isinstance(deed, Whispered) or (deed.channel, deed.ts) != (channel, ts):
                continue
            found = _after(found, deed)
        return found

    def messages(self, channel: str = ROOM) -> list[Message]:
        """All that stand in a channel, those in threads too, oldest first."""
        posted = [deed for deed in self.log if isinstance(deed, Posted) and deed.channel == channel]
        standing = (self.message(channel, deed.ts) for deed in posted)
        return [message for message in standing if message is not None]

    def room(self, channel: str = ROOM) -> list[Message]:
        """What is seen in a channel without opening a thread."""
        return [
            each for each in self.messages(channel) if each.posted.thread is None or each.posted.broadcast
        ]

    def thread(self, ts: str, channel: str = ROOM) -> list[Message]:
        """The replies to a message."""
        return [each for each in self.messages(channel) if each.posted.thread == ts]

    @property
    def whispers(self) -> list[str]:
        """What was shown to one person only."""
        return [deed.text for deed in self.log if isinstance(deed, Whispered)]

    @property
    def files(self) -> list[File]:
        """What was uploaded and shared."""
        return [file for deed in self.log if isinstance(deed, Posted) for file in deed.files]

    def methods(self) -> list[str]:
        """The methods that were asked, in their order."""
        return [each.method for each in self.asked]


def _after(message: Message | None, deed: Posted | Changed | Deleted) -> Message | None:
    match deed:
        case Posted():
            return Message(deed, deed.text, deed.blocks, deed.metadata)
        case Changed() if message is not None:
            return replace(
                message,
                text=message.text if deed.text is None else deed.text,
                blocks=message.blocks if deed.blocks is None else deed.blocks,
                metadata=message.metadata if deed.metadata is None else deed.metadata,
                edited_at=deed.at,
            )
        case _:
            return None
