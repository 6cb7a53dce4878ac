"""Signature Version 4A: for what AWS serves in no single region. botocore leaves it to awscrt, which we do not ship.

The key is derived from the secret, so it is nobody's new secret; it signs, where Version 4 hashes. Everything else is botocore's
own: what is signed, and in which form. It is imported where something needs it (`teach`), for it needs ``cryptography``.

Source:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
    https://github.com/aws/aws-sdk-go-v2/blob/main/internal/v4a/v4a.go for how the key is derived
"""

import hashlib
import hmac
from typing import Any

import botocore.auth
from botocore.auth import SigV4Auth
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

ALGORITHM = "AWS4-ECDSA-P256-SHA256"
TYPE = "v4a"  # as botocore calls it
REGIONS = "X-Amz-Region-Set"
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of the curve P-256
_TRIES = 254


def teach() -> None:
    """From now on botocore signs so where it is asked to, unless it can already."""
    botocore.auth.AUTH_TYPE_MAPS.setdefault(TYPE, SigV4aAuth)


def key_of(access: str, secret: str) -> ec.EllipticCurvePrivateKey:
    """The key that is derived from an access key and its secret: the first candidate that fits the curve.

    It is as good as the secret, and so it is kept nowhere: to derive it takes less than a millisecond.
    """
    for counter in range(1, _TRIES + 1):
        context = access.encode() + bytes([counter])
        told = b"\x00\x00\x00\x01" + ALGORITHM.encode() + b"\x00" + context + (256).to_bytes(4, "big")
        candidate = int.from_bytes(hmac.digest(b"AWS4A" + secret.encode(), told, hashlib.sha256), "big")
        if candidate <= _ORDER - 2:
            return ec.derive_private_key(candidate + 1, ec.SECP256R1())
    raise AssertionError("no key of 254 fits: that happens once in 2 ** 8000 keys")


class SigV4aAuth(SigV4Auth):  # type: ignore[misc] # botocore has no types
    """As botocore's Version 4, with a scope without a region, the regions in a header, and a signature of a key."""

    def scope(self, request: Any) -> str:
        """With the access key."""
        return f"{self.credentials.access_key}/{self.credential_scope(request)}"

    def credential_scope(self, request: Any) -> str:
        """The day and the service."""
        return f"{request.context['timestamp'][:8]}/{self._service_name}/aws4_request"

    def string_to_sign(self, request: Any, canonical_request: str) -> str:
        """What is signed."""
        digest = hashlib.sha256(canonical_request.encode()).hexdigest()
        return "\n".join((ALGORITHM, request.context["timestamp"], self.credential_scope(request), digest))

    def signature(self, string_to_sign: str, request: Any) -> str:  # noqa: ARG002 - botocore's own signature
        """In DER, as hexadecimal digits: another one each time."""
        key = key_of(self.credentials.access_key, self.credentials.secret_key)
        return key.sign(string_to_sign.encode(), ec.ECDSA(hashes.SHA256())).hex()

    def _inject_signature_to_request(self, request: Any, signature: str) -> Any:
        signed = self.signed_headers(self.headers_to_sign(request))
        told = f"Credential={self.scope(request)}, SignedHeaders={signed}, Signature={signature}"
        request.headers["Authorization"] = f"{ALGORITHM} {told}"
        return request

    def _modify_request_before_signing(self, request: Any) -> None:
        super()._modify_request_before_signing(request)
        del request.headers[REGIONS]
        request.headers[REGIONS] = self._region_name
