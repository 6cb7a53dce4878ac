"""A topic that is configured, what it is asked, and the vectors of the signature."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.fakes.alerts import NOON, Delivery
from tests.fakes.alerts.cloudwatch import TOPIC, Line, Sns, of_sns
from tests.watcher.signals.alert.senders.said import FIRES, a_sender, delivered
from watcher.signals.alert.pushed import Meaning
from watcher.signals.alert.senders.door import heard
from watcher.signals.alert.senders.sender import Sender, Unproven

(FIRED,) = FIRES.turns
OTHER = TOPIC.replace("alarms", "others")
VECTORS = json.loads(Path(__file__).with_name("vectors.json").read_text())
OF_VECTORS = "arn:aws:sns:us-east-1:123456789012:rollback-signals"
PEM = VECTORS["cert_pem"].encode()


def an_alarm(**changes: Any) -> Delivery:
    """A notification; *changes* are made before it is signed."""
    return Sns().notification(json.dumps(of_sns(FIRED)), NOON, **changes)


def a_topic(*topics: str) -> Sender:
    return a_sender("sns", topics=list(topics or (TOPIC,)))


def ask(delivery: Delivery, line: Line | None = None, sender: Sender | None = None) -> Meaning | Unproven:
    """What the door says to *delivery*, at once."""
    return asyncio.run(heard(sender or a_topic(), line or Line(), delivered(delivery)))


def unproven(delivery: Delivery, line: Line | None = None, sender: Sender | None = None) -> Unproven:
    found = ask(delivery, line, sender)
    assert isinstance(found, Unproven), found
    return found


def vector(number: int, **changes: Any) -> Delivery:
    """One of the vectors, with *changes* after it was signed, as it comes a second later."""
    said = VECTORS["vectors"][number]
    sent = datetime.fromisoformat(said["body"]["Timestamp"]).astimezone(UTC)
    return Delivery(sent, json.dumps(said["body"] | changes).encode(), said["headers"])


def line_of_vectors() -> Line:
    return Line({said["body"]["SigningCertURL"]: PEM for said in VECTORS["vectors"]})
