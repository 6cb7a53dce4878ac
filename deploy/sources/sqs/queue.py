"""Asks the queue for messages, and takes out those that are written down.

Both go by ``aws.poll``: reading a queue and taking messages out of it need nothing but the role to read. To take a message
out of our own queue changes no service, so it is done in shadow too; the role to read is allowed ``sqs:ReceiveMessage``
and ``sqs:DeleteMessage`` on this one queue.

Source:
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessageBatch.html
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from deploy.errors import AwsRefused
from deploy.model import SERVICE
from deploy.ports import Aws, AwsAccount
from deploy.source import Parcel, Received

WAIT = 10  # seconds: the thread of a poll cannot be stopped, so it is the longest that an end may take (aws.md, §13)
MOST = 10  # messages: the most that SQS gives, and takes, in one call
MESSAGE, SENT, TIMES = "message-id", "sent-at", "receive-count"  # headers of a `Received`
_MILLISECONDS = re.compile(r"[0-9]{1,14}")  # since the epoch
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
_HOSTS = (  # with the region, where the name tells it
    re.compile(r"sqs(?:-fips)?\.(?P<region>[a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|api\.aws)"),
    re.compile(r"(?P<region>[a-z0-9-]+)\.queue\.amazonaws\.com(?:\.cn)?"),
    re.compile(r"vpce-[a-z0-9-]+\.sqs\.(?P<region>[a-z0-9-]+)\.vpce\.amazonaws\.com(?:\.cn)?"),
)
_VISIBLE = re.compile(r"[!-~]*")  # line breaks and tabs are dropped by `urlsplit`, and would not be looked at
_PATH = re.compile(r"/(?P<account>[0-9]{12})/(?P<name>[A-Za-z0-9_-]{1,80}(?:\.fifo)?)")


def _queue(url: str) -> str:
    """The address of a queue, as ``GetQueueUrl`` tells it."""
    if not _VISIBLE.fullmatch(url):
        raise ValueError("the address of a queue is written in printable ASCII characters, without blanks")
    parts = _split(url)
    local = parts.hostname in _LOCAL
    if parts.scheme != "https" and not (parts.scheme == "http" and local):
        raise ValueError("the address of a queue begins with https://")
    if parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("the address of a queue is a host and a path, and nothing else")
    if local and parts.port is None:
        raise ValueError("a queue on this machine has a port: http://localhost:4566/000000000000/deployments")
    if not local and (parts.port is not None or _region(parts) is None):
        raise ValueError(
            f"{parts.hostname}: no queue of SQS lives there: https://sqs.REGION.amazonaws.com/ACCOUNT/NAME"
        )
    if not _PATH.fullmatch(parts.path):
        raise ValueError("the path of a queue is /ACCOUNT/NAME, with the twelve digits of its account")
    return url


def _split(url: str) -> SplitResult:
    parts = urlsplit(url)
    parts.port  # noqa: B018 - raises for what is no port
    return parts


def _region(parts: SplitResult) -> str | None:
    found = (host.fullmatch(parts.hostname or "") for host in _HOSTS)
    return next((match["region"] for match in found if match), None)


class Settings(BaseModel):
    """What may stand under ``sources: {name: {sqs: …}}``.

    Attributes:
        account: Which of the accounts reads the queue: its name in the configuration.
        url: The address of the queue.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, regex_engine="python-re")

    account: Annotated[str, StringConstraints(pattern=rf"^{SERVICE}\Z")]
    url: Annotated[str, StringConstraints(max_length=512), AfterValidator(_queue)]


def misplaced(settings: Settings, account: AwsAccount) -> tuple[str, str] | None:
    """Why *account* cannot read the queue, and the remedy: it lives in another region, or in another account."""
    parts = urlsplit(settings.url)
    region, owner = _region(parts), parts.path.split("/")[1]
    if region is not None and region != account.region:
        return f"the queue is in {region}, and the account {account.name} in {account.region}", _REMEDY
    if parts.hostname not in _LOCAL and account.id is not None and owner != account.id:
        return f"the queue is in {owner}, and the account {account.name} is {account.id}", _REMEDY
    return None


_REMEDY = "name the account that the queue is in, in its region"


class Queue:
    """The feed.

    Attributes:
        principal: Who has announced what comes from here, for the audit: whoever the queue's policy lets.
    """

    def __init__(self, settings: Settings, aws: Aws, now: Callable[[], datetime]) -> None:
        self._settings = settings
        self._poll = aws.poll
        self._now = now
        self.principal = f"sqs:{settings.url.rsplit('/', 1)[1]}"

    async def receive(self) -> Sequence[Parcel]:
        """Wait for messages, at most 10 s. Those that are not acknowledged come again, after the queue's visibility time-out.

        Raises:
            AwsRefused: The queue could not be read.
        """
        answer = await self._poll(
            self._settings.account,
            "sqs",
            "receive_message",
            QueueUrl=self._settings.url,
            WaitTimeSeconds=WAIT,
            MaxNumberOfMessages=MOST,
            MessageSystemAttributeNames=["ApproximateReceiveCount", "SentTimestamp"],
        )
        now = self._now()
        return [self._parcel(message, now) for message in sorted(answer.get("Messages", ()), key=_sent)]

    async def acknowledge(self, receipts: Sequence[str]) -> None:
        """Take messages out of the queue.

        Raises:
            AwsRefused: Some of them could not be: they come again, and are known then.
        """
        for some in _tens(receipts):
            entries = [{"Id": str(number), "ReceiptHandle": receipt} for number, receipt in enumerate(some)]
            answer = await self._poll(
                self._settings.account,
                "sqs",
                "delete_message_batch",
                QueueUrl=self._settings.url,
                Entries=entries,
            )
            for failure in answer.get("Failed", ())[:1]:
                code, words = failure.get("Code", "Failed"), failure.get("Message", "no reason was given")
                raise AwsRefused("delete_message_batch", code, words, may_have_happened=False)

    def _parcel(self, message: Mapping[str, Any], now: datetime) -> Parcel:
        times = message.get("Attributes", {}).get("ApproximateReceiveCount", "1")
        headers = {MESSAGE: message["MessageId"], TIMES: times}
        if sent := _sent(message):
            headers[SENT] = datetime.fromtimestamp(sent / 1000, UTC).isoformat()
        body = message.get("Body", "").encode(errors="replace")
        return Parcel(Received(body, headers, now, self.principal), message["ReceiptHandle"])


def _sent(message: Mapping[str, Any]) -> int:
    """When, in milliseconds since the epoch; 0 where it is not told."""
    told = message.get("Attributes", {}).get("SentTimestamp", "")
    return int(told) if _MILLISECONDS.fullmatch(told) else 0


def _tens(receipts: Sequence[str]) -> Iterator[Sequence[str]]:
    return (receipts[start : start + MOST] for start in range(0, len(receipts), MOST))
