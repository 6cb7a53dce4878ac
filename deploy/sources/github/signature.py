"""Whether GitHub has sent a delivery: an HMAC of its bytes, by SHA-256 and by nothing else.

Source:
    https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
"""

import hashlib
import hmac
import re
from collections.abc import Iterable

HEADER = "x-hub-signature-256"  # `x-hub-signature` carries a SHA-1, and is not looked at
_GRAMMAR = re.compile(r"sha256=([0-9a-f]{64})")


def signed(secrets: Iterable[str], signature: str, body: bytes) -> bool:
    """One of *secrets* has signed *body*.

    All of them are tried, always, so that the time tells nothing. An empty secret signs nothing.

    Args:
        secrets: Two, while one takes over from the other.
        signature: The value of `HEADER`; of a header that came twice both, which is none.
        body: As it came.
    """
    found = _GRAMMAR.fullmatch(signature)
    given = found[1].encode() if found else b""
    tried = [bool(secret) and hmac.compare_digest(given, _hex(secret, body).encode()) for secret in secrets]
    return found is not None and any(tried)


def _hex(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
