"""The fake as a process of its own, ruled through its door."""

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest

from tests.fakes.aws.fixtures import environment


@pytest.fixture
def url() -> Iterator[str]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.fakes.aws", "--speed", "100"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["url"]
        process.terminate()
        assert process.wait(60) == 0


def told(url: str, name: str) -> Any:
    with urllib.request.urlopen(f"{url}/_fake/{name}") as answer:  # noqa: S310 - our own server
        return json.load(answer)


def do(url: str, what: str, **arguments: Any) -> Any:
    body = json.dumps({"do": what, "with": arguments}).encode()
    with urllib.request.urlopen(f"{url}/_fake/do", data=body) as answer:  # noqa: S310 - our own server
        return json.load(answer)["answer"]


def until(seen: Callable[[], bool]) -> None:
    for _ in range(3000):
        if seen():
            return
        time.sleep(0.02)
    raise AssertionError("it never came")


def completed(url: str) -> int:
    names = [each["detail"].get("eventName") for each in told(url, "events")]
    return names.count("SERVICE_DEPLOYMENT_COMPLETED")


def test_a_deployment_goes_on_by_itself_and_its_events_come_to_the_queue(url):
    do(url, "ecs.register", family="web", image="shop:1.4.0")
    do(url, "ecs.register", family="web", image="shop:1.4.1")
    do(url, "ecs.create_service", name="web", task_definition="web:1", at=-86400)
    queue = do(url, "sqs.create_queue", name="deployments")
    do(url, "carry", queue="deployments")
    do(url, "ecs.behave", task_definition="web:2", behaviour={"starts_in": 5})
    clients = {
        name: boto3.client(name, endpoint_url=url, region_name=environment(url)["AWS_DEFAULT_REGION"])
        for name in ("ecs", "sqs")
    }

    clients["ecs"].update_service(cluster="prod", service="web", taskDefinition="web:2")

    until(lambda: completed(url) == 2)  # the first one is that of the day before
    messages = clients["sqs"].receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=5)[
        "Messages"
    ]
    assert [json.loads(each["Body"])["detail"]["eventName"] for each in messages] == [
        "SERVICE_DEPLOYMENT_IN_PROGRESS",
        "SERVICE_DEPLOYMENT_COMPLETED",
    ]
    assert [call["operation"] for call in told(url, "calls") if call["mutates"]] == ["UpdateService"]
    assert told(url, "bugs") == []


def test_aliases_and_weights_are_ruled_by_the_same_door(url):
    region = environment(url)["AWS_DEFAULT_REGION"]
    do(url, "functions.create", name="checkout", code="code 1", at=-86400)
    do(url, "functions.publish", name="checkout", at=-86400)
    do(url, "functions.point", name="checkout", alias="live", version="1")
    group = do(url, "balancing.create_group", name="blue")
    do(url, "balancing.release", name="blue", tag="v1")

    alias = boto3.client("lambda", endpoint_url=url, region_name=region).get_alias(
        FunctionName="checkout", Name="live"
    )
    (told_of,) = boto3.client("elbv2", endpoint_url=url, region_name=region).describe_tags(
        ResourceArns=[group]
    )["TagDescriptions"]

    assert alias["FunctionVersion"] == "1"
    assert {tag["Key"]: tag["Value"] for tag in told_of["Tags"]}["rollbackd:release"] == "v1"
    assert told(url, "bugs") == []
