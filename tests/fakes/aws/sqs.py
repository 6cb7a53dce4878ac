"""SQS, as far as a reader of a standard queue needs it: for stories in virtual time. Over HTTP, moto's is as good."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.fakes.aws.calls import Asked
from tests.fakes.aws.trouble import AwsError

_MISSING = "AWS.SimpleQueueService.NonExistentQueue"


@dataclass
class Message:
    """One message.

    Attributes:
        handle: Of the last receipt.
    """

    id: str
    body: str
    sent_at: datetime
    visible_at: datetime
    receipts: int = 0
    first_received_at: datetime | None = None
    handle: str = ""


@dataclass
class Queue:
    """A standard queue.

    Attributes:
        dead: Where a message goes that was received more often than *most_receipts*.
    """

    name: str
    visibility: timedelta = timedelta(seconds=30)
    messages: list[Message] = field(default_factory=list)
    dead: str | None = None
    most_receipts: int = 5


class Sqs:
    """The queues of one account and region."""

    def __init__(self, account: str, region: str, draw: Callable[[str], str]) -> None:
        self._account, self._region, self._draw = account, region, draw
        self.queues: dict[str, Queue] = {}

    def create_queue(
        self, name: str, *, visibility: timedelta = timedelta(seconds=30), dead: str | None = None
    ) -> str:
        """A queue, and its URL."""
        self.queues[name] = Queue(name, visibility, dead=dead)
        return f"https://sqs.{self._region}.amazonaws.com/{self._account}/{name}"

    def send(self, queue: str, body: str | Mapping[str, Any], at: datetime) -> str:
        """Somebody (EventBridge) puts a message there. Gives its id."""
        text = body if isinstance(body, str) else json.dumps(body)
        drawn = self._draw("message")
        message = Message(
            f"{drawn[:8]}-{drawn[8:12]}-{drawn[12:16]}-{drawn[16:20]}-{drawn[20:32]}", text, at, at
        )
        self.queues[queue].messages.append(message)
        return message.id

    def has_something(self, url: str, now: datetime) -> bool:
        """A receive would be answered at once: there is a message, or no such queue."""
        queue = self.queues.get(url.rsplit("/", 1)[-1])
        return queue is None or any(each.visible_at <= now for each in queue.messages)

    def operations(self) -> Mapping[str, Callable[[Asked], Mapping[str, Any]]]:
        """What SQS answers to."""
        return {
            "GetQueueUrl": self.get_queue_url,
            "GetQueueAttributes": self.get_queue_attributes,
            "ReceiveMessage": self.receive_message,
            "DeleteMessage": self.delete_message,
            "DeleteMessageBatch": self.delete_message_batch,
            "ChangeMessageVisibility": self.change_message_visibility,
            "SendMessage": self.send_message,
        }

    def get_queue_url(self, asked: Asked) -> Mapping[str, Any]:
        """``GetQueueUrl``."""
        name = self._queue(asked["QueueName"]).name
        return {"QueueUrl": f"https://sqs.{self._region}.amazonaws.com/{self._account}/{name}"}

    def get_queue_attributes(self, asked: Asked) -> Mapping[str, Any]:
        """``GetQueueAttributes``: every value is text [M]."""
        queue = self._queue(asked["QueueUrl"])
        visible = sum(each.visible_at <= asked.now for each in queue.messages)
        told = {
            "QueueArn": f"arn:aws:sqs:{self._region}:{self._account}:{queue.name}",
            "ApproximateNumberOfMessages": str(visible),
            "ApproximateNumberOfMessagesNotVisible": str(len(queue.messages) - visible),
            "VisibilityTimeout": str(int(queue.visibility.total_seconds())),
            "MessageRetentionPeriod": "345600",
        }
        if queue.dead:
            arn = f"arn:aws:sqs:{self._region}:{self._account}:{queue.dead}"
            told["RedrivePolicy"] = json.dumps(
                {"deadLetterTargetArn": arn, "maxReceiveCount": queue.most_receipts}
            )
        wanted = set(asked.get("AttributeNames", []))
        found = {name: each for name, each in told.items() if "All" in wanted or name in wanted}
        return {"Attributes": found} if found else {}

    def receive_message(self, asked: Asked) -> Mapping[str, Any]:
        """``ReceiveMessage``, at once. [D] Nothing: the member ``Messages`` is absent."""
        queue = self._queue(asked["QueueUrl"])
        if not 0 <= asked.get("WaitTimeSeconds", 0) <= 20:
            raise AwsError("InvalidParameterValue", "WaitTimeSeconds must be >= 0 and <= 20")
        most = asked.get("MaxNumberOfMessages", 1)
        if not 1 <= most <= 10:
            raise AwsError("InvalidParameterValue", "MaxNumberOfMessages must be between 1 and 10")
        self._bury(queue, asked.now)
        hidden = timedelta(seconds=asked.get("VisibilityTimeout", queue.visibility.total_seconds()))
        found = [each for each in queue.messages if each.visible_at <= asked.now][:most]
        for each in found:
            each.receipts += 1
            each.first_received_at = each.first_received_at or asked.now
            each.visible_at = asked.now + hidden
            each.handle = self._draw("receipt")
        return {"Messages": [_told(each) for each in found]} if found else {}

    def _bury(self, queue: Queue, now: datetime) -> None:
        if queue.dead is None:
            return
        dead = [
            each for each in queue.messages if each.visible_at <= now and each.receipts >= queue.most_receipts
        ]
        for each in dead:
            queue.messages.remove(each)
            each.receipts = 0
            self.queues[queue.dead].messages.append(each)

    def delete_message(self, asked: Asked) -> Mapping[str, Any]:
        """``DeleteMessage``. [M] An old handle is answered like a good one, and deletes nothing."""
        queue = self._queue(asked["QueueUrl"])
        queue.messages = [each for each in queue.messages if each.handle != asked["ReceiptHandle"]]
        return {}

    def delete_message_batch(self, asked: Asked) -> Mapping[str, Any]:
        """``DeleteMessageBatch``."""
        queue = self._queue(asked["QueueUrl"])
        handles = {each["ReceiptHandle"] for each in asked["Entries"]}
        queue.messages = [each for each in queue.messages if each.handle not in handles]
        return {"Successful": [{"Id": each["Id"]} for each in asked["Entries"]], "Failed": []}

    def change_message_visibility(self, asked: Asked) -> Mapping[str, Any]:
        """``ChangeMessageVisibility``."""
        for each in self._queue(asked["QueueUrl"]).messages:
            if each.handle == asked["ReceiptHandle"]:
                each.visible_at = asked.now + timedelta(seconds=asked["VisibilityTimeout"])
                return {}
        raise AwsError("ReceiptHandleIsInvalid", "The input receipt handle is invalid.")

    def send_message(self, asked: Asked) -> Mapping[str, Any]:
        """``SendMessage``."""
        queue = self._queue(asked["QueueUrl"])
        body = asked["MessageBody"]
        sent = self.send(queue.name, body, asked.now)
        return {"MessageId": sent, "MD5OfMessageBody": _md5(body)}

    def _queue(self, url: str) -> Queue:
        found = self.queues.get(url.rsplit("/", 1)[-1])
        if found is None:
            raise AwsError(_MISSING, "The specified queue does not exist.")
        return found


def _told(message: Message) -> dict[str, Any]:
    first = message.first_received_at or message.sent_at
    return {
        "MessageId": message.id,
        "ReceiptHandle": message.handle,
        "MD5OfBody": _md5(message.body),
        "Body": message.body,
        "Attributes": {
            "ApproximateReceiveCount": str(message.receipts),
            "SentTimestamp": str(int(message.sent_at.timestamp() * 1000)),
            "ApproximateFirstReceiveTimestamp": str(int(first.timestamp() * 1000)),
        },
    }


def _md5(body: str) -> str:
    """What boto3 compares a body with."""
    return hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()
