"""Is a request Slack's? Pure, over the raw bytes. slack_sdk's own check raises on half of what an attacker may send.

Source:
    https://docs.slack.dev/authentication/verifying-requests-from-slack
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta

TIMESTAMP, SIGNATURE = "x-slack-request-timestamp", "x-slack-signature"
LATE = timedelta(seconds=300)  # of Slack's own recommendation; earlier and later
MOST_DIGITS = 12


def signature(secret: str, timestamp: str, raw: bytes) -> str:
    """``v0=`` and the hex of HMAC-SHA256(secret, ``v0:{timestamp}:{raw}``)."""
    mac = hmac.new(secret.encode(), b"v0:" + timestamp.encode() + b":" + raw, hashlib.sha256)
    return f"v0={mac.hexdigest()}"


def doubt(secret: str, headers: Mapping[str, str], raw: bytes, now: datetime) -> str:
    """Why this is not believed to be Slack's; empty if it is.

    Args:
        secret: The app's signing secret.
        headers: By lower-case name.
        raw: The body, as it came.
        now: The time.
    """
    timestamp, given = headers.get(TIMESTAMP, ""), headers.get(SIGNATURE, "")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= MOST_DIGITS):
        return "no timestamp"
    expected = signature(secret, timestamp, raw).encode()
    # Bytes on both sides: `compare_digest` raises on text that is not ASCII.
    if not hmac.compare_digest(expected, given.encode("utf-8", "surrogateescape")):
        return "a wrong signature"
    # Last: that a clock is wrong is said of what Slack has signed, and of nothing else.
    if abs(now.timestamp() - int(timestamp)) > LATE.total_seconds():
        return "signed, but more than 5 minutes ago or ahead: an old request that is sent again, or a wrong clock here"
    return ""
