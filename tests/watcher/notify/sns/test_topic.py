"""SNS: what subscribers get, in what order, and what is said where it cannot be published."""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from pydantic import ValidationError

from deploy.model import Level
from tests.contract.notifier_contract import a_message
from tests.fakes.aws import AwsError, AwsWorld, Direct, Scope
from tests.fakes.queues import Queues, queues
from tests.fakes.serve import http_to_loopback
from tests.fakes.world import START
from watcher.core.watch import Link
from watcher.notify.notifier import Later, Never, Opening, Told
from watcher.notify.sns.connection import TopicWithoutAccount, open_sns
from watcher.notify.sns.settings import Settings
from watcher.notify.sns.topic import Topic

TOLD = a_message()
TOPIC = "arn:aws:sns:eu-central-1:123456789012:releases"


@pytest.fixture
def world() -> AwsWorld:
    return AwsWorld(lambda: START)


def a_topic(world: AwsWorld, name: str = "releases", *protocols: str) -> Topic:
    return Topic(Settings(account="shop", topic=world.sns.create_topic(name, *protocols)), Direct(world))


async def test_people_get_text_machines_json_and_a_telephone_the_headline(world):
    await a_topic(world).tell(TOLD, "ops", None)

    (sent,) = world.sns.log
    assert sent.to("sms") == TOLD.notice.headline
    assert sent.to("email").splitlines() == [
        TOLD.notice.headline,
        *TOLD.notice.lines,
        "Hold: `rollbackd hold w_1 --for 30m`",
    ]
    for machine in ("sqs", "lambda", "https"):
        assert json.loads(sent.to(machine))["headline"] == TOLD.notice.headline
    assert json.loads(sent.to("sqs"))["channel"] == "ops"


async def test_people_are_told_where_other_systems_show_what_is_wrong_and_machines_too(world):
    link = Link("errors at a.example", "https://a.example/d?x=1")
    await a_topic(world).tell(replace(TOLD, notice=replace(TOLD.notice, links=(link,))), "ops", None)

    (sent,) = world.sns.log
    assert "errors at a.example: https://a.example/d?x=1" in sent.to("email").splitlines()
    assert json.loads(sent.to("sqs"))["links"] == [{"label": link.label, "url": link.url}]


async def test_a_subscription_can_be_filtered_by_who_is_needed(world):
    notice = replace(TOLD.notice, environment="", facts={"state": "asking"})
    await a_topic(world).tell(replace(TOLD, notice=notice), "", None)

    assert world.sns.log[0].attributes == {
        "event": "watch.breached",
        "tone": "alarm",
        "state": "asking",
        "service": "checkout",
        "watch": "w_1",
        "message": "w_1.3.0",
    }


async def test_what_is_only_shown_is_not_published(world):
    assert await a_topic(world).tell(replace(TOLD, kind="show"), "", None) == Told()
    assert world.calls == []


async def test_a_topic_that_keeps_order_does_so_for_each_watch_and_takes_a_message_once(world):
    topic = a_topic(world, "releases.fifo")
    for each in (TOLD, TOLD, replace(TOLD, id="w_1.4.0")):
        await topic.tell(each, "", None)

    first, second = world.sns.log
    assert first.group == second.group
    assert first.once != second.once


async def test_the_role_to_read_publishes_so_that_it_is_told_in_shadow_too(world):
    topic = world.sns.create_topic("releases")
    aws = Direct(world, {"shop": Scope(world.region)})

    assert await Topic(Settings(account="shop", topic=topic), aws).tell(TOLD, "", None) == Told("w_1.3.0")


@pytest.mark.parametrize("text", ["", "漢" * 7000, "\x00\x1b\ud800\ufffe\r\n" * 99, '"\\{' * 3000])
async def test_whatever_is_in_a_notice_is_taken(world, text):
    notice = replace(
        TOLD.notice, headline=text, lines=(text,) * 3, service=text, watch=text, facts={text: text}
    )

    for name in ("releases", "releases.fifo"):
        assert isinstance(await a_topic(world, name).tell(replace(TOLD, notice=notice), text, None), Told)
    assert world.sns.log[0].subject.startswith("rollbackd:")


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        ("AuthorizationError", 403, "sns:Publish"),
        ("AccessDeniedException", 403, "sns:Publish"),
        ("KMSAccessDenied", 400, "KMSAccessDenied"),
    ],
)
async def test_whoever_may_not_publish_is_told_what_to_allow(world, code, status, expected):
    topic = a_topic(world)
    world.faults.fail("sns", error=AwsError(code, "no", status))
    telling = await topic.tell(TOLD, "", None)

    assert isinstance(telling, Never)
    assert expected in telling.words


async def test_keys_that_are_out_of_date_are_no_reason_to_give_up(world):
    topic = a_topic(world)
    world.faults.fail("sns", error=AwsError("ExpiredToken", "the token is expired", 403))

    assert isinstance(await topic.tell(TOLD, "", None), Later)


@pytest.mark.parametrize(
    "topic", ["", "releases", TOPIC.replace(":sns:", ":sqs:"), f"{TOPIC}/x", TOPIC.replace("1234", "12")]
)
def test_what_is_no_topic_is_refused(topic):
    with pytest.raises(ValidationError):
        Settings(account="shop", topic=topic)


async def test_without_an_account_there_is_nobody_to_tell():
    async with http_to_loopback(lambda: START) as http:
        with pytest.raises(TopicWithoutAccount):
            async with open_sns(Settings(account="shop", topic=TOPIC), Opening(http, lambda: START)):
                pass


# ------------------------------------------------------------------------------------------------------------ the doctor


@pytest.mark.parametrize(
    ("protocols", "level", "words"),
    [(("email", "sms"), Level.OK, "with 2 subscriptions"), ((), Level.WARN, "nobody is subscribed")],
)
async def test_the_doctor_says_who_listens_and_publishes_nothing(world, protocols, level, words):
    (found,) = await a_topic(world, "releases", *protocols).examine([])

    assert found.level is level
    assert words in found.words
    assert world.sns.log == []


@pytest.mark.parametrize(
    ("error", "level", "remedy"),
    [
        (AwsError("NotFound", "Topic does not exist", 404), Level.FAIL, "correct `topic`"),
        (AwsError("AuthorizationError", "no", 403), Level.WARN, "sns:GetTopicAttributes"),
        (AwsError("ExpiredToken", "expired", 403), Level.FAIL, ""),
    ],
)
async def test_the_doctor_says_what_is_wrong_with_a_topic(world, error, level, remedy):
    topic = a_topic(world)
    world.faults.fail("sns", error=error, times=None)
    (found,) = await topic.examine([])

    assert found.level is level
    assert remedy in found.remedy


# --------------------------------------------------------------------------------------------------- by a real client


@pytest.fixture(scope="module")
def server() -> Iterator[Queues]:
    with queues() as far:
        yield far


async def test_an_unmodified_client_publishes_it_and_a_queue_gets_the_json(server):
    url = server.queue("told")
    topic = server.topic_into(url, raw=True)
    async with server.aws() as aws:
        telling = await Topic(Settings(account="shop", topic=topic), aws).tell(TOLD, "ops", None)
        received = await aws.poll(
            "shop", "sqs", "receive_message", QueueUrl=url, MessageAttributeNames=["All"]
        )
        missing = await Topic(Settings(account="shop", topic=f"{topic}-x"), aws).tell(TOLD, "", None)

    (message,) = received["Messages"]
    assert telling == Told("w_1.3.0")
    assert json.loads(message["Body"])["id"] == "w_1.3.0"
    assert message["MessageAttributes"]["tone"]["StringValue"] == "alarm"
    assert isinstance(missing, Never)
