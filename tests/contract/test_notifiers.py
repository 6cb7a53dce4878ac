"""The notifiers, each towards a system of its own kind."""

import hashlib
import hmac
from datetime import timedelta

from pydantic import BaseModel, SecretStr

from tests.contract.notifier_contract import NotifierContract, Received
from watcher.notify.webhook import Settings


class TestWebhook(NotifierContract):
    kind = "webhook"

    def settings(self, base: str, secret: str) -> BaseModel:
        return Settings(
            url=f"{base}/hooks/rollbackd", secret=SecretStr(secret), timeout=timedelta(seconds=0.4)
        )

    def delivery(self, received: Received) -> str:
        return received.headers["X-Rollbackd-Delivery"]

    def says(self, received: Received) -> str:
        mac = hmac.new(b"0123456789abcdef", digestmod=hashlib.sha256)
        mac.update(received.headers["X-Rollbackd-Timestamp"].encode() + b"." + received.body)
        assert received.headers["X-Rollbackd-Signature"] == f"v1={mac.hexdigest()}"
        return str(received.json["headline"])
