"""CloudWatch: alarms whose turns go to a topic of SNS, which signs and delivers them over HTTPS; or to EventBridge, and a queue.

Source:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
    https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
"""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from rules.sample import Who
from tests.fakes.alerts.log import NOON, Alert, Delivery, Log, Turn
from tests.fakes.alerts.single import changes
from tests.schemas.book import book
from watcher.http import Answer, Fault, Http, HttpRefused, Request
from watcher.signals.alert.pushed import Mood

REGION, ACCOUNT = "eu-central-1", "123456789012"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:alarms"
HOST = f"https://sns.{REGION}.amazonaws.com"
CERTIFICATE = f"{HOST}/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"
STATES: Mapping[Mood, str] = {Mood.FIRING: "ALARM", Mood.WELL: "OK", Mood.UNKNOWN: "INSUFFICIENT_DATA"}
SIGNED: Mapping[str, Sequence[str]] = {  # as SNS documents it, in the order of the bytes
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": (
        "Message",
        "MessageId",
        "SubscribeURL",
        "Timestamp",
        "Token",
        "TopicArn",
        "Type",
    ),
    "UnsubscribeConfirmation": (
        "Message",
        "MessageId",
        "SubscribeURL",
        "Timestamp",
        "Token",
        "TopicArn",
        "Type",
    ),
}


@cache
def a_key(bits: int = 2048, which: int = 0) -> rsa.RSAPrivateKey:
    """A key of that length; the same one for the same arguments, as making one takes a while."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def a_certificate(
    key: Any = None,
    *,
    name: str = "sns.amazonaws.com",
    hosts: Sequence[str] = (),
    begin: datetime = datetime(2026, 1, 1, tzinfo=UTC),
    end: datetime = datetime(2027, 12, 31, tzinfo=UTC),
) -> bytes:
    """A certificate as PEM, which is called *name*, and in its extension *hosts*."""
    key = key or a_key()
    called = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    making = x509.CertificateBuilder().subject_name(called).issuer_name(called).public_key(key.public_key())
    making = making.serial_number(1).not_valid_before(begin).not_valid_after(end)
    if hosts:
        names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
        making = making.add_extension(names, critical=False)
    return making.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@dataclass
class Sns:
    """A topic, subscribed over HTTPS.

    Attributes:
        key: What it signs with.
        version: Of its signatures.
    """

    settings: Mapping[str, Any] = field(default_factory=lambda: {"topics": [TOPIC]})
    kind: str = "sns"
    retries: bool = True
    topic: str = TOPIC
    key: rsa.RSAPrivateKey = field(default_factory=a_key)
    version: str = "2"
    certificate: str = CERTIFICATE

    def deliveries(self, log: Log, until: datetime) -> Sequence[Delivery]:
        return [
            self.notification(json.dumps(of_sns(turn, before)), turn.at)
            for turn, before in changes(log, until)
        ]

    def keys(self, log: Log, alert: Alert) -> Sequence[str]:
        return [arn_of(alert)]

    def says(self, mood: Mood) -> Mood:
        return mood

    def notification(self, message: str, sent: datetime, **changes: Any) -> Delivery:
        """*message*, signed. *changes* are made before it is signed; ``None`` takes a member out."""
        leave = f"{HOST}/?Action=Unsubscribe&SubscriptionArn={self.topic}:8f0c5ee1"
        said = self._said("Notification", message, sent) | {"Subject": "an alarm", "UnsubscribeURL": leave}
        delivery = self._sent(said | changes, sent)
        if not changes:
            book("aws-messages").sent("sns-notification", json.loads(delivery.body))
        return delivery

    def subscription(
        self, sent: datetime, kind: str = "SubscriptionConfirmation", **changes: Any
    ) -> Delivery:
        token = "2336412f37fb687f5d51e6e2425e"
        url = f"{HOST}/?Action=ConfirmSubscription&TopicArn={self.topic}&Token={token}"
        said = self._said(kind, "You have chosen to subscribe to the topic", sent) | {
            "Token": token,
            "SubscribeURL": url,
        }
        return self._sent(said | changes, sent)

    def _said(self, kind: str, message: str, sent: datetime) -> dict[str, Any]:
        return {
            "Type": kind,
            "MessageId": hashlib.sha256(f"{message} {sent}".encode()).hexdigest()[:36],
            "TopicArn": self.topic,
            "Message": message,
            "Timestamp": stamp(sent),
            "SignatureVersion": self.version,
            "SigningCertURL": self.certificate,
        }

    def _sent(self, said: Mapping[str, Any], sent: datetime) -> Delivery:
        whole = {name: value for name, value in said.items() if value is not None}
        whole["Signature"] = whole.get("Signature", self.sign(whole))
        shown = {
            "Content-Type": "text/plain; charset=UTF-8",
            "User-Agent": "Amazon Simple Notification Service Agent",
            "x-amz-sns-message-type": str(whole["Type"]),
            "x-amz-sns-message-id": str(whole["MessageId"]),
            "x-amz-sns-topic-arn": str(whole["TopicArn"]),
        }
        return Delivery(sent, json.dumps(whole).encode(), shown)

    def sign(self, said: Mapping[str, Any]) -> str:
        text = "".join(f"{name}\n{said[name]}\n" for name in SIGNED[said["Type"]] if name in said)
        algorithm = hashes.SHA1() if self.version == "1" else hashes.SHA256()  # noqa: S303  (what version 1 is)
        return base64.b64encode(self.key.sign(text.encode(), padding.PKCS1v15(), algorithm)).decode()


def of_sns(turn: Turn, before: Mood = Mood.WELL) -> dict[str, Any]:
    """The message that CloudWatch gives to SNS."""
    return {
        "AlarmName": turn.alert.name,
        "AlarmDescription": "5xx ratio",
        "AWSAccountId": ACCOUNT,
        "NewStateValue": STATES[turn.mood],
        "NewStateReason": f"Threshold Crossed: {turn.mood.value}",
        "StateChangeTime": stamp(turn.at).replace("Z", "+0000"),
        "Region": "EU (Frankfurt)",
        "AlarmArn": arn_of(turn.alert),
        "OldStateValue": STATES[before],
        "AlarmActions": [TOPIC],
        "Trigger": {
            "MetricName": "HTTPCode_Target_5XX_Count",
            "Namespace": "AWS/ApplicationELB",
            "Dimensions": [{"value": value, "name": name} for name, value in turn.alert.labels.items()],
            "Period": 60,
            "Threshold": 0.05,
        },
    }


def of_eventbridge(turn: Turn, **state: Any) -> dict[str, Any]:
    """The event that CloudWatch gives to EventBridge."""
    metric = {
        "namespace": "AWS/ApplicationELB",
        "name": "HTTPCode_Target_5XX_Count",
        "dimensions": dict(turn.alert.labels),
    }
    event = {
        "version": "0",
        "id": hashlib.sha256(f"{turn.alert.name} {turn.at}".encode()).hexdigest()[:36],
        "detail-type": "CloudWatch Alarm State Change",
        "source": "aws.cloudwatch",
        "account": ACCOUNT,
        "time": turn.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
        "resources": [arn_of(turn.alert)],
        "detail": {
            "alarmName": turn.alert.name,
            "configuration": {
                "metrics": [
                    {
                        "id": "m1",
                        "metricStat": {"metric": metric, "period": 60, "stat": "Sum"},
                        "returnData": True,
                    }
                ]
            },
            "state": {
                "value": STATES[turn.mood],
                "reason": f"Threshold Crossed: {turn.mood.value}",
                "timestamp": stamp(turn.at).replace("Z", "+0000"),
                **state,
            },
        },
    }
    book("aws-messages").sent("eventbridge-event", event)
    return event


def arn_of(alert: Alert) -> str:
    return f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{alert.name}"


def stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


class Line(Http):
    """The way to SNS, without sockets: its certificates, and what confirms a subscription.

    Attributes:
        certificates: By where they lie.
        asked: All requests, in order.
        cut: Nobody answers, in as long as a request may take.
    """

    def __init__(self, certificates: Mapping[str, bytes] | None = None) -> None:
        self.certificates = {CERTIFICATE: a_certificate()} if certificates is None else certificates
        self.asked: list[str] = []
        self.cut = False
        self._now = lambda: NOON

    async def send(self, request: Request) -> Answer:
        self.asked.append(request.url)
        assert request.timeout <= timedelta(seconds=5)
        assert not request.secrets
        if self.cut:
            raise HttpRefused(Who.PROVIDER, "no complete answer within 5 s", Fault.READ_TIMEOUT)
        if "/?Action=ConfirmSubscription&" in request.url:
            return Answer(200, {"content-type": "text/xml"}, b"<ConfirmSubscriptionResponse/>", 0.0)
        pem = self.certificates.get(request.url)
        return Answer(404, {}, b"", 0.0) if pem is None else Answer(200, {}, pem, 0.0)
