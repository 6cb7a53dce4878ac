"""One message as SNS takes it: text for people, JSON for machines, and attributes that subscriptions filter by.

Source:
    https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
    https://docs.aws.amazon.com/sns/latest/dg/sns-message-attributes.html
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from watcher.core.watch import Message, Notice
from watcher.notify.commands import commands
from watcher.notify.sns.settings import Settings
from watcher.notify.webhook import payload

MOST_SUBJECT = 99  # characters: SNS takes fewer than 100, of ASCII
MOST_SHORT = 300  # characters of a text message: two or three parts
# SNS takes 256 KiB with everything, and JSON in JSON grows: four copies, of at most 24,000 bytes before.
MOST_TEXT = 6000  # characters
MOST_PAYLOAD = 24_000  # bytes; what is larger is told as text
MOST_ATTRIBUTE = 256  # characters
MACHINES = ("http", "https", "lambda", "sqs")
_ASCII = str.maketrans({"·": "-", "→": "->", "…": "...", "–": "-", "±": "+-", "’": "'"})


def publication(message: Message, narrowing: str, settings: Settings) -> dict[str, Any]:
    """The parameters of ``Publish``."""
    notice = message.notice
    fifo = {"MessageGroupId": _digest(notice.watch), "MessageDeduplicationId": _digest(message.id)}
    return {
        "TopicArn": settings.topic,
        "Subject": _subject(notice),
        "Message": json.dumps(_said(message, narrowing), ensure_ascii=False),
        "MessageStructure": "json",
        "MessageAttributes": _attributes(message),
        **(fifo if settings.is_fifo else {}),
    }


def _said(message: Message, narrowing: str) -> Mapping[str, str]:
    """By the protocol of the subscription; *default*: people."""
    notice = message.notice
    where = [f"{each.label}: {each.url}" for each in notice.links]
    text = (
        _visible("\n".join([notice.headline, *notice.lines, *where, *commands(notice)]), MOST_TEXT)
        or "rollbackd"
    )
    machine = payload(message, narrowing).decode()
    told = machine if len(machine) <= MOST_PAYLOAD else text
    short = _visible(notice.headline, MOST_SHORT) or "rollbackd"
    return {"default": text, "sms": short, **dict.fromkeys(MACHINES, told)}


def _subject(notice: Notice) -> str:
    """ASCII, one line, and a letter at its beginning: an e-mail's."""
    shown = _visible(notice.headline, MOST_TEXT).translate(_ASCII).encode("ascii", "replace").decode()
    return f"rollbackd: {' '.join(shown.split())}"[:MOST_SUBJECT].rstrip()


def _attributes(message: Message) -> Mapping[str, Any]:
    """At most ten, or a queue with raw delivery gets nothing; none is empty, which SNS refuses."""
    notice = message.notice
    told = {
        "event": notice.event,
        "tone": notice.tone.value,
        "state": notice.facts.get("state", ""),
        "service": notice.service,
        "environment": notice.environment,
        "watch": notice.watch,
        "message": message.id,
    }
    shown = {name: _visible(value, MOST_ATTRIBUTE) for name, value in told.items()}
    return {name: {"DataType": "String", "StringValue": value} for name, value in shown.items() if value}


def _visible(text: str, most: int) -> str:
    """SNS refuses what XML cannot hold."""
    shown = "".join(each if each == "\n" or each.isprintable() else " " for each in text).strip()
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"


def _digest(text: str) -> str:
    """An id of the characters that SNS takes, for any text."""
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()
