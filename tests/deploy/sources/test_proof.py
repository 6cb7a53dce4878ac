"""Who has sent it: a secret in a header, or a signature; and nothing that stands there may raise."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from deploy.model import Level
from deploy.sources.proof import (
    Authorization,
    InHeader,
    Secrets,
    authorizes,
    bears,
    examined,
    signs,
)

SECRET, OTHER = "0123456789abcdef" * 2, "another secret of thirty-two signs"
JEFE = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"  # RFC 4231, test case 2
WORDS = b"what do ya want for nothing?"


def test_the_vector_of_rfc_4231_is_signed():
    assert signs(["Jefe"], JEFE, WORDS)


@pytest.mark.parametrize("place", range(64))
def test_no_character_of_a_signature_may_be_another(place):
    wrong = JEFE[:place] + ("0" if JEFE[place] != "0" else "1") + JEFE[place + 1 :]

    assert not signs(["Jefe"], wrong, WORDS)


@pytest.mark.parametrize("place", range(len(WORDS)))
def test_no_byte_of_what_is_signed_may_be_another(place):
    assert not signs(["Jefe"], JEFE, WORDS[:place] + bytes([WORDS[place] ^ 1]) + WORDS[place + 1 :])


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        JEFE.upper(),
        f"sha256={JEFE}",
        f" {JEFE}",
        f"{JEFE}\n",
        f"{JEFE}, {JEFE}",
        f"{JEFE[:-1]}é",
        "\udc80",
    ],
)
def test_whatever_else_stands_there_is_no_signature(wrong):
    assert not signs(["Jefe"], wrong, WORDS)


def test_an_empty_secret_is_nobodys():
    assert not bears([""], "")
    assert not bears([], "")
    assert not signs([""], "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad", b"")
    assert not authorizes([""], "user", {"authorization": "Basic " + base64.b64encode(b"user:").decode()})


def test_while_a_secret_is_replaced_both_are_good():
    assert bears([SECRET, OTHER], OTHER)
    assert bears([SECRET, OTHER], SECRET)
    assert not bears([SECRET], OTHER)


@pytest.mark.parametrize("wrong", [SECRET[:-1], f"{SECRET} ", f"{SECRET}, {SECRET}", SECRET.upper(), ""])
def test_a_secret_is_that_secret_and_nothing_like_it(wrong):
    assert not bears([SECRET], wrong)


@given(st.text(max_size=60))
def test_no_header_raises(text):
    assert not bears([SECRET], text)
    assert not signs([SECRET], text, b"")
    assert not authorizes([SECRET], None, {"authorization": text})
    assert not authorizes([SECRET], "user", {"authorization": text})


def basic(user: str, password: str) -> str:
    return base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_bearer_shows_the_secret(scheme):
    assert authorizes([SECRET], None, {"authorization": f"{scheme} {SECRET}"})


def test_a_user_shows_the_secret_as_a_password():
    assert authorizes([SECRET], "ada", {"authorization": f"Basic {basic('ada', SECRET)}"})
    assert authorizes([OTHER, SECRET], "ada", {"authorization": f"basic {basic('ada', SECRET)}"})


@pytest.mark.parametrize(
    "wrong",
    [
        f"Bearer {SECRET}",
        f"Basic {basic('eve', SECRET)}",
        f"Basic {basic('ada', OTHER)}",
        f"Basic {SECRET}",
        f"Bearer {basic('ada', SECRET)}",
        basic("ada", SECRET),
        "Basic",
        "",
    ],
)
def test_another_user_or_another_way_to_say_it_is_refused(wrong):
    assert not authorizes([SECRET], "ada", {"authorization": wrong})


@pytest.mark.parametrize(
    "wrong", [SECRET, f"Basic {SECRET}", f"Token {SECRET}", f"Bearer  {SECRET}", "Bearer"]
)
def test_a_bearer_is_nothing_else(wrong):
    assert not authorizes([SECRET], None, {"authorization": wrong})


@pytest.mark.parametrize("secret", ["", "hunter2", "x" * 31])
@pytest.mark.parametrize("field", ["secret", "previous_secret"])
def test_a_secret_that_can_be_guessed_is_refused_and_not_repeated(secret, field):
    with pytest.raises(ValidationError) as refused:
        Secrets.model_validate({"secret": SecretStr(SECRET), field: SecretStr(secret)})

    assert "hunter2" not in str(refused.value)
    assert "at least 32 characters" in str(refused.value)


@pytest.mark.parametrize("user", ["", "ada:b", "ada\n", "a da", "é", "x" * 129])
def test_a_user_that_no_header_can_carry_is_a_mistake(user):
    with pytest.raises(ValidationError):
        Authorization(secret=SecretStr(SECRET), user=user)


@pytest.mark.parametrize("header", ["", "X Y", "X:", "X\n", "x" * 65])
def test_a_name_that_no_header_has_is_a_mistake(header):
    with pytest.raises(ValidationError):
        InHeader(secret=SecretStr(SECRET), header=header)


def test_the_doctor_says_what_is_weak():
    good = Secrets(secret=SecretStr(SECRET))
    replaced = Secrets(secret=SecretStr(SECRET), previous_secret=SecretStr("x" * 40))

    assert [each.level for each in examined(good)] == [Level.OK]
    weak, both = examined(replaced)
    assert "1 different characters" in weak.words
    assert "`previous_secret` is good too" in both.words
    assert SECRET not in str([*examined(good), weak, both])
