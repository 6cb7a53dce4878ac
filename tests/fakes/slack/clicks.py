"""What Slack sends when somebody presses a button: made of the message as it stands, and signed.

A button that is not there cannot be pressed. Where it asks for confirmation, whoever presses it confirms.

Source:
    https://docs.slack.dev/reference/interaction-payloads/block_actions-payload
    https://docs.slack.dev/authentication/verifying-requests-from-slack
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from tests.fakes.slack.methods import told
from tests.fakes.slack.world import ADA, APP, SECRET, TEAM, Message, ResponseUrl, SlackWorld

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Delivery:
    """One request of Slack's to our Request URL."""

    body: bytes
    timestamp: str
    signature: str
    content_type: str = FORM

    @property
    def headers(self) -> dict[str, str]:
        return {
            "Content-Type": self.content_type,
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "X-Slack-Request-Timestamp": self.timestamp,
            "X-Slack-Signature": self.signature,
        }

    def changed(self, old: bytes, new: bytes) -> "Delivery":
        """Forged: the signature is that of another body."""
        return replace(self, body=self.body.replace(old, new))

    def truncated(self) -> "Delivery":
        return replace(self, body=self.body[: len(self.body) // 2])


def press(world: SlackWorld, message: Message, label: str, by: str = ADA) -> dict[str, Any]:
    """The payload of a press on the button with *label*, in *message* as it stands now.

    Raises:
        AssertionError: There is no such button, so nobody can press it.
    """
    standing = world.message(message.channel, message.ts)
    assert standing is not None, "the message is gone"
    found = [button for button in standing.buttons if button.label == label]
    assert len(found) == 1, f"no button {label!r}: {[each.label for each in standing.buttons]}"
    button = found[0]
    number, now = next(world.ids), world.now()
    path = f"/actions/{TEAM}/{number}/it-is-a-secret"
    world.response_urls[path] = ResponseUrl(message.channel, message.ts, by, now)
    person, channel = world.people[by], world.channels[message.channel]
    pressed = {
        key: button.element[key]
        for key in ("type", "action_id", "text", "value", "style")
        if key in button.element
    }
    return {
        "type": "block_actions",
        "user": {"id": person.id, "username": person.name, "name": person.name, "team_id": person.team},
        "api_app_id": APP,
        "token": "it is deprecated, and proves nothing",
        "container": {
            "type": "message",
            "message_ts": message.ts,
            "channel_id": message.channel,
            "is_ephemeral": False,
        },
        "trigger_id": f"{number}.1.abcdef",
        "team": {"id": TEAM, "domain": "shop"},
        "enterprise": None,
        "is_enterprise_install": False,
        "channel": {"id": channel.id, "name": "privategroup" if channel.private else channel.name},
        "message": told(standing, metadata=False),
        "state": {"values": {}},
        "response_url": f"{world.base}{path}",
        "actions": [
            {**pressed, "block_id": button.block_id, "action_ts": f"{now.timestamp() + number / 1e6:.6f}"}
        ],
    }


def delivered(
    world: SlackWorld, payload: Mapping[str, Any], secret: str = SECRET, late: float = 0.0
) -> Delivery:
    """*payload*, as Slack sends it to a Request URL; *late*: seconds ago."""
    return signed(
        urlencode({"payload": json.dumps(payload)}).encode(), int(world.now().timestamp() - late), secret
    )


def signed(body: bytes, timestamp: int, secret: str = SECRET) -> Delivery:
    """Any *body*, signed as Slack signs."""
    base = f"v0:{timestamp}:".encode() + body
    mac = hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()
    return Delivery(body, str(timestamp), f"v0={mac}")
