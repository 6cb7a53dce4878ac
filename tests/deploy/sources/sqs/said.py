"""What lies in a queue: events as AWS documents them, and how they come."""

import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deploy.model import Announcement
from deploy.source import Aside, Directory, Ignored, Opening, Received, Rejected, Whose
from deploy.sources.sqs import Settings, SqsSource

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
QUEUE = Settings(account="shop", url="https://sqs.us-west-2.amazonaws.com/111122223333/deployments")
CHECKOUT = Whose("checkout", "production")
AT = "ecs:us-west-2:111122223333:default/servicetest"  # where the documented service runs
PAUSED_AT = "ecs:us-west-2:123456789012:my-cluster/my-service"
ALIAS_AT = "lambda:us-east-1:123456789012:f:live"
RULE_AT = "load_balancer:arn:aws:elasticloadbalancing:us-east-1:123456789012:listener-rule/app/lb/1/2/3"
GROUP_AT = "codedeploy:us-east-1:123456789012:myApplication/myDeploymentGroup"
UPDATED_AT = "beanstalk:us-east-1:111122223333:myApplication/myEnvironment"
TRIGGERED_AT = "codedeploy:us-west-1:111222333444:ProductionApp-us-west-3/dep-group-def-456"


@dataclass(frozen=True)
class Line:
    """One event of the file: of what, and where AWS documents it (or which page it was made after)."""

    of: str
    page: str
    event: Any


def lines() -> Iterator[Line]:
    for line in Path(__file__).with_name("events.jsonl").read_text().splitlines():
        said = json.loads(line)
        yield Line(said["of"], said["page"], said["event"])


LINES = tuple(lines())


def running_at(*addresses: str, whose: tuple[Whose, ...] = (CHECKOUT,)) -> Directory:
    return lambda address: whose if address in addresses else ()


CONFIGURED = running_at(AT, PAUSED_AT, ALIAS_AT, RULE_AT, GROUP_AT, TRIGGERED_AT, UPDATED_AT)


def a_source(where: Directory = CONFIGURED) -> SqsSource:
    return SqsSource(QUEUE, Opening("events", where))


def read(
    said: Any,
    where: Directory = CONFIGURED,
    **headers: str,
) -> Announcement | Aside | Ignored | Rejected:
    """What a message means; *said* is its body, or becomes it."""
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return a_source(where).read(Received(body, named, NOON, "sqs:deployments"))


def documented(of: str, number: int = 0) -> Any:
    """A copy of the event that AWS documents, to be changed."""
    return deepcopy([line.event for line in LINES if line.of == of][number])


def a_deployment(name: str = "SERVICE_DEPLOYMENT_IN_PROGRESS", **detail: Any) -> Any:
    event = documented("aws.ecs/ECS Deployment State Change")
    event["detail"] |= {"eventName": name} | detail
    return event


def a_hook(**detail: Any) -> Any:
    event = documented("aws.ecs/ECS Hook State Change")
    event["detail"] |= detail
    return event


def an_alarm(**more: Any) -> Any:
    """As CloudWatch tells a topic of SNS."""
    return {
        "AlarmName": "checkout-5xx",
        "AlarmDescription": "5xx ratio",
        "AWSAccountId": "123456789012",
        "NewStateValue": "ALARM",
        "NewStateReason": "Threshold Crossed: 2 datapoints were greater than the threshold (0.05).",
        "StateChangeTime": "2026-11-24T11:43:11.512+0000",
        "Region": "US East (N. Virginia)",
        "AlarmArn": "arn:aws:cloudwatch:us-east-1:123456789012:alarm:checkout-5xx",
        "OldStateValue": "OK",
        "Trigger": {"MetricName": "HTTPCode_Target_5XX_Count", "Namespace": "AWS/ApplicationELB"},
    } | more


def through_sns(said: Any, **more: Any) -> Any:
    """As SNS wraps it, without raw delivery."""
    envelope = documented("sns/envelope")
    return envelope | {"Message": said if isinstance(said, str) else json.dumps(said)} | more


def without(event: Any, *path: str) -> Any:
    """*event* with what is at *path* left out."""
    inner = event
    for step in path[:-1]:
        inner = inner[step]
    del inner[path[-1]]
    return event
