"""What a sender is asked in the tests, and how what it answers is looked at."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import SecretStr

from deploy.source import Ignored, Received, Rejected
from tests.fakes.alerts import NOON, SECRET, Alert, Delivery, Log, Turn, at
from watcher.signals.alert.pushed import Mood, Pushed, Told
from watcher.signals.alert.senders.registry import SENDERS
from watcher.signals.alert.senders.sender import Sender

ERRORS = Alert("checkout-5xx", 7)
FIRES = Log([Turn(at(0), ERRORS, Mood.FIRING)])
ENDS = Log([Turn(at(0), ERRORS, Mood.FIRING), Turn(at(20), ERRORS, Mood.WELL)])
GIVEN = SecretStr(SECRET)


def a_sender(kind: str, **settings: Any) -> Sender:
    """The sender as it is configured; without settings as the fakes of the systems have it."""
    known = SENDERS[kind]
    sender: Sender = known.open(known.settings.model_validate(settings or {"secret": GIVEN}))
    return sender


def received(said: Any, headers: Mapping[str, str] | None = None, arrived: datetime = NOON) -> Received:
    """What arrived; *said* is its body, or becomes it."""
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    return Received(body, headers or {}, arrived, "alert:name")


def delivered(delivery: Delivery) -> Received:
    """What arrives of *delivery*, at once."""
    return Received(delivery.body, delivery.received(), delivery.at, "alert:name")


def only(meaning: object) -> Pushed:
    """The one alert that is told."""
    assert isinstance(meaning, Told), meaning
    (alert,) = meaning.alerts
    return alert


def ignored(meaning: object) -> str:
    assert isinstance(meaning, Ignored), meaning
    return meaning.why


def rejected(meaning: object) -> Rejected:
    assert isinstance(meaning, Rejected), meaning
    assert meaning.remedy
    return meaning
