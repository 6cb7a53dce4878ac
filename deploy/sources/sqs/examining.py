"""Looks at a queue before it is needed: is it there, does somebody take what is in it, and what becomes of the rest.

Source:
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from deploy.errors import AwsRefused
from deploy.model import About, Finding, Level
from deploy.ports import Aws, AwsAccount, Need
from deploy.sources.sqs.queue import Settings

MINUTE = timedelta(minutes=1)
LATE = timedelta(
    minutes=10
)  # an event that waits so long finds its deployment finished; what is live is read anyway
FULL = 1000  # messages: some thousand deployments a day are few
HIDDEN = timedelta(seconds=15)  # a message comes again if it is not written down by then
KEPT = timedelta(hours=1)  # a daemon that is down for longer loses events
RECEIPTS = 5  # a daemon that restarts in a loop uses some up (aws.md, 13)


async def examine(settings: Settings, aws: Aws, now: datetime) -> Sequence[Finding]:
    """What there is to say of the queue, the worst last.

    Raises:
        AwsRefused: It cannot be looked at; mostly: it is not there, or the role to read may not.
    """
    answer = await aws.read(
        settings.account, "sqs", "get_queue_attributes", QueueUrl=settings.url, AttributeNames=["All"]
    )
    told: Mapping[str, str] = answer.get("Attributes", {})
    age = await _oldest(settings, aws, now)
    return [
        Finding(Level.OK, _facts(settings, told, age), about=About.QUEUE),
        *_depth(told, age),
        *_lasting(told),
        *_dead(told),
    ]


def needs(settings: Settings, account: AwsAccount) -> tuple[Need, ...]:
    """To take messages and to delete them: to try that would take them."""
    owner, name = urlsplit(settings.url).path.strip("/").split("/")
    queue = f"arn:{account.partition}:sqs:{account.region}:{owner}:{name}"
    return Need("sqs:ReceiveMessage", queue), Need("sqs:DeleteMessage", queue)


def _facts(settings: Settings, told: Mapping[str, str], age: timedelta | None) -> str:
    oldest = "" if age is None else f", the oldest for {_words(age)}"
    return (
        f"{settings.url.rsplit('/', 1)[1]}: {_number(told, 'ApproximateNumberOfMessages')} messages wait{oldest}; "
        f"{_number(told, 'ApproximateNumberOfMessagesNotVisible')} are being read"
    )


def _depth(told: Mapping[str, str], age: timedelta | None) -> Iterator[Finding]:
    waiting = _number(told, "ApproximateNumberOfMessages")
    if waiting > FULL or (waiting and age is not None and age > LATE):
        yield Finding(
            Level.WARN,
            "messages wait, and nobody reads them, or not fast enough",
            "does the daemon run, and does nobody else send to this queue?",
            about=About.QUEUE,
        )


def _lasting(told: Mapping[str, str]) -> Iterator[Finding]:
    hidden, kept = _span(told, "VisibilityTimeout"), _span(told, "MessageRetentionPeriod")
    if hidden is not None and hidden < HIDDEN:
        yield Finding(
            Level.WARN,
            f"a message that is being read is hidden for {_words(hidden)} only: it comes again while it is written down",
            f"set the queue's visibility timeout to {_words(2 * HIDDEN)}",
            about=About.QUEUE,
        )
    if kept is not None and kept < KEPT:
        yield Finding(
            Level.WARN,
            f"messages are kept for {_words(kept)}: what comes while the daemon is down for longer is lost",
            "set the queue's message retention period to a day or more",
            about=About.QUEUE,
        )


def _dead(told: Mapping[str, str]) -> Iterator[Finding]:
    if "RedrivePolicy" not in told:
        yield Finding(
            Level.WARN,
            "it has no dead-letter queue: what no reader can take comes again until it is too old",
            f"add one, with maxReceiveCount {RECEIPTS} or more",
            about=About.QUEUE,
        )
        return
    most = _receipts(told["RedrivePolicy"])
    if most is not None and most < RECEIPTS:
        yield Finding(
            Level.WARN,
            f"a message is given up after {most} tries: a daemon that restarts in a loop uses them up",
            f"set maxReceiveCount to {RECEIPTS} or more",
            about=About.QUEUE,
        )


def _receipts(policy: str) -> int | None:
    try:
        return int(json.loads(policy)["maxReceiveCount"])
    except (ValueError, TypeError, KeyError):
        return None  # AWS's own words that we do not know: no ground to warn


async def _oldest(settings: Settings, aws: Aws, now: datetime) -> timedelta | None:
    """The age of the oldest message, where CloudWatch tells it: it does so for queues that were used of late."""
    metric = {
        "Namespace": "AWS/SQS",
        "MetricName": "ApproximateAgeOfOldestMessage",
        "Dimensions": [{"Name": "QueueName", "Value": settings.url.rsplit("/", 1)[1]}],
    }
    query = {"Id": "age", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Maximum"}}
    whole = now.replace(second=0, microsecond=0)
    try:
        answer: Mapping[str, Any] = await aws.read(
            settings.account,
            "cloudwatch",
            "get_metric_data",
            MetricDataQueries=[query],
            StartTime=whole - 15 * MINUTE,
            EndTime=whole,
        )
    except AwsRefused:
        return None  # whether metrics can be read is another check
    values = next((each["Values"] for each in answer.get("MetricDataResults", ()) if each.get("Values")), ())
    return timedelta(seconds=values[0]) if values else None


def _number(told: Mapping[str, str], name: str) -> int:
    text = told.get(name, "0")
    return int(text) if text.isdecimal() else 0


def _span(told: Mapping[str, str], name: str) -> timedelta | None:
    text = told.get(name, "")
    return timedelta(seconds=int(text)) if text.isdecimal() and len(text) < 10 else None  # noqa: PLR2004 - 30 years


def _words(span: timedelta) -> str:
    seconds = span.total_seconds()
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"  # noqa: PLR2004 - two minutes
