"""SHA-256, and nothing else; compared with gidgethub, which knows how GitHub signs."""

import hashlib
import hmac

import pytest
from gidgethub import ValidationFailure
from gidgethub.sansio import validate_event
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from deploy.sources.github import Settings
from deploy.sources.github.signature import signed
from tests.deploy.sources.github.said import a_source, deployment, received
from tests.fakes.github import SECRET
from tests.fakes.github.deliveries import signature

BODY = b'{"zen": "Speak like a human."}'
OTHER = "another secret that is as long as the first"


def test_the_example_of_githubs_documentation_is_signed():
    # https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries#testing-the-webhook-payload-validation
    given = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"

    assert signed(["It's a Secret to Everybody"], given, b"Hello, World!")


@given(st.binary(max_size=200), st.text(min_size=1, max_size=80).filter(lambda text: text.isprintable()))
def test_what_gidgethub_accepts_by_sha_256_is_signed_for_us_too(body, secret):
    given = signature(body, secret)
    validate_event(body, signature=given, secret=secret)

    assert signed([secret], given, body)


@pytest.mark.parametrize("place", range(7 + 64))
def test_no_character_of_a_signature_may_be_another(place):
    given = signature(BODY)
    wrong = given[:place] + ("0" if given[place] != "0" else "1") + given[place + 1 :]

    assert signed([SECRET], given, BODY)
    assert not signed([SECRET], wrong, BODY)


@pytest.mark.parametrize("place", range(len(BODY)))
def test_no_byte_of_a_body_may_be_another(place):
    body = BODY[:place] + bytes([BODY[place] ^ 1]) + BODY[place + 1 :]

    assert not signed([SECRET], signature(BODY), body)


SHA1 = "sha1=" + hmac.new(SECRET.encode(), BODY, hashlib.sha1).hexdigest()
HEX = signature(BODY).removeprefix("sha256=")


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "sha256=",
        HEX,
        SHA1,
        SHA1.replace("sha1", "sha256"),
        f"sha1={HEX}",
        f"SHA256={HEX}",
        f"sha256={HEX.upper()}",
        f"sha256={HEX[:-1]}",
        f"sha256={HEX}0",
        f"sha256={HEX}\n",
        f" sha256={HEX}",
        f"sha256={HEX}, sha256={HEX}",
        f"sha256={HEX[:-1]}é",
        f"sha256={HEX[:-1]}\udc80",
        "sha256=" + "٣" * 64,
    ],
)
def test_whatever_else_stands_there_is_no_signature(wrong):
    assert not signed([SECRET], wrong, BODY)


def test_gidgethub_would_take_a_sha_1_in_the_header_of_sha_256():
    validate_event(BODY, signature=SHA1, secret=SECRET)  # why we do not leave it to gidgethub

    with pytest.raises(ValidationFailure):
        validate_event(BODY, signature=signature(BODY, OTHER), secret=SECRET)


def test_an_empty_secret_signs_nothing():
    assert not signed([""], signature(BODY, ""), BODY)
    assert not signed([], signature(BODY), BODY)


def test_while_a_secret_is_replaced_both_are_good():
    both = a_source(secret=SecretStr(OTHER), previous_secret=SecretStr(SECRET))
    given = received("deployment", deployment())

    assert both.admits(given.headers, given.body)
    assert both.admits({"x-hub-signature-256": signature(given.body, OTHER)}, given.body)
    assert not a_source(secret=SecretStr(OTHER)).admits(given.headers, given.body)


def test_the_header_of_sha_1_is_not_looked_at():
    assert not a_source().admits({"x-hub-signature": SHA1}, BODY)


@pytest.mark.parametrize("secret", ["", "hunter2", "x" * 31])
@pytest.mark.parametrize("field", ["secret", "previous_secret"])
def test_a_secret_that_can_be_guessed_is_refused_and_not_repeated(secret, field):
    with pytest.raises(ValidationError) as refused:
        Settings.model_validate(
            {"secret": SecretStr(SECRET), "repositories": ["acme/shop"], field: SecretStr(secret)}
        )

    assert "hunter2" not in str(refused.value)
    assert "at least 32 characters" in str(refused.value)
