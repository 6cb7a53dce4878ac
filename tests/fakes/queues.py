"""Queues of SQS and topics of SNS over HTTP: moto's server, on a thread of its own, with an unmodified boto3 beside it."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
from moto.moto_server.threaded_moto_server import ThreadedMotoServer

from deploy.ports import Aws
from watcher import clock
from watcher.aws import AwsRoles, open_aws
from watcher.telemetry.metrics import Metrics

REGION = "us-west-2"


@dataclass(frozen=True)
class Queues:
    """The far side.

    Attributes:
        endpoint: Where all of it is.
    """

    endpoint: str

    def client(self, service: str) -> Any:
        return boto3.client(service, endpoint_url=self.endpoint, region_name=REGION)

    def queue(self, name: str = "deployments", *, visible_after: int = 30) -> str:
        """A new queue; its address."""
        attributes = {"VisibilityTimeout": str(visible_after)}
        answer = self.client("sqs").create_queue(QueueName=name, Attributes=attributes)
        url: str = answer["QueueUrl"]
        return url

    def put(self, url: str, *said: Any) -> None:
        """Messages, as EventBridge puts them there, or a pipeline."""
        for each in said:
            body = each if isinstance(each, str) else json.dumps(each)
            self.client("sqs").send_message(QueueUrl=url, MessageBody=body)

    def left(self, url: str) -> int:
        """How many messages are in the queue, whether they can be seen now or not."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        told = self.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return sum(int(told[name]) for name in names)

    def topic_into(self, url: str, *, raw: bool) -> str:
        """A topic of SNS that fills the queue; its ARN."""
        attributes = {"RawMessageDelivery": "true"} if raw else {}
        arn = self.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        topic: str = self.client("sns").create_topic(Name="deployments")["TopicArn"]
        self.client("sns").subscribe(
            TopicArn=topic, Protocol="sqs", Endpoint=arn["Attributes"]["QueueArn"], Attributes=attributes
        )
        return topic

    def publish(self, topic: str, said: Mapping[str, Any]) -> None:
        self.client("sns").publish(TopicArn=topic, Message=json.dumps(said))

    @asynccontextmanager
    async def aws(self, account: str = "shop") -> AsyncIterator[Aws]:
        """Our own way to it: the capabilities that the daemon has."""
        roles = {account: AwsRoles(account, REGION)}
        async with open_aws(roles, Metrics(), clock.now, endpoint=self.endpoint) as aws:
            yield aws


@contextmanager
def queues() -> Iterator[Queues]:
    """A server that knows nothing yet."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield Queues(f"http://{host}:{port}")
    finally:
        server.stop()
