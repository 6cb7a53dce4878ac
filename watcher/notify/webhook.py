"""A generic webhook: the notice as JSON, signed, so that the receiver can trust it.

Each request carries::

    X-Rollbackd-Timestamp   seconds since 1970; refuse what is older than some minutes
    X-Rollbackd-Signature   v1= and the hex of HMAC-SHA256(secret, timestamp + "." + body), over the bytes of the body
    X-Rollbackd-Delivery    the message's id: the same when it is sent again; do not act on one id twice

2xx is "told". Everything may arrive twice, and a newer message of one watch may arrive before an older one: `at` tells.
"""

import contextlib
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from rules.duration import Duration, duration_text
from rules.errors import Malformed
from watcher.core.watch import Button, Message
from watcher.http import Fault, Http, HttpRefused, Request
from watcher.notify.notifier import Kind, Later, Never, Notifier, Opening, Telling, Told

VERSION = "v1"
SHORTEST_SECRET = 16  # characters; a shorter one can be guessed from one message
PAUSE = timedelta(seconds=5)  # before it is tried again, where the receiver does not say
MOST_ANSWER = 64 * 1024  # bytes of an answer, which is not looked at


def _secret(value: SecretStr) -> SecretStr:
    if len(value.get_secret_value()) < SHORTEST_SECRET:
        raise Malformed(
            "a secret that is too short",
            remedy=f"use at least {SHORTEST_SECRET} characters: openssl rand -hex 32",
        )
    return value


class Settings(BaseModel):
    """``connections: {ops: {webhook: {url, secret: {env: NAME}}}}``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Annotated[str, Field(pattern=r"^https?://[^\s/?#@]+(/[^\s#]*)?$", max_length=2048)]
    secret: Annotated[SecretStr, AfterValidator(_secret)]
    timeout: Duration = timedelta(seconds=10)


class Webhook:
    """One address that is told."""

    def __init__(self, settings: Settings, http: Http, now: Callable[[], datetime]) -> None:
        self._settings = settings
        self._http = http
        self._now = now

    async def tell(self, message: Message, narrowing: str, ref: str | None) -> Telling:  # noqa: ARG002 - nothing is changed afterwards
        """Send *message*, once. *narrowing* goes along as ``channel``."""
        now = self._now()
        body = payload(message, narrowing)
        request = Request(
            "webhook",
            self._settings.url,
            "POST",
            self._headers(message, body, now),
            body=body,
            timeout=self._settings.timeout,
            most=MOST_ANSWER,
        )
        try:
            await self._http.fetch(request)
        except HttpRefused as refused:
            return _refused(refused, now)
        return Told(message.id)

    def _headers(self, message: Message, body: bytes, now: datetime) -> dict[str, str]:
        timestamp = str(int(now.timestamp()))
        return {
            "Content-Type": "application/json",
            "X-Rollbackd-Timestamp": timestamp,
            "X-Rollbackd-Signature": signature(self._settings.secret, timestamp, body),
            "X-Rollbackd-Delivery": message.id,
        }


def signature(secret: SecretStr, timestamp: str, body: bytes) -> str:
    """``v1=`` and the hex of the HMAC, as the receiver has to compute it."""
    mac = hmac.new(secret.get_secret_value().encode(), timestamp.encode() + b"." + body, hashlib.sha256)
    return f"{VERSION}={mac.hexdigest()}"


def payload(message: Message, channel: str) -> bytes:
    """The body: JSON in ASCII, the keys in order."""
    notice = message.notice
    content = {
        "id": message.id,
        "kind": message.kind,
        "channel": channel,
        "event": notice.event,
        "watch": notice.watch,
        "service": notice.service,
        "environment": notice.environment,
        "at": notice.at.isoformat() if notice.at else None,
        "tone": notice.tone.value,
        "headline": notice.headline,
        "lines": list(notice.lines),
        "facts": dict(notice.facts),
        "links": [{"label": each.label, "url": each.url} for each in notice.links],
        "orders": [
            _order(button, word) for button in notice.buttons if (word := button.order or button.at_gate)
        ],
    }
    return json.dumps(content, separators=(",", ":")).encode()


def _order(button: Button, order: str) -> dict[str, Any]:
    """What may be ordered now, as ``POST /v1/watches/{watch}/orders`` takes it (of the gate: ``/v1/gates/{gate}/orders``, by the fact ``gate``); and how it is called."""
    lasting = None if button.lasting is None else duration_text(button.lasting)
    return {"label": button.label, "order": str(order), "to": button.to, "for": lasting}


# Statuses below 500 after which the same request may be taken later.
_LATER = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})


def _refused(refused: HttpRefused, now: datetime) -> Telling:
    if refused.fault in {Fault.BAD_URL, Fault.BLOCKED}:
        return Never(refused.words)
    if (
        refused.status is not None
        and refused.status < HTTPStatus.INTERNAL_SERVER_ERROR
        and refused.status not in _LATER
    ):
        return Never(refused.words)
    after = PAUSE if refused.retry_at is None else max(refused.retry_at - now, timedelta(0))
    return Later(after, refused.words)


@contextlib.asynccontextmanager
async def open_webhook(settings: Settings, opening: Opening) -> AsyncIterator[Notifier]:
    """The notifier. Nothing is sent yet."""
    yield Webhook(settings, opening.http, opening.now)


KIND = Kind(settings=Settings, open=open_webhook)
