"""What a webhook sends: derived from the log, signed; and all that can go wrong with it on the way.

Source:
    https://docs.github.com/en/webhooks/webhook-events-and-payloads
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tests.fakes.github import shapes
from tests.fakes.github.rest import as_made, told
from tests.fakes.github.world import ID, SECRET, Deed, GitHubWorld
from tests.schemas.book import book


@dataclass(frozen=True)
class Delivery:
    """One request of a webhook."""

    event: str
    body: bytes
    signature: str
    id: str

    @property
    def headers(self) -> dict[str, str]:
        return {
            "Content-Type": "application/json",
            "User-Agent": "GitHub-Hookshot/0123456",
            "X-GitHub-Delivery": self.id,
            "X-GitHub-Event": self.event,
            "X-Hub-Signature-256": self.signature,
        }

    def again(self) -> "Delivery":
        """Under an id of its own: a copy by a second webhook, or by somebody who has listened."""
        return replace(self, id=self.id[::-1])

    def changed(self, old: bytes, new: bytes) -> "Delivery":
        """Forged: the signature is that of another body."""
        return replace(self, body=self.body.replace(old, new))

    def truncated(self) -> "Delivery":
        return replace(self, body=self.body[: len(self.body) // 2])


def signature(body: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


@dataclass
class Hook:
    """A webhook of the repository: what has happened since it was asked last.

    Attributes:
        order: What becomes of the order on the way; may also drop some, or send them twice.
        padding: Bytes that make each delivery larger.
    """

    world: GitHubWorld
    secret: str = SECRET
    order: Callable[[Sequence[Delivery]], Sequence[Delivery]] = lambda deliveries: deliveries
    padding: int = 0
    _sent: int = field(default=0)

    def deliveries(self) -> Sequence[Delivery]:
        new = self.world.log[self._sent :]
        self._sent = len(self.world.log)
        return self.order([self._delivery(deed) for deed in new])

    def _delivery(self, deed: Deed) -> Delivery:
        event = "deployment" if deed.state is None else "deployment_status"
        return signed(event, self._payload(deed), self.secret, f"{deed.id:032x}")

    def _payload(self, deed: Deed) -> dict[str, Any]:
        made = deed.made
        first = next(each for each in self.world.log if each.made is made)
        payload: dict[str, Any] = {
            "action": "created",
            "repository": shapes.repository(made.repository, ID, made.host),
            "sender": shapes.person(deed.by, made.host),
            "workflow": None,
            "workflow_run": None,
            "deployment": as_made(first),
        }
        if deed.state is not None:
            payload["deployment_status"] = told(deed)
        event = "deployment-created" if deed.state is None else "deployment-status-created"
        book("github-webhooks").sent(event, payload)
        return {**payload, "padding": "x" * self.padding} if self.padding else payload


def signed(
    event: str, payload: Any, secret: str = SECRET, id: str = "72d3162e-cc78-11e3-81ab-4c9367dc0958"
) -> Delivery:
    """*payload*, as GitHub would send it."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return Delivery(event, body, signature(body, secret), id)
