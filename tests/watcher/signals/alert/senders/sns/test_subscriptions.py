"""Subscriptions: only those of a listed topic are confirmed, once they are proven, and nowhere but at SNS."""

import json

import pytest

from tests.fakes.alerts import NOON
from tests.fakes.alerts.cloudwatch import (
    CERTIFICATE,
    HOST,
    TOPIC,
    Line,
    Sns,
    a_key,
)
from tests.watcher.signals.alert.senders.sns.asking import OTHER, ask, unproven
from watcher.core.alerts import Mood, is_way
from watcher.signals.alert.pushed import Told


def way_of(found):
    """What is told of the way by which the topic comes, and nothing else."""
    assert isinstance(found, Told), found
    [way] = found.alerts
    assert is_way(way)
    return way


def test_a_subscription_of_a_listed_topic_is_confirmed_once_it_is_proven():
    line, delivery = Line(), Sns().subscription(NOON)

    assert way_of(ask(delivery, line)).mood is Mood.WELL
    assert line.asked == [CERTIFICATE, json.loads(delivery.body)["SubscribeURL"]]


def test_a_subscription_that_nobody_has_signed_is_not_confirmed():
    line = Line()

    unproven(Sns(key=a_key(2048, which=1)).subscription(NOON), line)

    assert line.asked == [CERTIFICATE]


def test_a_subscription_of_another_topic_is_not_confirmed():
    line = Line()

    unproven(Sns(topic=OTHER).subscription(NOON), line)

    assert line.asked == []


def test_a_confirmation_that_gets_lost_makes_sns_try_again():
    class Lost(Line):
        async def send(self, request):
            if "ConfirmSubscription" in request.url:
                self.cut = True
            return await super().send(request)

    found = unproven(Sns().subscription(NOON), Lost())

    assert found.later
    assert "could not be confirmed" in found.why


CONFIRM = f"{HOST}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2336412f37fb687f5d51e6e2425e"


@pytest.mark.parametrize(
    "url",
    [
        CONFIRM.replace("https", "http"),
        CONFIRM.replace(HOST, "https://sns.us-east-1.amazonaws.com"),
        CONFIRM.replace(HOST, f"{HOST}.evil.example"),
        CONFIRM.replace(HOST, f"{HOST}@evil.example"),
        CONFIRM.replace(HOST, "https://169.254.169.254"),
        CONFIRM.replace("/?", "/x?"),
        CONFIRM.replace("ConfirmSubscription", "DeleteTopic"),
        CONFIRM.replace(TOPIC, OTHER),
        CONFIRM.replace("2336", "2337"),
        f"{CONFIRM}&Action=DeleteTopic",
        f"{CONFIRM}&AuthenticateOnUnsubscribe=true",
        f"{CONFIRM}#x",
        f"{CONFIRM}\n",
        f"{CONFIRM} ",
        f"{HOST}/?" + "a=b&" * 400,
        "",
        None,
    ],
)
def test_only_the_confirmation_of_this_very_subscription_is_followed(url):
    line = Line()

    assert "a subscription at" in unproven(Sns().subscription(NOON, SubscribeURL=url), line).why
    assert line.asked == []


def test_a_topic_in_another_spelling_is_the_same_topic():
    url = CONFIRM.replace(TOPIC, TOPIC.replace(":", "%3A"))

    assert way_of(ask(Sns().subscription(NOON, SubscribeURL=url))).mood is Mood.WELL


@pytest.mark.parametrize("token", [None, ""])
def test_a_subscription_without_a_token_is_not_confirmed(token):
    assert "a subscription at" in unproven(Sns().subscription(NOON, Token=token)).why


def test_a_subscription_that_was_taken_back_is_told_and_nothing_is_followed():
    line = Line()

    found = ask(Sns().subscription(NOON, kind="UnsubscribeConfirmation"), line)

    way = way_of(found)
    assert (way.name, way.mood, way.labels) == (TOPIC, Mood.UNKNOWN, {"topic": TOPIC})
    assert line.asked == [CERTIFICATE]
