"""Signature Version 4A, held to AWS's own example, and to what anybody can check who has the public key."""

from datetime import UTC, datetime

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from watcher.aws.signing_v4a import SigV4aAuth, key_of, teach

# Of AWS's own tests of its signers (aws-c-auth, aws-signing-test-suite/v4a): the public key that belongs to these.
ACCESS, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
X = 0xB6618F6A65740A99E650B33B6B4B5BD0D43B176D721A3EDFEA7E7D2D56D936B1
Y = 0x865ED22A7EADC9C5CB9D2CBACA1B3699139FEDC5043DC6661864218330C8E518


def signed(token: str | None = None, **headers: str) -> AWSRequest:
    request = AWSRequest("GET", "https://example.amazonaws.com/", headers=headers)
    SigV4aAuth(Credentials(ACCESS, SECRET, token), "service", "us-east-1").add_auth(request)
    return request


def signature_of(request: AWSRequest) -> bytes:
    return bytes.fromhex(request.headers["Authorization"].rpartition("Signature=")[2])


def said_of(request: AWSRequest, region: str = "us-east-1") -> bytes:
    """What has to be signed, written out as AWS's pages have it."""
    at = request.headers["X-Amz-Date"]
    canonical = (
        f"GET\n/\n\nhost:example.amazonaws.com\nx-amz-date:{at}\nx-amz-region-set:{region}\n\n"
        "host;x-amz-date;x-amz-region-set\ne3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )
    digest = hashes.Hash(hashes.SHA256())
    digest.update(canonical.encode())
    scope = f"{at[:8]}/service/aws4_request"
    return f"AWS4-ECDSA-P256-SHA256\n{at}\n{scope}\n{digest.finalize().hex()}".encode()


def test_the_key_is_the_one_that_aws_derives():
    numbers = key_of(ACCESS, SECRET).public_key().public_numbers()

    assert (numbers.x, numbers.y) == (X, Y)


def test_a_key_whose_first_bit_is_set_is_one_too():
    """Some signers of others were wrong here."""
    assert (
        key_of("ASIAZRFOHJT45NGNWXS3", "WOuDKprKr+rt3Dl7+RCiNpZGzi3Jw/DdVifyifuC")
        .private_numbers()
        .private_value
        > 0
    )


def test_whoever_has_the_public_key_finds_the_signature_right():
    request = signed()
    key = ec.EllipticCurvePublicNumbers(X, Y, ec.SECP256R1()).public_key()

    key.verify(signature_of(request), said_of(request), ec.ECDSA(hashes.SHA256()))
    with pytest.raises(InvalidSignature):
        key.verify(signature_of(request), said_of(request, "eu-central-1"), ec.ECDSA(hashes.SHA256()))


def test_the_scope_names_no_region_and_the_header_does():
    request = signed()

    today = datetime.strptime(request.headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    assert request.headers["X-Amz-Region-Set"] == "us-east-1"
    assert request.headers["Authorization"].startswith(
        f"AWS4-ECDSA-P256-SHA256 Credential=AKIDEXAMPLE/{today:%Y%m%d}/service/aws4_request,"
        " SignedHeaders=host;x-amz-date;x-amz-region-set, Signature=30"
    )


def test_a_session_sends_its_token_and_signs_it():
    request = signed("of-a-session")

    assert request.headers["X-Amz-Security-Token"] == "of-a-session"
    assert (
        "SignedHeaders=host;x-amz-date;x-amz-region-set;x-amz-security-token"
        in request.headers["Authorization"]
    )


def test_a_request_that_is_sent_again_is_signed_anew_with_one_set_of_regions():
    request = signed()
    SigV4aAuth(Credentials(ACCESS, SECRET), "service", "*").add_auth(request)

    assert request.headers.get_all("X-Amz-Region-Set") == ["*"]
    assert len(request.headers.get_all("Authorization")) == 1


def test_neither_the_secret_nor_the_key_is_in_what_is_sent():
    request = signed()

    sent = str(request.headers)
    assert SECRET not in sent
    assert f"{key_of(ACCESS, SECRET).private_numbers().private_value:x}" not in sent


def test_botocore_is_taught_once_and_keeps_what_it_has():
    teach()

    assert botocore.auth.AUTH_TYPE_MAPS["v4a"] is SigV4aAuth
