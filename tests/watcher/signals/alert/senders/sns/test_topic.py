"""Topics over HTTPS: only those that are listed, only what SNS has signed just now, and no request that leads elsewhere."""

import json
from datetime import timedelta

import pytest
from pydantic import ValidationError

from tests.fakes.alerts import NOON, Delivery
from tests.fakes.alerts.cloudwatch import (
    CERTIFICATE,
    TOPIC,
    Line,
    Sns,
    a_certificate,
    a_key,
    of_eventbridge,
    of_sns,
)
from tests.fakes.alerts.trouble import stale
from tests.watcher.signals.alert.senders.said import a_sender, ignored, only, rejected
from tests.watcher.signals.alert.senders.sns.asking import FIRED, OTHER, a_topic, an_alarm, ask, unproven
from watcher.signals.alert.pushed import Mood, Told
from watcher.signals.alert.senders.sender import Proven, Unproven
from watcher.signals.alert.senders.sns import CryptographyMissing, open_topics
from watcher.signals.alert.senders.sns.settings import Settings

# ----------------------------------------------------------------------------------------------------------------- messages


def test_an_alarm_is_told():
    assert only(ask(an_alarm())).mood is Mood.FIRING


def test_an_event_of_eventbridge_through_a_topic_is_told():
    assert only(ask(Sns().notification(json.dumps(of_eventbridge(FIRED)), NOON))).mood is Mood.FIRING


def test_an_event_that_is_no_alarm_is_put_aside():
    event = {**of_eventbridge(FIRED), "source": "aws.ssm", "detail-type": "Parameter Store Change"}

    found = ask(Sns().notification(json.dumps(event), NOON))

    assert isinstance(found, Told)
    assert found.alerts == ()
    assert found.aside is not None
    assert found.aside.event.kind == "Parameter Store Change"


def test_an_announcement_belongs_elsewhere():
    body = json.dumps({"service": "checkout", "environment": "production", "tag": "v43"})

    assert "POST /v1/deployments" in ignored(ask(Sns().notification(body, NOON)))


@pytest.mark.parametrize("message", ["hello", "[]", json.dumps({"Type": "Notification"})])
def test_a_message_that_says_nothing_is_refused_though_it_is_signed(message):
    assert rejected(ask(Sns().notification(message, NOON))).where == "Message"


def test_a_codedeploy_trigger_changes_nothing():
    assert "news of a deployment: send it to a queue" in ignored(
        ask(Sns().notification(json.dumps({"eventTriggerName": "a"}), NOON))
    )


# ------------------------------------------------------------------------------------------------------------- who is believed


def test_another_topic_is_not_believed_and_leads_to_no_request():
    line = Line()

    found = unproven(Sns(topic=OTHER).notification("{}", NOON), line)

    assert found == Unproven("a wrong secret or signature, or none")
    assert line.asked == []


def test_a_topic_that_only_the_headers_name_is_not_believed_and_leads_to_no_request():
    line = Line()
    forged = Sns(topic=OTHER).notification("{}", NOON).with_headers(x_amz_sns_topic_arn=TOPIC)

    assert "none of those that are configured" in unproven(forged, line).why
    assert line.asked == []


@pytest.mark.parametrize("kind", ["", "Notification, Notification", "notification", "Other"])
def test_a_kind_that_sns_does_not_have_is_not_looked_at(kind):
    assert (
        unproven(an_alarm().with_headers(x_amz_sns_message_type=kind)).why
        == "a wrong secret or signature, or none"
    )


def test_a_topic_is_the_whole_of_its_name():
    longer = f"{TOPIC}-2"

    assert isinstance(ask(Sns(topic=longer).notification("{}", NOON)), Unproven)
    assert isinstance(ask(an_alarm(), sender=a_topic(longer)), Unproven)


def test_each_of_several_topics_is_believed():
    both = a_topic(OTHER, TOPIC)

    assert only(ask(an_alarm(), sender=both)).mood is Mood.FIRING
    assert len(both.examine()) == 2


def test_another_key_signs_nothing():
    assert unproven(Sns(key=a_key(2048, which=1)).notification("{}", NOON)).why == "a wrong signature"


@pytest.mark.parametrize("version", ["1", "3", "", "02", "2 "])
def test_only_version_2_of_the_signature_is_believed(version):
    line = Line()
    sns_of_that = Sns(version=version)

    assert "SignatureVersion of the topic to 2" in unproven(sns_of_that.notification("{}", NOON), line).why
    assert line.asked == []


@pytest.mark.parametrize("by", [timedelta(hours=1, seconds=1), timedelta(minutes=-5, seconds=-1)])
def test_a_message_of_another_time_is_not_believed_and_leads_to_no_request(by):
    line = Line()

    assert "sent at" in unproven(stale(an_alarm(), by), line).why
    assert line.asked == []


@pytest.mark.parametrize("by", [timedelta(hours=1), timedelta(minutes=-5)])
def test_a_message_may_be_an_hour_late(by):
    assert only(ask(stale(an_alarm(), by))).mood is Mood.FIRING


@pytest.mark.parametrize(
    "written", ["", "soon", "2026-11-24T12:00:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"]
)
def test_a_time_that_is_none_is_not_believed(written):
    assert "sent at" in unproven(an_alarm(Timestamp=written)).why


def test_raw_delivery_carries_no_signature_and_says_what_to_do():
    raw = Delivery(NOON, json.dumps(of_sns(FIRED)).encode(), an_alarm().headers)

    assert "switch raw message delivery off" in unproven(raw).why


# -------------------------------------------------------------------------------------------------- where certificates lie

PEM = "/SimpleNotificationService-0123456789abcdef.pem"


@pytest.mark.parametrize(
    "url",
    [
        f"http://sns.eu-central-1.amazonaws.com{PEM}",
        f"HTTPS://sns.eu-central-1.amazonaws.com{PEM}",
        f"https://sns.us-east-1.amazonaws.com{PEM}",
        f"https://sns.eu-central-1.amazonaws.com.evil.example{PEM}",
        f"https://sns.eu-central-1.amazonaws.com@evil.example{PEM}",
        f"https://evil.example/https://sns.eu-central-1.amazonaws.com{PEM}",
        f"https://user:password@sns.eu-central-1.amazonaws.com{PEM}",
        f"https://sns.eu-central-1.amazonaws.com:443{PEM}",
        f"https://sns.eu-central-1.amazonaws.com:8443{PEM}",
        f"https://snsXeu-central-1.amazonaws.com{PEM}",
        f"https://sns.eu-central-1.amazonaws.com.cn{PEM}",
        f"https://bucket.s3.amazonaws.com{PEM}",
        f"https://sns.eu-central-1.amazonaws.com/evil/..{PEM}",
        f"https://sns.eu-central-1.amazonaws.com/%2e%2e{PEM}",
        f"https://sns.eu-central-1.amazonaws.com{PEM}?x=1",
        f"https://sns.eu-central-1.amazonaws.com{PEM}#x",
        f"https://sns.eu-central-1.amazonaws.com{PEM}\n",
        f"https://sns.eu-central-1.amazonaws.com{PEM.removesuffix('.pem')}",
        "https://sns.eu-central-1.amazonaws.com/?Action=GetPem&x=/SimpleNotificationService-1.pem",
        "https://169.254.169.254/SimpleNotificationService-1.pem",
        "file:///SimpleNotificationService-1.pem",
        PEM,
        "",
        "https://[::1",
    ],
)
def test_a_certificate_lies_where_sns_has_those_of_the_topic_or_nowhere(url):
    line = Line({url: a_certificate()})

    assert "a certificate at" in unproven(an_alarm(SigningCertURL=url), line).why
    assert line.asked == []


def test_a_certificate_that_is_called_otherwise_signs_nothing():
    line = Line({CERTIFICATE: a_certificate(name="evil.example")})

    assert "called 'evil.example'" in unproven(an_alarm(), line).why


def test_a_certificate_that_cannot_be_had_now_makes_sns_try_again():
    line = Line({})

    found = unproven(an_alarm(), line)

    assert found.later
    assert (
        found.why == "the certificate of SNS cannot be had: https://sns.eu-central-1.amazonaws.com: HTTP 404"
    )


@pytest.mark.parametrize(
    ("topic", "host"),
    [
        ("arn:aws-cn:sns:cn-north-1:123456789012:alarms", "https://sns.cn-north-1.amazonaws.com.cn"),
        ("arn:aws-us-gov:sns:us-gov-west-1:123456789012:alarms", "https://sns.us-gov-west-1.amazonaws.com"),
        ("arn:aws:sns:ap-southeast-2:123456789012:alarms.fifo", "https://sns.ap-southeast-2.amazonaws.com"),
    ],
)
def test_other_partitions_have_their_own_hosts(topic, host):
    where = f"{host}{PEM}"
    line = Line({where: a_certificate(name=host.removeprefix("https://").replace("sns.", "sns-", 1))})
    body = json.dumps(of_sns(FIRED))

    found = ask(Sns(topic=topic, certificate=where).notification(body, NOON), line, a_topic(topic))

    assert only(found).mood is Mood.FIRING


# ----------------------------------------------------------------------------------------------------------------- the rest


def test_it_is_a_sender_that_has_to_prove_itself():
    assert isinstance(a_topic(), Proven)


@pytest.mark.parametrize(
    "topics",
    [
        [],
        ["alarms"],
        ["arn:aws:sqs:eu-central-1:123456789012:alarms"],
        ["arn:aws:sns:*:123456789012:alarms"],
        ["arn:aws:sns:evil.example/:123456789012:alarms"],
        [f"{TOPIC}\n"],
        [f"x{TOPIC}"],
        [TOPIC] * 101,
    ],
)
def test_what_is_no_topic_is_a_mistake(topics):
    with pytest.raises(ValidationError):
        a_sender("sns", topics=topics)


def test_without_cryptography_it_is_said_what_to_do():
    with pytest.raises(CryptographyMissing) as missing:
        open_topics(Settings(topics=[TOPIC]), lambda: False)

    assert "subscribe a queue" in missing.value.remedy
