"""The queue, over real HTTP, by an unmodified boto3: what is asked, and what is taken out."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from deploy.errors import AwsRefused
from deploy.model import Announcement, Phase
from deploy.ports import AwsAccount
from deploy.sources.sqs import KIND, Queue, Settings, misplaced
from tests.deploy.sources.sqs.said import NOON, a_deployment, a_source
from tests.fakes.queues import Queues, queues
from watcher import clock

HERE = "https://sqs.us-west-2.amazonaws.com/111122223333/deployments"


@pytest.fixture(scope="module")
def server() -> Iterator[Queues]:
    with queues() as far:
        yield far


@pytest.fixture
def url(server: Queues, request: pytest.FixtureRequest) -> str:
    return server.queue(re.sub(r"\W", "-", request.node.name)[:80])


def a_feed(aws, url):
    assert KIND.feed is not None
    return KIND.feed(Settings(account="shop", url=url), aws, lambda: NOON)


# ------------------------------------------------------------------------------------------------------------------- asking


async def test_what_lies_in_the_queue_is_received_and_read(server, url):
    server.put(url, a_deployment())
    async with server.aws() as aws:
        (parcel,) = await a_feed(aws, url).receive()

    received = parcel.received
    assert (received.at, received.principal) == (NOON, f"sqs:{url.rsplit('/', 1)[1]}")
    said = a_source().read(received)
    assert isinstance(said, Announcement)
    assert said.phase is Phase.STARTED
    assert set(received.headers) == {"message-id", "sent-at", "receive-count"}
    assert received.headers["receive-count"] == "1"
    assert abs(datetime.fromisoformat(received.headers["sent-at"]) - clock.now()) < timedelta(minutes=5)


@pytest.mark.parametrize("raw", [False, True])
async def test_what_sns_puts_there_is_read_alike_with_raw_delivery_and_without(server, url, raw):
    server.publish(server.topic_into(url, raw=raw), a_deployment())
    async with server.aws() as aws:
        parcels = await a_feed(aws, url).receive()

    (parcel,) = parcels
    assert isinstance(a_source().read(parcel.received), Announcement)
    assert (b"Signature" in parcel.received.body) is not raw


async def test_ten_are_received_at_once_in_the_order_in_which_they_were_sent(server, url):
    server.put(url, *({"number": number} for number in range(12)))
    async with server.aws() as aws:
        parcels = await a_feed(aws, url).receive()

    assert [each.received.body for each in parcels] == [b'{"number": %d}' % number for number in range(10)]


async def test_what_is_acknowledged_is_gone_and_what_is_not_comes_again(server):
    url = server.queue("comes-again", visible_after=1)
    server.put(url, *(str(number) for number in range(10)))
    async with server.aws() as aws:
        feed = a_feed(aws, url)
        parcels = await feed.receive()
        await feed.acknowledge([each.receipt for each in parcels[:7]])
        again = await feed.receive()

    assert len(again) == 3
    assert {each.received.headers["receive-count"] for each in again} == {"2"}
    assert server.left(url) == 3


async def test_more_than_ten_are_acknowledged_too_and_twice_is_harmless(server, url):
    server.put(url, *(str(number) for number in range(12)))
    async with server.aws() as aws:
        feed = a_feed(aws, url)
        receipts = [each.receipt for _ in range(2) for each in await feed.receive()]
        await feed.acknowledge(receipts)
        await feed.acknowledge(receipts)

    assert len(receipts) == 12
    assert server.left(url) == 0


async def test_a_queue_that_is_not_there_says_so(server, url):
    async with server.aws() as aws:
        with pytest.raises(AwsRefused, match="NonExistentQueue"):
            await a_feed(aws, url + "-of-nobody").receive()


# ---------------------------------------------------------------------------------------------------------- how it is asked


class Noted:
    """What is asked of AWS, and how. *answers*, one by one."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.polled = []

    async def poll(self, scope, service, operation, /, **parameters):
        self.polled.append((scope, service, operation, parameters))
        return self.answers.pop(0) if self.answers else {}

    async def read(self, *_asked, **_parameters):
        raise AssertionError("a queue is polled")

    act = read


async def test_a_poll_waits_for_ten_seconds_and_an_empty_queue_is_no_error():
    aws = Noted({})

    assert await Queue(Settings(account="shop", url=HERE), aws, lambda: NOON).receive() == []
    ((scope, service, operation, parameters),) = aws.polled
    assert (scope, service, operation) == ("shop", "sqs", "receive_message")
    assert (parameters["WaitTimeSeconds"], parameters["MaxNumberOfMessages"]) == (10, 10)


async def test_what_could_not_be_taken_out_is_said():
    failed = {"Failed": [{"Id": "0", "Code": "InternalError", "Message": "later", "SenderFault": False}]}
    queue = Queue(Settings(account="shop", url=HERE), Noted(failed), lambda: NOON)

    with pytest.raises(AwsRefused, match="InternalError: later"):
        await queue.acknowledge(["r"])


async def test_a_message_without_attributes_is_one_all_the_same():
    aws = Noted({"Messages": [{"MessageId": "m", "ReceiptHandle": "r", "Body": "{}"}]})

    (parcel,) = await Queue(Settings(account="shop", url=HERE), aws, lambda: NOON).receive()

    assert parcel.received.headers == {"message-id": "m", "receive-count": "1"}


async def test_the_time_at_which_it_was_sent_is_in_milliseconds():
    attributes = {"SentTimestamp": "1764079200123", "ApproximateReceiveCount": "3"}
    aws = Noted(
        {"Messages": [{"MessageId": "m", "ReceiptHandle": "r", "Body": "{}", "Attributes": attributes}]}
    )

    (parcel,) = await Queue(Settings(account="shop", url=HERE), aws, lambda: NOON).receive()

    sent = datetime.fromisoformat(parcel.received.headers["sent-at"])
    assert sent == datetime(2025, 11, 25, 14, 0, 0, 123000, UTC)
    assert parcel.received.headers["receive-count"] == "3"


# -------------------------------------------------------------------------------------------------------------- settings


@pytest.mark.parametrize(
    "url",
    [
        HERE,
        "https://sqs.us-west-2.amazonaws.com/111122223333/deployments.fifo",
        "https://sqs-fips.us-east-1.amazonaws.com/111122223333/deployments",
        "https://us-west-2.queue.amazonaws.com/111122223333/deployments",
        "https://sqs.cn-north-1.amazonaws.com.cn/111122223333/deployments",
        "https://sqs.eu-west-1.api.aws/111122223333/deployments",
        "https://vpce-0a1b-c2.sqs.eu-west-1.vpce.amazonaws.com/111122223333/deployments",
        "http://localhost:4566/000000000000/deployments",
        "https://127.0.0.1:4566/000000000000/deployments",
        "http://[::1]:4566/000000000000/deployments",
    ],
)
def test_the_address_of_a_queue(url):
    assert Settings(account="shop", url=url).url == url


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://sqs.us-west-2.amazonaws.com/111122223333/deployments", "https://"),
        ("ftp://localhost:1/111122223333/deployments", "https://"),
        ("deployments", "https://"),
        ("http://localhost/000000000000/deployments", "has a port"),
        ("http://localhost:x/000000000000/deployments", "[Pp]ort"),
        ("https://sqs.us-west-2.amazonaws.com:444/111122223333/deployments", "no queue of SQS lives there"),
        ("https://sqs.us-west-2.amazonaws.com.evil.example/111122223333/deployments", "no queue of SQS"),
        ("https://evil.example/111122223333/deployments", "no queue of SQS"),
        ("https://169.254.169.254/111122223333/deployments", "no queue of SQS"),
        ("https://user@sqs.us-west-2.amazonaws.com/111122223333/deployments", "a host and a path"),
        (HERE + "?Action=DeleteQueue", "a host and a path"),
        (HERE + "#x", "a host and a path"),
        ("https://sqs.us-west-2.amazonaws.com/deployments", "twelve digits"),
        ("https://sqs.us-west-2.amazonaws.com/111122223333/de/ployments", "twelve digits"),
        (HERE + "\n", "without blanks"),
        (HERE.replace("deploy", "de\tploy"), "without blanks"),
        (HERE + "x" * 512, "at most 512"),
    ],
)
def test_what_is_no_address_of_a_queue(url, words):
    with pytest.raises(ValidationError, match=words):
        Settings(account="shop", url=url)


def test_the_account_is_a_name_of_the_configuration():
    with pytest.raises(ValidationError):
        Settings(account="111122223333", url=HERE)


@pytest.mark.parametrize(
    ("region", "domain", "partition"),
    [
        ("us-west-2", "amazonaws.com", "aws"),
        ("cn-north-1", "amazonaws.com.cn", "aws-cn"),
        ("us-gov-west-1", "amazonaws.com", "aws-us-gov"),
    ],
)
def test_the_permissions_are_asked_for_in_the_partition_of_the_region(region, domain, partition):
    settings = Settings(account="shop", url=f"https://sqs.{region}.{domain}/111122223333/deployments")

    resources = {each.resource for each in KIND.needs(settings, AwsAccount("shop", region))}

    assert resources == {f"arn:{partition}:sqs:{region}:111122223333:deployments"}


@pytest.mark.parametrize(
    ("url", "account", "words"),
    [
        (HERE, AwsAccount("shop", "us-west-2", "111122223333"), None),
        (HERE, AwsAccount("shop", "us-west-2"), None),
        (
            HERE,
            AwsAccount("shop", "eu-west-1"),
            "the queue is in us-west-2, and the account shop in eu-west-1",
        ),
        (
            HERE,
            AwsAccount("shop", "us-west-2", "9" * 12),
            "the queue is in 111122223333, and the account shop is 999999999999",
        ),
        ("http://localhost:4566/000000000000/q", AwsAccount("shop", "eu-west-1", "9" * 12), None),
    ],
)
def test_a_queue_is_where_its_account_is(url, account, words):
    found = misplaced(Settings(account="shop", url=url), account)

    assert (found and found[0]) == words
