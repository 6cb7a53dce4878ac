"""One message of SNS: what stands in it, what of it is signed, and what is wrong with it before anybody is asked. Pure.

Source:
    https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
    https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
"""

import base64
import binascii
import re
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Annotated, Literal
from urllib.parse import parse_qsl

from pydantic import Field, StringConstraints

from deploy.source import Rejected
from deploy.sources.sqs.envelope import moment, shown
from watcher.signals.alert.senders.clean import AHEAD, Text, Written, said
from watcher.signals.alert.senders.sns.settings import host_of

NOTIFICATION, SUBSCRIBED, UNSUBSCRIBED = (
    "Notification",
    "SubscriptionConfirmation",
    "UnsubscribeConfirmation",
)
VERSION = "2"
LATE = timedelta(hours=1)  # after which a message may be an old one that is sent again
LONGEST_SIGNATURE = 2048  # characters; of a key of 4,096 bits it has 684
_TWO = "set the attribute SignatureVersion of the topic to 2"
_CERTIFICATE = re.compile(r"/SimpleNotificationService-[0-9A-Za-z]{1,128}\.pem")
_VISIBLE = re.compile(r"[!-~]*")
_SIGNED = {
    NOTIFICATION: ("message", "id", "subject", "timestamp", "topic", "type"),
    SUBSCRIBED: ("message", "id", "subscribe_url", "timestamp", "token", "topic", "type"),
    UNSUBSCRIBED: ("message", "id", "subscribe_url", "timestamp", "token", "topic", "type"),
}

_Short = Annotated[str, StringConstraints(max_length=2048)]


class Letter(Written):
    """A message. Which members are signed, and under which names, says `canonical`."""

    type: Literal["Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"] = Field(alias="Type")
    id: Annotated[str, StringConstraints(pattern=r"^[!-~]{1,128}\Z")] = Field(alias="MessageId")
    topic: _Short = Field(alias="TopicArn")
    message: Text = Field(alias="Message")
    timestamp: _Short = Field(alias="Timestamp")
    version: _Short = Field(alias="SignatureVersion")
    signature: Annotated[str, StringConstraints(max_length=LONGEST_SIGNATURE)] = Field(alias="Signature")
    certificate_url: _Short = Field(alias="SigningCertURL")
    subject: _Short | None = Field(default=None, alias="Subject")
    token: _Short | None = Field(default=None, alias="Token")
    subscribe_url: _Short | None = Field(default=None, alias="SubscribeURL")


def opened(body: bytes) -> Letter | Rejected:
    """The message in *body*; not believed yet."""
    return said(body, Letter, "a message of SNS", "switch raw message delivery off: it carries no signature")


def doubt(letter: Letter, topics: Collection[str], now: datetime) -> str | None:
    """Why *letter* is not believed whoever has signed it; ``None``: its signature is worth looking at.

    The topic comes first: what is said of any other leads to no further step.
    """
    if letter.topic not in topics:
        return f"the topic {shown(letter.topic)} is none of those that are configured"
    if letter.version != VERSION:
        return f"version {shown(letter.version)} of the signature: {_TWO}"
    at = moment(letter.timestamp)
    if at is None or not -AHEAD <= now - at <= LATE:
        return f"sent at {shown(letter.timestamp)}: an old message that is sent again, or a wrong clock here"
    if not _is_certificate(letter.certificate_url, letter.topic):
        return (
            f"a certificate at {shown(letter.certificate_url)}, which is not where SNS has those of the topic"
        )
    if letter.type == SUBSCRIBED and not _subscribes(letter):
        return f"a subscription at {shown(letter.subscribe_url)}, which is not where SNS confirms those of the topic"
    return None


def canonical(letter: Letter) -> bytes:
    """What is signed. ``Subject`` stands in it only where there is one."""
    fields = Letter.model_fields
    pairs = [(fields[name].alias, getattr(letter, name)) for name in _SIGNED[letter.type]]
    return "".join(f"{name}\n{value}\n" for name, value in pairs if value is not None).encode()


def signature_of(letter: Letter) -> bytes | None:
    """Its signature, undone from base64; ``None``: it is none."""
    try:
        return base64.b64decode(letter.signature, validate=True)
    except (binascii.Error, ValueError):
        return None


def _is_certificate(url: str, topic: str) -> bool:
    """Compared with the one form that is right: whatever is spelt otherwise is not it."""
    begin = f"https://{host_of(topic)}"
    return url.startswith(begin) and _CERTIFICATE.fullmatch(url.removeprefix(begin)) is not None


def _subscribes(letter: Letter) -> bool:
    """It confirms this very subscription, and says nothing else."""
    url, begin = letter.subscribe_url or "", f"https://{host_of(letter.topic)}/?"
    if not letter.token or not _VISIBLE.fullmatch(url) or not url.startswith(begin):
        return False
    asked = parse_qsl(url.removeprefix(begin), keep_blank_values=True)
    return sorted(asked) == [
        ("Action", "ConfirmSubscription"),
        ("Token", letter.token),
        ("TopicArn", letter.topic),
    ]
