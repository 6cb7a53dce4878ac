"""The queue: what a reader of a standard queue may count on, and what not. Over HTTP, with unmodified boto3."""

import json
import time
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError

from tests.fakes.aws.fixtures import NOON


@pytest.fixture
def sqs(boto):
    return boto("sqs")


@pytest.fixture
def url(aws_world):
    aws_world.sqs.create_queue("dead")
    return aws_world.sqs.create_queue("deployments", visibility=timedelta(seconds=60), dead="dead")


def received(sqs, url, **more):
    return sqs.receive_message(QueueUrl=url, **more).get("Messages", [])


def test_an_empty_queue_has_no_messages_at_all(sqs, url):
    assert "Messages" not in sqs.receive_message(QueueUrl=url)


def test_what_was_received_is_hidden_until_its_time_is_over(sqs, url, aws_world, aws_clock):
    aws_world.sqs.send("deployments", {"a": 1}, at=aws_clock())

    first = received(sqs, url)
    hidden = received(sqs, url)
    aws_clock.go_on(seconds=60)
    again = received(sqs, url)

    assert hidden == []
    assert first[0]["MessageId"] == again[0]["MessageId"]
    assert first[0]["ReceiptHandle"] != again[0]["ReceiptHandle"]
    assert again[0]["Attributes"]["ApproximateReceiveCount"] == "2"


def test_an_old_handle_deletes_nothing_and_says_so_to_nobody(sqs, url, aws_world, aws_clock):
    aws_world.sqs.send("deployments", "x", at=aws_clock())
    old = received(sqs, url)[0]["ReceiptHandle"]
    aws_clock.go_on(seconds=60)
    new = received(sqs, url)[0]["ReceiptHandle"]

    sqs.delete_message(QueueUrl=url, ReceiptHandle=old)
    kept = len(aws_world.sqs.queues["deployments"].messages)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=new)

    assert (kept, len(aws_world.sqs.queues["deployments"].messages)) == (1, 0)


def test_several_are_deleted_at_once(sqs, url, aws_world, aws_clock):
    for body in "abc":
        aws_world.sqs.send("deployments", body, at=aws_clock())
    handles = [each["ReceiptHandle"] for each in received(sqs, url, MaxNumberOfMessages=2)]

    entries = [{"Id": str(number), "ReceiptHandle": handle} for number, handle in enumerate(handles)]
    answer = sqs.delete_message_batch(QueueUrl=url, Entries=entries)

    assert [each["Id"] for each in answer["Successful"]] == ["0", "1"]
    assert [each.body for each in aws_world.sqs.queues["deployments"].messages] == ["c"]


def test_visibility_can_be_changed(sqs, url, aws_world, aws_clock):
    aws_world.sqs.send("deployments", "x", at=aws_clock())
    handle = received(sqs, url)[0]["ReceiptHandle"]

    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)

    assert len(received(sqs, url)) == 1


def test_poison_goes_to_the_dead_letters(sqs, url, aws_world, aws_clock):
    aws_world.sqs.send("deployments", "poison", at=aws_clock())
    for _ in range(5):
        received(sqs, url)
        aws_clock.go_on(seconds=61)

    assert received(sqs, url) == []
    assert [each.body for each in aws_world.sqs.queues["dead"].messages] == ["poison"]


def test_a_long_poll_ends_when_a_message_comes(sqs, url):
    began = time.monotonic()  # noqa: TID251 - it is about real time
    sqs.send_message(QueueUrl=url, MessageBody="x")

    assert len(received(sqs, url, WaitTimeSeconds=10)) == 1
    assert time.monotonic() - began < 5  # noqa: TID251


@pytest.mark.parametrize("asked", [{"WaitTimeSeconds": 21}, {"MaxNumberOfMessages": 11}])
def test_more_than_aws_allows_is_refused(sqs, url, asked):
    with pytest.raises(ClientError) as refused:
        received(sqs, url, **asked)

    assert refused.value.response["Error"]["Code"] == "InvalidParameterValue"


def test_a_queue_that_there_is_not_has_a_code_of_old_and_a_class_of_new(sqs):
    with pytest.raises(sqs.exceptions.QueueDoesNotExist) as refused:
        sqs.receive_message(QueueUrl="https://sqs.eu-central-1.amazonaws.com/123456789012/none")

    assert refused.value.response["Error"]["Code"] == "AWS.SimpleQueueService.NonExistentQueue"


def test_a_queue_says_how_many_wait_and_where_the_dead_go(sqs, url, aws_world, aws_clock):
    aws_world.sqs.send("deployments", "x", at=aws_clock())
    aws_world.sqs.send("deployments", "y", at=aws_clock())
    received(sqs, url)

    told = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]

    assert (told["ApproximateNumberOfMessages"], told["ApproximateNumberOfMessagesNotVisible"]) == ("1", "1")
    assert json.loads(told["RedrivePolicy"])["deadLetterTargetArn"].endswith(":dead")


def test_events_are_carried_to_a_queue_from_then_on(sqs, url, aws_world, aws_clock):
    aws_world.ecs.register("web", "shop:1", at=NOON)
    aws_world.ecs.register("web", "shop:2", at=NOON)
    aws_world.ecs.create_service("web", "web:1", at=NOON - timedelta(days=1))
    aws_world.carry("deployments")

    aws_world.ecs.deploy("web", "web:2", at=aws_clock())
    aws_clock.go_on(minutes=1)

    bodies = [json.loads(each["Body"]) for each in received(sqs, url, MaxNumberOfMessages=10)]
    assert [each["detail"]["eventName"] for each in bodies] == [
        *("SERVICE_DEPLOYMENT_IN_PROGRESS", "SERVICE_DEPLOYMENT_COMPLETED"),
    ]
    assert aws_world.events.fresh() != []
