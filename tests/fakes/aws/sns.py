"""Topics of SNS of one account and region: what was published is a log, and everything that is told comes from it.

Source:
    https://docs.aws.amazon.com/sns/latest/api/API_Publish.html [D]
    https://docs.aws.amazon.com/sns/latest/api/API_GetTopicAttributes.html [D]
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.fakes.aws.calls import Asked
from tests.fakes.aws.trouble import AwsError

_MOST = 256 * 1024
_ONCE = timedelta(minutes=5)
_SUBJECT = re.compile(r"[A-Za-z0-9!-/:-@\[-`{-~][\x20-\x7e]{0,98}")
_XML = re.compile("[\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*")


@dataclass(frozen=True, slots=True)
class Published:
    """One message. *texts*: by protocol, where it was structured; else under ``default``."""

    at: datetime
    topic: str
    subject: str
    texts: Mapping[str, str]
    attributes: Mapping[str, str]
    group: str | None = None
    once: str | None = None

    def to(self, protocol: str) -> str:
        """What a subscription of that protocol gets."""
        return self.texts.get(protocol, self.texts["default"])


@dataclass
class Sns:
    """The topics."""

    account: str
    region: str
    draw: Callable[[str], str]
    log: list[Published] = field(default_factory=list)
    subscribed: dict[str, list[str]] = field(default_factory=dict)  # the protocols, by topic

    def create_topic(self, name: str, *protocols: str) -> str:
        """A topic with confirmed subscriptions, and its ARN."""
        arn = f"arn:aws:sns:{self.region}:{self.account}:{name}"
        self.subscribed[arn] = list(protocols)
        return arn

    def operations(self) -> Mapping[str, Callable[[Asked], Mapping[str, Any]]]:
        """By name."""
        return {"Publish": self._publish, "GetTopicAttributes": self._attributes}

    def _attributes(self, asked: Asked) -> Mapping[str, Any]:
        protocols = self.subscribed[self._known(asked)]
        counts = {"SubscriptionsConfirmed": str(len(protocols)), "SubscriptionsPending": "0"}
        return {"Attributes": {"TopicArn": asked["TopicArn"], **counts}}

    def _publish(self, asked: Asked) -> Mapping[str, Any]:
        topic, told = self._known(asked), asked["Message"]
        subject = asked.get("Subject", "")
        if subject and not _SUBJECT.fullmatch(subject):
            raise AwsError("InvalidParameter", "Invalid parameter: Subject")
        attributes = {name: each["StringValue"] for name, each in asked.get("MessageAttributes", {}).items()}
        size = len(told.encode(errors="replace")) + sum(len(n) + len(v) for n, v in attributes.items())
        if not told or size > _MOST:
            raise AwsError("InvalidParameter", "Invalid parameter: Message too long or empty")
        texts = json.loads(told) if asked.get("MessageStructure") == "json" else {"default": told}
        if "default" not in texts:
            raise AwsError("InvalidParameter", "Invalid parameter: Message Structure - No default entry")
        if not all(map(_XML.fullmatch, [*texts.values(), *attributes.values()])) or "" in attributes.values():
            raise AwsError("InvalidParameter", "Invalid parameter: characters, or a value that is empty")
        group, once = asked.get("MessageGroupId"), asked.get("MessageDeduplicationId")
        if topic.endswith(".fifo") != (group is not None and once is not None):
            raise AwsError("InvalidParameter", "Invalid parameter: MessageGroupId, MessageDeduplicationId")
        if once is None or not any(
            each.once == once and each.topic == topic and asked.now - each.at < _ONCE for each in self.log
        ):
            self.log.append(Published(asked.now, topic, subject, texts, attributes, group, once))
        return {"MessageId": self.draw("message")}

    def _known(self, asked: Asked) -> str:
        topic = str(asked["TopicArn"])
        if topic not in self.subscribed:
            raise AwsError("NotFound", "Topic does not exist", 404)
        return topic
